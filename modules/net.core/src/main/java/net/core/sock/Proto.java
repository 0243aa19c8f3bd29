package net.core.sock;

import java.util.concurrent.atomic.AtomicLong;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * A transport protocol as the socket layer sees it: its operations, and the memory all its sockets share. One object
 * per kernel.
 *
 * <p><b>Context:</b> operations run in process context without a CPU word unless they take a {@link Cpu}.
 *
 * <p>Linux: struct proto, include/net/sock.h
 */
public abstract class Proto {
    public final Kernel kernel;
    public final String name;

    /** Memory all sockets share and its pressure state; null for a protocol that doesn't account. */
    public final @Nullable ProtoMemory memory;

    private final AtomicLong inuse = new AtomicLong();
    private final AtomicLong cookies = new AtomicLong();

    protected Proto(Kernel kernel, String name, @Nullable ProtoMemory memory) {
        this.kernel = kernel;
        this.name = name;
        this.memory = memory;
    }

    // ---- life ----

    /** A new sock of this protocol, not yet initialised. Linux: sk_alloc() */
    public abstract Sock alloc(Net net, int family, int type, int protocol);

    /** Sets a new sock's protocol state. */
    public int init(Sock sk) {
        return 0;
    }

    /** The program gave the socket up. May wait for lingering data. */
    public abstract void close(Sock sk, long timeoutNs);

    /** The protocol's part of destroying a sock. Context: CPU word. */
    public void destroy(Cpu cpu, Sock sk) {}

    // ---- connection: socket not owned unless said ----

    /** Context: socket owned. */
    public int bind(Sock sk, SockAddr addr) {
        return -Errno.EOPNOTSUPP;
    }

    public int preConnect(Sock sk, SockAddr addr) {
        return 0;
    }

    /** Context: socket owned. */
    public int connect(Sock sk, SockAddr addr) {
        return -Errno.EOPNOTSUPP;
    }

    /** Context: socket owned. */
    public int disconnect(Sock sk, int flags) {
        return -Errno.EOPNOTSUPP;
    }

    /** Next connection of a listener, or null with {@code arg.err}. May sleep. */
    public @Nullable Sock accept(Sock sk, ProtoAcceptArg arg) {
        arg.err = -Errno.EOPNOTSUPP;
        return null;
    }

    /** Context: socket owned. */
    public void shutdown(Sock sk, int how) {}

    // ---- data ----

    /** @return bytes taken, or -errno */
    public abstract int sendmsg(Sock sk, Msghdr msg, int len);

    /** @return bytes delivered, or -errno */
    public abstract int recvmsg(Sock sk, Msghdr msg, int len, int flags);

    public int ioctl(Sock sk, int cmd, OptVal arg) {
        return -Errno.ENOIOCTLCMD;
    }

    // ---- options ----

    public int setsockopt(Sock sk, int level, int optname, OptVal optval) {
        return -Errno.ENOPROTOOPT;
    }

    public int getsockopt(Sock sk, int level, int optname, OptVal optval) {
        return -Errno.ENOPROTOOPT;
    }

    /** SOF_TIMESTAMPING_OPT_ID was set: where keys start; a stream counts its bytes. Context: socket owned. */
    public int resetTskey(Sock sk, int tsflags) {
        sk.tskey = 0;
        return 0;
    }

    /** What SOF_TIMESTAMPING_OPT_STATS adds to a transmit stamp: netlink attributes; null: nothing. Any context. */
    public byte @Nullable [] optStats(Sock sk, SkBuff orig, @Nullable SkBuff ack) {
        return null;
    }

    /** SO_KEEPALIVE changed. Context: socket owned. */
    public void keepalive(Sock sk, boolean on) {}

    // ---- tables: CPU word ----

    public int hash(Cpu cpu, Sock sk) {
        return 0;
    }

    public void unhash(Cpu cpu, Sock sk) {}

    public void rehash(Cpu cpu, Sock sk) {}

    /** Binds a local port, 0 to choose one. @return 0 or -EADDRINUSE */
    public int getPort(Cpu cpu, Sock sk, int snum) {
        return 0;
    }

    public void putPort(Cpu cpu, Sock sk) {}

    // ---- what all sockets share ----

    /** Smallest buffers guaranteed under memory pressure: first of tcp_rmem / tcp_wmem. */
    public int rmemMin(Net net) {
        return SockMem.SK_MEM_QUANTUM;
    }

    public int wmemMin(Net net) {
        return SockMem.SK_MEM_QUANTUM;
    }

    /** Sockets of this protocol that exist: "inuse" of /proc/net/sockstat. */
    public final long inuse() {
        return inuse.get();
    }

    void sockProtInuseAdd(Net net, int n) {
        inuse.addAndGet(n);
    }

    long nextCookie() {
        return cookies.incrementAndGet();
    }

    @Override
    public String toString() {
        return name;
    }
}
