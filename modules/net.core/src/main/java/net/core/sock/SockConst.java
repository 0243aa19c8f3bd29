package net.core.sock;

/**
 * The numbers of the socket interface: address families, types, levels, option names and message flags, with Linux's
 * values (x86-64), so that a trace or an strace reads the same on both.
 *
 * <p>Linux: include/linux/socket.h, include/uapi/asm-generic/socket.h
 */
public final class SockConst {

    // Address families.
    public static final int AF_UNSPEC = 0;
    public static final int AF_UNIX = 1;
    public static final int AF_INET = 2;
    public static final int AF_INET6 = 10;
    public static final int AF_NETLINK = 16;
    public static final int AF_PACKET = 17;
    public static final int AF_MAX = 46;

    // Socket types, and what may be or-ed to them.
    public static final int SOCK_STREAM = 1;
    public static final int SOCK_DGRAM = 2;
    public static final int SOCK_RAW = 3;
    public static final int SOCK_RDM = 4;
    public static final int SOCK_SEQPACKET = 5;
    public static final int SOCK_PACKET = 10;
    public static final int SOCK_TYPE_MASK = 0xf;
    public static final int SOCK_NONBLOCK = 0x800;
    public static final int SOCK_CLOEXEC = 0x80000;

    // Protocols.
    public static final int IPPROTO_IP = 0;
    public static final int IPPROTO_ICMP = 1;
    public static final int IPPROTO_IGMP = 2;
    public static final int IPPROTO_TCP = 6;
    public static final int IPPROTO_UDP = 17;
    public static final int IPPROTO_IPV6 = 41;
    public static final int IPPROTO_RAW = 255;

    // Option levels.
    public static final int SOL_IP = 0;
    public static final int SOL_SOCKET = 1;
    public static final int SOL_TCP = 6;
    public static final int SOL_UDP = 17;
    public static final int SOL_IPV6 = 41;
    public static final int SOL_RAW = 255;
    public static final int SOL_PACKET = 263;

    // shutdown(2).
    public static final int SHUT_RD = 0;
    public static final int SHUT_WR = 1;
    public static final int SHUT_RDWR = 2;

    /** {@link Sock#shutdown} bits. */
    public static final int RCV_SHUTDOWN = 1;

    public static final int SEND_SHUTDOWN = 2;
    public static final int SHUTDOWN_MASK = 3;

    // Message flags.
    public static final int MSG_OOB = 1;
    public static final int MSG_PEEK = 2;
    public static final int MSG_DONTROUTE = 4;
    public static final int MSG_CTRUNC = 8;
    public static final int MSG_PROBE = 0x10;
    public static final int MSG_TRUNC = 0x20;
    public static final int MSG_DONTWAIT = 0x40;
    public static final int MSG_EOR = 0x80;
    public static final int MSG_WAITALL = 0x100;
    public static final int MSG_CONFIRM = 0x800;
    public static final int MSG_ERRQUEUE = 0x2000;
    public static final int MSG_NOSIGNAL = 0x4000;
    public static final int MSG_MORE = 0x8000;
    public static final int MSG_WAITFORONE = 0x10000;
    public static final int MSG_SENDPAGE_NOTLAST = 0x20000;
    public static final int MSG_ZEROCOPY = 0x4000000;
    public static final int MSG_SPLICE_PAGES = 0x8000000;
    public static final int MSG_FASTOPEN = 0x20000000;
    public static final int MSG_CMSG_CLOEXEC = 0x40000000;

    // SOL_SOCKET options.
    public static final int SO_DEBUG = 1;
    public static final int SO_REUSEADDR = 2;
    public static final int SO_TYPE = 3;
    public static final int SO_ERROR = 4;
    public static final int SO_DONTROUTE = 5;
    public static final int SO_BROADCAST = 6;
    public static final int SO_SNDBUF = 7;
    public static final int SO_RCVBUF = 8;
    public static final int SO_KEEPALIVE = 9;
    public static final int SO_OOBINLINE = 10;
    public static final int SO_NO_CHECK = 11;
    public static final int SO_PRIORITY = 12;
    public static final int SO_LINGER = 13;
    public static final int SO_REUSEPORT = 15;
    public static final int SO_RCVLOWAT = 18;
    public static final int SO_SNDLOWAT = 19;
    public static final int SO_RCVTIMEO = 20;
    public static final int SO_SNDTIMEO = 21;
    public static final int SO_BINDTODEVICE = 25;
    public static final int SO_ATTACH_FILTER = 26;
    public static final int SO_DETACH_FILTER = 27;
    public static final int SO_TIMESTAMP = 29;
    public static final int SO_ACCEPTCONN = 30;
    public static final int SO_SNDBUFFORCE = 32;
    public static final int SO_RCVBUFFORCE = 33;
    public static final int SO_TIMESTAMPNS = 35;
    public static final int SO_MARK = 36;
    public static final int SO_TIMESTAMPING = 37;
    public static final int SO_PROTOCOL = 38;
    public static final int SO_DOMAIN = 39;
    public static final int SO_RXQ_OVFL = 40;
    public static final int SO_PEEK_OFF = 42;
    public static final int SO_LOCK_FILTER = 44;
    public static final int SO_SELECT_ERR_QUEUE = 45;
    public static final int SO_BUSY_POLL = 46;
    public static final int SO_MAX_PACING_RATE = 47;
    public static final int SO_INCOMING_CPU = 49;
    public static final int SO_MEMINFO = 55;
    public static final int SO_INCOMING_NAPI_ID = 56;
    public static final int SO_COOKIE = 57;
    public static final int SO_ZEROCOPY = 60;
    public static final int SO_TXTIME = 61;
    public static final int SO_BINDTOIFINDEX = 62;
    public static final int SO_TIMESTAMP_NEW = 63;
    public static final int SO_TIMESTAMPNS_NEW = 64;
    public static final int SO_TIMESTAMPING_NEW = 65;
    public static final int SO_RCVTIMEO_NEW = 66;
    public static final int SO_SNDTIMEO_NEW = 67;
    public static final int SO_PREFER_BUSY_POLL = 69;
    public static final int SO_BUSY_POLL_BUDGET = 70;
    public static final int SO_NETNS_COOKIE = 71;
    public static final int SO_BUF_LOCK = 72;
    public static final int SO_RESERVE_MEM = 73;
    public static final int SO_TXREHASH = 74;
    public static final int SO_RCVMARK = 75;
    public static final int SO_RCVPRIORITY = 82;

    /** Control messages of SOL_SOCKET share their numbers with the options. */
    public static final int SCM_TXTIME = SO_TXTIME;

    public static final int SCM_TIMESTAMPING_OPT_STATS = 54;
    public static final int SCM_TS_OPT_ID = 81;

    // SO_TIMESTAMPING bits.
    public static final int SOF_TIMESTAMPING_TX_HARDWARE = 1;
    public static final int SOF_TIMESTAMPING_TX_SOFTWARE = 1 << 1;
    public static final int SOF_TIMESTAMPING_RX_HARDWARE = 1 << 2;
    public static final int SOF_TIMESTAMPING_RX_SOFTWARE = 1 << 3;
    public static final int SOF_TIMESTAMPING_SOFTWARE = 1 << 4;
    public static final int SOF_TIMESTAMPING_SYS_HARDWARE = 1 << 5;
    public static final int SOF_TIMESTAMPING_RAW_HARDWARE = 1 << 6;
    public static final int SOF_TIMESTAMPING_OPT_ID = 1 << 7;
    public static final int SOF_TIMESTAMPING_TX_SCHED = 1 << 8;
    public static final int SOF_TIMESTAMPING_TX_ACK = 1 << 9;
    public static final int SOF_TIMESTAMPING_OPT_CMSG = 1 << 10;
    public static final int SOF_TIMESTAMPING_OPT_TSONLY = 1 << 11;
    public static final int SOF_TIMESTAMPING_OPT_STATS = 1 << 12;
    public static final int SOF_TIMESTAMPING_OPT_PKTINFO = 1 << 13;
    public static final int SOF_TIMESTAMPING_OPT_TX_SWHW = 1 << 14;
    public static final int SOF_TIMESTAMPING_BIND_PHC = 1 << 15;
    public static final int SOF_TIMESTAMPING_OPT_ID_TCP = 1 << 16;
    public static final int SOF_TIMESTAMPING_OPT_RX_FILTER = 1 << 17;
    public static final int SOF_TIMESTAMPING_TX_COMPLETION = 1 << 18;
    public static final int SOF_TIMESTAMPING_MASK = (1 << 19) - 1;

    // ioctl commands.
    public static final int SIOCOUTQ = 0x5411;
    public static final int SIOCINQ = 0x541B;
    public static final int FIONREAD = SIOCINQ;
    public static final int FIONBIO = 0x5421;
    public static final int SIOCATMARK = 0x8905;
    public static final int SIOCOUTQNSD = 0x894B;

    /** Largest backlog of {@code listen} unless net.core.somaxconn says otherwise. */
    public static final int SOMAXCONN = 4096;

    private SockConst() {}
}
