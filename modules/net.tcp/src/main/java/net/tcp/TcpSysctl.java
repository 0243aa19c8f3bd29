package net.tcp;

import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.LongConsumer;
import net.core.IntSysctl;
import net.core.LongSysctl;
import net.core.LongVecSysctl;
import net.core.StringSysctl;
import net.core.Sysctl;

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
    /** AccECN options: 0 none, 1 few, 2 whenever there is room. */
    public int tcpEcnOption = 2;
    /** Fewest AccECN options in a round trip; 0: none for that reason. */
    public int tcpEcnOptionBeacon = 3;
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
    /** Seconds for which a suspected black hole stops fast opens at first; 0: never. */
    public int tcpFastopenBlackholeTimeoutSec = 0;
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

    /** Publishes every setting in a namespace's tree. */
    void register(TcpNet net, Sysctl tree) {
        number(tree, "net.ipv4.tcp_ecn", tcpEcn, 0, 5, v -> tcpEcn = v);
        number(tree, "net.ipv4.tcp_ecn_fallback", tcpEcnFallback, 0, 1, v -> tcpEcnFallback = v);
        number(tree, "net.ipv4.tcp_ecn_option", tcpEcnOption, 0, 2, v -> tcpEcnOption = v);
        number(tree, "net.ipv4.tcp_ecn_option_beacon", tcpEcnOptionBeacon, 0, 63, v -> tcpEcnOptionBeacon = v);
        number(tree, "net.ipv4.tcp_base_mss", tcpBaseMss, 0, Integer.MAX_VALUE, v -> tcpBaseMss = v);
        number(tree, "net.ipv4.tcp_min_snd_mss", tcpMinSndMss, 48, 65535, v -> tcpMinSndMss = v);
        number(tree, "net.ipv4.tcp_mtu_probing", tcpMtuProbing, 0, 2, v -> tcpMtuProbing = v);
        number(tree, "net.ipv4.tcp_mtu_probe_floor", tcpMtuProbeFloor, 48, 65535, v -> tcpMtuProbeFloor = v);
        number(
                tree,
                "net.ipv4.tcp_probe_threshold",
                tcpProbeThreshold,
                0,
                Integer.MAX_VALUE,
                v -> tcpProbeThreshold = v);
        number(tree, "net.ipv4.tcp_probe_interval", tcpProbeInterval, 0, Integer.MAX_VALUE, v -> tcpProbeInterval = v);
        number(tree, "net.ipv4.tcp_keepalive_time", tcpKeepaliveTime, 0, Integer.MAX_VALUE, v -> tcpKeepaliveTime = v);
        number(tree, "net.ipv4.tcp_keepalive_probes", tcpKeepaliveProbes, 0, 255, v -> tcpKeepaliveProbes = v);
        number(
                tree,
                "net.ipv4.tcp_keepalive_intvl",
                tcpKeepaliveIntvl,
                0,
                Integer.MAX_VALUE,
                v -> tcpKeepaliveIntvl = v);
        number(tree, "net.ipv4.tcp_syn_retries", tcpSynRetries, 1, 127, v -> tcpSynRetries = v);
        number(tree, "net.ipv4.tcp_synack_retries", tcpSynackRetries, 0, 255, v -> tcpSynackRetries = v);
        number(tree, "net.ipv4.tcp_syncookies", tcpSyncookies, 0, 2, v -> tcpSyncookies = v);
        number(tree, "net.ipv4.tcp_migrate_req", tcpMigrateReq, 0, 1, v -> tcpMigrateReq = v);
        number(tree, "net.ipv4.tcp_reordering", tcpReordering, 0, 300, v -> tcpReordering = v);
        number(tree, "net.ipv4.tcp_max_reordering", tcpMaxReordering, 0, Integer.MAX_VALUE, v -> tcpMaxReordering = v);
        number(tree, "net.ipv4.tcp_retries1", tcpRetries1, 0, 255, v -> tcpRetries1 = v);
        number(tree, "net.ipv4.tcp_retries2", tcpRetries2, 0, 255, v -> tcpRetries2 = v);
        number(tree, "net.ipv4.tcp_orphan_retries", tcpOrphanRetries, 0, 255, v -> tcpOrphanRetries = v);
        number(tree, "net.ipv4.tcp_fin_timeout", tcpFinTimeout, 0, Integer.MAX_VALUE, v -> tcpFinTimeout = v);
        number(tree, "net.ipv4.tcp_notsent_lowat", tcpNotsentLowat, -1, Integer.MAX_VALUE, v -> tcpNotsentLowat = v);
        number(tree, "net.ipv4.tcp_tw_reuse", tcpTwReuse, 0, 2, v -> tcpTwReuse = v);
        number(tree, "net.ipv4.tcp_tw_reuse_delay", tcpTwReuseDelay, 1, 60000, v -> tcpTwReuseDelay = v);
        number(tree, "net.ipv4.tcp_sack", tcpSack, 0, 1, v -> tcpSack = v);
        number(tree, "net.ipv4.tcp_dsack", tcpDsack, 0, 1, v -> tcpDsack = v);
        number(tree, "net.ipv4.tcp_fack", tcpFack, 0, 1, v -> tcpFack = v);
        number(tree, "net.ipv4.tcp_window_scaling", tcpWindowScaling, 0, 1, v -> tcpWindowScaling = v);
        number(tree, "net.ipv4.tcp_timestamps", tcpTimestamps, 0, 2, v -> tcpTimestamps = v);
        number(tree, "net.ipv4.tcp_early_retrans", tcpEarlyRetrans, 0, 4, v -> tcpEarlyRetrans = v);
        number(tree, "net.ipv4.tcp_recovery", tcpRecovery, 0, 255, v -> tcpRecovery = v);
        number(tree, "net.ipv4.tcp_thin_linear_timeouts", tcpThinLinearTimeouts, 0, 1, v -> tcpThinLinearTimeouts = v);
        number(tree, "net.ipv4.tcp_slow_start_after_idle", tcpSlowStartAfterIdle, 0, 1, v -> tcpSlowStartAfterIdle = v);
        number(tree, "net.ipv4.tcp_retrans_collapse", tcpRetransCollapse, 0, 1, v -> tcpRetransCollapse = v);
        number(tree, "net.ipv4.tcp_stdurg", tcpStdurg, 0, 1, v -> tcpStdurg = v);
        number(tree, "net.ipv4.tcp_rfc1337", tcpRfc1337, 0, 1, v -> tcpRfc1337 = v);
        number(tree, "net.ipv4.tcp_abort_on_overflow", tcpAbortOnOverflow, 0, 1, v -> tcpAbortOnOverflow = v);
        number(tree, "net.ipv4.tcp_app_win", tcpAppWin, 0, 31, v -> tcpAppWin = v);
        number(tree, "net.ipv4.tcp_adv_win_scale", tcpAdvWinScale, -31, 31, v -> tcpAdvWinScale = v);
        number(tree, "net.ipv4.tcp_frto", tcpFrto, 0, 255, v -> tcpFrto = v);
        number(tree, "net.ipv4.tcp_no_metrics_save", tcpNometricsSave, 0, 1, v -> tcpNometricsSave = v);
        number(
                tree,
                "net.ipv4.tcp_no_ssthresh_metrics_save",
                tcpNoSsthreshMetricsSave,
                0,
                1,
                v -> tcpNoSsthreshMetricsSave = v);
        number(tree, "net.ipv4.tcp_moderate_rcvbuf", tcpModerateRcvbuf, 0, 1, v -> tcpModerateRcvbuf = v);
        number(tree, "net.ipv4.tcp_tso_win_divisor", tcpTsoWinDivisor, 0, Integer.MAX_VALUE, v -> tcpTsoWinDivisor = v);
        number(
                tree,
                "net.ipv4.tcp_limit_output_bytes",
                tcpLimitOutputBytes,
                0,
                Integer.MAX_VALUE,
                v -> tcpLimitOutputBytes = v);
        number(
                tree,
                "net.ipv4.tcp_challenge_ack_limit",
                tcpChallengeAckLimit,
                0,
                Integer.MAX_VALUE,
                v -> tcpChallengeAckLimit = v);
        number(tree, "net.ipv4.tcp_min_rtt_wlen", tcpMinRttWlen, 0, 86400, v -> tcpMinRttWlen = v);
        number(tree, "net.ipv4.tcp_autocorking", tcpAutocorking, 0, 1, v -> tcpAutocorking = v);
        number(
                tree,
                "net.ipv4.tcp_invalid_ratelimit",
                tcpInvalidRatelimit,
                0,
                Integer.MAX_VALUE,
                v -> tcpInvalidRatelimit = v);
        number(tree, "net.ipv4.tcp_pacing_ss_ratio", tcpPacingSsRatio, 0, 1000, v -> tcpPacingSsRatio = v);
        number(tree, "net.ipv4.tcp_pacing_ca_ratio", tcpPacingCaRatio, 0, 1000, v -> tcpPacingCaRatio = v);
        number(tree, "net.ipv4.tcp_comp_sack_nr", tcpCompSackNr, 0, 255, v -> tcpCompSackNr = v);
        number(tree, "net.ipv4.tcp_min_tso_segs", tcpMinTsoSegs, 1, 65535, v -> tcpMinTsoSegs = v);
        number(tree, "net.ipv4.tcp_tso_rtt_log", tcpTsoRttLog, 0, 255, v -> tcpTsoRttLog = v);
        number(tree, "net.ipv4.tcp_reflect_tos", tcpReflectTos, 0, 1, v -> tcpReflectTos = v);
        number(tree, "net.ipv4.tcp_max_syn_backlog", tcpMaxSynBacklog, 0, Integer.MAX_VALUE, v -> tcpMaxSynBacklog = v);
        number(tree, "net.ipv4.tcp_max_tw_buckets", tcpMaxTwBuckets, 0, Integer.MAX_VALUE, v -> tcpMaxTwBuckets = v);
        number(tree, "net.ipv4.tcp_max_orphans", tcpMaxOrphans, 0, Integer.MAX_VALUE, v -> tcpMaxOrphans = v);
        number(tree, "net.ipv4.tcp_fastopen", tcpFastopen, 0, Integer.MAX_VALUE, v -> tcpFastopen = v);
        number(
                tree,
                "net.ipv4.tcp_fastopen_blackhole_timeout_sec",
                tcpFastopenBlackholeTimeoutSec,
                0,
                Integer.MAX_VALUE,
                v -> {
                    tcpFastopenBlackholeTimeoutSec = v;
                    net.fastopenBlackhole.forget();
                });
        StringSysctl key = tree.registerString(
                "net.ipv4.tcp_fastopen_key",
                TcpFastOpenContext.NO_KEYS,
                v -> TcpFastOpenContext.parse(v) != null,
                "one or two keys of four hexadecimal words, as 1-2-3-4 or 1-2-3-4,5-6-7-8",
                e -> net.fastopenCtx = TcpFastOpenContext.parse(((StringSysctl) e).value));
        if (!key.value.equals(TcpFastOpenContext.NO_KEYS)) {
            net.fastopenCtx = TcpFastOpenContext.parse(key.value);
        }
        number(tree, "net.ipv4.tcp_shrink_window", tcpShrinkWindow, 0, 1, v -> tcpShrinkWindow = v);
        number(tree, "net.ipv4.tcp_rto_min_us", tcpRtoMinUs, 1, Integer.MAX_VALUE, v -> tcpRtoMinUs = v);
        number(tree, "net.ipv4.tcp_rto_max_ms", tcpRtoMaxMs, 1000, 120000, v -> tcpRtoMaxMs = v);
        number(tree, "net.ipv4.tcp_backlog_ack_defer", tcpBacklogAckDefer, 0, 1, v -> tcpBacklogAckDefer = v);
        number(tree, "net.ipv4.tcp_syn_linear_timeouts", tcpSynLinearTimeouts, 0, 127, v -> tcpSynLinearTimeouts = v);
        number(tree, "net.ipv4.tcp_pingpong_thresh", tcpPingpongThresh, 1, 255, v -> tcpPingpongThresh = v);
        number(tree, "net.ipv4.tcp_plb_enabled", tcpPlbEnabled, 0, 1, v -> tcpPlbEnabled = v);
        number(
                tree,
                "net.ipv4.tcp_workaround_signed_windows",
                tcpWorkaroundSignedWindows,
                0,
                1,
                v -> tcpWorkaroundSignedWindows = v);
        large(
                tree,
                "net.ipv4.tcp_comp_sack_delay_ns",
                tcpCompSackDelayNs,
                0,
                Long.MAX_VALUE,
                v -> tcpCompSackDelayNs = v);
        large(
                tree,
                "net.ipv4.tcp_comp_sack_slack_ns",
                tcpCompSackSlackNs,
                0,
                Long.MAX_VALUE,
                v -> tcpCompSackSlackNs = v);
        vector(tree, "net.ipv4.tcp_rmem", tcpRmem, v -> tcpRmem = v);
        vector(tree, "net.ipv4.tcp_wmem", tcpWmem, v -> tcpWmem = v);
    }

    private static void number(Sysctl tree, String name, int value, int min, int max, IntConsumer set) {
        IntSysctl entry = tree.register(name, value, min, max, e -> set.accept(((IntSysctl) e).value));
        set.accept(entry.value); // a boot word may have changed it
    }

    private static void large(Sysctl tree, String name, long value, long min, long max, LongConsumer set) {
        LongSysctl entry = tree.registerLong(name, value, min, max, e -> set.accept(((LongSysctl) e).value));
        set.accept(entry.value);
    }

    private static void vector(Sysctl tree, String name, int[] value, Consumer<int[]> set) {
        long[] initial = {value[0], value[1], value[2]};
        LongVecSysctl entry =
                tree.registerVec(name, initial, 1, Integer.MAX_VALUE, e -> set.accept(ints(((LongVecSysctl) e).value)));
        set.accept(ints(entry.value));
    }

    private static int[] ints(long[] v) {
        return new int[] {(int) v[0], (int) v[1], (int) v[2]};
    }
}
