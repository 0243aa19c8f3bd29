package net.sched.aqm;

import java.util.List;
import net.core.Cpu;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.tc.TcPrint;
import net.sched.SchedQdisc;
import net.sched.TcAttrs;
import net.sched.TcGrammar;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * {@code codel [limit 1000] [target 5ms] [interval 100ms] [ce_threshold TIME] [ecn|noecn]}: one queue under CoDel.
 *
 * <p>Linux: net/sched/sch_codel.c. RFC 8289
 */
public final class CodelOps implements QdiscOps {
    private static final TcGrammar GRAMMAR = TcGrammar.of("codel")
            .number("limit", 0, Integer.MAX_VALUE)
            .time("target")
            .time("interval")
            .time("ce_threshold")
            .flag("ecn", "ecn", 1)
            .flag("noecn", "ecn", 0);

    /** Creates the kind. */
    public CodelOps() {}

    @Override
    public String id() {
        return "codel";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        return GRAMMAR.read(args);
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new CodelQdisc(this, devQueue);
    }

    private static final class CodelQdisc extends SchedQdisc implements Codel.Host {
        private final Codel codel = new Codel();
        private final CodelState state = new CodelState();
        private long dropOverlimit;

        CodelQdisc(CodelOps ops, NetdevQueue devQueue) {
            super(ops, devQueue, TCQ_F_CAN_BYPASS);
            limit = 1000;
            codel.mtu = pschedMtu();
        }

        @Override
        public int init(@Nullable Object opt) {
            return change(opt);
        }

        @Override
        public int change(@Nullable Object opt) {
            TcAttrs a = TcAttrs.of(opt);
            limit = a.get("limit", limit);
            codel.targetNs = a.get("target", codel.targetNs);
            codel.intervalNs = a.get("interval", codel.intervalNs);
            codel.ceThresholdNs = a.get("ce_threshold", codel.ceThresholdNs);
            codel.ecn = a.get("ecn", codel.ecn);
            flags = limit >= 1 ? flags | TCQ_F_CAN_BYPASS : flags & ~TCQ_F_CAN_BYPASS;
            return 0;
        }

        @Override
        @HotPath
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            if (q.qlen < limit) {
                Codel.setEnqueueTime(skb, cpu.nowNs());
                return enqueueTail(skb);
            }
            dropOverlimit++;
            return qdiscDrop(skb, toFree);
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            SkBuff skb = codel.dequeue(cpu, this, state, cpu.nowNs());
            if (codel.dropCount != 0) {
                treeReduceBacklog(codel.dropCount, codel.dropLen);
                codel.dropCount = 0;
                codel.dropLen = 0;
            }
            if (skb != null) {
                bstatsUpdate(skb);
            }
            return skb;
        }

        @Override
        public @Nullable SkBuff codelDequeue(CodelState s) {
            SkBuff skb = q.dequeue();
            if (skb != null) {
                qstatsSub(skb);
            }
            return skb;
        }

        @Override
        public int codelBacklog(CodelState s) {
            return backlog;
        }

        @Override
        public void codelDrop(Cpu cpu, SkBuff skb) {
            dequeueDrop(cpu, skb, SkbDropReason.QDISC_CONGESTED);
        }

        @Override
        public void trim(Cpu cpu) {
            int n = qlen;
            int bytes = backlog;
            while (q.qlen > limit) {
                SkBuff skb = codelDequeue(state);
                if (skb != null) {
                    dequeueDrop(cpu, skb, SkbDropReason.QDISC_OVERLIMIT);
                }
            }
            treeReduceBacklog(n - qlen, bytes - backlog);
        }

        @Override
        public void takeAll(Cpu cpu, SkBuffHead to) {
            to.spliceTail(q);
            state.codelInit();
        }

        @Override
        public void dump(TcPrint p) {
            p.num("limit", "limit ", limit, "p ");
            p.timeUs("target", "target ", codel.targetNs / 1000, " ");
            p.timeUs("interval", "interval ", codel.intervalNs / 1000, " ");
            if (codel.ceThresholdNs != Codel.DISABLED) {
                p.timeUs("ce_threshold", "ce_threshold ", codel.ceThresholdNs / 1000, " ");
            }
            p.flag("ecn", codel.ecn, "ecn ");
        }

        @Override
        public void dumpStats(TcPrint p) {
            p.num("count", "  count ", state.count, "");
            p.num("lastcount", " lastcount ", state.lastCount, "");
            p.timeUs("ldelay", " ldelay ", state.ldelayNs / 1000, "");
            p.flag("dropping", state.dropping, " dropping");
            if (state.dropping) {
                long us = (state.dropNextNs - devQueue.dev.kernel().clock().nanoTime()) / 1000;
                p.timeUs("drop_next", us < 0 ? " drop_next -" : " drop_next ", Math.abs(us), "");
            } else {
                p.timeUs("drop_next", " drop_next ", 0, "");
            }
            p.nl();
            p.num("maxpacket", "  maxpacket ", codel.maxPacket, "");
            p.num("ecn_mark", " ecn_mark ", codel.ecnMark, "");
            p.num("drop_overlimit", " drop_overlimit ", dropOverlimit, "");
            if (codel.ceMark != 0) {
                p.num("ce_mark", " ce_mark ", codel.ceMark, "");
            }
            p.nl();
        }
    }
}
