package net.core.sock;

import net.core.IntSysctl;
import net.core.Net;
import net.core.PerNet;
import net.core.Sysctl;

/**
 * The sysctls of {@code net.core} that sockets read, per namespace.
 *
 * <p>{@code Deviation:} in Linux the buffer sizes are global; here every namespace has its own, as a lab of hosts wants.
 *
 * <p>Linux: net/core/sysctl_net_core.c
 */
public final class SockSysctl {
    private static final PerNet<SockSysctl> SYSCTL = new PerNet<>();

    /** 256 packets of 256 bytes with their heads. Linux: SK_WMEM_DEFAULT */
    private static final int MEM_DEFAULT = 212_992;

    private static final int MEM_MAX = 4 << 20;

    private final IntSysctl rmemDefault;
    private final IntSysctl wmemDefault;
    private final IntSysctl rmemMax;
    private final IntSysctl wmemMax;
    private final IntSysctl optmemMax;
    private final IntSysctl somaxconn;
    private final IntSysctl busyRead;
    private final IntSysctl busyPoll;
    private final IntSysctl txrehash;

    private SockSysctl(Sysctl sysctl) {
        int max = Integer.MAX_VALUE;
        rmemDefault = sysctl.register("net.core.rmem_default", MEM_DEFAULT, SockMem.SOCK_MIN_RCVBUF, max);
        wmemDefault = sysctl.register("net.core.wmem_default", MEM_DEFAULT, SockMem.SOCK_MIN_SNDBUF, max);
        rmemMax = sysctl.register("net.core.rmem_max", MEM_MAX, SockMem.SOCK_MIN_RCVBUF, max);
        wmemMax = sysctl.register("net.core.wmem_max", MEM_MAX, SockMem.SOCK_MIN_SNDBUF, max);
        optmemMax = sysctl.register("net.core.optmem_max", 128 << 10, 0, max);
        somaxconn = sysctl.register("net.core.somaxconn", SockConst.SOMAXCONN, 0, max);
        busyRead = sysctl.register("net.core.busy_read", 0, 0, max);
        busyPoll = sysctl.register("net.core.busy_poll", 0, 0, max);
        txrehash = sysctl.registerBool("net.core.txrehash", true);
    }

    static void install(Net net) {
        SYSCTL.set(net, new SockSysctl(net.sysctl()));
    }

    /** This namespace's. */
    public static SockSysctl of(Net net) {
        return SYSCTL.get(net);
    }

    /** Receive buffer of a new socket, bytes. */
    public int rmemDefault() {
        return rmemDefault.value;
    }

    /** Send buffer of a new socket, bytes. */
    public int wmemDefault() {
        return wmemDefault.value;
    }

    /** The most that SO_RCVBUF may ask for. */
    public int rmemMax() {
        return rmemMax.value;
    }

    /** The most that SO_SNDBUF may ask for. */
    public int wmemMax() {
        return wmemMax.value;
    }

    /** Bound of a socket's control data, bytes. */
    public int optmemMax() {
        return optmemMax.value;
    }

    /** Bound of every listen backlog. */
    public int somaxconn() {
        return somaxconn.value;
    }

    /** Default of SO_BUSY_POLL, microseconds. */
    public int busyRead() {
        return busyRead.value;
    }

    /** How long poll and epoll look at the device themselves, microseconds. */
    public int busyPoll() {
        return busyPoll.value;
    }

    /** A socket may change its path on trouble. */
    public boolean txrehash() {
        return txrehash.value != 0;
    }
}
