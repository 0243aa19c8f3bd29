package net.tcp;

/**
 * The {@code net.ipv4.tcp_*} settings of one network namespace, with the kernel's defaults.
 *
 * <p>Plain fields: protocol code reads them without a lock and may see a change late. Units are the kernel's as seen by
 * the user (seconds, milliseconds), not jiffies: HZ is 1000, so milliseconds are jiffies.
 *
 * <p>Linux: struct netns_ipv4, include/net/netns/ipv4.h; net/ipv4/sysctl_net_ipv4.c
 */
public final class TcpSysctl {
    /** Explicit congestion notification: 0 off, 1 ask for it, 2 accept it when asked. */
    public int tcpEcn = 2;
    /** Give ECN up when the SYN that asked for it is lost. */
    public int tcpEcnFallback = 1;
    /** Where the path MTU search starts, bytes of MSS. */
    public int tcpBaseMss = 1024;
    /** Smallest MSS to send with, bytes. */
    public int tcpMinSndMss = 48;
    /** Path MTU probing: 0 off, 1 after a black hole, 2 always. */
    public int tcpMtuProbing = 0;
    /** Smallest MSS the search falls to, bytes. */
    public int tcpMtuProbeFloor = 48;
    /** Range at which the path MTU search ends, bytes. */
    public int tcpProbeThreshold = 8;
    /** Seconds between searches for a larger path MTU. */
    public int tcpProbeInterval = 600;
    /** Idle seconds before the first keepalive probe. */
    public int tcpKeepaliveTime = 7200;
    /** Unanswered keepalive probes before the connection is dropped. */
    public int tcpKeepaliveProbes = 9;
    /** Seconds between keepalive probes. */
    public int tcpKeepaliveIntvl = 75;
    /** Retransmissions of a SYN. */
    public int tcpSynRetries = 6;
    /** Retransmissions of a SYN-ACK. */
    public int tcpSynackRetries = 5;
    /** SYN cookies: 0 off, 1 when the queue overflows, 2 always. */
    public int tcpSyncookies = 1;
    /** Move requests to another listener of the reuseport group. */
    public int tcpMigrateReq = 0;
    /** Initial reordering of a path, segments. */
    public int tcpReordering = 3;
    /** Largest reordering that is learned, segments. */
    public int tcpMaxReordering = 300;
    /** Retransmissions before the route is doubted. */
    public int tcpRetries1 = 3;
    /** Retransmissions before the connection is dropped. */
    public int tcpRetries2 = 15;
    /** Retransmissions of a connection without owner; 0: eight. */
    public int tcpOrphanRetries = 0;
    /** Seconds an orphan stays in FIN_WAIT2. */
    public int tcpFinTimeout = 60;
    /** Unsent bytes above which a socket isn't writable; -1 (unsigned) for no limit. */
    public int tcpNotsentLowat = -1;
    /** Reuse TIME_WAIT ports for new connections: 0 no, 1 yes, 2 on loopback. */
    public int tcpTwReuse = 2;
    /** Milliseconds after which they may be reused. */
    public int tcpTwReuseDelay = 1000;
    /** Selective acknowledgments. */
    public int tcpSack = 1;
    /** Report duplicates received by D-SACK. */
    public int tcpDsack = 1;
    /** Without effect, as in Linux. */
    public int tcpFack = 0;
    /** Window scaling. */
    public int tcpWindowScaling = 1;
    /** Time stamps: 0 off, 1 with random offset, 2 without. */
    public int tcpTimestamps = 1;
    /** Tail loss probe: 0 off, 3 on. */
    public int tcpEarlyRetrans = 3;
    /** Bits: 1 RACK, 2 static reordering window, 4 no duplicate-ACK threshold. */
    public int tcpRecovery = 1;
    /** Linear time-outs for thin streams. */
    public int tcpThinLinearTimeouts = 0;
    /** Restart the window after an idle time of one RTO. */
    public int tcpSlowStartAfterIdle = 1;
    /** Join small segments when retransmitting. */
    public int tcpRetransCollapse = 1;
    /** Urgent pointer as in RFC 793 (points at the byte after). */
    public int tcpStdurg = 0;
    /** Do not let a RST end TIME_WAIT. */
    public int tcpRfc1337 = 0;
    /** RST when the accept queue is full. */
    public int tcpAbortOnOverflow = 0;
    /** Share of the window kept for the application, as a shift. */
    public int tcpAppWin = 31;
    /** Without effect, as in Linux. */
    public int tcpAdvWinScale = 1;
    /** F-RTO: detect spurious time-outs. */
    public int tcpFrto = 2;
    /** Do not remember metrics of destinations. */
    public int tcpNometricsSave = 0;
    /** Do not remember the slow start threshold. */
    public int tcpNoSsthreshMetricsSave = 1;
    /** Grow the receive buffer with the rate. */
    public int tcpModerateRcvbuf = 1;
    /** Share of the window that one TSO packet may take. */
    public int tcpTsoWinDivisor = 3;
    /** Bytes of one connection in qdisc and device at most. */
    public int tcpLimitOutputBytes = 4194304;
    /** Challenge ACKs a second. */
    public int tcpChallengeAckLimit = Integer.MAX_VALUE;
    /** Seconds over which the minimum round trip is taken. */
    public int tcpMinRttWlen = 300;
    /** Hold small writes while earlier packets are in the device. */
    public int tcpAutocorking = 1;
    /** Milliseconds between ACKs in answer to invalid segments. */
    public int tcpInvalidRatelimit = 500;
    /** Pacing in slow start, percent of window per round trip. */
    public int tcpPacingSsRatio = 200;
    /** Pacing afterwards, percent. */
    public int tcpPacingCaRatio = 120;
    /** Most SACKs held back by compression. */
    public int tcpCompSackNr = 44;
    /** Fewest segments in a TSO packet. */
    public int tcpMinTsoSegs = 2;
    /** Round trip (2^n us) from which TSO packets are not enlarged. */
    public int tcpTsoRttLog = 9;
    /** Answer SYNs with their own TOS. */
    public int tcpReflectTos = 0;
    /** Requests that a listener keeps at most (without SYN cookies). */
    public int tcpMaxSynBacklog = 512;
    /** TIME_WAIT sockets at most. */
    public int tcpMaxTwBuckets = 65536;
    /** Orphans at most. */
    public int tcpMaxOrphans = 65536;
    /** Fast open bits: 1 client, 2 server. */
    public int tcpFastopen = 1;
    /** Allow the offered window to shrink. */
    public int tcpShrinkWindow = 0;
    /** Shortest retransmission time-out, microseconds. */
    public int tcpRtoMinUs = 200000;
    /** Longest retransmission time-out, milliseconds. */
    public int tcpRtoMaxMs = 120000;
    /** One ACK for all of a backlog. */
    public int tcpBacklogAckDefer = 1;
    /** SYN retransmissions before the time-out doubles. */
    public int tcpSynLinearTimeouts = 4;
    /** Request-response turns before delayed ACKs. */
    public int tcpPingpongThresh = 1;
    /** Protective load balancing. */
    public int tcpPlbEnabled = 0;
    /** Assume peers that take windows as signed. */
    public int tcpWorkaroundSignedWindows = 0;
    /** Longest hold of a compressed SACK, nanoseconds. */
    public long tcpCompSackDelayNs = 1000000;
    /** Slack of that timer, nanoseconds. */
    public long tcpCompSackSlackNs = 100000;
    /** Smallest, initial and largest receive buffer, bytes. */
    public int[] tcpRmem = {4096, 131072, 32 << 20};
    /** Smallest, initial and largest send buffer, bytes. */
    public int[] tcpWmem = {4096, 16384, 4 << 20};
    /** Name of the congestion control of new sockets. */
    public String tcpCongestionControl = "cubic";
}
