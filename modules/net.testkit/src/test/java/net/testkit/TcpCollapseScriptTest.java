package net.testkit;

import static net.testkit.Segment.ack;
import static net.testkit.Segment.data;
import static net.testkit.Segment.rst;
import static net.testkit.Segment.syn;
import static net.testkit.Segment.synAck;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.StandardSocketOptions;
import java.util.SplittableRandom;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import org.junit.jupiter.api.Test;

class TcpCollapseScriptTest {
    /** Tiny segments cost a packet each: a full buffer makes room by copying them together, never by taking more. */
    @Test
    void shouldCollapseTinySegmentsIntoLess() throws Exception {
        long collapsed = 0;
        for (long seed = 1; seed <= 20; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            try (Lab lab = Lab.virtual(seed, 1)) {
                ScriptedPeer peer = new ScriptedPeer(lab);
                SoftServerSocket listener = Lab.listen(peer.host, 80);
                listener.setOption(StandardSocketOptions.SO_RCVBUF, 8192 + random.nextInt(20_000));
                peer.inject(syn().seq(0).mss(1460));
                peer.expect(synAck().ack(1));
                peer.inject(ack().seq(1).ack(1));
                SoftSocket s = listener.accept();
                PayloadStream sent = new PayloadStream(seed);
                int most = 1 + random.nextInt(700);
                int next = 1;
                while (peer.host.counter("TcpExtPruneCalled") < 3 && next < 60_000) {
                    byte[] bytes = new byte[1 + random.nextInt(most)];
                    sent.fill(bytes, 0, bytes.length);
                    peer.inject(data(bytes).seq(next).ack(1));
                    next += bytes.length;
                    assertThat(TcpInvariants.checkAll(lab)).as("seed " + seed).isEqualTo(1);
                }
                check(s, seed);
                collapsed += peer.host.counter("TcpExtTCPRcvCollapsed");
                peer.inject(rst().seq(next));
                s.close();
                listener.close();
            }
        }
        assertThat(collapsed).as("packets collapsed").isPositive();
    }

    private static void check(SoftSocket s, long seed) throws Exception {
        s.configureBlocking(false);
        PayloadStream wanted = new PayloadStream(seed);
        byte[] buf = new byte[777];
        for (int n = s.read(buf, 0, buf.length); n > 0; n = s.read(buf, 0, buf.length)) {
            wanted.check(buf, 0, n);
        }
        assertThat(wanted.position()).as("bytes read, seed " + seed).isPositive();
    }
}
