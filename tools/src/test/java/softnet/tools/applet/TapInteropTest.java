package softnet.tools.applet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The applets on a TAP against the programs of Linux: ping, curl, iperf3, tshark and plain sockets. */
@Tag("tap")
@Timeout(120)
@SuppressWarnings("try") // the stack is there to be talked to over the wire
class TapInteropTest {
    private static final boolean FULL = Boolean.getBoolean("softnet.full");
    private static final long SEED = 7;

    @TempDir
    Path temp;

    private Path file(String name, long bytes) throws IOException {
        Random random = new Random(SEED);
        Path path = temp.resolve(name);
        byte[] block = new byte[1 << 20];
        try (OutputStream out = Files.newOutputStream(path)) {
            for (long left = bytes; left > 0; left -= block.length) {
                random.nextBytes(block);
                out.write(block, 0, (int) Math.min(block.length, left));
            }
        }
        return path;
    }

    private static String sha256(Path path) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        try (InputStream in = Files.newInputStream(path)) {
            byte[] block = new byte[1 << 20];
            for (int n = in.read(block); n >= 0; n = in.read(block)) {
                digest.update(block, 0, n);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static String curlStatus(String... more) throws Exception {
        List<String> command = new ArrayList<>(List.of("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"));
        command.addAll(Arrays.asList(more));
        return LiveStack.run(command.toArray(String[]::new)).out();
    }

    @Test
    void shouldAnswerPingsAndCaptureThem() throws Exception {
        Path capture = temp.resolve("ping.pcapng");
        try (LiveStack stack = LiveStack.start(List.of("--debug", "--pcap", capture.toString()), "sleep", "60")
                .awaitPing()) {
            LiveStack.Result ping = LiveStack.run("ping", "-c", "100", "-i", "0.01", "-s", "1400", LiveStack.STACK);
            assertThat(ping.out()).contains("100 packets transmitted, 100 received, 0% packet loss");
            LiveStack.Result big = LiveStack.run("ping", "-c", "5", "-i", "0.05", "-s", "20000", LiveStack.STACK);
            assertThat(big.out()).as("fragments").contains("5 received");
        }
        LiveStack.Result tshark = LiveStack.run("tshark", "-r", capture.toString(), "-Y", "icmp.type == 0");
        assertThat(tshark.status()).as(tshark.err()).isZero();
        assertThat(tshark.out().lines().count()).isGreaterThanOrEqualTo(105);
        assertThat(tshark.err()).doesNotContain("damaged").doesNotContain("cut short");
    }

    @Test
    void shouldServeAndStoreFiles() throws Exception {
        Path root = Files.createDirectory(temp.resolve("root"));
        Files.writeString(temp.resolve("secret"), "s");
        Path down = file("root/down", (FULL ? 2048L : 48) << 20);
        Path up = file("up", (FULL ? 1024L : 24) << 20);
        Path small = file("root/small", 1 << 20);
        String url = "http://" + LiveStack.STACK + ":8080";
        try (LiveStack stack = LiveStack.start(List.of(), "httpd", "--port", "8080", "--root", root.toString())
                .awaitError("httpd: serving")) {
            Path got = temp.resolve("got");
            assertThat(LiveStack.run("curl", "-sS", "-o", got.toString(), url + "/down")
                            .err())
                    .isEmpty();
            assertThat(sha256(got)).isEqualTo(sha256(down));

            assertThat(curlStatus("-T", up.toString(), url + "/up")).isEqualTo("201");
            assertThat(sha256(root.resolve("up"))).isEqualTo(sha256(up));
            byte[] text = "chunked".repeat(50_000).getBytes(StandardCharsets.US_ASCII);
            LiveStack.run(text, "curl", "-sS", "-T", "-", url + "/chunked");
            assertThat(Files.readAllBytes(root.resolve("chunked"))).isEqualTo(text);

            assertThat(curlStatus(url + "/nothing")).isEqualTo("404");
            assertThat(curlStatus("--path-as-is", url + "/../secret")).isEqualTo("403");
            assertThat(curlStatus("--path-as-is", "-T", up.toString(), url + "/../x"))
                    .isEqualTo("403");
            assertThat(curlStatus("-X", "DELETE", url + "/small")).isEqualTo("405");
            assertThat(curlStatus("-I", url + "/small")).isEqualTo("200");
            assertThat(curlStatus("-r", "10-19", url + "/small")).isEqualTo("206");
            assertThat(LiveStack.run(
                                    "curl", "-sv", url + "/small", url + "/small", "-o", "/dev/null", "-o", "/dev/null")
                            .err())
                    .contains("Re-using existing");

            String each = LiveStack.run(
                            "sh",
                            "-c",
                            "seq " + (FULL ? 200 : 60) + " | xargs -P " + (FULL ? 200 : 60) + " -I{} sh -c 'curl -s "
                                    + url + "/small | sha256sum'")
                    .out();
            String sum = sha256(small);
            assertThat(each.lines()).hasSize(FULL ? 200 : 60).allMatch(l -> l.startsWith(sum));
        }
    }

    @Test
    void shouldFetchFromLinux() throws Exception {
        Path file = file("big", (FULL ? 256L : 32) << 20);
        Path got = temp.resolve("fetched");
        try (ServerSocket server = new ServerSocket(8081)) {
            Thread.ofPlatform().start(() -> {
                try (Socket client = server.accept();
                        OutputStream out = client.getOutputStream()) {
                    readHead(client.getInputStream());
                    String head = "HTTP/1.1 200 OK\r\nContent-Length: " + Files.size(file) + "\r\n\r\n";
                    out.write(head.getBytes(StandardCharsets.US_ASCII));
                    Files.copy(file, out);
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            try (LiveStack stack = LiveStack.start(
                    List.of(), "wget", "http://" + LiveStack.LINUX + ":8081/big", "-O", got.toString())) {
                assertThat(stack.awaitEnd()).as("%s", stack.errors).isZero();
            }
        }
        assertThat(sha256(got)).isEqualTo(sha256(file));
    }

    private static void readHead(InputStream in) throws IOException {
        for (int newlines = 0; newlines < 2; ) {
            int b = in.read();
            newlines = b == '\n' ? newlines + 1 : b == '\r' ? newlines : 0;
        }
    }

    @Test
    void shouldKeepHalfClosesOfNetcat() throws Exception {
        byte[] question = new byte[3_000_000];
        byte[] answer = new byte[2_000_000];
        new Random(SEED).nextBytes(question);
        new Random(SEED + 1).nextBytes(answer);
        try (ServerSocket server = new ServerSocket(8082);
                LiveStack stack = LiveStack.start(List.of(), "nc", LiveStack.LINUX, "8082")) {
            Thread.ofPlatform().start(() -> {
                try (OutputStream in = stack.process.getOutputStream()) {
                    in.write(question);
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            try (Socket client = server.accept()) {
                // The whole question and its end, before the first byte of the answer.
                assertThat(client.getInputStream().readAllBytes()).isEqualTo(question);
                Thread.ofPlatform().start(() -> {
                    try {
                        client.getOutputStream().write(answer);
                        client.shutdownOutput();
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                });
                assertThat(stack.process.getInputStream().readAllBytes()).isEqualTo(answer);
                assertThat(stack.awaitEnd()).as("%s", stack.errors).isZero();
            }
        }
    }

    @Test
    void shouldListenWithNetcatAndAnswerAfterThePeersEnd() throws Exception {
        byte[] text = "the peer has ended, we have not".repeat(10_000).getBytes(StandardCharsets.US_ASCII);
        try (LiveStack stack = LiveStack.start(List.of(), "nc", "-l", "8083").awaitPing()) {
            try (Socket client = connect(8083)) {
                client.getOutputStream().write(1);
                client.shutdownOutput();
                assertThat(stack.process.getInputStream().read()).isEqualTo(1);
                try (OutputStream in = stack.process.getOutputStream()) {
                    in.write(text);
                }
                assertThat(client.getInputStream().readAllBytes()).isEqualTo(text);
            }
            assertThat(stack.awaitEnd()).isZero();
        }
    }

    private static Socket connect(int port) throws Exception {
        for (int i = 0; ; i++) {
            try {
                return new Socket(LiveStack.STACK, port);
            } catch (IOException e) {
                if (i == 50) {
                    throw e;
                }
                Thread.sleep(50);
            }
        }
    }

    @Test
    void shouldServeTheTestServices() throws Exception {
        try (LiveStack stack = LiveStack.start(List.of("--debug"), "inetd").awaitError("inetd: serving")) {
            List<Socket> clients = new ArrayList<>();
            for (int i = 0; i < (FULL ? 1000 : 100); i++) {
                Socket client = connect(Inetd.ECHO);
                client.setTcpNoDelay(true);
                client.getOutputStream().write(i);
                clients.add(client);
            }
            for (int i = 0; i < clients.size(); i++) {
                assertThat(clients.get(i).getInputStream().read()).isEqualTo(i & 0xff);
                clients.get(i).close();
            }
            try (Socket chargen = connect(Inetd.CHARGEN)) {
                byte[] pattern = chargen.getInputStream().readNBytes(2_000_000);
                for (int i = 0; i < pattern.length; i++) {
                    assertThat(pattern[i]).isEqualTo(InetdBuffers.patternAt(i));
                }
            }
            echoEverything();
            udp();
        }
    }

    /** A client that writes a lot before it reads: echo has to keep what it cannot send. */
    private static void echoEverything() throws Exception {
        byte[] bytes = new byte[8_000_000];
        new Random(SEED).nextBytes(bytes);
        try (Socket client = connect(Inetd.ECHO)) {
            Thread writer = Thread.ofPlatform().start(() -> {
                try {
                    client.getOutputStream().write(bytes);
                    client.shutdownOutput();
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            Thread.sleep(200);
            assertThat(client.getInputStream().readAllBytes()).isEqualTo(bytes);
            writer.join();
        }
    }

    private static void udp() throws IOException {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.setSoTimeout(5_000);
            byte[] question = "datagram".getBytes(StandardCharsets.US_ASCII);
            InetAddress stack = InetAddress.getByName(LiveStack.STACK);
            DatagramPacket packet = new DatagramPacket(new byte[2000], 2000);
            socket.send(new DatagramPacket(question, question.length, new InetSocketAddress(stack, Inetd.ECHO)));
            socket.receive(packet);
            assertThat(Arrays.copyOf(packet.getData(), packet.getLength())).isEqualTo(question);
            socket.send(new DatagramPacket(question, question.length, new InetSocketAddress(stack, Inetd.CHARGEN)));
            socket.receive(packet);
            assertThat(packet.getLength()).isEqualTo(512);
        }
    }

    @Test
    void shouldPingLinux() throws Exception {
        try (LiveStack stack = LiveStack.start(List.of(), "ping", "-c", "5", "-i", "0.05", LiveStack.LINUX)) {
            assertThat(stack.out())
                    .containsPattern("64 bytes from 10\\.9\\.0\\.1: icmp_seq=5 ttl=64 time=\\d+\\.\\d+ ms")
                    .contains("5 packets transmitted, 5 received, 0% packet loss")
                    .containsPattern("rtt min/avg/max/mdev = [\\d./]+ ms");
            assertThat(stack.awaitEnd()).isZero();
        }
    }

    @Test
    void shouldServeTheRealIperf3() throws Exception {
        String seconds = FULL ? "10" : "2";
        try (LiveStack stack = LiveStack.start(List.of(), "iperf3", "-s").awaitPing()) {
            connect(5201).close();
            for (List<String> more : List.of(
                    List.of("-O", "1"),
                    List.of("-R"),
                    List.of("-P", "8"),
                    List.of("-u", "-b", "50M"),
                    List.of("-u", "-b", "50M", "-R"),
                    List.of("--bidir"))) {
                List<String> command = new ArrayList<>(List.of("iperf3", "-c", LiveStack.STACK, "-t", seconds));
                command.addAll(more);
                LiveStack.Result result = LiveStack.run(command.toArray(String[]::new));
                assertThat(result.status())
                        .as("%s: %s %s", more, result.out(), result.err())
                        .isZero();
                assertThat(result.out())
                        .as("%s", more)
                        .contains("sender")
                        .contains("receiver")
                        .contains("iperf Done");
                assertThat(result.out())
                        .as("%s", more)
                        .doesNotContain(" 0.00 Bytes  0.00 bits/sec                  receiver");
            }
        }
    }

    @Test
    void shouldPutSettingsInForceAndSayWhatIsWrong() throws Exception {
        try (LiveStack stack = LiveStack.start(
                List.of(
                        "--verbose",
                        "--sysctl",
                        "net.ipv4.tcp_congestion_control=reno",
                        "--sysctl",
                        "net.core.default_qdisc=pfifo"),
                "ping",
                "-c",
                "3",
                "-i",
                "0.01",
                LiveStack.LINUX)) {
            assertThat(stack.awaitEnd()).as("%s", stack.errors).isZero();
            assertThat(String.join("\n", stack.errors))
                    .contains("congestion control of a live connection: reno")
                    .containsPattern("eth0 root qdisc pfifo ")
                    .containsPattern("Sent \\d+ bytes [1-9]\\d* pkt");
        }
        for (String wrong : List.of(
                "--sysctl=net.ipv4.tcp_congestion_control=nothing",
                "--sysctl=net.core.default_qdisc=nothing",
                "--sysctl=net.ipv4.no_such_thing=1",
                "--qdisc=nothing",
                "--modules=/nowhere",
                "--faults=much",
                "--nic=rx-ring=500",
                "--nic=speed=1gbit")) {
            try (LiveStack stack = LiveStack.start(List.of(wrong), "sleep", "1")) {
                assertThat(stack.awaitEnd()).as("%s: %s", wrong, stack.errors).isEqualTo(2);
                assertThat(stack.errors).as(wrong).hasSize(1);
            }
        }
    }

    @Test
    void shouldModelACardAndItsWire() throws Exception {
        String nic = "rx-ring=512,tx-ring=128,rx-usecs=50,rx-frames=16,tx-usecs=100,rate=100mbit,pause=on,fcs=on";
        try (LiveStack stack = LiveStack.start(
                List.of("--verbose", "--nic", nic, "--faults", "corrupt=3%", "--seed", "5"),
                "ping",
                "-c",
                "200",
                "-i",
                "0.002",
                "-s",
                "1000",
                LiveStack.LINUX)) {
            stack.awaitEnd();
            assertThat(String.join("\n", stack.errors))
                    .contains("eth0 nic rx-ring=512,tx-ring=128,rx-usecs=50,rx-frames=16,tx-usecs=100,tx-frames=0")
                    .contains("rate=100mbit,overhead=24,completion-delay=0ns,pause=on,fcs=on")
                    .containsPattern("eth0 rx_crc_errors +[1-9]")
                    .containsPattern("far card: [1-9]\\d* bad CRC")
                    .as("the card caught what a checksum would have had to")
                    .doesNotContain("IcmpInCsumErrors");
        }
    }

    @Test
    void shouldSurviveFaultsOnTheWire() throws Exception {
        Path root = Files.createDirectory(temp.resolve("root"));
        Path file = file("root/file", (FULL ? 20L : 4) << 20);
        try (LiveStack stack = LiveStack.start(
                        List.of("--faults", "loss=2%,reorder=2%,dup=1%,corrupt=1%", "--seed", "3"),
                        "httpd",
                        "--root",
                        root.toString())
                .awaitError("httpd: serving")) {
            for (int i = 0; i < (FULL ? 10 : 1); i++) {
                Path got = temp.resolve("got" + i);
                LiveStack.run("curl", "-sS", "-o", got.toString(), "http://" + LiveStack.STACK + "/file");
                assertThat(sha256(got)).isEqualTo(sha256(file));
                assertThat(curlStatus("-T", file.toString(), "http://" + LiveStack.STACK + "/up"))
                        .startsWith("20");
                assertThat(sha256(root.resolve("up"))).isEqualTo(sha256(file));
            }
        }
    }
}
