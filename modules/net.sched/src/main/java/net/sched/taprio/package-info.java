/**
 * The time aware shaper of IEEE 802.1Q: gates of traffic classes that open and close by a schedule.
 *
 * <p>Kernel directories: {@code net/sched}. Threading: a discipline runs under its tree's lock.
 */
@NullMarked
package net.sched.taprio;

import org.jspecify.annotations.NullMarked;
