package net.testkit;

import static net.testkit.Segment.ack;
import static net.testkit.Segment.data;
import static net.testkit.Segment.rst;
import static net.testkit.Segment.syn;
import static net.testkit.Segment.synAck;

import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import org.junit.jupiter.api.Test;

class TcpClosedWindowScriptTest {
    /** Found by live transfers: each side dropped the other's ACKs for lying behind its closed window, for ever. */
    @Test
    void shouldAcknowledgeInsideAWindowThatWasTakenBack() throws Exception {
        try (Lab lab = Lab.virtual(1, 1)) {
            ScriptedPeer peer = new ScriptedPeer(lab);
            SoftServerSocket listener = Lab.listen(peer.host, 80);
            peer.inject(syn().seq(0).mss(1460).wscale(10));
            peer.expect(synAck().ack(1));
            peer.inject(ack().seq(1).ack(1).win(100));
            SoftSocket s = listener.accept();
            s.write(new byte[620], 0, 620);
            peer.expect(data(620).seq(1).ack(1));
            // Out of memory: what is on its way is dropped, and the window closed.
            peer.inject(ack().seq(1).ack(1).win(0));
            peer.inject(data(1000).seq(1).ack(1).win(0));
            peer.expect(ack().seq(1).ack(1001));
            peer.inject(rst().seq(1001));
            s.close();
            listener.close();
        }
    }
}
