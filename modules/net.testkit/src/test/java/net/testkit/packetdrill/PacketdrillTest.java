package net.testkit.packetdrill;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import net.testkit.packetdrill.lang.Option;
import net.testkit.packetdrill.lang.ScriptException;
import net.testkit.packetdrill.lang.ScriptParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The judge: what it must not let pass, one deviation from a script that passes at a time. */
@Timeout(60)
class PacketdrillTest {
    /** A server that takes and sends a little; each line is changed by some test. */
    private static final String RIGHT = """
            `sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_rmem="4096 540000 15728640"`
                0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
               +0 bind(3, ..., ...) = 0
               +0 listen(3, 1) = 0
               +0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
               +0 > S. 0:0(0) ack 1 win 65535 <mss 1460,nop,nop,sackOK,nop,wscale 8>
              +.1 < . 1:1(0) ack 1 win 257
               +0 accept(3, ..., ...) = 4
               +0 write(4, ..., 3000) = 3000
               +0 > P. 1:3001(3000) ack 1 win 1050
              +.1 < . 1:1(0) ack 3001 win 257
              +.1 < . 1001:2001(1000) ack 3001 win 257
               +0 > . 3001:3001(0) ack 1 win 1050 <nop,nop,sack 1001:2001>
              +.1 < . 1:1001(1000) ack 3001 win 257
               +0 > . 3001:3001(0) ack 2001
               +0 ioctl(4, SIOCINQ, [2000]) = 0
               +0 poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 0) = 1
               +0 read(4, ..., 5000) = 2000
            +0...0.1 read(4, ..., 5000) = 0
              +.1 < F. 2001:2001(0) ack 3001 win 257
               * > . 3001:3001(0) ack 2002
               +0 %{ assert tcpi_state == TCP_CLOSE_WAIT, tcpi_state }%
               +0 write(4, NULL, 10) = -1 EFAULT (Bad address)
               +0 close(4) = 0
               +0 > F. 3001:3001(0) ack 2002
              +.1 < . 2002:2002(0) ack 3002 win 257
            """;

    private static Verdict run(String text, String... defines) throws ScriptException {
        List<Option> options = Stream.of(defines).map(Option::define).toList();
        return Packetdrill.run(ScriptParser.parse("inline.pkt", text, options), RunOptions.DEFAULT);
    }

    @Test
    void shouldPassWhatIsRight() throws ScriptException {
        Verdict v = run(RIGHT);
        assertThat(v.error()).isEmpty();
        assertThat(v.result()).isEqualTo(Verdict.Result.PASS);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "> P. 1:3001(3000); > . 1:3001(3000); tcp psh",
                "> P. 1:3001(3000) ack 1; > P. 1:3001(3000) ack 2; tcp ack",
                "> P. 1:3001(3000); > P. 2:3002(3000); tcp seq",
                "> P. 1:3001(3000) ack 1 win 1050; > P. 1:3001(3000) ack 1 win 1049; tcp window",
                "> P. 1:3001(3000); > P. 1:2001(2000); payload",
                "> P. 1:3001(3000); > P. 1:3501(3500); part of a segment",
                "> S. 0:0(0) ack 1; > SE. 0:0(0) ack 1; tcp ece",
                "> S. 0:0(0) ack 1; > [ect0] S. 0:0(0) ack 1; ip ecn",
                "> S. 0:0(0) ack 1; > [ttl 63] S. 0:0(0) ack 1; ttl",
                "<mss 1460,nop,nop,sackOK; <mss 1460,sackOK,nop,nop; TCP options",
                "<mss 1460,nop; <mss 1440,nop; TCP option",
                "nop,wscale 8>; nop,wscale 8,nop,nop,nop,nop>; total length",
                "<nop,nop,sack 1001:2001>; <nop,nop,sack 1001:2002>; TCP option",
                "SIOCINQ, [2000]; SIOCINQ, [2001]; ioctl optval",
                "revents=POLLIN}; revents=POLLOUT}; revents",
                "read(4, ..., 5000) = 2000; read(4, ..., 5000) = 2001; Expected result 2001 but got 2000",
                "-1 EFAULT (Bad address); -1 EINVAL (Invalid argument); Expected errno EINVAL",
                "-1 EFAULT (Bad address); 10; Expected result 10 but got -1",
                "tcpi_state == TCP_CLOSE_WAIT; tcpi_state == TCP_ESTABLISHED; assert",
                "+0...0.1 read; +0...0.2 read; system call return",
                "+0 > F. 3001; +.01 > F. 3001; outbound packet",
                "+0 > F. 3001; +.01~+.02 > F. 3001; outbound packet",
                "+0 > F. 3001; +0 > FP. 3001; tcp psh",
            })
    void shouldRefuse(String right, String wrong, String because) throws ScriptException {
        assertThat(RIGHT).contains(right);
        Verdict v = run(RIGHT.replace(right, wrong));
        assertThat(v.result()).as(v.error()).isEqualTo(Verdict.Result.FAIL);
        assertThat(v.error()).contains(because);
        assertThat(v.line()).isPositive();
    }

    @Test
    void shouldShowExpectedActualAndTheLastPackets() throws ScriptException {
        Verdict v = run(RIGHT.replace("> P. 1:3001(3000)", "> . 1:3001(3000)"));
        assertThat(v.error())
                .contains("inline.pkt:10: live packet field tcp psh: expected 0 (0x0), actual 1 (0x1)")
                .contains("expected   0.100")
                .contains("actual     0.100")
                .contains("> P. 1:3001(3000) ack 1 win 1050")
                .contains("last packets at")
                .contains("< S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>");
    }

    @Test
    void shouldFailWhenAPacketDoesNotCome() throws ScriptException {
        assertThat(run(RIGHT + "+.1 > . 9:9(0) ack 9\n").error()).contains("timed out waiting for packet");
        assertThat(run(RIGHT + "* > . 9:9(0) ack 9\n").error()).contains("timed out waiting for packet");
    }

    @Test
    void shouldNotMergeSegmentsWhenTheyAreWantedStrictly() throws ScriptException {
        String parts = RIGHT.replace("write(4, ..., 3000) = 3000", "write(4, ..., 12000) = 12000")
                .replace("> P. 1:3001(3000)", "> P. 1:10001(10000)");
        parts = parts.substring(0, parts.indexOf("+.1 < . 1:1(0) ack 3001"));
        assertThat(run(parts).error()).isEmpty();
        assertThat(run("--strict_segments\n" + parts).error()).contains("payload: expected 10000 bytes, actual 2000");
    }

    @Test
    void shouldCompareTimestampsOnlyWithATick() throws ScriptException {
        String stamps = """
                    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
                   +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
                   +0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
                   +0 > S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 10>
                  +.1 < S. 0:0(0) ack 1 win 5792 <mss 1000,sackOK,TS val 700 ecr 100,nop,wscale 7>
                   +0 > . 1:1(0) ack 1 <nop,nop,TS val 300 ecr 700>
                """;
        assertThat(run(stamps).error()).isEmpty();
        assertThat(run("--tcp_ts_tick_usecs=1000\n" + stamps).error()).contains("bad outbound TCP timestamp value");
        assertThat(run("--tcp_ts_tick_usecs=1000\n" + stamps.replace("val 300", "val 200"))
                        .error())
                .isEmpty();
        assertThat(run(stamps.replace("ecr 100,", "ecr 150,")).error()).contains("unable to infer live TS ecr");
        assertThat(run("--tcp_ts_ecr_scaled\n" + stamps.replace("ecr 100,", "ecr 150,"))
                        .error())
                .isEmpty();
    }

    @Test
    void shouldSayThatACallStillBlocksAtTheEnd() throws ScriptException {
        String head = RIGHT.substring(0, RIGHT.indexOf("+0 accept"));
        assertThat(run(head + "+0 accept(3, ..., ...) = 4\n+0...9 read(4, ..., 10) = 10\n")
                        .error())
                .contains("exiting while a blocking system call is in progress: read");
    }

    @Test
    void shouldRefuseCommandsAndSettingsThatAreNone() throws ScriptException {
        assertThat(run("`sysctl -q net.ipv4.tcp_nonsense=1`\n" + RIGHT.substring(RIGHT.indexOf("    0 socket")))
                        .error())
                .contains("tcp_nonsense");
        assertThat(run(RIGHT.replace("+0 close(4) = 0", "+0 `reboot`\n+0 close(4) = 0"))
                        .error())
                .contains("reboot");
        assertThat(run(RIGHT.replace("+0 close(4) = 0", "+0 `false`\n+0 close(4) = 0"))
                        .error())
                .contains("command failed");
        assertThat(run(RIGHT.replace("+0 close(4) = 0", "+0 `nstat | grep TcpNothing`\n+0 close(4) = 0"))
                        .error())
                .contains("command failed");
    }

    @Test
    void shouldGoOnAfterWhatIsNotFatal() throws ScriptException {
        String packet = RIGHT.replace("> P. 1:3001(3000)", "> . 1:3001(3000)");
        assertThat(run("--non_fatal=packet\n" + packet).error()).isEmpty();
        assertThat(run("--non_fatal=syscall\n" + packet).error()).contains("tcp psh");
        String call = RIGHT.replace("SIOCINQ, [2000]", "SIOCINQ, [2001]");
        assertThat(run("--non_fatal=syscall\n" + call).error()).isEmpty();
        assertThat(run("--non_fatal=packet\n" + call).error()).contains("ioctl");
    }

    @Test
    void shouldGiveTheSameVerdictForTheSameSeed() throws ScriptException {
        String wrong = RIGHT.replace("ack 2002\n", "ack 2003\n");
        assertThat(run(wrong).error()).isNotEmpty().isEqualTo(run(wrong).error());
    }

    @Test
    void shouldKeepWhatTheScriptSaw(@TempDir Path dir) throws ScriptException, IOException {
        Verdict v = Packetdrill.run(ScriptParser.parse("some/where.pkt", RIGHT, List.of()), new RunOptions(1, dir));
        assertThat(v.error()).isEmpty();
        Path file = dir.resolve("some-where.pcap");
        byte[] bytes = Files.readAllBytes(file);
        assertThat(bytes).startsWith(0xa1, 0xb2, 0x3c, 0x4d);
        assertThat(bytes.length).isGreaterThan(24 + 12 * (16 + 40) + 3000);
    }

    @Test
    void shouldLeaveOutWhatIsOfAnotherIpVersion() throws ScriptException {
        assertThat(run("--ip_version=ipv6\n" + RIGHT).result()).isEqualTo(Verdict.Result.SKIP);
    }
}
