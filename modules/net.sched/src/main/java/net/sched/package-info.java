/**
 * The queueing disciplines, classifiers and actions.
 */
@NullMarked
package net.sched;

import org.jspecify.annotations.NullMarked;
