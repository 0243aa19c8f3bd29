package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import net.core.Cpu;
import net.core.Kernel;
import net.skbuff.Page;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The header's fields lie where RFC 9293 puts them. */
class TcpHdrTest {
    private Kernel kernel;
    private Cpu cpu;
    private Page page;

    @BeforeEach
    void boot() {
        kernel = Kernel.boot("clock=virtual");
        cpu = kernel.cpu(0); // alone in virtual time: nobody contends for its word
        page = cpu.allocPage(64);
    }

    @AfterEach
    void close() {
        page.put(cpu);
        kernel.close();
    }

    private void bytes(int... values) {
        for (int i = 0; i < values.length; i++) {
            UnsafeApi.putByte(page.address() + i, (byte) values[i]);
        }
    }

    @Test
    void shouldReadEveryField() {
        bytes(0x12, 0x34, 0xf0, 0x01, 0xde, 0xad, 0xbe, 0xef, 0x80, 0, 0, 1, 0xa1, 0x12, 0xff, 0xfe, 0xab, 0xcd, 0, 7);
        TcpHdr th = new TcpHdr().wrap(page.address());
        assertThat(th.source()).isEqualTo(0x1234);
        assertThat(th.dest()).isEqualTo(0xf001);
        assertThat(th.seq()).isEqualTo(0xdeadbeef);
        assertThat(th.ackSeq()).isEqualTo(0x80000001);
        assertThat(th.doff()).isEqualTo(10);
        assertThat(th.headerLength()).isEqualTo(40);
        assertThat(TcpHdr.lengthAt(page.address())).isEqualTo(40);
        assertThat(th.ae()).isTrue();
        assertThat(th.syn()).isTrue();
        assertThat(th.ack()).isTrue();
        assertThat(th.fin() || th.rst() || th.psh() || th.urg() || th.ece() || th.cwr())
                .isFalse();
        assertThat(th.window()).isEqualTo(0xfffe);
        assertThat(th.check()).isEqualTo(0xabcd);
        assertThat(th.urgPtr()).isEqualTo(7);
        assertThat(th.flagWord()).isEqualTo(0xa112fffe);
    }

    @Test
    void shouldReadBackWhatWasWritten() {
        long seed = 20;
        SplittableRandom random = new SplittableRandom(seed);
        TcpHdr th = new TcpHdr().wrap(page.address());
        for (int i = 0; i < 1000; i++) {
            int flags = random.nextInt(512);
            int window = random.nextInt(65536);
            int length = 20 + 4 * random.nextInt(11);
            int seq = random.nextInt();
            th.source(window);
            th.dest(flags);
            th.seq(seq);
            th.ackSeq(~seq);
            th.flagWord(length, flags, window);
            assertThat(th.source()).as("seed " + seed).isEqualTo(window);
            assertThat(th.dest()).isEqualTo(flags);
            assertThat(th.seq()).isEqualTo(seq);
            assertThat(th.ackSeq()).isEqualTo(~seq);
            assertThat(th.flags()).isEqualTo(flags & 0xff);
            assertThat(th.ae()).isEqualTo((flags & TcpHdr.AE) != 0);
            assertThat(th.headerLength()).isEqualTo(length);
            assertThat(th.window()).isEqualTo(window);
        }
    }
}
