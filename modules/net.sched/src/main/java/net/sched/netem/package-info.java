/**
 * The network emulator: delay, loss, and all else that a long wire does.
 *
 * <p>Kernel directories: {@code net/sched}. Threading: a discipline runs under its tree's lock.
 */
@NullMarked
package net.sched.netem;

import org.jspecify.annotations.NullMarked;
