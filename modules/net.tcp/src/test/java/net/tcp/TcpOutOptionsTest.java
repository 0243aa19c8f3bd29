package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import net.skbuff.Page;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;

/** Options of segments after the handshake: sizes agree with bytes, blocks are cut to what fits. */
class TcpOutOptionsTest {
    private static int[] written(TcpBench b) {
        TcpOutOptions options = TcpPcpu.of(b.cpu).outOptions;
        SkBuff skb = b.data(1, 10);
        int size = options.establishedOptions(b.tp, skb);
        skb.consume(b.cpu);
        assertThat(TcpOutOptions.establishedSize(b.tp)).isEqualTo(size);
        Page page = b.cpu.allocPage(64);
        options.write(page.address(), size, b.tp);
        int[] bytes = new int[size];
        for (int i = 0; i < size; i++) {
            bytes[i] = UnsafeApi.getByte(page.address() + i) & 0xff;
        }
        page.put(b.cpu);
        return bytes;
    }

    @Test
    void shouldWriteNothingWithoutOptions() {
        try (TcpBench b = new TcpBench()) {
            assertThat(written(b)).isEmpty();
        }
    }

    @Test
    void shouldAlignTheTimeStamp() {
        try (TcpBench b = new TcpBench()) {
            b.tp.rxOpt.tstampOk = true;
            b.tp.rxOpt.tsRecent = 0x01020304;
            b.tp.tsoffset = 0x10;
            assertThat(written(b)).containsExactly(1, 1, 8, 10, 0, 0, 0, 0x10, 1, 2, 3, 4);
        }
    }

    @Test
    void shouldPutTheDuplicateFirstAndForgetIt() {
        try (TcpBench b = new TcpBench()) {
            b.tp.rxOpt.dsack = true;
            b.tp.duplicateSackStart = 5;
            b.tp.duplicateSackEnd = 9;
            b.tp.rxOpt.numSacks = 1;
            b.tp.selectiveAcks[0] = 20;
            b.tp.selectiveAcks[1] = 30;
            assertThat(written(b)).containsExactly(1, 1, 5, 18, 0, 0, 0, 5, 0, 0, 0, 9, 0, 0, 0, 20, 0, 0, 0, 30);
            assertThat(b.tp.rxOpt.dsack).isFalse();
        }
    }

    @Test
    void shouldSendThreeBlocksBesideATimeStampAndFourWithout() {
        try (TcpBench b = new TcpBench()) {
            b.tp.rxOpt.numSacks = 4;
            assertThat(written(b)).hasSize(4 + 4 * 8);
            b.tp.rxOpt.tstampOk = true;
            assertThat(written(b)).hasSize(12 + 4 + 3 * 8);
        }
    }
}
