package net.sched.hfsc;

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
import net.sched.ClassTable;
import net.sched.ClassfulQdisc;
import net.sched.QdiscWatchdog;
import net.sched.TcAttrs;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * The hierarchical fair service curve: packets, classes and what tc asks. Who sends next is {@link HfscTree}'s.
 *
 * <p>Linux: net/sched/sch_hfsc.c
 */
final class Hfsc extends ClassfulQdisc {
    private final ClassTable<HfscClass> classes = new ClassTable<>();
    private final QdiscWatchdog watchdog = new QdiscWatchdog(this);
    /** Known once the handle is: {@link #init}. */
    private HfscTree tree = new HfscTree(new HfscClass(0, null, null));

    private int defaultMinor;

    Hfsc(HfscOps ops, NetdevQueue devQueue) {
        super(ops, devQueue, 0);
        limit = Math.max(1, devQueue.dev.txQueueLen);
    }

    @Override
    public int init(@Nullable Object opt) {
        tree = new HfscTree(new HfscClass(handle, null, null));
        return change(opt);
    }

    @Override
    public int change(@Nullable Object opt) {
        defaultMinor = TcAttrs.of(opt).get("default", defaultMinor);
        return 0;
    }

    // ---- packets

    /** Linux: hfsc_classify(). */
    @HotPath
    private @Nullable HfscClass classify(Cpu cpu, SkBuff skb) {
        unasked();
        if (TcHandle.major(skb.priority) == handle) {
            HfscClass cl = classes.find(skb.priority);
            if (cl != null && cl.level == 0) {
                return cl;
            }
        }
        TcfBlock block = filters;
        int above = tree.root.level;
        while (block != null) {
            if (!ask(cpu, block, skb)) {
                if (sealed()) {
                    return null;
                }
                break;
            }
            HfscClass cl = classes.find(QdiscSkbCb.tcClassid(skb));
            // A filter leads down only, or there would be no end.
            if (cl == null || cl.level >= above) {
                break;
            }
            if (cl.level == 0) {
                return cl;
            }
            above = cl.level;
            block = cl.filters;
        }
        HfscClass cl = classes.find(TcHandle.make(handle, defaultMinor));
        return cl == null || cl.level != 0 ? null : cl;
    }

    @Override
    @HotPath
    public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
        HfscClass cl = classify(cpu, skb);
        Qdisc leaf = cl == null ? null : cl.leaf;
        if (cl == null || leaf == null) {
            if (!classes.isEmpty() || sealed()) {
                return refuse(skb, toFree);
            }
            return q.qlen < limit ? enqueueTail(skb) : qdiscDrop(skb, toFree);
        }
        int len = QdiscSkbCb.pktLen(skb);
        int rc = enqueueChild(cpu, leaf, skb, toFree);
        if (rc != NetXmit.NET_XMIT_SUCCESS) {
            cl.drops += NetXmit.dropCount(rc);
            return rc;
        }
        if (leaf.qlen != 0 && cl.active == 0 && !cl.byEligible.in()) {
            activate(cpu, cl, leaf, len);
        }
        return rc;
    }

    private void activate(Cpu cpu, HfscClass cl, Qdisc leaf, int len) {
        long now = cpu.nowNs();
        ServiceCurve rt = cl.realTime;
        if (rt != null) {
            tree.joinRealTime(cl, rt, now, len);
        }
        if (cl.linkShare != null) {
            tree.joinSharing(cl, now);
        }
        if (rt != null) {
            leaf.peek(cpu); // the packet that the deadline is of stays the first
        }
    }

    @Override
    @HotPath
    public @Nullable SkBuff dequeue(Cpu cpu) {
        SkBuff direct = dequeueHead();
        if (direct != null || qlen == 0) {
            return direct;
        }
        long now = cpu.nowNs();
        while (qlen != 0) {
            HfscClass cl = tree.firstDeadline(now);
            boolean guaranteed = cl != null;
            if (cl == null) {
                cl = tree.firstFit(now);
            }
            Qdisc leaf = cl == null ? null : cl.leaf;
            if (cl == null || leaf == null) {
                overlimits++;
                long next = tree.nextNs();
                if (next < ServiceCurve.NEVER) {
                    watchdog.scheduleNs(cpu, next);
                }
                return null;
            }
            SkBuff skb = leaf.dequeuePeeked(cpu);
            if (skb != null) {
                sent(cpu, cl, leaf, skb, guaranteed);
                return skb;
            }
            if (leaf.qlen != 0) {
                return null; // it holds packets back by itself
            }
            tree.leave(cl); // it dropped all that it had: the next one's turn
        }
        return null;
    }

    private void sent(Cpu cpu, HfscClass cl, Qdisc leaf, SkBuff skb, boolean guaranteed) {
        int len = QdiscSkbCb.pktLen(skb);
        cl.bytes += len;
        cl.packets += segs(skb);
        tree.sent(cl, len, leaf.qlen == 0);
        if (guaranteed) {
            cl.cumul += len;
        }
        if (cl.byEligible.in()) {
            nextOf(cpu, cl, leaf, guaranteed);
        }
        sentFromChild(skb);
    }

    /** The guarantee's times for the packet after this. */
    private void nextOf(Cpu cpu, HfscClass cl, Qdisc leaf, boolean guaranteed) {
        if (leaf.qlen != 0) {
            SkBuff next = leaf.peek(cpu);
            // A peek may drop all that is left.
            if (leaf.qlen != 0 && cl.byEligible.in()) {
                int len = next == null ? 0 : QdiscSkbCb.pktLen(next);
                if (guaranteed) {
                    tree.nextRealTime(cl, len);
                } else {
                    tree.nextDeadline(cl, len);
                }
                return;
            }
        }
        if (cl.byEligible.in()) {
            tree.eligible.remove(cl.byEligible);
        }
    }

    @Override
    protected void forget() {
        watchdog.cancel();
        tree.eligible.clear();
        tree.root.forget();
        for (HfscClass cl : classes.all()) {
            cl.forget();
        }
    }

    @Override
    public void destroy(Cpu cpu) {
        watchdog.cancel();
        super.destroy(cpu);
    }

    // ---- classes

    @Override
    protected List<Qdisc> children() {
        List<Qdisc> all = new ArrayList<>();
        for (HfscClass cl : classes.all()) {
            Qdisc leaf = cl.leaf;
            if (leaf != null) {
                all.add(leaf);
            }
        }
        return all;
    }

    @Override
    public void change(Cpu cpu, int classid, int parentId, List<String> args, @Nullable Object old) {
        HfscOps.Curves a = HfscOps.parseClass(args);
        if (old == null) {
            settings(add(cpu, classid, parentId, a), a, cpu.nowNs());
            return;
        }
        HfscClass cl = (HfscClass) old;
        HfscClass p = cl.parent;
        if (p == null || parentId != 0 && parentId != p.classid && (p.parent != null || parentId != TcHandle.ROOT)) {
            throw new UserError("RTNETLINK answers: Invalid argument");
        }
        boolean hadRt = cl.realTime != null;
        boolean hadLs = cl.linkShare != null;
        settings(cl, a, cpu.nowNs());
        Qdisc leaf = cl.leaf;
        if (leaf != null && leaf.qlen != 0 && cl.level == 0) {
            rejoin(cpu, cl, leaf, hadRt, hadLs);
        }
    }

    /** Curves of a class with packets have changed. */
    private void rejoin(Cpu cpu, HfscClass cl, Qdisc leaf, boolean hadRt, boolean hadLs) {
        SkBuff first = leaf.peek(cpu);
        if (leaf.qlen == 0) {
            return;
        }
        int len = first == null ? 0 : QdiscSkbCb.pktLen(first);
        ServiceCurve rt = cl.realTime;
        if (rt != null) {
            if (hadRt && cl.byEligible.in()) {
                tree.nextRealTime(cl, len);
            } else {
                tree.joinRealTime(cl, rt, cpu.nowNs(), len);
            }
        }
        if (cl.linkShare != null) {
            if (hadLs) {
                tree.sent(cl, 0, false);
            } else {
                tree.joinSharing(cl, cpu.nowNs());
            }
        }
    }

    private static void settings(HfscClass cl, HfscOps.Curves a, long nowNs) {
        ServiceCurve rt = a.rt();
        if (rt != null) {
            cl.beginRealTime(rt, nowNs);
        }
        ServiceCurve ls = a.ls();
        if (ls != null) {
            cl.beginLinkShare(ls);
        }
        ServiceCurve ul = a.ul();
        if (ul != null) {
            cl.beginUpperLimit(ul, nowNs);
        }
    }

    private HfscClass add(Cpu cpu, int classid, int parentId, HfscOps.Curves a) {
        if (TcHandle.major(classid) != handle || TcHandle.minor(classid) == 0) {
            throw new UserError("Error: Invalid class id \"" + TcHandle.format(classid) + "\"");
        }
        if (a.rt() == null && a.ls() == null) {
            throw new UserError("RTNETLINK answers: Invalid argument");
        }
        boolean top = parentId == TcHandle.ROOT || parentId == handle;
        HfscClass parent = top ? tree.root : classes.find(parentId);
        if (parent == null) {
            throw new UserError("Error: Failed to find parent class " + TcHandle.format(parentId));
        }
        HfscClass cl = new HfscClass(classid, parent, child(classid, "pfifo"));
        Qdisc parentsLeaf = parent.leaf;
        if (parent.level == 0 && parentsLeaf != null) {
            purgeChild(cpu, parentsLeaf);
            tree.leave(parent);
        }
        ServiceCurve rt = parent.realTime;
        if (rt != null && parent.linkShare == null) {
            // A guarantee alone would never let its children have a turn. Linux: hfsc_upgrade_rt()
            parent.beginLinkShare(rt);
        }
        parent.children.add(cl);
        parent.vtOrder.reserve(parent.children.size());
        parent.fitOrder.reserve(parent.children.size());
        parent.adjustLevels();
        classes.add(classid, cl);
        tree.eligible.reserve(classes.size());
        return cl;
    }

    @Override
    public void delete(Cpu cpu, Object o) {
        HfscClass cl = (HfscClass) o;
        HfscClass parent = cl.parent;
        Qdisc leaf = cl.leaf;
        if (cl.level > 0 || parent == null || leaf == null) {
            throw new UserError("RTNETLINK answers: Device or resource busy");
        }
        destroyChild(cpu, leaf);
        tree.leave(cl);
        parent.children.remove(cl);
        parent.adjustLevels();
        classes.remove(cl.classid);
    }

    @Override
    public @Nullable Object find(int classid) {
        return classid == handle ? tree.root : classes.find(classid);
    }

    @Override
    public @Nullable Qdisc leaf(Object cl) {
        return ((HfscClass) cl).level == 0 ? ((HfscClass) cl).leaf : null;
    }

    @Override
    public @Nullable Qdisc graft(Object o, Qdisc c) {
        HfscClass cl = (HfscClass) o;
        if (cl.level != 0 || cl.leaf == null) {
            throw new UserError("Error: Class is not a leaf");
        }
        Qdisc old = cl.leaf;
        cl.leaf = c;
        return old;
    }

    @Override
    public void qlenNotify(Object o) {
        tree.leave((HfscClass) o);
    }

    @Override
    public void walk(Visitor visitor) {
        if (!visitor.visit(tree.root)) {
            return;
        }
        for (HfscClass cl : List.copyOf(classes.all())) {
            if (!visitor.visit(cl)) {
                return;
            }
        }
    }

    @Override
    public int classid(Object cl) {
        return ((HfscClass) cl).classid;
    }

    @Override
    public int parentOf(Object cl) {
        HfscClass p = ((HfscClass) cl).parent;
        return p == null ? TcHandle.ROOT : p.classid;
    }

    @Override
    public @Nullable TcfBlock filters(Object cl) {
        return cl == tree.root ? filters : ((HfscClass) cl).filters;
    }

    @Override
    public void setFilters(Object cl, @Nullable TcfBlock block) {
        if (cl == tree.root) {
            filters = block;
        } else {
            ((HfscClass) cl).filters = block;
        }
    }

    // ---- tc

    @Override
    public void dump(TcPrint p) {
        if (defaultMinor != 0) {
            p.hex("default", " default ", defaultMinor, " ");
        }
    }

    @Override
    public void dump(Object o, TcPrint p) {
        HfscClass cl = (HfscClass) o;
        ServiceCurve rt = cl.realTime;
        ServiceCurve ls = cl.linkShare;
        if (rt != null && ls != null && rt.same(ls)) {
            dump("sc", rt, p);
        } else {
            dump("rt", rt, p);
            dump("ls", ls, p);
        }
        dump("ul", cl.upperLimit, p);
    }

    private static void dump(String name, @Nullable ServiceCurve sc, TcPrint p) {
        if (sc == null) {
            return;
        }
        p.open(name).text(name + " ");
        p.rate("m1", "m1 ", sc.m1, " ");
        p.timeUs("d", "d ", sc.dNs / 1000, " ");
        p.rate("m2", "m2 ", sc.m2, " ");
        p.close();
    }

    @Override
    public void stats(Object o, QdiscStats to) {
        HfscClass cl = (HfscClass) o;
        to.bytes = cl.bytes;
        to.packets = cl.packets;
        to.drops = cl.drops;
        Qdisc leaf = cl.leaf;
        if (leaf != null) {
            to.qlen = leaf.currentQlen();
            to.backlog = leaf.currentBacklog();
        }
    }

    @Override
    public void dumpStats(Object o, TcPrint p) {
        HfscClass cl = (HfscClass) o;
        p.num("period", " period ", cl.vtPeriod, " ");
        if (cl.total != 0) {
            p.num("work", "work ", cl.total, " bytes ");
        }
        if (cl.cumul != 0) {
            p.num("rtwork", "rtwork ", cl.cumul, " bytes ");
        }
        p.num("level", " level ", cl.level, " ").nl();
    }
}
