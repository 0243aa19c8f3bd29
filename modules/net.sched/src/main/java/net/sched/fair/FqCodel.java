package net.sched.fair;

import net.core.Cpu;
import net.core.dev.FlowDissector;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.QdiscClassOps;
import net.core.dev.QdiscSkbCb;
import net.core.dev.TcfBlock;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.SchedQdisc;
import net.sched.TcAttrs;
import net.sched.aqm.Codel;
import net.sched.aqm.CodelState;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * Flows hashed into queues, served by deficit round robin, new ones first, each under CoDel. When the whole is full the
 * fattest queue loses half of what it holds, up to a batch.
 *
 * <p>All flows are made at start. A packet's memory is in its cb2.
 *
 * <p>Linux: net/sched/sch_fq_codel.c. RFC 8290
 */
final class FqCodel extends SchedQdisc implements Codel.Host, QdiscClassOps {
    /** One queue. */
    private static final class Flow extends FlowList.Node {
        final SkBuffHead queue = new SkBuffHead();
        final int index;
        int backlog;
        int deficit;

        Flow(int index) {
            this.index = index;
        }
    }

    private final Codel codel = new Codel();
    private Flow[] flows = {};
    private final FlowList newFlows = new FlowList();
    private final FlowList oldFlows = new FlowList();
    private int quantum;
    private int dropBatch = 64;
    private long memoryLimit = 32 << 20;
    private long memoryUsage;

    private long dropOverlimit;
    private long dropOvermemory;
    private long newFlowCount;

    FqCodel(FqCodelOps ops, NetdevQueue devQueue) {
        super(ops, devQueue, TCQ_F_CAN_BYPASS);
        limit = 10 * 1024;
        quantum = pschedMtu();
        codel.mtu = quantum;
        codel.ecn = true;
    }

    @Override
    public boolean takesFilters() {
        return true;
    }

    @Override
    public int init(@Nullable Object opt) {
        int n = TcAttrs.of(opt).get("flows", 1024);
        flows = new Flow[n];
        for (int i = 0; i < n; i++) {
            flows[i] = new Flow(i);
        }
        return configure(TcAttrs.of(opt));
    }

    @Override
    public int change(@Nullable Object opt) {
        TcAttrs a = TcAttrs.of(opt);
        if (a.get("flows", flows.length) != flows.length) {
            return -Errno.EINVAL;
        }
        return configure(a);
    }

    private int configure(TcAttrs a) {
        limit = a.get("limit", limit);
        codel.targetNs = a.get("target", codel.targetNs);
        codel.intervalNs = a.get("interval", codel.intervalNs);
        codel.ceThresholdNs = a.get("ce_threshold", codel.ceThresholdNs);
        long[] selector = a.list("ce_threshold_selector");
        if (selector != null) {
            codel.ceThresholdSelector = (int) selector[0];
            codel.ceThresholdMask = (int) selector[1];
        }
        codel.ecn = a.get("ecn", codel.ecn);
        quantum = Math.max(256, a.get("quantum", quantum));
        dropBatch = a.get("drop_batch", dropBatch);
        memoryLimit = Math.min(1L << 31, a.get("memory_limit", memoryLimit));
        return 0;
    }

    @Override
    public void trim(Cpu cpu) {
        int n = qlen;
        int bytes = backlog;
        SkBuffHead toFree = new SkBuffHead();
        while (qlen - gsoQlen() > limit || memoryUsage > memoryLimit) {
            drop(Integer.MAX_VALUE, toFree);
        }
        toFree.purge(cpu, SkbDropReason.QDISC_OVERLIMIT);
        treeReduceBacklog(n - qlen, bytes - backlog);
    }

    private int gsoQlen() {
        int n = qlen;
        for (Flow f : flows) {
            n -= f.queue.qlen;
        }
        return n;
    }

    /** Number of the flow, or minus a {@code TC_ACT_*} - 1 if filters took the packet. Linux: fq_codel_classify(). */
    @HotPath
    private int classify(Cpu cpu, SkBuff skb) {
        int min = TcHandle.minor(skb.priority);
        if (handle != 0 && TcHandle.major(skb.priority) == handle && min > 0 && min <= flows.length) {
            return min - 1;
        }
        int act = tcfClassify(cpu, skb);
        if (act != TcfBlock.TC_ACT_UNSPEC) {
            min = TcHandle.minor(QdiscSkbCb.tcClassid(skb));
            return act == TcfBlock.TC_ACT_OK && min > 0 && min <= flows.length ? min - 1 : -1 - act;
        }
        return (int) ((FlowDissector.getHash(cpu, skb) & 0xffffffffL) * flows.length >>> 32);
    }

    @Override
    @HotPath
    public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
        int idx = classify(cpu, skb);
        if (idx < 0) {
            return taken(-1 - idx, skb, toFree);
        }
        Flow f = flows[idx];
        Codel.setEnqueueTime(skb, cpu.nowNs());
        f.queue.addTail(skb);
        int len = QdiscSkbCb.pktLen(skb);
        f.backlog += len;
        backlog += len;
        qlen++;
        if (f.on == null) {
            newFlows.addTail(f);
            newFlowCount++;
            f.deficit = quantum;
        }
        skb.cb2 = skb.truesize;
        memoryUsage += skb.truesize;
        if (qlen <= limit && memoryUsage <= memoryLimit) {
            return NetXmit.NET_XMIT_SUCCESS;
        }
        return overlimit(idx, len, toFree);
    }

    private int overlimit(int idx, int len, SkBuffHead toFree) {
        boolean memoryLimited = memoryUsage > memoryLimit;
        int n = qlen;
        int bytes = backlog;
        int fattest = drop(dropBatch, toFree);
        n -= qlen;
        bytes -= backlog;
        dropOverlimit += n;
        if (memoryLimited) {
            dropOvermemory += n;
        }
        // The parent does not count an arrival that is answered with CN.
        if (fattest == idx) {
            treeReduceBacklog(n - 1, bytes - len);
            return NetXmit.NET_XMIT_CN;
        }
        treeReduceBacklog(n, bytes);
        return NetXmit.NET_XMIT_SUCCESS;
    }

    /** Drops half of the fattest flow, up to {@code max} packets; returns its number. Linux: fq_codel_drop(). */
    private int drop(int max, SkBuffHead toFree) {
        Flow fat = flows[0];
        for (Flow f : flows) {
            if (f.backlog > fat.backlog) {
                fat = f;
            }
        }
        int threshold = fat.backlog >> 1;
        int len = 0;
        int n = 0;
        do {
            SkBuff skb = codelDequeue(fat);
            if (skb == null) {
                break;
            }
            len += QdiscSkbCb.pktLen(skb);
            toFree.addTail(skb);
        } while (++n < max && len < threshold);
        fat.count += n; // CoDel shall press harder, too
        drops += n;
        return fat.index;
    }

    @Override
    public @Nullable SkBuff codelDequeue(CodelState s) {
        Flow f = (Flow) s;
        SkBuff skb = f.queue.dequeue();
        if (skb != null) {
            int len = QdiscSkbCb.pktLen(skb);
            f.backlog -= len;
            memoryUsage -= skb.cb2;
            qlen--;
            backlog -= len;
        }
        return skb;
    }

    @Override
    public int codelBacklog(CodelState s) {
        return ((Flow) s).backlog;
    }

    @Override
    public void codelDrop(Cpu cpu, SkBuff skb) {
        dequeueDrop(cpu, skb, SkbDropReason.QDISC_CONGESTED);
    }

    @Override
    @HotPath
    public @Nullable SkBuff dequeue(Cpu cpu) {
        while (true) {
            FlowList round = newFlows.isEmpty() ? oldFlows : newFlows;
            Flow f = (Flow) round.first();
            if (f == null) {
                settle();
                return null;
            }
            if (f.deficit <= 0) {
                f.deficit += quantum;
                round.moveTail(f, oldFlows);
                continue;
            }
            SkBuff skb = codel.dequeue(cpu, this, f, cpu.nowNs());
            if (skb != null) {
                bstatsUpdate(skb);
                f.deficit -= QdiscSkbCb.pktLen(skb);
                settle();
                return skb;
            }
            // A new flow that ran empty goes through the old ones once, or it could starve them.
            if (round == newFlows && !oldFlows.isEmpty()) {
                round.moveTail(f, oldFlows);
            } else {
                round.remove(f);
            }
        }
    }

    /** Tells the parents what CoDel dropped. */
    private void settle() {
        if (codel.dropCount != 0) {
            treeReduceBacklog(codel.dropCount, codel.dropLen);
            codel.dropCount = 0;
            codel.dropLen = 0;
        }
    }

    @Override
    public void takeAll(Cpu cpu, SkBuffHead to) {
        for (Flow f : flows) {
            to.spliceTail(f.queue);
            f.backlog = 0;
            f.codelInit();
            FlowList on = f.on;
            if (on != null) {
                on.remove(f);
            }
        }
        memoryUsage = 0;
    }

    // Flows as classes, for tc class show.

    @Override
    public QdiscClassOps classOps() {
        return this;
    }

    @Override
    public @Nullable Object find(int classid) {
        return null;
    }

    @Override
    public net.core.dev.@Nullable Qdisc leaf(Object cl) {
        return null;
    }

    @Override
    public void walk(Visitor visitor) {
        for (Flow f : flows) {
            if (f.on != null && !visitor.visit(f)) {
                return;
            }
        }
    }

    @Override
    public int classid(Object cl) {
        return TcHandle.make(handle, ((Flow) cl).index + 1);
    }

    @Override
    public void stats(Object cl, net.core.dev.QdiscStats to) {
        Flow f = (Flow) cl;
        to.qlen = f.queue.qlen;
        to.backlog = f.backlog;
    }

    @Override
    public void dumpStats(Object cl, TcPrint p) {
        Flow f = (Flow) cl;
        p.num("deficit", "  deficit ", f.deficit, "");
        p.num("count", " count ", f.count, "");
        p.num("lastcount", " lastcount ", f.lastCount, "");
        p.timeUs("ldelay", " ldelay ", f.ldelayNs / 1000, "");
        p.flag("dropping", f.dropping, " dropping").nl();
    }

    @Override
    public void dump(TcPrint p) {
        p.num("limit", "limit ", limit, "p ");
        p.num("flows", "flows ", flows.length, " ");
        p.num("quantum", "quantum ", quantum, " ");
        p.timeUs("target", "target ", codel.targetNs / 1000, " ");
        if (codel.ceThresholdNs != Codel.DISABLED) {
            p.timeUs("ce_threshold", "ce_threshold ", codel.ceThresholdNs / 1000, " ");
        }
        if (codel.ceThresholdMask != 0) {
            int selector = codel.ceThresholdSelector;
            p.value("ce_threshold_selector", selector, "ce_threshold_selector 0x" + Integer.toHexString(selector));
            p.value(
                    "ce_threshold_mask",
                    codel.ceThresholdMask,
                    "/0x" + Integer.toHexString(codel.ceThresholdMask) + " ");
        }
        p.timeUs("interval", "interval ", codel.intervalNs / 1000, " ");
        p.size("memory_limit", "memory_limit ", memoryLimit, " ");
        p.flag("ecn", codel.ecn, "ecn ");
        p.num("drop_batch", "drop_batch ", dropBatch, " ");
    }

    @Override
    public void dumpStats(TcPrint p) {
        p.num("maxpacket", "  maxpacket ", codel.maxPacket, "");
        p.num("drop_overlimit", " drop_overlimit ", dropOverlimit, "");
        p.num("new_flow_count", " new_flow_count ", newFlowCount, "");
        p.num("ecn_mark", " ecn_mark ", codel.ecnMark, "");
        if (codel.ceMark != 0) {
            p.num("ce_mark", " ce_mark ", codel.ceMark, "");
        }
        if (memoryUsage != 0) {
            p.num("memory_used", " memory_used ", memoryUsage, "");
        }
        if (dropOvermemory != 0) {
            p.num("drop_overmemory", " drop_overmemory ", dropOvermemory, "");
        }
        p.nl();
        p.num("new_flows_len", "  new_flows_len ", newFlows.size, "");
        p.num("old_flows_len", " old_flows_len ", oldFlows.size, "").nl();
    }
}
