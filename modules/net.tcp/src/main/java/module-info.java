/**
 * All of TCP: input, output, timers, loss recovery, SYN cookies and the built-in congestion control.
 *
 * <p>Kernel directories: {@code net/ipv4/tcp*.c}, {@code net/ipv4/syncookies.c}.
 *
 * <p>Threading: a connection is touched by whoever owns its socket or holds its spinlock in softirq; packets and timers
 * that meet an owned socket wait in its backlog.
 */
module net.tcp {
    requires transitive net.ipv4;
    requires org.agrona;

    exports net.tcp;
    exports net.tcp.cong;

    uses net.tcp.TcpCongestionOps;

    provides net.core.KernelModule with
            net.tcp.TcpModule;
    provides net.tcp.TcpCongestionOps with
            net.tcp.cong.Cubic,
            net.tcp.cong.Reno;
}
