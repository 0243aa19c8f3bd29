package net.sched.aqm;

import net.sched.TcAttrs;
import net.sched.TcGrammar;
import net.skbuff.HotPath;

/**
 * Random Early Detection: an average of the queue's length, and between two thresholds a probability of marking that
 * grows with it. Lengths are in the owner's unit, bytes or packets.
 *
 * <p>{@code Deviation:} averages and probabilities are doubles; an idle time is a power instead of a table of 256.
 *
 * <p>Linux: include/net/red.h. Floyd, Jacobson, Random Early Detection Gateways, 1993; Floyd, Gummadi, Shenker, Adaptive
 * RED, 2001
 */
public final class Red {
    /** Let it pass. */
    public static final int DONT_MARK = 0;
    /** Mark or drop, by probability. */
    public static final int PROB_MARK = 1;
    /** Mark or drop: above the upper threshold. */
    public static final int HARD_MARK = 2;

    /** Time between two adaptions. */
    public static final long ADAPT_NS = 500_000_000L;

    private static final double MAX_P_MIN = 0.01;
    private static final double MAX_P_MAX = 0.5;

    /** Lower threshold. */
    public double qthMin;
    /** Upper threshold. */
    public double qthMax;
    /** Probability at the upper threshold. */
    public double maxP = 0.02;
    /** Weight of a new length: 2^-wlog. */
    public int wlog = 9;
    /** Time of an average packet on the link. */
    public double packetNs = 800_000;

    /** The average. */
    public double qavg;

    private int qcount = -1;
    private double qr;
    private boolean idling;
    private long idleStart;

    /** To be configured. */
    public Red() {}

    /** The words all kinds of RED have; {@code size}: thresholds in bytes. */
    public static TcGrammar grammar(TcGrammar g, boolean size) {
        if (size) {
            g.size("limit").size("min").size("max");
        } else {
            g.number("limit", 1, Integer.MAX_VALUE).number("min", 0, Integer.MAX_VALUE);
            g.number("max", 1, Integer.MAX_VALUE);
        }
        return g.number("avpkt", 1, 1 << 20)
                .number("burst", 1, 1 << 20)
                .probability("probability")
                .rate("bandwidth")
                .flag("ecn", "ecn", 1)
                .flag("harddrop", "harddrop", 1);
    }

    /**
     * Thresholds and weights from options as tc derives them: of {@code limit} a quarter is the upper threshold, of that
     * a third the lower. Linux: iproute2, q_red.c, tc_red.c
     */
    public void configure(TcAttrs a, double limit, boolean packets) {
        int avpkt = a.get("avpkt", 1000);
        double max = a.get("max", 0L);
        double min = a.get("min", 0L);
        if (max == 0) {
            max = min != 0 ? min * 3 : limit / 4;
        }
        if (min == 0) {
            min = max / 3;
        }
        qthMin = min;
        qthMax = Math.max(max, min + 1);
        double avg = packets ? 1 : avpkt;
        long burst = a.get("burst", Math.max(1L, (long) ((2 * min + max) / (3 * avg))));
        wlog = ewma(min / avg, burst);
        maxP = a.get("probability", 0.02);
        packetNs = avpkt * 1e9 / Math.max(1, a.get("bandwidth", 1_250_000L));
    }

    /** The weight with which a burst of so many packets does not reach the lower threshold. Linux: tc_red_eval_ewma(). */
    private static int ewma(double minPackets, long burst) {
        double a = burst + 1 - minPackets;
        double w = 0.5;
        for (int i = 1; i < 32; i++, w /= 2) {
            if (a <= (1 - Math.pow(1 - w, (double) burst)) / w) {
                return i;
            }
        }
        return 9;
    }

    /** Forgets everything but the configuration. */
    public void restart() {
        qavg = 0;
        qcount = -1;
        idling = false;
    }

    /** The queue is empty from now on. */
    @HotPath
    public void startIdle(long now) {
        if (!idling) {
            idling = true;
            idleStart = now;
        }
    }

    /** Takes the length that an arrival finds into the average. Linux: red_calc_qavg(). */
    @HotPath
    public void arrival(double length, long now) {
        if (idling) {
            qavg *= idleFactor(now);
            idling = false;
        } else {
            qavg += (length - qavg) / (1L << wlog);
        }
    }

    private double idleFactor(long now) {
        return Math.pow(1 - 1.0 / (1L << wlog), Math.max(0, now - idleStart) / packetNs);
    }

    /** What to do with the arrival, by the average. {@code random}: 32 bits. Linux: red_action(). */
    @HotPath
    public int action(int random) {
        return action(qavg, random);
    }

    /** As {@link #action(int)}, by an average of the caller's. */
    @HotPath
    public int action(double avg, int random) {
        if (avg < qthMin) {
            qcount = -1;
            return DONT_MARK;
        }
        if (avg >= qthMax) {
            qcount = -1;
            return HARD_MARK;
        }
        // Marks are spread evenly: the count since the last one decides against one random number.
        if (++qcount == 0) {
            qr = (random & 0xffffffffL) * 0x1p-32;
            return DONT_MARK;
        }
        if (maxP * (avg - qthMin) / (qthMax - qthMin) * qcount < qr) {
            return DONT_MARK;
        }
        qcount = 0;
        qr = (random & 0xffffffffL) * 0x1p-32;
        return PROB_MARK;
    }

    /** Keeps the average in the middle of the thresholds. Linux: red_adaptative_algo(). */
    public void adapt(long now) {
        double avg = idling ? qavg * idleFactor(now) : qavg;
        double delta = qthMax - qthMin;
        if (avg > qthMin + 0.6 * delta && maxP <= MAX_P_MAX) {
            maxP += Math.min(0.01, maxP / 4);
        } else if (avg < qthMin + 0.4 * delta && maxP >= MAX_P_MIN) {
            maxP *= 0.9;
        }
    }
}
