package softnet.tools.applet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import net.core.UserError;
import net.core.api.SoftDatagramSocket;
import net.core.api.SoftSocket;
import net.core.sock.SockAddrIn;
import net.testkit.Lab;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.ParameterException;

/** The applets between two hosts in virtual time. */
class AppletsTest {
    private static final long SEED = 11;

    @TempDir
    Path temp;

    private static Applet applet(String... words) {
        return Applets.parse(List.of(words), new PrintWriter(new StringWriter()));
    }

    /** A host of the lab as an applet sees it, with its streams. */
    private static final class Seat {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        final ByteArrayOutputStream err = new ByteArrayOutputStream();
        final Host host;

        Seat(Lab.Host lab, InputStream in) {
            host = new Host(lab.network, in, new PrintStream(out, true), new PrintStream(err, true));
        }

        Seat(Lab.Host lab) {
            this(lab, InputStream.nullInputStream());
        }

        String out() {
            return out.toString(StandardCharsets.UTF_8);
        }
    }

    private static byte[] random(int bytes) {
        byte[] all = new byte[bytes];
        new Random(SEED).nextBytes(all);
        return all;
    }

    @Test
    void shouldFetchWhatTheServerHas() throws Exception {
        byte[] bytes = random(3_000_000);
        Path root = Files.createDirectory(temp.resolve("root"));
        Files.write(root.resolve("file"), bytes);
        Path got = temp.resolve("got");
        try (Lab lab = Lab.twoHosts(SEED, 2)) {
            Applet server = applet("httpd", "--port", "8080", "--root", root.toString());
            lab.start("httpd", () -> server.run(new Seat(lab.host("b")).host));
            AtomicInteger status = new AtomicInteger(-1);
            lab.start("wget", () -> {
                lab.sleep(1_000_000);
                status.set(applet("wget", "http://10.0.0.2:8080/file", "-O", got.toString())
                        .run(new Seat(lab.host("a")).host));
                assertThatThrownBy(() -> applet("wget", "http://10.0.0.2:8080/none", "-O", got + "2")
                                .run(new Seat(lab.host("a")).host))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("404");
                server.stop();
            });
            lab.joinAll();
            assertThat(status).hasValue(0);
        }
        assertThat(Files.readAllBytes(got)).isEqualTo(bytes);
    }

    @Test
    void shouldGiveUpAClientThatDoesNotTakeItsAnswer() throws Exception {
        Path root = Files.createDirectory(temp.resolve("root"));
        int size = 20_000_000;
        Files.write(root.resolve("file"), random(size));
        AtomicLong total = new AtomicLong();
        try (Lab lab = Lab.twoHosts(SEED, 1)) {
            Applet server = applet("httpd", "--port", "8080", "--root", root.toString());
            lab.start("httpd", () -> server.run(new Seat(lab.host("b")).host));
            lab.start("client", () -> {
                lab.sleep(1_000_000);
                try (SoftSocket socket = lab.host("a").network.connect(Lab.endpoint("10.0.0.2", 8080))) {
                    socket.writeFully(ByteBuffer.wrap(
                            "GET /file HTTP/1.1\r\nHost: b\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
                    lab.sleep(200_000_000_000L); // a minute for each call that was begun, and one in which nothing went
                    ByteBuffer room = ByteBuffer.allocate(1 << 16);
                    long got = 0;
                    for (int n = socket.read(room); n >= 0; n = socket.read(room.clear())) {
                        got += n;
                    }
                    total.set(got);
                } finally {
                    server.stop();
                }
            });
            lab.joinAll();
            assertThat(total.get()).as("what was under way").isPositive().isLessThan(size);
        }
    }

    @Test
    void shouldStoreWhatTwentyClientsPutAtOnce() throws Exception {
        int clients = 20;
        Path root = Files.createDirectory(temp.resolve("root"));
        byte[] bytes = random(100_000);
        try (Lab lab = Lab.twoHosts(SEED, 2)) {
            Applet server = applet("httpd", "--root", root.toString());
            lab.start("httpd", () -> server.run(new Seat(lab.host("b")).host));
            AtomicInteger left = new AtomicInteger(clients);
            for (int i = 0; i < clients; i++) {
                String target = "/file" + i;
                lab.start("client " + i, () -> {
                    lab.sleep(1_000_000);
                    try (SoftSocket socket = lab.host("a").network.connect(Lab.endpoint("10.0.0.2", 80))) {
                        put(socket, target, bytes);
                    }
                    if (left.decrementAndGet() == 0) {
                        server.stop();
                    }
                });
            }
            lab.joinAll();
        }
        for (int i = 0; i < clients; i++) {
            assertThat(Files.readAllBytes(root.resolve("file" + i))).isEqualTo(bytes);
        }
    }

    /** Asks first, as curl does, then sends. */
    private static void put(SoftSocket socket, String target, byte[] bytes) throws IOException {
        String head = "PUT " + target + " HTTP/1.1\r\nHost: b\r\nExpect: 100-continue\r\nContent-Length: "
                + bytes.length + "\r\n\r\n";
        socket.writeFully(ByteBuffer.wrap(head.getBytes(StandardCharsets.US_ASCII)));
        assertThat(head(socket)).startsWith("HTTP/1.1 100 ");
        socket.writeFully(ByteBuffer.wrap(bytes));
        assertThat(head(socket)).startsWith("HTTP/1.1 201 ");
    }

    private static String head(SoftSocket socket) throws IOException {
        StringBuilder head = new StringBuilder();
        ByteBuffer one = ByteBuffer.allocate(1);
        while (head.indexOf("\r\n\r\n") < 0 && socket.read(one.clear()) > 0) {
            head.append((char) one.get(0));
        }
        return head.toString();
    }

    @Test
    void shouldKeepEachDirectionOfNetcatOpenUntilItEnds() throws Exception {
        byte[] there = random(400_000);
        byte[] back = "answer".repeat(50_000).getBytes(StandardCharsets.US_ASCII);
        try (Lab lab = Lab.twoHosts(SEED, 1)) {
            Seat listener = new Seat(lab.host("b"), new ByteArrayInputStream(back));
            Seat client = new Seat(lab.host("a"), new ByteArrayInputStream(there));
            lab.start(
                    "nc -l",
                    () -> assertThat(applet("nc", "-l", "9000").run(listener.host))
                            .isZero());
            lab.start("nc", () -> {
                lab.sleep(1_000_000);
                assertThat(applet("nc", "10.0.0.2", "9000").run(client.host)).isZero();
            });
            lab.joinAll();
            assertThat(listener.out.toByteArray()).isEqualTo(there);
            assertThat(client.out.toByteArray()).isEqualTo(back);
        }
    }

    @Test
    void shouldSpeakSignedSegmentsToThoseWhoShareTheSecret() throws Exception {
        byte[] there = random(200_000);
        byte[] back = random(300_000);
        try (Lab lab = Lab.twoHosts(SEED, 1)) {
            Seat listener = new Seat(lab.host("b"), new ByteArrayInputStream(back));
            Seat client = new Seat(lab.host("a"), new ByteArrayInputStream(there));
            Applet stranger = applet("nc", "-S", "guessed", "10.0.0.2", "9000");
            lab.start(
                    "nc -l",
                    () -> assertThat(applet("nc", "-S", "shared", "-l", "9000").run(listener.host))
                            .isZero());
            lab.start(
                    "stranger",
                    () -> assertThat(stranger.run(new Seat(lab.host("a")).host)).isZero());
            lab.start("nc", () -> {
                lab.sleep(2_000_000_000L);
                stranger.stop(); // it still waits for an answer to its SYN
                assertThat(applet("nc", "-S", "shared", "10.0.0.2", "9000").run(client.host))
                        .isZero();
            });
            lab.joinAll();
            assertThat(listener.out.toByteArray()).isEqualTo(there);
            assertThat(client.out.toByteArray()).isEqualTo(back);
            assertThat(lab.host("b").counter("TcpExtTCPMD5Failure")).isPositive();
        }
    }

    @Test
    void shouldStopFetchingWhileItConnects() throws Exception {
        try (Lab lab = Lab.twoHosts(SEED, 1)) {
            Applet silent = applet("nc", "-S", "secret", "-l", "8080"); // answers no SYN without a signature
            Applet wget = applet("wget", "http://10.0.0.2:8080/file", "-O", "-");
            lab.start("nc -l", () -> silent.run(new Seat(lab.host("b")).host));
            lab.start("wget", () -> {
                lab.sleep(1_000_000);
                assertThatThrownBy(() -> wget.run(new Seat(lab.host("a")).host))
                        .isInstanceOf(AsynchronousCloseException.class);
                silent.stop();
            });
            lab.start("stop", () -> {
                lab.sleep(5_000_000_000L);
                wget.stop();
            });
            lab.joinAll();
        }
    }

    @Test
    void shouldServeManyClientsFromOneThread() throws Exception {
        int clients = 300;
        try (Lab lab = Lab.twoHosts(SEED, 2)) {
            Applet inetd = applet("inetd");
            lab.start("inetd", () -> inetd.run(new Seat(lab.host("b")).host));
            lab.start("clients", () -> {
                lab.sleep(1_000_000);
                SoftSocket[] sockets = new SoftSocket[clients];
                for (int i = 0; i < clients; i++) {
                    sockets[i] = lab.host("a").network.connect(Lab.endpoint("10.0.0.2", Inetd.ECHO));
                    sockets[i].writeFully(ByteBuffer.wrap(new byte[] {(byte) i}));
                }
                for (int i = 0; i < clients; i++) {
                    ByteBuffer one = ByteBuffer.allocate(1);
                    assertThat(sockets[i].read(one)).isEqualTo(1);
                    assertThat(one.get(0)).isEqualTo((byte) i);
                    sockets[i].close();
                }
                echoAgainstAFullBuffer(lab);
                chargen(lab);
                datagrams(lab);
                inetd.stop();
            });
            lab.joinAll();
        }
    }

    /** Writes far more than both buffers hold before it reads anything. */
    private static void echoAgainstAFullBuffer(Lab lab) throws IOException {
        byte[] bytes = random(6_000_000);
        try (SoftSocket socket = lab.host("a").network.connect(Lab.endpoint("10.0.0.2", Inetd.ECHO))) {
            var writer = lab.start("writer", () -> {
                socket.writeFully(ByteBuffer.wrap(bytes));
                socket.shutdownOutput();
            });
            lab.sleep(500_000_000);
            ByteBuffer got = ByteBuffer.allocate(bytes.length + 1);
            while (socket.read(got) >= 0) {
                // To the end.
            }
            assertThat(got.position()).isEqualTo(bytes.length);
            assertThat(got.flip()).isEqualTo(ByteBuffer.wrap(bytes));
            lab.kernel.threads().join(writer);
        }
    }

    private static void chargen(Lab lab) throws IOException {
        try (SoftSocket socket = lab.host("a").network.connect(Lab.endpoint("10.0.0.2", Inetd.CHARGEN))) {
            ByteBuffer got = ByteBuffer.allocate(500_000);
            while (got.hasRemaining()) {
                socket.read(got);
            }
            for (int i = 0; i < got.capacity(); i++) {
                assertThat(got.get(i)).isEqualTo(InetdBuffers.patternAt(i));
            }
        }
    }

    private static void datagrams(Lab lab) throws IOException {
        try (SoftDatagramSocket socket = lab.host("a").network.datagramSocket()) {
            ByteBuffer got = ByteBuffer.allocate(2000);
            socket.send(ByteBuffer.wrap(new byte[700]), Lab.endpoint("10.0.0.2", Inetd.ECHO));
            assertThat(socket.receive(got, new SockAddrIn())).isEqualTo(700);
            socket.send(ByteBuffer.wrap(new byte[1]), Lab.endpoint("10.0.0.2", Inetd.CHARGEN));
            assertThat(socket.receive(got.clear(), new SockAddrIn())).isEqualTo(512);
        }
    }

    @Test
    void shouldPing() {
        try (Lab lab = Lab.twoHosts(SEED, 1)) {
            Seat seat = new Seat(lab.host("a"));
            AtomicInteger nobody = new AtomicInteger(-1);
            lab.start("ping", () -> {
                assertThat(applet("ping", "-c", "4", "10.0.0.2").run(seat.host)).isZero();
                nobody.set(
                        applet("ping", "-c", "1", "-W", "2", "-q", "10.0.0.77").run(seat.host));
            });
            lab.joinAll();
            assertThat(seat.out())
                    .contains("PING 10.0.0.2 (10.0.0.2) 56(84) bytes of data.")
                    .contains("64 bytes from 10.0.0.2: icmp_seq=4 ttl=64 time=")
                    .contains("4 packets transmitted, 4 received, 0% packet loss, time 300")
                    .contains("100% packet loss");
            assertThat(nobody).hasValue(1);
        }
    }

    @Test
    void shouldSayWhatIsWrongWithArguments() {
        assertThatThrownBy(() -> applet("telnet")).isInstanceOf(ParameterException.class);
        assertThatThrownBy(() -> applet("wget")).isInstanceOf(ParameterException.class);
        assertThatThrownBy(() -> Addr.port("0")).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> Addr.literal("10.0.0")).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> Addr.literal("10.0.0.256")).isInstanceOf(UserError.class);
        assertThat(Addr.literal("10.9.0.2")).isEqualTo(0x0A090002);
        StringWriter help = new StringWriter();
        assertThat(Applets.parse(List.of("httpd", "--help"), new PrintWriter(help)))
                .isNull();
        assertThat(help.toString()).contains("--root");
    }

    /** The sequence number has 16 bits: a number that comes round again is no duplicate. */
    @Test
    void shouldPingOnWhenTheSequenceWraps() throws Exception {
        try (Lab lab = Lab.twoHosts(SEED, 1)) {
            Seat seat = new Seat(lab.host("a"));
            AtomicInteger status = new AtomicInteger(-1);
            lab.start(
                    "ping",
                    () -> status.set(applet("ping", "-q", "-c", "65700", "-i", "0", "10.0.0.2")
                            .run(seat.host)));
            lab.joinAll();
            assertThat(seat.out()).contains("65700 packets transmitted, 65700 received, 0% packet loss");
            assertThat(status).hasValue(0);
        }
    }

    @Test
    void shouldNotSleepBackwards() {
        for (String seconds : List.of("-1", "NaN")) {
            assertThatThrownBy(() -> {
                        try (Lab lab = Lab.twoHosts(SEED, 1)) {
                            applet("sleep", seconds).run(new Seat(lab.host("a")).host);
                        }
                    })
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("want");
        }
    }

    @Test
    void shouldNotRunAnAppletThatIsAskedForItsVersion() {
        assertThatThrownBy(() -> applet("ping", "-V"))
                .isInstanceOf(ParameterException.class)
                .hasMessageContaining("softnet --version");
    }
}
