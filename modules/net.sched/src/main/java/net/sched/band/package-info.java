/**
 * Disciplines that choose among classes and never hold back: strict priority and round robin.
 */
@NullMarked
package net.sched.band;

import org.jspecify.annotations.NullMarked;
