package net.tcp;

import static net.tcp.TcpMetricsBlock.CWND;
import static net.tcp.TcpMetricsBlock.REORDERING;
import static net.tcp.TcpMetricsBlock.RTT;
import static net.tcp.TcpMetricsBlock.RTTVAR;
import static net.tcp.TcpMetricsBlock.SSTHRESH;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import net.core.Cpu;
import net.core.neigh.DstEntry;
import net.core.task.SpinLock;
import org.jspecify.annotations.Nullable;

/**
 * The cache of what connections learned about their destinations, by pair of addresses.
 *
 * <p>A chain that has grown to five gives its oldest entry up for a new one, so that the cache is bounded.
 *
 * <p><b>Context:</b> lookups without a lock; {@link #lock} is a leaf, taken with a CPU's word held to change chains.
 *
 * <p>Linux: net/ipv4/tcp_metrics.c. {@code Deviation:} a table for each namespace, made at its first entry.
 */
public final class TcpMetrics {
    private static final int BUCKETS = 4096;
    private static final int RECLAIM_DEPTH = 5;
    /** Jiffies after which the route's pinned numbers are read again. */
    private static final long TIMEOUT = 3600L * TcpConst.HZ;

    private final SpinLock lock = new SpinLock();
    private volatile @Nullable AtomicReferenceArray<@Nullable TcpMetricsBlock> table;

    TcpMetrics() {}

    private static int bucket(int daddr) {
        return daddr * 0x9E3779B1 >>> 20 & BUCKETS - 1;
    }

    /** What is known of a destination; null: nothing. Linux: __tcp_get_metrics(). */
    public @Nullable TcpMetricsBlock lookup(int saddr, int daddr) {
        AtomicReferenceArray<@Nullable TcpMetricsBlock> t = table;
        if (t == null) {
            return null;
        }
        for (TcpMetricsBlock tm = t.getAcquire(bucket(daddr)); tm != null; tm = tm.next) {
            if (tm.daddr == daddr && tm.saddr == saddr) {
                return tm;
            }
        }
        return null;
    }

    /** The entry of a connection's destination, its pinned numbers at most an hour old. Linux: tcp_get_metrics(). */
    private @Nullable TcpMetricsBlock of(Cpu cpu, TcpSock tp, DstEntry dst, boolean create) {
        TcpMetricsBlock tm = lookup(tp.saddr, tp.daddr);
        if (tm == null) {
            return create ? create(cpu, tp.saddr, tp.daddr, dst) : null;
        }
        if (cpu.jiffies() - tm.stamp > TIMEOUT) {
            suckDst(cpu, tm, dst, false);
        }
        return tm;
    }

    private TcpMetricsBlock create(Cpu cpu, int saddr, int daddr, DstEntry dst) {
        TcpMetricsBlock fresh = new TcpMetricsBlock(saddr, daddr); // allocates: once per destination
        suckDst(cpu, fresh, dst, true);
        lock.lock();
        try {
            AtomicReferenceArray<@Nullable TcpMetricsBlock> t = table;
            if (t == null) {
                t = new AtomicReferenceArray<>(BUCKETS);
                table = t;
            }
            TcpMetricsBlock there = lookup(saddr, daddr);
            if (there != null) {
                return there;
            }
            int b = bucket(daddr);
            makeRoom(t, b);
            fresh.next = t.getPlain(b);
            t.setRelease(b, fresh);
            return fresh;
        } finally {
            lock.unlock();
        }
    }

    /** Unlinks the oldest of a long chain. */
    private static void makeRoom(AtomicReferenceArray<@Nullable TcpMetricsBlock> t, int b) {
        int depth = 0;
        TcpMetricsBlock oldest = null;
        for (TcpMetricsBlock tm = t.getPlain(b); tm != null; tm = tm.next) {
            depth++;
            if (oldest == null || tm.stamp - oldest.stamp < 0) {
                oldest = tm;
            }
        }
        if (depth <= RECLAIM_DEPTH || oldest == null) {
            return;
        }
        TcpMetricsBlock before = t.getPlain(b);
        if (before == oldest) {
            t.setRelease(b, oldest.next);
            return;
        }
        while (before != null && before.next != oldest) {
            before = before.next;
        }
        if (before != null) {
            before.next = oldest.next;
        }
    }

    /** Starts from what the route says. Linux: tcpm_suck_dst(). */
    private static void suckDst(Cpu cpu, TcpMetricsBlock tm, DstEntry dst, boolean fastopenToo) {
        tm.stamp = cpu.jiffies();
        int locked = dst.metricLocked(DstEntry.RTAX_RTT) ? 1 << RTT : 0;
        locked |= dst.metricLocked(DstEntry.RTAX_RTTVAR) ? 1 << RTTVAR : 0;
        locked |= dst.metricLocked(DstEntry.RTAX_SSTHRESH) ? 1 << SSTHRESH : 0;
        locked |= dst.metricLocked(DstEntry.RTAX_CWND) ? 1 << CWND : 0;
        locked |= dst.metricLocked(DstEntry.RTAX_REORDERING) ? 1 << REORDERING : 0;
        tm.lock = locked;
        tm.set(RTT, dst.metric(DstEntry.RTAX_RTT) * 1000);
        tm.set(RTTVAR, dst.metric(DstEntry.RTAX_RTTVAR) * 1000);
        tm.set(SSTHRESH, dst.metric(DstEntry.RTAX_SSTHRESH));
        tm.set(CWND, dst.metric(DstEntry.RTAX_CWND));
        tm.set(REORDERING, dst.metric(DstEntry.RTAX_REORDERING));
        if (fastopenToo) {
            tm.fastopen = TcpMetricsBlock.FastOpen.NONE;
        }
    }

    // ---- learning

    /**
     * A connection ends well: what did it learn? Round trips are taken over at once if they grew, else slowly.
     *
     * <p>Linux: tcp_update_metrics()
     */
    static void update(Cpu cpu, TcpSock tp) {
        tp.dstPendingConfirm = true;
        DstEntry dst = tp.skDstGet();
        if (tp.sysctl.tcpNometricsSave != 0 || dst == null) {
            return;
        }
        TcpMetrics cache = tp.tcpNet.metrics;
        if (tp.icskBackoff != 0 || tp.srttUs == 0) { // it got no estimate: perhaps nothing came back in time
            TcpMetricsBlock tm = cache.of(cpu, tp, dst, false);
            if (tm != null) {
                tm.learn(RTT, 0);
            }
            return;
        }
        TcpMetricsBlock tm = cache.of(cpu, tp, dst, true);
        if (tm == null) {
            return;
        }
        learnRtt(tp, tm);
        learnWindow(tp, tm);
        tm.stamp = cpu.jiffies();
    }

    private static void learnRtt(TcpSock tp, TcpMetricsBlock tm) {
        int rtt = tm.get(RTT);
        int m = rtt - tp.srttUs;
        tm.learn(RTT, m <= 0 ? tp.srttUs : rtt - (m >> 3));
        int deviation = Math.max(Math.abs(m) >> 1, tp.mdevUs);
        int var = tm.get(RTTVAR);
        tm.learn(RTTVAR, deviation >= var ? deviation : var - (var - deviation >> 2));
    }

    private static void learnWindow(TcpSock tp, TcpMetricsBlock tm) {
        boolean ssthreshToo = tp.sysctl.tcpNoSsthreshMetricsSave == 0;
        int ssthresh = tm.get(SSTHRESH);
        int cwnd = tm.get(CWND);
        if (tp.inInitialSlowStart()) {
            if (ssthreshToo && ssthresh != 0 && tp.sndCwnd >> 1 > ssthresh) {
                tm.learn(SSTHRESH, tp.sndCwnd >> 1);
            }
            tm.learn(CWND, Math.max(cwnd, tp.sndCwnd));
        } else if (!tp.inSlowStart() && tp.icskCaState == TcpConst.TCP_CA_OPEN) {
            if (ssthreshToo) {
                tm.learn(SSTHRESH, Math.max(tp.sndCwnd >> 1, tp.sndSsthresh));
            }
            tm.learn(CWND, cwnd + tp.sndCwnd >> 1);
        } else { // slow start was interrupted: the window says little
            tm.learn(CWND, cwnd + tp.sndSsthresh >> 1);
            if (ssthreshToo && ssthresh != 0 && tp.sndSsthresh > ssthresh) {
                tm.learn(SSTHRESH, tp.sndSsthresh);
            }
            if (tm.get(REORDERING) < tp.reordering && tp.reordering != tp.sysctl.tcpReordering) {
                tm.learn(REORDERING, tp.reordering);
            }
        }
    }

    // ---- using

    /**
     * A connection starts: threshold, reordering and first time-out from what is known of its destination. Without a
     * round trip from the handshake (RFC 6298 5.7) or the cache the first time-out is three seconds.
     *
     * <p>Linux: tcp_init_metrics()
     */
    static void init(Cpu cpu, TcpSock tp) {
        tp.dstPendingConfirm = true;
        tp.sndSsthresh = TcpConst.TCP_INFINITE_SSTHRESH; // may have shrunk during the handshake
        DstEntry dst = tp.skDstGet();
        TcpMetricsBlock tm = dst == null ? null : tp.tcpNet.metrics.of(cpu, tp, dst, false);
        int cachedRtt = 0;
        if (tm != null) {
            if (tm.locked(CWND)) {
                tp.sndCwndClamp = tm.get(CWND);
            }
            int ssthresh = tp.sysctl.tcpNoSsthreshMetricsSave != 0 ? 0 : tm.get(SSTHRESH);
            if (ssthresh != 0) {
                tp.sndSsthresh = Math.min(ssthresh, tp.sndCwndClamp);
            }
            int reordering = tm.get(REORDERING);
            if (reordering != 0) {
                tp.reordering = reordering;
            }
            cachedRtt = tm.get(RTT);
        }
        if (cachedRtt > tp.srttUs) {
            int rtt = cachedRtt / 8000;
            tp.icskRto = rtt + Math.max(2 * rtt, TcpTimer.rtoMin(tp));
        } else if (tp.srttUs == 0) {
            tp.rttvarUs = TcpConst.TCP_TIMEOUT_FALLBACK * 1000;
            tp.mdevUs = tp.rttvarUs;
            tp.mdevMaxUs = tp.rttvarUs;
            tp.icskRto = TcpConst.TCP_TIMEOUT_FALLBACK;
        }
    }

    /** The peer has finished a handshake with us before: it is no forged address. Linux: tcp_peer_is_proven(). */
    boolean peerIsProven(TcpRequestSock req) {
        TcpMetricsBlock tm = lookup(req.rcvSaddr, req.daddr);
        return tm != null && tm.get(RTT) != 0;
    }

    // ---- fast open

    /** Remembers what a SYN-ACK said. Linux: tcp_fastopen_cache_set(). */
    void saveFastopen(Cpu cpu, TcpSock tp, int mss, @Nullable TcpFastOpenCookie cookie, boolean synLost, int tryExp) {
        DstEntry dst = tp.skDstGet();
        TcpMetricsBlock tm = dst == null ? null : of(cpu, tp, dst, true);
        if (tm == null) {
            return;
        }
        TcpMetricsBlock.FastOpen old = tm.fastopen;
        boolean given = cookie != null && cookie.length() > 0;
        int exp = !given && tryExp > old.tryExp() && old.cookie() == null ? tryExp : old.tryExp();
        tm.fastopen = new TcpMetricsBlock.FastOpen( // allocates: a handshake that opens fast
                mss != 0 ? mss : old.mss(),
                given ? cookie : old.cookie(),
                exp,
                synLost ? old.synLoss() + 1 : 0,
                synLost ? cpu.jiffies() : old.lastSynLoss());
    }

    // ---- for people

    /** Forgets everything. Linux: tcp_metrics_flush_all(). */
    public void flush() {
        table = null;
    }

    /** Forgets a destination; false if it wasn't known. */
    public boolean delete(Cpu cpu, int daddr) {
        AtomicReferenceArray<@Nullable TcpMetricsBlock> t = table;
        if (t == null) {
            return false;
        }
        boolean found = false;
        lock.lock();
        try {
            int b = bucket(daddr);
            TcpMetricsBlock before = null;
            for (TcpMetricsBlock tm = t.getPlain(b); tm != null; tm = tm.next) {
                if (tm.daddr != daddr) {
                    before = tm;
                } else if (before == null) {
                    t.setRelease(b, tm.next);
                    found = true;
                } else {
                    before.next = tm.next;
                    found = true;
                }
            }
        } finally {
            lock.unlock();
        }
        return found;
    }

    /** Every entry, in no order. */
    public List<TcpMetricsBlock> list() {
        List<TcpMetricsBlock> all = new ArrayList<>();
        AtomicReferenceArray<@Nullable TcpMetricsBlock> t = table;
        for (int i = 0; t != null && i < BUCKETS; i++) {
            for (TcpMetricsBlock tm = t.getAcquire(i); tm != null; tm = tm.next) {
                all.add(tm);
            }
        }
        return all;
    }
}
