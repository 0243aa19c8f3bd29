package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TcpParseOptionsTest {
    private static final long SEED = 99;

    private static SkBuff header(TcpBench b, int flags, byte... options) {
        int length = TcpHdr.LENGTH + (options.length + 3) / 4 * 4;
        SkBuff skb = b.cpu.allocSkb(64);
        skb.put(length);
        skb.resetTransportHeader();
        TcpSkbCb.init(skb);
        TcpHdr th = new TcpHdr().wrap(skb);
        th.flagWord(length, flags, 100);
        for (int i = 0; i < length - TcpHdr.LENGTH; i++) {
            UnsafeApi.putByte(th.address() + TcpHdr.LENGTH + i, i < options.length ? options[i] : 0);
        }
        return skb;
    }

    private static TcpOptionsReceived parse(TcpBench b, SkBuff skb, boolean estab) {
        TcpOptionsReceived opt = new TcpOptionsReceived();
        TcpParseOptions.tcpParseOptions(b.tp.sysctl, skb, new TcpHdr().wrap(skb), opt, estab);
        return opt;
    }

    @Test
    void shouldReadTheOptionsOfASyn() {
        try (TcpBench b = new TcpBench()) {
            byte[] options = {2, 4, 5, (byte) 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7};
            SkBuff skb = header(b, TcpHdr.SYN, options);
            TcpOptionsReceived opt = parse(b, skb, false);
            assertThat(opt.mssClamp).isEqualTo(1460);
            assertThat(opt.sackOk).isEqualTo(TcpOptionsReceived.TCP_SACK_SEEN);
            assertThat(opt.sawTstamp).isTrue();
            assertThat(opt.rcvTsval).isEqualTo(1);
            assertThat(opt.rcvTsecr).isEqualTo(2);
            assertThat(opt.wscaleOk).isTrue();
            assertThat(opt.sndWscale).isEqualTo(7);
            skb.consume(b.cpu);
        }
    }

    @Test
    void shouldLimitTheWindowShiftTo14() {
        try (TcpBench b = new TcpBench()) {
            SkBuff skb = header(b, TcpHdr.SYN, (byte) 3, (byte) 3, (byte) 200);
            assertThat(parse(b, skb, false).sndWscale).isEqualTo(14);
            skb.consume(b.cpu);
        }
    }

    @Test
    void shouldIgnoreOptionsOfSynsLater() {
        try (TcpBench b = new TcpBench()) {
            SkBuff skb = header(b, TcpHdr.ACK, (byte) 2, (byte) 4, (byte) 5, (byte) 0xb4);
            assertThat(parse(b, skb, true).mssClamp).isZero();
            skb.consume(b.cpu);
        }
    }

    /** Random bytes: no exception, and nothing is read beyond the header. */
    @Test
    void shouldSurviveAnything() {
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        try (TcpBench b = new TcpBench()) {
            for (int i = 0; i < 200_000; i++) {
                byte[] options = new byte[random.nextInt(41)];
                random.nextBytes(options);
                for (int j = 0; j < options.length; j++) {
                    if (random.nextInt(3) == 0) {
                        options[j] = (byte) random.nextInt(12);
                    }
                }
                SkBuff skb = header(b, random.nextInt(256), options);
                TcpOptionsReceived opt = new TcpOptionsReceived();
                opt.sackOk = random.nextInt(2);
                opt.tstampOk = random.nextBoolean();
                TcpHdr th = new TcpHdr().wrap(skb);
                TcpParseOptions.tcpParseOptions(b.tp.sysctl, skb, th, opt, random.nextBoolean());
                int sack = TcpSkbCb.sacked(skb);
                if (sack != 0) {
                    int size = UnsafeApi.getByte(th.address() + sack + 1) & 0xff;
                    assertThat(sack + size).isLessThanOrEqualTo(th.headerLength());
                    assertThat(TcpParseOptions.readSackBlocks(skb, sack, new int[8]))
                            .isBetween(1, 4);
                }
                skb.consume(b.cpu);
            }
        }
    }
}
