/**
 * Time: clocks, the timer wheel and the hrtimers. Kernel directory: {@code kernel/time}. Per-CPU queues are run by the
 * holder of the CPU and changed from anywhere under their spinlocks. See docs/adr/0012-timers.md.
 */
@NullMarked
package net.core.time;

import org.jspecify.annotations.NullMarked;
