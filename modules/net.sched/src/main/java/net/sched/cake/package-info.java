/**
 * Common Applications Kept Enhanced: a shaper, fair queues and an AQM in one.
 *
 * <p>Kernel directories: {@code net/sched}. Threading: a discipline runs under its tree's lock.
 */
@NullMarked
package net.sched.cake;

import org.jspecify.annotations.NullMarked;
