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
            net.tcp.cong.Bbr,
            net.tcp.cong.Bbr3,
            net.tcp.cong.Bic,
            net.tcp.cong.Cdg,
            net.tcp.cong.Cubic,
            net.tcp.cong.Dctcp,
            net.tcp.cong.HighSpeed,
            net.tcp.cong.Htcp,
            net.tcp.cong.Hybla,
            net.tcp.cong.Illinois,
            net.tcp.cong.LowPriority,
            net.tcp.cong.Nv,
            net.tcp.cong.Reno,
            net.tcp.cong.Scalable,
            net.tcp.cong.Vegas,
            net.tcp.cong.Veno,
            net.tcp.cong.Westwood,
            net.tcp.cong.Yeah;
}
