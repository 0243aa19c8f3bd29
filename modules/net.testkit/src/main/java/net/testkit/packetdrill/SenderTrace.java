package net.testkit.packetdrill;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.core.UserError;
import net.core.sock.OptVal;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.skbuff.Errno;
import net.tcp.TcpConst;
import net.tcp.TcpHdr;
import net.tcp.TcpInfo;
import net.testkit.Lab;
import net.testkit.packetdrill.lang.ScriptException;
import net.testkit.packetdrill.lang.Settings;
import net.testkit.packetdrill.lang.SettingsReader;

/**
 * What a stack's sender makes of a path: its window at each acknowledgment, on Softnet in virtual time or on the
 * machine's Linux, under the same arithmetic path with the same drops. For comparing congestion controls with Linux's.
 *
 * <p>Context: any thread; the machine's Linux needs root and {@code /dev/net/tun}.
 */
public final class SenderTrace {
    private static final int REMOTE_PORT = 8080;
    private static final int MSS = 1460;
    private static final int WSCALE = 10;
    private static final int WINDOW = 65_535;
    private static final int ISN = 1000;
    private static final int F_SETFL = 4;
    private static final int O_NONBLOCK = 0x800;
    private static final int WRITE_BYTES = 1 << 16;
    private static final long LOOK_NS = 10_000_000;

    /**
     * The path.
     *
     * @param rttMs without a queue
     * @param bitsPerSec of its bottleneck; 0: no limit
     * @param bufferPackets of the bottleneck
     * @param drops numbers of segments whose first transmission is lost, ascending
     */
    public record Path(int rttMs, long bitsPerSec, int bufferPackets, long... drops) {
        public Path {
            drops = drops.clone();
            Arrays.sort(drops);
        }
    }

    /**
     * What TCP_INFO said after an acknowledgment.
     *
     * @param atNs since the connection was there
     * @param acked bytes acknowledged
     * @param caState 0 Open, 1 Disorder, 2 CWR, 3 Recovery, 4 Loss
     */
    public record Point(long atNs, long acked, int cwnd, int ssthresh, int caState) {}

    /**
     * A run.
     *
     * @param points one per acknowledgment
     * @param overflowed segments that the buffer had no room for
     * @param retransmitted segments
     */
    public record Trace(List<Point> points, long overflowed, long retransmitted) {
        /** Bytes acknowledged per second between two times, bits per second. */
        public double bitsPerSec(double fromSec, double toSec) {
            return (at(toSec).acked - at(fromSec).acked) * 8.0 / (toSec - fromSec);
        }

        /**
         * The mean window in each of {@code bins} stretches of the stream, over the bytes that both runs got acknowledged.
         */
        public double[] windows(Trace other, int bins) {
            long end = Math.min(points.getLast().acked, other.points.getLast().acked);
            double[] sum = new double[bins];
            int[] count = new int[bins];
            for (Point p : points) {
                int bin = (int) (p.acked * bins / Math.max(end, 1));
                if (bin < bins) {
                    sum[bin] += p.cwnd;
                    count[bin]++;
                }
            }
            for (int i = 0; i < bins; i++) {
                sum[i] /= Math.max(count[i], 1);
            }
            return sum;
        }

        /** The differences of the mean windows, as shares of the other's; 0 where one has no acknowledgment. */
        public double[] differences(Trace other, int bins) {
            double[] d = windows(other, bins);
            double[] theirs = other.windows(this, bins);
            for (int i = 0; i < bins; i++) {
                d[i] = d[i] == 0 || theirs[i] == 0 ? 0 : Math.abs(d[i] / theirs[i] - 1);
            }
            return d;
        }

        /** The largest of {@link #differences}. */
        public double largestDifference(Trace other, int bins) {
            return Arrays.stream(differences(other, bins)).max().orElse(0);
        }

        private Point at(double sec) {
            Point last = points.getFirst();
            for (Point p : points) {
                if (p.atNs > sec * 1e9) {
                    break;
                }
                last = p;
            }
            return last;
        }
    }

    private final ScriptHost host;
    private final Settings settings;
    private final ModelPath path;
    private final long totalBytes;
    private final long maxNs;
    private final List<Point> points = new ArrayList<>();
    private int fd;
    private int sport;
    private int iss;
    private long written;
    private int retransmitted;

    private SenderTrace(ScriptHost host, Settings settings, Path path, long totalBytes, long maxNs) {
        this.host = host;
        this.settings = settings;
        this.path = new ModelPath(path, MSS);
        this.totalBytes = totalBytes;
        this.maxNs = maxNs;
    }

    /** Runs on Softnet, until so many bytes are acknowledged or so many seconds are over. */
    public static Trace softnet(String congestion, Path path, long bytes, int seconds, long seed) {
        Settings s = settings();
        try (ScriptHost host = new SoftnetHost(s, seed, (at, in, b) -> {})) {
            return new SenderTrace(host, s, path, bytes, seconds * 1_000_000_000L).run(congestion);
        }
    }

    /** Runs on the machine's Linux. */
    public static Trace linux(String congestion, Path path, long bytes, int seconds) {
        Settings s = settings();
        return Differential.onThread(() -> {
            try (ScriptHost host = new LinuxHost(s, (at, in, b) -> {})) {
                return new SenderTrace(host, s, path, bytes, seconds * 1_000_000_000L).run(congestion);
            }
        });
    }

    private static Settings settings() {
        try {
            return SettingsReader.read("path", List.of(), List.of());
        } catch (ScriptException e) {
            throw new IllegalStateException(e);
        }
    }

    private Trace run(String congestion) {
        HostCalls calls = host.calls();
        fd = calls.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0);
        byte[] name = congestion.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        check(calls.setsockopt(fd, SockConst.SOL_TCP, TcpConst.TCP_CONGESTION, new OptVal(name)), congestion);
        check(calls.fcntl(fd, F_SETFL, O_NONBLOCK), "O_NONBLOCK");
        int rc = calls.connect(fd, new SockAddrIn(Lab.address(settings.remoteIp()), REMOTE_PORT));
        if (rc != -Errno.EINPROGRESS) {
            check(rc, "connect");
        }
        LivePacket syn = next(host.nowNs() + 1_000_000_000L);
        if (syn == null || !syn.has(TcpHdr.SYN)) {
            throw new UserError("no SYN came");
        }
        sport = syn.sport();
        iss = syn.seq();
        host.sleep(50_000_000);
        answer(TcpHdr.SYN | TcpHdr.ACK, 0, new long[0]);
        long start = host.nowNs();
        fill();
        while (host.nowNs() - start < maxNs && (points.isEmpty() || points.getLast().acked < totalBytes)) {
            LivePacket p = next(path.nextNs(host.nowNs() + LOOK_NS));
            if (p != null && p.payloadLength() > 0) {
                path.sent(p.atNs, Integer.toUnsignedLong(p.seq() - iss - 1), p.payloadLength());
            }
            for (ModelPath.Answer a = path.poll(host.nowNs()); a != null; a = path.poll(host.nowNs())) {
                answer(TcpHdr.ACK, a.ack() + 1, a.blocks());
                sample(start, a.ack());
                fill();
            }
        }
        calls.close(fd);
        return new Trace(List.copyOf(points), path.overflowed, retransmitted);
    }

    private @org.jspecify.annotations.Nullable LivePacket next(long untilNs) {
        return host.nextSent(untilNs);
    }

    private static void check(int rc, String what) {
        if (rc < 0) {
            throw new UserError(what + ": " + Errno.text(-rc));
        }
    }

    private void fill() {
        int n = WRITE_BYTES;
        while (written < totalBytes && n > 0) {
            n = host.calls().write(fd, new ScriptBuffer((int) Math.min(WRITE_BYTES, totalBytes - written), false));
            written += Math.max(n, 0);
        }
    }

    private void sample(long start, long acked) {
        OptVal value = new OptVal(TcpInfo.LENGTH);
        check(host.calls().getsockopt(fd, SockConst.SOL_TCP, TcpConst.TCP_INFO, value), "TCP_INFO");
        if (value.object instanceof TcpInfo i) {
            points.add(new Point(host.nowNs() - start, acked, i.sndCwnd, i.sndSsthresh, i.caState));
            retransmitted = i.totalRetrans;
        }
    }

    /** A packet of the receiver arrives: acknowledges up to a position of the stream, its SYN being position 0. */
    private void answer(int flags, long ack, long[] blocks) {
        boolean syn = (flags & TcpHdr.SYN) != 0;
        int options = syn ? 12 : blocks.length == 0 ? 0 : 4 + 4 * blocks.length;
        byte[] bytes = new byte[40 + options];
        ByteBuffer b = ByteBuffer.wrap(bytes);
        b.putShort((short) 0x4500).putShort((short) bytes.length).putInt(0x00004000);
        b.put((byte) 64).put((byte) LivePacket.TCP).putShort((short) 0);
        b.putInt(Lab.address(settings.remoteIp())).putInt(Lab.address(settings.localIp()));
        b.putShort((short) REMOTE_PORT).putShort((short) sport);
        b.putInt(syn ? ISN : ISN + 1).putInt(iss + (syn ? 1 : (int) ack));
        b.putShort((short) ((20 + options) / 4 << 12 | flags))
                .putShort((short) WINDOW)
                .putInt(0);
        if (syn) {
            b.put((byte) LivePacket.KIND_MSS).put((byte) 4).putShort((short) MSS);
            b.put((byte) LivePacket.KIND_SACK_OK).put((byte) 2).putShort((short) 0x0101);
            b.put((byte) 1).put((byte) LivePacket.KIND_WSCALE).put((byte) 3).put((byte) WSCALE);
        } else if (blocks.length != 0) {
            b.putShort((short) 0x0101).put((byte) LivePacket.KIND_SACK).put((byte) (2 + 4 * blocks.length));
            for (long edge : blocks) {
                b.putInt(iss + 1 + (int) edge);
            }
        }
        LivePacket p = LivePacket.parse(host.nowNs(), bytes);
        p.sum();
        host.receive(p, 0);
    }
}
