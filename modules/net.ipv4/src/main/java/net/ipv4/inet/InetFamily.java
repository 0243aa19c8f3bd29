package net.ipv4.inet;

import java.util.concurrent.CopyOnWriteArrayList;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.PerKernel;
import net.core.sock.NetProtoFamily;
import net.core.sock.Proto;
import net.core.sock.Sock;
import net.core.sock.SockConst;
import net.core.sock.SockRegistry;
import net.core.sock.Socket;
import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;

/**
 * Makes sockets of {@code AF_INET}. Protocols register with {@link #register}.
 *
 * <p>Linux: inet_create(), inet_register_protosw(), net/ipv4/af_inet.c
 */
public final class InetFamily implements NetProtoFamily {
    private static final PerKernel<InetFamily> SLOT = new PerKernel<>();

    private final Kernel kernel;
    private final CopyOnWriteArrayList<InetProtosw> protosw = new CopyOnWriteArrayList<>();

    /** The family of a kernel. */
    public InetFamily(Kernel kernel) {
        this.kernel = kernel;
        SLOT.set(kernel, this);
    }

    public static InetFamily of(Kernel kernel) {
        return SLOT.get(kernel);
    }

    /** Adds a kind of socket. Linux: inet_register_protosw(). */
    public void register(InetProtosw p) {
        for (InetProtosw old : protosw) {
            if (old.type() == p.type() && old.protocol() == p.protocol() && p.protocol() != 0) {
                throw new IllegalStateException("protocol " + p.protocol() + " of type " + p.type() + " is registered");
            }
        }
        protosw.add(p);
        SockRegistry.of(kernel).register(p.prot());
    }

    @Override
    public int family() {
        return SockConst.AF_INET;
    }

    @Override
    public int create(Net net, Socket sock, int protocol, boolean kern) {
        if (protocol < 0 || protocol > 255) {
            return -Errno.EINVAL;
        }
        InetProtosw answer = null;
        boolean typeKnown = false;
        for (InetProtosw p : protosw) {
            if (p.type() != sock.type) {
                continue;
            }
            typeKnown = true;
            // An exact match, the type's default, or a kind that takes every protocol.
            if (protocol == p.protocol() && protocol != 0
                    || protocol == 0 && p.protocol() != 0
                    || p.protocol() == 0 && protocol != 0) {
                answer = p;
                break;
            }
        }
        if (answer == null) {
            return typeKnown ? -Errno.EPROTONOSUPPORT : -Errno.ESOCKTNOSUPPORT;
        }
        int proto = protocol != 0 ? protocol : answer.protocol();
        return make(net, sock, answer, proto);
    }

    private static int make(Net net, Socket sock, InetProtosw answer, int protocol) {
        Proto prot = answer.prot();
        Sock made = prot.alloc(net, SockConst.AF_INET, sock.type, protocol);
        if (!(made instanceof InetSock sk)) {
            return -Errno.ENOBUFS;
        }
        sock.ops = answer.ops();
        sk.sockGraft(sock);
        if ((answer.flags() & InetProtosw.INET_PROTOSW_REUSE) != 0) {
            sk.reuse = true;
        }
        sk.isIcsk = (answer.flags() & InetProtosw.INET_PROTOSW_ICSK) != 0;
        int err = 0;
        if (sock.type == SockConst.SOCK_RAW) {
            sk.num = protocol;
            sk.hdrincl = protocol == SockConst.IPPROTO_RAW;
            sk.sport = protocol;
            Cpu cpu = sk.localBhDisable();
            err = prot.hash(cpu, sk);
            cpu.localBhEnable();
        }
        if (err == 0) {
            err = prot.init(sk);
        }
        if (err != 0) {
            abandon(sock, sk);
        }
        return err;
    }

    private static void abandon(Socket sock, InetSock sk) {
        Cpu cpu = sk.localBhDisable();
        try {
            Proto prot = sk.prot;
            if (prot != null) {
                prot.unhash(cpu, sk);
            }
            sk.sockOrphan();
            sk.skFree(cpu);
        } finally {
            cpu.localBhEnable();
        }
        sock.sk = null;
    }

    /** The kinds of socket there are, for tools. */
    public @Nullable InetProtosw find(int type, int protocol) {
        for (InetProtosw p : protosw) {
            if (p.type() == type && p.protocol() == protocol) {
                return p;
            }
        }
        return null;
    }
}
