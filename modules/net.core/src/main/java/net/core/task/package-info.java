/**
 * Threads and how they wait: the scheduler (live or virtual), program threads, wait queues, spinlocks. Kernel
 * directories: {@code kernel/sched}, {@code kernel/locking}. See docs/adr/0013-virtual-time.md.
 */
@NullMarked
package net.core.task;

import org.jspecify.annotations.NullMarked;
