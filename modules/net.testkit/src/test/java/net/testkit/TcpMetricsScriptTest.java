package net.testkit;

import static net.testkit.Segment.ack;
import static net.testkit.Segment.data;
import static net.testkit.Segment.fin;
import static net.testkit.Segment.rst;
import static net.testkit.Segment.syn;
import static net.testkit.Segment.synAck;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.core.api.SoftOption;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.tcp.TcpInfo;
import net.tcp.TcpMetricsBlock;
import net.tcp.TcpNet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a connection leaves to the next one to the same place. */
@Timeout(60)
class TcpMetricsScriptTest {
    private static final long MS = 1_000_000;

    private Lab lab;
    private ScriptedPeer peer;
    private SoftServerSocket server;

    private void boot(String... words) throws Exception {
        lab = Lab.virtual(1, 1, words);
        peer = new ScriptedPeer(lab);
        server = Lab.listen(peer.host, 80);
    }

    @AfterEach
    void end() {
        lab.abandon();
    }

    private SoftSocket accept(int port, long rttNs) throws Exception {
        peer.ports(port, 80).inject(syn().seq(0).mss(1000));
        peer.expect(synAck().seq(0).ack(1));
        lab.sleep(rttNs);
        peer.inject(ack().seq(1).ack(1));
        return server.accept();
    }

    /** One segment and its ACK, then an orderly end from our side. */
    private void life(int port, long rttNs) throws Exception {
        SoftSocket s = accept(port, rttNs);
        s.write(new byte[500], 0, 500);
        peer.expect(data(500).seq(1));
        lab.sleep(rttNs);
        peer.inject(ack().seq(1).ack(501));
        s.close();
        peer.expect(fin().seq(501));
        lab.sleep(rttNs);
        peer.inject(fin().seq(1).ack(502));
        peer.expect(ack().seq(502).ack(2));
    }

    private List<TcpMetricsBlock> known() {
        return TcpNet.of(peer.host.net).metrics.list();
    }

    private static TcpInfo info(SoftSocket s) throws Exception {
        return (TcpInfo) s.option(SoftOption.TCP_INFO);
    }

    @Test
    void shouldStartTheNextTimeOutFromTheRoundTripKnown() throws Exception {
        boot();
        life(4000, 100 * MS);
        assertThat(known()).hasSize(1);
        assertThat(known().get(0).get(TcpMetricsBlock.RTT) / 8000).isBetween(100, 102);
        SoftSocket s = accept(4001, MS);
        TcpInfo info = info(s);
        assertThat(info.rtt).isLessThan(5000);
        assertThat(info.rto / 1000).isBetween(300, 306);
        // Its own first sample counts at once.
        s.write(new byte[500], 0, 500);
        peer.expect(data(500).seq(1));
        peer.inject(ack().seq(1).ack(501));
        assertThat(info(s).rto / 1000).isBetween(200, 210);
        peer.inject(rst().seq(1));
    }

    @Test
    void shouldForgetAGoodRoundTripSlowly() throws Exception {
        boot();
        life(4000, 100 * MS);
        int first = known().get(0).get(TcpMetricsBlock.RTT);
        life(4001, 20 * MS);
        int second = known().get(0).get(TcpMetricsBlock.RTT);
        assertThat(second).isBetween(first * 85 / 100, first * 95 / 100); // an eighth of the way
    }

    @Test
    void shouldLearnNothingIfToldSo() throws Exception {
        boot("net.ipv4.tcp_no_metrics_save=1");
        life(4000, 100 * MS);
        assertThat(known()).isEmpty();
    }

    @Test
    void shouldRememberTheWindowOfAConnectionInSlowStart() throws Exception {
        boot();
        life(4000, 10 * MS);
        assertThat(known().get(0).get(TcpMetricsBlock.CWND)).isBetween(10, 12);
        assertThat(known().get(0).get(TcpMetricsBlock.SSTHRESH)).isZero();
        assertThat(known().get(0).daddr).isEqualTo(peer.addr);
        assertThat(known().get(0).saddr).isEqualTo(peer.hostAddr);
    }

    @Test
    void shouldKeepTheLastQuarterOfTheQueueForPeersThatAreKnown() throws Exception {
        boot("net.ipv4.tcp_syncookies=0", "net.ipv4.tcp_max_syn_backlog=4");
        for (int port = 5000; port < 5004; port++) {
            peer.ports(port, 80).inject(syn().seq(0).mss(1000));
            peer.expect(synAck().ack(1));
        }
        peer.ports(5004, 80).inject(syn().seq(0).mss(1000));
        peer.expectNothing(100 * MS);
        for (int port = 5000; port < 5004; port++) {
            peer.ports(port, 80).inject(rst().seq(1));
        }
        life(4000, 10 * MS);
        for (int port = 5000; port < 5005; port++) {
            peer.ports(port, 80).inject(syn().seq(0).mss(1000));
            peer.expect(synAck().ack(1));
        }
    }
}
