package net.core;

/**
 * The softirq vectors, in the order in which they run. The ordinal is the bit in the pending masks.
 *
 * <p>Linux: enum in include/linux/interrupt.h. {@code Deviation:} BLOCK, IRQ_POLL, SCHED and RCU have no counterpart;
 * HRTIMER runs every hrtimer (in Linux only those that ask for it; our interrupt context is a worker thread's few lines
 * before the softirqs, so there is nothing to gain from running callbacks there).
 */
public enum Softirq {
    /** High-priority tasklets. */
    HI,
    /** Expired timers of this CPU's wheel. */
    TIMER,
    /** Completed sends, qdiscs with a backlog. */
    NET_TX,
    /** NAPI polls. */
    NET_RX,
    /** Tasklets: TCP small queues. */
    TASKLET,
    /** Expired hrtimers of this CPU. */
    HRTIMER;

    /** This vector's bit in a pending mask. */
    public final int bit = 1 << ordinal();

    static final int COUNT = 6;
}
