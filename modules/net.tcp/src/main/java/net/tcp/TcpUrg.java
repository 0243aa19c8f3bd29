package net.tcp;

import static net.core.sock.TcpStates.TCP_CLOSE;
import static net.core.sock.TcpStates.TCP_LISTEN;
import static net.tcp.TcpConst.TCP_URG_NOTYET;
import static net.tcp.TcpConst.TCP_URG_VALID;

import net.core.Cpu;
import net.core.sock.SockFlag;
import net.skbuff.SkBuff;
import net.skbuff.SkbSharedInfo;
import org.agrona.UnsafeApi;

/**
 * Urgent data: keeps the one byte that the urgent pointer marks, out of band.
 *
 * <p>The pointer is taken to name the byte behind the urgent one (RFC 793 p. 17), as everybody does; RFC 6093 agrees.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: tcp_urg(), tcp_check_urg(), net/ipv4/tcp_input.c.
 */
final class TcpUrg {
    private TcpUrg() {}

    /** A segment with an urgent pointer: is it news? */
    private static void tcpCheckUrg(Cpu cpu, TcpSock tp, SkBuff skb, TcpHdr th) {
        int ptr = th.urgPtr();
        if (ptr != 0 && tp.sysctl.tcpStdurg == 0) {
            ptr--;
        }
        ptr += TcpSkbCb.seq(skb);
        if (TcpSeq.after(tp.copiedSeq, ptr)) {
            return; // read already
        }
        if (TcpSeq.before(ptr, tp.rcvNxt)) {
            return; // a retransmission, or nonsense: it came and went
        }
        if (tp.urgData != 0 && !TcpSeq.after(ptr, tp.urgSeq)) {
            return; // known
        }
        // Linux: sk_send_sigurg(), here a wake-up for poll.
        tp.stateChange(cpu);
        // A second urgent byte while the first is unread: the first becomes ordinary data, unless it is next in line
        // (then copiedSeq skips it, as the reader was to).
        if (tp.urgSeq == tp.copiedSeq && tp.urgData != 0 && !tp.flag(SockFlag.URGINLINE) && tp.copiedSeq != tp.rcvNxt) {
            tp.copiedSeq++;
            SkBuff first = tp.receiveQueue.peek();
            if (first != null && !TcpSeq.before(tp.copiedSeq, TcpSkbCb.endSeq(first))) {
                tp.receiveQueue.unlink(first);
                first.consume(cpu);
            }
        }
        tp.urgData = TCP_URG_NOTYET;
        tp.urgSeq = ptr;
        tp.predFlags = 0;
    }

    /** Step six: looks at the pointer, and fetches the byte if this segment holds it. */
    static void tcpUrg(Cpu cpu, TcpSock tp, SkBuff skb, TcpHdr th) {
        if (th.urg()) {
            tcpCheckUrg(cpu, tp, skb, th);
        }
        if (tp.urgData != TCP_URG_NOTYET || tp.state == TCP_CLOSE || tp.state == TCP_LISTEN) {
            return;
        }
        int at = tp.urgSeq - TcpSkbCb.seq(skb) + th.headerLength() - (th.syn() ? 1 : 0);
        if (at >= 0 && at < skb.len) {
            tp.urgData = TCP_URG_VALID | byteAt(skb, at);
            if (!tp.flag(SockFlag.DEAD)) {
                tp.dataReady(cpu);
            }
        }
    }

    /** One byte, wherever it lies; without moving anything, for the caller's header stays wrapped. */
    private static int byteAt(SkBuff skb, int at) {
        int left = at - skb.headlen();
        if (left < 0) {
            return UnsafeApi.getByte(skb.dataAddress() + at) & 0xff;
        }
        SkbSharedInfo info = skb.shinfo();
        for (int i = 0; i < info.nrFrags; i++) {
            if (left < info.fragSize[i]) {
                return UnsafeApi.getByte(info.fragAddress(i) + left) & 0xff;
            }
            left -= info.fragSize[i];
        }
        for (SkBuff part = info.fragList; part != null; part = part.next) {
            if (left < part.len) {
                return byteAt(part, left);
            }
            left -= part.len;
        }
        throw new IllegalStateException("byte " + at + " of a packet of " + skb.len);
    }
}
