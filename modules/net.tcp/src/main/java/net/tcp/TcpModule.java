package net.tcp;

import net.core.Cpu;
import net.core.Kernel;
import net.core.KernelModule;
import net.core.LongVecSysctl;
import net.core.Net;
import net.core.PernetOperations;
import net.core.sock.SockConst;
import net.core.sock.SockRegistry;
import net.ipv4.Inet;
import net.ipv4.InetProtos;
import net.ipv4.inet.InetFamily;
import net.ipv4.inet.InetProtosw;

/**
 * Registers TCP with a kernel: protocol number, socket type, offload, settings, counters.
 *
 * <p>Linux: tcp_v4_init(), tcp_init(), tcp_sk_init(), net/ipv4/tcp*.c
 */
public final class TcpModule implements KernelModule {
    /** For the service loader. */
    public TcpModule() {}

    @Override
    public String name() {
        return "net.tcp";
    }

    @Override
    public int initOrder() {
        return 30;
    }

    @Override
    public void init(Kernel kernel) {
        for (int i = 0; i < kernel.cpus(); i++) {
            Cpu cpu = kernel.cpu(i);
            TcpPcpu.SLOT.set(cpu, new TcpPcpu());
        }
        TcpSeqSecret.SLOT.set(kernel, new TcpSeqSecret(kernel));
        TcpSockets sockets = new TcpSockets(kernel);
        TcpSockets.SLOT.set(kernel, sockets);
        TcpCong.initKernel(kernel);
        if (!InetProtos.addProtocol(kernel, Inet.IPPROTO_TCP, new TcpV4())) {
            throw new IllegalStateException("IP protocol 6 is taken");
        }
        InetProtos.addOffload(kernel, Inet.IPPROTO_TCP, new TcpOffload());
        SockRegistry.of(kernel).register(sockets.prot);
        InetFamily.of(kernel)
                .register(new InetProtosw(
                        SockConst.SOCK_STREAM,
                        Inet.IPPROTO_TCP,
                        sockets.prot,
                        new TcpStreamOps(),
                        InetProtosw.INET_PROTOSW_ICSK));
        TcpProt.Memory memory = sockets.prot.tcpMemory;
        memory.limits = kernel.sysctl()
                .registerVec(
                        "net.ipv4.tcp_mem",
                        memory.limits,
                        0,
                        Long.MAX_VALUE,
                        entry -> memory.limits = ((LongVecSysctl) entry).value)
                .value;
        kernel.registerPernet(new PerNamespace());
    }

    private static final class PerNamespace implements PernetOperations {
        @Override
        public void init(Net net) {
            TcpNet tcp = new TcpNet(net);
            tcp.sysctl.register(tcp, net.sysctl());
            TcpNet.SLOT.set(net, tcp);
            TcpCong.initNet(net);
        }

        @Override
        public void exit(Net net) {
            TcpPurge.namespace(net);
        }
    }
}
