package net.tcp;

import net.core.Cpu;
import net.core.Kernel;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/** A connection without a network: what unit tests of the receive side put their hands on. */
final class TcpBench implements AutoCloseable {
    static final int MSS = 1000;

    final Kernel kernel;
    final Cpu cpu;
    final TcpSock tp;
    /** How often the socket told readers, and writers. */
    int readersWoken;

    int writersWoken;

    TcpBench() {
        kernel = Kernel.boot("clock=virtual");
        cpu = kernel.localBhDisable(0);
        tp = new TcpSock(kernel.initNet(), TcpSockets.of(kernel).prot) {
            @Override
            public void dataReady(@Nullable Cpu cpu) {
                readersWoken++;
                super.dataReady(cpu);
            }

            @Override
            public void writeSpace(@Nullable Cpu cpu) {
                writersWoken++;
                super.writeSpace(cpu);
            }
        };
        Tcp.tcpInitSock(tp);
        tp.state = net.core.sock.TcpStates.TCP_ESTABLISHED;
        tp.mssCache = MSS;
        tp.advmss = MSS;
        tp.maxWindow = 1 << 20;
        tp.sndWnd = 1 << 20;
        tp.rcvWnd = 1 << 20;
        tp.rxOpt.sackOk = TcpOptionsReceived.TCP_SACK_SEEN;
        tp.tcpHeaderLen = TcpHdr.LENGTH;
        tp.tcpMstamp = 1_000_000;
    }

    /** Puts {@code segs} segments of {@link #MSS} bytes on the retransmit queue, as one packet sent at {@code sentUs}. */
    SkBuff sent(int seq, int segs, long sentUs) {
        SkBuff skb = data(seq, segs * MSS);
        TcpSkbCb.tcpFlags(skb, TcpSkbCb.TCPHDR_ACK);
        TcpSkbCb.pcount(skb, segs);
        TcpSkbCb.gsoSize(skb, segs > 1 ? MSS : 0);
        skb.skbMstampNs = sentUs * 1000;
        TcpRate.skbSent(cpu, tp, skb);
        TcpQueues.charge(tp, skb);
        TcpQueues.rtxInsert(tp, skb);
        TcpTsorted.addTail(tp, skb);
        tp.packetsOut += segs;
        tp.sndNxt = TcpSkbCb.endSeq(skb);
        tp.writeSeq = tp.sndNxt;
        return skb;
    }

    /** A packet of {@code length} bytes in fragments; byte {@code i} of the stream is {@code (byte) (i * 31)}. */
    SkBuff data(int seq, int length) {
        SkBuff skb = cpu.allocSkb(256);
        skb.reserve(256);
        TcpSkbCb.init(skb);
        TcpSkbCb.seq(skb, seq);
        TcpSkbCb.endSeq(skb, seq + length);
        int at = 0;
        while (at < length) {
            int n = Math.min(length - at, 4096);
            Page page = cpu.allocPage(4096);
            for (int i = 0; i < n; i++) {
                UnsafeApi.putByte(page.address() + i, streamByte(seq + at + i));
            }
            skb.addFrag(page, 0, n, 4096);
            at += n;
        }
        return skb;
    }

    static byte streamByte(int seq) {
        return (byte) (seq * 31 + (seq >>> 8));
    }

    /** A segment as TCP gets it: header in the linear part, then data. */
    SkBuff segment(int seq, int length, int ack, int flags, int window) {
        SkBuff skb = cpu.allocSkb(256);
        skb.reserve(64);
        skb.put(TcpHdr.LENGTH);
        skb.resetTransportHeader();
        TcpSkbCb.init(skb);
        TcpHdr th = new TcpHdr().wrap(skb);
        th.source(1);
        th.dest(2);
        th.seq(seq);
        th.ackSeq(ack);
        th.flagWord(TcpHdr.LENGTH, flags, window);
        th.urgPtr(0);
        skb.ipSummed = SkBuff.CHECKSUM_UNNECESSARY;
        TcpSkbCb.seq(skb, seq);
        TcpSkbCb.endSeq(skb, seq + length + ((flags & TcpHdr.FIN) != 0 ? 1 : 0));
        TcpSkbCb.ackSeq(skb, ack);
        TcpSkbCb.tcpFlags(skb, flags);
        int at = 0;
        while (at < length) {
            int n = Math.min(length - at, 4096);
            Page page = cpu.allocPage(4096);
            for (int i = 0; i < n; i++) {
                UnsafeApi.putByte(page.address() + i, streamByte(seq + at + i));
            }
            skb.addFrag(page, 0, n, 4096);
            at += n;
        }
        return skb;
    }

    /** A pure ACK with SACK blocks. */
    SkBuff sack(int ack, int... blocks) {
        SkBuff skb = cpu.allocSkb(128);
        skb.reserve(32);
        int header = TcpHdr.LENGTH + 4 + 4 * blocks.length;
        skb.put(header);
        skb.resetTransportHeader();
        TcpSkbCb.init(skb);
        TcpHdr th = new TcpHdr().wrap(skb);
        th.flagWord(header, TcpHdr.ACK, 1000);
        long at = th.address() + TcpHdr.LENGTH;
        UnsafeApi.putInt(at, Integer.reverseBytes(0x01010500 | 2 + 4 * blocks.length));
        for (int i = 0; i < blocks.length; i++) {
            UnsafeApi.putInt(at + 4 + 4L * i, Integer.reverseBytes(blocks[i]));
        }
        TcpSkbCb.ackSeq(skb, ack);
        TcpSkbCb.tcpFlags(skb, TcpHdr.ACK);
        TcpSkbCb.sacked(skb, TcpHdr.LENGTH + 2);
        return skb;
    }

    @Override
    public void close() {
        TcpQueues.tcpWriteQueuePurge(cpu, tp);
        tp.receiveQueue.purge(cpu, SkbDropReason.SOCKET_CLOSE);
        tp.outOfOrderQueue.purge(cpu, SkbDropReason.SOCKET_CLOSE);
        cpu.localBhEnable();
        kernel.close();
    }
}
