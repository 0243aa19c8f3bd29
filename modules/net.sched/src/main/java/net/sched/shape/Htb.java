package net.sched.shape;

import java.util.ArrayList;
import java.util.List;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscSkbCb;
import net.core.dev.QdiscStats;
import net.core.dev.TcfBlock;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.core.tc.TcUnits;
import net.sched.ClassTable;
import net.sched.ClassfulQdisc;
import net.sched.PschedRatecfg;
import net.sched.QdiscWatchdog;
import net.sched.TcAttrs;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * Hierarchical token buckets: each class has its rate, and borrows up to its ceiling what its ancestors have left, by
 * priority, within a priority in proportion to quanta. Packets of no class go directly.
 *
 * <p>Linux: net/sched/sch_htb.c
 */
final class Htb extends ClassfulQdisc {
    /** {@link #classify}: by the direct queue. */
    private static final int DIRECT = 1;
    /** {@link #classify}: an action decided. */
    private static final int NOWHERE = 2;

    private static final int LEAF = 0;
    private static final long FAR_NS = 5_000_000_000L;

    private final ClassTable<HtbClass> classes = new ClassTable<>();
    private final HtbTree tree = new HtbTree();
    private final QdiscWatchdog watchdog = new QdiscWatchdog(this);
    private int defaultMinor;
    private int r2q = 10;
    private int directQlen;
    private long directPackets;
    /** Of the last {@link #classify}. */
    private @Nullable HtbClass chosen;

    Htb(HtbOps ops, NetdevQueue devQueue) {
        super(ops, devQueue, 0);
    }

    @Override
    public int init(@Nullable Object opt) {
        TcAttrs a = TcAttrs.of(opt);
        defaultMinor = a.get("default", 0);
        r2q = a.get("r2q", 10);
        directQlen = a.get("direct_qlen", Math.max(devQueue.dev.txQueueLen, 2));
        return 0;
    }

    // ---- packets

    /** Linux: htb_classify(). */
    @HotPath
    private int classify(Cpu cpu, SkBuff skb) {
        unasked();
        if (skb.priority == handle && handle != 0) {
            return DIRECT;
        }
        TcfBlock block = filters;
        HtbClass cl = skb.priority == 0 ? null : classes.find(skb.priority);
        if (cl != null) {
            if (cl.level == 0) {
                chosen = cl;
                return LEAF;
            }
            // A class inside the tree: its filters choose one below.
            block = cl.filters;
        }
        while (block != null) {
            if (!ask(cpu, block, skb)) {
                if (sealed()) {
                    return NOWHERE;
                }
                break;
            }
            int id = QdiscSkbCb.tcClassid(skb);
            if (id == handle) {
                return DIRECT;
            }
            cl = classes.find(id);
            if (cl == null) {
                break;
            }
            if (cl.level == 0) {
                chosen = cl;
                return LEAF;
            }
            block = cl.filters;
        }
        cl = classes.find(TcHandle.make(handle, defaultMinor));
        if (cl == null || cl.level != 0) {
            return DIRECT;
        }
        chosen = cl;
        return LEAF;
    }

    @Override
    @HotPath
    public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
        int where = classify(cpu, skb);
        HtbClass cl = chosen;
        chosen = null;
        if (where == LEAF && cl != null) {
            int rc = enqueueChild(cpu, cl.leaf, skb, toFree);
            if (rc == NetXmit.NET_XMIT_SUCCESS) {
                tree.activate(cl);
            } else {
                cl.drops += NetXmit.dropCount(rc);
            }
            return rc;
        }
        if (where == NOWHERE) {
            return refuse(skb, toFree);
        }
        if (q.qlen >= directQlen) {
            return qdiscDrop(skb, toFree);
        }
        directPackets++;
        return enqueueTail(skb);
    }

    @Override
    @HotPath
    public @Nullable SkBuff dequeue(Cpu cpu) {
        SkBuff skb = dequeueHead();
        if (skb != null || qlen == 0) {
            return skb;
        }
        long now = cpu.nowNs();
        tree.nowNs = now;
        long next = now + FAR_NS;
        for (int level = 0; level < HtbTree.MAX_DEPTH; level++) {
            long event = tree.events(level);
            if (event - next < 0) {
                next = event;
            }
            for (int mask = tree.rowMask[level]; mask != 0; mask &= mask - 1) {
                skb = dequeueRow(cpu, Integer.numberOfTrailingZeros(mask), level);
                if (skb != null) {
                    sentFromChild(skb);
                    return skb;
                }
            }
        }
        watchdog.scheduleNs(cpu, next);
        return null;
    }

    /** Linux: htb_dequeue_tree(). */
    private @Nullable SkBuff dequeueRow(Cpu cpu, int prio, int level) {
        HtbClass cl = tree.lookupLeaf(prio, level);
        HtbClass start = cl;
        while (cl != null) {
            SkBuff skb = cl.leaf.qlen == 0 ? null : cl.leaf.dequeuePeeked(cpu);
            if (skb != null) {
                sent(cl, prio, level, skb);
                return skb;
            }
            if (cl.leaf.qlen == 0) {
                // It ran empty behind our back, or dropped just now all it had: a start that has left never comes
                // round.
                tree.deactivate(cl);
                if ((tree.rowMask[level] & 1 << prio) == 0) {
                    return null;
                }
                HtbClass next = tree.lookupLeaf(prio, level);
                start = cl == start ? next : start;
                cl = next;
                continue;
            }
            // It holds packets back by itself.
            tree.nextTurn(cl, prio, level);
            cl = tree.lookupLeaf(prio, level);
            if (cl == start) {
                return null;
            }
        }
        return null;
    }

    private void sent(HtbClass cl, int prio, int level, SkBuff skb) {
        int len = QdiscSkbCb.pktLen(skb);
        int segs = segs(skb);
        cl.bytes += len;
        cl.packets += segs;
        cl.deficit[level] -= len;
        if (cl.deficit[level] < 0) {
            cl.deficit[level] += cl.quantum;
            tree.nextTurn(cl, prio, level);
        }
        if (cl.leaf.qlen == 0) {
            tree.deactivate(cl);
        }
        tree.charge(cl, level, skb, segs);
    }

    @Override
    protected void forget() {
        watchdog.cancel();
        tree.forget();
        for (HtbClass cl : classes.all()) {
            cl.forget();
        }
    }

    @Override
    public void destroy(Cpu cpu) {
        watchdog.cancel();
        super.destroy(cpu);
    }

    @Override
    public long currentOverlimits() {
        return tree.overlimits;
    }

    // ---- classes

    @Override
    protected List<Qdisc> children() {
        List<Qdisc> all = new ArrayList<>();
        for (HtbClass cl : classes.all()) {
            if (cl.level == 0) {
                all.add(cl.leaf);
            }
        }
        return all;
    }

    @Override
    public void change(Cpu cpu, int classid, int parentId, List<String> args, @Nullable Object old) {
        TcAttrs a = HtbOps.CLASS_GRAMMAR.read(args);
        if (a.get("rate", 0L) <= 0) {
            throw new UserError("\"rate\" is required.");
        }
        HtbClass cl = (HtbClass) old;
        if (cl == null) {
            cl = add(cpu, classid, parentId);
        }
        settings(cl, a);
        if (old == null) {
            cl.tokens = cl.bufferNs;
            cl.ctokens = cl.cbufferNs;
            cl.checkpointNs = cpu.nowNs();
        }
    }

    private HtbClass add(Cpu cpu, int classid, int parentId) {
        if (classid == 0 || TcHandle.major(classid) != handle || classes.find(classid) != null) {
            throw new UserError("Error: Invalid class id \"" + TcHandle.format(classid) + "\"");
        }
        HtbClass parent = classes.find(parentId);
        if (parent == null && parentId != TcHandle.ROOT && parentId != handle) {
            throw new UserError("Error: Failed to find parent class " + TcHandle.format(parentId));
        }
        HtbClass grand = parent == null ? null : parent.parent;
        if (grand != null && grand.level < 2) {
            throw new UserError("Error: htb: tree is too deep");
        }
        Qdisc leaf = child(classid, "pfifo");
        if (parent != null) {
            if (parent.level == 0) {
                leafToInner(cpu, parent);
            }
            parent.children++;
        }
        HtbClass cl = new HtbClass(classid, tree.freeSlot(), parent, leaf);
        classes.add(classid, cl);
        tree.add(cl, classes.size());
        return cl;
    }

    /** The first child comes: what the parent held is dropped. */
    private void leafToInner(Cpu cpu, HtbClass cl) {
        Qdisc leaf = cl.leaf;
        destroyChild(cpu, leaf);
        if (cl.prioActivity != 0) {
            tree.deactivate(cl);
        }
        tree.stopWaiting(cl);
        cl.mode = HtbClass.CAN_SEND;
        HtbClass parent = cl.parent;
        cl.level = (parent == null ? HtbTree.MAX_DEPTH : parent.level) - 1;
    }

    private void settings(HtbClass cl, TcAttrs a) {
        boolean atm = !a.get("linklayer", "ethernet").equals("ethernet");
        int overhead = a.get("overhead", 0);
        int mpu = a.get("mpu", 0);
        cl.rate = new PschedRatecfg(a.get("rate", 0L), overhead, mpu, atm);
        cl.ceil = new PschedRatecfg(a.get("ceil", cl.rate.rateBytesPs), overhead, mpu, atm);
        // A tick of the clock's and a packet; the clock's is a nanosecond.
        int mtu = a.get("mtu", 1600);
        cl.burst = a.get("burst", mtu + (int) (cl.rate.rateBytesPs / 1_000_000_000));
        cl.cburst = a.get("cburst", mtu + (int) (cl.ceil.rateBytesPs / 1_000_000_000));
        cl.bufferNs = plainNs(cl.rate, cl.burst);
        cl.cbufferNs = plainNs(cl.ceil, cl.cburst);
        int quantum = a.get("quantum", 0);
        if (quantum == 0) {
            quantum = (int) Math.max(1000, Math.min(200_000, cl.rate.rateBytesPs / r2q));
        }
        cl.quantum = quantum;
        int prio = Math.min(a.get("prio", 0), HtbTree.PRIORITIES - 1);
        if (cl.prioActivity != 0 && cl.level == 0 && prio != cl.prio) {
            tree.deactivate(cl);
            cl.prio = prio;
            tree.activate(cl);
        }
        cl.prio = prio;
    }

    /** Time of a burst, without framing, in whole ticks of 64 ns as tc computes it. Linux: tc_calc_xmittime(), iproute2 */
    private static long plainNs(PschedRatecfg rate, int bytes) {
        return (long) Math.ceil(1e9 * bytes / rate.rateBytesPs / 64) * 64;
    }

    @Override
    public void delete(Cpu cpu, Object o) {
        HtbClass cl = (HtbClass) o;
        if (cl.children != 0) {
            throw new UserError("Error: HTB class in use.");
        }
        if (cl.level == 0) {
            destroyChild(cpu, cl.leaf);
        }
        if (cl.prioActivity != 0) {
            tree.deactivate(cl);
        }
        tree.stopWaiting(cl);
        tree.remove(cl);
        classes.remove(cl.classid);
        HtbClass parent = cl.parent;
        if (parent != null && --parent.children == 0) {
            innerToLeaf(cpu, parent);
        }
    }

    /** The last child went. Linux: htb_parent_to_leaf(). */
    private void innerToLeaf(Cpu cpu, HtbClass cl) {
        tree.stopWaiting(cl);
        cl.level = 0;
        cl.prioActivity = 0;
        cl.leaf = child(cl.classid, "pfifo");
        cl.tokens = cl.bufferNs;
        cl.ctokens = cl.cbufferNs;
        cl.checkpointNs = cpu.nowNs();
        cl.mode = HtbClass.CAN_SEND;
    }

    @Override
    public @Nullable Object find(int classid) {
        return classes.find(classid);
    }

    @Override
    public @Nullable Qdisc leaf(Object cl) {
        return ((HtbClass) cl).level == 0 ? ((HtbClass) cl).leaf : null;
    }

    @Override
    public Qdisc graft(Object o, Qdisc c) {
        HtbClass cl = (HtbClass) o;
        if (cl.level != 0) {
            throw new UserError("Error: Class is not a leaf");
        }
        Qdisc old = cl.leaf;
        cl.leaf = c;
        return old;
    }

    @Override
    public void qlenNotify(Object o) {
        HtbClass cl = (HtbClass) o;
        if (cl.prioActivity != 0) {
            tree.deactivate(cl);
        }
    }

    @Override
    public void walk(Visitor visitor) {
        for (HtbClass cl : List.copyOf(classes.all())) {
            if (!visitor.visit(cl)) {
                return;
            }
        }
    }

    @Override
    public int classid(Object cl) {
        return ((HtbClass) cl).classid;
    }

    @Override
    public int parentOf(Object cl) {
        HtbClass p = ((HtbClass) cl).parent;
        return p == null ? TcHandle.ROOT : p.classid;
    }

    @Override
    public @Nullable TcfBlock filters(Object cl) {
        return ((HtbClass) cl).filters;
    }

    @Override
    public void setFilters(Object cl, @Nullable TcfBlock block) {
        ((HtbClass) cl).filters = block;
    }

    // ---- tc

    @Override
    public void dump(TcPrint p) {
        p.num("r2q", "r2q ", r2q, "");
        p.hex("default", " default ", defaultMinor, "");
        p.num("direct_packets_stat", " direct_packets_stat ", directPackets, "");
        if (p.details()) {
            p.str("ver", " ver ", "3.17", "");
        }
        p.num("direct_qlen", " direct_qlen ", directQlen, "");
    }

    @Override
    public void dump(Object o, TcPrint p) {
        HtbClass cl = (HtbClass) o;
        if (cl.level == 0) {
            p.num("prio", "prio ", cl.prio, " ");
            if (p.details()) {
                p.num("quantum", "quantum ", cl.quantum, " ");
            }
        }
        p.rate("rate", "rate ", cl.rate.rateBytesPs, " ");
        if (cl.rate.overhead != 0) {
            p.num("overhead", "overhead ", cl.rate.overhead, " ");
        }
        p.rate("ceil", "ceil ", cl.ceil.rateBytesPs, " ");
        if (cl.rate.atm || p.details()) {
            p.str("linklayer", "linklayer ", cl.rate.atm ? "atm" : "ethernet", " ");
        }
        if (p.details()) {
            p.str("burst", "burst ", TcUnits.size(cl.burst) + "/1", " ");
            p.size("mpu_rate", "mpu ", cl.rate.mpu, " ");
            p.str("cburst", "cburst ", TcUnits.size(cl.cburst) + "/1", " ");
            p.size("mpu_ceil", "mpu ", cl.ceil.mpu, " ");
            p.num("level", "level ", cl.level, " ");
        } else {
            p.size("burst", "burst ", cl.burst, " ");
            p.size("cburst", "cburst ", cl.cburst, " ");
        }
    }

    @Override
    public void stats(Object o, QdiscStats to) {
        HtbClass cl = (HtbClass) o;
        to.bytes = cl.bytes;
        to.packets = cl.packets;
        to.drops = cl.drops;
        to.overlimits = cl.overlimits;
        if (cl.level == 0) {
            to.qlen = cl.leaf.currentQlen();
            to.backlog = cl.leaf.currentBacklog();
        }
    }

    @Override
    public void dumpStats(Object o, TcPrint p) {
        HtbClass cl = (HtbClass) o;
        p.num("lended", " lended: ", cl.lends, " ");
        p.num("borrowed", "borrowed: ", cl.borrows, " ");
        p.num("giants", "giants: ", 0, "").nl();
        p.num("tokens", " tokens: ", ticks(cl.tokens), " ");
        p.num("ctokens", "ctokens: ", ticks(cl.ctokens), "").nl();
    }

    /** Of 64 ns. Linux: PSCHED_NS2TICKS() */
    private static int ticks(long ns) {
        return (int) Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, ns >> 6));
    }
}
