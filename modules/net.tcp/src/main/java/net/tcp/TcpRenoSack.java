package net.tcp;

import net.core.Cpu;
import net.skbuff.HotPath;

/**
 * A connection without SACK: {@code sackedOut} counts duplicate ACKs, each of which stands for one segment that
 * arrived out of order.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: tcp_add_reno_sack(), tcp_remove_reno_sacks(), net/ipv4/tcp_input.c.
 */
@HotPath
final class TcpRenoSack {
    private TcpRenoSack() {}

    /** Never more emulated SACKs than segments that can have arrived; true if it had to cut. Linux: tcp_limit_reno_sacked(). */
    static boolean tcpLimitRenoSacked(TcpSock tp) {
        int holes = Math.min(Math.max(tp.lostOut, 1), tp.packetsOut);
        if (tp.sackedOut + holes > tp.packetsOut) {
            tp.sackedOut = tp.packetsOut - holes;
            return true;
        }
        return false;
    }

    /** More duplicates than segments out: the network duplicates or reorders. */
    private static void tcpCheckRenoReordering(Cpu cpu, TcpSock tp, int addend) {
        if (!tcpLimitRenoSacked(tp)) {
            return;
        }
        tp.reordering = Math.min(tp.packetsOut + addend, tp.sysctl.tcpMaxReordering);
        tp.reordSeen++;
        TcpCount.netInc(cpu, tp, LinuxMib.TCPRENOREORDER);
    }

    /** Duplicate ACKs came. */
    static void tcpAddRenoSack(Cpu cpu, TcpSock tp, int numDupack, boolean eceAck) {
        if (numDupack == 0) {
            return;
        }
        int prior = tp.sackedOut;
        tp.sackedOut += numDupack;
        tcpCheckRenoReordering(cpu, tp, 0);
        int delivered = tp.sackedOut - prior;
        if (delivered > 0) {
            TcpAck.tcpCountDelivered(tp, delivered, eceAck);
        }
    }

    /** {@code acked} segments were acknowledged: one filled the hole, the others had been counted as duplicates. */
    static void tcpRemoveRenoSacks(Cpu cpu, TcpSock tp, int acked, boolean eceAck) {
        if (acked > 0) {
            TcpAck.tcpCountDelivered(tp, Math.max(acked - tp.sackedOut, 1), eceAck);
            tp.sackedOut = acked - 1 >= tp.sackedOut ? 0 : tp.sackedOut - (acked - 1);
        }
        tcpCheckRenoReordering(cpu, tp, acked);
    }

    /** Forgets the duplicates. */
    static void tcpResetRenoSack(TcpSock tp) {
        tp.sackedOut = 0;
    }
}
