package net.sched.band;

import java.util.List;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscClassOps;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscSkbCb;
import net.core.dev.QdiscStats;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.SchedQdisc;
import net.sched.TcAttrs;
import net.sched.TcGrammar;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * {@code skbprio [limit 64]}: the highest of 64 priorities goes first; a full queue drops the newest packet of the lowest.
 *
 * <p>Linux: net/sched/sch_skbprio.c; tc/q_skbprio.c
 */
public final class SkbprioOps implements QdiscOps {
    /** Priorities; greater ones count as the last. */
    private static final int PRIORITIES = 64;

    private static final int DEFAULT_LIMIT = 64;
    private static final TcGrammar GRAMMAR = TcGrammar.of("skbprio").number("limit", 0, Integer.MAX_VALUE);

    /** Creates the kind. */
    public SkbprioOps() {}

    @Override
    public String id() {
        return "skbprio";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        return GRAMMAR.read(args);
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Skbprio(this, devQueue);
    }

    /** Packets and counts of one priority; shown as class {@code X:priority+1}. */
    private static final class Level {
        final int prio;
        final SkBuffHead packets = new SkBuffHead();
        long backlog;
        long drops;

        Level(int prio) {
            this.prio = prio;
        }
    }

    /** One instance. */
    private static final class Skbprio extends SchedQdisc implements QdiscClassOps {
        private final Level[] levels = new Level[PRIORITIES];
        /** Bit p: priority p holds packets. */
        private long held;

        Skbprio(SkbprioOps ops, NetdevQueue devQueue) {
            super(ops, devQueue, 0);
            limit = DEFAULT_LIMIT;
            for (int i = 0; i < PRIORITIES; i++) {
                levels[i] = new Level(i);
            }
        }

        @Override
        public int init(@Nullable Object opt) {
            return change(opt);
        }

        /** A smaller limit drops nothing by itself; each arrival then replaces one, or is dropped. */
        @Override
        public int change(@Nullable Object opt) {
            limit = TcAttrs.of(opt).get("limit", limit);
            return 0;
        }

        @HotPath
        private void put(Level level, SkBuff skb) {
            level.packets.addTail(skb);
            level.backlog += QdiscSkbCb.pktLen(skb);
            held |= 1L << level.prio;
            qstatsAdd(skb);
        }

        /** Counts a packet out of a level it was taken from. */
        @HotPath
        private void taken(Level level, SkBuff skb) {
            level.backlog -= QdiscSkbCb.pktLen(skb);
            if (level.packets.isEmpty()) {
                held &= ~(1L << level.prio);
            }
            qstatsSub(skb);
        }

        @Override
        @HotPath
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            int prio = Integer.compareUnsigned(skb.priority, PRIORITIES) < 0 ? skb.priority : PRIORITIES - 1;
            Level level = levels[prio];
            if (qlen < limit) {
                put(level, skb);
                return NetXmit.NET_XMIT_SUCCESS;
            }
            // 64 while nothing is held, so that everything is refused.
            int lowest = Long.numberOfTrailingZeros(held);
            SkBuff victim = prio > lowest ? levels[lowest].packets.dequeueTail() : null;
            if (victim == null) {
                level.drops++;
                return qdiscDrop(skb, toFree);
            }
            levels[lowest].drops++;
            taken(levels[lowest], victim);
            put(level, skb);
            int less = QdiscSkbCb.pktLen(victim) - QdiscSkbCb.pktLen(skb);
            qdiscDrop(victim, toFree);
            // The parents do not count an arrival that is answered with CN.
            treeReduceBacklog(0, less);
            return NetXmit.NET_XMIT_CN;
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            if (held == 0) {
                return null;
            }
            Level highest = levels[PRIORITIES - 1 - Long.numberOfLeadingZeros(held)];
            SkBuff skb = highest.packets.dequeue();
            if (skb != null) {
                taken(highest, skb);
                bstatsUpdate(skb);
            }
            return skb;
        }

        @Override
        public void takeAll(Cpu cpu, SkBuffHead to) {
            for (int i = PRIORITIES - 1; i >= 0; i--) {
                to.spliceTail(levels[i].packets);
                levels[i].backlog = 0;
            }
            held = 0;
        }

        @Override
        public void dump(TcPrint p) {
            p.num("limit", "limit ", limit, " ");
        }

        // Classes are there to be shown: they take neither filters nor disciplines.

        @Override
        public QdiscClassOps classOps() {
            return this;
        }

        @Override
        public @Nullable Object find(int classid) {
            return null;
        }

        @Override
        public @Nullable Qdisc leaf(Object cl) {
            return null;
        }

        @Override
        public Qdisc graft(Object cl, Qdisc child) {
            throw new UserError("Error: Class doesn't support grafting");
        }

        @Override
        public void walk(Visitor visitor) {
            for (Level level : levels) {
                if (!visitor.visit(level)) {
                    return;
                }
            }
        }

        @Override
        public int classid(Object cl) {
            return TcHandle.make(handle, ((Level) cl).prio + 1);
        }

        @Override
        public void stats(Object cl, QdiscStats to) {
            Level level = (Level) cl;
            to.drops = level.drops;
            to.overlimits = level.drops;
            to.qlen = level.packets.qlen;
            to.backlog = level.backlog;
        }
    }
}
