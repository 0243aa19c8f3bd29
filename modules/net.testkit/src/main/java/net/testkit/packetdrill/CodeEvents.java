package net.testkit.packetdrill;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import net.core.sock.OptVal;
import net.core.sock.SockConst;
import net.tcp.TcpConst;
import net.tcp.TcpInfo;
import net.testkit.packetdrill.lang.Code;
import net.testkit.packetdrill.lang.CodeEnv;
import net.testkit.packetdrill.lang.CodeException;
import net.testkit.packetdrill.lang.CodeScope;
import org.jspecify.annotations.Nullable;

/** Code blocks: each sees TCP_INFO and SO_MEMINFO of the socket under test as they are at its time. */
final class CodeEvents {
    private static final String PREFIX = "tcpi_";
    private static final String[] MEMINFO = {
        "SK_MEMINFO_RMEM_ALLOC",
        "SK_MEMINFO_RCVBUF",
        "SK_MEMINFO_WMEM_ALLOC",
        "SK_MEMINFO_SNDBUF",
        "SK_MEMINFO_FWD_ALLOC",
        "SK_MEMINFO_WMEM_QUEUED",
        "SK_MEMINFO_OPTMEM",
        "SK_MEMINFO_BACKLOG",
        "SK_MEMINFO_DROPS"
    };

    private static final Map<String, ToLongFunction<TcpInfo>> FIELDS = Map.ofEntries(
            field("state", i -> i.state),
            field("ca_state", i -> i.caState),
            field("retransmits", i -> i.retransmits),
            field("probes", i -> i.probes),
            field("backoff", i -> i.backoff),
            field("options", i -> i.options),
            field("snd_wscale", i -> i.sndWscale),
            field("rcv_wscale", i -> i.rcvWscale),
            field("delivery_rate_app_limited", i -> i.deliveryRateAppLimited ? 1 : 0),
            field("fastopen_client_fail", i -> i.fastopenClientFail),
            field("rto", i -> unsigned(i.rto)),
            field("ato", i -> unsigned(i.ato)),
            field("snd_mss", i -> i.sndMss),
            field("rcv_mss", i -> i.rcvMss),
            field("unacked", i -> i.unacked),
            field("sacked", i -> i.sacked),
            field("lost", i -> i.lost),
            field("retrans", i -> i.retrans),
            field("fackets", i -> 0),
            field("last_data_sent", i -> unsigned(i.lastDataSent)),
            field("last_ack_sent", i -> 0),
            field("last_data_recv", i -> unsigned(i.lastDataRecv)),
            field("last_ack_recv", i -> unsigned(i.lastAckRecv)),
            field("pmtu", i -> i.pmtu),
            field("rcv_ssthresh", i -> i.rcvSsthresh),
            field("rtt", i -> unsigned(i.rtt)),
            field("rttvar", i -> unsigned(i.rttvar)),
            field("snd_ssthresh", i -> unsigned(i.sndSsthresh)),
            field("snd_cwnd", i -> i.sndCwnd),
            field("advmss", i -> i.advmss),
            field("reordering", i -> i.reordering),
            field("rcv_rtt", i -> unsigned(i.rcvRtt)),
            field("rcv_space", i -> unsigned(i.rcvSpace)),
            field("total_retrans", i -> i.totalRetrans),
            field("pacing_rate", i -> i.pacingRate),
            field("max_pacing_rate", i -> i.maxPacingRate),
            field("bytes_acked", i -> i.bytesAcked),
            field("bytes_received", i -> i.bytesReceived),
            field("segs_out", i -> i.segsOut),
            field("segs_in", i -> i.segsIn),
            field("notsent_bytes", i -> i.notsentBytes),
            field("min_rtt", i -> unsigned(i.minRtt)),
            field("data_segs_in", i -> i.dataSegsIn),
            field("data_segs_out", i -> i.dataSegsOut),
            field("delivery_rate", i -> i.deliveryRate),
            field("busy_time", i -> i.busyTime),
            field("rwnd_limited", i -> i.rwndLimited),
            field("sndbuf_limited", i -> i.sndbufLimited),
            field("delivered", i -> i.delivered),
            field("delivered_ce", i -> i.deliveredCe),
            field("received_ce", i -> i.receivedCe),
            field("delivered_e1_bytes", i -> i.deliveredE1Bytes),
            field("delivered_e0_bytes", i -> i.deliveredE0Bytes),
            field("delivered_ce_bytes", i -> i.deliveredCeBytes),
            field("received_e1_bytes", i -> i.receivedE1Bytes),
            field("received_e0_bytes", i -> i.receivedE0Bytes),
            field("received_ce_bytes", i -> i.receivedCeBytes),
            field("accecn_fail_mode", i -> i.accecnFailMode),
            field("accecn_opt_seen", i -> i.accecnOptSeen),
            field("bytes_sent", i -> i.bytesSent),
            field("bytes_retrans", i -> i.bytesRetrans),
            field("dsack_dups", i -> i.dsackDups),
            field("reord_seen", i -> i.reordSeen),
            field("rcv_ooopack", i -> i.rcvOoopack),
            field("snd_wnd", i -> i.sndWnd),
            field("rcv_wnd", i -> i.rcvWnd),
            field("rehash", i -> i.rehash),
            field("total_rto", i -> i.totalRto),
            field("total_rto_recoveries", i -> i.totalRtoRecoveries),
            field("total_rto_time", i -> i.totalRtoTime));

    private final ScriptWorld world;
    private final CodeEnv env;

    /** @param out takes what code prints */
    CodeEvents(ScriptWorld world, Consumer<String> out) {
        this.world = world;
        this.env = new CodeEnv(out);
    }

    private static Map.Entry<String, ToLongFunction<TcpInfo>> field(String name, ToLongFunction<TcpInfo> of) {
        return Map.entry(PREFIX + name, of);
    }

    private static long unsigned(int v) {
        return v & 0xffffffffL;
    }

    void run(Code code) {
        try {
            env.run(code, snapshot());
        } catch (CodeException e) {
            throw new ScriptFailure("error executing code: " + e.getMessage());
        }
    }

    private CodeScope snapshot() {
        ScriptSocket s = world.underTest;
        for (ScriptWorld.Fd fd : world.fds.reversed()) {
            if (fd.socket == s && fd.live >= 0 && s != null) {
                return snapshot(fd.live);
            }
        }
        return name -> null;
    }

    /** TCP_INFO of a descriptor by the names that code uses, without their prefix; null if it has none. */
    static @Nullable Map<String, Long> info(HostCalls sys, int fd) {
        OptVal info = new OptVal(TcpInfo.LENGTH);
        if (sys.getsockopt(fd, SockConst.SOL_TCP, TcpConst.TCP_INFO, info) != 0
                || !(info.object instanceof TcpInfo i)) {
            return null;
        }
        Map<String, Long> values = new TreeMap<>();
        FIELDS.forEach((name, of) -> values.put(name.substring(PREFIX.length()), of.applyAsLong(i)));
        return values;
    }

    private CodeScope snapshot(int fd) {
        OptVal info = new OptVal(TcpInfo.LENGTH);
        OptVal memory = new OptVal(4 * MEMINFO.length);
        boolean tcp = world.sys.getsockopt(fd, SockConst.SOL_TCP, TcpConst.TCP_INFO, info) == 0;
        world.sys.getsockopt(fd, SockConst.SOL_SOCKET, SockConst.SO_MEMINFO, memory);
        return name -> tcp && info.object instanceof TcpInfo i && FIELDS.containsKey(name)
                ? Long.valueOf(FIELDS.get(name).applyAsLong(i))
                : meminfo(name, memory);
    }

    private static @Nullable Long meminfo(String name, OptVal memory) {
        for (int i = 0; i < MEMINFO.length; i++) {
            if (MEMINFO[i].equals(name) && memory.len >= 4 * i + 4) {
                return unsigned(memory.getInt(4 * i));
            }
        }
        return null;
    }
}
