package net.testkit;

import java.util.ArrayList;
import java.util.List;
import net.core.sock.TcpStates;
import net.ipv4.inet.InetHashtables;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.tcp.TcpSeq;
import net.tcp.TcpSkbCb;
import net.tcp.TcpSock;
import org.jspecify.annotations.Nullable;

/**
 * What must hold of a connection whenever nobody is working on it: counters that agree with the marks of the segments in
 * its queues, queues in order and without holes, memory that is charged for, and a timer wherever something is owed.
 *
 * <p>Context: virtual time, between softirqs; connections that a thread owns are passed over.
 */
public final class TcpInvariants {
    private static final int SYNCHRONIZED = TcpStates.TCPF_ESTABLISHED
            | TcpStates.TCPF_FIN_WAIT1
            | TcpStates.TCPF_FIN_WAIT2
            | TcpStates.TCPF_CLOSE_WAIT
            | TcpStates.TCPF_LAST_ACK
            | TcpStates.TCPF_CLOSING;

    private static final int MOST_BORROWED = 1 << 17;

    private final TcpSock tp;
    private final List<String> wrong = new ArrayList<>();

    private TcpInvariants(TcpSock tp) {
        this.tp = tp;
    }

    /** Checks every connection of a lab. @return how many were checked */
    public static int checkAll(Lab lab) {
        int[] n = {0};
        InetHashtables.of(lab.kernel).forEachEstablished(sk -> {
            if (sk instanceof TcpSock tp && check(tp)) {
                n[0]++;
            }
        });
        return n[0];
    }

    /** Checks one connection. @return false if it is owned or not synchronised, so that nothing can be said */
    public static boolean check(TcpSock tp) {
        if (tp.ownedByUser() || !tp.inStates(SYNCHRONIZED)) {
            return false;
        }
        TcpInvariants c = new TcpInvariants(tp);
        c.retransmitQueue();
        c.sendQueue();
        c.timers();
        c.receiveQueue();
        c.outOfOrderQueue();
        c.memory();
        if (!c.wrong.isEmpty()) {
            throw new AssertionError(tp + ": " + String.join("; ", c.wrong) + c.state());
        }
        return true;
    }

    private String state() {
        return "\n  una " + unsigned(tp.sndUna) + " nxt " + unsigned(tp.sndNxt) + " write " + unsigned(tp.writeSeq)
                + " rcvNxt " + unsigned(tp.rcvNxt) + " copied " + unsigned(tp.copiedSeq) + " ca " + tp.icskCaState
                + " out " + tp.packetsOut + " sacked " + tp.sackedOut + " lost " + tp.lostOut + " retrans "
                + tp.retransOut + (tp.isSack() ? " sack" : " reno") + " pending " + tp.icskPending;
    }

    private static String unsigned(int seq) {
        return Integer.toUnsignedString(seq);
    }

    private void equal(String what, long is, long want) {
        if (is != want) {
            wrong.add(what + " is " + is + ", want " + want);
        }
    }

    private void holds(boolean ok, String otherwise) {
        if (!ok) {
            wrong.add(otherwise);
        }
    }

    // ---- sending

    private void retransmitQueue() {
        int out = 0;
        int sacked = 0;
        int lost = 0;
        int retrans = 0;
        boolean hintSeen = tp.retransmitSkbHint == null;
        boolean highestSeen = tp.highestSack == null || tp.highestSack == tp.sendHead();
        SkBuff last = null;
        for (SkBuff skb = tp.tcpRtxQueue.first(); skb != null; skb = tp.tcpRtxQueue.next(skb)) {
            int n = TcpSkbCb.pcount(skb);
            int marks = TcpSkbCb.sacked(skb);
            out += n;
            sacked += (marks & TcpSkbCb.TCPCB_SACKED_ACKED) != 0 ? n : 0;
            lost += (marks & TcpSkbCb.TCPCB_LOST) != 0 ? n : 0;
            retrans += (marks & TcpSkbCb.TCPCB_SACKED_RETRANS) != 0 ? n : 0;
            int both = TcpSkbCb.TCPCB_SACKED_ACKED | TcpSkbCb.TCPCB_LOST;
            holds((marks & both) != both, "a segment is both SACKed and lost");
            if (last != null) {
                equal("start of a sent segment", TcpSkbCb.seq(skb), TcpSkbCb.endSeq(last));
            } else {
                holds(TcpSeq.after(TcpSkbCb.endSeq(skb), tp.sndUna), "an acknowledged segment is kept");
            }
            hintSeen |= skb == tp.retransmitSkbHint;
            highestSeen |= skb == tp.highestSack;
            last = skb;
        }
        if (last != null) {
            equal("end of the sent segments", TcpSkbCb.endSeq(last), tp.sndNxt);
        }
        equal("packetsOut", tp.packetsOut, out);
        equal("lostOut", tp.lostOut, lost);
        equal("retransOut", tp.retransOut, retrans);
        if (tp.isSack()) {
            equal("sackedOut", tp.sackedOut, sacked);
        } else {
            equal("SACKed segments without SACK", sacked, 0);
        }
        holds(tp.sackedOut + tp.lostOut <= tp.packetsOut, "more segments have left than were sent");
        holds(hintSeen, "retransmitSkbHint is not in the queue");
        holds(highestSeen, "highestSack is not in the queue");
        holds(!TcpSeq.after(tp.sndUna, tp.sndNxt), "sndUna is after sndNxt");
    }

    private void sendQueue() {
        int at = tp.sndNxt;
        for (SkBuff skb = tp.sendQueue.peek(); skb != null; skb = tp.sendQueue.peekNext(skb)) {
            equal("start of an unsent segment", TcpSkbCb.seq(skb), at);
            at = TcpSkbCb.endSeq(skb);
        }
        equal("end of the unsent segments", at, tp.writeSeq - (tp.finOwed ? 1 : 0));
    }

    private void timers() {
        boolean armed = tp.icskPending != 0 && tp.icskRetransmitTimer.pending();
        if (tp.packetsOut > 0) {
            holds(armed, "segments are out and no timer runs");
        }
        holds(tp.sndCwnd > 0, "congestion window is " + tp.sndCwnd);
    }

    // ---- receiving

    private void receiveQueue() {
        int at = tp.copiedSeq;
        SkBuff last = null;
        for (SkBuff skb = tp.receiveQueue.peek(); skb != null; skb = tp.receiveQueue.peekNext(skb)) {
            holds(!TcpSeq.after(TcpSkbCb.seq(skb), at), "a hole in the receive queue at " + unsigned(at));
            int end = TcpSkbCb.endSeq(skb);
            at = TcpSeq.after(end, at) ? end : at;
            last = skb;
        }
        if (last != null) {
            equal("end of the receive queue", at, tp.rcvNxt);
        }
        holds(!TcpSeq.after(tp.copiedSeq, tp.rcvNxt), "the program has read past rcvNxt");
    }

    private void outOfOrderQueue() {
        SkBuff before = null;
        for (SkBuff skb = tp.outOfOrderQueue.first(); skb != null; skb = tp.outOfOrderQueue.next(skb)) {
            holds(TcpSeq.after(TcpSkbCb.seq(skb), tp.rcvNxt), "an out-of-order segment is in order");
            holds(
                    before == null || !TcpSeq.before(TcpSkbCb.seq(skb), TcpSkbCb.seq(before)),
                    "out-of-order segments are out of order");
            before = skb;
        }
        // Only the last four blocks are remembered: an older one may be in the queue and not be told.
        holds(
                tp.rxOpt.numSacks == 0 || !tp.outOfOrderQueue.isEmpty(),
                tp.rxOpt.numSacks + " SACK blocks of an empty queue");
        for (int i = 0; i < tp.rxOpt.numSacks; i++) {
            holds(
                    TcpSeq.before(tp.selectiveAcks[2 * i], tp.selectiveAcks[2 * i + 1]),
                    "SACK block " + i + " ends before it starts");
        }
    }

    // ---- memory

    private void memory() {
        long sent = truesize(tp.sendQueue);
        for (SkBuff skb = tp.tcpRtxQueue.first(); skb != null; skb = tp.tcpRtxQueue.next(skb)) {
            sent += skb.truesize;
        }
        equal("wmemQueued", tp.wmemQueued, sent);
        long received = truesize(tp.receiveQueue) + truesize(tp.errorQueue());
        for (SkBuff skb = tp.outOfOrderQueue.first(); skb != null; skb = tp.outOfOrderQueue.next(skb)) {
            received += skb.truesize;
        }
        equal("rmemAlloc", tp.rmemAlloc(), received);
        // It may go below zero for a while: what a new segment replaces gives back the page that was reserved for it.
        holds(tp.forwardAlloc > -MOST_BORROWED, "forwardAlloc is " + tp.forwardAlloc);
    }

    private static long truesize(@Nullable SkBuffHead queue) {
        if (queue == null) {
            return 0;
        }
        long sum = 0;
        for (SkBuff skb = queue.peek(); skb != null; skb = queue.peekNext(skb)) {
            sum += skb.truesize;
        }
        return sum;
    }
}
