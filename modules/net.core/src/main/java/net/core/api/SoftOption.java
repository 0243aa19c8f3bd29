package net.core.api;

import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.time.Duration;
import java.util.Map;
import java.util.function.Function;
import net.core.sock.OptVal;
import net.core.sock.SockConst;
import org.jspecify.annotations.Nullable;

/**
 * A socket option with its Java type and its numbers. Beside these constants {@code setOption} and {@code option} take
 * the JDK's {@link StandardSocketOptions}.
 *
 * @param <T> type of the value
 */
public final class SoftOption<T> implements SocketOption<T> {
    /** How long a receive or accept waits; zero for ever. A receive that times out throws SocketTimeoutException. */
    public static final SoftOption<Duration> SO_RCVTIMEO = duration("SO_RCVTIMEO", SockConst.SO_RCVTIMEO);

    /** How long a send or connect waits; zero for ever. */
    public static final SoftOption<Duration> SO_SNDTIMEO = duration("SO_SNDTIMEO", SockConst.SO_SNDTIMEO);

    public static final SoftOption<Integer> SO_RCVLOWAT = sockInt("SO_RCVLOWAT", SockConst.SO_RCVLOWAT);
    public static final SoftOption<Integer> SO_PRIORITY = sockInt("SO_PRIORITY", SockConst.SO_PRIORITY);
    public static final SoftOption<Integer> SO_MARK = sockInt("SO_MARK", SockConst.SO_MARK);
    public static final SoftOption<Integer> SO_BUSY_POLL = sockInt("SO_BUSY_POLL", SockConst.SO_BUSY_POLL);
    public static final SoftOption<Integer> SO_INCOMING_CPU = sockInt("SO_INCOMING_CPU", SockConst.SO_INCOMING_CPU);
    public static final SoftOption<Integer> SO_ERROR = sockInt("SO_ERROR", SockConst.SO_ERROR);
    public static final SoftOption<Boolean> SO_ZEROCOPY = sockBool("SO_ZEROCOPY", SockConst.SO_ZEROCOPY);
    public static final SoftOption<Boolean> SO_TIMESTAMPNS = sockBool("SO_TIMESTAMPNS", SockConst.SO_TIMESTAMPNS);

    /** Bytes a second; {@link Long#MAX_VALUE} for no limit. */
    public static final SoftOption<Long> SO_MAX_PACING_RATE = new SoftOption<>(
            "SO_MAX_PACING_RATE",
            Long.class,
            SockConst.SOL_SOCKET,
            SockConst.SO_MAX_PACING_RATE,
            8,
            OptVal::ofLong,
            OptVal::getLong);

    /** Name of a device, empty for any. */
    public static final SoftOption<String> SO_BINDTODEVICE =
            string("SO_BINDTODEVICE", SockConst.SOL_SOCKET, SockConst.SO_BINDTODEVICE);

    public static final SoftOption<Integer> IP_TTL = ofInt("IP_TTL", SockConst.SOL_IP, 2);
    public static final SoftOption<Boolean> IP_RECVERR = ofBool("IP_RECVERR", SockConst.SOL_IP, 11);
    public static final SoftOption<Integer> IP_MTU_DISCOVER = ofInt("IP_MTU_DISCOVER", SockConst.SOL_IP, 10);
    public static final SoftOption<Boolean> IP_FREEBIND = ofBool("IP_FREEBIND", SockConst.SOL_IP, 15);

    public static final SoftOption<Integer> TCP_MAXSEG = ofInt("TCP_MAXSEG", SockConst.SOL_TCP, 2);
    public static final SoftOption<Boolean> TCP_CORK = ofBool("TCP_CORK", SockConst.SOL_TCP, 3);

    /** Seconds. */
    public static final SoftOption<Integer> TCP_KEEPIDLE = ofInt("TCP_KEEPIDLE", SockConst.SOL_TCP, 4);

    /** Seconds. */
    public static final SoftOption<Integer> TCP_KEEPINTVL = ofInt("TCP_KEEPINTVL", SockConst.SOL_TCP, 5);

    public static final SoftOption<Integer> TCP_KEEPCNT = ofInt("TCP_KEEPCNT", SockConst.SOL_TCP, 6);
    public static final SoftOption<Integer> TCP_SYNCNT = ofInt("TCP_SYNCNT", SockConst.SOL_TCP, 7);

    /** Seconds. */
    public static final SoftOption<Integer> TCP_LINGER2 = ofInt("TCP_LINGER2", SockConst.SOL_TCP, 8);

    /** Seconds. */
    public static final SoftOption<Integer> TCP_DEFER_ACCEPT = ofInt("TCP_DEFER_ACCEPT", SockConst.SOL_TCP, 9);

    public static final SoftOption<Integer> TCP_WINDOW_CLAMP = ofInt("TCP_WINDOW_CLAMP", SockConst.SOL_TCP, 10);
    public static final SoftOption<Boolean> TCP_QUICKACK = ofBool("TCP_QUICKACK", SockConst.SOL_TCP, 12);

    /** Name of a congestion control algorithm. */
    public static final SoftOption<String> TCP_CONGESTION = string("TCP_CONGESTION", SockConst.SOL_TCP, 13);

    /** Milliseconds. */
    public static final SoftOption<Integer> TCP_USER_TIMEOUT = ofInt("TCP_USER_TIMEOUT", SockConst.SOL_TCP, 18);

    public static final SoftOption<Integer> TCP_FASTOPEN = ofInt("TCP_FASTOPEN", SockConst.SOL_TCP, 23);
    public static final SoftOption<Integer> TCP_NOTSENT_LOWAT = ofInt("TCP_NOTSENT_LOWAT", SockConst.SOL_TCP, 25);

    /** The connection's state in numbers: an object of {@code net.tcp.TcpInfo}. Read only. */
    public static final SoftOption<Object> TCP_INFO = new SoftOption<>(
            "TCP_INFO",
            Object.class,
            SockConst.SOL_TCP,
            11,
            0,
            OptVal::ofObject,
            v -> java.util.Objects.requireNonNull(v.object));

    /**
     * The congestion control's private state: an object of {@code net.tcp.TcpCcInfo}, or an empty {@code byte[]} if it
     * has none. Read only.
     */
    public static final SoftOption<Object> TCP_CC_INFO = new SoftOption<>(
            "TCP_CC_INFO",
            Object.class,
            SockConst.SOL_TCP,
            26,
            0,
            OptVal::ofObject,
            v -> java.util.Objects.requireNonNullElse(v.object, new byte[0]));

    /** SO_LINGER: seconds, negative for off, as in the JDK. */
    private static final SoftOption<Integer> SO_LINGER = new SoftOption<>(
            "SO_LINGER",
            Integer.class,
            SockConst.SOL_SOCKET,
            SockConst.SO_LINGER,
            8,
            secs -> OptVal.ofInts(secs < 0 ? 0 : 1, Math.max(secs, 0)),
            v -> v.getInt(0) == 0 ? -1 : v.getInt(4));

    private static final Map<SocketOption<?>, SoftOption<?>> STANDARD = Map.of(
            StandardSocketOptions.SO_SNDBUF, sockInt("SO_SNDBUF", SockConst.SO_SNDBUF),
            StandardSocketOptions.SO_RCVBUF, sockInt("SO_RCVBUF", SockConst.SO_RCVBUF),
            StandardSocketOptions.SO_REUSEADDR, sockBool("SO_REUSEADDR", SockConst.SO_REUSEADDR),
            StandardSocketOptions.SO_REUSEPORT, sockBool("SO_REUSEPORT", SockConst.SO_REUSEPORT),
            StandardSocketOptions.SO_KEEPALIVE, sockBool("SO_KEEPALIVE", SockConst.SO_KEEPALIVE),
            StandardSocketOptions.SO_BROADCAST, sockBool("SO_BROADCAST", SockConst.SO_BROADCAST),
            StandardSocketOptions.SO_LINGER, SO_LINGER,
            StandardSocketOptions.TCP_NODELAY, ofBool("TCP_NODELAY", SockConst.SOL_TCP, 1),
            StandardSocketOptions.IP_TOS, ofInt("IP_TOS", SockConst.SOL_IP, 1));

    private final String name;
    private final Class<T> type;
    final int level;
    final int optname;
    private final int bytes;
    private final Function<T, OptVal> encode;
    private final Function<OptVal, T> decode;

    private SoftOption(
            String name,
            Class<T> type,
            int level,
            int optname,
            int bytes,
            Function<T, OptVal> encode,
            Function<OptVal, T> decode) {
        this.name = name;
        this.type = type;
        this.level = level;
        this.optname = optname;
        this.bytes = bytes;
        this.encode = encode;
        this.decode = decode;
    }

    /** An option that is an int, for protocols of others. */
    public static SoftOption<Integer> ofInt(String name, int level, int optname) {
        return new SoftOption<>(name, Integer.class, level, optname, 4, OptVal::ofInt, OptVal::getInt);
    }

    /** An option that is a switch. */
    public static SoftOption<Boolean> ofBool(String name, int level, int optname) {
        return new SoftOption<>(
                name, Boolean.class, level, optname, 4, on -> OptVal.ofInt(on ? 1 : 0), v -> v.getInt() != 0);
    }

    private static SoftOption<String> string(String name, int level, int optname) {
        return new SoftOption<>(name, String.class, level, optname, 64, OptVal::ofString, OptVal::getString);
    }

    private static SoftOption<Integer> sockInt(String name, int optname) {
        return ofInt(name, SockConst.SOL_SOCKET, optname);
    }

    private static SoftOption<Boolean> sockBool(String name, int optname) {
        return ofBool(name, SockConst.SOL_SOCKET, optname);
    }

    private static SoftOption<Duration> duration(String name, int optname) {
        return new SoftOption<>(
                name,
                Duration.class,
                SockConst.SOL_SOCKET,
                optname,
                16,
                d -> OptVal.ofTimevalNs(d.toNanos()),
                v -> Duration.ofSeconds(v.getLong(0), v.getLong(8) * 1_000));
    }

    /** The option behind a JDK constant or one of ours. */
    @SuppressWarnings("unchecked") // the table pairs equal types
    static <T> SoftOption<T> of(SocketOption<T> option) {
        if (option instanceof SoftOption<T> soft) {
            return soft;
        }
        @Nullable SoftOption<?> known = STANDARD.get(option);
        if (known == null) {
            throw new UnsupportedOperationException("socket option " + option.name());
        }
        return (SoftOption<T>) known;
    }

    OptVal encode(T value) {
        return encode.apply(value);
    }

    OptVal room() {
        return new OptVal(bytes);
    }

    T decode(OptVal value) {
        return decode.apply(value);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Class<T> type() {
        return type;
    }

    @Override
    public String toString() {
        return name;
    }
}
