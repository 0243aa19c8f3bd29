package net.skbuff;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ChecksumTest {
    private static final int SIZE = 70_000;
    private final long memory = UnsafeApi.allocateMemory(SIZE);
    private final long other = UnsafeApi.allocateMemory(SIZE);
    private final byte[] bytes = new byte[SIZE];

    @AfterEach
    void free() {
        UnsafeApi.freeMemory(memory);
        UnsafeApi.freeMemory(other);
    }

    private void fill(SplittableRandom random, int n, int kind) {
        for (int i = 0; i < n; i++) {
            bytes[i] = (byte) (kind == 0 ? random.nextInt() : kind == 1 ? 0xff : 0);
            UnsafeApi.putByte(memory + i, bytes[i]);
        }
    }

    @Test
    void shouldAgreeWithTheNaiveSumAtEveryAlignmentAndLength() {
        SplittableRandom random = new SplittableRandom(7);
        for (int kind = 0; kind < 3; kind++) {
            fill(random, 400, kind);
            for (int off = 0; off < 9; off++) {
                for (int n = 0; n < 200; n++) {
                    int seed = random.nextInt();
                    int want = Checksum.fold(Checksum.add(seed, SkbModelTest.naive(bytes, off, n)));
                    assertThat(Checksum.fold(Checksum.partial(memory + off, n, seed)))
                            .isEqualTo(want);
                    assertThat(Checksum.fold(Checksum.copy(memory + off, other + 3, n, seed)))
                            .isEqualTo(want);
                    assertThat(Checksum.fold(Checksum.partial(other + 3, n, seed)))
                            .isEqualTo(want);
                }
            }
        }
    }

    @Test
    void shouldNotOverflowOnLongRunsOfOnes() {
        fill(new SplittableRandom(1), SIZE, 1);
        for (int n : new int[] {65_535, 65_536, SIZE - 1, SIZE}) {
            assertThat(Checksum.sum16(Checksum.partial(memory, n, 0xffff_ffff)))
                    .isEqualTo(Checksum.sum16(Checksum.add(0xffff_ffff, SkbModelTest.naive(bytes, 0, n))));
        }
    }

    @Test
    void shouldAddBlocksAtOddOffsets() {
        SplittableRandom random = new SplittableRandom(9);
        fill(random, 3000, 0);
        for (int i = 0; i < 2000; i++) {
            int n = random.nextInt(3000);
            int cut = random.nextInt(n + 1);
            int a = Checksum.partial(memory, cut, 0);
            int b = Checksum.partial(memory + cut, n - cut, 0);
            int whole = Checksum.partial(memory, n, 0);
            assertThat(Checksum.fold(Checksum.blockAdd(a, b, cut))).isEqualTo(Checksum.fold(whole));
            assertThat(Checksum.fold(Checksum.blockSub(whole, b, cut)) % 0xffff).isEqualTo(Checksum.fold(a) % 0xffff);
        }
    }

    @Test
    void shouldFollowAFieldThatChanges() {
        SplittableRandom random = new SplittableRandom(11);
        for (int round = 0; round < 5000; round++) {
            fill(random, 20, 0);
            int check = Checksum.fold(Checksum.partial(memory, 20, 0));
            int at = random.nextInt(5) * 4;
            int from = Integer.reverseBytes(UnsafeApi.getInt(memory + at));
            int to = random.nextInt(4) == 0 ? ~from : random.nextInt();
            UnsafeApi.putInt(memory + at, Integer.reverseBytes(to));
            int now = Checksum.fold(Checksum.partial(memory, 20, 0));
            assertThat(Checksum.replace4(check, from, to) % 0xffff).isEqualTo(now % 0xffff);
            int half = Checksum.replace2(check, from >>> 16, to >>> 16);
            assertThat(Checksum.replace2(half, from & 0xffff, to & 0xffff) % 0xffff)
                    .isEqualTo(now % 0xffff);
        }
    }

    @Test
    void shouldCheckAKnownIpHeader() {
        // 45 00 00 73 00 00 40 00 40 11 b8 61 c0 a8 00 01 c0 a8 00 c7: a header much used as an example
        int[] words = {0x45000073, 0x00004000, 0x4011b861, 0xc0a80001, 0xc0a800c7};
        for (int i = 0; i < words.length; i++) {
            UnsafeApi.putInt(memory + 4L * i, Integer.reverseBytes(words[i]));
        }
        assertThat(Checksum.ipFast(memory, 5)).isZero();
        UnsafeApi.putShort(memory + 10, (short) 0);
        assertThat(Checksum.ipFast(memory, 5)).isEqualTo(0xb861);
    }

    @Test
    void shouldSumThePseudoHeaderFromHostOrderInts() {
        int saddr = 0x0A090002;
        int daddr = 0x0A090001;
        byte[] pseudo = {10, 9, 0, 2, 10, 9, 0, 1, 0, 6, 0, 40};
        assertThat(Checksum.tcpUdpMagic(saddr, daddr, 40, 6, 0))
                .isEqualTo(Checksum.fold(SkbModelTest.naive(pseudo, 0, pseudo.length)));
    }
}
