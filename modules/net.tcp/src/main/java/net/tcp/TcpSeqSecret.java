package net.tcp;

import net.core.Kernel;
import net.core.PerKernel;
import net.skbuff.SipHash;

/**
 * Initial sequence numbers and time stamp offsets that nobody outside can predict (RFC 6528).
 *
 * <p>Linux: net/core/secure_seq.c
 */
public final class TcpSeqSecret {
    static final PerKernel<TcpSeqSecret> SLOT = new PerKernel<>();

    private final SipHash isn;
    private final SipHash offset;
    /** SYN cookies under this kernel's secrets. */
    public final SynCookies cookies;

    TcpSeqSecret(Kernel kernel) {
        isn = kernel.bootSecret("tcp isn");
        offset = kernel.bootSecret("tcp timestamp offset");
        cookies = new SynCookies(kernel);
    }

    /** This kernel's secrets. */
    public static TcpSeqSecret of(Kernel kernel) {
        return SLOT.get(kernel);
    }

    /** A connection's first sequence number: advances by one each 64 ns, as RFC 9293 3.4.1 asks. Linux: secure_tcp_seq(). */
    public int isn(long nowNs, int saddr, int daddr, int sport, int dport) {
        return (int) isn.hash32(saddr, daddr, sport << 16 | dport) + (int) (nowNs >> 6);
    }

    /** Offset of a pair of hosts' time stamps. Linux: secure_tcp_ts_off(). */
    public int tsOffset(TcpSysctl sysctl, int saddr, int daddr) {
        return sysctl.tcpTimestamps == 1 ? (int) offset.hash32(saddr, daddr) : 0;
    }
}
