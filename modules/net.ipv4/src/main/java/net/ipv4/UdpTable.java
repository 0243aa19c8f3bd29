package net.ipv4;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.PerKernel;
import net.core.sock.Sock;
import net.core.sock.SockConst;
import net.core.sock.TcpStates;
import net.core.task.SpinLock;
import net.ipv4.inet.InetSock;
import net.ipv4.inet.SockReuseport;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SipHash;
import org.jspecify.annotations.Nullable;

/**
 * The UDP sockets of a kernel: by port, for binding and for groups, and by address and port, for datagrams.
 *
 * <p><b>Context:</b> lookups take no lock: a bucket is an array that is replaced, never changed. Changes take the port
 * bucket's spinlock, then the address bucket's, with a CPU word.
 *
 * <p>Linux: struct udp_table, net/ipv4/udp.c
 */
public final class UdpTable {
    private static final PerKernel<UdpTable> SLOT = new PerKernel<>();
    private static final int SIZE = 1024;
    private static final UdpSock[] NOBODY = {};

    private final AtomicReferenceArray<UdpSock @Nullable []> byPort = new AtomicReferenceArray<>(SIZE);
    private final AtomicReferenceArray<UdpSock @Nullable []> byAddr = new AtomicReferenceArray<>(SIZE);
    private final SpinLock[] locks = new SpinLock[SIZE];
    private final SpinLock addrLock = new SpinLock();
    private final Kernel kernel;
    private final SipHash key;
    private final long mix;
    private final AtomicInteger groSockets = new AtomicInteger();

    private UdpTable(Kernel kernel) {
        this.kernel = kernel;
        key = kernel.bootSecret("udp_ehash");
        mix = key.hash(0x756470L);
        for (int i = 0; i < SIZE; i++) {
            locks[i] = new SpinLock();
        }
    }

    static UdpTable install(Kernel kernel) {
        UdpTable t = new UdpTable(kernel);
        SLOT.set(kernel, t);
        return t;
    }

    @HotPath
    static UdpTable of(Kernel kernel) {
        return SLOT.get(kernel);
    }

    private static int portSlot(Net net, int port) {
        return port + net.id * 37 & SIZE - 1;
    }

    private int addrSlot(Net net, int addr, int port) {
        long h = (addr * 0x9E3779B97F4A7C15L ^ port * 0xC2B2AE3D27D4EB4FL ^ net.id ^ mix) * 0xD6E8FEB86659FD93L;
        return (int) (h >>> 40) & SIZE - 1;
    }

    private static UdpSock[] at(AtomicReferenceArray<UdpSock @Nullable []> table, int slot) {
        UdpSock[] chain = table.getAcquire(slot);
        return chain == null ? NOBODY : chain;
    }

    private static void add(AtomicReferenceArray<UdpSock @Nullable []> table, int slot, UdpSock sk) {
        UdpSock[] old = at(table, slot);
        UdpSock[] next = new UdpSock[old.length + 1];
        System.arraycopy(old, 0, next, 1, old.length);
        next[0] = sk;
        table.setRelease(slot, next);
    }

    private static void remove(AtomicReferenceArray<UdpSock @Nullable []> table, int slot, UdpSock sk) {
        UdpSock[] old = at(table, slot);
        for (int i = 0; i < old.length; i++) {
            if (old[i] == sk) {
                UdpSock[] next = new UdpSock[old.length - 1];
                System.arraycopy(old, 0, next, 0, i);
                System.arraycopy(old, i + 1, next, i, next.length - i);
                table.setRelease(slot, next);
                return;
            }
        }
    }

    /** Sockets with UDP_GRO: without any, receivers need not look. Linux: udp_encap_needed_key. */
    @HotPath
    int groSockets() {
        return groSockets.getPlain();
    }

    void groSocketsAdd(int n) {
        groSockets.addAndGet(n);
    }

    // ---- binding

    /** Binds a port, 0 chooses one; 0 or -EADDRINUSE. Context: CPU word, socket owned. Linux: udp_lib_get_port(). */
    int getPort(UdpSock sk, int snum) {
        if (snum != 0) {
            return tryPort(sk, snum) ? 0 : -Errno.EADDRINUSE;
        }
        Ipv4Net v4 = Ipv4Net.of(sk.net);
        int range = sk.localPortRange != 0 ? sk.localPortRange : v4.localPortRange();
        int low = range & 0xffff;
        int remaining = (range >>> 16) - low + 1;
        // A random start and an odd step walk through all ports without a neighbour giving away the next.
        int start = kernel.getRandomBelow(remaining);
        int step = kernel.getRandomBelow(remaining) | 1;
        while (gcd(step, remaining) != 1) {
            step += 2;
        }
        for (int i = 0; i < remaining; i++) {
            int port = low + (int) ((start + (long) i * step) % remaining);
            if (!v4.isReservedPort(port) && tryPort(sk, port)) {
                return 0;
            }
        }
        return -Errno.EADDRINUSE;
    }

    private static int gcd(int a, int b) {
        return b == 0 ? a : gcd(b, a % b);
    }

    private boolean tryPort(UdpSock sk, int port) {
        int slot = portSlot(sk.net, port);
        locks[slot].lock();
        try {
            for (UdpSock sk2 : at(byPort, slot)) {
                if (inUse(sk, sk2, port)) {
                    return false;
                }
            }
            sk.num = port;
            if (!sk.hashed) {
                if (sk.reuseport) {
                    joinReuseport(sk, slot);
                }
                sk.hashed = true;
                sk.hashedPort = port;
                sk.hashedAddr = sk.rcvSaddr;
                add(byPort, slot, sk);
                addrLock.lock();
                add(byAddr, addrSlot(sk.net, sk.rcvSaddr, port), sk);
                addrLock.unlock();
            }
            return true;
        } finally {
            locks[slot].unlock();
        }
    }

    /** Linux: udp_lib_lport_inuse(). */
    private static boolean inUse(UdpSock sk, UdpSock sk2, int port) {
        if (sk2 == sk || sk2.num != port || sk2.net != sk.net || sk2.reuse && sk.reuse) {
            return false;
        }
        if (sk2.boundDevIf != 0 && sk.boundDevIf != 0 && sk2.boundDevIf != sk.boundDevIf) {
            return false;
        }
        if (sk2.rcvSaddr != 0 && sk.rcvSaddr != 0 && sk2.rcvSaddr != sk.rcvSaddr) {
            return false;
        }
        return !(sk2.reuseport && sk.reuseport && sk.reuseportCb == null);
    }

    private void joinReuseport(UdpSock sk, int slot) {
        for (UdpSock sk2 : at(byPort, slot)) {
            SockReuseport group = sk2.reuseportCb;
            if (group != null
                    && sk2.net == sk.net
                    && sk2.num == sk.num
                    && sk2.rcvSaddr == sk.rcvSaddr
                    && sk2.boundDevIf == sk.boundDevIf) {
                group.add(sk);
                return;
            }
        }
        new SockReuseport().add(sk);
    }

    /** Context: CPU word. Linux: udp_lib_unhash(). */
    void unhash(UdpSock sk) {
        if (!sk.hashed) {
            return;
        }
        int slot = portSlot(sk.net, sk.hashedPort);
        locks[slot].lock();
        try {
            SockReuseport group = sk.reuseportCb;
            if (group != null) {
                group.remove(sk);
            }
            remove(byPort, slot, sk);
            addrLock.lock();
            remove(byAddr, addrSlot(sk.net, sk.hashedAddr, sk.hashedPort), sk);
            addrLock.unlock();
            sk.hashed = false;
            sk.num = 0;
        } finally {
            locks[slot].unlock();
        }
    }

    /** The socket's address changed. Context: CPU word, socket owned. Linux: udp_lib_rehash(). */
    void rehash(UdpSock sk) {
        if (!sk.hashed || sk.hashedAddr == sk.rcvSaddr) {
            return;
        }
        int slot = portSlot(sk.net, sk.hashedPort);
        locks[slot].lock();
        addrLock.lock();
        try {
            int to = addrSlot(sk.net, sk.rcvSaddr, sk.hashedPort);
            int from = addrSlot(sk.net, sk.hashedAddr, sk.hashedPort);
            if (to != from) {
                // First in the new place, then out of the old: a datagram always finds it.
                add(byAddr, to, sk);
                remove(byAddr, from, sk);
            }
            sk.hashedAddr = sk.rcvSaddr;
        } finally {
            addrLock.unlock();
            locks[slot].unlock();
        }
    }

    // ---- finding

    /** The socket for a datagram; null if there is none. Linux: __udp4_lib_lookup(). */
    @HotPath
    @Nullable
    UdpSock lookup(Cpu cpu, Net net, int saddr, int sport, int daddr, int hnum, int dif) {
        UdpSock sk = lookup2(cpu, net, saddr, sport, daddr, daddr, hnum, dif);
        if (sk != null && sk.state == TcpStates.TCP_ESTABLISHED) {
            return sk;
        }
        return sk != null ? sk : lookup2(cpu, net, saddr, sport, daddr, 0, hnum, dif);
    }

    @HotPath
    private @Nullable UdpSock lookup2(Cpu cpu, Net net, int saddr, int sport, int daddr, int bound, int hnum, int dif) {
        UdpSock result = null;
        int best = 0;
        for (UdpSock sk : at(byAddr, addrSlot(net, bound, hnum))) {
            int score = computeScore(cpu, sk, net, saddr, sport, bound, hnum, dif);
            if (score > best) {
                best = score;
                result = sk;
            }
        }
        if (result != null && result.reuseport && result.state != TcpStates.TCP_ESTABLISHED) {
            SockReuseport group = result.reuseportCb;
            if (group != null && group.size() > 1) {
                int hash = (int) key.hash((long) daddr << 32 | saddr & 0xffffffffL, (long) hnum << 16 | sport);
                Sock chosen = group.select(hash);
                if (chosen != null && chosen.state != TcpStates.TCP_ESTABLISHED) {
                    return (UdpSock) chosen;
                }
            }
        }
        return result;
    }

    @HotPath
    private static int computeScore(Cpu cpu, UdpSock sk, Net net, int saddr, int sport, int bound, int hnum, int dif) {
        if (sk.num != hnum || sk.net != net || sk.rcvSaddr != bound || sk.ipv6only) {
            return -1;
        }
        int score = sk.family == SockConst.AF_INET ? 2 : 1;
        if (sk.daddr != 0) {
            if (sk.daddr != saddr) {
                return -1;
            }
            score += 4;
        }
        if (sk.dport != 0) {
            if (sk.dport != sport) {
                return -1;
            }
            score += 4;
        }
        if (!InetSock.boundDevMatch(sk.boundDevIf, dif)) {
            return -1;
        }
        if (sk.boundDevIf != 0) {
            score += 4;
        }
        return sk.incomingCpu == cpu.id ? score + 1 : score;
    }

    /** Sockets that may be bound to a port; for groups. */
    @HotPath
    UdpSock[] portChain(Net net, int port) {
        return at(byPort, portSlot(net, port));
    }

    /** Every socket, for tools. */
    public void forEach(java.util.function.Consumer<UdpSock> visitor) {
        for (int i = 0; i < SIZE; i++) {
            for (UdpSock sk : at(byPort, i)) {
                visitor.accept(sk);
            }
        }
    }
}
