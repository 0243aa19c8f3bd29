package net.tcp;

import java.util.ArrayList;
import java.util.List;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.sock.SockCommon;
import net.core.sock.SockFlag;
import net.core.sock.TcpStates;
import net.ipv4.inet.InetHashtables;
import net.ipv4.inet.InetTimewaitSock;

/**
 * Ends what programs have left behind in a namespace that goes away: orphans are reset, and nobody waits in TIME_WAIT.
 * A socket that a program still holds stays, and is a leak of that program.
 *
 * <p>{@code Deviation:} in Linux an orphan keeps its namespace alive until it has said goodbye; ours ends with the kernel,
 * which does not wait for a peer's time-outs.
 *
 * <p><b>Context:</b> process, rtnl not held.
 *
 * <p>Linux: tcp_abort(), net/ipv4/tcp.c; inet_twsk_purge(), net/ipv4/inet_timewait_sock.c
 */
final class TcpPurge {
    private TcpPurge() {}

    static void namespace(Net net) {
        Kernel kernel = net.kernel();
        List<SockCommon> all = new ArrayList<>();
        InetHashtables.of(kernel).forEachEstablished(sk -> {
            if (sk.net == net) {
                all.add(sk);
            }
        });
        for (SockCommon sk : all) {
            if (sk instanceof InetTimewaitSock tw) {
                Cpu cpu = kernel.localBhDisable(0);
                tw.deschedule(cpu);
                cpu.localBhEnable();
            } else if (sk instanceof TcpSock tp && tp.flag(SockFlag.DEAD)) {
                abort(tp);
            }
        }
    }

    private static void abort(TcpSock tp) {
        tp.lockSock();
        Cpu cpu = tp.localBhDisable();
        tp.bhLockSock(cpu);
        if (tp.state != TcpStates.TCP_CLOSE) {
            if (tp.state != TcpStates.TCP_SYN_SENT) {
                TcpOutput.tcpSendActiveReset(cpu, tp);
            }
            Tcp.tcpDone(cpu, tp);
        }
        tp.bhUnlockSock(cpu);
        cpu.localBhEnable();
        tp.releaseSock();
    }
}
