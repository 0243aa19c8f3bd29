package net.tcp;

import net.core.Cpu;
import net.skbuff.HotPath;

/**
 * Short names for the two counter groups of TCP, so that a counter costs one line where it moves.
 *
 * <p><b>Context:</b> the holder of the CPU's word.
 *
 * <p>Linux: NET_INC_STATS(), TCP_INC_STATS().
 */
@HotPath
final class TcpCount {
    private TcpCount() {}

    /** Counts one event of group TcpExt. */
    static void netInc(Cpu cpu, TcpSock tp, LinuxMib counter) {
        tp.tcpNet.inc(cpu, counter);
    }

    /** Counts {@code n} events of group TcpExt. */
    static void netAdd(Cpu cpu, TcpSock tp, LinuxMib counter, int n) {
        tp.tcpNet.add(cpu, counter, n);
    }

    /** Counts one event of group Tcp. */
    static void tcpInc(Cpu cpu, TcpSock tp, TcpMib counter) {
        tp.tcpNet.inc(cpu, counter);
    }
}
