package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HexFormat;
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

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replace(" ", ""));
    }

    private static TcpOptionsReceived syn(TcpBench b, String options) {
        SkBuff skb = header(b, TcpHdr.SYN, hex(options));
        TcpOptionsReceived opt = parse(b, skb, false);
        skb.consume(b.cpu);
        return opt;
    }

    /** Each option with one byte less, right, and one more, told by its length field; the next option is read all the same. */
    @Test
    void shouldTakeEachOptionAtItsOwnLengthOnly() {
        try (TcpBench b = new TcpBench()) {
            for (int size = 2; size <= 12; size++) {
                byte[] options = new byte[16];
                options[1] = (byte) size;
                options[2] = 2;
                options[3] = 3;
                Arrays.fill(options, size, 16, (byte) 1);
                boolean[] taken = new boolean[9];
                for (int kind : new int[] {2, 3, 4, 8}) {
                    options[0] = (byte) kind;
                    SkBuff skb = header(b, TcpHdr.SYN, options);
                    TcpOptionsReceived opt = parse(b, skb, false);
                    skb.consume(b.cpu);
                    taken[kind] = opt.mssClamp == 0x203 || opt.wscaleOk || opt.sackOk != 0 || opt.sawTstamp;
                }
                assertThat(taken)
                        .as("size %d", size)
                        .containsExactly(
                                false, false, size == 4, size == 3, size == 2, false, false, false, size == 10);
            }
        }
    }

    @Test
    void shouldStopAtWhatIsTruncatedOrSilly() {
        try (TcpBench b = new TcpBench()) {
            String mss = "02 04 05 b4 ";
            assertThat(syn(b, "01 01 01 01 " + mss).mssClamp).isEqualTo(1460);
            assertThat(syn(b, "00 01 01 01 " + mss).mssClamp).isZero(); // end of the list
            assertThat(syn(b, "fd 00 01 01 " + mss).mssClamp).isZero();
            assertThat(syn(b, "fd 01 01 01 " + mss).mssClamp).isZero();
            assertThat(syn(b, "fd 02 01 01 " + mss).mssClamp).isEqualTo(1460);
            assertThat(syn(b, "fd 04 02 04 " + mss).mssClamp).isEqualTo(1460);
            assertThat(syn(b, "fd 08 00 00 " + mss).mssClamp).isZero(); // covers the other
            assertThat(syn(b, "fd 09 00 00 " + mss).mssClamp).isZero(); // beyond the header
            assertThat(syn(b, mss + "01 01 01 02").mssClamp).isEqualTo(1460); // one byte is no option
            assertThat(syn(b, "01 01 01 01 01 01 01 04").sackOk).isZero();
            assertThat(syn(b, "01 01 04 02").sackOk).isEqualTo(TcpOptionsReceived.TCP_SACK_SEEN);
            assertThat(syn(b, "01 01 04 03").sackOk).isZero();
        }
    }

    @Test
    void shouldAskTheSettings() {
        try (TcpBench b = new TcpBench()) {
            String all = "02 04 05 b4 04 02 08 0a 80 00 00 01 fe dc ba 98 01 03 03 0e";
            TcpOptionsReceived opt = syn(b, all);
            assertThat(opt.rcvTsval).isEqualTo(0x80000001);
            assertThat(opt.rcvTsecr).isEqualTo(0xfedcba98);
            assertThat(opt.sndWscale).isEqualTo(14);
            b.tp.sysctl.tcpWindowScaling = 0;
            b.tp.sysctl.tcpSack = 0;
            b.tp.sysctl.tcpTimestamps = 0;
            opt = syn(b, all);
            assertThat(opt.wscaleOk).isFalse();
            assertThat(opt.sackOk).isZero();
            assertThat(opt.sawTstamp).isFalse();
            assertThat(opt.mssClamp).isEqualTo(1460);

            // Later it counts what was agreed, not what is set.
            SkBuff skb = header(b, TcpHdr.ACK, hex(all));
            TcpHdr th = new TcpHdr().wrap(skb);
            TcpOptionsReceived later = new TcpOptionsReceived();
            later.sawTstamp = true;
            later.accecn = 9;
            TcpParseOptions.tcpParseOptions(b.tp.sysctl, skb, th, later, true);
            assertThat(later.sawTstamp).isFalse();
            assertThat(later.accecn).isZero();
            later.tstampOk = true;
            TcpParseOptions.tcpParseOptions(b.tp.sysctl, skb, th, later, true);
            assertThat(later.sawTstamp).isTrue();
            assertThat(later.wscaleOk).isFalse();
            assertThat(later.sackOk).isZero();
            assertThat(later.mssClamp).isZero();
            skb.consume(b.cpu);

            // A segment without SYN announces nothing, whatever the state.
            b.tp.sysctl.tcpWindowScaling = 1;
            b.tp.sysctl.tcpSack = 1;
            SkBuff ack = header(b, TcpHdr.ACK, hex(all));
            TcpOptionsReceived none = parse(b, ack, false);
            assertThat(none.mssClamp).isZero();
            assertThat(none.wscaleOk).isFalse();
            assertThat(none.sackOk).isZero();
            ack.consume(b.cpu);
        }
    }

    @Test
    void shouldForgetOlderSacksWhenSackIsOffered() {
        try (TcpBench b = new TcpBench()) {
            SkBuff skb = header(b, TcpHdr.SYN, hex("01 01 04 02"));
            TcpOptionsReceived opt = new TcpOptionsReceived();
            opt.dsack = true;
            opt.numSacks = 2;
            TcpParseOptions.tcpParseOptions(b.tp.sysctl, skb, new TcpHdr().wrap(skb), opt, false);
            assertThat(opt.dsack).isFalse();
            assertThat(opt.numSacks).isZero();
            skb.consume(b.cpu);
        }
    }

    /** The user's limit (TCP_MAXSEG) wins if it is smaller; 0 is no announcement. */
    @Test
    void shouldTakeTheSmallerOfBothMss() {
        int[][] cases = { // announced, user's, clamp, tcpParseMssOption's
            {1460, 0, 1460, 1460},
            {1460, 1000, 1000, 1000},
            {1460, 1459, 1459, 1459},
            {1460, 1460, 1460, 1460},
            {1460, 1461, 1460, 1460},
            {0xffff, 0, 0xffff, 0xffff},
            {1, 0, 1, 1},
            {0, 0, 77, 0},
            {0, 1000, 77, 0}
        };
        try (TcpBench b = new TcpBench()) {
            for (int[] c : cases) {
                byte[] options = {2, 4, (byte) (c[0] >> 8), (byte) c[0]};
                SkBuff skb = header(b, TcpHdr.SYN, options);
                TcpHdr th = new TcpHdr().wrap(skb);
                TcpOptionsReceived opt = new TcpOptionsReceived();
                opt.userMss = c[1];
                opt.mssClamp = 77;
                TcpParseOptions.tcpParseOptions(b.tp.sysctl, skb, th, opt, false);
                assertThat(opt.mssClamp).as("%d, user's %d", c[0], c[1]).isEqualTo(c[2]);
                assertThat(TcpParseOptions.tcpParseMssOption(th, c[1])).isEqualTo(c[3]);
                skb.consume(b.cpu);
            }
        }
    }

    private static int mssOption(TcpBench b, String options) {
        SkBuff skb = header(b, TcpHdr.SYN, hex(options));
        int mss = TcpParseOptions.tcpParseMssOption(new TcpHdr().wrap(skb), 0);
        skb.consume(b.cpu);
        return mss;
    }

    @Test
    void shouldFindTheMssAmongOthers() {
        try (TcpBench b = new TcpBench()) {
            String mss = "02 04 05 b4 ";
            assertThat(mssOption(b, mss)).isEqualTo(1460);
            assertThat(mssOption(b, "01 " + mss + "01 01 01")).isEqualTo(1460);
            assertThat(mssOption(b, "01 01 04 02 " + mss)).isEqualTo(1460);
            assertThat(mssOption(b, "04 02 " + mss + "01 01")).isEqualTo(1460);
            assertThat(mssOption(b, "03 03 07 " + mss + "00")).isEqualTo(1460);
            assertThat(mssOption(b, "fd 04 02 04 " + mss)).isEqualTo(1460);
            assertThat(mssOption(b, "02 03 05 01 " + mss)).isEqualTo(1460); // wrong length: no MSS
            assertThat(mssOption(b, "fd 02 01 01 " + mss)).isEqualTo(1460);
            assertThat(mssOption(b, "00 01 01 01 " + mss)).isZero();
            assertThat(mssOption(b, "fd 01 01 01 " + mss)).isZero();
            assertThat(mssOption(b, "fd 08 01 01 " + mss)).isZero();
            assertThat(mssOption(b, "fd 09 01 01 " + mss)).isZero();
            assertThat(mssOption(b, "01 01 01 01")).isZero();
            assertThat(mssOption(b, "01 01 01 02")).isZero();
            assertThat(mssOption(b, "01 02 04 05")).isZero();
            assertThat(mssOption(b, "")).isZero();
        }
    }

    /** RFC 7413 4.1.1: a cookie has 4 to 16 bytes and an even length; none is a request. Kind 254 has the magic f989. */
    @Test
    void shouldReadFastOpenCookiesOfEveryLength() {
        try (TcpBench b = new TcpBench()) {
            for (int length = 0; length <= 20; length++) {
                for (boolean exp : new boolean[] {false, true}) {
                    String cookie = "000102030405060708090a0b0c0d0e0f10111213".substring(0, 2 * length);
                    String options = exp
                            ? String.format("fe%02xf989%s", 4 + length, cookie)
                            : String.format("22%02x%s", 2 + length, cookie);
                    TcpFastOpenCookie read = syn(b, options).fastopen;
                    if (length == 0) {
                        assertThat(read).isEqualTo(exp ? TcpFastOpenCookie.REQUEST_EXP : TcpFastOpenCookie.REQUEST);
                    } else if (length < 4 || length > 16 || length % 2 != 0) {
                        assertThat(read).as("%d bytes", length).isNull();
                    } else {
                        assertThat(read).isEqualTo(new TcpFastOpenCookie(hex(cookie), exp));
                    }
                }
            }
            assertThat(syn(b, "fe 04 f9 88").fastopen).isNull();
            assertThat(syn(b, "01 fe 03 f9 89 00 00 00").fastopen).isNull();
            assertThat(syn(b, "22 06 01 02 03 04 22 05 01 02 03 00").fastopen)
                    .isNotNull(); // odd: as if it were not there
            assertThat(syn(b, "22 06 01 02 03 04 22 14 000102030405060708090a0b0c0d0e0f1011").fastopen)
                    .isNull();

            SkBuff skb = header(b, TcpHdr.ACK, hex("22 06 01 02 03 04 fe 08 f9 89 01 02 03 04"));
            TcpOptionsReceived opt = new TcpOptionsReceived();
            TcpHdr th = new TcpHdr().wrap(skb);
            opt.fastopen = TcpFastOpenCookie.REQUEST;
            TcpParseOptions.tcpParseOptions(b.tp.sysctl, skb, th, opt, true);
            assertThat(opt.fastopen).isSameAs(TcpFastOpenCookie.REQUEST);
            TcpParseOptions.tcpParseOptions(b.tp.sysctl, skb, th, opt, false);
            assertThat(opt.fastopen).isNull();
            skb.consume(b.cpu);
            SkBuff late = header(b, TcpHdr.SYN, hex("22 06 01 02 03 04 fe 08 f9 89 01 02 03 04"));
            assertThat(parse(b, late, true).fastopen).isNull();
            late.consume(b.cpu);
        }
    }

    @Test
    void shouldRememberWhereSackAndAccEcnAre() {
        try (TcpBench b = new TcpBench()) {
            for (int size = 2; size <= 34; size++) {
                byte[] options = new byte[36];
                Arrays.fill(options, (byte) 1);
                options[2] = 5;
                options[3] = (byte) size;
                SkBuff skb = header(b, TcpHdr.ACK, options);
                TcpHdr th = new TcpHdr().wrap(skb);
                TcpOptionsReceived opt = new TcpOptionsReceived();
                TcpParseOptions.tcpParseOptions(b.tp.sysctl, skb, th, opt, true);
                assertThat(TcpSkbCb.sacked(skb)).isZero(); // not agreed
                opt.sackOk = 1;
                TcpParseOptions.tcpParseOptions(b.tp.sysctl, skb, th, opt, true);
                boolean whole = size == 10 || size == 18 || size == 26 || size == 34;
                assertThat(TcpSkbCb.sacked(skb)).as("size %d", size).isEqualTo(whole ? 22 : 0);
                skb.consume(b.cpu);
            }
            for (String kind : new String[] {"ac", "ae"}) {
                assertThat(syn(b, "01 " + kind + " 05 00 00 01 00 00").accecn).isEqualTo(21);
            }
            assertThat(syn(b, "01 ad 05 00 00 01 00 00").accecn).isZero();
        }
    }

    @Test
    void shouldReadSackBlocks() {
        try (TcpBench b = new TcpBench()) {
            for (int blocks = 0; blocks <= 5; blocks++) {
                SkBuff skb = b.cpu.allocSkb(128);
                skb.put(80);
                skb.resetTransportHeader();
                long at = skb.transportAddress() + 22;
                UnsafeApi.putByte(at, (byte) 5);
                UnsafeApi.putByte(at + 1, (byte) (2 + 8 * blocks));
                int[] wanted = new int[10];
                for (int i = 0; i < 2 * blocks; i++) {
                    int value = 0x80706050 + i * 0x01010101;
                    UnsafeApi.putInt(at + 2 + 4L * i, Integer.reverseBytes(value));
                    wanted[i] = i < 8 ? value : 0;
                }
                int[] read = new int[10];
                assertThat(TcpParseOptions.readSackBlocks(skb, 22, read)).isEqualTo(Math.min(4, blocks));
                assertThat(read).containsExactly(wanted);
                skb.consume(b.cpu);
            }
        }
    }

    /** Stamps that stand alone take a short cut; what they say must not depend on it. */
    @Test
    void shouldReadStampsWithAndWithoutTheShortCut() {
        String[] layouts = {"01 01 08 0a %s %s", "08 0a %s %s 01 01", "01 01 08 0a %s %s 01 01 01 01"};
        try (TcpBench b = new TcpBench()) {
            TcpSock tp = b.tp;
            tp.tsoffset = 0x100;
            tp.rxOpt.tstampOk = true;
            for (String layout : layouts) {
                for (int echo : new int[] {0, 0x1234, 0x80}) {
                    String options = String.format(layout, "80000007", String.format("%08x", echo));
                    SkBuff skb = header(b, TcpHdr.ACK, hex(options));
                    tp.rxOpt.sawTstamp = false;
                    tp.rxOpt.accecn = 5;
                    assertThat(TcpParseOptions.tcpFastParseOptions(tp.sysctl, skb, new TcpHdr().wrap(skb), tp))
                            .isTrue();
                    assertThat(tp.rxOpt.sawTstamp).isTrue();
                    assertThat(tp.rxOpt.accecn).isZero();
                    assertThat(tp.rxOpt.rcvTsval).isEqualTo(0x80000007);
                    assertThat(tp.rxOpt.rcvTsecr).as(options).isEqualTo(echo == 0 ? 0 : echo - 0x100);
                    skb.consume(b.cpu);
                }
            }
            SkBuff skb = header(b, TcpHdr.ACK, hex("01 01 08 0a 00 00 00 01 00 00 00 02"));
            TcpHdr th = new TcpHdr().wrap(skb);
            assertThat(TcpParseOptions.tcpParseAlignedTimestamp(tp, th)).isTrue();
            tp.rxOpt.tstampOk = false;
            assertThat(TcpParseOptions.tcpFastParseOptions(tp.sysctl, skb, th, tp))
                    .isTrue();
            assertThat(tp.rxOpt.sawTstamp).isFalse(); // not agreed
            skb.consume(b.cpu);
            SkBuff other = header(b, TcpHdr.ACK, hex("01 08 0a 00 00 00 01 00 00 00 02 01"));
            assertThat(TcpParseOptions.tcpParseAlignedTimestamp(tp, new TcpHdr().wrap(other)))
                    .isFalse();
            other.consume(b.cpu);
            SkBuff bare = header(b, TcpHdr.ACK);
            tp.rxOpt.sawTstamp = true;
            tp.rxOpt.accecn = 5;
            assertThat(TcpParseOptions.tcpFastParseOptions(tp.sysctl, bare, new TcpHdr().wrap(bare), tp))
                    .isFalse();
            assertThat(tp.rxOpt.sawTstamp).isFalse();
            assertThat(tp.rxOpt.accecn).isZero();
            bare.consume(b.cpu);
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
