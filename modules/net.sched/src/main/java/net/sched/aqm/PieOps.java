package net.sched.aqm;

import java.util.List;
import net.core.Cpu;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscSkbCb;
import net.core.tc.TcPrint;
import net.sched.InetEcn;
import net.sched.QdiscTimer;
import net.sched.SchedQdisc;
import net.sched.TcAttrs;
import net.sched.TcGrammar;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * {@code pie [limit 1000] [target 15ms] [tupdate 15ms] [alpha 2] [beta 20] [ecn|noecn] [bytemode|nobytemode]
 * [dq_rate_estimator|no_dq_rate_estimator]}: one queue under PIE.
 *
 * <p>Linux: net/sched/sch_pie.c. RFC 8033
 */
public final class PieOps implements QdiscOps {
    private static final TcGrammar GRAMMAR = TcGrammar.of("pie")
            .number("limit", 1, Integer.MAX_VALUE)
            .time("target")
            .time("tupdate")
            .number("alpha", 0, 32)
            .number("beta", 0, 32)
            .flag("ecn", "ecn", 1)
            .flag("noecn", "ecn", 0)
            .flag("bytemode", "bytemode", 1)
            .flag("nobytemode", "bytemode", 0)
            .flag("dq_rate_estimator", "dq_rate_estimator", 1)
            .flag("no_dq_rate_estimator", "dq_rate_estimator", 0);

    /** Creates the kind. */
    public PieOps() {}

    @Override
    public String id() {
        return "pie";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        return GRAMMAR.read(args);
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new PieQdisc(this, devQueue);
    }

    private static final class PieQdisc extends SchedQdisc {
        private final Pie pie = new Pie();
        private final Pie.State state = new Pie.State();
        private final QdiscTimer timer = new QdiscTimer(this) {
            @Override
            protected long tick(Cpu cpu, long nowNs) {
                pie.calculateProbability(state, backlog);
                return qlen == 0 && state.prob == 0 ? 0 : pie.tupdateNs;
            }
        };
        private long packetsIn;
        private long overlimit;
        private long dropped;
        private int maxq;
        private long ecnMark;

        PieQdisc(PieOps ops, NetdevQueue devQueue) {
            super(ops, devQueue, 0);
            limit = 1000;
            pie.mtu = pschedMtu();
        }

        @Override
        public int init(@Nullable Object opt) {
            return change(opt);
        }

        @Override
        public int change(@Nullable Object opt) {
            TcAttrs a = TcAttrs.of(opt);
            limit = a.get("limit", limit);
            pie.targetNs = a.get("target", pie.targetNs);
            pie.tupdateNs = Math.max(1, a.get("tupdate", pie.tupdateNs));
            pie.alpha = a.get("alpha", pie.alpha);
            pie.beta = a.get("beta", pie.beta);
            pie.ecn = a.get("ecn", pie.ecn);
            pie.bytemode = a.get("bytemode", pie.bytemode);
            pie.dqRateEstimator = a.get("dq_rate_estimator", pie.dqRateEstimator);
            return 0;
        }

        @Override
        @HotPath
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            if (qlen >= limit) {
                overlimit++;
                state.dropped();
                return qdiscDrop(skb, toFree);
            }
            if (pie.dropEarly(state, backlog, skb.len, random())) {
                if (pie.ecn && state.prob <= 0.1 && InetEcn.setCe(skb)) {
                    ecnMark++;
                } else {
                    dropped++;
                    state.dropped();
                    return qdiscDrop(skb, toFree);
                }
            }
            skb.cbl0 = cpu.nowNs();
            packetsIn++;
            timer.arm(cpu, pie.tupdateNs);
            int rc = enqueueTail(skb);
            maxq = Math.max(maxq, qlen);
            return rc;
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            SkBuff skb = dequeueHead();
            if (skb != null) {
                pie.processDequeue(state, skb.cbl0, QdiscSkbCb.pktLen(skb), backlog, cpu.nowNs());
            }
            return skb;
        }

        @Override
        public void trim(Cpu cpu) {
            int n = qlen;
            int bytes = backlog;
            while (q.qlen > limit) {
                SkBuff skb = q.dequeue();
                if (skb != null) {
                    qstatsSub(skb);
                    dequeueDrop(cpu, skb, SkbDropReason.QDISC_OVERLIMIT);
                }
            }
            treeReduceBacklog(n - qlen, bytes - backlog);
        }

        @Override
        public void takeAll(Cpu cpu, SkBuffHead to) {
            to.spliceTail(q);
            state.init();
        }

        @Override
        public void destroy(Cpu cpu) {
            timer.cancel();
        }

        @Override
        public void dump(TcPrint p) {
            p.num("limit", "limit ", limit, "p ");
            p.timeUs("target", "target ", pie.targetNs / 1000, " ");
            p.timeUs("tupdate", "tupdate ", pie.tupdateNs / 1000, " ");
            p.num("alpha", "alpha ", pie.alpha, " ");
            p.num("beta", "beta ", pie.beta, " ");
            p.flag("ecn", pie.ecn, "ecn ");
            p.flag("bytemode", pie.bytemode, "bytemode ");
            p.flag("dq_rate_estimator", pie.dqRateEstimator, "dq_rate_estimator ");
        }

        @Override
        public void dumpStats(TcPrint p) {
            p.real("prob", "  prob ", state.prob, "");
            p.timeUs("delay", " delay ", state.qdelayNs / 1000, "");
            if (pie.dqRateEstimator) {
                p.num("avg_dq_rate", " avg_dq_rate ", (long) state.avgDqRate, "");
            }
            p.nl();
            p.num("pkts_in", "  pkts_in ", packetsIn, "");
            p.num("overlimit", " overlimit ", overlimit, "");
            p.num("dropped", " dropped ", dropped, "");
            p.num("maxq", " maxq ", maxq, "");
            p.num("ecn_mark", " ecn_mark ", ecnMark, "").nl();
        }
    }
}
