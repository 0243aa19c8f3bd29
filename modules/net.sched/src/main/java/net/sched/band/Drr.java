package net.sched.band;

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
import net.sched.TcAttrs;
import net.sched.TcGrammar;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * Deficit round robin: a class sends while its deficit covers the next packet, then gets a quantum and goes to the end.
 *
 * <p>Linux: net/sched/sch_drr.c. Shreedhar and Varghese, "Efficient fair queuing using deficit round robin", 1996
 */
final class Drr extends ClassfulQdisc {
    private static final TcGrammar CLASS_GRAMMAR = TcGrammar.of("drr").size("quantum");

    /** One class. */
    private static final class DrrClass extends TurnList.Node {
        final int classid;
        Qdisc child;
        int quantum;
        long deficit;
        long bytes;
        long packets;
        long drops;

        DrrClass(int classid, Qdisc child) {
            this.classid = classid;
            this.child = child;
        }
    }

    private final ClassTable<DrrClass> classes = new ClassTable<>();
    private final TurnList active = new TurnList();

    Drr(DrrOps ops, NetdevQueue devQueue) {
        super(ops, devQueue, 0);
        limit = Math.max(1, devQueue.dev.txQueueLen);
    }

    /** Linux: drr_classify(). */
    @HotPath
    private @Nullable DrrClass classify(Cpu cpu, SkBuff skb) {
        unasked();
        if (TcHandle.major(skb.priority) == handle) {
            DrrClass cl = classes.find(skb.priority);
            if (cl != null) {
                return cl;
            }
        }
        TcfBlock f = filters;
        return f != null && ask(cpu, f, skb) ? classes.find(QdiscSkbCb.tcClassid(skb)) : null;
    }

    @Override
    @HotPath
    public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
        DrrClass cl = classify(cpu, skb);
        if (cl == null) {
            if (!classes.isEmpty() || sealed()) {
                return refuse(skb, toFree);
            }
            return q.qlen < limit ? enqueueTail(skb) : qdiscDrop(skb, toFree);
        }
        int rc = enqueueChild(cpu, cl.child, skb, toFree);
        if (rc != NetXmit.NET_XMIT_SUCCESS) {
            cl.drops += NetXmit.dropCount(rc);
            return rc;
        }
        if (!cl.active()) {
            active.addTail(cl);
            cl.deficit = cl.quantum;
        }
        return rc;
    }

    @Override
    @HotPath
    public @Nullable SkBuff dequeue(Cpu cpu) {
        SkBuff direct = dequeueHead();
        if (direct != null) {
            return direct;
        }
        for (DrrClass cl = (DrrClass) active.first(); cl != null; cl = (DrrClass) active.first()) {
            SkBuff skb = cl.child.peek(cpu);
            if (skb == null) {
                if (cl.child.qlen != 0) {
                    return null; // it holds packets back by itself
                }
                ranEmpty(cl);
                continue;
            }
            int len = QdiscSkbCb.pktLen(skb);
            if (len > cl.deficit) {
                cl.deficit += cl.quantum;
                active.moveTail(cl);
                continue;
            }
            cl.deficit -= len;
            skb = cl.child.dequeuePeeked(cpu);
            if (cl.child.qlen == 0) {
                active.remove(cl);
            }
            if (skb == null) {
                return null;
            }
            cl.bytes += len;
            cl.packets += segs(skb);
            sentFromChild(skb);
            return skb;
        }
        return null;
    }

    /** Its child dropped all that it had; it may have said so. */
    private void ranEmpty(DrrClass cl) {
        if (cl.active()) {
            active.remove(cl);
        }
    }

    @Override
    protected void forget() {
        active.clear();
    }

    @Override
    protected List<Qdisc> children() {
        List<Qdisc> all = new ArrayList<>();
        for (DrrClass cl : classes.all()) {
            all.add(cl.child);
        }
        return all;
    }

    @Override
    public void change(Cpu cpu, int classid, int parentId, List<String> args, @Nullable Object old) {
        TcAttrs a = CLASS_GRAMMAR.read(args);
        if (a.has("quantum") && a.get("quantum", 0L) == 0) {
            throw new UserError("Error: Specified DRR quantum cannot be zero");
        }
        DrrClass cl = (DrrClass) old;
        if (cl == null) {
            if (TcHandle.major(classid) != handle || TcHandle.minor(classid) == 0) {
                throw new UserError("Error: Invalid class id \"" + TcHandle.format(classid) + "\"");
            }
            cl = new DrrClass(classid, child(classid, "pfifo"));
            cl.quantum = pschedMtu();
            classes.add(classid, cl);
        }
        cl.quantum = a.get("quantum", cl.quantum);
    }

    @Override
    public void delete(Cpu cpu, Object o) {
        DrrClass cl = (DrrClass) o;
        destroyChild(cpu, cl.child);
        if (cl.active()) {
            active.remove(cl);
        }
        classes.remove(cl.classid);
    }

    @Override
    public @Nullable Object find(int classid) {
        return classes.find(classid);
    }

    @Override
    public Qdisc leaf(Object cl) {
        return ((DrrClass) cl).child;
    }

    @Override
    public Qdisc graft(Object o, Qdisc c) {
        DrrClass cl = (DrrClass) o;
        Qdisc old = cl.child;
        cl.child = c;
        return old;
    }

    @Override
    public void qlenNotify(Object o) {
        ranEmpty((DrrClass) o);
    }

    @Override
    public void walk(Visitor visitor) {
        for (DrrClass cl : List.copyOf(classes.all())) {
            if (!visitor.visit(cl)) {
                return;
            }
        }
    }

    @Override
    public int classid(Object cl) {
        return ((DrrClass) cl).classid;
    }

    @Override
    public void dump(Object cl, TcPrint p) {
        p.size("quantum", "quantum ", ((DrrClass) cl).quantum, " ");
    }

    @Override
    public void stats(Object o, QdiscStats to) {
        DrrClass cl = (DrrClass) o;
        to.bytes = cl.bytes;
        to.packets = cl.packets;
        to.drops = cl.drops;
        to.qlen = cl.child.currentQlen();
        to.backlog = cl.child.currentBacklog();
    }

    @Override
    public void dumpStats(Object o, TcPrint p) {
        DrrClass cl = (DrrClass) o;
        p.size("deficit", " deficit ", cl.active() ? cl.deficit : 0, " ").nl();
    }
}
