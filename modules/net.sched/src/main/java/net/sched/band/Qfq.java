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
import net.sched.band.QfqRounds.Entry;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * Quick fair queueing: {@link QfqRounds} says whose turn it is, this feeds the classes and keeps the accounts.
 *
 * <p>{@code Deviation:} each class is scheduled by itself, as in the paper; Linux (QFQ+) puts up to eight of the same weight
 * and largest packet in an aggregate that is served round robin.
 *
 * <p>Linux: net/sched/sch_qfq.c
 */
final class Qfq extends ClassfulQdisc {
    private static final int MAX_WEIGHT = 1 << 10;
    private static final int MAX_WEIGHTS = 64 * MAX_WEIGHT;
    private static final int MIN_LMAX = 512;
    private static final TcGrammar CLASS_GRAMMAR =
            TcGrammar.of("qfq").number("weight", 1, MAX_WEIGHT).number("maxpkt", MIN_LMAX, QfqRounds.MAX_LMAX);

    private final ClassTable<Entry> classes = new ClassTable<>();
    private final QfqRounds rounds = new QfqRounds();

    Qfq(QfqOps ops, NetdevQueue devQueue) {
        super(ops, devQueue, 0);
        limit = Math.max(1, devQueue.dev.txQueueLen);
    }

    /** Linux: qfq_classify(). */
    @HotPath
    private @Nullable Entry classify(Cpu cpu, SkBuff skb) {
        unasked();
        if (TcHandle.major(skb.priority) == handle) {
            Entry cl = classes.find(skb.priority);
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
        Entry cl = classify(cpu, skb);
        if (cl == null) {
            if (!classes.isEmpty() || sealed()) {
                return refuse(skb, toFree);
            }
            return q.qlen < limit ? enqueueTail(skb) : qdiscDrop(skb, toFree);
        }
        int len = QdiscSkbCb.pktLen(skb);
        if (len > cl.lmax) {
            if (len > QfqRounds.MAX_LMAX) {
                cl.drops++;
                return qdiscDrop(skb, toFree);
            }
            reshape(cpu, cl, cl.weight, len);
        }
        int segs = segs(skb);
        int rc = enqueueChild(cpu, cl.child, skb, toFree);
        if (rc != NetXmit.NET_XMIT_SUCCESS) {
            cl.drops += NetXmit.dropCount(rc);
            return rc;
        }
        cl.bytes += len;
        cl.packets += segs;
        if (!cl.active()) {
            rounds.activate(cl, len);
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
        for (Entry cl = rounds.next(); cl != null; cl = rounds.next()) {
            SkBuff skb = cl.child.dequeuePeeked(cpu);
            if (skb == null) {
                if (cl.active() && cl.child.qlen > 0) {
                    return null; // it holds packets back by itself
                }
                if (cl.active()) {
                    rounds.deactivate(cl, false);
                }
                continue;
            }
            rounds.advance(QdiscSkbCb.pktLen(skb));
            int next = nextLen(cpu, cl);
            // A child that drops while it looks for the next may have run empty, and told so.
            if (cl.active()) {
                if (next == 0) {
                    rounds.deactivate(cl, true);
                } else {
                    rounds.served(cl, next);
                }
            }
            sentFromChild(skb);
            return skb;
        }
        return null;
    }

    /** Length of the packet it would send next, its largest if it does not say, or 0. */
    @HotPath
    private static int nextLen(Cpu cpu, Entry cl) {
        if (cl.child.qlen == 0) {
            return 0;
        }
        SkBuff next = cl.child.peek(cpu);
        if (next != null) {
            return QdiscSkbCb.pktLen(next);
        }
        return cl.child.qlen == 0 ? 0 : cl.lmax;
    }

    /** Changes the share or largest packet of a class, which may be active. */
    private void reshape(Cpu cpu, Entry cl, int weight, int lmax) {
        boolean active = cl.active();
        if (active) {
            rounds.deactivate(cl, false);
        }
        rounds.addWeight(-cl.weight);
        cl.shape(weight, lmax);
        rounds.addWeight(cl.weight);
        int next = active ? nextLen(cpu, cl) : 0;
        if (next != 0) {
            rounds.activate(cl, next);
        }
    }

    @Override
    protected void forget() {
        rounds.clear();
    }

    @Override
    protected List<Qdisc> children() {
        List<Qdisc> all = new ArrayList<>();
        for (Entry cl : classes.all()) {
            all.add(cl.child);
        }
        return all;
    }

    @Override
    public void change(Cpu cpu, int classid, int parentId, List<String> args, @Nullable Object old) {
        TcAttrs a = CLASS_GRAMMAR.read(args);
        Entry cl = (Entry) old;
        int weight = a.get("weight", cl != null ? cl.weight : 1);
        int lmax = a.get("maxpkt", cl != null ? cl.lmax : Math.min(pschedMtu(), QfqRounds.MAX_LMAX));
        if (rounds.weights() + weight - (cl != null ? cl.weight : 0) > MAX_WEIGHTS) {
            throw new UserError("Error: total weight out of range (" + (rounds.weights() + weight) + ")");
        }
        if (cl == null) {
            if (TcHandle.major(classid) != handle || TcHandle.minor(classid) == 0) {
                throw new UserError("Error: Invalid class id \"" + TcHandle.format(classid) + "\"");
            }
            cl = new Entry(classid, child(classid, "pfifo"));
            classes.add(classid, cl);
        }
        reshape(cpu, cl, weight, lmax);
    }

    @Override
    public void delete(Cpu cpu, Object o) {
        Entry cl = (Entry) o;
        destroyChild(cpu, cl.child);
        if (cl.active()) {
            rounds.deactivate(cl, false);
        }
        rounds.addWeight(-cl.weight);
        classes.remove(cl.classid);
    }

    @Override
    public @Nullable Object find(int classid) {
        return classes.find(classid);
    }

    @Override
    public Qdisc leaf(Object cl) {
        return ((Entry) cl).child;
    }

    @Override
    public Qdisc graft(Object o, Qdisc c) {
        Entry cl = (Entry) o;
        Qdisc old = cl.child;
        cl.child = c;
        return old;
    }

    @Override
    public void qlenNotify(Object o) {
        Entry cl = (Entry) o;
        if (cl.active()) {
            rounds.deactivate(cl, false);
        }
    }

    @Override
    public void walk(Visitor visitor) {
        for (Entry cl : List.copyOf(classes.all())) {
            if (!visitor.visit(cl)) {
                return;
            }
        }
    }

    @Override
    public int classid(Object cl) {
        return ((Entry) cl).classid;
    }

    @Override
    public void dump(Object o, TcPrint p) {
        Entry cl = (Entry) o;
        p.num("weight", "weight ", cl.weight, " ").num("maxpkt", "maxpkt ", cl.lmax, " ");
    }

    @Override
    public void stats(Object o, QdiscStats to) {
        Entry cl = (Entry) o;
        to.bytes = cl.bytes;
        to.packets = cl.packets;
        to.drops = cl.drops;
        to.qlen = cl.child.currentQlen();
        to.backlog = cl.child.currentBacklog();
    }

    @Override
    public void dumpStats(Object o, TcPrint p) {
        Entry cl = (Entry) o;
        p.num("weight", " weight ", cl.weight, "")
                .num("lmax", " lmax ", cl.lmax, "")
                .nl();
    }
}
