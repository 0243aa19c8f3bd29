package net.sched.aqm;

import net.core.Cpu;
import net.core.dev.Gso;
import net.core.dev.NetXmit;
import net.core.dev.NetdevFeatures;
import net.core.dev.NetdevQueue;
import net.core.dev.QdiscSkbCb;
import net.core.dev.TcfBlock;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.InetEcn;
import net.sched.QdiscTimer;
import net.sched.SchedQdisc;
import net.sched.TcAttrs;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * Two queues under one controller: classic traffic is dropped or marked with the square of a probability, scalable traffic (L4S)
 * marked with a multiple of it, so that both get like rates, while the latter waits for a millisecond only.
 *
 * <p>A packet's arrival is in its cbl0, its queue in cb2, its memory in cb3.
 *
 * <p>{@code Deviation:} probabilities are doubles; a negative one is 0 as in Linux.
 *
 * <p>Linux: net/sched/sch_dualpi2.c. RFC 9332, RFC 9331
 */
final class DualPi2 extends SchedQdisc {
    private static final int CLASSIC = 0;
    private static final int L4S = 1;

    private final SkBuffHead lq = new SkBuffHead();
    private long targetNs = 15_000_000;
    private long tupdateNs = 16_000_000;
    /** Hz. */
    private double alpha = 41 / 256.0;

    private double beta = 819 / 256.0;
    private int coupling = 2;
    private long stepNs = 1_000_000;
    /** Instead of {@link #stepNs} if positive. */
    private int stepPackets;

    private int minQlenStep;
    private boolean dropOverload = true;
    private boolean dropEarly;
    private boolean splitGso = true;
    private int ecnMask = InetEcn.ECT_1;
    private int protectWc = 10;
    private long memoryLimit;

    private double prob;
    private long lastQdelayNs;
    /** Whose turn it is: classic's if positive. */
    private long credit;

    private long memoryUsed;
    private long maxMemoryUsed;
    private long packetsInC;
    private long packetsInL;
    private int maxq;
    private long ecnMark;
    private long stepMarks;

    private final QdiscTimer timer = new QdiscTimer(this) {
        @Override
        protected long tick(Cpu cpu, long nowNs) {
            updateProbability(nowNs);
            return qlen == 0 && prob == 0 && lastQdelayNs == 0 ? 0 : tupdateNs;
        }
    };

    DualPi2(DualPi2Ops ops, NetdevQueue devQueue) {
        super(ops, devQueue, 0);
        limit = 10_000;
        memoryLimit = 2L * limit * pschedMtu();
    }

    @Override
    public boolean takesFilters() {
        return true;
    }

    @Override
    public int init(@Nullable Object opt) {
        return change(opt);
    }

    @Override
    public int change(@Nullable Object opt) {
        TcAttrs a = TcAttrs.of(opt);
        if (a.has("limit")) {
            limit = a.get("limit", limit);
            memoryLimit = 2L * limit * pschedMtu();
        }
        memoryLimit = a.get("memlimit", memoryLimit);
        targetNs = a.get("target", targetNs);
        tupdateNs = a.get("tupdate", tupdateNs);
        alpha = a.get("alpha", alpha);
        beta = a.get("beta", beta);
        coupling = a.get("coupling_factor", coupling);
        if (a.has("step_packets") || a.has("step_ns")) {
            stepPackets = a.get("step_packets", 0);
            stepNs = a.get("step_ns", stepNs);
        }
        minQlenStep = a.get("min_qlen_step", minQlenStep);
        dropOverload = a.get("drop_overload", dropOverload);
        dropEarly = a.get("drop_early", dropEarly);
        splitGso = a.get("split_gso", splitGso);
        ecnMask = a.get("ecn_mask", ecnMask);
        protectWc = a.get("classic_protection", protectWc);
        resetCredit();
        return 0;
    }

    private void resetCredit() {
        credit = (long) pschedMtu() * (protectWc - (100 - protectWc));
    }

    // ---- the controller

    /** RFC 9332 A.1: proportional and integral in the greater of the two delays. */
    private void updateProbability(long now) {
        SkBuff c = q.head;
        SkBuff l = lq.head;
        long delay = Math.max(c == null ? 0 : now - c.cbl0, l == null ? 0 : now - l.cbl0);
        prob += (alpha * (delay - targetNs) + beta * (delay - lastQdelayNs)) / 1e9;
        lastQdelayNs = delay;
        prob = Math.clamp(prob, 0, dropOverload ? 1.0 : 1.0 / coupling);
    }

    private boolean roll(double p) {
        return (random() & 0xffffffffL) < p * 0x1p32;
    }

    /** One roll for each factor of the square. */
    private boolean rollSquare() {
        boolean first = roll(prob);
        return first && roll(prob);
    }

    /** Marks or, if it cannot or must not, says true: drop it. Linux: must_drop(). */
    @HotPath
    private boolean mustDrop(SkBuff skb) {
        if (prob == 0 || backlog < 2 * pschedMtu()) {
            return false;
        }
        double scaled = prob * coupling;
        boolean overload = scaled > 1;
        boolean ect = InetEcn.ecn(skb) != InetEcn.NOT_ECT;
        if (skb.cb2 == CLASSIC) {
            if (!rollSquare()) {
                return false;
            }
            return overload || !ect || !mark(skb);
        }
        if (overload) {
            // Marks are all used up: scalable traffic is dropped as classic is, to be held back at all.
            return dropOverload && rollSquare() || !mark(skb);
        }
        return roll(scaled) && (!ect || !mark(skb));
    }

    private boolean mark(SkBuff skb) {
        if (InetEcn.setCe(skb)) {
            ecnMark++;
            return true;
        }
        return false;
    }

    /** Above its step threshold scalable traffic is marked for sure; true if it cannot be, and goes. */
    private boolean stepDrops(SkBuff skb, long now) {
        if (lq.qlen < minQlenStep) {
            return false;
        }
        boolean above = stepPackets > 0 ? lq.qlen >= stepPackets : now - skb.cbl0 > stepNs;
        if (!above) {
            return false;
        }
        int ecn = InetEcn.ecn(skb);
        if (ecn == InetEcn.NOT_ECT) {
            return true;
        }
        if (ecn != InetEcn.CE && InetEcn.setCe(skb)) {
            stepMarks++;
        }
        return false;
    }

    // ---- in

    @HotPath
    private int classify(Cpu cpu, SkBuff skb) {
        if ((InetEcn.ecn(skb) & ecnMask) != 0) {
            return L4S;
        }
        if (handle != 0 && TcHandle.major(skb.priority) == handle) {
            return TcHandle.minor(skb.priority) == 1 ? L4S : CLASSIC;
        }
        int act = tcfClassify(cpu, skb);
        if (act == TcfBlock.TC_ACT_UNSPEC || act == TcfBlock.TC_ACT_OK) {
            return act == TcfBlock.TC_ACT_OK && TcHandle.minor(QdiscSkbCb.tcClassid(skb)) == 1 ? L4S : CLASSIC;
        }
        return -1 - act;
    }

    @Override
    @HotPath
    public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
        int c = classify(cpu, skb);
        if (c < 0) {
            return taken(-1 - c, skb, toFree);
        }
        timer.arm(cpu, tupdateNs);
        if (splitGso && skb.isGso()) {
            SkBuff segs = Gso.skbGsoSegment(cpu, skb, devQueue.dev.features & ~NetdevFeatures.NETIF_F_GSO_MASK, true);
            if (segs != null && segs != skb) {
                return segments(cpu, skb, segs, c, toFree);
            }
        }
        return one(cpu, skb, c, toFree);
    }

    private int segments(Cpu cpu, SkBuff skb, SkBuff segs, int c, SkBuffHead toFree) {
        int n = 0;
        int bytes = 0;
        int rc = NetXmit.NET_XMIT_DROP;
        for (SkBuff s = segs; s != null; ) {
            SkBuff next = s.next;
            s.next = null;
            QdiscSkbCb.setPktLen(s, s.len);
            int len = s.len;
            if (one(cpu, s, c, toFree) == NetXmit.NET_XMIT_SUCCESS) {
                rc = NetXmit.NET_XMIT_SUCCESS;
                n++;
                bytes += len;
            }
            s = next;
        }
        if (rc == NetXmit.NET_XMIT_SUCCESS) {
            treeReduceBacklog(1 - n, QdiscSkbCb.pktLen(skb) - bytes);
        }
        skb.consume(cpu);
        return rc;
    }

    @HotPath
    private int one(Cpu cpu, SkBuff skb, int c, SkBuffHead toFree) {
        skb.cb2 = c;
        if (qlen >= limit || memoryUsed + skb.truesize >= memoryLimit) {
            overlimits++;
            return qdiscDrop(skb, toFree);
        }
        if (dropEarly && mustDrop(skb)) {
            return qdiscDrop(skb, toFree);
        }
        skb.cbl0 = cpu.nowNs();
        skb.cb3 = skb.truesize;
        memoryUsed += skb.truesize;
        maxMemoryUsed = Math.max(maxMemoryUsed, memoryUsed);
        if (c == L4S) {
            lq.addTail(skb);
            packetsInL++;
        } else {
            q.addTail(skb);
            packetsInC++;
        }
        qstatsAdd(skb);
        maxq = Math.max(maxq, qlen);
        return NetXmit.NET_XMIT_SUCCESS;
    }

    // ---- out

    @Override
    @HotPath
    public @Nullable SkBuff dequeue(Cpu cpu) {
        long now = cpu.nowNs();
        while (true) {
            SkBuff skb;
            long change = 0;
            // Scalable first, as long as classic has not saved up its share.
            if (!lq.isEmpty() && (q.isEmpty() || credit <= 0)) {
                skb = lq.dequeue();
                change = q.isEmpty() ? 0 : protectWc;
            } else {
                skb = q.dequeue();
                change = lq.isEmpty() ? 0 : protectWc - 100;
            }
            if (skb == null) {
                resetCredit();
                return null;
            }
            int len = QdiscSkbCb.pktLen(skb);
            memoryUsed -= skb.cb3;
            qstatsSub(skb);
            if (!dropEarly && mustDrop(skb) || skb.cb2 == L4S && stepDrops(skb, now)) {
                treeReduceBacklog(1, len);
                dequeueDrop(cpu, skb, SkbDropReason.QDISC_CONGESTED);
                continue;
            }
            credit += change * len;
            bstatsUpdate(skb);
            return skb;
        }
    }

    @Override
    public void trim(Cpu cpu) {
        int n = qlen;
        int bytes = backlog;
        while (qlen > limit || memoryUsed > memoryLimit) {
            SkBuff skb = q.isEmpty() ? lq.dequeue() : q.dequeue();
            if (skb == null) {
                break;
            }
            memoryUsed -= skb.cb3;
            qstatsSub(skb);
            dequeueDrop(cpu, skb, SkbDropReason.QDISC_OVERLIMIT);
        }
        treeReduceBacklog(n - qlen, bytes - backlog);
    }

    @Override
    public void takeAll(Cpu cpu, SkBuffHead to) {
        to.spliceTail(lq);
        to.spliceTail(q);
        memoryUsed = 0;
        prob = 0;
        lastQdelayNs = 0;
        resetCredit();
    }

    @Override
    public void destroy(Cpu cpu) {
        timer.cancel();
    }

    @Override
    public void dump(TcPrint p) {
        p.num("limit", "limit ", limit, "p ");
        p.size("memlimit", "memlimit ", memoryLimit, " ");
        p.timeNs("target", "target ", targetNs, " ");
        p.timeNs("tupdate", "tupdate ", tupdateNs, " ");
        p.real("alpha", "alpha ", alpha, " ");
        p.real("beta", "beta ", beta, " ");
        p.str("ecn_mask", "", ecnMask == InetEcn.ECT_1 ? "l4s_ect" : "any_ect", " ");
        p.num("coupling_factor", "coupling_factor ", coupling, " ");
        p.str("drop_overload", "", dropOverload ? "drop_on_overload" : "overflow", " ");
        if (stepPackets > 0) {
            p.num("step_packets", "step_thresh ", stepPackets, "p ");
        } else {
            p.timeNs("step_thresh", "step_thresh ", stepNs, " ");
        }
        p.num("min_qlen_step", "min_qlen_step ", minQlenStep, "p ");
        p.str("drop_early", "", dropEarly ? "drop_enqueue" : "drop_dequeue", " ");
        p.str("split_gso", "", splitGso ? "split_gso" : "no_split_gso", " ");
        p.num("classic_protection", "classic_protection ", protectWc, "% ");
    }

    @Override
    public void dumpStats(TcPrint p) {
        long now = devQueue.dev.kernel().clock().nanoTime();
        SkBuff c = q.head;
        SkBuff l = lq.head;
        p.real("prob", "  prob ", prob, "");
        p.timeNs("delay_c", " delay_c ", c == null ? 0 : now - c.cbl0, "");
        p.timeNs("delay_l", " delay_l ", l == null ? 0 : now - l.cbl0, "").nl();
        p.num("pkts_in_c", "  pkts_in_c ", packetsInC, "");
        p.num("pkts_in_l", " pkts_in_l ", packetsInL, "");
        p.num("maxq", " maxq ", maxq, "").nl();
        p.num("ecn_mark", "  ecn_mark ", ecnMark, "");
        p.num("step_mark", " step_mark ", stepMarks, "").nl();
        p.num("credit", "  credit ", credit, "");
        p.str("credit_queue", " (", credit > 0 ? "C" : "L", ")").nl();
        p.size("memory_used", "  memory used ", memoryUsed, "");
        p.size("max_memory_used", " (max ", maxMemoryUsed, ")").nl();
    }
}
