package net.tcp;

import static net.tcp.TcpConst.ICSK_ACK_NOMEM;
import static net.tcp.TcpConst.ICSK_ACK_NOW;
import static net.tcp.TcpConst.TCP_MAX_QUICKACKS;

import net.core.Cpu;
import net.core.sock.SockFlag;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;

/**
 * Puts the text of an acceptable segment where it belongs: the receive queue, the out-of-order queue
 * ({@link TcpOfoQueue}), or nowhere.
 *
 * <p><b>Context:</b> socket lock. The packet is taken over.
 *
 * <p>RFC 9293 3.10.7.4, seventh step. Linux: tcp_data_queue(), net/ipv4/tcp_input.c.
 */
@HotPath
public final class TcpDataQueue {
    private TcpDataQueue() {}

    /** Gives up what only the way in needed. Linux: tcp_cleanup_skb(). */
    static void tcpCleanupSkb(SkBuff skb) {
        skb.dst = null;
    }

    /** There is something to read, or the window must open. Linux: tcp_data_ready(). */
    static void tcpDataReady(Cpu cpu, TcpSock tp) {
        if (Tcp.epollinReady(tp, tp.rcvlowat) || tp.flag(SockFlag.DONE)) {
            tp.dataReady(cpu);
        }
    }

    /** May these two packets of a receive queue be one? Linux: tcp_skb_can_collapse_rx(). */
    private static boolean canCollapseRx(SkBuff to, SkBuff from) {
        return to.decrypted == from.decrypted;
    }

    /** Joins a packet to the one before it, if it is next to it and memory allows; true if eaten. Linux: tcp_try_coalesce(). */
    static boolean tcpTryCoalesce(Cpu cpu, TcpSock tp, SkBuff to, SkBuff from) {
        if (TcpSkbCb.seq(from) != TcpSkbCb.endSeq(to) || !canCollapseRx(to, from) || !to.tryCoalesce(from)) {
            return false;
        }
        int delta = to.coalesceDelta;
        tp.rmemAllocAdd(delta);
        tp.memCharge(delta);
        TcpCount.netInc(cpu, tp, LinuxMib.TCPRCVCOALESCE);
        TcpSkbCb.endSeq(to, TcpSkbCb.endSeq(from));
        TcpSkbCb.ackSeq(to, TcpSkbCb.ackSeq(from));
        TcpSkbCb.orTcpFlags(to, TcpSkbCb.tcpFlags(from));
        if (TcpSkbCb.hasRxtstamp(from)) {
            TcpSkbCb.hasRxtstamp(to, true);
            to.tstampNs = from.tstampNs;
            to.shinfo().hwtstampNs = from.shinfo().hwtstampNs;
        }
        return true;
    }

    /** Frees the shell of an eaten packet. Linux: kfree_skb_partial(). */
    static void freePartial(Cpu cpu, SkBuff skb) {
        skb.consume(cpu);
    }

    /** Appends in-order data; true if the last packet took it in, and the caller frees the shell. Linux: tcp_queue_rcv(). */
    static boolean tcpQueueRcv(Cpu cpu, TcpSock tp, SkBuff skb) {
        PathTrace.hit(cpu, skb, Landmark.TCP_QUEUE_RCV);
        SkBuff tail = tp.receiveQueue.peekTail();
        boolean eaten = tail != null && tcpTryCoalesce(cpu, tp, tail, skb);
        TcpAck.tcpRcvNxtUpdate(tp, TcpSkbCb.endSeq(skb));
        if (!eaten) {
            tp.receiveQueue.addTail(skb);
            tp.setOwnerR(skb);
        }
        return eaten;
    }

    private static void outOfWindow(Cpu cpu, TcpSock tp, SkBuff skb, SkbDropReason reason) {
        TcpAckSched.tcpEnterQuickackMode(tp, TCP_MAX_QUICKACKS);
        tp.scheduleAck();
        TcpInput.tcpDrop(cpu, tp, skb, reason);
    }

    private static void zeroWindow(Cpu cpu, TcpSock tp, SkBuff skb) {
        TcpCount.netInc(cpu, tp, LinuxMib.TCPZEROWINDOWDROP);
        outOfWindow(cpu, tp, skb, SkbDropReason.TCP_ZEROWINDOW);
    }

    /** Queues a segment's text; the header is still in front of it. */
    public static void tcpDataQueue(Cpu cpu, TcpSock tp, SkBuff skb) {
        PathTrace.hit(cpu, skb, Landmark.TCP_DATA_QUEUE);
        int seq = TcpSkbCb.seq(skb);
        int endSeq = TcpSkbCb.endSeq(skb);
        if (seq == endSeq) {
            skb.consume(cpu);
            return;
        }
        tcpCleanupSkb(skb);
        skb.pull(TcpScratch.of(cpu).hdr.wrap(skb).headerLength());
        tp.rxOpt.dsack = false;
        if (seq == tp.rcvNxt) {
            boolean bareFin = skb.len == 0 && (TcpSkbCb.tcpFlags(skb) & TcpSkbCb.TCPHDR_FIN) != 0;
            if (tp.receiveWindow() == 0 && !bareFin) { // some send a bare FIN into a closed window: it needs no room
                zeroWindow(cpu, tp, skb);
                return;
            }
            queueInOrder(cpu, tp, skb);
            return;
        }
        if (!TcpSeq.after(endSeq, tp.rcvNxt)) {
            // A retransmission of what we have: our ACK was lost, or it was needless. Say so at once.
            TcpCount.netInc(cpu, tp, LinuxMib.DELAYEDACKLOST);
            TcpSackOut.tcpDsackSet(cpu, tp, seq, endSeq);
            outOfWindow(cpu, tp, skb, SkbDropReason.TCP_OLD_DATA);
            return;
        }
        if (!TcpSeq.before(seq, tp.rcvNxt + tp.receiveWindow())) { // a window probe, for one
            outOfWindow(cpu, tp, skb, SkbDropReason.TCP_OVERWINDOW);
            return;
        }
        if (TcpSeq.before(seq, tp.rcvNxt)) { // the front is old, the end is new
            TcpSackOut.tcpDsackSet(cpu, tp, seq, tp.rcvNxt);
            if (tp.receiveWindow() == 0) {
                zeroWindow(cpu, tp, skb);
                return;
            }
            queueInOrder(cpu, tp, skb);
            return;
        }
        TcpOfoQueue.tcpDataQueueOfo(cpu, tp, skb);
    }

    private static void queueInOrder(Cpu cpu, TcpSock tp, SkBuff skb) {
        if (!TcpRcvMem.tcpTryRmemSchedule(cpu, tp, skb, skb.truesize)) {
            // No memory: offer a zero window, and wake the reader, who alone can help.
            tp.icskAckPending |= ICSK_ACK_NOMEM | ICSK_ACK_NOW;
            tp.scheduleAck();
            tp.dataReady(cpu);
            if (!tp.receiveQueue.isEmpty() && skb.len != 0) {
                TcpCount.netInc(cpu, tp, LinuxMib.TCPRCVQDROP);
                TcpInput.tcpDrop(cpu, tp, skb, SkbDropReason.PROTO_MEM);
                return;
            }
            TcpRcvMem.forcedSchedule(cpu, tp, skb.truesize); // one packet always, or nothing would ever move
        }
        boolean fin = (TcpSkbCb.tcpFlags(skb) & TcpSkbCb.TCPHDR_FIN) != 0;
        boolean eaten = tcpQueueRcv(cpu, tp, skb);
        if (skb.len != 0) {
            TcpAckSched.tcpEventDataRecv(cpu, tp, skb);
        }
        if (fin) {
            TcpInput.tcpFin(cpu, tp);
        }
        if (!tp.outOfOrderQueue.isEmpty()) {
            TcpOfoQueue.tcpOfoQueue(cpu, tp);
            if (tp.outOfOrderQueue.isEmpty()) { // RFC 5681 4.2: a filled gap is acknowledged at once
                tp.icskAckPending |= ICSK_ACK_NOW;
            }
        }
        if (tp.rxOpt.numSacks != 0) {
            TcpSackOut.tcpSackRemove(tp);
        }
        TcpInput.tcpFastPathCheck(tp);
        if (eaten) {
            freePartial(cpu, skb);
        }
        if (!tp.flag(SockFlag.DEAD)) {
            tcpDataReady(cpu, tp);
        }
    }
}
