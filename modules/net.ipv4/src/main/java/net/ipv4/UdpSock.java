package net.ipv4;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.Cpu;
import net.core.Net;
import net.core.sock.Proto;
import net.core.sock.SockConst;
import net.ipv4.inet.InetSock;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * A UDP socket.
 *
 * <p>Linux: struct udp_sock, include/linux/udp.h
 */
public final class UdpSock extends InetSock {
    private static final VarHandle SPARE;

    static {
        try {
            SPARE = MethodHandles.lookup().findVarHandle(UdpSock.class, "spare", DatagramProto.Send.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** What a send works with, between sends. Atomic: several threads may send at once. */
    private DatagramProto.@Nullable Send spare;

    /** UDP_CORK. */
    volatile boolean corkflag;
    /** UDP_SEGMENT: bytes of payload per datagram of one send, 0: off. */
    volatile int gsoSize;
    /** UDP_GRO: the program takes merged datagrams. */
    volatile boolean groEnabled;
    /** SO_NO_CHECK: send without a checksum. */
    volatile boolean noCheckTx;
    /** In the tables now; bucket locks. */
    boolean hashed;
    /** Address that the second table knows this socket by. */
    int hashedAddr;

    int hashedPort;

    UdpSock(Net net, Proto prot) {
        super(net, prot, SockConst.AF_INET, SockConst.SOCK_DGRAM, Inet.IPPROTO_UDP);
    }

    /** Datagrams go straight into the queue: nothing is ever backlogged. */
    @Override
    protected int backlogRcv(Cpu cpu, SkBuff skb) {
        skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
        return 0;
    }

    /** The socket's spare object, or a new one while another thread sends too. */
    DatagramProto.Send takeSend() {
        DatagramProto.Send s = (DatagramProto.Send) SPARE.getAndSet(this, null);
        return s != null ? s.reset() : new DatagramProto.Send(); // allocates: the first send, or a second at once
    }

    void giveBack(DatagramProto.Send s) {
        s.reset();
        SPARE.setRelease(this, s);
    }
}
