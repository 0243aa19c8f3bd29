package net.tcp;

import java.util.concurrent.atomic.AtomicInteger;
import net.core.Cpu;
import net.core.dev.NetDevice;
import net.core.neigh.DstEntry;
import net.skbuff.SkBuff;

/**
 * Middleboxes that break fast opens, often only after the handshake: signs of one stop this namespace's clients from
 * opening fast for a while, longer each time; a fast open that works ends it.
 *
 * <p><b>Context:</b> socket lock, CPU word; the account is atomic.
 *
 * <p>RFC 7413 4.2.1. Linux: tcp_fastopen_active_disable() and others, net/ipv4/tcp_fastopen.c
 */
final class TcpFastOpenBlackhole {
    private static final int MAX_SHIFT = 6;

    /** Times it was disabled in a row. */
    private final AtomicInteger times = new AtomicInteger();
    /** When last, jiffies. */
    private volatile long stamp;

    TcpFastOpenBlackhole() {}

    /** Times in a row. */
    int times() {
        return times.get();
    }

    /** The sysctl was written: a new account. */
    void forget() {
        times.set(0);
    }

    /** Stops fast opens for a while. Linux: tcp_fastopen_active_disable(). */
    static void disable(Cpu cpu, TcpSock tp) {
        if (tp.sysctl.tcpFastopenBlackholeTimeoutSec == 0) {
            return;
        }
        TcpFastOpenBlackhole b = tp.tcpNet.fastopenBlackhole;
        b.stamp = cpu.jiffies();
        b.times.incrementAndGet();
        tp.tcpNet.inc(cpu, LinuxMib.TCPFASTOPENBLACKHOLE);
    }

    /** True while fast opens are stopped. Linux: tcp_fastopen_active_should_disable(). */
    static boolean shouldDisable(Cpu cpu, TcpSock tp) {
        long timeout = tp.sysctl.tcpFastopenBlackholeTimeoutSec;
        TcpFastOpenBlackhole b = tp.tcpNet.fastopenBlackhole;
        int times = b.times.get();
        if (timeout == 0 || times == 0) {
            return false;
        }
        long length = timeout * TcpConst.HZ << Math.min(times - 1, MAX_SHIFT);
        if (cpu.jiffies() - (b.stamp + length) < 0) {
            return true;
        }
        tp.synFastopenCh = true; // a try: if it works, the account is cleared
        return false;
    }

    /** The connection ends: did it get nothing but a FIN beyond a hole, or did it work? Linux: tcp_fastopen_active_disable_ofo_check(). */
    static void checkOfo(Cpu cpu, TcpSock tp) {
        if (!tp.synFastopen) {
            return;
        }
        if (tp.dataSegsIn == 0) {
            SkBuff first = tp.outOfOrderQueue.first();
            if (first != null
                    && tp.outOfOrderQueue.next(first) == null
                    && (TcpSkbCb.tcpFlags(first) & TcpSkbCb.TCPHDR_FIN) != 0) {
                disable(cpu, tp);
            }
        } else if (tp.synFastopenCh && tp.tcpNet.fastopenBlackhole.times.get() != 0) {
            DstEntry dst = tp.skDstGet();
            if (dst == null || !(dst.dev instanceof NetDevice dev) || (dev.flags & NetDevice.IFF_LOOPBACK) == 0) {
                tp.tcpNet.fastopenBlackhole.times.set(0);
            }
        }
    }

    /** A time-out of a connection that was opened fast. Linux: tcp_fastopen_active_detect_blackhole(). */
    static void detect(Cpu cpu, TcpSock tp, boolean expired) {
        int timeouts = tp.icskRetransmits;
        boolean fast = tp.synFastopen || tp.synData || tp.synDataAcked;
        if (fast && (timeouts == 2 || timeouts < 2 && expired)) {
            disable(cpu, tp);
            tp.tcpNet.inc(cpu, LinuxMib.TCPFASTOPENACTIVEFAIL);
        }
    }
}
