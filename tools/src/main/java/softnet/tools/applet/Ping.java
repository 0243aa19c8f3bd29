package softnet.tools.applet;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.BitSet;
import java.util.Locale;
import net.core.UserError;
import net.core.api.ErrnoException;
import net.core.api.SoftDatagramSocket;
import net.core.api.SoftOption;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.skbuff.Errno;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** ICMP echo requests, and what comes back, told as iputils tells it. */
@Command(name = "ping", mixinStandardHelpOptions = true, description = "Sends ICMP echo requests.")
public final class Ping implements Applet {
    private static final int ICMP_BYTES = 8;
    private static final int ECHO_REPLY = 0;
    private static final int ECHO_REQUEST = 8;
    private static final int UNREACHABLE = 3;
    private static final int TIME_EXCEEDED = 11;
    private static final int MAX_DATA = 65507;
    /** The data begin with the time of sending. */
    private static final int STAMP_BYTES = 8;

    private static final long LINGER_NS = 10_000_000_000L;
    private static final long LEAST_WAIT_NS = 1_000_000;

    @Parameters(paramLabel = "HOST", description = "Address or name.")
    private String target = "";

    @Option(names = "-c", paramLabel = "COUNT", description = "End after so many.")
    private long count = Long.MAX_VALUE;

    @Option(names = "-i", paramLabel = "SECONDS", defaultValue = "1", description = "Interval (${DEFAULT-VALUE}).")
    private double interval = 1;

    @Option(names = "-s", paramLabel = "BYTES", defaultValue = "56", description = "Data bytes (${DEFAULT-VALUE}).")
    private int size = 56;

    @Option(names = "-W", paramLabel = "SECONDS", description = "How long to wait for the last answers (10).")
    private double linger = LINGER_NS / 1e9;

    @Option(names = "-q", description = "Only the summary.")
    private boolean quiet;

    private final BitSet seen = new BitSet();
    private final ByteBuffer packet = ByteBuffer.allocate(65536);
    private volatile boolean stopped;
    private int id;
    private long sent;
    private long received;
    private long duplicates;
    private long errors;
    private long minNs = Long.MAX_VALUE;
    private long maxNs;
    private double sum;
    private double squares;

    @Override
    public int run(Host host) throws IOException {
        int addr = Addr.host(target);
        if (size < 0 || size > MAX_DATA) {
            throw new UserError("ping: size " + size + ": want 0 to " + MAX_DATA);
        }
        if (count < 1 || interval < 0) {
            throw new UserError("ping: want a count of at least 1 and no negative interval");
        }
        id = host.kernel().getRandomU32() & 0xffff;
        host.out()
                .printf(
                        "PING %s (%s) %d(%d) bytes of data.%n",
                        target, SockAddrIn.text(addr), size, size + ICMP_BYTES + 20);
        long startNs = host.nanoTime();
        try (SoftDatagramSocket socket = host.network().datagramSocket(SockConst.SOCK_RAW, SockConst.IPPROTO_ICMP)) {
            socket.connect(Addr.of(addr, 0));
            loop(host, socket, startNs);
        }
        summary(host, (host.nanoTime() - startNs) / 1_000_000);
        return received > 0 ? 0 : 1;
    }

    private void loop(Host host, SoftDatagramSocket socket, long startNs) throws IOException {
        long nextNs = startNs;
        long intervalNs = (long) (interval * 1e9);
        while (!stopped && received + errors < count) {
            long now = host.nanoTime();
            if (sent < count && now >= nextNs) {
                send(socket, now);
                nextNs = Math.max(nextNs + intervalNs, now);
                if (sent == count) {
                    nextNs = now + (received > 0 ? Math.max(2 * maxNs, 1_000_000_000L) : (long) (linger * 1e9));
                }
            } else if (sent == count && now >= nextNs) {
                return;
            }
            long wait = Math.max(nextNs - host.nanoTime(), LEAST_WAIT_NS);
            socket.setOption(SoftOption.SO_RCVTIMEO, Duration.ofNanos(wait));
            receive(host, socket);
        }
    }

    private void send(SoftDatagramSocket socket, long now) throws IOException {
        sent++;
        seen.clear((int) sent & 0xffff);
        ByteBuffer icmp = packet.clear().limit(ICMP_BYTES + size);
        icmp.put(0, (byte) ECHO_REQUEST).put(1, (byte) 0).putShort(2, (short) 0);
        icmp.putShort(4, (short) id).putShort(6, (short) sent);
        for (int i = 0; i < size; i++) {
            icmp.put(ICMP_BYTES + i, (byte) i);
        }
        if (size >= STAMP_BYTES) {
            icmp.putLong(ICMP_BYTES, now);
        }
        icmp.putShort(2, (short) checksum(icmp));
        socket.send(icmp);
    }

    private void receive(Host host, SoftDatagramSocket socket) throws IOException {
        SockAddrIn from = new SockAddrIn();
        int n;
        try {
            packet.clear();
            n = socket.receive(packet, from);
            packet.flip();
        } catch (SocketTimeoutException e) {
            return;
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EINTR) {
                errors++;
                host.out().println(e.getMessage());
            }
            return;
        }
        int ihl = (packet.get(0) & 0xf) * 4;
        if (n < ihl + ICMP_BYTES) {
            return;
        }
        int type = packet.get(ihl) & 0xff;
        if (type == ECHO_REPLY && (packet.getShort(ihl + 4) & 0xffff) == id) {
            reply(host, from, ihl, n - ihl, packet.get(8) & 0xff);
        } else if (type == UNREACHABLE || type == TIME_EXCEEDED) {
            error(host, from, ihl + ICMP_BYTES, type, packet.get(ihl + 1), n);
        }
    }

    private void reply(Host host, SockAddrIn from, int at, int bytes, int ttl) {
        int sequence = packet.getShort(at + 6) & 0xffff;
        boolean again = seen.get(sequence);
        seen.set(sequence);
        String time = "";
        if (again) {
            duplicates++;
        } else {
            received++;
        }
        if (bytes >= ICMP_BYTES + STAMP_BYTES) {
            long rtt = Math.max(0, host.nanoTime() - packet.getLong(at + ICMP_BYTES));
            minNs = Math.min(minNs, rtt);
            maxNs = Math.max(maxNs, rtt);
            sum += rtt;
            squares += (double) rtt * rtt;
            time = " time=" + millis(rtt) + " ms";
        }
        if (!quiet) {
            host.out()
                    .println(bytes + " bytes from " + SockAddrIn.text(from.addr) + ": icmp_seq=" + sequence + " ttl="
                            + ttl + time + (again ? " (DUP!)" : ""));
        }
    }

    /** An ICMP error about one of our requests. */
    private void error(Host host, SockAddrIn from, int inner, int type, int code, int length) {
        int innerHeader = length > inner ? (packet.get(inner) & 0xf) * 4 : 0;
        int icmp = inner + innerHeader;
        if (length < icmp + ICMP_BYTES
                || packet.get(icmp) != ECHO_REQUEST
                || (packet.getShort(icmp + 4) & 0xffff) != id) {
            return;
        }
        errors++;
        String what = type == TIME_EXCEEDED
                ? "Time to live exceeded"
                : switch (code) {
                    case 0 -> "Destination Net Unreachable";
                    case 1 -> "Destination Host Unreachable";
                    case 2 -> "Destination Protocol Unreachable";
                    case 4 -> "Frag needed and DF set";
                    default -> "Dest Unreachable, Bad Code: " + code;
                };
        host.out()
                .println("From " + SockAddrIn.text(from.addr) + " icmp_seq=" + (packet.getShort(icmp + 6) & 0xffff)
                        + " " + what);
    }

    private void summary(Host host, long ms) {
        double loss = sent == 0 ? 0 : 100.0 * (sent - received) / sent;
        host.out().println();
        host.out().println("--- " + target + " ping statistics ---");
        host.out()
                .println(sent + " packets transmitted, " + received + " received, "
                        + (duplicates > 0 ? "+" + duplicates + " duplicates, " : "")
                        + (errors > 0 ? "+" + errors + " errors, " : "")
                        + (loss == Math.rint(loss)
                                ? String.valueOf((long) loss)
                                : String.format(Locale.ROOT, "%.4g", loss))
                        + "% packet loss, time " + ms + "ms");
        long n = received + duplicates;
        if (n > 0 && maxNs > 0) {
            double mean = sum / n;
            double deviation = Math.sqrt(Math.max(0, squares / n - mean * mean));
            host.out()
                    .printf(
                            Locale.ROOT,
                            "rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms%n",
                            minNs / 1e6,
                            mean / 1e6,
                            maxNs / 1e6,
                            deviation / 1e6);
        }
    }

    /** As iputils prints: three significant places. */
    static String millis(long ns) {
        double ms = ns / 1e6;
        String format = ms < 1 ? "%.3f" : ms < 10 ? "%.2f" : ms < 100 ? "%.1f" : "%.0f";
        return String.format(Locale.ROOT, format, ms);
    }

    /** RFC 1071. */
    static int checksum(ByteBuffer bytes) {
        int sum = 0;
        int n = bytes.limit();
        for (int i = 0; i + 1 < n; i += 2) {
            sum += bytes.getShort(i) & 0xffff;
        }
        if ((n & 1) != 0) {
            sum += (bytes.get(n - 1) & 0xff) << 8;
        }
        sum = (sum >>> 16) + (sum & 0xffff);
        sum += sum >>> 16;
        return ~sum & 0xffff;
    }

    @Override
    public void stop() {
        stopped = true;
    }
}
