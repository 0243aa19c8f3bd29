package net.testkit;

import static net.testkit.Segment.data;
import static net.testkit.Segment.flags;
import static net.testkit.Segment.rst;
import static net.testkit.Segment.synAck;
import static org.assertj.core.api.Assertions.assertThat;

import net.core.api.SoftOption;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.tcp.TcpInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a peer can do with the option of accurate ECN and with what looks like one. */
@Timeout(60)
class TcpAccEcnScriptTest {
    private static final int AE = 0x100;
    /** ECT(0), CE and ECT(1) bytes: 1, 1000 and 1. */
    private static final int[] OPTION = {174, 11, 0, 0, 1, 0, 3, 0xe8, 0, 0, 1, 1};

    private static TcpInfo info(SoftSocket s) throws Exception {
        return (TcpInfo) s.option(SoftOption.TCP_INFO);
    }

    /** The offset of the last segment's option must not be applied to a predicted segment, whose options are not read. */
    @Test
    void shouldNotTakePayloadForAnOption() throws Exception {
        Lab lab = Lab.virtual(
                1,
                1,
                "net.ipv4.tcp_ecn=3",
                "net.ipv4.tcp_timestamps=0",
                "net.ipv4.tcp_sack=0",
                "net.ipv4.tcp_window_scaling=0");
        ScriptedPeer peer = new ScriptedPeer(lab);
        SoftServerSocket server = Lab.listen(peer.host, 80);
        peer.ports(4000, 80)
                .inject(flags(Segment.SYN | Segment.ECE | Segment.CWR | AE)
                        .seq(0)
                        .mss(1000));
        peer.expect(synAck().seq(0).ack(1).with(Segment.CWR));
        peer.inject(flags(Segment.ACK | Segment.CWR).seq(1).ack(1));
        SoftSocket s = server.accept();
        s.write(new byte[2000], 0, 2000);
        peer.expect(data(1000).seq(1).with(Segment.ECE));
        peer.expect(data(1000).seq(1001).with(Segment.ECE));
        int ace = Segment.ACK | AE | Segment.ECE; // nothing marked
        peer.inject(flags(ace).seq(1).ack(1001).option(174, 11, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1));
        byte[] fake = new byte[200];
        for (int i = 0; i < OPTION.length; i++) {
            fake[i] = (byte) OPTION[i];
        }
        peer.inject(data(fake).seq(1).ack(2001).with(AE | Segment.ECE));
        // Until the memory set aside for reception is used up: then a predicted segment goes the slow way, unread.
        for (int i = 1; i < 30; i++) {
            s.write(new byte[1000], 0, 1000);
            lab.sleep(100_000); // whatever it sends
            peer.inject(data(fake).seq(1 + 200 * i).ack(2001 + 1000 * i).with(AE | Segment.ECE));
        }
        assertThat(info(s).accecnOptSeen).isEqualTo(2);
        assertThat(info(s).deliveredCeBytes).isZero();
        assertThat(info(s).deliveredCe).isZero();
        peer.inject(rst().seq(6001));
        lab.abandon();
    }
}
