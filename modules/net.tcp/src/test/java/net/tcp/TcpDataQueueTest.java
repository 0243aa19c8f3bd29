package net.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import net.core.sock.SockFlag;
import net.skbuff.SkBuff;
import org.junit.jupiter.api.Test;

/** Where a segment's text goes, what the reader is told, and which ACK follows. */
class TcpDataQueueTest {
    private static TcpBench bench() {
        TcpBench b = new TcpBench();
        TcpSock tp = b.tp;
        tp.rcvNxt = 5000;
        tp.copiedSeq = 5000;
        tp.rcvWup = 5000;
        tp.rcvWnd = 10_000;
        tp.rcvbuf = 1 << 20;
        return b;
    }

    private static long counted(TcpBench b, LinuxMib mib) {
        return b.tp.tcpNet.linuxMib.read(mib);
    }

    /** A segment comes; an ACK that it asks for is seen in {@code icskAckPending}. */
    private static void comes(TcpBench b, int seq, int length, int flags) {
        b.tp.icskAckPending = 0;
        TcpDataQueue.tcpDataQueue(b.cpu, b.tp, b.segment(seq, length, 0, flags, 0));
    }

    @Test
    void shouldQueueWhatIsNextAndTellTheReader() {
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            tp.rxOpt.dsack = true;
            comes(b, 5000, 100, TcpHdr.ACK);
            assertThat(tp.rcvNxt).isEqualTo(5100);
            assertThat(tp.rxOpt.dsack).as("the last duplicate is history").isFalse();
            assertThat(b.readersWoken).isEqualTo(1);
            assertThat(tp.icskAckPending & TcpConst.ICSK_ACK_SCHED).isNotZero();
            SkBuff skb = tp.receiveQueue.peek();
            assertThat(skb.len).as("without its header").isEqualTo(100);
            assertThat(tp.rmemAlloc()).isEqualTo(skb.truesize);
            comes(b, 5100, 0, TcpHdr.ACK);
            assertThat(b.readersWoken).as("no text").isEqualTo(1);
            assertThat(tp.icskAckPending).isZero();
            tp.rcvlowat = 400;
            comes(b, 5100, 299, TcpHdr.ACK);
            assertThat(b.readersWoken).as("SO_RCVLOWAT").isEqualTo(1);
            comes(b, 5399, 1, TcpHdr.ACK);
            assertThat(b.readersWoken).isEqualTo(2);
        }
    }

    @Test
    void shouldJoinWhatFollows() {
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            comes(b, 5000, 100, TcpHdr.ACK);
            comes(b, 5100, 50, TcpHdr.ACK | TcpHdr.PSH);
            SkBuff skb = tp.receiveQueue.peek();
            assertThat(tp.receiveQueue.peekTail()).isSameAs(skb);
            assertThat(counted(b, LinuxMib.TCPRCVCOALESCE)).isEqualTo(1);
            assertThat(skb.len).isEqualTo(150);
            assertThat(TcpSkbCb.endSeq(skb)).isEqualTo(5150);
            assertThat(TcpSkbCb.tcpFlags(skb) & TcpSkbCb.TCPHDR_PSH).isNotZero();
            assertThat(tp.rmemAlloc()).as("what it costs is charged").isEqualTo(skb.truesize);
            assertThat((tp.forwardAlloc + tp.rmemAlloc()) % 4096)
                    .as("and taken from what was reserved, whole pages")
                    .isZero();
        }
    }

    @Test
    void shouldJoinOnlyNeighboursOfOneKind() {
        try (TcpBench b = bench()) {
            SkBuff to = b.data(1, 100);
            SkBuff from = b.data(102, 50);
            assertThat(TcpDataQueue.tcpTryCoalesce(b.cpu, b.tp, to, from))
                    .as("a hole")
                    .isFalse();
            TcpSkbCb.seq(from, 101);
            from.decrypted = true;
            assertThat(TcpDataQueue.tcpTryCoalesce(b.cpu, b.tp, to, from))
                    .as("one is decrypted")
                    .isFalse();
            from.decrypted = false;
            TcpSkbCb.ackSeq(from, 77);
            TcpSkbCb.hasRxtstamp(from, true);
            from.tstampNs = 4711;
            assertThat(TcpDataQueue.tcpTryCoalesce(b.cpu, b.tp, to, from)).isTrue();
            assertThat(TcpSkbCb.ackSeq(to)).isEqualTo(77);
            assertThat(TcpSkbCb.hasRxtstamp(to)).isTrue();
            assertThat(to.tstampNs).isEqualTo(4711);
            assertThat(b.tp.rmemAlloc()).isEqualTo(to.coalesceDelta);
            b.tp.rmemAllocAdd(-to.coalesceDelta);
            b.tp.memCharge(-to.coalesceDelta);
            from.consume(b.cpu);
            to.consume(b.cpu);
        }
    }

    @Test
    void shouldDropWhatIsOldAndSaySo() {
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            tp.icskAckQuick = 0;
            comes(b, 4900, 100, TcpHdr.ACK);
            assertThat(counted(b, LinuxMib.DELAYEDACKLOST)).isEqualTo(1);
            assertThat(tp.rxOpt.dsack).isTrue();
            assertThat(tp.duplicateSackStart).isEqualTo(4900);
            assertThat(tp.duplicateSackEnd).isEqualTo(5000);
            assertThat(tp.icskAckPending & TcpConst.ICSK_ACK_SCHED).isNotZero();
            assertThat(tp.icskAckQuick).as("at once").isPositive();
            assertThat(tp.receiveQueue.isEmpty()).isTrue();
            comes(b, 4900, 101, TcpHdr.ACK);
            assertThat(tp.rcvNxt).as("a byte of it is new").isEqualTo(5001);
            assertThat(tp.duplicateSackStart).isEqualTo(4900);
            assertThat(tp.duplicateSackEnd).isEqualTo(5000);
            assertThat(counted(b, LinuxMib.DELAYEDACKLOST)).isEqualTo(1);
        }
    }

    @Test
    void shouldDropWhatLiesBehindTheWindow() {
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            tp.icskAckQuick = 0;
            comes(b, 15_000, 10, TcpHdr.ACK);
            assertThat(tp.outOfOrderQueue.isEmpty()).isTrue();
            assertThat(tp.icskAckPending & TcpConst.ICSK_ACK_SCHED).isNotZero();
            assertThat(tp.icskAckQuick).isPositive();
            comes(b, 14_999, 10, TcpHdr.ACK);
            assertThat(tp.outOfOrderQueue.isEmpty())
                    .as("the window's last byte")
                    .isFalse();
        }
    }

    @Test
    void shouldTakeNoTextIntoAClosedWindow() {
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            tp.rcvWnd = 0;
            tp.icskAckQuick = 0;
            comes(b, 5000, 10, TcpHdr.ACK);
            assertThat(counted(b, LinuxMib.TCPZEROWINDOWDROP)).isEqualTo(1);
            assertThat(tp.icskAckPending & TcpConst.ICSK_ACK_SCHED).isNotZero();
            assertThat(tp.icskAckQuick).isPositive();
            comes(b, 5000, 10, TcpHdr.ACK | TcpHdr.FIN);
            assertThat(counted(b, LinuxMib.TCPZEROWINDOWDROP))
                    .as("a FIN with text")
                    .isEqualTo(2);
            assertThat(tp.rcvNxt).isEqualTo(5000);
            comes(b, 5000, 0, TcpHdr.ACK | TcpHdr.FIN);
            assertThat(tp.rcvNxt).as("a bare FIN needs no room").isEqualTo(5001);
            assertThat(tp.state).isEqualTo(net.core.sock.TcpStates.TCP_CLOSE_WAIT);
        }
        try (TcpBench b = bench()) {
            b.tp.rcvWnd = 1;
            comes(b, 5000, 1, TcpHdr.ACK);
            assertThat(b.tp.rcvNxt).as("one byte has room").isEqualTo(5001);
            comes(b, 5001, 1, TcpHdr.ACK);
            assertThat(counted(b, LinuxMib.TCPZEROWINDOWDROP)).isEqualTo(1);
        }
    }

    @Test
    void shouldAcknowledgeAFilledGapAtOnce() {
        try (TcpBench b = bench()) {
            TcpSock tp = b.tp;
            comes(b, 5200, 100, TcpHdr.ACK);
            comes(b, 5400, 100, TcpHdr.ACK);
            assertThat(tp.rxOpt.numSacks).isEqualTo(2);
            tp.predFlags = 0;
            comes(b, 5000, 200, TcpHdr.ACK);
            assertThat(tp.rcvNxt).isEqualTo(5300);
            assertThat(tp.rxOpt.numSacks).as("the first is no news").isEqualTo(1);
            assertThat(tp.icskAckPending & TcpConst.ICSK_ACK_NOW)
                    .as("a gap is left")
                    .isZero();
            assertThat(tp.predFlags).isZero();
            comes(b, 5300, 100, TcpHdr.ACK);
            assertThat(tp.rcvNxt).isEqualTo(5500);
            assertThat(tp.rxOpt.numSacks).isZero();
            assertThat(tp.icskAckPending & TcpConst.ICSK_ACK_NOW).isNotZero();
            assertThat(tp.predFlags).as("the short way again").isNotZero();
            comes(b, 5500, 100, TcpHdr.ACK);
            assertThat(tp.icskAckPending & TcpConst.ICSK_ACK_NOW)
                    .as("no gap was there")
                    .isZero();
        }
    }

    @Test
    void shouldNotWakeTheReaderOfADeadSocket() {
        try (TcpBench b = bench()) {
            b.tp.setFlag(SockFlag.DEAD);
            comes(b, 5000, 100, TcpHdr.ACK);
            assertThat(b.tp.rcvNxt).isEqualTo(5100);
            assertThat(b.readersWoken).isZero();
            b.tp.copiedSeq = 5100;
            TcpDataQueue.tcpDataReady(b.cpu, b.tp);
            assertThat(b.readersWoken).as("nothing to read").isZero();
            b.tp.setFlag(SockFlag.DONE);
            TcpDataQueue.tcpDataReady(b.cpu, b.tp);
            assertThat(b.readersWoken).as("the end is").isEqualTo(1);
        }
    }
}
