package net.skbuff;

import static org.assertj.core.api.Assertions.assertThat;

import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class HashTest {
    private final SipHash sip = new SipHash(0x0706050403020100L, 0x0f0e0d0c0b0a0908L);

    private static byte[] counting(int n) {
        byte[] bytes = new byte[n];
        for (int i = 0; i < n; i++) {
            bytes[i] = (byte) i;
        }
        return bytes;
    }

    @Test
    void shouldMatchThePublishedVectors() {
        // from the reference implementation's vectors: input 00 01 02 ... of the given length
        assertThat(sip.hashBytes(counting(0), 0, 0)).isEqualTo(0x726fdb47dd0e0e31L);
        assertThat(sip.hashBytes(counting(1), 0, 1)).isEqualTo(0x74f839c593dc67fdL);
        assertThat(sip.hashBytes(counting(8), 0, 8)).isEqualTo(0x93f5f5799a932462L);
        assertThat(sip.hashBytes(counting(15), 0, 15)).isEqualTo(0xa129ca6149be45e5L);
    }

    @Test
    void shouldHashWordsAsTheirLittleEndianBytes() {
        byte[] bytes = counting(32);
        long[] w = new long[4];
        for (int i = 0; i < 32; i++) {
            w[i / 8] |= (bytes[i] & 0xffL) << (i % 8 * 8);
        }
        assertThat(sip.hash(w[0])).isEqualTo(sip.hashBytes(bytes, 0, 8));
        assertThat(sip.hash(w[0], w[1])).isEqualTo(sip.hashBytes(bytes, 0, 16));
        assertThat(sip.hash(w[0], w[1], w[2])).isEqualTo(sip.hashBytes(bytes, 0, 24));
        assertThat(sip.hash(w[0], w[1], w[2], w[3])).isEqualTo(sip.hashBytes(bytes, 0, 32));
        assertThat(sip.hash32((int) w[0])).isEqualTo(sip.hashBytes(bytes, 0, 4));
        assertThat(sip.hash32((int) w[0], (int) (w[0] >>> 32))).isEqualTo(sip.hashBytes(bytes, 0, 8));
        assertThat(sip.hash32((int) w[0], (int) (w[0] >>> 32), (int) w[1])).isEqualTo(sip.hashBytes(bytes, 0, 12));
    }

    @Test
    void shouldHashMemoryAsArrays() {
        byte[] bytes = counting(100);
        long memory = UnsafeApi.allocateMemory(100);
        try {
            UnsafeApi.copyMemory(bytes, UnsafeApi.arrayBaseOffset(byte[].class), null, memory, 100);
            for (int n = 0; n < 100; n++) {
                assertThat(sip.hashBytes(memory, n)).isEqualTo(sip.hashBytes(bytes, 0, n));
            }
        } finally {
            UnsafeApi.freeMemory(memory);
        }
    }

    @Test
    void shouldGiveJhashTheSameWordsInEveryForm() {
        int[] words = {0x12345678, 0x9abcdef0, 0x0badcafe};
        assertThat(Jhash.hash(words, 1, 5)).isEqualTo(Jhash.hash1(words[0], 5));
        assertThat(Jhash.hash(words, 2, 5)).isEqualTo(Jhash.hash2(words[0], words[1], 5));
        assertThat(Jhash.hash(words, 3, 5)).isEqualTo(Jhash.hash3(words[0], words[1], words[2], 5));
        assertThat(Jhash.hash(words, 0, 5)).isEqualTo(0xdeadbeef + 5);
    }
}
