package net.tcp;

/** The protocol's and the kernel's constants for TCP. Linux: include/net/tcp.h, include/uapi/linux/tcp.h. */
public final class TcpConst {
    /** Largest window without scaling. */
    public static final int MAX_TCP_WINDOW = 32767;
    /** Smallest MSS a peer may announce (and be believed). */
    public static final int TCP_MIN_MSS = 88;
    /** MSS assumed when the peer announces none (RFC 9293 3.7.1). */
    public static final int TCP_MSS_DEFAULT = 536;
    /** Smallest MSS we send with. */
    public static final int TCP_MIN_SND_MSS = 48;
    /** Base of the path MTU search, bytes. */
    public static final int TCP_BASE_MSS = 1024;
    /** Largest offered window shift (RFC 7323 2.3). */
    public static final int TCP_MAX_WSCALE = 14;
    /** Initial congestion window, segments (RFC 6928). */
    public static final int TCP_INIT_CWND = 10;
    /** "No slow start threshold yet". */
    public static final int TCP_INFINITE_SSTHRESH = 0x7fffffff;
    /** Segments in quick-ACK mode at most. */
    public static final int TCP_MAX_QUICKACKS = 16;
    /** Duplicate ACKs that trigger fast retransmit. */
    public static final int TCP_FASTRETRANS_THRESH = 3;
    /** Urgent byte is there and unread. */
    public static final int TCP_URG_VALID = 0x0100;
    /** Urgent byte not arrived yet. */
    public static final int TCP_URG_NOTYET = 0x0200;
    /** Urgent byte was read. */
    public static final int TCP_URG_READ = 0x0400;

    /** Jiffies per second. */
    public static final int HZ = 1000;
    /** TIME_WAIT's length, jiffies. */
    public static final int TCP_TIMEWAIT_LEN = 60 * HZ;
    /** FIN_WAIT2's default time-out, jiffies. */
    public static final int TCP_FIN_TIMEOUT = TCP_TIMEWAIT_LEN;
    /** FIN_WAIT2's longest time-out, jiffies. */
    public static final int TCP_FIN_TIMEOUT_MAX = 120 * HZ;
    /** Longest delayed ACK, jiffies. */
    public static final int TCP_DELACK_MAX = HZ / 5;
    /** Shortest delayed ACK, jiffies. */
    public static final int TCP_DELACK_MIN = HZ / 25;
    /** Shortest ACK time-out estimate, jiffies. */
    public static final int TCP_ATO_MIN = HZ / 25;
    /** Longest retransmission time-out, seconds. */
    public static final int TCP_RTO_MAX_SEC = 120;
    /** Longest retransmission time-out, jiffies. */
    public static final int TCP_RTO_MAX = TCP_RTO_MAX_SEC * HZ;
    /** Shortest retransmission time-out, jiffies. */
    public static final int TCP_RTO_MIN = HZ / 5;
    /** Shortest timer (TLP, probes), jiffies. */
    public static final int TCP_TIMEOUT_MIN = 2;
    /** Shortest timer, microseconds. */
    public static final int TCP_TIMEOUT_MIN_US = 2000;
    /** First retransmission time-out (RFC 6298 2.1), jiffies. */
    public static final int TCP_TIMEOUT_INIT = HZ;
    /** Time-out after a retransmitted SYN (RFC 6298 5.7), jiffies. */
    public static final int TCP_TIMEOUT_FALLBACK = 3 * HZ;
    /** Delay when local resources are short, jiffies. */
    public static final int TCP_RESOURCE_PROBE_INTERVAL = HZ / 2;
    /** PAWS: seconds after which a stored time stamp is too old to judge by. */
    public static final int TCP_PAWS_24DAYS = 60 * 60 * 24 * 24;
    /** Seconds after which a time stamp in TIME_WAIT allows reuse (MSL). */
    public static final int TCP_PAWS_MSL = 60;
    /** Time stamps may run back this much before PAWS rejects them. */
    public static final int TCP_PAWS_WINDOW = 1;
    /** Longest and shortest keepalive settings, seconds or counts. */
    public static final int MAX_TCP_KEEPIDLE = 32767;
    /** Longest interval between keepalive probes, seconds. */
    public static final int MAX_TCP_KEEPINTVL = 32767;
    /** Most keepalive probes. */
    public static final int MAX_TCP_KEEPCNT = 127;
    /** Most SYN retries. */
    public static final int MAX_TCP_SYNCNT = 127;

    /** Kinds of options. */
    public static final int TCPOPT_NOP = 1, TCPOPT_EOL = 0, TCPOPT_MSS = 2, TCPOPT_WINDOW = 3, TCPOPT_SACK_PERM = 4;
    /** Kinds of options. */
    public static final int TCPOPT_SACK = 5, TCPOPT_TIMESTAMP = 8, TCPOPT_MD5SIG = 19, TCPOPT_FASTOPEN = 34;
    /** Lengths of options on the wire. */
    public static final int TCPOLEN_MSS = 4, TCPOLEN_WINDOW = 3, TCPOLEN_SACK_PERM = 2, TCPOLEN_TIMESTAMP = 10;
    /** Lengths of options padded to words. */
    public static final int TCPOLEN_TSTAMP_ALIGNED = 12, TCPOLEN_WSCALE_ALIGNED = 4, TCPOLEN_SACKPERM_ALIGNED = 4;
    /** Lengths of options padded to words. */
    public static final int TCPOLEN_SACK_BASE = 2, TCPOLEN_SACK_BASE_ALIGNED = 4, TCPOLEN_SACK_PERBLOCK = 8;
    /** Lengths of options padded to words. */
    public static final int TCPOLEN_MSS_ALIGNED = 4, TCPOLEN_MD5SIG = 18, TCPOLEN_MD5SIG_ALIGNED = 20;
    /** Kinds of the AccECN option, by the order of its fields. */
    public static final int TCPOPT_ACCECN0 = 172, TCPOPT_ACCECN1 = 174;
    /** The experimental fast open option: kind, and the number that says which experiment. */
    public static final int TCPOPT_EXP = 254, TCPOPT_FASTOPEN_MAGIC = 0xF989;
    /** Bytes of the fast open options before the cookie. */
    public static final int TCPOLEN_FASTOPEN_BASE = 2, TCPOLEN_EXP_FASTOPEN_BASE = 4;
    /** Bits of net.ipv4.tcp_fastopen. */
    public static final int TFO_CLIENT_ENABLE = 1,
            TFO_SERVER_ENABLE = 2,
            TFO_CLIENT_NO_COOKIE = 4,
            TFO_SERVER_COOKIE_NOT_REQD = 0x200,
            TFO_SERVER_WO_SOCKOPT1 = 0x400;
    /** Most bytes of options. */
    public static final int MAX_TCP_OPTION_SPACE = 40;
    /** Header room kept before TCP data: link, IP with options, TCP with options. */
    public static final int MAX_TCP_HEADER = 320;
    /** Most SACK blocks kept. */
    public static final int TCP_NUM_SACKS = 4;

    /** Nagle is off (TCP_NODELAY). */
    public static final int TCP_NAGLE_OFF = 1;
    /** Socket is corked (TCP_CORK). */
    public static final int TCP_NAGLE_CORK = 2;
    /** Cork is overridden till the queued data has gone. */
    public static final int TCP_NAGLE_PUSH = 4;

    /** Congestion states; icsk's caState. */
    public static final int TCP_CA_OPEN = 0, TCP_CA_DISORDER = 1, TCP_CA_CWR = 2, TCP_CA_RECOVERY = 3, TCP_CA_LOSS = 4;

    /** Congestion events for cwndEvent. */
    public static final int CA_EVENT_TX_START = 0,
            CA_EVENT_CWND_RESTART = 1,
            CA_EVENT_COMPLETE_CWR = 2,
            CA_EVENT_LOSS = 3,
            CA_EVENT_ECN_NO_CE = 4,
            CA_EVENT_ECN_IS_CE = 5,
            CA_EVENT_TLP_RECOVERY = 6;

    /** {@code ecnFlags} bits of a connection. {@code TCP_ECN_OK} alone: classic ECN. */
    public static final int TCP_ECN_OK = 1, TCP_ECN_QUEUE_CWR = 2, TCP_ECN_DEMAND_CWR = 4, TCP_ECN_SEEN = 8;
    /** Accurate ECN; asked for; the bits of the mode. */
    public static final int TCP_ECN_MODE_ACCECN = 16,
            TCP_ECN_MODE_PENDING = TCP_ECN_OK | TCP_ECN_MODE_ACCECN,
            TCP_ECN_MODE_ANY = TCP_ECN_OK | TCP_ECN_MODE_ACCECN;

    /** What the retransmit timer is armed for; icsk's pending. */
    public static final int ICSK_TIME_RETRANS = 1,
            ICSK_TIME_DACK = 2,
            ICSK_TIME_PROBE0 = 3,
            ICSK_TIME_LOSS_PROBE = 5,
            ICSK_TIME_REO_TIMEOUT = 6;

    /** Bits of icsk's ack.pending. */
    public static final int ICSK_ACK_SCHED = 1,
            ICSK_ACK_TIMER = 2,
            ICSK_ACK_PUSHED = 4,
            ICSK_ACK_PUSHED2 = 8,
            ICSK_ACK_NOW = 16,
            ICSK_ACK_NOMEM = 32;

    /** Chronographs of TCP_INFO. */
    public static final int TCP_CHRONO_UNSPEC = 0,
            TCP_CHRONO_BUSY = 1,
            TCP_CHRONO_RWND_LIMITED = 2,
            TCP_CHRONO_SNDBUF_LIMITED = 3;

    /** States of the TCP state machine as bits, {@code 1 << state}. */
    public static final int TCPF_ESTABLISHED = 1 << 1,
            TCPF_SYN_SENT = 1 << 2,
            TCPF_SYN_RECV = 1 << 3,
            TCPF_FIN_WAIT1 = 1 << 4,
            TCPF_FIN_WAIT2 = 1 << 5,
            TCPF_TIME_WAIT = 1 << 6,
            TCPF_CLOSE = 1 << 7,
            TCPF_CLOSE_WAIT = 1 << 8,
            TCPF_LAST_ACK = 1 << 9,
            TCPF_LISTEN = 1 << 10,
            TCPF_CLOSING = 1 << 11,
            TCPF_NEW_SYN_RECV = 1 << 12;

    /** Bits and bit numbers of a connection's {@code tsqFlags}. */
    public static final int TSQF_THROTTLED = 1,
            TSQF_QUEUED = 2,
            TCPF_TSQ_DEFERRED = 4,
            TCPF_WRITE_TIMER_DEFERRED = 8,
            TCPF_DELACK_TIMER_DEFERRED = 16,
            TCPF_MTU_REDUCED_DEFERRED = 32,
            TCPF_ACK_DEFERRED = 64;
    /** The bits that releaseCb must act on. */
    public static final int TCP_DEFERRED_ALL = TCPF_TSQ_DEFERRED
            | TCPF_WRITE_TIMER_DEFERRED
            | TCPF_DELACK_TIMER_DEFERRED
            | TCPF_MTU_REDUCED_DEFERRED
            | TCPF_ACK_DEFERRED;

    /** Socket options of level SOL_TCP. Linux: include/uapi/linux/tcp.h. */
    public static final int SOL_TCP = 6;
    /** Socket options of level SOL_TCP. */
    public static final int TCP_NODELAY = 1,
            TCP_MAXSEG = 2,
            TCP_CORK = 3,
            TCP_KEEPIDLE = 4,
            TCP_KEEPINTVL = 5,
            TCP_KEEPCNT = 6,
            TCP_SYNCNT = 7,
            TCP_LINGER2 = 8,
            TCP_DEFER_ACCEPT = 9,
            TCP_WINDOW_CLAMP = 10,
            TCP_INFO = 11,
            TCP_QUICKACK = 12,
            TCP_CONGESTION = 13,
            TCP_MD5SIG = 14,
            TCP_THIN_LINEAR_TIMEOUTS = 16,
            TCP_THIN_DUPACK = 17,
            TCP_USER_TIMEOUT = 18,
            TCP_REPAIR = 19,
            TCP_REPAIR_QUEUE = 20,
            TCP_QUEUE_SEQ = 21,
            TCP_REPAIR_OPTIONS = 22,
            TCP_FASTOPEN = 23,
            TCP_TIMESTAMP = 24,
            TCP_NOTSENT_LOWAT = 25,
            TCP_CC_INFO = 26,
            TCP_SAVE_SYN = 27,
            TCP_SAVED_SYN = 28,
            TCP_REPAIR_WINDOW = 29,
            TCP_FASTOPEN_CONNECT = 30,
            TCP_ULP = 31,
            TCP_MD5SIG_EXT = 32,
            TCP_FASTOPEN_KEY = 33,
            TCP_FASTOPEN_NO_COOKIE = 34,
            TCP_ZEROCOPY_RECEIVE = 35,
            TCP_INQ = 36,
            TCP_CM_INQ = TCP_INQ,
            TCP_TX_DELAY = 37,
            TCP_RTO_MAX_MS = 44,
            TCP_RTO_MIN_US = 45,
            TCP_DELACK_MAX_US = 46;

    private TcpConst() {}
}
