package net.testkit.packetdrill.lang;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.testkit.packetdrill.lang.Event.Kind;
import net.testkit.packetdrill.lang.Event.Time;
import net.testkit.packetdrill.lang.Packet.Echoed;
import net.testkit.packetdrill.lang.Packet.Ports;
import net.testkit.packetdrill.lang.Packet.Tos;
import org.junit.jupiter.api.Test;

class ScriptParserTest {
    static Script parse(String text, Option... commandLine) throws ScriptException {
        return ScriptParser.parse("t.pkt", text, List.of(commandLine));
    }

    static Event.Action only(String event) throws ScriptException {
        List<Event> events = parse(event).events();
        assertThat(events).hasSize(1);
        return events.get(0).action();
    }

    static Packet.Tcp tcp(String event) throws ScriptException {
        return (Packet.Tcp) only(event);
    }

    static Syscall call(String event) throws ScriptException {
        return (Syscall) only(event);
    }

    @Test
    void shouldReadTheWholeOfAScript() throws ScriptException {
        Script script = parse("""
                // a comment
                --tolerance_usecs=10000
                --strict_segments
                `../common/defaults.sh`
                /* and
                   another */
                0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
                +.1 < S 0:0(0) win 1000 <mss 1000>
                +0 `sysctl -q net.ipv4.tcp_ecn=1`
                +0 %{ assert tcpi_snd_cwnd == 10 }%
                `cleanup`
                """);
        assertThat(script.settings().toleranceUsecs()).isEqualTo(10000);
        assertThat(script.settings().strictSegments()).isTrue();
        assertThat(script.initCommand()).isEqualTo(new Command(4, "../common/defaults.sh"));
        assertThat(script.cleanupCommand()).isEqualTo(new Command(11, "cleanup"));
        assertThat(script.events()).extracting(Event::line).containsExactly(7, 8, 9, 10);
        assertThat(script.events().get(2).action()).isEqualTo(new Command(9, "sysctl -q net.ipv4.tcp_ecn=1"));
        assertThat(script.events().get(3).action()).isEqualTo(new Code(10, "assert tcpi_snd_cwnd == 10"));
        assertThat(script.line(9)).isEqualTo("+0 `sysctl -q net.ipv4.tcp_ecn=1`");
    }

    @Test
    void shouldReadEveryFormOfTime() throws ScriptException {
        List<Event> events = parse("""
                0 close(3) = 0
                1.5 close(3) = 0
                +.000001 close(3) = 0
                * > . 1:1(0) ack 1
                0.1~.2 > . 1:1(0) ack 1
                +1~+1.5 > . 1:1(0) ack 1
                """).events();
        assertThat(events)
                .extracting(Event::time)
                .containsExactly(
                        new Time(Kind.ABSOLUTE, 0, 0),
                        new Time(Kind.ABSOLUTE, 1_500_000, 1_500_000),
                        new Time(Kind.RELATIVE, 1, 1),
                        new Time(Kind.ANY, 0, 0),
                        new Time(Kind.RANGE, 100_000, 200_000),
                        new Time(Kind.RELATIVE_RANGE, 1_000_000, 1_500_000));
    }

    @Test
    void shouldReadASegmentWithAllItsParts() throws ScriptException {
        Packet.Tcp p = tcp("+0 < [ect0] 54321 > 8080 PU. 1001:2001(1000) ack 5 win 257 urg 7 <nop,nop,TS val 4 ecr 9>");
        assertThat(p.inbound()).isTrue();
        assertThat(p.ip().check()).isEqualTo(Tos.ECN);
        assertThat(p.ip().tos()).isEqualTo(2);
        assertThat(p.ports()).isEqualTo(new Ports(54321, 8080));
        assertThat(p.flags()).isEqualTo(Packet.PSH | Packet.URG | Packet.ACK);
        assertThat(List.of(p.seq(), p.payload(), p.ack(), p.window(), p.urgent()))
                .containsExactly(1001, 1000, 5, 257, 7);
        assertThat(p.options())
                .containsExactly(new TcpOption.Nop(), new TcpOption.Nop(), new TcpOption.Timestamp(4, 9));
    }

    @Test
    void shouldReadUnsignedSequenceNumbersThatWrap() throws ScriptException {
        Packet.Tcp p = tcp("+0 > . 4294967295:4(5) ack 4294967290");
        assertThat(p.seq()).isEqualTo(-1);
        assertThat(p.payload()).isEqualTo(5);
        assertThat(p.ack()).isEqualTo(-6);
        assertThat(p.window()).isEqualTo(-1);
        assertThat(p.options()).isEmpty();
    }

    @Test
    void shouldReadFlagsInEveryForm() throws ScriptException {
        assertThat(tcp("+0 > - 1:1(0)").flags()).isZero();
        assertThat(tcp("+0 > . 1:1(0)").flags()).isEqualTo(Packet.ACK);
        assertThat(tcp("+0 > SEWA 0:0(0)").flags()).isEqualTo(Packet.SYN | Packet.ECE | Packet.CWR | Packet.AE);
        assertThat(tcp("+0 > FRP. 0:0(0)").flags()).isEqualTo(Packet.FIN | Packet.RST | Packet.PSH | Packet.ACK);
        assertThat(tcp("+0 > .5 1:1(0)").flags()).isEqualTo(Packet.ACK | Packet.AE | Packet.ECE);
        assertThat(tcp("+0 > 5. 1:1(0)").flags()).isEqualTo(Packet.ACK | Packet.AE | Packet.ECE);
        assertThat(tcp("+0 > P.2 1:1(0)").flags()).isEqualTo(Packet.PSH | Packet.ACK | Packet.CWR);
        assertThat(tcp("+0 > P7. 1:1(0)").flags())
                .isEqualTo(Packet.PSH | Packet.ACK | Packet.CWR | Packet.AE | Packet.ECE);
        assertThat(TcpFlagText.of(tcp("+0 > P7. 1:1(0)").flags(), true)).isEqualTo("P.7");
        assertThat(TcpFlagText.of(tcp("+0 > SEWA 0:0(0)").flags(), false)).isEqualTo("SEWA");
    }

    @Test
    void shouldReadWhatBracketsSayOfTheIpHeader() throws ScriptException {
        assertThat(tcp("+0 > [noecn] . 1:1(0)").ip()).isEqualTo(new Packet.IpInfo(Tos.ECN, 0, -1, -1));
        assertThat(tcp("+0 > [ect1] . 1:1(0)").ip()).isEqualTo(new Packet.IpInfo(Tos.ECN, 1, -1, -1));
        assertThat(tcp("+0 > (ce) . 1:1(0)").ip()).isEqualTo(new Packet.IpInfo(Tos.ECN, 3, -1, -1));
        assertThat(tcp("+0 > [ect01] . 1:1(0)").ip()).isEqualTo(new Packet.IpInfo(Tos.ECT01, 0, -1, -1));
        assertThat(tcp("+0 > [tos 0xb8, flowlabel 0x12345] . 1:1(0)").ip())
                .isEqualTo(new Packet.IpInfo(Tos.TOS, 0xb8, 0x12345, -1));
        assertThat(tcp("+0 > [ttl 64] . 1:1(0)").ip()).isEqualTo(new Packet.IpInfo(Tos.NONE, 0, -1, 64));
        assertThat(tcp("+0 > . 1:1(0)").ip()).isEqualTo(Packet.IpInfo.NONE);
    }

    @Test
    void shouldReadEveryTcpOption() throws ScriptException {
        assertThat(tcp("+0 > S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8>")
                        .options())
                .containsExactly(
                        new TcpOption.Mss(1460),
                        new TcpOption.SackOk(),
                        new TcpOption.Timestamp(100, 0),
                        new TcpOption.Nop(),
                        new TcpOption.WScale(8));
        assertThat(tcp("+0 > . 1:1(0) <nop,nop,sack 1:1001 2001:3001>").options())
                .contains(new TcpOption.Sack(List.of(new TcpOption.Block(1, 1001), new TcpOption.Block(2001, 3001))));
        assertThat(tcp("+0 > . 1:1(0) <nop,nop,FO>").options()).contains(new TcpOption.FastOpen(false, ""));
        assertThat(tcp("+0 > . 1:1(0) <FOEXP>").options()).containsExactly(new TcpOption.FastOpen(true, ""));
        TcpOption cookie = new TcpOption.FastOpen(false, "0123456789abcdef");
        assertThat(tcp("+0 > . 1:1(0) <FO 0123456789abcdef,eol,eol>").options()).contains(cookie);
        assertThat(((TcpOption.FastOpen) cookie).cookie()).hasSize(8).startsWith(1, 0x23);
        assertThat(tcp("+0 > . 1:1(0) <md5 000102030405060708090a0b0c0d0e0f,nop,nop>")
                        .options()
                        .get(0)
                        .length())
                .isEqualTo(18);
        assertThat(tcp("+0 > . 1:1(0) <nop,ECN e0b 1 ceb 2 e1b 3>").options())
                .contains(new TcpOption.AccEcn(false, List.of(1, 2, 3)));
        assertThat(tcp("+0 > . 1:1(0) <ECN e1b 1 ceb 2>").options())
                .containsExactly(new TcpOption.AccEcn(true, List.of(1, 2)));
        assertThat(tcp("+0 > . 1:1(0) <nop,nop,nop,ECN e0b 1>").options())
                .contains(new TcpOption.AccEcn(false, List.of(1)));
        assertThat(tcp("+0 > . 1:1(0) <...>").options()).isNull();
    }

    @Test
    void shouldReadIcmpAndUdp() throws ScriptException {
        Packet.Icmp icmp = (Packet.Icmp) only("+0 < icmp unreachable frag_needed mtu 1200 [1:1001(1000)]");
        assertThat(icmp.type()).isEqualTo("unreachable");
        assertThat(icmp.code()).isEqualTo("frag_needed");
        assertThat(icmp.mtu()).isEqualTo(1200);
        assertThat(icmp.echoed()).isEqualTo(new Echoed(6, 1, 1000));
        Packet.Icmp echo = (Packet.Icmp) only("+0 < icmp echo_request id 7 [raw (8)]");
        assertThat(echo.code()).isNull();
        assertThat(echo.echoId()).isEqualTo(7);
        assertThat(echo.echoed()).isEqualTo(new Echoed(255, 0, 8));
        assertThat(((Packet.Icmp) only("+0 < icmp type_3 code_1 [udp (100)]")).echoed())
                .isEqualTo(new Echoed(17, 0, 100));
        assertThat(((Packet.Icmp) only("+0 < icmp time_exceeded")).echoed()).isEqualTo(Echoed.DEFAULT);
        Packet.Udp udp = (Packet.Udp) only("+0 > [tos 0x10] udp 8080 > 53 (500)");
        assertThat(udp.payload()).isEqualTo(500);
        assertThat(udp.ports()).isEqualTo(new Ports(8080, 53));
        assertThat(udp.ip().tos()).isEqualTo(0x10);
        assertThat(IcmpNames.type("unreachable", false)).isEqualTo(3);
        assertThat(IcmpNames.type("unreachable", true)).isEqualTo(1);
        assertThat(IcmpNames.code("frag_needed", false)).isEqualTo(4);
        assertThat(IcmpNames.code("code_13", false)).isEqualTo(13);
        assertThat(IcmpNames.code(null, false)).isZero();
        assertThat(IcmpNames.type("type_300", false)).isEqualTo(-1);
    }

    @Test
    void shouldKeepOuterHeadersAsText() throws ScriptException {
        assertThat(tcp("+0 > ipv4 1.1.1.1 > 2.2.2.2: gre: . 1:1(0)").encapsulation())
                .containsExactly("ipv4 1.1.1.1 > 2.2.2.2", "gre");
        assertThat(tcp("+0 > encap psp spi 23 . 1:1(0)").encapsulation()).containsExactly("psp spi 23");
    }

    @Test
    void shouldReadCallsThatFailAndCallsThatBlock() throws ScriptException {
        Syscall failing = call("+0 read(4, ..., 1000) = -1 EAGAIN (Resource temporarily unavailable)");
        assertThat(failing.name()).isEqualTo("read");
        assertThat(failing.args())
                .containsExactly(new Expr.Int(4, false), new Expr.Ellipsis(), new Expr.Int(1000, false));
        assertThat(failing.result().asInt()).isEqualTo(-1);
        assertThat(failing.errno()).isEqualTo("EAGAIN");
        assertThat(failing.note()).isEqualTo("Resource temporarily unavailable");
        assertThat(failing.blocking()).isFalse();
        Syscall blocking = call("+.1...0.25 accept(3, ..., ...) = 4");
        assertThat(blocking.endUsecs()).isEqualTo(250_000);
        assertThat(blocking.errno()).isNull();
        assertThat(call("+0 fcntl(4, F_GETFL) = 0x2 (flags O_RDWR)").note()).isEqualTo("flags O_RDWR");
        assertThat(call("0...0 close(3) = 0").blocking()).isTrue();
    }

    @Test
    void shouldReadEveryFormOfArgument() throws ScriptException {
        assertThat(call("+0 f() = ...").args()).isEmpty();
        assertThat(call("+0 f(0x1f, -1, 18446744073709551615) = 0").args())
                .containsExactly(new Expr.Int(31, true), new Expr.Int(-1, false), new Expr.Int(-1, false));
        assertThat(call("+0 f(A|B|2) = 0").args())
                .containsExactly(
                        new Expr.Or(new Expr.Or(new Expr.Word("A"), new Expr.Word("B")), new Expr.Int(2, false)));
        assertThat(call("+0 f([], [1], \"a\" \"b\", \"c\"...) = 0").args())
                .containsExactly(
                        new Expr.Array(List.of()),
                        new Expr.Array(List.of(new Expr.Int(1, false))),
                        new Expr.Str("ab", false),
                        new Expr.Str("c", true));
        assertThat(call("+0 f({onoff=1, linger=0}) = 0").args()).containsExactly(new Expr.Linger(1, 0));
        assertThat(call("+0 f([{..., 10}, {..., 20}]) = 0").args())
                .containsExactly(new Expr.Array(List.of(new Expr.Iovec(10), new Expr.Iovec(20))));
        assertThat(call("+0 f([{fd=3, events=POLLIN, revents=0}, {fd=4, events=1}]) = 0")
                        .args())
                .containsExactly(new Expr.Array(List.of(
                        new Expr.PollFd(new Expr.Int(3, false), new Expr.Word("POLLIN"), new Expr.Int(0, false)),
                        new Expr.PollFd(new Expr.Int(4, false), new Expr.Int(1, false), new Expr.Int(0, false)))));
        assertThat(call("+0 f({events=EPOLLIN, ptr=4}) = 0").args())
                .containsExactly(new Expr.EpollEvent(new Expr.Word("EPOLLIN"), "ptr", new Expr.Int(4, false)));
        assertThat(call("+0 f({A=1, B=2}) = 0").args())
                .containsExactly(new Expr.Braces(List.of(
                        new Expr.Assign("A", new Expr.Int(1, false)), new Expr.Assign("B", new Expr.Int(2, false)))));
        assertThat(call("""
                +0 f({sa_family = AF_INET, sin_port = htons(53), sin_addr = inet_addr("192.0.2.1")},
                     inet_addr("1.2.3.4")) = 0
                """).args())
                .containsExactly(new Expr.SockAddr("AF_INET", 53, "192.0.2.1"), new Expr.Address(false, "1.2.3.4"));
    }

    @Test
    void shouldReadMessagesWithTheirControlData() throws ScriptException {
        Expr.MsgHdr m = (Expr.MsgHdr) call("""
                +0 recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=MSG_ERRQUEUE, msg_control=[
                      {cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, cmsg_data={scm_sec=0, scm_nsec=10000000}},
                      {cmsg_level=SOL_IP, cmsg_type=IP_RECVERR, cmsg_data={ee_errno=ENOMSG,
                        ee_origin=SO_EE_ORIGIN_ZEROCOPY, ee_type=0, ee_code=1, ee_info=2, ee_data=3}},
                      {cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=5}]}, 0) = 0
                """).args().get(1);
        assertThat(m.iovLen()).isEqualTo(1);
        assertThat(m.iov().items()).containsExactly(new Expr.Iovec(100));
        assertThat(m.flags()).isEqualTo(new Expr.Word("MSG_ERRQUEUE"));
        assertThat(m.control()).hasSize(3);
        assertThat(m.control().get(0).data()).isEqualTo(new Expr.Timestamping(0, 10_000_000));
        assertThat(((Expr.ExtendedErr) m.control().get(1).data()).data()).isEqualTo(new Expr.Int(3, false));
        assertThat(m.control().get(2).level()).isEqualTo(new Expr.Word("SOL_TCP"));
        Expr.MsgHdr bare = (Expr.MsgHdr) call("+0 sendmsg(3, {msg_name(...)=..., msg_iov(0)=[], msg_flags=0}, 0) = 0")
                .args()
                .get(1);
        assertThat(bare.control()).isEmpty();
    }

    @Test
    void shouldReplaceDefinedSymbols() throws ScriptException {
        Script script = parse(
                "--define=LEVEL=SOL_TCP\n0 f(LEVEL, NUM, TEXT, PLAIN, fd) = HEX\n+0 CMD",
                Option.define("NUM=017"),
                Option.define("TEXT=\"abc\""),
                Option.define("HEX=0x10"),
                Option.define("CMD=`true`"),
                Option.define("fd=5"));
        Syscall call = (Syscall) script.events().get(0).action();
        assertThat(call.args())
                .containsExactly(
                        new Expr.Word("SOL_TCP"),
                        new Expr.Int(15, false),
                        new Expr.Str("abc", false),
                        new Expr.Word("PLAIN"),
                        new Expr.Word("fd"));
        assertThat(call.result()).isEqualTo(new Expr.Int(16, false));
        assertThat(script.events().get(1).action()).isEqualTo(new Command(3, "true"));
    }

    @Test
    void shouldKnowTheSymbolsOfThePublicSuite() throws ScriptException {
        assertThat(tcp("+0 > . 1:1(0) <FO TFO_COOKIE,nop,nop>").options())
                .contains(new TcpOption.FastOpen(false, "3021b9d889017eeb"));
        assertThat(call("+0 f(CMSG_LEVEL_IP) = 0").args()).containsExactly(new Expr.Word("SOL_IP"));
        Script mapped = parse("--ip_version=ipv4-mapped-ipv6\n0 f(CMSG_LEVEL_IP) = 0");
        assertThat(((Syscall) mapped.events().get(0).action()).args()).containsExactly(new Expr.Word("SOL_IPV6"));
    }

    @Test
    void shouldLetTheCommandLineOverrideTheScript() throws ScriptException {
        String text = "--local_ip=192.168.0.7\n--mss=1000\n--remote_ip=10.248.0.2/8\n--tcp_ts_tick_usecs=1000\n"
                + "--tcp_ts_ecr_scaled\n--non_fatal=packet,syscall\n0 close(3) = 0";
        Settings s = parse(text, new Option("mss", "500", 0), new Option("ip_version", "ipv4", 0))
                .settings();
        assertThat(s.localIp()).isEqualTo("192.168.0.7");
        assertThat(s.remoteIp()).isEqualTo("10.248.0.2");
        assertThat(s.remotePrefix()).isEqualTo(8);
        assertThat(s.mss()).isEqualTo(500);
        assertThat(s.tcpTsTickUsecs()).isEqualTo(1000);
        assertThat(s.tcpTsEcrScaled()).isTrue();
        assertThat(s.nonFatalPackets() && s.nonFatalSyscalls()).isTrue();
        assertThat(s.mtu()).isEqualTo(1500);
        Settings six =
                parse("--ip_version=ipv6\n--local_ip=fd::1\n0 close(3) = 0").settings();
        assertThat(six.localIp()).isEqualTo("fd::1");
        assertThat(six.mtu()).isEqualTo(1520);
    }
}
