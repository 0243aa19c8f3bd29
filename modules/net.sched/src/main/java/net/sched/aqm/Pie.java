package net.sched.aqm;

import net.skbuff.HotPath;

/**
 * Proportional Integral controller Enhanced: a drop probability that follows the delay and its change. The parameters,
 * shared by many queues, and the decision; what a queue remembers is in {@link State}.
 *
 * <p>{@code Deviation:} probabilities are doubles from 0 to 1 where Linux counts in 2^56.
 *
 * <p>Linux: include/net/pie.h, net/sched/sch_pie.c. RFC 8033
 */
public final class Pie {
    private static final int QUEUE_THRESHOLD = 16384;
    private static final long BURST_NS = 150_000_000;
    private static final long NONLINEAR_NS = 250_000_000;
    private static final long NONE = Long.MIN_VALUE;

    /** One queue's. A flow of fq_pie holds one. */
    public static final class State {
        /** Drop probability. */
        public double prob;
        /** Current delay. */
        public long qdelayNs;
        /** Departure rate, bytes per second; of the estimator. */
        public double avgDqRate;

        private double accuProb;
        private long burstNs = BURST_NS;
        private long qdelayOldNs;
        private long dqTstamp = NONE;
        private long dqCount = -1;

        /** Fresh. */
        public State() {}

        /** Forgets everything. */
        public void init() {
            prob = 0;
            qdelayNs = 0;
            avgDqRate = 0;
            accuProb = 0;
            burstNs = BURST_NS;
            qdelayOldNs = 0;
            dqTstamp = NONE;
            dqCount = -1;
        }

        /** A packet was dropped: the count towards the next begins. */
        public void dropped() {
            accuProb = 0;
        }
    }

    /** Reference delay. */
    public long targetNs = 15_000_000;
    /** Time between updates. */
    public long tupdateNs = 15_000_000;
    /** Weight of the delay, in 1/16 Hz. */
    public int alpha = 2;
    /** Weight of its change, in 1/16 Hz. */
    public int beta = 20;
    /** Marks instead of dropping while the probability is low. */
    public boolean ecn;
    /** Small packets are dropped less. */
    public boolean bytemode;
    /** Estimates the delay from the departure rate instead of time stamps. */
    public boolean dqRateEstimator;
    /** Longest frame, bytes. */
    public int mtu;

    /** With the defaults. */
    public Pie() {}

    /** Decides whether an arrival is dropped. {@code random}: 32 bits. Linux: pie_drop_early(). RFC 8033 4.1 */
    @HotPath
    public boolean dropEarly(State s, long backlog, int len, int random) {
        if (s.burstNs > 0 || s.qdelayNs < targetNs / 2 && s.prob < 0.2 || backlog < 2L * mtu) {
            return false;
        }
        double p = bytemode && len <= mtu ? s.prob * len / mtu : s.prob;
        s.accuProb = p == 0 ? 0 : s.accuProb + p;
        // Not twice in close succession, and not never: RFC 8033 5.4
        if (s.accuProb < 0.85) {
            return false;
        }
        if (s.accuProb < 8.5 && (random & 0xffffffffL) >= p * 0x1p32) {
            return false;
        }
        s.accuProb = 0;
        return true;
    }

    /** A packet leaves: measures the delay, or the rate. Linux: pie_process_dequeue(). RFC 8033 4.3 */
    @HotPath
    public void processDequeue(State s, long enqueuedNs, int len, long backlog, long now) {
        long dt;
        if (!dqRateEstimator) {
            s.qdelayNs = backlog == 0 ? 0 : now - enqueuedNs;
            dt = s.dqTstamp == NONE ? 0 : now - s.dqTstamp;
            s.dqTstamp = now;
            if (dt == 0) {
                return;
            }
        } else {
            if (backlog >= QUEUE_THRESHOLD && s.dqCount < 0) {
                s.dqTstamp = now;
                s.dqCount = 0;
            }
            if (s.dqCount < 0) {
                return;
            }
            s.dqCount += len;
            if (s.dqCount < QUEUE_THRESHOLD) {
                return;
            }
            dt = now - s.dqTstamp;
            if (dt == 0) {
                return;
            }
            double rate = s.dqCount * 1e9 / dt;
            s.avgDqRate = s.avgDqRate == 0 ? rate : s.avgDqRate * 7 / 8 + rate / 8;
            s.dqCount = backlog < QUEUE_THRESHOLD ? -1 : 0;
            s.dqTstamp = now;
        }
        s.burstNs = Math.max(0, s.burstNs - dt);
    }

    /** Updates the probability; every {@link #tupdateNs}. Linux: pie_calculate_probability(). RFC 8033 4.2 */
    public void calculateProbability(State s, long backlog) {
        long qdelay = s.qdelayNs;
        long old = s.qdelayOldNs;
        if (dqRateEstimator) {
            old = s.qdelayNs;
            qdelay = s.avgDqRate > 0 ? (long) (backlog * 1e9 / s.avgDqRate) : 0;
        }
        boolean update = qdelay != 0 || backlog == 0;
        // RFC 8033 5.2: the lower the probability, the smaller the steps.
        double scale = 1;
        if (s.prob < 0.1) {
            scale = 0.5;
            for (double limit = 0.01; s.prob < limit && limit >= 1e-6; limit /= 10) {
                scale /= 4;
            }
        }
        double delta = scale * (alpha / 16.0 * (qdelay - targetNs) + beta / 16.0 * (qdelay - old)) / 1e9;
        if (delta > 0.02 && s.prob >= 0.1) {
            delta = 0.02;
        }
        if (qdelay > NONLINEAR_NS) {
            delta += 0.02;
        }
        s.prob += delta;
        if (s.prob > 1) {
            s.prob = 1;
            update = false;
        }
        s.prob = Math.max(0, s.prob);
        if (qdelay == 0 && old == 0 && update) {
            s.prob -= s.prob / 64;
        }
        s.qdelayNs = qdelay;
        s.qdelayOldNs = qdelay;
        if (qdelay < targetNs / 2 && old < targetNs / 2 && s.prob == 0 && (!dqRateEstimator || s.avgDqRate > 0)) {
            s.init();
        }
    }
}
