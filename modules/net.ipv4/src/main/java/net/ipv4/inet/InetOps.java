package net.ipv4.inet;

import net.core.Cpu;
import net.core.sock.Msghdr;
import net.core.sock.OptVal;
import net.core.sock.Proto;
import net.core.sock.ProtoOps;
import net.core.sock.Sock;
import net.core.sock.SockAddr;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.core.sock.SockFlag;
import net.core.sock.Socket;
import net.core.sock.TcpStates;
import net.ipv4.IpMulticast;
import net.ipv4.route.Route;
import net.ipv4.route.RtType;
import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;

/**
 * What system calls do on every socket of {@code AF_INET}, whatever its type.
 *
 * <p><b>Context:</b> process, no lock held.
 *
 * <p>Linux: net/ipv4/af_inet.c
 */
public abstract class InetOps extends ProtoOps {
    protected InetOps() {
        super(SockConst.AF_INET);
    }

    static InetSock sk(Socket sock) {
        Sock sk = sock.sk;
        if (sk == null) {
            throw new IllegalStateException("socket was released");
        }
        return (InetSock) sk;
    }

    static Proto prot(Sock sk) {
        Proto p = sk.prot;
        if (p == null) {
            throw new IllegalStateException("socket without a protocol");
        }
        return p;
    }

    /** Linux: inet_release(). */
    @Override
    public int release(Socket sock) {
        if (sock.sk instanceof InetSock sk) {
            IpMulticast.drop(sk);
            long timeout = sk.flag(SockFlag.LINGER) ? sk.lingertimeNs : 0;
            prot(sk).close(sk, timeout);
            // sock.sk stays: a call in flight finds a dead sock.
        }
        return 0;
    }

    /** Linux: inet_bind_sk(), __inet_bind(). */
    @Override
    public int bind(Socket sock, SockAddr address) {
        InetSock sk = sk(sock);
        if (sk.type == SockConst.SOCK_RAW) {
            sk.lockSock();
            try {
                return prot(sk).bind(sk, address);
            } finally {
                sk.releaseSock();
            }
        }
        if (!(address instanceof SockAddrIn addr)) {
            return -Errno.EAFNOSUPPORT;
        }
        return bindTo(sk, addr.addr, addr.port);
    }

    /** Binds to an address and port, as {@code bind} does. */
    public static int bindTo(InetSock sk, int addr, int port) {
        if (port < 0 || port > 65535) {
            return -Errno.EINVAL;
        }
        int kind = Route.inetAddrType(sk.net, addr);
        if (!sk.canNonlocalBind()
                && addr != 0
                && kind != RtType.RTN_LOCAL
                && kind != RtType.RTN_MULTICAST
                && kind != RtType.RTN_BROADCAST) {
            return -Errno.EADDRNOTAVAIL;
        }
        sk.lockSock();
        try {
            if (sk.state != TcpStates.TCP_CLOSE || sk.num != 0 || sk.flag(SockFlag.DEAD)) {
                return -Errno.EINVAL;
            }
            sk.rcvSaddr = addr;
            sk.saddr = kind == RtType.RTN_MULTICAST || kind == RtType.RTN_BROADCAST ? 0 : addr;
            if (port != 0 || !sk.bindAddressNoPort) {
                Cpu cpu = sk.localBhDisable();
                int err;
                try {
                    err = prot(sk).getPort(cpu, sk, port);
                } finally {
                    cpu.localBhEnable();
                }
                if (err != 0) {
                    sk.saddr = 0;
                    sk.rcvSaddr = 0;
                    return err;
                }
            }
            if (sk.rcvSaddr != 0) {
                sk.userlocks |= Sock.SOCK_BINDADDR_LOCK;
            }
            if (port != 0) {
                sk.userlocks |= Sock.SOCK_BINDPORT_LOCK;
            }
            sk.sport = sk.num;
            sk.daddr = 0;
            sk.dport = 0;
            sk.skDstReset();
            return 0;
        } finally {
            sk.releaseSock();
        }
    }

    /** A port for a socket that has none. Linux: inet_autobind(). */
    static int autobind(InetSock sk) {
        sk.lockSock();
        try {
            if (sk.flag(SockFlag.DEAD)) {
                return -Errno.EBADF;
            }
            if (sk.num == 0) {
                Cpu cpu = sk.localBhDisable();
                try {
                    int err = prot(sk).getPort(cpu, sk, 0);
                    if (err != 0) {
                        return -Errno.EAGAIN;
                    }
                } finally {
                    cpu.localBhEnable();
                }
                sk.sport = sk.num;
            }
            return 0;
        } finally {
            sk.releaseSock();
        }
    }

    /** Linux: inet_getname(). */
    @Override
    public int getname(Socket sock, @Nullable SockAddr[] out, int which) {
        InetSock sk = sk(sock);
        if (which != NAME_OWN) {
            boolean ended = sk.inStates(TcpStates.TCPF_CLOSE | TcpStates.TCPF_SYN_SENT) && sk.isIcsk;
            if (sk.dport == 0 || ended && which == NAME_PEER) {
                return -Errno.ENOTCONN;
            }
            out[0] = new SockAddrIn(sk.daddr, sk.dport);
        } else {
            int addr = sk.rcvSaddr != 0 ? sk.rcvSaddr : sk.saddr;
            out[0] = new SockAddrIn(addr, sk.sport);
        }
        return 0;
    }

    /** Linux: inet_shutdown(). */
    @Override
    public int shutdown(Socket sock, int how0) {
        int how = how0 + 1;
        if (how < 1 || how > SockConst.SHUTDOWN_MASK) {
            return -Errno.EINVAL;
        }
        InetSock sk = sk(sock);
        int err = 0;
        sk.lockSock();
        try {
            if (sock.state == Socket.SS_CONNECTING) {
                boolean opening = sk.inStates(TcpStates.TCPF_SYN_SENT | TcpStates.TCPF_SYN_RECV | TcpStates.TCPF_CLOSE);
                sock.state = (byte) (opening ? Socket.SS_DISCONNECTING : Socket.SS_CONNECTED);
            }
            int state = sk.state;
            boolean abort = state == TcpStates.TCP_SYN_SENT
                    || state == TcpStates.TCP_LISTEN && (how & SockConst.RCV_SHUTDOWN) != 0;
            if (abort) {
                err = prot(sk).disconnect(sk, net.core.sock.FileFlags.O_NONBLOCK);
                sock.state = (byte) (err != 0 ? Socket.SS_DISCONNECTING : Socket.SS_UNCONNECTED);
            } else if (state != TcpStates.TCP_LISTEN) {
                if (state == TcpStates.TCP_CLOSE) {
                    // Nothing to shut down, but whoever polls shall see it.
                    err = -Errno.ENOTCONN;
                }
                sk.shutdown |= how;
                prot(sk).shutdown(sk, how);
            }
            sk.stateChange(null);
            return err;
        } finally {
            sk.releaseSock();
        }
    }

    @Override
    public int ioctl(Socket sock, int cmd, OptVal arg) {
        InetSock sk = sk(sock);
        return prot(sk).ioctl(sk, cmd, arg);
    }

    @Override
    public int setsockopt(Socket sock, int level, int optname, OptVal optval) {
        InetSock sk = sk(sock);
        return prot(sk).setsockopt(sk, level, optname, optval);
    }

    @Override
    public int getsockopt(Socket sock, int level, int optname, OptVal optval) {
        InetSock sk = sk(sock);
        return prot(sk).getsockopt(sk, level, optname, optval);
    }

    /** Linux: inet_sendmsg(). */
    @Override
    public int sendmsg(Socket sock, Msghdr msg, int len) {
        InetSock sk = sk(sock);
        if (sk.num == 0 && !sk.isIcsk) {
            int err = autobind(sk);
            if (err != 0) {
                return err;
            }
        }
        return prot(sk).sendmsg(sk, msg, len);
    }

    /** Linux: inet_recvmsg(). */
    @Override
    public int recvmsg(Socket sock, Msghdr msg, int len, int flags) {
        InetSock sk = sk(sock);
        return prot(sk).recvmsg(sk, msg, len, flags);
    }
}
