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

import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The segment language on plain cases; it doubles as its manual. */
class ScriptedPeerTest {
    private final Lab lab = Lab.virtual(1, 1);
    private final ScriptedPeer peer = new ScriptedPeer(lab);
    private SoftServerSocket listener;

    @BeforeEach
    void listen() throws Exception {
        listener = Lab.listen(peer.host, 80);
    }

    @AfterEach
    void end() {
        lab.close();
    }

    private SoftSocket establish() throws Exception {
        peer.inject(syn().seq(0).win(65535).mss(1460).sackOk());
        peer.expect(synAck().seq(0).ack(1).mss(1460).sackOk());
        peer.inject(ack().seq(1).ack(1));
        return listener.accept();
    }

    @Test
    void shouldShakeHandsAndCarryData() throws Exception {
        try (SoftSocket s = establish()) {
            peer.inject(data("hello".getBytes()).seq(1).ack(1).psh());
            byte[] buf = new byte[10];
            assertThat(s.read(buf, 0, 10)).isEqualTo(5);
            peer.expect(ack().seq(1).ack(6));
            s.write("world".getBytes(), 0, 5);
            peer.expect(data("world".getBytes()).seq(1).ack(6).psh());
            peer.inject(ack().seq(6).ack(6));
        }
        peer.expect(fin().seq(6).ack(6));
        peer.inject(fin().seq(6).ack(7));
        peer.expect(ack().seq(7).ack(7));
    }

    @Test
    @SuppressWarnings("try") // only its connection matters
    void shouldReportAHoleWithSack() throws Exception {
        try (SoftSocket s = establish()) {
            peer.inject(data(1000).seq(1001).ack(1));
            peer.expect(ack().ack(1).sack(1001, 2001));
            peer.inject(data(1000).seq(1).ack(1));
            peer.expect(ack().ack(2001).sack());
            peer.inject(rst().seq(2001));
        }
    }

    @Test
    void shouldRefuseAClosedPort() {
        peer.ports(4001, 81).inject(syn().seq(0).mss(1460));
        peer.expect(rstAck().seq(0).ack(1));
        peer.expectNothing(1_000_000_000);
    }

    @Test
    void shouldConnectToAPeer() throws Exception {
        SoftSocket[] s = new SoftSocket[1];
        lab.start("client", () -> s[0] = peer.host.network.connect(Lab.endpoint("10.0.0.2", 9)));
        peer.expect(syn().seq(0).mss(1460).sackOk());
        peer.inject(synAck().seq(0).ack(1).mss(1000));
        peer.expect(ack().seq(1).ack(1));
        lab.joinAll();
        s[0].close();
        peer.expect(fin().seq(1).ack(1));
        peer.inject(rst().seq(1));
    }

    @Test
    void shouldSayWhatDiffers() {
        peer.inject(syn().seq(0).mss(1460));
        assertThatThrownBy(() -> peer.expect(synAck().ack(2)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("ack 1, want 2");
        peer.inject(rst().seq(1));
    }

    @Test
    void shouldFindAWrongChecksum() {
        byte[] tcp = Frames.tcp(1, 2, 3, 4, 5, 6, Segment.ACK, 7, 0, new byte[0], new byte[9]);
        byte[] frame = Frames.ethernet(
                new byte[6], new byte[6], Frames.ETH_P_IP, Frames.ipv4(1, 2, Frames.IPPROTO_TCP, 0, 0, 0, 64, tcp));
        assertThat(PacketCheck.wrong(frame)).isNull();
        frame[frame.length - 1] ^= 4;
        assertThat(PacketCheck.wrong(frame)).isEqualTo("TCP checksum");
        frame[20] ^= 4;
        assertThat(PacketCheck.wrong(frame)).isEqualTo("IPv4 header checksum");
    }
}
