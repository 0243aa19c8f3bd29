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

    exports net.tcp;
}
