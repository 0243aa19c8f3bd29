package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import net.core.api.SoftOption;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.ipv4.Ipv4Net;
import net.ipv4.inet.InetTimewaitDeathRow;
import net.tcp.TcpInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** TCP between two hosts in virtual time: what programs see of connections from SYN to TIME_WAIT. */
@Timeout(60)
class TcpVethTest {
    private static final int PORT = 5001;
    private static final long SECOND = 1_000_000_000L;

    private interface Program {
        void run(SoftSocket s) throws Exception;
    }

    /** A connection: {@code server} on host b, {@code client} on host a. */
    private static void connection(Lab lab, Program server, Program client) {
        lab.start("server", () -> {
            try (SoftServerSocket l = Lab.listen(lab.host("b"), PORT);
                    SoftSocket s = l.accept()) {
                server.run(s);
            }
        });
        lab.start("client", () -> {
            lab.sleep(1_000_000);
            try (SoftSocket s = lab.host("a").network.connect(lab.host("b").at(PORT))) {
                client.run(s);
            }
        });
        lab.joinAll();
    }

    private static byte[] send(SoftSocket s, long seed, long bytes, int step) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        SplittableRandom random = new SplittableRandom(seed);
        byte[] buf = new byte[step];
        for (long left = bytes; left > 0; ) {
            random.nextBytes(buf);
            int n = (int) Math.min(left, 1 + random.nextInt(step));
            digest.update(buf, 0, n);
            s.writeFully(ByteBuffer.wrap(buf, 0, n));
            left -= n;
        }
        return digest.digest();
    }

    private static byte[] receive(SoftSocket s, long[] count, int step) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        byte[] buf = new byte[step];
        for (int n = s.read(buf, 0, step); n >= 0; n = s.read(buf, 0, step)) {
            digest.update(buf, 0, n);
            count[0] += n;
        }
        return digest.digest();
    }

    @ParameterizedTest(name = "seed {0}, {1} cpus, {2} bytes in writes to {3}, reads of {4}, faults {5}")
    @CsvSource({
        "1, 1, 5000000, 100000, 65536, 0",
        "2, 2, 5000000, 1000, 300000, 0",
        "3, 4, 300000, 37, 11, 0",
        "4, 1, 2000000, 70000, 65536, 0.02",
        "5, 2, 2000000, 70000, 65536, 0.02",
        "6, 4, 2000000, 9000, 5000, 0.05"
    })
    void shouldCarryBulkDataBothWaysAtOnce(long seed, int cpus, long bytes, int write, int read, double faults)
            throws Exception {
        FaultPlan.Rates rates =
                faults == 0 ? FaultPlan.Rates.NONE : FaultPlan.Rates.of(faults, faults, faults / 2, faults / 2);
        try (Lab lab = Lab.twoHosts(seed, cpus, rates)) {
            byte[][] digests = new byte[4][];
            long[][] counts = new long[2][1];
            Program[] ends = new Program[2];
            for (int i = 0; i < 2; i++) {
                int me = i;
                ends[i] = s -> {
                    var reader = lab.start("reader" + me, () -> digests[2 + me] = receive(s, counts[me], read));
                    digests[me] = send(s, seed + me, bytes, write);
                    s.shutdownOutput();
                    lab.kernel.threads().join(reader);
                };
            }
            connection(lab, ends[0], ends[1]);
            assertThat(counts[0][0]).as("seed " + seed).isEqualTo(bytes);
            assertThat(counts[1][0]).isEqualTo(bytes);
            assertThat(digests[2]).isEqualTo(digests[1]);
            assertThat(digests[3]).isEqualTo(digests[0]);
            if (faults == 0 && cpus == 1) { // a program that changes CPUs may overtake its own packets
                assertThat(lab.counter("TcpRetransSegs")).isZero();
            } else if (faults != 0) {
                assertThat(lab.counter("TcpRetransSegs")).isPositive();
            }
        }
    }

    @Test
    void shouldGiveTheSamePacketsForTheSameSeed() throws Exception {
        long[] digests = new long[2];
        for (int i = 0; i < 2; i++) {
            try (Lab lab = Lab.twoHosts(11, 2, FaultPlan.Rates.of(0.02, 0.02, 0.01, 0.01))) {
                PacketTrace trace = lab.trace();
                connection(lab, s -> receive(s, new long[1], 10_000), s -> send(s, 3, 1_000_000, 50_000));
                trace.close();
                digests[i] = trace.digest();
            }
        }
        assertThat(digests[0]).isEqualTo(digests[1]);
    }

    @Test
    void shouldAnswerAfterTheOtherSideHasFinished() throws Exception {
        try (Lab lab = Lab.twoHosts(1, 1)) {
            byte[] answer = new byte[3];
            connection(
                    lab,
                    s -> {
                        long[] n = new long[1];
                        receive(s, n, 1000);
                        assertThat(n[0]).isEqualTo(10_000);
                        lab.sleep(3 * SECOND);
                        s.write(new byte[] {7, 8, 9}, 0, 3);
                    },
                    s -> {
                        send(s, 1, 10_000, 500);
                        s.shutdownOutput();
                        assertThat(s.read(answer, 0, 3)).isEqualTo(3);
                        assertThat(s.read(answer, 0, 1)).isEqualTo(-1);
                    });
            assertThat(answer).containsExactly(7, 8, 9);
        }
    }

    @Test
    void shouldResetAPeerWhoseDataNobodyRead() throws Exception {
        try (Lab lab = Lab.twoHosts(1, 1)) {
            connection(lab, s -> lab.sleep(SECOND), s -> {
                s.write(new byte[1000], 0, 1000);
                lab.sleep(2 * SECOND);
                assertThatThrownBy(() -> s.read(new byte[10], 0, 10))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("ECONNRESET");
            });
            assertThat(lab.host("b").counter("TcpExtTCPAbortOnClose")).isEqualTo(1);
            assertThat(lab.host("b").counter("TcpOutRsts")).isEqualTo(1);
        }
    }

    @Test
    void shouldResetWhenLingerIsZero() throws Exception {
        try (Lab lab = Lab.twoHosts(1, 1)) {
            connection(
                    lab,
                    s -> assertThatThrownBy(() -> s.read(new byte[10], 0, 10)).hasMessageContaining("ECONNRESET"),
                    s -> s.setOption(java.net.StandardSocketOptions.SO_LINGER, 0));
            assertThat(lab.host("a").counter("TcpExtTCPAbortOnData")).isEqualTo(1);
        }
    }

    @Test
    void shouldRefuseAConnectionToNobody() throws Exception {
        try (Lab lab = Lab.twoHosts(1, 1)) {
            lab.start(
                    "client",
                    () -> assertThatThrownBy(() ->
                                    lab.host("a").network.connect(lab.host("b").at(9)))
                            .hasMessageContaining("ECONNREFUSED"));
            lab.joinAll();
            assertThat(lab.host("a").counter("TcpAttemptFails")).isEqualTo(1);
        }
    }

    @Test
    void shouldTimeOutWhenNobodyAnswersAtAll() throws Exception {
        try (Lab lab = Lab.twoHosts(1, 1, FaultPlan.Rates.of(1, 0, 0, 0), "net.ipv4.tcp_syn_retries=2")) {
            lab.start("client", () -> {
                long start = lab.nowNs();
                // ARP is lost too: the neighbour fails first, and the SYN's own end comes later.
                assertThatThrownBy(() ->
                                lab.host("a").network.connect(lab.host("b").at(9)))
                        .isInstanceOf(IOException.class);
                assertThat(lab.nowNs() - start).isGreaterThan(2 * SECOND);
            });
            lab.joinAll();
        }
    }

    @Test
    void shouldCloseFromBothSidesAtOnce() throws Exception {
        try (Lab lab = Lab.twoHosts(1, 2)) {
            Program at = s -> lab.sleep(SECOND - lab.nowNs() % SECOND);
            connection(lab, at, at);
            lab.sleep(SECOND);
            assertThat(lab.counter("TcpCurrEstab")).isZero();
            lab.sleep(70 * SECOND);
            // Both, one after the other or crossing: somebody waited for stray segments.
            assertThat(lab.counter("TcpExtTW")).isBetween(1L, 2L);
        }
    }

    @Test
    void shouldKeepThePortInTimeWaitForAMinute() throws Exception {
        try (Lab lab = Lab.twoHosts(1, 1)) {
            connection(lab, s -> receive(s, new long[1], 100), s -> send(s, 1, 100, 100));
            lab.sleep(SECOND);
            assertThat(lab.host("a").counter("TcpExtTW")).isEqualTo(1);
            assertThat(lab.host("b").counter("TcpExtTW")).isZero();
            InetTimewaitDeathRow waiting = Ipv4Net.of(lab.host("a").net).deathRow;
            lab.sleep(58 * SECOND);
            assertThat(waiting.count()).isEqualTo(1);
            lab.sleep(11 * SECOND); // the wheel's far slots are coarse
            assertThat(waiting.count()).isZero();
        }
    }

    @Test
    void shouldProbeAnIdlePeerAndKeepTheConnection() throws Exception {
        try (Lab lab = Lab.twoHosts(1, 1)) {
            connection(lab, s -> receive(s, new long[1], 100), s -> {
                s.setOption(java.net.StandardSocketOptions.SO_KEEPALIVE, true);
                s.setOption(SoftOption.TCP_KEEPIDLE, 10);
                s.setOption(SoftOption.TCP_KEEPINTVL, 5);
                lab.sleep(100 * SECOND);
                send(s, 1, 100, 100);
            });
            assertThat(lab.host("a").counter("TcpExtTCPKeepAlive")).isBetween(8L, 11L);
        }
    }

    @Test
    void shouldWaitBehindAClosedWindowAndGoOn() throws Exception {
        try (Lab lab = Lab.twoHosts(1, 2)) {
            long[] n = new long[1];
            byte[][] digests = new byte[2][];
            connection(
                    lab,
                    s -> {
                        lab.sleep(20 * SECOND); // many windows and many probes
                        digests[0] = receive(s, n, 4000);
                    },
                    s -> {
                        digests[1] = send(s, 9, 40_000_000, 200_000);
                    });
            assertThat(n[0]).isEqualTo(40_000_000);
            assertThat(digests[0]).isEqualTo(digests[1]);
            assertThat(lab.host("a").counter("TcpExtTCPWinProbe")).isPositive();
            assertThat(lab.host("b").counter("TcpExtTCPToZeroWindowAdv")).isPositive();
        }
    }

    @Test
    void shouldTellAboutAConnection() throws Exception {
        try (Lab lab = Lab.twoHosts(1, 1)) {
            connection(lab, s -> receive(s, new long[1], 10_000), s -> {
                send(s, 1, 1_000_000, 100_000);
                lab.sleep(SECOND);
                TcpInfo info = (TcpInfo) s.option(SoftOption.TCP_INFO);
                assertThat(info.state).isEqualTo(1);
                assertThat(info.bytesAcked).isEqualTo(1_000_000 + 1);
                assertThat(info.bytesSent).isEqualTo(1_000_000);
                assertThat(info.sndMss).isEqualTo(1448);
                assertThat(info.options)
                        .isEqualTo(TcpInfo.TCPI_OPT_TIMESTAMPS | TcpInfo.TCPI_OPT_SACK | TcpInfo.TCPI_OPT_WSCALE);
                assertThat(info.rcvWscale).isEqualTo(10);
                assertThat(info.rto).isBetween(200_000, 210_000);
                assertThat(info.unacked).isZero();
                assertThat(s.option(SoftOption.TCP_CONGESTION)).isEqualTo("cubic");
            });
        }
    }

    @Test
    void shouldPaceAtTheRateThatTheProgramSets() throws Exception {
        try (Lab lab = Lab.twoHosts(1, 2)) {
            long[] n = new long[1];
            long[] ns = new long[1];
            connection(lab, s -> receive(s, n, 100_000), s -> {
                s.setOption(SoftOption.SO_MAX_PACING_RATE, 1_000_000L);
                long start = lab.nowNs();
                send(s, 1, 3_000_000, 100_000);
                s.shutdownOutput();
                s.read(new byte[1], 0, 1); // the other end closes when it has all
                ns[0] = lab.nowNs() - start;
            });
            assertThat(n[0]).isEqualTo(3_000_000);
            assertThat(ns[0]).isBetween(2_800_000_000L, 3_300_000_000L);
        }
    }

    @Test
    void shouldCallAConnectionUnwritableWhileMuchIsUnsent() throws Exception {
        try (Lab lab = Lab.twoHosts(1, 1)) {
            connection(lab, s -> lab.sleep(SECOND), s -> {
                s.setOption(SoftOption.TCP_NOTSENT_LOWAT, 10_000);
                s.configureBlocking(false);
                long taken = 0;
                for (int k = 1; k > 0; ) {
                    k = s.write(ByteBuffer.allocate(5000));
                    taken += Math.max(k, 0);
                }
                TcpInfo info = (TcpInfo) s.option(SoftOption.TCP_INFO);
                assertThat(info.notsentBytes).isBetween(5000, 10_000 + 65_536); // looked at once a segment
                assertThat(taken).isGreaterThan(50_000);
                s.setOption(java.net.StandardSocketOptions.SO_LINGER, 0);
            });
        }
    }

    @Test
    void shouldSendAFile() throws Exception {
        Path file = Files.createTempFile("softnet", ".bin");
        try (Lab lab = Lab.twoHosts(1, 2)) {
            byte[] content = new byte[3_000_000];
            new SplittableRandom(4).nextBytes(content);
            Files.write(file, content);
            byte[][] digest = new byte[1][];
            long[] n = new long[1];
            connection(lab, s -> digest[0] = receive(s, n, 100_000), s -> {
                try (FileChannel in = FileChannel.open(file)) {
                    for (long at = 0; at < content.length; ) {
                        at += s.transferFrom(in, at, content.length - at);
                    }
                }
            });
            assertThat(n[0]).isEqualTo(content.length);
            assertThat(digest[0]).isEqualTo(MessageDigest.getInstance("SHA-256").digest(content));
        } finally {
            Files.delete(file);
        }
    }

    @Test
    void shouldGiveUpAReadInTime() throws Exception {
        try (Lab lab = Lab.twoHosts(1, 1)) {
            connection(lab, s -> lab.sleep(5 * SECOND), s -> {
                s.setOption(SoftOption.SO_RCVTIMEO, Duration.ofSeconds(2));
                long start = lab.nowNs();
                assertThatThrownBy(() -> s.read(new byte[1], 0, 1)).isInstanceOf(IOException.class);
                assertThat(lab.nowNs() - start).isBetween(2 * SECOND, 2 * SECOND + 10_000_000);
            });
        }
    }

    @Test
    void shouldServeManyConnectionsThroughOneListener() throws Exception {
        try (Lab lab = Lab.twoHosts(5, 4)) {
            int clients = 40;
            lab.start("server", () -> {
                try (SoftServerSocket l = Lab.listen(lab.host("b"), PORT)) {
                    for (int i = 0; i < clients; i++) {
                        SoftSocket s = l.accept();
                        lab.start("worker" + i, () -> {
                            try (s) {
                                byte[] b = new byte[5000];
                                int n = 0;
                                for (int k = s.read(b, n, b.length - n); k > 0; k = s.read(b, n, b.length - n)) {
                                    n += k;
                                }
                                s.writeFully(ByteBuffer.wrap(b, 0, n));
                            }
                        });
                    }
                }
            });
            for (int i = 0; i < clients; i++) {
                int me = i;
                lab.start("client" + i, () -> {
                    lab.sleep(1_000_000);
                    try (SoftSocket s =
                            lab.host("a").network.connect(lab.host("b").at(PORT))) {
                        byte[] out = new byte[5000];
                        Arrays.fill(out, (byte) me);
                        s.writeFully(ByteBuffer.wrap(out));
                        byte[] in = s.inputStream().readAllBytes();
                        assertThat(in).isEqualTo(out);
                    }
                });
            }
            lab.joinAll();
            assertThat(lab.host("b").counter("TcpPassiveOpens")).isEqualTo(clients);
        }
    }
}
