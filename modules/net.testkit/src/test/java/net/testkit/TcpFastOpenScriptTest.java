package net.testkit;

import static net.testkit.Segment.ack;
import static net.testkit.Segment.data;
import static net.testkit.Segment.fin;
import static net.testkit.Segment.flags;
import static net.testkit.Segment.rst;
import static net.testkit.Segment.rstAck;
import static net.testkit.Segment.syn;
import static net.testkit.Segment.synAck;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Objects;
import net.core.sock.FileFlags;
import net.core.sock.OptVal;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.core.sock.Syscalls;
import net.skbuff.Errno;
import net.skbuff.UserBytes;
import net.tcp.TcpConst;
import net.tcp.TcpInfo;
import net.tcp.TcpNet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Fast open (RFC 7413), segment by segment, at both ends. */
@Timeout(60)
class TcpFastOpenScriptTest {
    private static final long SECOND = 1_000_000_000L;
    private static final String KEY = "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4";
    private static final int[] PEER_COOKIE = {34, 6, 0xab, 0xcd, 0x12, 0x34};

    private Lab lab;
    private ScriptedPeer peer;
    private Syscalls sys;

    @BeforeEach
    void boot() {
        boot("net.ipv4.tcp_fastopen=0x403", "net.ipv4.tcp_fastopen_key=" + KEY);
    }

    private void boot(String... words) {
        if (lab != null) {
            lab.abandon();
        }
        String[] all = Arrays.copyOf(words, words.length + 1);
        all[words.length] = "net.ipv4.tcp_timestamps=0";
        lab = Lab.virtual(1, 1, all);
        peer = new ScriptedPeer(lab);
        sys = peer.host.network.process().syscalls();
    }

    @AfterEach
    void end() {
        lab.abandon();
    }

    private long count(String name) {
        return peer.host.counter("TcpExt" + name);
    }

    private int listener(int fastopen) {
        int fd = sys.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0);
        if (fastopen > 0) {
            assertThat(sys.setsockopt(fd, SockConst.SOL_TCP, TcpConst.TCP_FASTOPEN, fastopen))
                    .isZero();
        }
        assertThat(sys.bind(fd, new SockAddrIn(0, 80))).isZero();
        assertThat(sys.listen(fd, 16)).isZero();
        assertThat(sys.fcntl(fd, FileFlags.F_SETFL, FileFlags.O_NONBLOCK)).isZero();
        return fd;
    }

    /** The cookie that the host gives this peer, as an option. */
    private int[] cookie() {
        peer.ports(5000, 80).inject(syn().seq(0).mss(1000).option(34, 2));
        byte[] o = peer.expect(synAck().ack(1)).options();
        assertThat(o).hasSize(16); // MSS, and cookie option with two bytes of padding
        assertThat(o[4]).isEqualTo((byte) 34);
        assertThat(o[5]).isEqualTo((byte) 10);
        peer.inject(rst().seq(1));
        int[] option = new int[10];
        for (int i = 0; i < 10; i++) {
            option[i] = o[4 + i];
        }
        return option;
    }

    private int read(int fd, int len) {
        return sys.recv(fd, new UserBytes(new byte[len]), SockConst.MSG_DONTWAIT);
    }

    private int write(int fd, int len) {
        return sys.send(fd, new UserBytes(new byte[len]), SockConst.MSG_DONTWAIT);
    }

    private int fastSend(int fd, int len) {
        return sys.sendto(
                fd,
                new UserBytes(new byte[len]),
                SockConst.MSG_FASTOPEN | SockConst.MSG_DONTWAIT,
                new SockAddrIn(peer.addr, 9));
    }

    private int client() {
        return sys.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0);
    }

    /** Connects once, so that the cookie is known. */
    private void warmUp(int mss) {
        int fd = client();
        peer.ports(0, 0);
        assertThat(fastSend(fd, 0)).isEqualTo(-Errno.EINPROGRESS);
        TcpFrame f = peer.expect(syn().seq(0).length(0));
        assertThat(Arrays.copyOfRange(f.options(), f.options().length - 4, f.options().length))
                .containsExactly(34, 2, 1, 1);
        peer.inject(synAck().seq(0).ack(1).mss(mss).option(PEER_COOKIE));
        peer.expect(ack().seq(1).ack(1));
        sys.close(fd);
        peer.expect(fin().seq(1));
        peer.inject(rst().seq(1));
        peer.ports(0, 0);
    }

    private boolean synData(int fd) {
        OptVal v = new OptVal(TcpInfo.LENGTH);
        sys.getsockopt(fd, SockConst.SOL_TCP, TcpConst.TCP_INFO, v);
        return (((TcpInfo) Objects.requireNonNull(v.object)).options & TcpInfo.TCPI_OPT_SYN_DATA) != 0;
    }

    // ---- server

    @Test
    void shouldGiveACookieAndTakeDataWithItInTheNextSyn() {
        int fd = listener(0);
        int[] cookie = cookie();
        peer.ports(5001, 80).inject(syn().seq(0).mss(1000).length(10).option(cookie));
        TcpFrame f = peer.expect(synAck().ack(11));
        assertThat(f.options()).hasSize(4); // no cookie: it has one
        int child = sys.accept(fd);
        assertThat(child).isPositive();
        assertThat(synData(child)).isTrue();
        assertThat(read(child, 100)).isEqualTo(10);
        assertThat(write(child, 100)).isEqualTo(100);
        peer.expect(data(100).seq(1).ack(11)); // before the handshake is over
        peer.inject(ack().seq(11).ack(101));
        peer.expectNothing(SECOND);
        assertThat(TcpInvariants.checkAll(lab)).isPositive();
        sys.close(child);
        peer.expect(fin().seq(101).ack(11));
        assertThat(count("TCPFastOpenCookieReqd")).isEqualTo(1);
        assertThat(count("TCPFastOpenPassive")).isEqualTo(1);
        assertThat(count("TCPFastOpenPassiveFail")).isZero();
    }

    @Test
    void shouldRefuseAForgedCookieAndGiveTheRightOne() {
        int fd = listener(0);
        peer.inject(syn().seq(0).mss(1000).length(10).option(34, 10, 1, 2, 3, 4, 5, 6, 7, 8));
        TcpFrame f = peer.expect(synAck().ack(1)); // the data is not taken
        assertThat(f.options()).hasSize(16);
        assertThat(sys.accept(fd)).isEqualTo(-Errno.EAGAIN);
        assertThat(count("TCPFastOpenPassiveFail")).isEqualTo(1);
        peer.inject(data(10).seq(1).ack(1));
        peer.expect(ack().ack(11), SECOND);
        int child = sys.accept(fd);
        assertThat(synData(child)).isFalse();
        assertThat(read(child, 100)).isEqualTo(10);
    }

    @Test
    void shouldAnswerTheExperimentalOptionInKind() {
        listener(0);
        peer.inject(syn().seq(0).mss(1000).option(254, 4, 0xF9, 0x89));
        byte[] o = peer.expect(synAck().ack(1)).options();
        assertThat(Arrays.copyOfRange(o, 4, 8)).containsExactly((byte) 254, 12, (byte) 0xF9, (byte) 0x89);
        assertThat(o).hasSize(16);
    }

    @Test
    void shouldNotOpenFastWithoutBeingToldTo() {
        boot("net.ipv4.tcp_fastopen=3");
        int fd = listener(0);
        peer.inject(syn().seq(0).mss(1000).length(10).option(34, 2));
        assertThat(peer.expect(synAck().ack(1)).options()).hasSize(4);
        assertThat(sys.accept(fd)).isEqualTo(-Errno.EAGAIN);
    }

    @Test
    void shouldTakeDataWithoutACookieIfTheSysctlSaysSo() {
        boot("net.ipv4.tcp_fastopen=0x203");
        int fd = listener(2);
        peer.inject(syn().seq(0).mss(1000).length(10));
        peer.expect(synAck().ack(11));
        int child = sys.accept(fd);
        assertThat(read(child, 100)).isEqualTo(10);
    }

    @Test
    void shouldTakeACookieOfTheOldKeyAndGiveTheNewOnes() {
        int fd = listener(0);
        int[] old = cookie();
        peer.host.net.sysctl().set("net.ipv4.tcp_fastopen_key", "1-2-3-4," + KEY);
        peer.ports(5001, 80).inject(syn().seq(0).mss(1000).length(10).option(old));
        byte[] o = peer.expect(synAck().ack(11)).options();
        assertThat(o).hasSize(16);
        assertThat(o[6]).isNotEqualTo((byte) old[2]);
        assertThat(sys.accept(fd)).isPositive();
        assertThat(count("TCPFastOpenPassiveAltKey")).isEqualTo(1);
    }

    @Test
    void shouldRepeatTheSynAckOfAChildAndNothingElse() {
        int fd = listener(0);
        int[] cookie = cookie();
        peer.ports(5001, 80).inject(syn().seq(0).mss(1000).length(10).option(cookie));
        peer.expect(synAck().seq(0).ack(11));
        int child = sys.accept(fd);
        write(child, 100);
        peer.expect(data(100).seq(1).ack(11));
        peer.expect(synAck().seq(0).ack(11), 2 * SECOND);
        peer.expect(synAck().seq(0).ack(11), 3 * SECOND);
        peer.inject(ack().seq(11).ack(1)); // acknowledges the SYN-ACK alone
        peer.expect(data(100).seq(1).ack(11), 2 * SECOND);
        peer.inject(ack().seq(11).ack(101));
        peer.expectNothing(SECOND);
        assertThat(TcpInvariants.checkAll(lab)).isPositive();
    }

    @Test
    void shouldGiveAChildUpAfterSynackRetriesAndOneMore() {
        peer.host.net.sysctl().set("net.ipv4.tcp_synack_retries", "2");
        int fd = listener(0);
        int[] cookie = cookie();
        peer.ports(5001, 80).inject(syn().seq(0).mss(1000).length(10).option(cookie));
        for (int i = 0; i < 4; i++) {
            peer.expect(synAck().ack(11), 20 * SECOND);
        }
        peer.expectNothing(40 * SECOND);
        int child = sys.accept(fd);
        assertThat(read(child, 100)).isEqualTo(10);
        assertThat(read(child, 100)).isEqualTo(-Errno.ETIMEDOUT);
    }

    @Test
    void shouldKeepTheDataOfAChildThatIsResetBeforeItsAccept() {
        int fd = listener(0);
        int[] cookie = cookie();
        peer.ports(5001, 80).inject(syn().seq(0).mss(1000).length(10).option(cookie));
        peer.expect(synAck().ack(11));
        peer.inject(rstAck().seq(11).ack(0));
        int child = sys.accept(fd);
        assertThat(read(child, 100)).isEqualTo(10);
        assertThat(read(child, 100)).isEqualTo(-Errno.ECONNRESET);
    }

    /** The data of spoofed SYNs must not cost more than a bounded number of sockets. */
    @Test
    void shouldCountAResetChildForAnotherMinute() {
        int fd = listener(1);
        int[] cookie = cookie();
        peer.ports(5001, 80).inject(syn().seq(0).mss(1000).length(10).option(cookie));
        peer.expect(synAck().ack(11));
        int child = sys.accept(fd);
        peer.inject(rstAck().seq(11).ack(0));
        read(child, 100);
        peer.ports(5003, 80).inject(syn().seq(0).mss(1000).length(10).option(cookie));
        peer.expect(synAck().ack(1)); // not taken: the queue of one is full
        assertThat(count("TCPFastOpenListenOverflow")).isEqualTo(1);
        peer.inject(rst().seq(1));
        lab.sleep(61 * SECOND);
        peer.ports(5004, 80).inject(syn().seq(0).mss(1000).length(10).option(cookie));
        peer.expect(synAck().ack(11));
    }

    @Test
    void shouldResetUnacceptedChildrenWhenTheListenerCloses() {
        int fd = listener(0);
        int[] cookie = cookie();
        peer.ports(5001, 80).inject(syn().seq(0).mss(1000).length(10).option(cookie));
        peer.expect(synAck().ack(11));
        sys.close(fd);
        peer.expect(rstAck().seq(1).ack(11));
    }

    @Test
    void shouldCloseAChildBeforeItsHandshakeIsOver() {
        int fd = listener(0);
        int[] cookie = cookie();
        peer.ports(5001, 80).inject(syn().seq(0).mss(1000).length(10).option(cookie));
        peer.expect(synAck().ack(11));
        int child = sys.accept(fd);
        assertThat(read(child, 100)).isEqualTo(10);
        sys.close(child);
        peer.expect(fin().seq(1).ack(11));
        peer.inject(fin().seq(11).ack(2));
        peer.expect(ack().seq(2).ack(12));
    }

    // ---- client

    @Test
    void shouldSendDataInTheSynToAKnownPeer() {
        warmUp(1040);
        int fd = client();
        assertThat(fastSend(fd, 2000)).isEqualTo(1000); // the known MSS less the room for options
        TcpFrame f = peer.expect(flags(Segment.SYN).seq(0).length(1000));
        byte[] o = f.options();
        assertThat(Arrays.copyOfRange(o, o.length - 8, o.length))
                .containsExactly(34, 6, (byte) 0xab, (byte) 0xcd, 0x12, 0x34, 1, 1);
        peer.inject(synAck().seq(0).ack(1001).mss(1040));
        peer.expect(ack().seq(1001).ack(1));
        assertThat(synData(fd)).isTrue();
        assertThat(count("TCPFastOpenActive")).isEqualTo(1);
        assertThat(TcpInvariants.checkAll(lab)).isPositive();
        sys.close(fd);
    }

    @Test
    void shouldSendTheDataAgainThatTheSynAckLeavesOut() {
        warmUp(1040);
        int fd = client();
        assertThat(fastSend(fd, 1000)).isEqualTo(1000);
        peer.expect(syn().seq(0).length(1000));
        peer.inject(synAck().seq(0).ack(1).mss(1040));
        peer.expect(data(1000).seq(1).ack(1));
        assertThat(synData(fd)).isFalse();
        assertThat(count("TCPFastOpenActiveFail")).isEqualTo(1);
        peer.inject(ack().seq(1).ack(1001));
        assertThat(TcpInvariants.checkAll(lab)).isPositive();
        sys.close(fd);
    }

    @Test
    void shouldTakeAnAckOfPartOfTheData() {
        warmUp(1040);
        int fd = client();
        assertThat(fastSend(fd, 1000)).isEqualTo(1000);
        peer.expect(syn().seq(0).length(1000));
        peer.inject(synAck().seq(0).ack(101).mss(1040));
        peer.expect(data(900).seq(101).ack(1));
        assertThat(TcpInvariants.checkAll(lab)).isPositive();
        sys.close(fd);
    }

    @Test
    void shouldRepeatTheSynWithoutDataAndOption() {
        warmUp(1040);
        int fd = client();
        assertThat(fastSend(fd, 1000)).isEqualTo(1000);
        int options = peer.expect(syn().seq(0).length(1000)).options().length;
        TcpFrame again = peer.expect(syn().seq(0).length(0), 2 * SECOND);
        assertThat(again.options()).hasSize(options - 8);
        peer.inject(synAck().seq(0).ack(1).mss(1040));
        peer.expect(data(1000).seq(1).ack(1));
        peer.inject(ack().seq(1).ack(1001));
        peer.expectNothing(SECOND);
        assertThat(TcpInvariants.checkAll(lab)).isPositive();
        sys.close(fd);
    }

    @Test
    void shouldTryTheOtherOptionWithAPeerThatIgnoresOne() {
        int[] sizes = new int[3];
        int[] kinds = new int[3];
        for (int i = 0; i < 3; i++) {
            int fd = client();
            peer.ports(0, 0);
            fastSend(fd, 10);
            byte[] o = peer.expect(syn().seq(0).length(0)).options();
            kinds[i] = o[o.length - 4] & 0xff;
            sizes[i] = o.length;
            peer.inject(synAck().seq(0).ack(1).mss(1000));
            peer.expect(ack().ack(1));
            peer.inject(rst().seq(1));
            sys.close(fd);
        }
        assertThat(kinds).containsExactly(34, 254, 34);
    }

    @Test
    void shouldReadDataThatComesWithTheSynAck() {
        warmUp(1040);
        int fd = client();
        fastSend(fd, 10);
        peer.expect(syn().seq(0).length(10));
        peer.inject(synAck().seq(0).ack(11).mss(1040).length(300));
        peer.expect(ack().seq(11).ack(301));
        assertThat(read(fd, 1000)).isEqualTo(300);
        assertThat(TcpInvariants.checkAll(lab)).isPositive();
        sys.close(fd);
    }

    @Test
    void shouldDeferAConnectUntilTheFirstWrite() {
        warmUp(1040);
        int fd = client();
        assertThat(sys.setsockopt(fd, SockConst.SOL_TCP, TcpConst.TCP_FASTOPEN_CONNECT, 1))
                .isZero();
        assertThat(sys.connect(fd, new SockAddrIn(peer.addr, 9))).isZero();
        peer.expectNothing(SECOND);
        assertThat(read(fd, 10)).isEqualTo(-Errno.EAGAIN);
        assertThat(write(fd, 100)).isEqualTo(100);
        peer.expect(syn().seq(0).length(100));
        peer.inject(synAck().seq(0).ack(101).mss(1000));
        peer.expect(ack().seq(101).ack(1));
        assertThat(synData(fd)).isTrue();
        sys.close(fd);
    }

    @Test
    void shouldBlockUntilTheHandshakeIsOverAndLetDataCarryItsAck() throws Exception {
        warmUp(1040);
        int fd = client();
        int[] sent = new int[1];
        lab.start(
                "writer",
                () -> sent[0] = sys.sendto(
                        fd, new UserBytes(new byte[1900]), SockConst.MSG_FASTOPEN, new SockAddrIn(peer.addr, 9)));
        peer.expect(syn().seq(0).length(1000));
        peer.inject(synAck().seq(0).ack(1001).mss(1460));
        peer.expect(data(900).seq(1001).ack(1));
        lab.joinAll();
        assertThat(sent[0]).isEqualTo(1900);
        sys.close(fd);
    }

    @Test
    void shouldReportARefusal() {
        warmUp(1040);
        int fd = client();
        assertThat(fastSend(fd, 100)).isEqualTo(100);
        peer.expect(syn().seq(0).length(100));
        peer.inject(rstAck().seq(0).ack(1));
        assertThat(write(fd, 1)).isEqualTo(-Errno.ECONNREFUSED);
        sys.close(fd);
    }

    @Test
    void shouldForgetCookiesWithTheMetrics() {
        warmUp(1040);
        assertThat(TcpNet.of(peer.host.net).metrics.list())
                .singleElement()
                .satisfies(tm -> assertThat(tm.fastopenCookie()).isEqualTo("abcd1234"))
                .satisfies(tm -> assertThat(tm.fastopenMss()).isEqualTo(1040));
        TcpNet.of(peer.host.net).metrics.flush();
        int fd = client();
        assertThat(fastSend(fd, 100)).isEqualTo(-Errno.EINPROGRESS);
        peer.expect(syn().seq(0).length(0));
        sys.close(fd);
    }

    @Test
    void shouldStopOpeningFastBehindABlackHole() {
        warmUp(1040);
        peer.host.net.sysctl().set("net.ipv4.tcp_fastopen_blackhole_timeout_sec", "60");
        int fd = client();
        assertThat(fastSend(fd, 100)).isEqualTo(100);
        peer.expect(syn().length(100));
        for (int i = 0; i < 3; i++) {
            peer.expect(syn().length(0), 5 * SECOND);
        }
        assertThat(count("TCPFastOpenBlackhole")).isEqualTo(1);
        sys.close(fd);
        int next = client();
        peer.ports(0, 0);
        assertThat(fastSend(next, 100)).isEqualTo(-Errno.EINPROGRESS);
        TcpFrame f = peer.expect(syn().length(0));
        assertThat(f.options()).hasSize(12); // MSS, SACK, window scale: not even a request
        peer.inject(rstAck().seq(0).ack(1));
        sys.close(next);
        lab.sleep(61 * SECOND);
        int later = client();
        peer.ports(0, 0);
        assertThat(fastSend(later, 100)).isEqualTo(100);
        peer.expect(syn().length(100));
        sys.close(later);
    }

    @Test
    void shouldRefuseOptionsInTheWrongState() {
        int fd = listener(0);
        assertThat(sys.setsockopt(fd, SockConst.SOL_TCP, TcpConst.TCP_FASTOPEN_CONNECT, 1))
                .isEqualTo(-Errno.EINVAL);
        assertThat(sys.setsockopt(fd, SockConst.SOL_TCP, TcpConst.TCP_FASTOPEN_KEY, new OptVal(new byte[3])))
                .isEqualTo(-Errno.EINVAL);
        assertThat(sys.setsockopt(fd, SockConst.SOL_TCP, TcpConst.TCP_FASTOPEN, -1))
                .isEqualTo(-Errno.EINVAL);
        OptVal key = new OptVal(32);
        assertThat(sys.getsockopt(fd, SockConst.SOL_TCP, TcpConst.TCP_FASTOPEN_KEY, key))
                .isZero();
        assertThat(key.len).isEqualTo(16);
        assertThat(key.data[0]).isEqualTo((byte) 0xa1);
    }

    @Test
    void shouldShowTheKeyThatAServerMadeUp() {
        boot("net.ipv4.tcp_fastopen=0x403");
        String none = peer.host.net.sysctl().get("net.ipv4.tcp_fastopen_key");
        assertThat(none).isEqualTo("00000000-00000000-00000000-00000000");
        sys.close(listener(5));
        String made = peer.host.net.sysctl().get("net.ipv4.tcp_fastopen_key");
        assertThat(made).matches("([0-9a-f]{8}-){3}[0-9a-f]{8}").isNotEqualTo(none);
        sys.close(listener(5));
        assertThat(peer.host.net.sysctl().get("net.ipv4.tcp_fastopen_key"))
                .as("once")
                .isEqualTo(made);
    }
}
