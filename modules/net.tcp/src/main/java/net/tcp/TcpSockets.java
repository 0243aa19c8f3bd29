package net.tcp;

import net.core.Cpu;
import net.core.Kernel;
import net.core.PerKernel;
import net.core.sock.ProtoMemory;
import net.core.sock.SockFlag;
import net.ipv4.inet.InetCsk;

/**
 * What TCP shares in a kernel: the protocol object, its ways to IPv4, its requests' operations.
 *
 * <p>Linux: tcp_prot, ipv4_specific, tcp_request_sock_ops
 */
public final class TcpSockets {
    static final PerKernel<TcpSockets> SLOT = new PerKernel<>();

    final TcpV4Ops v4Ops = new TcpV4Ops();
    final TcpV4RequestOps requestOps = new TcpV4RequestOps();
    final TcpProt prot;

    TcpSockets(Kernel kernel) {
        prot = new TcpProt(kernel);
    }

    /** This kernel's. */
    static TcpSockets of(Kernel kernel) {
        return SLOT.get(kernel);
    }

    /** A child that nobody will see. */
    static void discardChild(Cpu cpu, TcpSock child) {
        child.setFlag(SockFlag.DEAD);
        child.shutdown = net.core.sock.SockConst.SHUTDOWN_MASK;
        child.state = net.core.sock.TcpStates.TCP_CLOSE;
        ProtoMemory memory = Tcp.memory(child);
        if (memory != null) {
            memory.orphanCountAdd(1);
        }
        InetCsk.destroySock(cpu, child);
    }
}
