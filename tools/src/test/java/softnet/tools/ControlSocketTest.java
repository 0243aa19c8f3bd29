package softnet.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import drivers.veth.Veth;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import net.core.Kernel;
import net.core.UserError;
import net.core.dev.NetDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** tc over the control socket of a live kernel, and what a hostile asker may try. */
class ControlSocketTest {
    private static final long SHORT_MS = 300;
    private static final long LONG_MS = 20_000;

    @TempDir
    Path dir;

    private Kernel kernel;
    private NetDevice veth;
    private Path path;
    private ControlSocket control;

    @BeforeEach
    void boot() {
        kernel = Kernel.boot("cpus=1", "debug");
        veth = Veth.create(kernel.initNet(), "veth0", kernel.initNet(), "veth1");
        veth.open();
        path = dir.resolve("softnet-1.sock");
        control = listen(path, LONG_MS);
    }

    private ControlSocket listen(Path at, long patienceMs) {
        return ControlSocket.listen(at, words -> TcRequest.answer(kernel, words), patienceMs);
    }

    @AfterEach
    void end() {
        control.close();
        kernel.close();
    }

    private record Outcome(int status, String out, String err) {}

    /** As the command line does it. */
    private Outcome tc(String line) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine cl = Softnet.commandLine();
        cl.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        List<String> args = new ArrayList<>(List.of("tc", "--control", path.toString()));
        args.addAll(TcWords.split(line));
        int status = cl.execute(args.toArray(String[]::new));
        return new Outcome(status, out.toString(), err.toString());
    }

    private void done(String line) {
        assertThat(tc(line)).as(line).isEqualTo(new Outcome(0, "", ""));
    }

    private void refused(String line, int status, String message) {
        assertThat(tc(line)).as(line).isEqualTo(new Outcome(status, "", message + "\n"));
    }

    private String shown(String line) {
        Outcome outcome = tc(line);
        assertThat(outcome.err()).as(line).isEmpty();
        assertThat(outcome.status()).as(line).isZero();
        return outcome.out();
    }

    /** Sends these bytes and ends the stream, unless it is to stay open; what comes back. */
    private String raw(byte[] request, boolean end) throws IOException {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            ByteBuffer out = ByteBuffer.wrap(request);
            try {
                while (out.hasRemaining()) {
                    channel.write(out);
                }
                if (end) {
                    channel.shutdownOutput();
                }
            } catch (IOException e) {
                // The host has had enough.
            }
            ByteBuffer in = ByteBuffer.allocate(1 << 16);
            try {
                while (channel.read(in) > 0) {}
            } catch (IOException e) {
                // A reset, after what was read.
            }
            return new String(in.array(), 0, in.position(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void shouldAddChangeReplaceShowAndDeleteQdiscs() {
        done("qdisc add dev veth0 root handle 1: pfifo limit 5");
        assertThat(shown("qdisc show dev veth0")).isEqualTo("qdisc pfifo 1: root refcnt 2 limit 5p\n");
        assertThat(shown("qdisc")).contains("qdisc pfifo 1: dev veth0 root refcnt 2 limit 5p\n");
        done("qdisc change dev veth0 handle 1: pfifo limit 7");
        assertThat(veth.qdisc.limit).isEqualTo(7);
        assertThat(shown("-s q s dev veth0"))
                .contains("limit 7p\n Sent 0 bytes 0 pkt (dropped 0, overlimits 0 requeues 0)");
        assertThat(shown("-j qdisc show dev veth0"))
                .isEqualTo(
                        "[{\"kind\":\"pfifo\",\"handle\":\"1:\",\"root\":true,\"refcnt\":2,\"options\":{\"limit\":7}}]\n");
        done("qdisc replace dev veth0 root handle 2: fq_codel");
        assertThat(veth.qdisc.id()).isEqualTo("fq_codel");
        refused("qdisc del dev veth0 root handle 7:", 2, "Error: Invalid handle.");
        done("qdisc del dev veth0 root");
        assertThat(veth.qdisc.handle).isZero();
        done("qdisc add dev veth0 clsact");
        assertThat(shown("qdisc show dev veth0 clsact")).startsWith("qdisc clsact ffff: parent ffff:fff1");
        done("qdisc del dev veth0 clsact");
    }

    @Test
    void shouldBuildAClassfulTree() {
        done("qdisc add dev veth0 root handle 1: htb default 0x10");
        done("class add dev veth0 parent 1: classid 1:1 htb rate 10mbit");
        done("class add dev veth0 parent 1:1 classid 1:10 htb rate 1mbit ceil 10mbit");
        done("qdisc add dev veth0 parent 1:10 handle 10: pfifo limit 9");
        assertThat(shown("class show dev veth0"))
                .contains("class htb 1:1 root rate 10Mbit ceil 10Mbit ")
                .contains("class htb 1:10 parent 1:1 leaf 10: prio 0 rate 1Mbit ceil 10Mbit ");
        assertThat(shown("qdisc show dev veth0 parent 1:10")).isEqualTo("qdisc pfifo 10: parent 1:10 limit 9p\n");
        refused("class add dev veth0 parent 1: classid 1:1 htb rate 1mbit", 2, "RTNETLINK answers: File exists");
        done("class change dev veth0 parent 1: classid 1:1 htb rate 20mbit");
        assertThat(shown("class show dev veth0 qdisc 1:")).contains("class htb 1:1 root rate 20Mbit");
        done("qdisc del dev veth0 parent 1:10");
        done("class del dev veth0 classid 1:10");
        assertThat(shown("class show dev veth0")).doesNotContain("1:10");
        assertThat(shown("class show")).isEmpty();
    }

    @Test
    void shouldSayWhatTcSays() {
        refused("qdisc add dev veth0 foo 1", 1, "Unknown qdisc \"foo\", hence option \"1\" is unparsable");
        refused("qdisc add", 2, "RTNETLINK answers: No such device");
        refused("qdisc show dev nope", 1, "Cannot find device \"nope\"");
        refused("qdisc frob", 2, "Command \"frob\" is unknown, try \"tc qdisc help\".");
        refused("qdisc add dev veth0 root bogus", 2, "Error: Specified qdisc kind is unknown.");
        refused("qdisc add dev veth0 root handle zz: pfifo", 2, "Error: argument \"zz:\" is wrong: invalid qdisc ID");
        refused("qdisc add dev veth0 root root pfifo", 2, "Error: \"root\" is duplicate parent ID");
        refused("qdisc add dev veth0 parent xx pfifo", 2, "Error: argument \"xx\" is wrong: invalid parent ID");
        refused("qdisc del dev veth0 root", 2, "Error: Cannot delete qdisc with handle of zero.");
        refused("qdisc add dev", 2, "Command line is not complete. Try option \"help\"");
        refused("qdisc show frob", 2, "What is \"frob\"? Try \"tc qdisc help\".");
        refused("class show dev veth0 frob", 2, "What is \"frob\"? Try \"tc class help\".");
        refused(
                "class add dev veth0 parent 1: classid 1:1 htb rate 1mbit",
                2,
                "RTNETLINK answers: No such file or directory");
        refused("class add dev veth0 parent 1: classid q htb", 2, "Error: argument \"q\" is wrong: invalid class ID");
        refused("frob", 2, "Object \"frob\" is unknown, try \"tc help\".");
        refused("-x qdisc", 2, "Option \"-x\" is unknown, try \"tc -help\".");
        assertThat(shown("help")).startsWith("Usage: tc ");
    }

    @Test
    void shouldOutliveMalformedAndHugeRequests() throws IOException {
        assertThat(raw(new byte[0], true)).isEmpty();
        assertThat(raw("tc qdisc show".getBytes(StandardCharsets.UTF_8), true))
                .startsWith("2\nsoftnet: a request is one line");
        assertThat(raw(new byte[] {'t', (byte) 0xC3, '\n'}, true)).isEqualTo("2\nsoftnet: a request is UTF-8\n");
        assertThat(raw(new byte[] {'t', 0, 27, '\n'}, true)).isEqualTo("2\nsoftnet: a request is one line of words\n");
        assertThat(raw("a 'b\n".getBytes(StandardCharsets.UTF_8), true))
                .startsWith("2\n")
                .contains("quote is not closed");
        assertThat(raw("\n".getBytes(StandardCharsets.UTF_8), false)).startsWith("2\nsoftnet: want a request");
        byte[] huge = new byte[4 << 20];
        java.util.Arrays.fill(huge, (byte) 'a');
        assertThat(raw(huge, true)).matches("(2\nsoftnet: a request is one line .*\n)?");
        long seed = new Random().nextLong();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        String[] vocabulary = {
            "tc",
            "-s",
            "-j",
            "qdisc",
            "class",
            "add",
            "del",
            "change",
            "replace",
            "show",
            "dev",
            "veth0",
            "lo",
            "root",
            "parent",
            "handle",
            "classid",
            "1:",
            "1:1",
            "ffff:",
            "ffff:fff1",
            "htb",
            "pfifo",
            "tbf",
            "limit",
            "rate",
            "-1",
            "99999999999999999999",
            "''",
            "ingress",
            "clsact",
            "mq",
            "none",
            "1mbit",
            "\u00e9"
        };
        for (int i = 0; i < 500; i++) {
            StringBuilder line = new StringBuilder("tc");
            for (int n = random.nextInt(12); n > 0; n--) {
                line.append(' ').append(vocabulary[random.nextInt(vocabulary.length)]);
            }
            String answer = raw(line.append('\n').toString().getBytes(StandardCharsets.UTF_8), false);
            assertThat(answer).as(line.toString()).matches("(?s)[012]\n.*").doesNotContain("internal error");
        }
        done("qdisc replace dev veth0 root handle 77: pfifo limit 3");
        assertThat(shown("qdisc show dev veth0 root")).isEqualTo("qdisc pfifo 77: root refcnt 2 limit 3p\n");
    }

    /** Those who say nothing hold only themselves up, and a bug of a module is the asker's alone. */
    @Test
    void shouldCutOffTheSilentAndReportBugs() throws IOException {
        Path other = dir.resolve("other");
        try (ControlSocket slow = ControlSocket.listen(
                other,
                words -> {
                    throw new IllegalStateException("a bug");
                },
                SHORT_MS)) {
            assertThat(slow.path()).isEqualTo(other);
            path = other;
            assertThat(raw("tc qd".getBytes(StandardCharsets.UTF_8), false)).isEmpty(); // ends by the host's patience
            assertThat(raw("tc\n".getBytes(StandardCharsets.UTF_8), false)).startsWith("1\nsoftnet: internal error: ");
            List<SocketChannel> silent = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                silent.add(SocketChannel.open(UnixDomainSocketAddress.of(other)));
            }
            for (SocketChannel channel : silent) {
                assertThat(channel.read(ByteBuffer.allocate(1))).isEqualTo(-1);
                channel.close();
            }
            assertThat(ControlClient.isServed(other)).isTrue();
        }
        assertThat(other).doesNotExist();
    }

    @Test
    void shouldGuardItsFile() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rw-------");
        try (Stream<Path> files = Files.list(dir)) {
            assertThat(files).containsExactly(path);
        }
        assertThatThrownBy(() -> listen(path, LONG_MS))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("exists already");
        Path file = Files.writeString(dir.resolve("file"), "mine");
        assertThatThrownBy(() -> listen(file, LONG_MS)).isInstanceOf(UserError.class);
        assertThat(file).hasContent("mine");
        assertThatThrownBy(() -> listen(dir.resolve("no/such"), LONG_MS)).isInstanceOf(UserError.class);
        Path left = dir.resolve("left");
        try (var dead = java.nio.channels.ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(left));
        }
        listen(left, LONG_MS).close();
        assertThat(left).doesNotExist();
    }

    @Test
    void shouldFindTheOneHost() {
        assertThat(ControlClient.find(dir)).isEqualTo(path);
        try (ControlSocket second = listen(dir.resolve("softnet-2.sock"), LONG_MS)) {
            assertThatThrownBy(() -> ControlClient.find(dir))
                    .isInstanceOf(UserError.class)
                    .hasMessage("2 hosts run; choose one with --control: " + path + ", " + second.path());
        }
        control.close();
        assertThatThrownBy(() -> ControlClient.find(dir))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("no running host in " + dir);
        assertThat(tc("qdisc").status()).isEqualTo(2);
        assertThatThrownBy(() -> ControlClient.line(List.of("a\nb"))).isInstanceOf(UserError.class);
        assertThat(TcWords.split(
                        ControlClient.line(List.of("a b", "", "it's", "\"q\"")).strip()))
                .containsExactly("a b", "", "it's", "\"q\"");
    }
}
