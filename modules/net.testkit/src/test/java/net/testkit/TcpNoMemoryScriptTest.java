package net.testkit;

import static net.testkit.Segment.ack;
import static net.testkit.Segment.data;
import static net.testkit.Segment.fin;
import static net.testkit.Segment.rst;
import static net.testkit.Segment.syn;
import static net.testkit.Segment.synAck;
import static org.assertj.core.api.Assertions.assertThat;

import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import org.junit.jupiter.api.Test;

class TcpNoMemoryScriptTest {
    /** Found by a transfer: the ACK of the data was taken for one of the FIN, which then was never sent. */
    @Test
    void shouldNotTakeAnAckOfDataForOneOfAFinThatWasNotSent() throws Exception {
        try (Lab lab = Lab.virtual(1, 1)) {
            ScriptedPeer peer = new ScriptedPeer(lab);
            SoftServerSocket listener = Lab.listen(peer.host, 80);
            peer.inject(syn().seq(0).mss(1460));
            peer.expect(synAck().ack(1));
            peer.inject(ack().seq(1).ack(1));
            SoftSocket s = listener.accept();
            s.write(new byte[500], 0, 500);
            peer.expect(data(500).seq(1).ack(1));
            lab.kernel.cpu(0).failEvery = 1;
            s.shutdownOutput();
            lab.kernel.cpu(0).failEvery = 0;
            peer.inject(ack().seq(1).ack(501));
            peer.expect(fin().seq(501).ack(1), 2_000_000_000L);
            peer.inject(fin().seq(1).ack(502));
            peer.expect(ack().seq(502).ack(2));
            s.close();
            listener.close();
        }
    }

    /** Found by a transfer: all of a packet counted as lost, with its duplicate ACKs as SACKed: a window of 0. */
    @Test
    void shouldNotLoseMoreThanIsOutWhenAPacketCannotBeSplit() throws Exception {
        try (Lab lab = Lab.virtual(1, 1)) {
            ScriptedPeer peer = new ScriptedPeer(lab);
            SoftServerSocket listener = Lab.listen(peer.host, 80);
            peer.inject(syn().seq(0).mss(1000));
            peer.expect(synAck().ack(1));
            peer.inject(ack().seq(1).ack(1));
            SoftSocket s = listener.accept();
            s.write(new byte[6000], 0, 6000);
            for (int i = 0; i < 6; i++) {
                peer.expect(data(1000).seq(1 + 1000 * i));
            }
            peer.inject(ack().seq(1).ack(1));
            peer.inject(ack().seq(1).ack(1));
            lab.kernel.cpu(0).failEvery = 2; // room for the third duplicate, none to split what it reports lost
            peer.inject(ack().seq(1).ack(1));
            lab.kernel.cpu(0).failEvery = 0;
            assertThat(peer.host.counter("TcpExtTCPRenoRecovery")).isEqualTo(1);
            assertThat(TcpInvariants.checkAll(lab)).isEqualTo(1);
            peer.inject(rst().seq(1));
            s.close();
            listener.close();
        }
    }

    /** Found by the fuzzer: the orphan stayed in FIN_WAIT1 for ever. */
    @Test
    void shouldSendAFinOnceThereIsMemory() throws Exception {
        try (Lab lab = Lab.virtual(1, 1)) {
            ScriptedPeer peer = new ScriptedPeer(lab);
            SoftServerSocket listener = Lab.listen(peer.host, 80);
            peer.inject(syn().seq(0).mss(1460));
            peer.expect(synAck().ack(1));
            peer.inject(ack().seq(1).ack(1));
            SoftSocket s = listener.accept();
            lab.kernel.cpu(0).failEvery = 1;
            s.close();
            peer.expectNothing(100_000_000);
            lab.kernel.cpu(0).failEvery = 0;
            peer.expect(fin().seq(1).ack(1), 2_000_000_000L);
            peer.inject(fin().seq(1).ack(2));
            peer.expect(ack().seq(2).ack(2));
            listener.close();
        }
    }
}
