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

    // ---- SYN

    private static int[] syn(TcpBench b) {
        TcpOutOptions options = TcpPcpu.of(b.cpu).outOptions;
        b.tp.tsoffset = 0x01020304;
        b.tp.rxOpt.tsRecent = 0x05060708;
        b.tp.rxOpt.rcvWscale = 9;
        SkBuff skb = b.data(1, 0);
        TcpSkbCb.tcpFlags(skb, TcpSkbCb.TCPHDR_SYN);
        int size = options.synOptions(b.tp, skb);
        skb.consume(b.cpu);
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
    void shouldTellInASynWhatTheSysctlsAllow() {
        try (TcpBench b = new TcpBench()) { // the MSS is 1000
            TcpSysctl sysctl = b.tp.sysctl;
            assertThat(syn(b)).containsExactly(2, 4, 3, 232, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 9);
            sysctl.tcpSack = 0;
            assertThat(syn(b)).containsExactly(2, 4, 3, 232, 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 9);
            sysctl.tcpWindowScaling = 0;
            assertThat(syn(b)).containsExactly(2, 4, 3, 232, 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8);
            sysctl.tcpTimestamps = 0;
            assertThat(syn(b)).containsExactly(2, 4, 3, 232);
            sysctl.tcpSack = 1;
            sysctl.tcpWindowScaling = 1;
            assertThat(syn(b)).containsExactly(2, 4, 3, 232, 1, 1, 4, 2, 1, 3, 3, 9);
        }
    }

    @Test
    void shouldPutACookieWhereItFits() {
        try (TcpBench b = new TcpBench()) {
            TcpFastOpenRequest request = new TcpFastOpenRequest();
            b.tp.fastopenReq = request;
            assertThat(syn(b)).as("no cookie").hasSize(20);
            assertThat(b.tp.synFastopen).isFalse();
            b.tp.sysctl.tcpTimestamps = 0;
            request.cookie = TcpFastOpenCookie.REQUEST;
            assertThat(syn(b)).endsWith(1, 3, 3, 9, 34, 2, 1, 1).hasSize(16);
            assertThat(b.tp.synFastopen).isTrue();
            assertThat(b.tp.synFastopenExp).isFalse();
            request.cookie = TcpFastOpenCookie.REQUEST_EXP;
            assertThat(syn(b)).endsWith(254, 4, 0xf9, 0x89).hasSize(16);
            assertThat(b.tp.synFastopenExp).isTrue();
            b.tp.sysctl.tcpTimestamps = 1;
            request.cookie = new TcpFastOpenCookie(new byte[] {11, 12, 13, 14, 15, 16, 17, 18}, false);
            assertThat(syn(b))
                    .endsWith(34, 10, 11, 12, 13, 14, 15, 16, 17, 18, 1, 1)
                    .hasSize(32);
            request.cookie = new TcpFastOpenCookie(new byte[16], true);
            assertThat(syn(b)).as("all 40 bytes").hasSize(40);
            request.cookie = new TcpFastOpenCookie(new byte[18], true);
            assertThat(syn(b)).as("too long").hasSize(20);
        }
    }

    // ---- AccECN

    /** A connection whose peer understands the option; 16 bytes came with ECT(1), 32 with ECT(0), 48 with CE. */
    private static TcpAccEcn accurate(TcpBench b) {
        TcpAccEcn a = new TcpAccEcn();
        b.tp.accEcn = a;
        b.tp.ecnFlags = TcpConst.TCP_ECN_MODE_ACCECN;
        a.sawOpt = TcpAccEcn.OPT_COUNTER_SEEN;
        a.receivedEcnBytes[TcpAccEcn.ECT_1 - 1] = 16;
        a.receivedEcnBytes[TcpAccEcn.ECT_0 - 1] = 32;
        a.receivedEcnBytes[TcpAccEcn.CE - 1] = 48;
        return a;
    }

    @Test
    void shouldTellOfAsManyCountsAsFit() {
        try (TcpBench b = new TcpBench()) {
            TcpAccEcn a = accurate(b);
            a.minlen = 3;
            a.optDemand = 1;
            assertThat(written(b)).containsExactly(174, 11, 0, 0, 17, 0, 0, 48, 0, 0, 33, 1);
            assertThat(a.minlen).isZero();
            assertThat(a.optDemand).isZero();
            assertThat(a.optTstampUs).isEqualTo(b.tp.tcpMstamp);
            b.tp.rxOpt.numSacks = 4;
            int[] four = written(b);
            assertThat(four).as("the count's end goes before SACK").hasSize(40).startsWith(174, 5, 0, 0, 17, 1, 5, 34);
            b.tp.rxOpt.tstampOk = true;
            assertThat(written(b))
                    .as("no count, in the padding of SACK")
                    .hasSize(40)
                    .contains(174, 2, 5, 26);
            a.minlen = 1;
            int[] two = written(b);
            assertThat(two)
                    .as("a block gives way")
                    .hasSize(12 + 8 + 4 + 2 * 8)
                    .contains(174, 8, 0, 0, 17, 0, 0, 48, 1, 1, 5, 18);
            b.tp.rxOpt.numSacks = 1;
            assertThat(written(b)).hasSize(12 + 12 + 12);
        }
    }

    @Test
    void shouldSendTheOptionOnlyIfItIsOfUse() {
        try (TcpBench b = new TcpBench()) {
            TcpAccEcn a = accurate(b);
            TcpSysctl sysctl = b.tp.sysctl;
            assertThat(written(b)).hasSize(12);
            a.failMode = TcpAccEcn.OPT_FAIL_SEND;
            assertThat(written(b)).isEmpty();
            a.failMode = 0;
            a.sawOpt = TcpAccEcn.OPT_NOT_SEEN;
            assertThat(written(b)).isEmpty();
            a.sawOpt = TcpAccEcn.OPT_EMPTY_SEEN;
            sysctl.tcpEcnOption = 0;
            assertThat(written(b)).isEmpty();
            sysctl.tcpEcnOption = 1;
            sysctl.tcpEcnOptionBeacon = 0;
            a.optDemand = 1;
            assertThat(written(b)).as("once").hasSize(12);
            assertThat(written(b)).isEmpty();
            sysctl.tcpEcnOptionBeacon = 1;
            b.tp.srttUs = 8 * 1000;
            b.tp.tcpMstamp += 999;
            assertThat(written(b)).as("once a round trip").isEmpty();
            b.tp.tcpMstamp += 1;
            assertThat(written(b)).hasSize(12);
            sysctl.tcpEcnOption = 2;
            b.tp.ecnFlags = 0;
            assertThat(written(b)).isEmpty();
        }
    }
}
