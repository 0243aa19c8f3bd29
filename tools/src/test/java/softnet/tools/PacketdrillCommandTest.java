package softnet.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class PacketdrillCommandTest {
    private static final String HANDSHAKE = """
            0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0 bind(3, ..., ...) = 0
            +0 listen(3, 1) = 0
            +0 < S 0:0(0) win 1000 <mss 1000>
            +0 > S. 0:0(0) ack 1 <mss MSS>
            """;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final CommandLine command =
            Softnet.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));

    @TempDir
    private Path dir;

    private Path script(String name, String text) throws IOException {
        return Files.writeString(dir.resolve(name), text);
    }

    private int run(String... args) {
        String[] all = new String[args.length + 1];
        all[0] = "packetdrill";
        System.arraycopy(args, 0, all, 1, args.length);
        return command.execute(all);
    }

    private List<String> lines() {
        return out.toString().lines().toList();
    }

    @Test
    void shouldRunADirectoryInOrderAndSumUp() throws IOException {
        script("b.pkt", HANDSHAKE);
        script("a.pkt", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3");
        script("c.txt", "no script");
        assertThat(run("-D", "MSS=1460", dir.toString())).isZero();
        assertThat(lines().get(0)).startsWith("pass ").contains("a.pkt");
        assertThat(lines().get(1)).startsWith("pass ").contains("b.pkt");
        assertThat(lines().get(2)).startsWith("2 passed, 0 failed, 0 skipped");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void shouldShowWhatAFailingScriptExpectedAndWhatCame() throws IOException {
        Path file = script("f.pkt", HANDSHAKE);
        assertThat(run("-D", "MSS=1000", file.toString())).isEqualTo(1);
        assertThat(lines().get(0)).isEqualTo("FAIL " + file + ":5");
        assertThat(out.toString())
                .contains("<mss 1000>")
                .contains("<mss 1460>")
                .contains("< S 0:0(0) win 1000 <mss 1000>")
                .contains("0 passed, 1 failed, 0 skipped");
    }

    @Test
    void shouldPrintOneJsonObjectALine() throws IOException {
        Path good = script("good.pkt", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3");
        Path bad = script("bad.pkt", "0 socket(");
        assertThat(run("--json", good.toString(), bad.toString())).isEqualTo(1);
        assertThat(lines()).hasSize(2);
        assertThat(lines().get(0))
                .startsWith("{\"script\":\"" + good + "\",\"result\":\"pass\",\"seconds\":")
                .endsWith("\"error\":\"\"}");
        assertThat(lines().get(1)).contains("\"result\":\"fail\"").contains("bad.pkt:1:10: expected");
    }

    @Test
    void shouldRepeatInAnotherOrderEachTime() throws IOException {
        for (char c = 'a'; c < 'i'; c++) {
            script(c + ".pkt", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3");
        }
        assertThat(run("--repeat", "2", "--shuffle", "7", "--jobs", "2", dir.toString()))
                .isZero();
        List<String> order = lines().stream()
                .filter(l -> l.startsWith("pass"))
                .map(l -> l.replaceFirst(" \\(.*", ""))
                .toList();
        assertThat(order).hasSize(16);
        assertThat(order.subList(0, 8))
                .containsExactlyInAnyOrderElementsOf(order.subList(8, 16))
                .isNotEqualTo(order.subList(8, 16));
        assertThat(lines().getLast()).startsWith("16 passed");
    }

    @Test
    void shouldKeepWhatAScriptSaw() throws IOException {
        Path file = script("p.pkt", HANDSHAKE);
        Path pcaps = dir.resolve("pcaps");
        assertThat(run("-D", "MSS=1460", "--pcap", pcaps.toString(), file.toString()))
                .isZero();
        try (var kept = Files.list(pcaps)) {
            assertThat(kept)
                    .singleElement()
                    .satisfies(p -> assertThat(Files.size(p)).isGreaterThan(24 + 2 * (16 + 40)));
        }
    }

    @Test
    void shouldSkipAnotherIpVersion() throws IOException {
        Path file = script("s.pkt", HANDSHAKE);
        assertThat(run("-D", "MSS=1440", "--ip-version", "ipv6", file.toString()))
                .isZero();
        assertThat(lines().get(0)).startsWith("skip " + file);
    }

    /** A script that names its version is run for no other, whatever addresses it has. */
    @Test
    void shouldSkipAScriptWrittenForAnotherIpVersion() throws IOException {
        Path file = script(
                "basic-v6.pkt", "--ip_version=ipv6\n--local_ip=fd3d:fa7b:d17d::1\n--remote_ip=fd3d::1\n" + HANDSHAKE);
        assertThat(run("-D", "MSS=1440", "--ip-version", "ipv4", file.toString()))
                .isZero();
        assertThat(lines().getFirst()).isEqualTo("skip " + file + ": written for ipv6, not for ipv4");
        assertThat(lines().get(1)).startsWith("0 passed, 0 failed, 1 skipped");
    }

    @Test
    void shouldAnswerMistakesWithOneLine() {
        assertThat(run("/nowhere.pkt")).isEqualTo(2);
        assertThat(run("-D", "X", dir.toString())).isEqualTo(2);
        assertThat(run("--set", "mss=x", dir.toString())).isEqualTo(2);
        assertThat(run("--jobs", "0", dir.toString())).isEqualTo(2);
        assertThat(run(dir.toString())).isEqualTo(2);
        assertThat(err.toString().lines())
                .containsExactly(
                        "packetdrill: /nowhere.pkt: no such file or directory",
                        "packetdrill: a definition is SYM=VAL, not 'X'",
                        "packetdrill: --mss wants a number from 1 to 65535, not 'x'",
                        "packetdrill: --jobs 0: want 1 or more",
                        "packetdrill: " + dir + ": no .pkt file in this directory");
    }
}
