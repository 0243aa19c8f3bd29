package net.testkit.packetdrill;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.testkit.packetdrill.lang.Option;
import net.testkit.packetdrill.lang.Script;
import net.testkit.packetdrill.lang.ScriptException;
import net.testkit.packetdrill.lang.ScriptParser;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Scripts on this machine's Linux and on Softnet: every kind of call once, and what a difference looks like. */
@Tag("tap")
@Timeout(120)
class DifferentialTest {
    private static final String SETTINGS =
            "`sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_rmem=\"4096 540000 15728640\"`\n";

    private static final String SERVER = SETTINGS + """
                0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
               +0 bind(3, ..., ...) = 0
               +0 listen(3, 1) = 0
               +0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
               +0 > S. 0:0(0) ack 1 win 65535 <mss 1460,nop,nop,sackOK,nop,wscale 8>
              +.1 < . 1:1(0) ack 1 win 257
               +0 accept(3, ..., ...) = 4
               +0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0
               +0 read(4, ..., 10) = -1 EAGAIN (Resource temporarily unavailable)
               +0 writev(4, [{..., 1000}, {..., 2000}], 2) = 3000
               +0 > P. 1:3001(3000) ack 1 win 1050
              +.1 < . 1:1(0) ack 3001 win 257
               +0 epoll_create(1) = 5
               +0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4}) = 0
            +0...0.1 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 2000) = 1
              +.1 < P. 1:1001(1000) ack 3001 win 257
               +0 > . 3001:3001(0) ack 1001
               +0 ioctl(4, SIOCINQ, [1000]) = 0
               +0 poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, 0) = 1
               +0 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
               +0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 400}], msg_flags=0}, 0) = 400
               +0 recv(4, ..., 5000, 0) = 600
               +0 %{ assert tcpi_bytes_received == 1000; assert tcpi_delivered >= 3, tcpi_delivered }%
               +0 shutdown(4, SHUT_WR) = 0
               +0 > F. 3001:3001(0) ack 1001
              +.1 < F. 1001:1001(0) ack 3002 win 257
               +0 > . 3002:3002(0) ack 1002
               +0 `nstat | grep TcpExtTW || true`
               +0 close(4) = 0
            """;

    private static Verdict run(String text) throws ScriptException {
        Script script = ScriptParser.parse("inline.pkt", text, List.of());
        Option tolerance = new Option("tolerance_usecs", String.valueOf(Differential.TOLERANCE_USECS), 0);
        Script live = ScriptParser.parse("inline.pkt", text, List.of(tolerance));
        return Differential.run(script, live, RunOptions.DEFAULT);
    }

    @Test
    void shouldAgreeOnAServer() throws ScriptException {
        Verdict v = run(SERVER);
        assertThat(v.error()).isEmpty();
        assertThat(v.result()).isEqualTo(Verdict.Result.PASS);
    }

    @Test
    void shouldAgreeOnAClient() throws ScriptException {
        Verdict v = run(SETTINGS + """
                0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
               +0 setsockopt(3, SOL_SOCKET, SO_SNDTIMEO, "\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00", 16) = 0
            +0...0.1 connect(3, ..., ...) = 0
               +0 > S 0:0(0) <mss 1460,nop,nop,sackOK,nop,wscale 8>
              +.1 < S. 0:0(0) ack 1 win 5792 <mss 1000>
               +0 > . 1:1(0) ack 1
               +0 sendmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}, 0) = 10
               +0 > P. 1:11(10) ack 1
              +.1 < R. 1:1(0) ack 11 win 0
               +0 read(3, ..., 10) = -1 ECONNRESET (Connection reset by peer)
            """);
        assertThat(v.error()).isEmpty();
    }

    @Test
    void shouldSayWhenBothDisagreeWithTheScript() throws ScriptException {
        Verdict v = run(SERVER.replace("> F. 3001:3001(0)", "> FP. 3001:3001(0)"));
        assertThat(v.result()).isEqualTo(Verdict.Result.FAIL);
        assertThat(v.error())
                .startsWith("Softnet and Linux sent the same")
                .contains("\nSoftnet: ", "\nLinux: ", "tcp psh");
    }

    @Test
    void shouldTellAMachineThatLacksSomething() throws ScriptException {
        Verdict v = run("`tc qdisc replace dev tun0 root nosuchqdisc`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n");
        assertThat(v.result()).isEqualTo(Verdict.Result.FAIL);
        assertThat(v.error()).contains("Linux: ", "tc qdisc replace dev tun0 root nosuchqdisc");
    }

    @Test
    void shouldTakeAScriptsReason() throws ScriptException {
        Verdict v = run("// differential: needs a jiffy of 1 ms\n" + SERVER);
        assertThat(v.result()).isEqualTo(Verdict.Result.SKIP);
        assertThat(v.error()).isEqualTo("needs a jiffy of 1 ms");
    }

    @Test
    void shouldLeaveNoDescriptorAndNoThread() throws Exception {
        run(SERVER);
        long before = descriptors();
        run(SERVER);
        run(SERVER.replace("= 600", "= 601"));
        assertThat(descriptors()).isEqualTo(before);
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(t -> t.getName().equals("TUN reader") || t.getName().startsWith("script's "));
    }

    private static long descriptors() throws java.io.IOException {
        try (var fds = java.nio.file.Files.list(java.nio.file.Path.of("/proc/self/fd"))) {
            return fds.count();
        }
    }
}
