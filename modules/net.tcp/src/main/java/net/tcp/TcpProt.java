package net.tcp;

import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.sock.Msghdr;
import net.core.sock.OptVal;
import net.core.sock.Proto;
import net.core.sock.ProtoAcceptArg;
import net.core.sock.ProtoMemory;
import net.core.sock.Sock;
import net.core.sock.SockAddr;
import net.core.sock.SockConst;
import net.core.sock.SockFlag;
import net.core.sock.Socket;
import net.core.sock.TcpStates;
import net.ipv4.inet.InetConnectionSock;
import net.ipv4.inet.InetCsk;
import net.ipv4.inet.InetHashtables;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * TCP as the socket layer calls it.
 *
 * <p>Linux: tcp_prot, net/ipv4/tcp_ipv4.c
 */
public final class TcpProt extends Proto {
    /** Memory of all TCP sockets. */
    final Memory tcpMemory;

    TcpProt(Kernel kernel) {
        this(kernel, new Memory(kernel));
    }

    private TcpProt(Kernel kernel, Memory memory) {
        super(kernel, "TCP", memory);
        tcpMemory = memory;
    }

    /** The memory of all TCP sockets: {@code net.ipv4.tcp_mem}, pages. */
    static final class Memory extends ProtoMemory {
        /** The three limits, pages of 4096 bytes. */
        volatile long[] limits;

        Memory(Kernel kernel) {
            super(kernel);
            // As Linux: an eighth of what packets may take, by way of 3/4 and 3/2 of it.
            long pages = Math.max(Runtime.getRuntime().maxMemory() / 4096, 1 << 16);
            long limit = Math.max(pages / 8, 128);
            limits = new long[] {limit / 4 * 3, limit, limit / 4 * 3 * 2};
        }

        @Override
        public long limit(int index) {
            return limits[index];
        }

        @Override
        protected void enteredPressure(@Nullable Cpu cpu, Sock sk) {
            TcpNet.of(sk.net).linuxMib.inc(LinuxMib.TCPMEMORYPRESSURES);
        }

        @Override
        protected void leftPressure(@Nullable Cpu cpu, Sock sk, long lastedNs) {
            TcpNet.of(sk.net).linuxMib.add(LinuxMib.TCPMEMORYPRESSURESCHRONO, lastedNs / 1_000_000);
        }
    }

    private static TcpSock tcp(Sock sk) {
        return (TcpSock) sk;
    }

    @Override
    public Sock alloc(Net net, int family, int type, int protocol) {
        return new TcpSock(net, this);
    }

    @Override
    public int init(Sock sk) {
        TcpSock tp = tcp(sk);
        Tcp.tcpInitSock(tp);
        tp.afOps = TcpSockets.of(kernel).v4Ops;
        Socket program = tp.socket;
        if (program != null) {
            program.setFlag(Socket.SOCK_SUPPORT_ZC);
        }
        return 0;
    }

    @Override
    public void close(Sock sk, long timeoutNs) {
        TcpClose.tcpClose(tcp(sk), timeoutNs);
    }

    @Override
    public void destroy(Cpu cpu, Sock sk) {
        Tcp.tcpV4DestroySock(cpu, tcp(sk));
    }

    @Override
    public int connect(Sock sk, SockAddr addr) {
        return TcpV4Ops.tcpV4Connect(tcp(sk), addr);
    }

    @Override
    public int disconnect(Sock sk, int flags) {
        return TcpClose.disconnect(tcp(sk));
    }

    @Override
    public @Nullable Sock accept(Sock sk, ProtoAcceptArg arg) {
        return InetCsk.accept((InetConnectionSock) sk, arg);
    }

    @Override
    public void shutdown(Sock sk, int how) {
        TcpClose.shutdown(tcp(sk), how);
    }

    @Override
    public int sendmsg(Sock sk, Msghdr msg, int len) {
        return TcpSendmsg.tcpSendmsg(tcp(sk), msg, len);
    }

    @Override
    public int recvmsg(Sock sk, Msghdr msg, int len, int flags) {
        return TcpRecvmsg.tcpRecvmsg(tcp(sk), msg, len, flags);
    }

    /** Bytes up to the urgent one or the end of the stream. Linux: tcp_inq(). */
    private static int inq(TcpSock tp) {
        if (tp.inStates(TcpConst.TCPF_SYN_SENT | TcpConst.TCPF_SYN_RECV)) {
            return 0;
        }
        boolean urgentAhead =
                tp.urgData != 0 && !TcpSeq.before(tp.urgSeq, tp.copiedSeq) && TcpSeq.before(tp.urgSeq, tp.rcvNxt);
        if (urgentAhead && !tp.flag(SockFlag.URGINLINE)) {
            return tp.urgSeq - tp.copiedSeq;
        }
        int n = tp.rcvNxt - tp.copiedSeq;
        return n != 0 && tp.flag(SockFlag.DONE) ? n - 1 : n; // without the FIN
    }

    /** SIOCINQ, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK. Linux: tcp_ioctl(). */
    @Override
    public int ioctl(Sock sk, int cmd, OptVal arg) {
        TcpSock tp = tcp(sk);
        switch (cmd) {
            case SockConst.SIOCINQ -> {
                if (tp.state == TcpStates.TCP_LISTEN) {
                    return -Errno.EINVAL;
                }
                tp.lockSock();
                int n = inq(tp);
                tp.releaseSock();
                arg.setInt(n);
            }
            case SockConst.SIOCOUTQ -> {
                if (tp.state == TcpStates.TCP_LISTEN) {
                    return -Errno.EINVAL;
                }
                arg.setInt(tp.inStates(TcpConst.TCPF_SYN_SENT | TcpConst.TCPF_SYN_RECV) ? 0 : tp.writeSeq - tp.sndUna);
            }
            case SockConst.SIOCOUTQNSD -> {
                if (tp.state == TcpStates.TCP_LISTEN) {
                    return -Errno.EINVAL;
                }
                arg.setInt(tp.inStates(TcpConst.TCPF_SYN_SENT | TcpConst.TCPF_SYN_RECV) ? 0 : tp.writeSeq - tp.sndNxt);
            }
            case SockConst.SIOCATMARK -> arg.setInt(tp.urgData != 0 && tp.urgSeq == tp.copiedSeq ? 1 : 0);
            default -> {
                return -Errno.ENOIOCTLCMD;
            }
        }
        return 0;
    }

    @Override
    public int setsockopt(Sock sk, int level, int optname, OptVal optval) {
        return TcpSockopt.set(tcp(sk), level, optname, optval);
    }

    @Override
    public int getsockopt(Sock sk, int level, int optname, OptVal optval) {
        return TcpSockopt.get(tcp(sk), level, optname, optval);
    }

    /** Keys count bytes from here on. Linux: sock_set_timestamping(). */
    @Override
    public int resetTskey(Sock sk, int tsflags) {
        TcpSock tp = tcp(sk);
        if (tp.inStates(TcpConst.TCPF_CLOSE | TcpConst.TCPF_LISTEN)) {
            return -Errno.EINVAL;
        }
        tp.tskey = (tsflags & SockConst.SOF_TIMESTAMPING_OPT_ID_TCP) != 0 ? tp.writeSeq : tp.sndUna;
        return 0;
    }

    @Override
    public byte[] optStats(Sock sk, SkBuff orig, @Nullable SkBuff ack) {
        return TcpTxTimestamp.optStats(tcp(sk), orig, ack);
    }

    @Override
    public void keepalive(Sock sk, boolean on) {
        Cpu cpu = sk.localBhDisable();
        try {
            TcpKeepalive.setKeepalive(cpu, tcp(sk), on);
        } finally {
            cpu.localBhEnable();
        }
    }

    @Override
    public int hash(Cpu cpu, Sock sk) {
        return InetHashtables.of(cpu).inetHash(cpu, tcp(sk));
    }

    @Override
    public void unhash(Cpu cpu, Sock sk) {
        InetHashtables.of(cpu).inetUnhash(cpu, tcp(sk));
    }

    @Override
    public int getPort(Cpu cpu, Sock sk, int snum) {
        return InetHashtables.of(cpu).inetCskGetPort(cpu, tcp(sk), snum);
    }

    @Override
    public void putPort(Cpu cpu, Sock sk) {
        InetHashtables.of(cpu).inetPutPort(cpu, tcp(sk));
    }

    @Override
    public int rmemMin(Net net) {
        return TcpNet.of(net).sysctl.tcpRmem[0];
    }

    @Override
    public int wmemMin(Net net) {
        return TcpNet.of(net).sysctl.tcpWmem[0];
    }
}
