package net.sched.cake;

import net.sched.fair.FlowList;
import net.skbuff.HotPath;

/**
 * A class of service: its flows and hosts, its share of the rate, its counters.
 *
 * <p>Linux: struct cake_tin_data
 */
final class CakeTin {
    static final int QUEUES = 1024;
    private static final int WAYS = 8;

    final CakeFlow[] flows;
    private final int[] srcTag;
    private final int[] dstTag;
    private final int[] srcBulk;
    private final int[] dstBulk;
    final FlowList newFlows = new FlowList();
    final FlowList oldFlows = new FlowList();
    final FlowList decayingFlows = new FlowList();
    final Cobalt cobalt = new Cobalt();

    int flowQuantum = 1514;
    int tinQuantum = 65535;
    int tinDeficit;
    long tinBacklog;
    long timeNextPacket;
    /** ns for a byte, shifted. */
    long rateNs;

    int rateShift;
    long rateBps;

    int sparseCount;
    int bulkCount;
    int decayingCount;
    int unresponsiveCount;

    int maxSkblen;
    long packets;
    long bytes;
    long dropped;
    long ecnMark;
    long ackDrops;
    long wayDirects;
    long wayHits;
    long wayMisses;
    long wayCollisions;
    long avgeDelay;
    long peakDelay;
    long baseDelay;

    CakeTin() {
        this(QUEUES);
    }

    /** With so many queues, a power of two; with none it is a rate only. */
    CakeTin(int queues) {
        flows = new CakeFlow[queues];
        srcTag = new int[queues];
        dstTag = new int[queues];
        srcBulk = new int[queues];
        dstBulk = new int[queues];
        for (int i = 0; i < queues; i++) {
            flows[i] = new CakeFlow(i);
        }
    }

    /** Sets the rate in bytes per second, 0 for none, and what follows from it. Linux: cake_set_rate(). */
    void setRate(long rate, int mtu, long targetNs, long rttNs) {
        flowQuantum = 1514;
        rateNs = 0;
        rateShift = 0;
        if (rate != 0) {
            flowQuantum = Math.clamp(rate >> 12, 300, 1514);
            rateShift = 34;
            rateNs = Long.divideUnsigned(1_000_000_000L << 34, Math.max(64, rate));
            while (rateNs >>> 34 != 0) {
                rateNs >>>= 1;
                rateShift--;
            }
        }
        rateBps = rate;
        long mtuNs = mtu * rateNs >> rateShift;
        cobalt.mtuTimeNs = mtuNs;
        cobalt.targetNs = Math.max(mtuNs * 3 / 2, targetNs);
        cobalt.intervalNs = Math.max(rttNs + cobalt.targetNs - targetNs, cobalt.targetNs * 2);
    }

    /** The queue for a flow: eight-way set-associative, by full hashes. Linux: cake_hash(). */
    @HotPath
    CakeFlow select(int flowHash, int srcHash, int dstHash, int mode) {
        int direct = flowHash & QUEUES - 1;
        CakeFlow f = flows[direct];
        if (f.set != CakeFlow.NONE && f.tag == flowHash) {
            wayDirects++;
            return f;
        }
        int outer = direct & -WAYS;
        boolean fresh = true;
        f = null;
        for (int i = 0; i < WAYS && f == null; i++) {
            CakeFlow g = flows[outer + (direct + i & WAYS - 1)];
            if (g.tag == flowHash) {
                f = g;
                fresh = g.set == CakeFlow.NONE;
                wayHits += i != 0 ? 1 : 0;
            }
        }
        for (int i = 0; i < WAYS && f == null; i++) {
            CakeFlow g = flows[outer + (direct + i & WAYS - 1)];
            if (g.set == CakeFlow.NONE) {
                f = g;
                wayMisses++;
            }
        }
        if (f == null) {
            // Two flows share a queue; it belongs to the hosts of the later one.
            f = flows[direct];
            wayCollisions++;
            if (f.set == CakeFlow.BULK) {
                countHosts(f, mode, -1);
            }
        }
        f.tag = flowHash;
        if (fresh) {
            if ((mode & CakeMode.DUAL_SRC) == CakeMode.DUAL_SRC) {
                f.srcHost = host(srcTag, srcBulk, srcHash);
            }
            if ((mode & CakeMode.DUAL_DST) == CakeMode.DUAL_DST) {
                f.dstHost = host(dstTag, dstBulk, dstHash);
            }
            if (f.set == CakeFlow.BULK) {
                countHosts(f, mode, 1);
            }
        }
        return f;
    }

    private static int host(int[] tags, int[] bulk, int hash) {
        int direct = hash & QUEUES - 1;
        int outer = direct & -WAYS;
        for (int i = 0; i < WAYS; i++) {
            int at = outer + (direct + i & WAYS - 1);
            if (tags[at] == hash) {
                return at;
            }
        }
        for (int i = 0; i < WAYS; i++) {
            int at = outer + (direct + i & WAYS - 1);
            if (bulk[at] == 0) {
                tags[at] = hash;
                return at;
            }
        }
        tags[direct] = hash;
        return direct;
    }

    /** Counts a bulk flow in or out at its hosts. */
    @HotPath
    void countHosts(CakeFlow f, int mode, int by) {
        if ((mode & CakeMode.DUAL_SRC) == CakeMode.DUAL_SRC) {
            srcBulk[f.srcHost] = Math.max(0, srcBulk[f.srcHost] + by);
        }
        if ((mode & CakeMode.DUAL_DST) == CakeMode.DUAL_DST) {
            dstBulk[f.dstHost] = Math.max(0, dstBulk[f.dstHost] + by);
        }
    }

    /** A flow's quantum: its host's share divided among the host's bulk flows. Linux: cake_get_flow_quantum(). */
    @HotPath
    int quantum(CakeFlow f, int mode, int random) {
        int load = 1;
        if ((mode & CakeMode.DUAL_SRC) == CakeMode.DUAL_SRC) {
            load = Math.max(load, srcBulk[f.srcHost]);
        }
        if ((mode & CakeMode.DUAL_DST) == CakeMode.DUAL_DST) {
            load = Math.max(load, dstBulk[f.dstHost]);
        }
        // The random part makes up for what rounding takes.
        return (int) ((long) flowQuantum * (65535 / load) + (random & 0xffff) >> 16);
    }

    @HotPath
    boolean hasWork() {
        return sparseCount + bulkCount > 0;
    }

    /** Forgets flows and hosts. */
    void clear() {
        java.util.Arrays.fill(srcBulk, 0);
        java.util.Arrays.fill(dstBulk, 0);
        sparseCount = 0;
        bulkCount = 0;
        decayingCount = 0;
        unresponsiveCount = 0;
        tinBacklog = 0;
        tinDeficit = 0;
    }
}
