package net.testkit;

import static net.testkit.Segment.ack;
import static net.testkit.Segment.data;
import static net.testkit.Segment.fin;
import static net.testkit.Segment.rst;
import static net.testkit.Segment.syn;
import static net.testkit.Segment.synAck;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import net.core.Cpu;
import net.core.api.SoftOption;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.sock.TcpStates;
import net.ipv4.route.Rtable;
import net.tcp.TcpConst;
import net.tcp.TcpSock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Decisions at the edges, each of which a review found to differ from Linux 6.18. */
@Timeout(60)
class TcpDecisionScriptTest {
    private static final long MS = 1_000_000;

    private Lab lab;
    private ScriptedPeer peer;
    private SoftServerSocket server;

    @BeforeEach
    void boot() throws Exception {
        boot("net.ipv4.tcp_congestion_control=reno", "net.ipv4.tcp_early_retrans=0");
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

    private SoftSocket accept() throws Exception {
        peer.inject(syn().seq(0).mss(1000).sackOk().wscale(7).win(32792));
        peer.expect(synAck().seq(0).ack(1));
        lab.sleep(100 * MS);
        peer.inject(ack().seq(1).ack(1).win(1024));
        return server.accept();
    }

    private static void write(SoftSocket s, int n) throws Exception {
        s.writeFully(ByteBuffer.allocate(n));
    }

    private TcpSock sock(SoftSocket s) {
        return (TcpSock) peer.host.network.process().syscalls().sockfdLookup(s.fd()).sk;
    }

    private void expectSegments(int from, int count) {
        for (int i = 0; i < count; i++) {
            peer.expect(data(1000).seq(from + i * 1000).ack(1), 2 * MS);
        }
    }

    /** A short queue before a device that takes nothing, full of answers to pings. */
    private void jam() {
        peer.device.dev.setTxQueueLen(1);
        peer.device.dev.stopAllQueues();
        for (int i = 0; i < 4; i++) {
            peer.injectIp(1, Frames.icmp(8, 0, 1, new byte[8]));
        }
    }

    private void unjam() {
        Cpu cpu = lab.kernel.localBhDisable(0);
        peer.device.dev.wakeAllQueues(cpu);
        cpu.localBhEnable();
        lab.sleep(MS);
        peer.device.sent.clear();
    }

    // ---- congestion in this host

    @Test
    void shouldReduceTheWindowWhenTheOwnQueueIsFull() throws Exception {
        SoftSocket s = accept();
        assertThat((int) sock(s).icskCaState).isEqualTo(TcpConst.TCP_CA_OPEN);
        jam();
        write(s, 1000);
        assertThat((int) sock(s).icskCaState).isEqualTo(TcpConst.TCP_CA_CWR);
        assertThat(sock(s).packetsOut).isZero();
        unjam();
    }

    @Test
    void shouldNotBackOffWhileTheOwnQueueIsFull() throws Exception {
        SoftSocket s = accept();
        write(s, 1000);
        peer.expect(data(1000).seq(1).ack(1));
        jam();
        lab.sleep(450 * MS); // one time-out, at some 300 ms; the next try half a second later
        assertThat((int) sock(s).icskRetransmits).isEqualTo(1);
        assertThat((int) sock(s).icskBackoff).isZero();
        lab.sleep(500 * MS);
        assertThat((int) sock(s).icskRetransmits).isEqualTo(2);
        assertThat((int) sock(s).icskBackoff).isZero();
        unjam();
        peer.expect(data(1000).seq(1).ack(1), 600 * MS);
    }

    // ---- window

    /** The buffer is full and unread; a FIN takes no room, and a peer that sends it again and again must be satisfied. */
    @Test
    void shouldTakeAFinBehindAClosedWindow() throws Exception {
        server.setOption(StandardSocketOptions.SO_RCVBUF, 20_000);
        SoftSocket s = accept();
        peer.inject(data(60_000).seq(1).ack(1).win(257).psh());
        peer.expect(ack().seq(1).ack(60_001).win(0), 50 * MS);
        peer.inject(fin().seq(60_001).ack(1).win(257));
        peer.expect(ack().seq(1).ack(60_002), 250 * MS);
        assertThat(sock(s).state).isEqualTo(TcpStates.TCP_CLOSE_WAIT);
    }

    @Test
    void shouldClampTheWindowToWhatWasAskedFor() throws Exception {
        SoftSocket s = accept();
        TcpSock tp = sock(s);
        int before = tp.rcvSsthresh;
        int clamp = before - 1000;
        assertThat(clamp).isGreaterThan(4 * tp.advmss);
        s.setOption(SoftOption.TCP_WINDOW_CLAMP, clamp);
        assertThat(tp.windowClamp).isEqualTo(clamp);
        assertThat(tp.rcvSsthresh).isEqualTo(clamp);
    }

    // ---- sending

    /** An ACK that comes right after another one: the next but one is far, so nothing is gained by waiting. */
    @Test
    void shouldNotDeferWhileTheNextAckIsFar() throws Exception {
        SoftSocket s = accept();
        sock(s).sndSsthresh = 5; // past slow start: each ACK lets one segment go
        write(s, 30_000);
        expectSegments(1, 10);
        lab.sleep(60 * MS);
        peer.inject(ack().seq(1).ack(1001).win(1024));
        expectSegments(10_001, 1);
        peer.inject(ack().seq(1).ack(2001).win(1024));
        expectSegments(11_001, 1);
    }

    // ---- cookies

    /** The child's scale must be that of the SYN-ACK, or the peer reads all windows wrongly. */
    @Test
    void shouldKeepTheScaleOfTheCookie() throws Exception {
        boot("net.ipv4.tcp_syncookies=2");
        server.setOption(StandardSocketOptions.SO_RCVBUF, 20_000);
        peer.withTimestamps().inject(syn().seq(0).mss(1460).sackOk().wscale(5).win(8000));
        TcpFrame f = peer.expect(synAck().seq(0).ack(1));
        peer.inject(data(10).seq(1).ack(1).win(1000));
        TcpFrame a = peer.expect(ack().seq(1).ack(11));
        assertThat(a.window << f.wscale).isBetween(15_000, 20_000);
        assertThat(sock(server.accept()).rxOpt.rcvWscale).isEqualTo(f.wscale);
    }

    @Test
    void shouldNotLookForCookiesWhenNoneWereSent() {
        peer.inject(ack().seq(1).ack(1000).win(1000));
        peer.expect(rst().seq(1000));
        assertThat(peer.host.counter("TcpExtSyncookiesFailed")).isZero();
    }

    // ---- TIME_WAIT

    /** Answers to data don't use up what is allowed to segments without. */
    @Test
    void shouldAnswerBothDataAndAcksInTimeWait() throws Exception {
        SoftSocket s = accept();
        s.close();
        peer.expect(fin().seq(1).ack(1));
        peer.inject(fin().seq(1).ack(2));
        peer.expect(ack().seq(2).ack(2));
        peer.inject(data(10).seq(-100).ack(2));
        peer.expect(ack().seq(2).ack(2));
        peer.inject(ack().seq(-100).ack(2));
        peer.expect(ack().seq(2).ack(2));
        peer.inject(ack().seq(-100).ack(2));
        peer.expectNothing(400 * MS);
    }

    // ---- ICMP

    @Test
    void shouldFollowARedirect() throws Exception {
        lab.route(peer.host, "10.1.0.0/16", "10.0.0.2");
        lab.start("client", () -> peer.host.network.connect(Lab.endpoint("10.1.0.5", 9)));
        TcpFrame f = TcpFrame.parse(peer.next(250 * MS).frame());
        byte[] quoted = Frames.ipv4(f.saddr, f.daddr, Frames.IPPROTO_TCP, 0, 1, 0x4000, 64, new byte[8]);
        Wires.be16(quoted, 20, f.sport);
        Wires.be16(quoted, 22, f.dport);
        Wires.be32(quoted, 24, f.seq);
        peer.injectIp(1, Frames.icmp(5, 1, Lab.address("10.0.0.3"), quoted));
        lab.sleep(1500 * MS); // the SYN goes out again, the other way
        TcpSock tp = (TcpSock) net.ipv4.inet.InetHashtables.of(lab.kernel)
                .inetLookupEstablished(peer.host.net, f.daddr, 9, f.saddr, f.sport, 0);
        assertThat(((Rtable) tp.skDstGet()).nexthop(f.daddr)).isEqualTo(Lab.address("10.0.0.3"));
    }
}
