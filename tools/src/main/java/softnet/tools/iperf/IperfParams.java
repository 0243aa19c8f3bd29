package softnet.tools.iperf;

import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a client asks for.
 *
 * @param udp UDP; else TCP
 * @param omitSeconds seconds at the start that do not count
 * @param timeSeconds how long, 0 if by bytes
 * @param parallel streams each way
 * @param reverse the server sends
 * @param bidirectional both send
 * @param window socket buffers in bytes, 0: as they are
 * @param blockBytes bytes of one write, or of a datagram
 * @param bitsPerSecond rate of each stream, 0: unlimited
 * @param noDelay TCP_NODELAY
 * @param congestion the congestion control, null: the system's
 * @param counters64 UDP datagrams carry a 64-bit counter
 * @param tos IP_TOS
 */
public record IperfParams(
        boolean udp,
        int omitSeconds,
        int timeSeconds,
        int parallel,
        boolean reverse,
        boolean bidirectional,
        int window,
        int blockBytes,
        long bitsPerSecond,
        boolean noDelay,
        @Nullable String congestion,
        boolean counters64,
        int tos) {
    private static final int MAX_STREAMS = 128;
    private static final int TCP_BLOCK = 128 * 1024;
    private static final int MAX_BLOCK = 1 << 20;
    private static final int UDP_BLOCK = 1460;
    /** Seconds, microseconds and a 64-bit counter. */
    private static final int MIN_UDP_BLOCK = 16;
    /** IPv4 datagram without headers. */
    private static final int MAX_UDP_BLOCK = 65507;

    /** @throws IOException for what cannot be served */
    public static IperfParams parse(byte[] json) throws IOException {
        Map<String, Object> all = IperfJson.parse(json);
        if (all.containsKey("sctp")) {
            throw new IOException("SCTP is not served");
        }
        boolean udp = flag(all, "udp");
        int parallel = (int) number(all, "parallel", 1);
        if (parallel < 1 || parallel > MAX_STREAMS) {
            throw new IOException("parallel " + parallel + ": want 1 to " + MAX_STREAMS);
        }
        int block = (int) number(all, "len", udp ? UDP_BLOCK : TCP_BLOCK);
        int least = udp ? MIN_UDP_BLOCK : 1;
        int most = udp ? MAX_UDP_BLOCK : MAX_BLOCK;
        if (block < least || block > most) {
            throw new IOException("len " + block + ": want " + least + " to " + most);
        }
        return new IperfParams(
                udp,
                (int) number(all, "omit", 0),
                (int) number(all, "time", 0),
                parallel,
                flag(all, "reverse"),
                flag(all, "bidirectional"),
                (int) number(all, "window", 0),
                block,
                number(all, "bandwidth", 0),
                flag(all, "nodelay"),
                all.get("congestion") instanceof String s ? s : null,
                number(all, "udp_counters_64bit", 0) != 0,
                (int) number(all, "TOS", 0));
    }

    private static boolean flag(Map<String, Object> all, String name) {
        Object value = all.get(name);
        return value instanceof Boolean b ? b : value instanceof Number n && n.longValue() != 0;
    }

    private static long number(Map<String, Object> all, String name, long absent) {
        return all.get(name) instanceof Number n ? n.longValue() : absent;
    }

    /** Streams on which the server receives; they are opened first. */
    public int receiving() {
        return bidirectional || !reverse ? parallel : 0;
    }

    /** Streams on which the server sends. */
    public int sending() {
        return bidirectional || reverse ? parallel : 0;
    }
}
