package net.testkit;

import static net.testkit.Segment.ack;
import static net.testkit.Segment.data;
import static net.testkit.Segment.fin;
import static net.testkit.Segment.rst;
import static net.testkit.Segment.syn;
import static net.testkit.Segment.synAck;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.tcp.TcpConst;
import net.tcp.TcpSock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What TCP's receive side answers, segment by segment, in the manner of the kernel's packetdrill scripts. */
@Timeout(60)
class TcpInputScriptTest {
    private static final long MS = 1_000_000;

    private Lab lab;
    private ScriptedPeer peer;
    private SoftServerSocket server;

    @BeforeEach
    void boot() throws Exception {
        boot("net.ipv4.tcp_congestion_control=reno");
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
        return accept(syn().mss(1000).sackOk().wscale(7).win(32792));
    }

    private SoftSocket accept(Segment syn) throws Exception {
        peer.inject(syn.seq(0));
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

    private void expectSegments(int from, int count, int size) {
        for (int i = 0; i < count; i++) {
            peer.expect(data(size).seq(from + i * size).ack(1));
        }
    }

    // ---- congestion control

    /** packetdrill: tcp_slow_start_slow-start-ack-per-1pkt. */
    @Test
    void shouldDoubleTheWindowInSlowStart() throws Exception {
        SoftSocket s = accept();
        write(s, 30_000);
        expectSegments(1, 10, 1000);
        assertThat(sock(s).sndCwnd).isEqualTo(10);
        lab.sleep(100 * MS);
        int next = 10_001;
        for (int i = 1; i <= 10; i++) {
            peer.inject(ack().seq(1).ack(1 + 1000 * i).win(1024));
            expectSegments(next, 2, 1000);
            next += 2000;
            assertThat(sock(s).sndCwnd).isEqualTo(10 + i);
        }
    }

    /** packetdrill: tcp_slow_start_slow-start-app-limited. */
    @Test
    void shouldNotGrowTheWindowWithoutUse() throws Exception {
        SoftSocket s = accept();
        write(s, 9_000);
        expectSegments(1, 9, 1000);
        lab.sleep(100 * MS);
        peer.inject(ack().seq(1).ack(9001).win(1024));
        assertThat(sock(s).sndCwnd).isEqualTo(19); // less than twice what was used: it may grow
        write(s, 1_000);
        peer.expect(data(1000).seq(9001));
        lab.sleep(100 * MS);
        peer.inject(ack().seq(1).ack(10_001).win(1024));
        assertThat(sock(s).sndCwnd).isEqualTo(19);
    }

    /** packetdrill: fr-4pkt-sack-linux. */
    @Test
    void shouldRetransmitOnTheThirdSack() throws Exception {
        SoftSocket s = accept();
        write(s, 1000);
        peer.expect(data(1000).seq(1).psh());
        lab.sleep(100 * MS);
        peer.inject(ack().seq(1).ack(1001).win(1024));
        write(s, 4000);
        expectSegments(1001, 4, 1000);
        lab.sleep(100 * MS);
        peer.inject(ack().seq(1).ack(1001).win(1024).sack(2001, 3001));
        lab.sleep(MS);
        peer.inject(ack().seq(1).ack(1001).win(1024).sack(2001, 4001));
        lab.sleep(MS);
        peer.inject(ack().seq(1).ack(1001).win(1024).sack(2001, 5001));
        peer.expect(data(1000).seq(1001), 2 * MS);
        assertThat((int) sock(s).icskCaState).isEqualTo(TcpConst.TCP_CA_RECOVERY);
        lab.sleep(100 * MS);
        peer.inject(ack().seq(1).ack(5001).win(1024));
        assertThat((int) sock(s).icskCaState).isEqualTo(TcpConst.TCP_CA_OPEN);
        assertThat(sock(s).sndCwnd).isEqualTo(sock(s).sndSsthresh);
    }

    /** packetdrill: fr-4pkt, without SACK: three duplicate ACKs. */
    @Test
    void shouldRetransmitOnTheThirdDuplicate() throws Exception {
        SoftSocket s = accept(syn().mss(1000).wscale(7).win(32792));
        write(s, 4000);
        expectSegments(1, 4, 1000);
        lab.sleep(100 * MS);
        for (int i = 0; i < 2; i++) {
            peer.inject(ack().seq(1).ack(1).win(1024));
            assertThat((int) sock(s).icskCaState).isEqualTo(TcpConst.TCP_CA_DISORDER);
        }
        peer.inject(ack().seq(1).ack(1).win(1024));
        peer.expect(data(1000).seq(1), 2 * MS);
        assertThat(sock(s).sndSsthresh).isEqualTo(5);
        lab.sleep(100 * MS);
        peer.inject(ack().seq(1).ack(4001).win(1024));
        // RFC 6582: something above highSeq must be acknowledged before recovery ends.
        assertThat((int) sock(s).icskCaState).isEqualTo(TcpConst.TCP_CA_RECOVERY);
        write(s, 1000);
        peer.expect(data(1000).seq(4001));
        peer.inject(ack().seq(1).ack(5001).win(1024));
        assertThat((int) sock(s).icskCaState).isEqualTo(TcpConst.TCP_CA_OPEN);
    }

    /** packetdrill: tcp_fast_recovery_prr-ss-30pkt-lost-1_4-11_16: PRR with several holes. */
    @Test
    void shouldPaceRecoveryByDelivery() throws Exception {
        SoftSocket s = accept();
        write(s, 1000 * 30);
        expectSegments(1, 10, 1000);
        lab.sleep(100 * MS);
        peer.inject(ack().seq(1).ack(10_001).win(2000));
        expectSegments(10_001, 20, 1000);
        assertThat(sock(s).sndCwnd).isEqualTo(20);
        lab.sleep(100 * MS);
        // Segment 11 is lost.
        peer.inject(ack().seq(1).ack(10_001).win(2000).sack(11_001, 12_001));
        peer.inject(ack().seq(1).ack(10_001).win(2000).sack(11_001, 13_001));
        peer.inject(ack().seq(1).ack(10_001).win(2000).sack(11_001, 14_001));
        peer.expect(data(1000).seq(10_001), 2 * MS);
        assertThat(sock(s).sndSsthresh).isEqualTo(10);
        assertThat(sock(s).lostOut).isEqualTo(1);
        assertThat(sock(s).retransOut).isEqualTo(1);
        assertThat(sock(s).sackedOut).isEqualTo(3);
        // 20 segments out, 3 SACKed, 1 lost and sent again: 17 in flight, ssthresh 10; PRR: one per two delivered.
        assertThat(sock(s).sndCwnd).isEqualTo(17);
    }

    /** packetdrill: tcp_limited_transmit with SACK: new data on the first two SACKs. */
    @Test
    void shouldSendNewDataOnTheFirstTwoDuplicates() throws Exception {
        SoftSocket s = accept();
        write(s, 14_000);
        expectSegments(1, 10, 1000);
        lab.sleep(100 * MS);
        peer.inject(ack().seq(1).ack(1).win(1024).sack(1001, 2001));
        peer.expect(data(1000).seq(10_001), 2 * MS);
        lab.sleep(2 * MS); // sooner, TSO would wait for more ACKs
        peer.inject(ack().seq(1).ack(1).win(1024).sack(1001, 3001));
        peer.expect(data(1000).seq(11_001), 2 * MS);
        peer.inject(ack().seq(1).ack(1).win(1024).sack(1001, 4001));
        peer.expect(data(1000).seq(1), 2 * MS);
    }

    // ---- time-outs

    @Test
    void shouldBackOffExponentially() throws Exception {
        boot("net.ipv4.tcp_congestion_control=reno", "net.ipv4.tcp_early_retrans=0");
        SoftSocket s = accept();
        write(s, 1000);
        peer.expect(data(1000).seq(1));
        long sent = lab.nowNs();
        int rto = sock(s).icskRto;
        assertThat(rto).isBetween(300, 301); // 100 ms round trip and 200 ms variance
        for (int i = 0; i < 4; i++) {
            peer.expectNothing((long) (rto * 0.9) * MS);
            peer.expect(data(1000).seq(1), (long) (rto * 0.4) * MS);
            rto *= 2;
        }
        assertThat(sock(s).sndCwnd).isEqualTo(1);
        assertThat(lab.nowNs() - sent).isGreaterThan(4500 * MS);
    }

    /** RFC 8985: the probe comes after two round trips and a delayed ACK's time. */
    @Test
    void shouldProbeTheTail() throws Exception {
        SoftSocket s = accept();
        write(s, 3000);
        expectSegments(1, 3, 1000);
        lab.sleep(100 * MS);
        peer.inject(ack().seq(1).ack(2001).win(1024)); // the third is lost
        peer.expectNothing(150 * MS);
        peer.expect(data(1000).seq(2001), 300 * MS);
        assertThat(sock(s).tlpHighSeq).isNotZero();
        lab.sleep(100 * MS);
        peer.inject(ack().seq(1).ack(3001).win(1024));
        assertThat(sock(s).tlpHighSeq).isNotZero(); // whether it was lost is known only later
    }

    /** F-RTO: the ACK after the time-out is for the original, so the window comes back. */
    @Test
    void shouldUndoASpuriousTimeout() throws Exception {
        boot("net.ipv4.tcp_congestion_control=reno", "net.ipv4.tcp_early_retrans=0");
        SoftSocket s = accept();
        write(s, 10_000);
        expectSegments(1, 10, 1000);
        peer.expect(data(1000).seq(1), 400 * MS);
        assertThat((int) sock(s).icskCaState).isEqualTo(TcpConst.TCP_CA_LOSS);
        assertThat(sock(s).frto).isTrue();
        peer.inject(ack().seq(1).ack(1).win(1024).sack(1001, 2001)); // never retransmitted, so the original
        assertThat((int) sock(s).icskCaState).isNotEqualTo(TcpConst.TCP_CA_LOSS);
        assertThat(peer.host.counter("TcpExtTCPSpuriousRTOs")).isEqualTo(1);
        assertThat(sock(s).sndCwnd).isEqualTo(10);
    }

    // ---- receiver

    @Test
    void shouldAcknowledgeAtOnceInTheBeginning() throws Exception {
        accept();
        for (int i = 0; i < 4; i++) {
            peer.inject(data(1000).seq(1 + 1000 * i).ack(1).win(1024));
            peer.expect(ack().seq(1).ack(1001 + 1000 * i), 5 * MS);
        }
    }

    @Test
    void shouldDelayTheAckOfAnInteractiveConnection() throws Exception {
        SoftSocket s = accept();
        peer.inject(data(100).seq(1).ack(1).win(1024).psh());
        peer.expect(ack().seq(1).ack(101), 5 * MS);
        s.read(new byte[100], 0, 100);
        write(s, 50);
        peer.expect(data(50).seq(1).ack(101));
        peer.inject(data(100).seq(101).ack(51).win(1024).psh());
        peer.expectNothing(35 * MS);
        peer.expect(ack().seq(51).ack(201), 10 * MS);
    }

    /** packetdrill: sack blocks newest first; a filled hole is acknowledged at once. */
    @Test
    void shouldReportTheNewestBlockFirst() throws Exception {
        accept();
        peer.inject(data(1000).seq(2001).ack(1).win(1024));
        peer.expect(ack().ack(1).sack(2001, 3001), 5 * MS);
        peer.inject(data(1000).seq(4001).ack(1).win(1024));
        peer.expect(ack().ack(1).sack(4001, 5001, 2001, 3001), 5 * MS);
        peer.inject(data(1000).seq(6001).ack(1).win(1024));
        peer.expect(ack().ack(1).sack(6001, 7001, 4001, 5001, 2001, 3001), 5 * MS);
        peer.inject(data(1000).seq(3001).ack(1).win(1024));
        peer.expect(ack().ack(1).sack(2001, 5001, 6001, 7001), 5 * MS);
        peer.inject(data(2000).seq(1).ack(1).win(1024));
        peer.expect(ack().ack(5001).sack(6001, 7001), 5 * MS);
        peer.inject(data(1000).seq(5001).ack(1).win(1024));
        peer.expect(ack().ack(7001).sack(), 5 * MS);
    }

    @Test
    void shouldReportDuplicatesByDsack() throws Exception {
        accept();
        peer.inject(data(1000).seq(1).ack(1).win(1024));
        peer.expect(ack().ack(1001), 5 * MS);
        peer.inject(data(1000).seq(1).ack(1).win(1024));
        peer.expect(ack().ack(1001).sack(1, 1001), 5 * MS);
        peer.inject(data(1000).seq(3001).ack(1).win(1024));
        peer.expect(ack().ack(1001).sack(3001, 4001), 5 * MS);
        peer.inject(data(500).seq(3201).ack(1).win(1024));
        peer.expect(ack().ack(1001).sack(3201, 3701, 3001, 4001), 5 * MS);
        peer.inject(data(2000).seq(501).ack(1).win(1024)); // overlaps in part
        peer.expect(ack().ack(2501).sack(501, 1001, 3001, 4001), 5 * MS);
    }

    /** packetdrill: tcp_rcv_big_endseq. */
    @Test
    void shouldNotTakeWhatGoesBeyondTheWindow() throws Exception {
        server.setOption(java.net.StandardSocketOptions.SO_RCVBUF, 20_000);
        SoftSocket s = accept(syn().mss(1000).wscale(7).win(32792));
        peer.inject(data(4000).seq(1).ack(1).win(257).psh());
        int window = peer.expect(ack().seq(1).ack(4001), 50 * MS).window;
        peer.inject(data(50_000).seq(4001).ack(1).win(257).psh());
        peer.expect(ack().seq(1).ack(4001).win(window), 5 * MS);
        lab.sleep(1000 * MS);
        peer.inject(data(50_000).seq(5001).ack(1).win(257).psh());
        peer.expect(ack().seq(1).ack(4001).win(window), 5 * MS);
        peer.inject(data(10_000).seq(70_001).ack(1).win(257).psh());
        peer.expect(ack().seq(1).ack(4001).win(window), 5 * MS);
        assertThat(peer.host.counter("TcpExtBeyondWindow")).isEqualTo(3);
        assertThat(s.read(new byte[100_000], 0, 100_000)).isEqualTo(4000);
        while (peer.next(5 * MS) != null) {
            // the window may have been reopened
        }
        peer.inject(data(50_000).seq(4001).ack(1).win(257).psh());
        peer.expect(ack().seq(1).ack(54_001).win(0), 5 * MS);
    }

    // ---- RFC 5961

    @Test
    void shouldChallengeBlindResetsAndSyns() throws Exception {
        SoftSocket s = accept();
        peer.inject(rst().seq(100));
        peer.expect(ack().seq(1).ack(1), 5 * MS);
        lab.sleep(600 * MS);
        peer.inject(syn().seq(100));
        peer.expect(ack().seq(1).ack(1), 5 * MS);
        lab.sleep(10 * MS);
        peer.inject(syn().seq(100)); // too soon after the last
        peer.expectNothing(100 * MS);
        assertThat(sock(s).state).isEqualTo(net.core.sock.TcpStates.TCP_ESTABLISHED);
        peer.inject(rst().seq(1));
        assertThat(sock(s).state).isEqualTo(net.core.sock.TcpStates.TCP_CLOSE);
    }

    // ---- states

    @Test
    void shouldGoThroughPassiveClose() throws Exception {
        SoftSocket s = accept();
        peer.inject(fin().seq(1).ack(1).win(1024));
        peer.expect(ack().seq(1).ack(2), 50 * MS);
        assertThat(s.read(new byte[1], 0, 1)).isEqualTo(-1);
        TcpSock tp = sock(s);
        assertThat(tp.state).isEqualTo(net.core.sock.TcpStates.TCP_CLOSE_WAIT);
        s.close();
        peer.expect(fin().seq(1).ack(2));
        assertThat(tp.state).isEqualTo(net.core.sock.TcpStates.TCP_LAST_ACK);
        peer.inject(ack().seq(2).ack(2).win(1024));
        assertThat(tp.state).isEqualTo(net.core.sock.TcpStates.TCP_CLOSE);
    }

    @Test
    void shouldGoThroughSimultaneousClose() throws Exception {
        SoftSocket s = accept();
        TcpSock tp = sock(s);
        s.close();
        peer.expect(fin().seq(1).ack(1));
        peer.inject(fin().seq(1).ack(1).win(1024));
        peer.expect(ack().seq(2).ack(2));
        assertThat(tp.state).isEqualTo(net.core.sock.TcpStates.TCP_CLOSING);
        peer.inject(ack().seq(2).ack(2).win(1024));
        assertThat(tp.state).isEqualTo(net.core.sock.TcpStates.TCP_CLOSE); // TIME_WAIT took over
    }

    @Test
    void shouldEchoCongestionMarksTillTheWindowIsReduced() throws Exception {
        accept(syn().mss(1000).sackOk().wscale(7).win(32792).with(Segment.ECE | Segment.CWR), true);
        peer.inject(data(1000).seq(1).ack(1).win(1024).ecn(2));
        assertThat(peer.expect(ack().ack(1001), 5 * MS).flags & Segment.ECE).isZero();
        peer.inject(data(1000).seq(1001).ack(1).win(1024).ecn(3));
        peer.expect(ack().ack(2001).with(Segment.ECE), 5 * MS);
        peer.inject(data(1000).seq(2001).ack(1).win(1024).ecn(2));
        peer.expect(ack().ack(3001).with(Segment.ECE), 50 * MS);
        peer.inject(data(1000).seq(3001).ack(1).win(1024).ecn(2).with(Segment.CWR));
        assertThat(peer.expect(ack().ack(4001), 5 * MS).flags & Segment.ECE).isZero();
    }

    private SoftSocket accept(Segment syn, boolean ecn) throws Exception {
        peer.inject(syn.seq(0));
        peer.expect(
                ecn ? synAck().seq(0).ack(1).with(Segment.ECE) : synAck().seq(0).ack(1));
        lab.sleep(100 * MS);
        peer.inject(ack().seq(1).ack(1).win(1024));
        return server.accept();
    }

    // ---- opening

    private SoftSocket connecting() throws Exception {
        SoftSocket s = peer.host.network.socket();
        s.configureBlocking(false);
        s.connect(Lab.endpoint("10.0.0.2", 4000));
        return s;
    }

    /** RFC 9293 3.5, figure 8: both SYNs cross. */
    @Test
    void shouldOpenFromBothSides() throws Exception {
        SoftSocket s = connecting();
        peer.expect(syn().seq(0));
        peer.inject(syn().seq(0).mss(1000).sackOk().win(32792));
        peer.expect(synAck().seq(0).ack(1));
        assertThat(sock(s).state).isEqualTo(net.core.sock.TcpStates.TCP_SYN_RECV);
        peer.inject(synAck().seq(0).ack(1).mss(1000).sackOk().win(32792));
        assertThat(sock(s).state).isEqualTo(net.core.sock.TcpStates.TCP_ESTABLISHED);
        peer.expect(ack().seq(1).ack(1).sack(0, 1)); // its SYN came twice
        write(s, 500);
        peer.expect(data(500).seq(1).ack(1), 500 * MS);
    }

    @Test
    void shouldResetAnOldConnectionAndTryAgain() throws Exception {
        SoftSocket s = connecting();
        peer.expect(syn().seq(0));
        peer.inject(ack().seq(77).ack(-5000).win(100)); // the peer still has an old connection
        peer.expect(rst().seq(-5000));
        peer.expect(syn().seq(0), 50 * MS); // soon, not after a second
        peer.inject(synAck().seq(0).ack(1).mss(1000).win(32792));
        peer.expect(ack().seq(1).ack(1));
        assertThat(sock(s).state).isEqualTo(net.core.sock.TcpStates.TCP_ESTABLISHED);
    }

    @Test
    void shouldRefuseWhatNobodyListensFor() throws Exception {
        SoftSocket s = connecting();
        peer.expect(syn().seq(0));
        peer.inject(Segment.rstAck().seq(0).ack(1));
        assertThat(sock(s).state).isEqualTo(net.core.sock.TcpStates.TCP_CLOSE);
        assertThat(sock(s).err).isEqualTo(net.skbuff.Errno.ECONNREFUSED);
    }

    // ---- window and urgent data

    @Test
    void shouldProbeAClosedWindow() throws Exception {
        SoftSocket s = accept();
        write(s, 1000);
        peer.expect(data(1000).seq(1));
        peer.inject(ack().seq(1).ack(1001).win(0));
        write(s, 1000);
        peer.expectNothing(200 * MS);
        for (int i = 0; i < 3; i++) { // a byte that was acknowledged, or none: it only draws an answer
            TcpFrame probe = peer.expect(ack().seq(1000).ack(1), 2000 * MS);
            assertThat(probe.payload).isEmpty();
            peer.inject(ack().seq(1).ack(1001).win(0));
        }
        peer.inject(ack().seq(1).ack(1001).win(1024));
        peer.expect(data(1000).seq(1001), 5 * MS);
    }

    @Test
    void shouldKeepTheUrgentByteOutOfBand() throws Exception {
        SoftSocket s = accept();
        peer.inject(data(new byte[] {1, 2, 3, 4}).seq(1).ack(1).win(1024).urg(4));
        TcpSock tp = sock(s);
        assertThat(tp.urgData & TcpConst.TCP_URG_VALID).isNotZero();
        assertThat(tp.urgData & 0xff).isEqualTo(4);
        byte[] got = new byte[10];
        assertThat(s.read(got, 0, 10)).isEqualTo(3); // reading stops at the mark
        assertThat(got).startsWith(1, 2, 3);
    }

    // ---- undo

    /** RFC 3708: D-SACKs for every retransmission give the window back. */
    @Test
    void shouldUndoByDsack() throws Exception {
        SoftSocket s = accept();
        write(s, 10_000);
        expectSegments(1, 10, 1000);
        lab.sleep(100 * MS);
        for (int end = 2001; end <= 4001; end += 1000) {
            peer.inject(ack().seq(1).ack(1).win(1024).sack(1001, end));
        }
        peer.expect(data(1000).seq(1), 2 * MS);
        assertThat(sock(s).sndSsthresh).isEqualTo(5);
        lab.sleep(10 * MS);
        peer.inject(ack().seq(1).ack(4001).win(1024)); // the original came late
        assertThat((int) sock(s).icskCaState).isEqualTo(TcpConst.TCP_CA_RECOVERY);
        lab.sleep(90 * MS);
        peer.inject(ack().seq(1).ack(10_001).win(1024).sack(1, 1001)); // and the retransmission too
        assertThat((int) sock(s).icskCaState).isEqualTo(TcpConst.TCP_CA_OPEN);
        assertThat(peer.host.counter("TcpExtTCPDSACKUndo") + peer.host.counter("TcpExtTCPFullUndo"))
                .isEqualTo(1);
        assertThat(sock(s).sndCwnd).isGreaterThanOrEqualTo(10);
        assertThat(sock(s).sndSsthresh).isGreaterThan(1000);
    }

    /** Eifel: the ACK echoes a stamp older than the retransmission. */
    @Test
    void shouldUndoByTimestamp() throws Exception {
        peer.withTimestamps();
        SoftSocket s = accept();
        TcpSock tp = sock(s);
        int mss = tp.mssCache;
        write(s, 10 * mss);
        expectSegments(1, 10, mss);
        lab.sleep(100 * MS);
        for (int n = 2; n <= 4; n++) {
            peer.inject(ack().seq(1).ack(1).win(1024).sack(1 + mss, 1 + n * mss));
        }
        TcpFrame again = peer.expect(data(mss).seq(1), 2 * MS);
        int before = again.tsVal - 100;
        assertThat((int) tp.icskCaState).isEqualTo(TcpConst.TCP_CA_RECOVERY);
        lab.sleep(5 * MS);
        peer.inject(ack().seq(1).ack(1 + 4 * mss).win(1024).ts((int) (lab.nowNs() / MS), before));
        assertThat(peer.host.counter("TcpExtTCPPartialUndo")).isEqualTo(1);
        assertThat((int) tp.icskCaState).isEqualTo(TcpConst.TCP_CA_OPEN);
        assertThat(tp.sndCwnd).isGreaterThanOrEqualTo(10);
    }

    // ---- congestion control modules

    @Test
    void shouldChangeTheAlgorithmLive() throws Exception {
        SoftSocket s = accept();
        assertThat(s.option(net.core.api.SoftOption.TCP_CONGESTION)).isEqualTo("reno");
        s.setOption(net.core.api.SoftOption.TCP_CONGESTION, "cubic");
        assertThat(s.option(net.core.api.SoftOption.TCP_CONGESTION)).isEqualTo("cubic");
        net.core.sock.OptVal info = new net.core.sock.OptVal(64);
        assertThat(sock(s).prot.getsockopt(sock(s), net.core.sock.SockConst.SOL_TCP, TcpConst.TCP_CC_INFO, info))
                .isZero();
        assertThat(info.len).as("cubic has nothing to tell").isZero();
        write(s, 20_000);
        expectSegments(1, 10, 1000);
        org.assertj.core.api.Assertions.assertThatThrownBy(
                        () -> s.setOption(net.core.api.SoftOption.TCP_CONGESTION, "none"))
                .hasMessageContaining("ENOENT");
    }

    @Test
    void shouldNameTheAlgorithmsThatThereAre() {
        var sysctl = peer.host.net.sysctl();
        assertThat(sysctl.get("net.ipv4.tcp_congestion_control")).isEqualTo("reno");
        assertThat(sysctl.get("net.ipv4.tcp_available_congestion_control").split(" "))
                .contains("cubic", "reno", "bbr", "dctcp");
        org.assertj.core.api.Assertions.assertThatThrownBy(() -> sysctl.set("net.ipv4.tcp_congestion_control", "bbr9"))
                .isInstanceOf(net.core.UserError.class)
                .hasMessageContaining("one of: ");
        org.assertj.core.api.Assertions.assertThatThrownBy(
                        () -> net.tcp.TcpCong.of(lab.kernel).register(new net.tcp.cong.Reno()))
                .isInstanceOf(net.core.UserError.class)
                .hasMessageContaining("reno");
    }
}
