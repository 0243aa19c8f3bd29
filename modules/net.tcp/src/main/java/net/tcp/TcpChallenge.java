package net.tcp;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * ACKs in answer to segments that are not acceptable, and the limits that keep them from being a weapon.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>RFC 5961. Linux: tcp_send_challenge_ack(), tcp_oow_rate_limited(), net/ipv4/tcp_input.c.
 */
@HotPath
public final class TcpChallenge {
    private TcpChallenge() {}

    /** At most one answer per {@code tcp_invalid_ratelimit}: true if this one is to be suppressed, and counted so. */
    private static boolean rateLimited(Cpu cpu, TcpSock tp, LinuxMib counter) {
        int now = (int) cpu.jiffies();
        if (tp.lastOowAckTime != 0) {
            int elapsed = now - tp.lastOowAckTime;
            if (elapsed >= 0 && elapsed < tp.sysctl.tcpInvalidRatelimit) {
                TcpCount.netInc(cpu, tp, counter);
                return true;
            }
        }
        tp.lastOowAckTime = now;
        return false;
    }

    /**
     * Is the answer to this out-of-window segment to be suppressed? Data is always answered: two ends that ACK each
     * other's pure ACKs for ever make the loop that this breaks. Linux: tcp_oow_rate_limited().
     */
    public static boolean tcpOowRateLimited(Cpu cpu, TcpSock tp, SkBuff skb, LinuxMib counter) {
        if (TcpSkbCb.seq(skb) != TcpSkbCb.endSeq(skb) && (TcpSkbCb.tcpFlags(skb) & TcpSkbCb.TCPHDR_SYN) == 0) {
            return false;
        }
        return rateLimited(cpu, tp, counter);
    }

    /** Tells a peer (or an attacker who guesses) where we are. RFC 5961 7. */
    static void tcpSendChallengeAck(Cpu cpu, TcpSock tp) {
        tcpSendChallengeAck(cpu, tp, 0);
    }

    /** With header flags besides ACK. */
    static void tcpSendChallengeAck(Cpu cpu, TcpSock tp, int flags) {
        if (rateLimited(cpu, tp, LinuxMib.TCPACKSKIPPEDCHALLENGE)) {
            return;
        }
        TcpNet net = tp.tcpNet;
        int limit = net.sysctl.tcpChallengeAckLimit;
        if (limit != Integer.MAX_VALUE) {
            // A quota per second for the host, randomised so that it cannot serve as a side channel (CVE-2016-5696).
            int now = (int) (cpu.jiffies() / TcpConst.HZ);
            if (now != net.challengeTimestamp) {
                net.challengeTimestamp = now;
                int half = limit + 1 >> 1;
                net.challengeCount =
                        half + Integer.remainderUnsigned(cpu.kernel().getRandomU32(), Math.max(limit, 1));
            }
            if (net.challengeCount <= 0) {
                return;
            }
            net.challengeCount--;
        }
        TcpCount.netInc(cpu, tp, LinuxMib.TCPCHALLENGEACK);
        TcpOutput.tcpSendAck(cpu, tp, tp.rcvNxt, flags);
    }

    /** A duplicate ACK for a segment out of the window; with a D-SACK if it repeats what we have. */
    static void tcpSendDupack(Cpu cpu, TcpSock tp, SkBuff skb) {
        int seq = TcpSkbCb.seq(skb);
        int endSeq = TcpSkbCb.endSeq(skb);
        if (endSeq != seq && TcpSeq.before(seq, tp.rcvNxt)) {
            TcpCount.netInc(cpu, tp, LinuxMib.DELAYEDACKLOST);
            TcpAckSched.tcpEnterQuickackMode(tp, TcpConst.TCP_MAX_QUICKACKS);
            if (tp.isSack() && tp.sysctl.tcpDsack != 0) {
                TcpSackOut.tcpDsackSet(cpu, tp, seq, TcpSeq.min(endSeq, tp.rcvNxt));
            }
        }
        TcpOutput.tcpSendAck(cpu, tp);
    }
}
