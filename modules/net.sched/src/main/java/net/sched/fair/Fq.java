package net.sched.fair;

import net.core.Cpu;
import net.core.dev.FlowDissector;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.QdiscSkbCb;
import net.core.sock.Sock;
import net.core.sock.TcpStates;
import net.core.tc.TcPrint;
import net.sched.InetEcn;
import net.sched.QdiscWatchdog;
import net.sched.SchedQdisc;
import net.sched.TcAttrs;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * Fair queueing with pacing: a flow per socket, each sent at its earliest departure times or at the rate its socket asks
 * for, in three bands of which none starves another.
 *
 * <p>A packet that may go at once while no flow waits its turn takes the fast path, a queue of its own. Flow objects are
 * pooled.
 *
 * <p>{@code Deviation:} flows are known by a hash of the connection, not by the socket's address, so that no flow keeps
 * a closed socket's memory; out-of-order departure times are sorted into the flow's list, which flow_limit bounds.
 *
 * <p>Linux: net/sched/sch_fq.c
 */
final class Fq extends SchedQdisc {
    static final int MIN_WEIGHT = 16 * 1024;

    private static final int IPPROTO_TCP = 6;
    private static final int BANDS = 3;
    private static final int[] PRIO2BAND = {1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
    private static final long NSEC_PER_SEC = 1_000_000_000L;
    private static final long GC_AGE_JIFFIES = 3000;
    private static final int GC_MAX = 8;
    private static final int FASTPATH_MAX = 8;
    private static final long UNLIMITED = Long.MAX_VALUE;

    /** The rounds of one band. */
    private static final class Band {
        final FlowList newFlows = new FlowList();
        final FlowList oldFlows = new FlowList();
        int credit;
        int quantum;
        int packets;
        long drops;

        @Nullable
        FlowList select() {
            if (credit <= 0) {
                return null;
            }
            return !newFlows.isEmpty() ? newFlows : oldFlows.isEmpty() ? null : oldFlows;
        }
    }

    private final QdiscWatchdog watchdog = new QdiscWatchdog(this);
    private final int[] prio2band = PRIO2BAND.clone();
    private final Band[] bands = {new Band(), new Band(), new Band()};
    private int quantum;
    private int initialQuantum;
    private long refillDelayJiffies = 40;
    private int flowPlimit = 100;
    private long flowMaxRate = UNLIMITED;
    private long ceThresholdNs = 0xFFFFFFFFL * 1000;
    private long horizonNs = 10 * NSEC_PER_SEC;
    private boolean horizonDrop = true;
    private int orphanMask = 1023;
    private long lowRateThreshold = 550_000 / 8;
    private boolean rateEnable = true;
    private long timerSlackNs = 10_000;

    private @Nullable FqFlow[] table = new FqFlow[1024];
    private @Nullable FqFlow pool;
    private final FqFlow internal = new FqFlow();
    private final FqThrottled throttled = new FqThrottled();
    private long timeNextDelayedFlow = Long.MAX_VALUE;
    private int bandNr;
    private int flows;
    private int inactiveFlows;

    private long unthrottleLatencyNs;
    private long statFastpath;
    private long statThrottled;
    private long statGc;
    private long statCeMark;
    private long statHorizonDrops;
    private long statHorizonCaps;
    private long statFlowsPlimit;
    private long statTooLong;

    Fq(FqOps ops, NetdevQueue devQueue) {
        super(ops, devQueue, 0);
        limit = 10_000;
        quantum = 2 * pschedMtu();
        initialQuantum = 10 * pschedMtu();
        bands[0].quantum = 9 << 16;
        bands[1].quantum = 3 << 16;
        bands[2].quantum = 1 << 16;
    }

    // ---- options

    @Override
    public int init(@Nullable Object opt) {
        return change(opt);
    }

    @Override
    public int change(@Nullable Object opt) {
        TcAttrs a = TcAttrs.of(opt);
        limit = a.get("limit", limit);
        flowPlimit = a.get("flow_limit", flowPlimit);
        quantum = Math.clamp(a.get("quantum", quantum), 1, 1 << 20);
        initialQuantum = a.get("initial_quantum", initialQuantum);
        flowMaxRate = a.get("maxrate", flowMaxRate);
        orphanMask = (int) a.get("orphan_mask", (long) orphanMask);
        rateEnable = a.get("pacing", rateEnable);
        refillDelayJiffies = a.get("refill_delay", refillDelayJiffies * 1_000_000) / 1_000_000;
        lowRateThreshold = a.get("low_rate_threshold", lowRateThreshold);
        ceThresholdNs = a.get("ce_threshold", ceThresholdNs);
        timerSlackNs = a.get("timer_slack", timerSlackNs);
        horizonNs = a.get("horizon", horizonNs);
        horizonDrop = a.get("horizon_drop", horizonDrop);
        long[] map = a.list("priomap");
        for (int i = 0; map != null && i < map.length; i++) {
            prio2band[i] = (int) map[i];
        }
        long[] weights = a.list("weights");
        for (int i = 0; weights != null && i < BANDS; i++) {
            bands[i].quantum = (int) weights[i];
        }
        int buckets = Integer.highestOneBit(a.get("buckets", table.length));
        if (buckets != table.length) {
            rehash(buckets);
        }
        return 0;
    }

    private void rehash(int buckets) {
        @Nullable FqFlow[] old = table;
        table = new FqFlow[buckets];
        for (FqFlow head : old) {
            FqFlow f = head;
            while (f != null) {
                FqFlow next = f.hashNext;
                int at = bucket(f.key);
                f.hashNext = table[at];
                table[at] = f;
                f = next;
            }
        }
    }

    @Override
    public void trim(Cpu cpu) {
        int n = qlen;
        int bytes = backlog;
        while (qlen > limit) {
            SkBuff skb = dequeue(cpu);
            if (skb == null) {
                break;
            }
            skb.kfree(cpu, SkbDropReason.QDISC_OVERLIMIT);
        }
        treeReduceBacklog(n - qlen, bytes - backlog);
    }

    // ---- flows

    private int bucket(long key) {
        long h = key * 0x9E3779B97F4A7C15L;
        return (int) (h >>> 33) & table.length - 1;
    }

    private static long connection(Sock sk) {
        long a = (long) sk.daddr << 32 | sk.rcvSaddr & 0xffffffffL;
        long b = (long) sk.hash << 32 | (long) (sk.num & 0xffff) << 16 | sk.dport & 0xffff;
        return (a * 0x9E3779B97F4A7C15L ^ Long.rotateLeft(b * 0xC2B2AE3D27D4EB4FL, 31)) << 1;
    }

    /** The flow, new if need be, or {@link #internal}. Linux: fq_classify(). */
    @HotPath
    private FqFlow classify(Cpu cpu, SkBuff skb, long now) {
        Sock sk = skb.sk instanceof Sock s && s.state != TcpStates.TCP_LISTEN ? s : null;
        long key;
        if (sk == null) {
            key = (FlowDissector.getHash(cpu, skb) & orphanMask & 0xffffffffL) << 1 | 1;
            skb.orphan();
        } else if (sk.state == TcpStates.TCP_CLOSE) {
            key = (FlowDissector.getHash(cpu, skb) & orphanMask & 0xffffffffL) << 1 | 1;
            sk = null;
        } else {
            key = connection(sk);
        }
        if (sk != null && rateEnable && sk.pacingStatus != Sock.SK_PACING_FQ) {
            sk.pacingStatus = Sock.SK_PACING_FQ;
        }
        if (fastpath(skb, now)) {
            statFastpath++;
            return internal;
        }
        int at = bucket(key);
        FqFlow f = table[at];
        while (f != null && f.key != key) {
            f = f.hashNext;
        }
        if (f == null) {
            gc(at, cpu.jiffies());
            f = take().init(key, initialQuantum);
            f.ageJiffies = cpu.jiffies();
            f.hashNext = table[at];
            table[at] = f;
            flows++;
            inactiveFlows++;
        }
        return f;
    }

    private FqFlow take() {
        FqFlow f = pool;
        if (f == null) {
            return new FqFlow(); // allocates: as many as there are flows at once
        }
        pool = f.hashNext;
        return f;
    }

    /** Gives flows of this chain back that have been empty for three seconds. Linux: fq_gc(). */
    private void gc(int at, long jiffies) {
        FqFlow prev = null;
        FqFlow f = table[at];
        int n = 0;
        while (f != null && n < GC_MAX) {
            FqFlow next = f.hashNext;
            if (f.detached && jiffies - f.ageJiffies > GC_AGE_JIFFIES) {
                if (prev == null) {
                    table[at] = next;
                } else {
                    prev.hashNext = next;
                }
                f.hashNext = pool;
                pool = f;
                n++;
            } else {
                prev = f;
            }
            f = next;
        }
        flows -= n;
        inactiveFlows -= n;
        statGc += n;
    }

    /** May it pass the flows by? Not if one of them waits its turn. Linux: fq_fastpath_check(). */
    private boolean fastpath(SkBuff skb, long now) {
        if (skb.cbl0 - now > 0) {
            return false;
        }
        if (qlen != 0
                && (flows != inactiveFlows + throttled.size()
                        || internal.queue.qlen >= FASTPATH_MAX
                        || timeNextDelayedFlow <= now)) {
            return false;
        }
        if (skb.sk instanceof Sock sk && sk.protocol != IPPROTO_TCP && sk.maxPacingRate != UNLIMITED) {
            return false;
        }
        return flowMaxRate == UNLIMITED;
    }

    // ---- in

    @Override
    @HotPath
    public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
        int band = prio2band[skb.priority & 15];
        Band b = bands[band];
        if (b.packets >= limit) {
            b.drops++;
            return qdiscDrop(skb, toFree);
        }
        long now = cpu.nowNs();
        if (skb.skbMstampNs == 0) {
            skb.cbl0 = now;
        } else {
            if (skb.skbMstampNs - now > horizonNs) {
                if (horizonDrop) {
                    statHorizonDrops++;
                    return qdiscDrop(skb, toFree);
                }
                statHorizonCaps++;
                skb.skbMstampNs = now + horizonNs;
            }
            skb.cbl0 = skb.skbMstampNs;
        }
        FqFlow f = classify(cpu, skb, now);
        if (f != internal) {
            if (f.queue.qlen >= flowPlimit) {
                statFlowsPlimit++;
                return qdiscDrop(skb, toFree);
            }
            if (f.detached) {
                f.detached = false;
                f.band = band;
                b.newFlows.addTail(f);
                if (cpu.jiffies() - f.ageJiffies > refillDelayJiffies) {
                    f.credit = Math.max(f.credit, quantum);
                }
            }
            f.band = band;
            b.packets++;
            skb.cb2 = band;
            if (f.queue.qlen == 0) {
                inactiveFlows--;
            }
        }
        f.add(skb);
        qstatsAdd(skb);
        return NetXmit.NET_XMIT_SUCCESS;
    }

    // ---- out

    /** Puts flows whose time has come back into their rounds. Linux: fq_check_throttled(). */
    private void checkThrottled(long now) {
        if (timeNextDelayedFlow > now) {
            return;
        }
        unthrottleLatencyNs -= unthrottleLatencyNs >> 3;
        unthrottleLatencyNs += now - timeNextDelayedFlow >> 3;
        timeNextDelayedFlow = Long.MAX_VALUE;
        for (FqFlow f = throttled.first(); f != null; f = throttled.first()) {
            if (f.timeNextPacket > now) {
                timeNextDelayedFlow = f.timeNextPacket;
                return;
            }
            throttled.remove(f);
            bands[f.band].oldFlows.addTail(f);
        }
    }

    @Override
    @HotPath
    public @Nullable SkBuff dequeue(Cpu cpu) {
        if (qlen == 0) {
            return null;
        }
        SkBuff skb = internal.queue.dequeue();
        if (skb != null) {
            qstatsSub(skb);
            bstatsUpdate(skb);
            return skb;
        }
        long now = cpu.nowNs();
        checkThrottled(now);
        int idleBands = 0;
        while (true) {
            Band b = bands[bandNr];
            FlowList round = b.select();
            if (round == null) {
                // The next band gets its credit; three in a row without a flow mean that all wait.
                if (++idleBands > BANDS) {
                    if (timeNextDelayedFlow != Long.MAX_VALUE) {
                        watchdog.scheduleRangeNs(cpu, timeNextDelayedFlow, timerSlackNs);
                    }
                    return null;
                }
                bandNr = bandNr + 1 == BANDS ? 0 : bandNr + 1;
                Band next = bands[bandNr];
                next.credit = Math.min(next.credit + next.quantum, next.quantum);
                if (next.credit <= 0 && !(next.newFlows.isEmpty() && next.oldFlows.isEmpty())) {
                    idleBands = 0; // a large packet put it far into debt: its turn comes
                }
                continue;
            }
            idleBands = 0;
            FqFlow f = first(round);
            if (f.credit <= 0) {
                f.credit += quantum;
                round.moveTail(f, bands[f.band].oldFlows);
                continue;
            }
            skb = f.queue.peek();
            if (skb == null) {
                // A new flow goes through the old ones once, or it could starve them.
                if (round == b.newFlows) {
                    round.moveTail(f, bands[f.band].oldFlows);
                } else {
                    round.remove(f);
                    f.detached = true;
                    f.ageJiffies = cpu.jiffies();
                }
                continue;
            }
            long due = Math.max(skb.cbl0, f.timeNextPacket);
            if (now < due) {
                round.remove(f);
                throttle(f, due);
                continue;
            }
            f.queue.unlink(skb);
            send(f, b, skb, now, due);
            return skb;
        }
    }

    @SuppressWarnings("NullAway") // select gives none that is empty
    private static FqFlow first(FlowList round) {
        return (FqFlow) round.first();
    }

    private void throttle(FqFlow f, long due) {
        f.timeNextPacket = due;
        throttled.add(f);
        statThrottled++;
        timeNextDelayedFlow = Math.min(timeNextDelayedFlow, due);
    }

    private void send(FqFlow f, Band b, SkBuff skb, long now, long due) {
        qstatsSub(skb);
        bstatsUpdate(skb);
        if (now - due > ceThresholdNs && InetEcn.setCe(skb)) {
            statCeMark++;
        }
        if (f.queue.qlen == 0) {
            inactiveFlows++;
        }
        bands[skb.cb2].packets--;
        int len = QdiscSkbCb.pktLen(skb);
        f.credit -= len;
        b.credit -= len;
        if (rateEnable) {
            pace(f, skb, len, now);
        }
    }

    /** When the flow's next packet may go, unless its packets say it themselves. */
    private void pace(FqFlow f, SkBuff skb, int pktLen, long now) {
        long rate = flowMaxRate;
        int len = pktLen;
        if (skb.skbMstampNs == 0) {
            if (skb.sk instanceof Sock sk) {
                rate = Math.min(sk.pacingRate, rate);
            }
            if (rate <= lowRateThreshold) {
                f.credit = 0;
            } else {
                len = Math.max(len, quantum);
                if (f.credit > 0) {
                    return;
                }
            }
        }
        if (rate == UNLIMITED) {
            return;
        }
        long ns = rate > 0 ? len * NSEC_PER_SEC / rate : len * NSEC_PER_SEC;
        if (ns > NSEC_PER_SEC) {
            ns = NSEC_PER_SEC; // the socket's rate may change meanwhile
            statTooLong++;
        }
        // The timer may have been late for this one.
        if (f.timeNextPacket != 0) {
            ns -= Math.min(ns / 2, now - f.timeNextPacket);
        }
        f.timeNextPacket = now + ns;
    }

    @Override
    public void takeAll(Cpu cpu, SkBuffHead to) {
        to.spliceTail(internal.queue);
        for (int i = 0; i < table.length; i++) {
            FqFlow f = table[i];
            table[i] = null;
            while (f != null) {
                FqFlow next = f.hashNext;
                to.spliceTail(f.queue);
                FlowList on = f.on;
                if (on != null) {
                    on.remove(f);
                }
                f.hashNext = pool;
                pool = f;
                f = next;
            }
        }
        throttled.clear();
        for (Band b : bands) {
            b.packets = 0;
        }
        flows = 0;
        inactiveFlows = 0;
        timeNextDelayedFlow = Long.MAX_VALUE;
        watchdog.cancel();
    }

    @Override
    public void destroy(Cpu cpu) {
        watchdog.cancel();
    }

    // ---- shown

    @Override
    public void dump(TcPrint p) {
        p.num("limit", "limit ", limit, "p ");
        p.num("flow_limit", "flow_limit ", flowPlimit, "p ");
        p.num("buckets", "buckets ", table.length, " ");
        p.num("orphan_mask", "orphan_mask ", orphanMask & 0xffffffffL, " ");
        p.num("bands", "bands ", BANDS, " ").openArray("priomap", "priomap");
        for (int band : prio2band) {
            p.num("", " ", band, "");
        }
        p.closeArray(" ").openArray("weights", "weights");
        for (Band b : bands) {
            p.num("", " ", b.quantum, "");
        }
        p.closeArray(" ");
        if (!rateEnable) {
            p.bool("pacing", false, "nopacing ");
        }
        p.size("quantum", "quantum ", quantum, " ");
        p.size("initial_quantum", "initial_quantum ", initialQuantum, " ");
        if (flowMaxRate != UNLIMITED) {
            p.rate("maxrate", "maxrate ", flowMaxRate, " ");
        }
        if (lowRateThreshold != 0) {
            p.rate("low_rate_threshold", "low_rate_threshold ", lowRateThreshold, " ");
        }
        p.timeUs("refill_delay", "refill_delay ", refillDelayJiffies * 1000, " ");
        if (ceThresholdNs != 0xFFFFFFFFL * 1000) {
            p.timeUs("ce_threshold", "ce_threshold ", ceThresholdNs / 1000, " ");
        }
        p.timeNs("timer_slack", "timer_slack ", timerSlackNs, " ");
        p.timeUs("horizon", "horizon ", horizonNs / 1000, " ");
        p.bool(horizonDrop ? "horizon_drop" : "horizon_cap", true, horizonDrop ? "horizon_drop " : "horizon_cap ");
    }

    @Override
    public void dumpStats(TcPrint p) {
        p.num("flows", "  flows ", flows, "");
        p.num("inactive", " (inactive ", inactiveFlows, "");
        p.num("throttled", " throttled ", throttled.size(), ")");
        if (timeNextDelayedFlow != Long.MAX_VALUE) {
            long delay = timeNextDelayedFlow - devQueue.dev.kernel().clock().nanoTime();
            p.num("next_packet_delay", " next_packet_delay ", Math.max(delay, 0), "ns");
        }
        for (int i = 0; i < BANDS; i++) {
            p.num("band" + i + "_pkts", (i == 0 ? "\n  band" : " band") + i + "_pkts ", bands[i].packets, "");
            p.num("band" + i + "_drops", " band" + i + "_drops ", bands[i].drops, "");
        }
        p.nl();
        p.num("gc", "  gc ", statGc, "");
        p.num("highprio", " highprio ", 0, "");
        p.num("fastpath", " fastpath ", statFastpath, "");
        p.num("throttled_events", " throttled ", statThrottled, "");
        if (unthrottleLatencyNs != 0) {
            p.timeNs("latency", " latency ", unthrottleLatencyNs, "");
        }
        optional(p, "ce_mark", statCeMark);
        optional(p, "flows_plimit", statFlowsPlimit);
        optional(p, "pkts_too_long", statTooLong);
        optional(p, "horizon_drops", statHorizonDrops);
        optional(p, "horizon_caps", statHorizonCaps);
        p.nl();
    }

    private static void optional(TcPrint p, String name, long v) {
        if (v != 0) {
            p.num(name, " " + name + " ", v, "");
        }
    }
}
