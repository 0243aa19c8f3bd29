package net.core.sock;

/**
 * Bits of {@link Sock#flags}, set and cleared under the socket lock.
 *
 * <p>Linux: enum sock_flags, include/net/sock.h
 */
public final class SockFlag {
    /** No process has it any more: closed or not yet accepted. */
    public static final int DEAD = 1;

    /** The peer sent everything it will. */
    public static final int DONE = 1 << 1;

    public static final int URGINLINE = 1 << 2;
    public static final int KEEPOPEN = 1 << 3;
    public static final int LINGER = 1 << 4;

    /** Delayed destruction. */
    public static final int DESTROY = 1 << 5;

    public static final int BROADCAST = 1 << 6;

    /** Wants receive stamps for SIOCGSTAMP. */
    public static final int TIMESTAMP = 1 << 7;

    /** Not hashed, not bound. */
    public static final int ZAPPED = 1 << 8;

    /** sock_wfree wakes writers itself. */
    public static final int USE_WRITE_QUEUE = 1 << 9;

    public static final int DBG = 1 << 10;
    public static final int RCVTSTAMP = 1 << 11;
    public static final int RCVTSTAMPNS = 1 << 12;
    public static final int LOCALROUTE = 1 << 13;

    /** May use the reserves of packet memory. */
    public static final int MEMALLOC = 1 << 14;

    public static final int TIMESTAMPING_RX_SOFTWARE = 1 << 15;
    public static final int RXQ_OVFL = 1 << 16;
    public static final int ZEROCOPY = 1 << 17;
    public static final int SELECT_ERR_QUEUE = 1 << 18;
    public static final int TXTIME = 1 << 19;
    public static final int TSTAMP_NEW = 1 << 20;
    public static final int RCVMARK = 1 << 21;
    public static final int RCVPRIORITY = 1 << 22;
    public static final int FILTER_LOCKED = 1 << 23;

    /** Each of these needs packets to be stamped on arrival. */
    static final int SK_FLAGS_TIMESTAMP = TIMESTAMP | TIMESTAMPING_RX_SOFTWARE;

    private SockFlag() {}
}
