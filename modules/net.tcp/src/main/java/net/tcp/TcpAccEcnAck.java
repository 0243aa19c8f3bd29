package net.tcp;

import static net.tcp.TcpAccEcn.CEP_ACE_MASK;
import static net.tcp.TcpAccEcn.CEP_INIT_OFFSET;

import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * How many of our segments the peer saw marked, from the ACE field of an ACK: three bits of a count that may have wrapped
 * since, which the bytes in the option and the number of segments just delivered help to decide.
 *
 * <p><b>Context:</b> socket lock; during one {@link TcpAck#tcpAck}.
 *
 * <p>RFC 9768 3.2.2.5 and appendix A. Linux: tcp_accecn_process(), net/ipv4/tcp_input.c
 */
@HotPath
final class TcpAccEcnAck {
    private static final int SAFETY_SHIFT = 1;

    private TcpAccEcnAck() {}

    /** Takes an ACK's feedback over; how many more segments were marked. */
    static int process(TcpSock tp, TcpAccEcn a, SkBuff skb, int packets, int bytes, int flag) {
        int delta = delta(tp, a, skb, packets, bytes, flag);
        if (delta > 0) {
            tp.deliveredCe += delta;
            if (tp.predFlags != 0) { // the next ACK's field is another
                TcpInput.tcpFastPathOn(tp, tp.sndWnd >>> tp.rxOpt.sndWscale);
            }
        }
        return delta;
    }

    private static int delta(TcpSock tp, TcpAccEcn a, SkBuff skb, int packets, int bytes, int flag) {
        // An ACK that may have been overtaken tells nothing.
        if ((flag & (TcpAck.FLAG_FORWARD_PROGRESS | TcpAck.FLAG_TS_PROGRESS)) == 0) {
            return 0;
        }
        boolean slowPath = (flag & TcpAck.FLAG_SLOWPATH) != 0;
        int oldCeBytes = a.deliveredEcnBytes[TcpAccEcn.CE - 1];
        boolean bytesValid = TcpAccEcnOption.process(tp, a, skb, bytes, slowPath);
        if (!slowPath && packets <= CEP_ACE_MASK) {
            return 0; // predicted: the field is as it was
        }
        if ((flag & TcpAck.FLAG_SYN_ACKED) != 0 || (a.failMode & TcpAccEcn.ACE_FAIL_RECV) != 0) {
            return 0;
        }
        int delta = TcpAccEcn.ace(skb) - CEP_INIT_OFFSET - tp.deliveredCe & CEP_ACE_MASK;
        if (packets <= CEP_ACE_MASK) {
            return delta;
        }
        int safe = packets - (packets - delta & CEP_ACE_MASK); // as if it had wrapped as often as it can have
        if (!bytesValid) {
            return safe;
        }
        return byBytes(tp, a.deliveredEcnBytes[TcpAccEcn.CE - 1] - oldCeBytes, delta, safe, packets, bytes);
    }

    /** Chooses between no wrap and all that may be, or estimates, by the bytes marked. */
    private static int byBytes(TcpSock tp, int ceBytes, int delta, int safe, int packets, int bytes) {
        if (ceBytes == 0) {
            return delta;
        }
        boolean orderly = tp.icskCaState == TcpConst.TCP_CA_OPEN || tp.icskCaState == TcpConst.TCP_CA_CWR;
        if (packets >= (CEP_ACE_MASK + 1) * 2 && (tp.isSack() || orderly)) {
            if (bytes <= ceBytes) {
                return safe;
            }
            int estimate = (int) (((long) ceBytes * packets + bytes - 1) / bytes);
            return Math.min(safe, delta + (estimate & ~CEP_ACE_MASK));
        }
        if (ceBytes > delta * tp.mssCache) {
            return safe;
        }
        return ceBytes < safe * tp.mssCache >> SAFETY_SHIFT ? delta : safe;
    }
}
