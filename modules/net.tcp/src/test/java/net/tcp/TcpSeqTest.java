package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class TcpSeqTest {
    private static final long SEED = 20_25L;

    @Test
    void shouldOrderAcrossTheWrap() {
        assertThat(TcpSeq.before(0xffff_fff0, 0x10)).isTrue();
        assertThat(TcpSeq.after(0x10, 0xffff_fff0)).isTrue();
        assertThat(TcpSeq.before(5, 5)).isFalse();
        assertThat(TcpSeq.after(5, 5)).isFalse();
        assertThat(TcpSeq.between(0, 0xffff_fffe, 2)).isTrue();
        assertThat(TcpSeq.between(3, 0xffff_fffe, 2)).isFalse();
    }

    /** Reference: unwrapped 64-bit numbers. */
    @Test
    void shouldAgreeWithUnwrappedNumbers() {
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        for (int i = 0; i < 200_000; i++) {
            long base = random.nextLong(1L << 33);
            long a = base + random.nextInt(1 << 30);
            long b = base + random.nextInt(1 << 30);
            long c = Math.max(a, b) + random.nextInt(1 << 29);
            assertThat(TcpSeq.before((int) a, (int) b)).isEqualTo(a < b);
            assertThat(TcpSeq.after((int) a, (int) b)).isEqualTo(a > b);
            assertThat(TcpSeq.max((int) a, (int) b)).isEqualTo((int) Math.max(a, b));
            assertThat(TcpSeq.min((int) a, (int) b)).isEqualTo((int) Math.min(a, b));
            assertThat(TcpSeq.between((int) b, (int) a, (int) c)).isEqualTo(a <= b);
        }
    }
}
