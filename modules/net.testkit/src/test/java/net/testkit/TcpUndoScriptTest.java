package net.testkit;

import static net.testkit.Segment.ack;
import static net.testkit.Segment.data;
import static net.testkit.Segment.rst;
import static net.testkit.Segment.syn;
import static net.testkit.Segment.synAck;
import static org.assertj.core.api.Assertions.assertThat;

import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import org.junit.jupiter.api.Test;

class TcpUndoScriptTest {
    /** Found by the fuzzer: retransOut stayed too high for the rest of the connection. */
    @Test
    void shouldCountARetransmissionOnceThatIsLostAfterAnUndo() throws Exception {
        try (Lab lab = Lab.virtual(1, 1, "net.ipv4.tcp_frto=0", "net.ipv4.tcp_early_retrans=0")) {
            ScriptedPeer peer = new ScriptedPeer(lab);
            SoftServerSocket listener = Lab.listen(peer.host, 80);
            peer.inject(syn().seq(0).mss(1012).sackOk().ts(100, 0));
            int start = peer.expect(synAck().ack(1)).tsVal;
            peer.inject(ack().seq(1).ack(1).ts(100, start));
            SoftSocket s = listener.accept();
            s.write(new byte[3000], 0, 3000);
            int first = peer.expect(data(1000).seq(1)).tsVal;
            peer.expect(data(1000).seq(1001));
            peer.expect(data(1000).seq(2001));
            int again = peer.expect(data(1000).seq(1), 3_000_000_000L).tsVal;
            assertThat(again).isNotEqualTo(first);
            peer.inject(ack().seq(1).ack(1001).ts(101, again));
            peer.expect(data(1000).seq(1001));
            peer.expect(data(1000).seq(2001));
            // An echo of the first transmission: the time-out was for nothing, and nothing is taken for lost any more.
            peer.inject(ack().seq(1).ack(2001).ts(102, first));
            assertThat(TcpInvariants.checkAll(lab)).isEqualTo(1);
            assertThat(peer.host.counter("TcpExtTCPLossUndo")).isEqualTo(1);
            peer.expect(data(1000).seq(2001), 3_000_000_000L);
            assertThat(TcpInvariants.checkAll(lab)).isEqualTo(1);
            peer.inject(rst().seq(1));
            s.close();
            listener.close();
        }
    }
}
