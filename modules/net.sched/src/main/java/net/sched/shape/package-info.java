/**
 * Disciplines that hold packets back to keep a rate or a schedule.
 */
@NullMarked
package net.sched.shape;

import org.jspecify.annotations.NullMarked;
