package net.testkit;

import static net.testkit.Segment.ack;
import static net.testkit.Segment.data;
import static net.testkit.Segment.fin;
import static net.testkit.Segment.rst;
import static net.testkit.Segment.rstAck;
import static net.testkit.Segment.syn;
import static net.testkit.Segment.synAck;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Arrays;
import net.core.api.SoftOption;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.sock.SockConst;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What TCP sends and when, segment by segment: options, windows, PSH, timers, ends of connections. */
@Timeout(60)
class TcpOutputScriptTest {
    private static final int IP_MINTTL = 21;

    private static final long MS = 1_000_000;
    private static final long SECOND = 1000 * MS;

    private Lab lab;
    private ScriptedPeer peer;
    private SoftServerSocket server;

    @BeforeEach
    void boot() throws Exception {
        boot(new String[0]);
    }

    private void boot(String... words) throws Exception {
        if (lab != null) {
            lab.abandon();
        }
        lab = Lab.virtual(1, 1, words);
        peer = new ScriptedPeer(lab);
        server = Lab.listen(peer.host, 80);
    }

    @AfterEach
    void end() {
        lab.abandon();
    }

    /** A connection from the peer, MSS 1000, no options. */
    private SoftSocket accept(int window) throws Exception {
        peer.inject(syn().seq(0).mss(1000).win(window));
        peer.expect(synAck().seq(0).ack(1));
        peer.inject(ack().seq(1).ack(1).win(window));
        return server.accept();
    }

    private SoftSocket[] connecting() {
        SoftSocket[] s = new SoftSocket[1];
        lab.start("client", () -> s[0] = peer.host.network.connect(Lab.endpoint("10.0.0.2", 9)));
        return s;
    }

    private static void write(SoftSocket s, int n) throws Exception {
        s.writeFully(ByteBuffer.allocate(n));
    }

    // ---- opening

    @Test
    void shouldOrderTheOptionsOfASynAsLinuxDoes() throws Exception {
        connecting();
        TcpFrame f = peer.expect(syn().seq(0).mss(1460).wscale(10).sackOk().win(64240));
        assertThat(f.timestamps).isTrue();
        byte[] options = f.options();
        assertThat(Arrays.copyOf(options, 8)).containsExactly(2, 4, 1460 >> 8, 1460 & 0xff, 4, 2, 8, 10);
        assertThat(Arrays.copyOfRange(options, 16, 20)).containsExactly(1, 3, 3, 10);
        assertThat(options).hasSize(20);
        peer.inject(rstAck().seq(0).ack(1));
        assertThatThrownBy(() -> lab.joinAll()).hasMessageContaining("ECONNREFUSED");
    }

    @Test
    void shouldOfferOnlyWhatTheSynOffered() {
        peer.inject(syn().seq(0).mss(1460).sackOk().wscale(8));
        TcpFrame f = peer.expect(synAck().ack(1).mss(1460).sackOk().wscale(10).win(64240));
        assertThat(f.timestamps).isFalse();
        assertThat(f.options()).containsExactly(2, 4, 5, (byte) 0xb4, 1, 1, 4, 2, 1, 3, 3, 10);
        peer.inject(rst().seq(1));
        peer.ports(4001, 80).inject(syn().seq(0));
        f = peer.expect(synAck().ack(1).noSackOk());
        assertThat(f.options()).containsExactly(2, 4, 5, (byte) 0xb4);
        peer.inject(rst().seq(1));
    }

    @Test
    void shouldSendTheSynAgainFiveTimesASecondApartAndThenBackOff() {
        connecting();
        long last = 0;
        long[] gaps = new long[9];
        for (int i = 0; i < 10; i++) {
            peer.expect(syn().seq(0), 40 * SECOND);
            if (i > 0) {
                gaps[i - 1] = (lab.nowNs() - last + 50 * MS) / (100 * MS);
            }
            last = lab.nowNs();
        }
        // tcp_syn_linear_timeouts = 4, then doubling; 100 ms of slack for the wheel's coarser slots.
        assertThat(gaps).startsWith(10, 10, 10, 10, 10);
        assertThat(gaps[5]).isBetween(20L, 22L);
        assertThat(gaps[6]).isBetween(40L, 45L);
        assertThat(gaps[7]).isBetween(80L, 90L);
        peer.inject(rstAck().seq(0).ack(1));
        assertThatThrownBy(() -> lab.joinAll()).hasMessageContaining("ECONNREFUSED");
    }

    @Test
    void shouldRepeatTheSynAckWithDoublingTimeouts() {
        peer.inject(syn().seq(0).mss(1000));
        long last = lab.nowNs();
        peer.expect(synAck().seq(0).ack(1));
        long[] gaps = new long[3];
        for (int i = 0; i < 3; i++) {
            peer.expect(synAck().seq(0).ack(1), 10 * SECOND);
            gaps[i] = Math.round((lab.nowNs() - last) / 1e9);
            last = lab.nowNs();
        }
        assertThat(gaps).containsExactly(1, 2, 4);
        peer.inject(rst().seq(1));
    }

    @Test
    void shouldOpenFromBothSidesAtOnce() throws Exception {
        SoftSocket[] s = connecting();
        peer.expect(syn().seq(0));
        peer.inject(syn().seq(0).mss(1000));
        peer.expect(synAck().seq(0).ack(1));
        peer.inject(ack().seq(1).ack(1));
        lab.joinAll();
        write(s[0], 10);
        peer.expect(data(10).seq(1).ack(1));
        s[0].close();
        peer.inject(rst().seq(1));
    }

    // ---- sending

    @Test
    void shouldPushTheEndOfAWrite() throws Exception {
        SoftSocket s = accept(32000);
        write(s, 3500);
        for (int i = 0; i < 3; i++) {
            assertThat(peer.expect(data(1000).seq(1 + 1000 * i).ack(1)).flags & Segment.PSH)
                    .isZero();
        }
        peer.expect(data(500).seq(3001).ack(1).psh());
    }

    @Test
    void shouldHoldASmallSegmentWhileAnotherSmallOneIsOut() throws Exception {
        SoftSocket s = accept(32000);
        write(s, 100);
        peer.expect(data(100).seq(1).ack(1).psh());
        write(s, 100);
        write(s, 100);
        peer.expectNothing(50 * MS);
        peer.inject(ack().seq(1).ack(101).win(32000));
        peer.expect(data(200).seq(101).ack(1).psh());
    }

    @Test
    void shouldSendSmallSegmentsAtOnceWithNodelay() throws Exception {
        SoftSocket s = accept(32000);
        s.setOption(java.net.StandardSocketOptions.TCP_NODELAY, true);
        for (int i = 0; i < 3; i++) {
            write(s, 100);
            peer.expect(data(100).seq(1 + 100 * i).ack(1).psh());
        }
    }

    @Test
    void shouldHoldPartialSegmentsWhileCorkedButNotForever() throws Exception {
        SoftSocket s = accept(32000);
        s.setOption(SoftOption.TCP_CORK, true);
        write(s, 1500);
        peer.expect(data(1000).seq(1).ack(1));
        // The corked rest leaves after 200 ms by the zero window probe's timer only when nothing else is out.
        peer.inject(ack().seq(1).ack(1001).win(32000));
        long start = lab.nowNs();
        peer.expect(data(500).seq(1001).ack(1), SECOND);
        assertThat(lab.nowNs() - start).isBetween(190 * MS, 320 * MS);
    }

    @Test
    void shouldSendCorkedDataWhenUncorked() throws Exception {
        SoftSocket s = accept(32000);
        s.setOption(SoftOption.TCP_CORK, true);
        write(s, 10);
        write(s, 20);
        peer.expectNothing(50 * MS);
        s.setOption(SoftOption.TCP_CORK, false);
        peer.expect(data(30).seq(1).ack(1));
    }

    @Test
    void shouldStayWithinThePeersWindowAndProbeWhenItCloses() throws Exception {
        SoftSocket s = accept(2000);
        s.configureBlocking(false);
        s.write(ByteBuffer.allocate(4000));
        peer.expect(data(1000).seq(1).ack(1));
        peer.expect(data(1000).seq(1001).ack(1));
        peer.inject(ack().seq(1).ack(2001).win(0));
        long last = lab.nowNs();
        long[] gaps = new long[4];
        for (int i = 0; i < 4; i++) {
            peer.expect(ack().seq(2000).ack(1), 10 * SECOND);
            gaps[i] = (lab.nowNs() - last) / MS;
            last = lab.nowNs();
            peer.inject(ack().seq(1).ack(2001).win(0));
        }
        assertThat(gaps[0]).isBetween(200L, 215L);
        for (int i = 1; i < 4; i++) {
            assertThat(gaps[i]).isBetween(2 * gaps[i - 1] - 60, 2 * gaps[i - 1] + 90);
        }
        peer.inject(ack().seq(1).ack(2001).win(5000));
        peer.expect(data(1000).seq(2001).ack(1));
        peer.expect(data(1000).seq(3001).ack(1).psh());
    }

    @Test
    void shouldOpenTheWindowAgainAfterALateRead() throws Exception {
        boot("net.ipv4.tcp_rmem=4096 20000 20000");
        SoftSocket s = accept(32000);
        int sent = 0;
        int window = 10_000;
        while (window >= 1000) {
            peer.inject(data(1000).seq(1 + sent).ack(1));
            sent += 1000;
            TcpFrame f = null;
            for (ScriptedDevice.Sent got = peer.next(250 * MS); got != null; got = peer.next(0)) {
                f = TcpFrame.parse(got.frame());
            }
            assertThat(f).isNotNull();
            window = f.window - (sent - (f.ack - 1_000_001));
        }
        assertThat(sent).isGreaterThan(3000);
        byte[] buf = new byte[30_000];
        assertThat(s.read(buf, 0, buf.length)).isEqualTo(sent);
        TcpFrame f = peer.expect(ack().seq(1).ack(1 + sent));
        assertThat(f.window).isGreaterThan(3000);
    }

    @Test
    void shouldSendUrgentData() throws Exception {
        SoftSocket s = accept(32000);
        try (var arena = java.lang.foreign.Arena.ofConfined()) {
            s.write(arena.allocate(3), net.core.sock.SockConst.MSG_OOB);
        }
        peer.expect(data(3).seq(1).ack(1).with(Segment.URG).urg(3));
    }

    // ---- what ICMP says

    /** An ICMP error about the last segment of {@code f}'s direction. */
    private byte[] icmp(int type, int code, int info, TcpFrame f) {
        byte[] b = new byte[8 + 20 + 8];
        b[0] = (byte) type;
        b[1] = (byte) code;
        Wires.be16(b, 6, info);
        byte[] quoted = Frames.ipv4(f.saddr, f.daddr, Frames.IPPROTO_TCP, 0, 1, 0x4000, 64, new byte[8]);
        Wires.be16(quoted, 20, f.sport);
        Wires.be16(quoted, 22, f.dport);
        Wires.be32(quoted, 24, f.seq);
        System.arraycopy(quoted, 0, b, 8, 28);
        Wires.be16(b, 2, Wires.fold(Wires.sum(b, 0, b.length)));
        return b;
    }

    @Test
    void shouldSendSmallerSegmentsWhenThePathTakesLess() throws Exception {
        SoftSocket s = accept(32000);
        write(s, 2000);
        TcpFrame f = peer.expect(data(1000).seq(1).ack(1));
        peer.expect(data(1000).seq(1001).ack(1));
        peer.injectIp(1, icmp(3, 4, 640, f)); // fragmentation needed: 600 bytes of payload
        for (int i = 0; i < 3; i++) {
            peer.expect(data(600).seq(1 + 600 * i).ack(1));
        }
    }

    /** RFC 5082: what has come far is no neighbour's; the quoted header shows how far our segment had come. */
    @Test
    void shouldNotBelieveErrorsFromBeyondTheHopsThatAreAllowed() throws Exception {
        SoftSocket s = accept(32000);
        peer.host.network.process().syscalls().setsockopt(s.fd(), SockConst.SOL_IP, IP_MINTTL, 65);
        write(s, 2000);
        TcpFrame f = peer.expect(data(1000).seq(1).ack(1));
        peer.expect(data(1000).seq(1001).ack(1));
        peer.injectIp(1, icmp(3, 4, 640, f));
        assertThat(peer.host.counter("TcpExtTCPMinTTLDrop")).isEqualTo(1);
        peer.expect(data(1000).seq(1).ack(1), 1_000_000_000L); // as large as before
    }

    @Test
    void shouldCountErrorsAboutConnectionsThatAreUnknown() throws Exception {
        SoftSocket s = accept(32000);
        write(s, 1000);
        TcpFrame f = peer.expect(data(1000).seq(1).ack(1));
        byte[] stray = icmp(3, 1, 0, f);
        Wires.be16(stray, 8 + 22, f.dport + 1);
        Wires.be16(stray, 2, 0);
        Wires.be16(stray, 2, Wires.fold(Wires.sum(stray, 0, stray.length)));
        peer.injectIp(1, stray);
        assertThat(peer.host.counter("IcmpInErrors")).isEqualTo(1);
        peer.injectIp(1, icmp(3, 1, 0, f));
        assertThat(peer.host.counter("IcmpInErrors")).isEqualTo(1);
    }

    @Test
    void shouldNotBelieveErrorsAboutSegmentsNeverSent() throws Exception {
        SoftSocket s = accept(32000);
        write(s, 2000);
        TcpFrame f = peer.expect(data(1000).seq(1).ack(1));
        peer.expect(data(1000).seq(1001).ack(1));
        byte[] wrong = icmp(3, 4, 640, f);
        Wires.be32(wrong, 8 + 24, f.seq + 100_000);
        Wires.be16(wrong, 2, 0);
        Wires.be16(wrong, 2, Wires.fold(Wires.sum(wrong, 0, wrong.length)));
        peer.injectIp(1, wrong);
        assertThat(peer.host.counter("TcpExtOutOfWindowIcmps")).isEqualTo(1);
        peer.inject(ack().seq(1).ack(2001));
        write(s, 1000);
        peer.expect(data(1000).seq(2001).ack(1));
    }

    @Test
    void shouldEndAHandshakeThatIsRefusedByIcmp() throws Exception {
        connecting();
        TcpFrame f = peer.expect(syn().seq(0));
        peer.injectIp(1, icmp(3, 3, 0, f)); // port unreachable
        assertThatThrownBy(() -> lab.joinAll()).hasMessageContaining("ECONNREFUSED");
    }

    // ---- cookies

    @Test
    void shouldOpenAConnectionFromACookie() throws Exception {
        boot("net.ipv4.tcp_syncookies=2");
        peer.withTimestamps().inject(syn().seq(0).mss(1460).sackOk().wscale(5).win(8000));
        peer.expect(synAck().seq(0).ack(1));
        assertThat(peer.host.counter("TcpExtSyncookiesSent")).isEqualTo(1);
        lab.sleep(2 * SECOND); // nothing is kept: the SYN-ACK does not come again
        peer.expectNothing(10 * MS);
        peer.inject(data(10).seq(1).ack(1).win(1000));
        peer.expect(ack().seq(1).ack(11));
        assertThat(peer.host.counter("TcpExtSyncookiesRecv")).isEqualTo(1);
        SoftSocket s = server.accept();
        assertThat(s.read(new byte[20], 0, 20)).isEqualTo(10);
        net.tcp.TcpInfo info = (net.tcp.TcpInfo) s.option(SoftOption.TCP_INFO);
        assertThat(info.sndWscale).isEqualTo(5);
        assertThat(info.sndMss).isEqualTo(1448);
        assertThat(info.sndWnd).isEqualTo(1000 << 5);
        write(s, 100);
        peer.expect(data(100).seq(1).ack(11));
    }

    @Test
    void shouldRefuseAForgedCookie() throws Exception {
        boot("net.ipv4.tcp_syncookies=2");
        peer.inject(syn().seq(0).mss(1460));
        peer.expect(synAck().seq(0).ack(1));
        peer.inject(ack().seq(1).ack(2));
        peer.expect(rst().seq(2));
        assertThat(peer.host.counter("TcpExtSyncookiesFailed")).isEqualTo(1);
    }

    // ---- timers

    @Test
    void shouldProbeAnIdlePeerAndGiveUpInTheEnd() throws Exception {
        SoftSocket s = accept(32000);
        s.setOption(java.net.StandardSocketOptions.SO_KEEPALIVE, true);
        s.setOption(SoftOption.TCP_KEEPIDLE, 10);
        s.setOption(SoftOption.TCP_KEEPINTVL, 2);
        s.setOption(SoftOption.TCP_KEEPCNT, 3);
        for (int i = 0; i < 3; i++) {
            peer.expect(ack().seq(0).ack(1), 12 * SECOND);
        }
        peer.expect(rstAck().seq(1).ack(1), 4 * SECOND);
        assertThatThrownBy(() -> s.read(new byte[1], 0, 1)).hasMessageContaining("ETIMEDOUT");
    }

    @Test
    void shouldGiveUpAfterTheUserTimeout() throws Exception {
        SoftSocket s = accept(32000);
        s.setOption(SoftOption.TCP_USER_TIMEOUT, 3000);
        write(s, 100);
        long start = lab.nowNs();
        assertThatThrownBy(() -> s.read(new byte[1], 0, 1)).hasMessageContaining("ETIMEDOUT");
        assertThat(lab.nowNs() - start).isBetween(3 * SECOND, 3 * SECOND + 500 * MS);
    }

    // ---- ending

    @Test
    void shouldResetWhatComesAfterAFullClose() throws Exception {
        SoftSocket s = accept(32000);
        s.close();
        peer.expect(fin().seq(1).ack(1));
        peer.inject(ack().seq(1).ack(2));
        peer.inject(data(10).seq(1).ack(2));
        peer.expect(rst().seq(2));
    }

    @Test
    void shouldGiveUpAnOrphanInFinWait2() throws Exception {
        boot("net.ipv4.tcp_fin_timeout=5");
        SoftSocket s = accept(32000);
        s.close();
        peer.expect(fin().seq(1).ack(1));
        peer.inject(ack().seq(1).ack(2));
        lab.sleep(6 * SECOND);
        peer.inject(fin().seq(1).ack(2)); // too late: nobody remembers
        peer.expect(rst().seq(2));
    }

    @Test
    void shouldAcknowledgeARepeatedFinInTimeWait() throws Exception {
        SoftSocket s = accept(32000);
        s.close();
        peer.expect(fin().seq(1).ack(1));
        peer.inject(fin().seq(1).ack(2));
        peer.expect(ack().seq(2).ack(2));
        lab.sleep(SECOND);
        peer.inject(fin().seq(1).ack(2));
        peer.expect(ack().seq(2).ack(2));
    }

    @Test
    void shouldTakeANewSynInTimeWait() throws Exception {
        SoftSocket s = accept(32000);
        s.close();
        peer.expect(fin().seq(1).ack(1));
        peer.inject(fin().seq(1).ack(2));
        peer.expect(ack().seq(2).ack(2));
        peer.inject(syn().seq(100_000).mss(1000));
        // The new sequence numbers start well beyond the old ones (RFC 6191).
        peer.expect(synAck().seq(2 + 65535 + 2).ack(100_001));
        peer.inject(rst().seq(100_001));
    }

    @Test
    void shouldRepeatTheFinAndEndTheConnectionAtLast() throws Exception {
        boot("net.ipv4.tcp_orphan_retries=3");
        SoftSocket s = accept(32000);
        s.close();
        for (int i = 0; i < 5; i++) {
            peer.expect(fin().seq(1).ack(1), 10 * SECOND);
        }
        lab.sleep(60 * SECOND);
        peer.inject(ack().seq(1).ack(2));
        peer.expect(rst().seq(2), 10 * SECOND);
    }
}
