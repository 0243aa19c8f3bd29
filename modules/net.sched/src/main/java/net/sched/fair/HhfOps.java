package net.sched.fair;

import java.util.Arrays;
import java.util.List;
import net.core.Cpu;
import net.core.dev.FlowDissector;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscSkbCb;
import net.core.tc.TcPrint;
import net.sched.SchedQdisc;
import net.sched.TcAttrs;
import net.sched.TcGrammar;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.Jhash;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * {@code hhf [limit 1000] [quantum MTU] [hh_limit 2048] [reset_timeout 40ms] [admit_bytes 128kb] [evict_timeout 1s]
 * [non_hh_weight 2]}: two queues by weighted deficit round robin, for heavy hitters and for all others. A flow becomes a heavy
 * hitter when it sends more than so many bytes between two resets of a multi-stage filter.
 *
 * <p>{@code Deviation:} known heavy hitters stand in a table of two-way buckets made at start, not in chains that grow.
 *
 * <p>Linux: net/sched/sch_hhf.c. Estan, Varghese, New Directions in Traffic Measurement and Accounting, 2002
 */
public final class HhfOps implements QdiscOps {
    private static final TcGrammar GRAMMAR = TcGrammar.of("hhf")
            .number("limit", 1, Integer.MAX_VALUE)
            .size("quantum")
            .number("hh_limit", 1, 1 << 20)
            .time("reset_timeout")
            .size("admit_bytes")
            .time("evict_timeout")
            .number("non_hh_weight", 1, 1 << 16);

    /** Creates the kind. */
    public HhfOps() {}

    @Override
    public String id() {
        return "hhf";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        return GRAMMAR.read(args);
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Hhf(this, devQueue);
    }

    private static final class Bucket extends FlowList.Node {
        final SkBuffHead queue = new SkBuffHead();
        int deficit;
    }

    private static final class Hhf extends SchedQdisc {
        private static final int STAGES = 4;
        private static final int LEN = 1024;
        private static final int WAYS = 4;

        private final Bucket heavy = new Bucket();
        private final Bucket light = new Bucket();
        private final FlowList newBuckets = new FlowList();
        private final FlowList oldBuckets = new FlowList();
        private int quantum;
        private int hhLimit = 2048;
        private long resetNs = 40_000_000;
        private long admitBytes = 128 * 1024;
        private long evictNs = 1_000_000_000;
        private int weight = 2;

        private final long[] counters = new long[STAGES * LEN];
        private long resetAt;
        /** Known heavy hitters: hash and when last seen, {@link #WAYS} for each place. */
        private final int[] hhHash = new int[LEN * WAYS];

        private final long[] hhSeen = new long[LEN * WAYS];
        private final boolean[] hhUsed = new boolean[LEN * WAYS];
        private final int perturbation;
        private int hhCurrent;
        private long dropOverlimit;
        private long hhOverlimit;
        private long hhTotal;

        Hhf(HhfOps ops, NetdevQueue devQueue) {
            super(ops, devQueue, 0);
            limit = 1000;
            quantum = pschedMtu();
            perturbation = devQueue.dev.kernel().getRandomU32();
        }

        @Override
        public int init(@Nullable Object opt) {
            resetAt = devQueue.dev.kernel().clock().nanoTime();
            return change(opt);
        }

        @Override
        public int change(@Nullable Object opt) {
            TcAttrs a = TcAttrs.of(opt);
            int newQuantum = a.get("quantum", quantum);
            long light = (long) newQuantum * a.get("non_hh_weight", weight);
            if (light == 0 || light > Integer.MAX_VALUE) {
                return -Errno.EINVAL;
            }
            limit = a.get("limit", limit);
            quantum = newQuantum;
            hhLimit = a.get("hh_limit", hhLimit);
            resetNs = a.get("reset_timeout", resetNs);
            admitBytes = a.get("admit_bytes", admitBytes);
            evictNs = a.get("evict_timeout", evictNs);
            weight = a.get("non_hh_weight", weight);
            return 0;
        }

        /** Is it of a heavy hitter? Linux: hhf_classify(). */
        @HotPath
        private boolean isHeavy(Cpu cpu, SkBuff skb) {
            long now = cpu.nowNs();
            if (now - resetAt > resetNs) {
                Arrays.fill(counters, 0);
                resetAt = now;
            }
            int hash = Jhash.hash1(FlowDissector.getHash(cpu, skb), perturbation);
            int base = (hash & LEN - 1) * WAYS;
            for (int i = base; i < base + WAYS; i++) {
                if (hhUsed[i] && hhHash[i] == hash && now - hhSeen[i] <= evictNs) {
                    hhSeen[i] = now;
                    return true;
                }
            }
            // Three chunks of the hash, and their exclusive or, name a counter in each stage.
            int p0 = hash & LEN - 1;
            int p1 = LEN + (hash >>> 10 & LEN - 1);
            int p2 = 2 * LEN + (hash >>> 20 & LEN - 1);
            int p3 = 3 * LEN + ((hash ^ hash >>> 10 ^ hash >>> 20 ^ hash >>> 30) & LEN - 1);
            long least = Math.min(Math.min(counters[p0], counters[p1]), Math.min(counters[p2], counters[p3]))
                    + QdiscSkbCb.pktLen(skb);
            if (least > admitBytes) {
                return admit(base, hash, now);
            }
            // Only as far as the least requires.
            counters[p0] = Math.max(counters[p0], least);
            counters[p1] = Math.max(counters[p1], least);
            counters[p2] = Math.max(counters[p2], least);
            counters[p3] = Math.max(counters[p3], least);
            return false;
        }

        private boolean admit(int base, int hash, long now) {
            for (int i = base; i < base + WAYS; i++) {
                boolean expired = hhUsed[i] && now - hhSeen[i] > evictNs;
                if (expired || !hhUsed[i] && hhCurrent < hhLimit) {
                    hhCurrent += expired ? 0 : 1;
                    hhUsed[i] = true;
                    hhHash[i] = hash;
                    hhSeen[i] = now;
                    hhTotal++;
                    return true;
                }
            }
            hhOverlimit++;
            return false;
        }

        @Override
        @HotPath
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            boolean hh = isHeavy(cpu, skb);
            Bucket b = hh ? heavy : light;
            b.queue.addTail(skb);
            qstatsAdd(skb);
            if (b.on == null) {
                // Light traffic goes first, heavy hitters never.
                (hh ? oldBuckets : newBuckets).addTail(b);
                b.deficit = (hh ? 1 : weight) * quantum;
            }
            if (qlen <= limit) {
                return NetXmit.NET_XMIT_SUCCESS;
            }
            dropOverlimit++;
            int len = QdiscSkbCb.pktLen(skb);
            Bucket victim = heavy.queue.isEmpty() ? light : heavy;
            SkBuff oldest = victim.queue.dequeue();
            if (oldest == null) {
                return NetXmit.NET_XMIT_SUCCESS;
            }
            int dropped = QdiscSkbCb.pktLen(oldest);
            qstatsSub(oldest);
            qdiscDrop(oldest, toFree);
            if (victim == b) {
                treeReduceBacklog(0, dropped - len);
                return NetXmit.NET_XMIT_CN;
            }
            treeReduceBacklog(1, dropped);
            return NetXmit.NET_XMIT_SUCCESS;
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            while (true) {
                FlowList round = newBuckets.isEmpty() ? oldBuckets : newBuckets;
                Bucket b = (Bucket) round.first();
                if (b == null) {
                    return null;
                }
                if (b.deficit <= 0) {
                    b.deficit += (b == heavy ? 1 : weight) * quantum;
                    round.moveTail(b, oldBuckets);
                    continue;
                }
                SkBuff skb = b.queue.dequeue();
                if (skb != null) {
                    qstatsSub(skb);
                    bstatsUpdate(skb);
                    b.deficit -= QdiscSkbCb.pktLen(skb);
                    return skb;
                }
                if (round == newBuckets && !oldBuckets.isEmpty()) {
                    round.moveTail(b, oldBuckets);
                } else {
                    round.remove(b);
                }
            }
        }

        @Override
        public void trim(Cpu cpu) {
            int n = qlen;
            int bytes = backlog;
            while (qlen > limit) {
                SkBuff skb = heavy.queue.isEmpty() ? light.queue.dequeue() : heavy.queue.dequeue();
                if (skb == null) {
                    break;
                }
                qstatsSub(skb);
                dequeueDrop(cpu, skb, SkbDropReason.QDISC_OVERLIMIT);
            }
            treeReduceBacklog(n - qlen, bytes - backlog);
        }

        /** Light before heavy: a flow that was found heavy has its older packets among the light. */
        @Override
        public void takeAll(Cpu cpu, SkBuffHead to) {
            to.spliceTail(light.queue);
            to.spliceTail(heavy.queue);
            for (Bucket b : new Bucket[] {light, heavy}) {
                FlowList on = b.on;
                if (on != null) {
                    on.remove(b);
                }
            }
            Arrays.fill(counters, 0);
            Arrays.fill(hhUsed, false);
            hhCurrent = 0;
        }

        @Override
        public void dump(TcPrint p) {
            p.num("limit", "limit ", limit, "p ");
            p.size("quantum", "quantum ", quantum, " ");
            p.num("hh_limit", "hh_limit ", hhLimit, " ");
            p.timeUs("reset_timeout", "reset_timeout ", resetNs / 1000, " ");
            p.size("admit_bytes", "admit_bytes ", admitBytes, " ");
            p.timeUs("evict_timeout", "evict_timeout ", evictNs / 1000, " ");
            p.num("non_hh_weight", "non_hh_weight ", weight, " ");
        }

        @Override
        public void dumpStats(TcPrint p) {
            p.num("drop_overlimit", "  drop_overlimit ", dropOverlimit, "");
            p.num("hh_overlimit", " hh_overlimit ", hhOverlimit, "");
            p.num("tot_hh", " tot_hh ", hhTotal, "");
            p.num("cur_hh", " cur_hh ", hhCurrent, "").nl();
        }
    }
}
