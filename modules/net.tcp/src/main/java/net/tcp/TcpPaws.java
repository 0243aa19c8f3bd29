package net.tcp;

import net.core.Cpu;
import net.skbuff.HotPath;

/**
 * Protection against wrapped sequence numbers: is a segment's time stamp older than what the connection has seen?
 *
 * <p>RFC 7323 5. Linux: tcp_paws_check(), include/net/tcp.h.
 */
@HotPath
final class TcpPaws {
    private TcpPaws() {}

    /** Seconds of the kernel's clock, the unit of {@code tsRecentStamp}. Linux: ktime_get_seconds(). */
    static int seconds(Cpu cpu) {
        return (int) (cpu.nowNs() / 1_000_000_000L);
    }

    /** May the stamp just received follow {@code tsRecent}? {@code window} is how far back it may run. */
    static boolean tcpPawsCheck(Cpu cpu, TcpOptionsReceived opt, int window) {
        return opt.tsRecent - opt.rcvTsval <= window
                // Idle for 24 days: the stamps may have wrapped.
                || seconds(cpu) - (opt.tsRecentStamp + TcpConst.TCP_PAWS_24DAYS) >= 0
                // Some peers send 0 in the handshake and real stamps afterwards.
                || opt.tsRecent == 0;
    }

    /**
     * Is the segment to be refused? A reset is let through once the last stamp is older than a segment can live: better
     * to lose a dead connection than to defend it for ever. Linux: tcp_paws_reject().
     */
    static boolean tcpPawsReject(Cpu cpu, TcpOptionsReceived opt, boolean rst) {
        if (tcpPawsCheck(cpu, opt, 0)) {
            return false;
        }
        return !rst || seconds(cpu) - (opt.tsRecentStamp + TcpConst.TCP_PAWS_MSL) < 0;
    }
}
