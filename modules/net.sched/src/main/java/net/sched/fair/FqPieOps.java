package net.sched.fair;

import java.util.List;
import net.core.Cpu;
import net.core.dev.FlowDissector;
import net.core.dev.NetXmit;
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
import net.sched.aqm.Pie;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * {@code fq_pie [limit 10240] [flows 1024] [target 15ms] [tupdate 15ms] [alpha 2] [beta 20] [quantum MTU]
 * [memory_limit 32Mb] [ecn_prob 10] [ecn|noecn] [bytemode|nobytemode] [dq_rate_estimator|no_dq_rate_estimator]}: flows
 * hashed into queues, new ones first, each under PIE.
 *
 * <p>Linux: net/sched/sch_fq_pie.c
 */
public final class FqPieOps implements QdiscOps {
    private static final TcGrammar GRAMMAR = TcGrammar.of("fq_pie")
            .number("limit", 1, Integer.MAX_VALUE)
            .number("flows", 1, 65536)
            .time("target")
            .time("tupdate")
            .number("alpha", 0, 32)
            .number("beta", 0, 32)
            .number("quantum", 1, 1 << 20)
            .size("memory_limit")
            .number("ecn_prob", 1, 99)
            .flag("ecn", "ecn", 1)
            .flag("noecn", "ecn", 0)
            .flag("bytemode", "bytemode", 1)
            .flag("nobytemode", "bytemode", 0)
            .flag("dq_rate_estimator", "dq_rate_estimator", 1)
            .flag("no_dq_rate_estimator", "dq_rate_estimator", 0);

    /** Creates the kind. */
    public FqPieOps() {}

    @Override
    public String id() {
        return "fq_pie";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        return GRAMMAR.read(args);
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new FqPie(this, devQueue);
    }

    private static final class Flow extends FlowList.Node {
        final SkBuffHead queue = new SkBuffHead();
        final Pie.State pie = new Pie.State();
        int backlog;
        int deficit;
    }

    private static final class FqPie extends SchedQdisc {
        private final Pie pie = new Pie();
        private Flow[] flows = {};
        private final FlowList newFlows = new FlowList();
        private final FlowList oldFlows = new FlowList();
        private int quantum;
        private int ecnProb = 10;
        private long memoryLimit = 32 << 20;
        private long memoryUsage;
        private long packetsIn;
        private long dropped;
        private long overlimit;
        private long overmemory;
        private long ecnMark;
        private long newFlowCount;

        private final QdiscTimer timer = new QdiscTimer(this) {
            @Override
            protected long tick(Cpu cpu, long nowNs) {
                boolean busy = qlen != 0;
                for (Flow f : flows) {
                    pie.calculateProbability(f.pie, f.backlog);
                    busy |= f.pie.prob != 0;
                }
                return busy ? pie.tupdateNs : 0;
            }
        };

        FqPie(FqPieOps ops, NetdevQueue devQueue) {
            super(ops, devQueue, 0);
            limit = 10 * 1024;
            quantum = pschedMtu();
            pie.mtu = quantum;
        }

        @Override
        public int init(@Nullable Object opt) {
            flows = new Flow[TcAttrs.of(opt).get("flows", 1024)];
            for (int i = 0; i < flows.length; i++) {
                flows[i] = new Flow();
            }
            return change(opt);
        }

        @Override
        public int change(@Nullable Object opt) {
            TcAttrs a = TcAttrs.of(opt);
            if (a.get("flows", flows.length) != flows.length) {
                return -Errno.EINVAL;
            }
            limit = a.get("limit", limit);
            pie.targetNs = a.get("target", pie.targetNs);
            pie.tupdateNs = Math.max(1, a.get("tupdate", pie.tupdateNs));
            pie.alpha = a.get("alpha", pie.alpha);
            pie.beta = a.get("beta", pie.beta);
            pie.ecn = a.get("ecn", pie.ecn);
            pie.bytemode = a.get("bytemode", pie.bytemode);
            pie.dqRateEstimator = a.get("dq_rate_estimator", pie.dqRateEstimator);
            quantum = a.get("quantum", quantum);
            memoryLimit = a.get("memory_limit", memoryLimit);
            ecnProb = a.get("ecn_prob", ecnProb);
            return 0;
        }

        @Override
        @HotPath
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            int idx = (int) ((FlowDissector.getHash(cpu, skb) & 0xffffffffL) * flows.length >>> 32);
            Flow f = flows[idx];
            boolean memoryLimited = memoryUsage + skb.truesize > memoryLimit;
            if (qlen >= limit) {
                overlimit++;
                return drop(f, skb, toFree);
            }
            if (memoryLimited) {
                overmemory++;
                return drop(f, skb, toFree);
            }
            if (pie.dropEarly(f.pie, f.backlog, skb.len, random())) {
                if (pie.ecn && f.pie.prob * 100 <= ecnProb && InetEcn.setCe(skb)) {
                    ecnMark++;
                } else {
                    return drop(f, skb, toFree);
                }
            }
            skb.cbl0 = cpu.nowNs();
            skb.cb2 = skb.truesize;
            memoryUsage += skb.truesize;
            packetsIn++;
            f.queue.addTail(skb);
            f.backlog += QdiscSkbCb.pktLen(skb);
            qstatsAdd(skb);
            if (f.on == null) {
                newFlows.addTail(f);
                newFlowCount++;
                f.deficit = quantum;
            }
            timer.arm(cpu, pie.tupdateNs);
            return NetXmit.NET_XMIT_SUCCESS;
        }

        private int drop(Flow f, SkBuff skb, SkBuffHead toFree) {
            dropped++;
            f.pie.dropped();
            return qdiscDrop(skb, toFree);
        }

        private @Nullable SkBuff take(Flow f) {
            SkBuff skb = f.queue.dequeue();
            if (skb != null) {
                f.backlog -= QdiscSkbCb.pktLen(skb);
                memoryUsage -= skb.cb2;
                qstatsSub(skb);
            }
            return skb;
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            while (true) {
                FlowList round = newFlows.isEmpty() ? oldFlows : newFlows;
                Flow f = (Flow) round.first();
                if (f == null) {
                    return null;
                }
                if (f.deficit <= 0) {
                    f.deficit += quantum;
                    round.moveTail(f, oldFlows);
                    continue;
                }
                SkBuff skb = take(f);
                if (skb != null) {
                    bstatsUpdate(skb);
                    int len = QdiscSkbCb.pktLen(skb);
                    f.deficit -= len;
                    pie.processDequeue(f.pie, skb.cbl0, len, f.backlog, cpu.nowNs());
                    return skb;
                }
                if (round == newFlows && !oldFlows.isEmpty()) {
                    round.moveTail(f, oldFlows);
                } else {
                    round.remove(f);
                }
            }
        }

        @Override
        public void trim(Cpu cpu) {
            int n = qlen;
            int bytes = backlog;
            while (qlen > limit || memoryUsage > memoryLimit) {
                Flow f = (Flow) (oldFlows.isEmpty() ? newFlows : oldFlows).first();
                SkBuff skb = f == null ? null : take(f);
                if (f == null) {
                    break;
                }
                if (skb != null) {
                    dequeueDrop(cpu, skb, SkbDropReason.QDISC_OVERLIMIT);
                }
                FlowList on = f.on;
                if (on != null) {
                    on.remove(f);
                    if (f.queue.qlen != 0) {
                        oldFlows.addTail(f);
                    }
                }
            }
            treeReduceBacklog(n - qlen, bytes - backlog);
        }

        @Override
        public void takeAll(Cpu cpu, SkBuffHead to) {
            for (Flow f : flows) {
                to.spliceTail(f.queue);
                f.backlog = 0;
                f.pie.init();
                FlowList on = f.on;
                if (on != null) {
                    on.remove(f);
                }
            }
            memoryUsage = 0;
        }

        @Override
        public void destroy(Cpu cpu) {
            timer.cancel();
        }

        @Override
        public void dump(TcPrint p) {
            p.num("limit", "limit ", limit, "p ");
            p.num("flows", "flows ", flows.length, " ");
            p.timeUs("target", "target ", pie.targetNs / 1000, " ");
            p.timeUs("tupdate", "tupdate ", pie.tupdateNs / 1000, " ");
            p.num("alpha", "alpha ", pie.alpha, " ");
            p.num("beta", "beta ", pie.beta, " ");
            p.num("quantum", "quantum ", quantum, "b ");
            p.size("memory_limit", "memory_limit ", memoryLimit, " ");
            p.num("ecn_prob", "ecn_prob ", ecnProb, " ");
            p.flag("ecn", pie.ecn, "ecn ");
            p.flag("bytemode", pie.bytemode, "bytemode ");
            p.flag("dq_rate_estimator", pie.dqRateEstimator, "dq_rate_estimator ");
        }

        @Override
        public void dumpStats(TcPrint p) {
            p.num("pkts_in", "  pkts_in ", packetsIn, "");
            p.num("overlimit", " overlimit ", overlimit, "");
            p.num("overmemory", " overmemory ", overmemory, "");
            p.num("dropped", " dropped ", dropped, "");
            p.num("ecn_mark", " ecn_mark ", ecnMark, "").nl();
            p.num("new_flow_count", "  new_flow_count ", newFlowCount, "");
            p.num("new_flows_len", " new_flows_len ", newFlows.size, "");
            p.num("old_flows_len", " old_flows_len ", oldFlows.size, "");
            p.num("memory_used", " memory_used ", memoryUsage, "").nl();
        }
    }
}
