package net.sched.aqm;

import java.util.Arrays;
import java.util.List;
import net.core.Cpu;
import net.core.dev.FlowDissector;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscSkbCb;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.sched.ChildQdisc;
import net.sched.InetEcn;
import net.sched.TcAttrs;
import net.sched.TcGrammar;
import net.skbuff.HotPath;
import net.skbuff.Jhash;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * {@code sfb [rehash 600s] [db 60s] [limit TXQLEN] [max 25] [target 20] [increment 0.0005] [decrement 0.00005] [penalty_rate 10]
 * [penalty_burst 20]}: a Bloom filter of bins, each with a probability in the manner of BLUE; a flow is marked by the least of its
 * bins. Flows that do not answer are held to a rate.
 *
 * <p>Times are in milliseconds if bare, as tc reads them here.
 *
 * <p>Linux: net/sched/sch_sfb.c. Feng, Kandlur, Saha, Shin, Stochastic Fair Blue, 2001
 */
public final class SfbOps implements QdiscOps {
    private static final TcGrammar GRAMMAR = TcGrammar.of("sfb")
            .number("rehash", 0, Integer.MAX_VALUE)
            .number("db", 0, Integer.MAX_VALUE)
            .number("limit", 0, Integer.MAX_VALUE)
            .number("max", 1, 65535)
            .number("target", 1, 65535)
            .probability("increment")
            .probability("decrement")
            .number("penalty_rate", 0, Integer.MAX_VALUE)
            .number("penalty_burst", 0, Integer.MAX_VALUE);

    /** Creates the kind. */
    public SfbOps() {}

    @Override
    public String id() {
        return "sfb";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        return GRAMMAR.read(args);
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Sfb(this, devQueue);
    }

    /** One set of bins under one hash function: 8 levels of 16. */
    private static final class Bins {
        static final int LEVELS = 8;
        static final int WIDTH = 16;

        int perturbation;
        final int[] qlen = new int[LEVELS * WIDTH];
        final double[] pMark = new double[LEVELS * WIDTH];
        /** Of the last flow looked at. */
        double pMin;

        int minQlen;

        int hash(int flow) {
            int h = Jhash.hash1(flow, perturbation);
            return h == 0 ? 1 : h;
        }

        /** Moves the probabilities of a flow's bins by their lengths, and takes the least. */
        void look(int hash, int target, double up, double down) {
            pMin = 1;
            minQlen = Integer.MAX_VALUE;
            for (int i = 0, h = hash; i < LEVELS; i++, h >>>= 4) {
                int at = i * WIDTH + (h & WIDTH - 1);
                if (qlen[at] == 0) {
                    pMark[at] = Math.max(0, pMark[at] - down);
                } else if (qlen[at] >= target) {
                    pMark[at] = Math.min(1, pMark[at] + up);
                }
                minQlen = Math.min(minQlen, qlen[at]);
                pMin = Math.min(pMin, pMark[at]);
            }
        }

        void count(int hash, int by) {
            if (hash != 0) {
                for (int i = 0, h = hash; i < LEVELS; i++, h >>>= 4) {
                    int at = i * WIDTH + (h & WIDTH - 1);
                    qlen[at] = Math.max(0, qlen[at] + by);
                }
            }
        }

        void clear() {
            Arrays.fill(qlen, 0);
            Arrays.fill(pMark, 0);
        }
    }

    private static final class Sfb extends ChildQdisc {
        private long rehashMs = 600_000;
        private long warmupMs = 60_000;
        private int max = 25;
        private int target = 20;
        private double increment = 0.0005;
        private double decrement = 0.00005;
        private int penaltyRate = 10;
        private int penaltyBurst = 20;
        private int tokens;
        private long tokenTime;
        private long rehashTime;
        private int slot;
        private boolean doubleBuffering;
        private final Bins[] bins = {new Bins(), new Bins()};
        private long earlydrop;
        private long penaltydrop;
        private long bucketdrop;
        private long queuedrop;
        private long childdrop;
        private long marked;

        Sfb(SfbOps ops, NetdevQueue devQueue) {
            super(ops, devQueue);
            limit = Math.max(devQueue.dev.txQueueLen, 1);
        }

        @Override
        public boolean takesFilters() {
            return true;
        }

        @Override
        public int init(@Nullable Object opt) {
            makeChild("pfifo");
            bins[0].perturbation = random();
            bins[1].perturbation = random();
            return change(opt);
        }

        @Override
        public int change(@Nullable Object opt) {
            TcAttrs a = TcAttrs.of(opt);
            rehashMs = a.get("rehash", rehashMs);
            warmupMs = a.get("db", warmupMs);
            int newLimit = a.get("limit", limit);
            limit = newLimit == 0 ? Math.max(devQueue.dev.txQueueLen, 1) : newLimit;
            max = a.get("max", max);
            target = a.get("target", target);
            increment = a.get("increment", increment);
            decrement = a.get("decrement", decrement);
            penaltyRate = a.get("penalty_rate", penaltyRate);
            penaltyBurst = a.get("penalty_burst", penaltyBurst);
            tokens = penaltyBurst;
            rehashTime = devQueue.dev.kernel().clock().nanoTime() / 1_000_000;
            tokenTime = rehashTime;
            limitChild("pfifo", limit);
            return 0;
        }

        /** Moves to the other hash function from time to time, which has learnt the greedy flows before. */
        private void rehash(long ms) {
            if (rehashMs <= 0) {
                return;
            }
            if (ms - rehashTime > rehashMs) {
                bins[slot].perturbation = random();
                bins[slot].clear();
                slot ^= 1;
                doubleBuffering = false;
                rehashTime = ms;
            } else if (!doubleBuffering && warmupMs > 0 && ms - rehashTime > rehashMs - warmupMs) {
                doubleBuffering = true;
            }
        }

        @Override
        @HotPath
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            if (qlen >= limit) {
                overlimits++;
                queuedrop++;
                return drop(skb, toFree);
            }
            long ms = cpu.nowNs() / 1_000_000;
            rehash(ms);
            int flow = FlowDissector.getHash(cpu, skb);
            int act = tcfClassify(cpu, skb);
            if (act == TcfBlock.TC_ACT_SHOT) {
                return drop(skb, toFree);
            } else if (act == TcfBlock.TC_ACT_OK) {
                flow = QdiscSkbCb.tcClassid(skb) & 0xffff;
            } else if (act != TcfBlock.TC_ACT_UNSPEC) {
                return taken(act, skb, toFree);
            }
            Bins b = bins[slot];
            int hash = b.hash(flow);
            int other = 0;
            b.look(hash, target, increment, decrement);
            if (b.minQlen >= max) {
                overlimits++;
                bucketdrop++;
                return drop(skb, toFree);
            }
            if (b.pMin >= 1) {
                if (doubleBuffering) {
                    other = bins[slot ^ 1].hash(flow);
                    bins[slot ^ 1].look(other, target, increment, decrement);
                }
                if (penalty(ms)) {
                    overlimits++;
                    penaltydrop++;
                    return drop(skb, toFree);
                }
            } else if (!pass(skb, b.pMin)) {
                earlydrop++;
                return drop(skb, toFree);
            }
            return intoChild(cpu, skb, hash, other, toFree);
        }

        /** Marks by probability, drops what cannot be marked; above one half drops some of the rest, too. */
        private boolean pass(SkBuff skb, double pMin) {
            double r = (random() & 0xffffffffL) * 0x1p-32;
            if (r >= pMin) {
                return true;
            }
            if (pMin > 0.5 && r < (pMin - 0.5) * 2 || !InetEcn.setCe(skb)) {
                return false;
            }
            marked++;
            return true;
        }

        private int intoChild(Cpu cpu, SkBuff skb, int hash, int other, SkBuffHead toFree) {
            Qdisc c = child;
            if (c == null) {
                return drop(skb, toFree);
            }
            int len = QdiscSkbCb.pktLen(skb);
            skb.cb6 = slot == 0 ? hash : other;
            skb.cb7 = slot == 0 ? other : hash;
            bins[0].count(skb.cb6, 1);
            bins[1].count(skb.cb7, 1);
            int h0 = skb.cb6;
            int h1 = skb.cb7;
            int rc = c.enqueue(cpu, skb, toFree);
            if (rc == NetXmit.NET_XMIT_SUCCESS) {
                qlen++;
                backlog += len;
                return rc;
            }
            bins[0].count(h0, -1);
            bins[1].count(h1, -1);
            if (NetXmit.dropCount(rc) != 0) {
                childdrop++;
                drops++;
            }
            return rc;
        }

        /** Beyond the rate for flows that do not answer? */
        private boolean penalty(long ms) {
            if (penaltyRate == 0 || penaltyBurst == 0) {
                return true;
            }
            if (tokens < 1) {
                long age = Math.min(10_000, ms - tokenTime);
                tokens = (int) Math.min(penaltyBurst, age * penaltyRate / 1000);
                tokenTime = ms;
                if (tokens < 1) {
                    return true;
                }
            }
            tokens--;
            return false;
        }

        private int drop(SkBuff skb, SkBuffHead toFree) {
            qdiscDrop(skb, toFree);
            return NetXmit.NET_XMIT_CN;
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            Qdisc c = child;
            SkBuff skb = c == null ? null : c.dequeuePeeked(cpu);
            if (skb != null) {
                bstatsUpdate(skb);
                qstatsSub(skb);
                bins[0].count(skb.cb6, -1);
                bins[1].count(skb.cb7, -1);
            }
            return skb;
        }

        @Override
        public void takeAll(Cpu cpu, SkBuffHead to) {
            super.takeAll(cpu, to);
            slot = 0;
            doubleBuffering = false;
            bins[0].clear();
            bins[1].clear();
        }

        @Override
        public void dump(TcPrint p) {
            p.num("limit", "limit ", limit, " ");
            p.num("max", "max ", max, " ");
            p.num("target", "target ", target, " ").nl();
            p.real("increment", "  increment ", increment, " ");
            p.real("decrement", "decrement ", decrement, " ");
            p.num("penalty_rate", "penalty rate ", penaltyRate, " ");
            p.num("penalty_burst", "burst ", penaltyBurst, " ");
            p.num("rehash", "(", rehashMs, "ms ");
            p.num("db", "", warmupMs, "ms)");
        }

        @Override
        public void dumpStats(TcPrint p) {
            Bins b = bins[slot];
            p.num("earlydrop", "  earlydrop ", earlydrop, "");
            p.num("penaltydrop", " penaltydrop ", penaltydrop, "");
            p.num("bucketdrop", " bucketdrop ", bucketdrop, "").nl();
            p.num("queuedrop", "  queuedrop ", queuedrop, "");
            p.num("childdrop", " childdrop ", childdrop, "");
            p.num("marked", " marked ", marked, "").nl();
            p.num("maxqlen", "  maxqlen ", Arrays.stream(b.qlen).max().orElse(0), "");
            p.real("maxprob", " maxprob ", Arrays.stream(b.pMark).max().orElse(0), "");
            p.real("avgprob", " avgprob ", Arrays.stream(b.pMark).average().orElse(0), "")
                    .nl();
        }
    }
}
