package net.tcp;

import net.core.Cpu;
import net.core.MibSet;
import net.core.Net;
import net.core.PerNet;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * TCP's part of a network namespace: settings and counters.
 *
 * <p>Linux: the tcp members of struct netns_ipv4 and struct netns_mib
 */
public final class TcpNet {
    static final PerNet<TcpNet> SLOT = new PerNet<>();

    /** The namespace. */
    public final Net net;
    /** {@code net.ipv4.tcp_*}. */
    public final TcpSysctl sysctl = new TcpSysctl();
    /** Time before which no more challenge ACKs go out, and how many are left. */
    int challengeTimestamp;
    /** Challenge ACKs left in this second. */
    int challengeCount;

    /** What is known of destinations. */
    public final TcpMetrics metrics = new TcpMetrics();
    /** Whether clients may open fast. */
    final TcpFastOpenBlackhole fastopenBlackhole = new TcpFastOpenBlackhole();
    /** Keys of fast open cookies; null until a server needs some. */
    volatile @Nullable TcpFastOpenContext fastopenCtx;

    /** Counters of group TcpExt. */
    public final MibSet<LinuxMib> linuxMib;
    /** Counters of group Tcp. */
    public final MibSet<TcpMib> tcpMib;

    TcpNet(Net net) {
        this.net = net;
        tcpMib = net.mib().register("Tcp", TcpMib.class);
        linuxMib = net.mib().register("TcpExt", LinuxMib.class);
        tcpMib.add(TcpMib.RTOALGORITHM, 1);
        tcpMib.add(TcpMib.RTOMIN, TcpConst.TCP_RTO_MIN);
        tcpMib.add(TcpMib.RTOMAX, TcpConst.TCP_RTO_MAX);
        tcpMib.add(TcpMib.MAXCONN, -1);
    }

    /** A server is to open fast: makes a random key, if there is none. Linux: tcp_fastopen_init_key_once(). */
    void fastopenKeyOnce() {
        if (fastopenCtx == null) {
            // By way of the setting, which shows it.
            net.sysctl()
                    .set(
                            "net.ipv4.tcp_fastopen_key",
                            TcpFastOpenContext.random(net.kernel()).toString());
        }
    }

    /** TCP's part of a namespace. */
    @HotPath
    public static TcpNet of(Net net) {
        return SLOT.get(net);
    }

    /** Counts one. */
    @HotPath
    public void inc(Cpu cpu, LinuxMib counter) {
        linuxMib.inc(cpu, counter);
    }

    /** Counts several. */
    @HotPath
    public void add(Cpu cpu, LinuxMib counter, long n) {
        linuxMib.add(cpu, counter, n);
    }

    /** Counts one. */
    @HotPath
    public void inc(Cpu cpu, TcpMib counter) {
        tcpMib.inc(cpu, counter);
    }

    /** Counts several. */
    @HotPath
    public void add(Cpu cpu, TcpMib counter, long n) {
        tcpMib.add(cpu, counter, n);
    }
}
