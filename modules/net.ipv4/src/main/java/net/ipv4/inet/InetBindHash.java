package net.ipv4.inet;

import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.sock.SockCommon;
import net.core.sock.TcpStates;
import net.core.task.SpinLock;
import net.ipv4.Ipv4Net;
import net.skbuff.Errno;
import net.skbuff.SipHash;
import org.jspecify.annotations.Nullable;

/**
 * Local ports in use: who may bind which, and which one a connecting socket gets.
 *
 * <p><b>Context:</b> each chain has a spinlock, taken with the CPU word held; the established hash's locks nest inside.
 *
 * <p>Linux: net/ipv4/inet_connection_sock.c, net/ipv4/inet_hashtables.c
 */
final class InetBindHash {
    private static final int SIZE = 1024;
    private static final int TABLE_PERTURB_SIZE = 1 << 16;
    private static final int FASTREUSEPORT_ANY = 1;
    private static final int FASTREUSEPORT_STRICT = 2;

    private final InetHashtables tables;
    private final Kernel kernel;
    private final SipHash portSecret;
    private final @Nullable InetBindBucket[] heads = new InetBindBucket[SIZE];
    private final SpinLock[] locks = new SpinLock[SIZE];
    /** Moves each destination's ephemeral ports on (RFC 6056 3.3.4); made when the first connection is. */
    private final SpinLock perturbLock = new SpinLock();

    private volatile int @Nullable [] tablePerturb;

    InetBindHash(InetHashtables tables, Kernel kernel) {
        this.tables = tables;
        this.kernel = kernel;
        this.portSecret = kernel.bootSecret("secure_ipv4_port_ephemeral");
        for (int i = 0; i < SIZE; i++) {
            locks[i] = new SpinLock();
        }
    }

    SipHash portSecret() {
        return portSecret;
    }

    private static int slot(Net net, int port) {
        return port + net.id * 37 & SIZE - 1;
    }

    private @Nullable InetBindBucket find(int slot, Net net, int port) {
        for (InetBindBucket tb = heads[slot]; tb != null; tb = tb.next) {
            if (tb.port == port && tb.net == net) {
                return tb;
            }
        }
        return null;
    }

    private InetBindBucket create(int slot, Net net, int port) {
        InetBindBucket tb = new InetBindBucket(net, port);
        tb.next = heads[slot];
        heads[slot] = tb;
        return tb;
    }

    private void destroyIfEmpty(int slot, InetBindBucket tb) {
        if (!tb.isEmpty()) {
            return;
        }
        InetBindBucket prev = null;
        for (InetBindBucket b = heads[slot]; b != null; prev = b, b = b.next) {
            if (b == tb) {
                if (prev == null) {
                    heads[slot] = b.next;
                } else {
                    prev.next = b.next;
                }
                return;
            }
        }
    }

    /** Linux: inet_bind_hash(). */
    private static void bindHash(InetConnectionSock sk, InetBindBucket tb, int port) {
        sk.num = port;
        link(new InetBindNode(sk), sk, tb);
    }

    private static void link(InetBindNode node, InetConnectionSock sk, InetBindBucket tb) {
        node.link(bucketOf(tb, sk.rcvSaddr));
        sk.bind = node;
    }

    private static InetBind2Bucket bucketOf(InetBindBucket tb, int addr) {
        InetBind2Bucket tb2 = tb.find(addr);
        if (tb2 == null) {
            tb2 = new InetBind2Bucket(tb, addr);
            tb2.nextOfPort = tb.addresses;
            tb.addresses = tb2;
        }
        return tb2;
    }

    private void unlink(int slot, InetBindNode node) {
        InetBind2Bucket tb2 = node.bucket;
        node.unlink();
        if (tb2 == null || tb2.owners != null) {
            return;
        }
        InetBindBucket tb = tb2.port;
        InetBind2Bucket prev = null;
        for (InetBind2Bucket b = tb.addresses; b != null; prev = b, b = b.nextOfPort) {
            if (b == tb2) {
                if (prev == null) {
                    tb.addresses = b.nextOfPort;
                } else {
                    prev.nextOfPort = b.nextOfPort;
                }
                break;
            }
        }
        destroyIfEmpty(slot, tb);
    }

    // ---- giving back, handing on

    void putPort(InetConnectionSock sk) {
        InetBindNode node = sk.bind;
        if (node == null) {
            return;
        }
        int slot = slot(sk.net, sk.num);
        locks[slot].lock();
        try {
            unlink(slot, node);
            sk.bind = null;
        } finally {
            locks[slot].unlock();
        }
        sk.num = 0; // sport stays: a reset may still have to go out
    }

    void handOver(InetConnectionSock sk, InetTimewaitSock tw) {
        InetBindNode node = sk.bind;
        if (node == null) {
            return;
        }
        int slot = slot(sk.net, sk.num);
        locks[slot].lock();
        try {
            // The socket stays an owner too until it closes: a program that still holds it may use the port again.
            InetBind2Bucket tb2 = node.bucket;
            if (tb2 != null) {
                InetBindNode own = new InetBindNode(tw);
                own.link(tb2);
                tw.bind = own;
            }
        } finally {
            locks[slot].unlock();
        }
    }

    void unbind(InetTimewaitSock tw) {
        int slot = slot(tw.net, tw.num);
        locks[slot].lock();
        try {
            unbindLocked(slot, tw);
        } finally {
            locks[slot].unlock();
        }
    }

    private void unbindLocked(int slot, InetTimewaitSock tw) {
        InetBindNode node = tw.bind;
        if (node != null) {
            unlink(slot, node);
            tw.bind = null;
        }
    }

    int inheritPort(InetConnectionSock sk, InetConnectionSock child) {
        int slot = slot(child.net, child.num);
        locks[slot].lock();
        try {
            InetBindBucket tb = find(slot, child.net, child.num);
            if (tb == null) {
                if (sk.bind == null) {
                    return -Errno.ENOENT;
                }
                // A transparent proxy: the child's port isn't the listener's.
                tb = create(slot, child.net, child.num);
                updateFastreuse(tb, child);
            }
            link(new InetBindNode(child), child, tb);
            return 0;
        } finally {
            locks[slot].unlock();
        }
    }

    void updateSaddr(InetConnectionSock sk, int saddr) {
        InetBindNode node = sk.bind;
        if (node == null) {
            sk.saddr = saddr;
            sk.rcvSaddr = saddr;
            return;
        }
        int slot = slot(sk.net, sk.num);
        locks[slot].lock();
        try {
            InetBind2Bucket tb2 = node.bucket;
            sk.saddr = saddr;
            sk.rcvSaddr = saddr;
            if (tb2 != null && tb2.addr != saddr) {
                InetBindBucket tb = tb2.port;
                InetBind2Bucket to = bucketOf(tb, saddr);
                unlink(slot, node);
                node.link(to);
            }
        } finally {
            locks[slot].unlock();
        }
    }

    // ---- binding

    int getPort(Cpu cpu, InetConnectionSock sk, int snum) {
        return snum == 0 ? findOpenPort(sk) : bindPort(sk, snum);
    }

    private int bindPort(InetConnectionSock sk, int port) {
        int slot = slot(sk.net, port);
        locks[slot].lock();
        try {
            InetBindBucket tb = find(slot, sk.net, port);
            if (tb != null && !tb.isEmpty()) {
                boolean reuse = sk.reuse && sk.state != TcpStates.TCP_LISTEN;
                boolean fast = tb.fastreuse > 0 && reuse || reuseportMatch(tb, sk);
                if (!fast && bindConflict(sk, tb, true, true)) {
                    return -Errno.EADDRINUSE;
                }
            }
            if (tb == null) {
                tb = create(slot, sk.net, port);
            }
            updateFastreuse(tb, sk);
            if (sk.bind == null) {
                bindHash(sk, tb, port);
            }
            return 0;
        } finally {
            locks[slot].unlock();
        }
    }

    /** Prefers odd ports, leaving the even ones to connect. Linux: inet_csk_find_open_port(). */
    private int findOpenPort(InetConnectionSock sk) {
        Ipv4Net v4 = Ipv4Net.of(sk.net);
        int range = sk.localPortRange != 0 ? sk.localPortRange : v4.localPortRange();
        int fullLow = range & 0xffff;
        int fullHigh = (range >>> 16) + 1;
        for (int half = sk.reuse ? 1 : 0; ; half = 0) {
            int low = fullLow;
            int high = fullHigh;
            if (high - low < 4) {
                half = 0;
            }
            if (half != 0) {
                int middle = low + ((high - low >> 2) << 1);
                if (half == 1) {
                    high = middle;
                } else {
                    low = middle;
                }
            }
            int remaining = high - low;
            if (remaining > 1) {
                remaining &= ~1;
            }
            int offset = kernel.getRandomBelow(remaining) | 1;
            for (int parity = 0; parity < 2; parity++, offset--) {
                int port = low + offset;
                for (int i = 0; i < remaining; i += 2, port += 2) {
                    if (port >= high) {
                        port -= remaining;
                    }
                    if (!v4.isReservedPort(port) && tryOpenPort(sk, port)) {
                        return 0;
                    }
                }
            }
            if (half == 0) {
                return -Errno.EADDRINUSE;
            }
        }
    }

    private boolean tryOpenPort(InetConnectionSock sk, int port) {
        int slot = slot(sk.net, port);
        locks[slot].lock();
        try {
            InetBindBucket tb = find(slot, sk.net, port);
            if (tb != null && bindConflict(sk, tb, false, false)) {
                return false;
            }
            if (tb == null) {
                tb = create(slot, sk.net, port);
            }
            updateFastreuse(tb, sk);
            bindHash(sk, tb, port);
            return true;
        } finally {
            locks[slot].unlock();
        }
    }

    /**
     * Tells whether somebody at an overlapping address refuses to share. With {@code relax} a port all of whose owners
     * set SO_REUSEADDR may be shared; without, it is not chosen automatically.
     *
     * <p>Linux: inet_csk_bind_conflict()
     */
    private static boolean bindConflict(InetConnectionSock sk, InetBindBucket tb, boolean relax, boolean reuseportOk) {
        for (InetBind2Bucket tb2 = tb.addresses; tb2 != null; tb2 = tb2.nextOfPort) {
            if (sk.rcvSaddr != 0 && tb2.addr != 0 && sk.rcvSaddr != tb2.addr) {
                continue;
            }
            for (InetBindNode node = tb2.owners; node != null; node = node.next) {
                if (ownerConflict(sk, node.owner, relax, reuseportOk)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** {@code Deviation:} sockets have no user; Linux also wants the owners of a SO_REUSEPORT group to be one user. */
    private static boolean ownerConflict(InetConnectionSock sk, SockCommon sk2, boolean relax, boolean reuseportOk) {
        if (sk == sk2) {
            return false;
        }
        if (sk.boundDevIf != 0 && sk2.boundDevIf != 0 && sk.boundDevIf != sk2.boundDevIf) {
            return false;
        }
        boolean share = sk.reuseport && sk2.reuseport && sk.reuseportCb == null;
        if (sk.reuse && sk2.reuse && sk2.state != TcpStates.TCP_LISTEN) {
            return !relax || !reuseportOk && share;
        }
        return !reuseportOk || !share;
    }

    private static boolean reuseportMatch(InetBindBucket tb, InetConnectionSock sk) {
        if (tb.fastreuseport <= 0 || !sk.reuseport || sk.reuseportCb != null) {
            return false;
        }
        return tb.fastreuseport == FASTREUSEPORT_ANY || tb.fastRcvSaddr == sk.rcvSaddr;
    }

    private static void updateFastreuse(InetBindBucket tb, InetConnectionSock sk) {
        boolean reuse = sk.reuse && sk.state != TcpStates.TCP_LISTEN;
        if (tb.isEmpty()) {
            tb.fastreuse = reuse ? 1 : 0;
            tb.fastreuseport = sk.reuseport ? FASTREUSEPORT_ANY : 0;
            tb.fastRcvSaddr = sk.rcvSaddr;
            return;
        }
        if (!reuse) {
            tb.fastreuse = 0;
        }
        if (!sk.reuseport) {
            tb.fastreuseport = 0;
        } else if (!reuseportMatch(tb, sk)) {
            // Owners so far disagree with this one about addresses: only its address is safe to share unseen.
            tb.fastreuseport = FASTREUSEPORT_STRICT;
            tb.fastRcvSaddr = sk.rcvSaddr;
        }
    }

    // ---- connecting

    private int[] perturb() {
        int[] p = tablePerturb;
        if (p == null) {
            perturbLock.lock();
            try {
                p = tablePerturb;
                if (p == null) {
                    p = new int[TABLE_PERTURB_SIZE];
                    for (int i = 0; i < p.length; i++) {
                        p[i] = kernel.getRandomU32();
                    }
                    tablePerturb = p;
                }
            } finally {
                perturbLock.unlock();
            }
        }
        return p;
    }

    /** Linux: __inet_hash_connect(). */
    int hashConnect(Cpu cpu, InetConnectionSock sk, long portOffset) {
        if (sk.num != 0) {
            return tables.checkEstablished(cpu, sk, sk.num, null);
        }
        Ipv4Net v4 = Ipv4Net.of(sk.net);
        boolean own = sk.localPortRange != 0;
        int range = own ? sk.localPortRange : v4.localPortRange();
        int low = range & 0xffff;
        int high = (range >>> 16) + 1;
        int step = own ? 1 : 2;
        int remaining = high - low;
        if (!own && remaining > 1) {
            remaining &= ~1;
        }
        int base = tables.inetEhashfnBase(sk.net, sk.rcvSaddr, sk.daddr, sk.dport);
        int[] perturb = perturb();
        int index = (int) portOffset & TABLE_PERTURB_SIZE - 1;
        int offset = Integer.remainderUnsigned(perturb[index] + (int) (portOffset >>> 32), remaining);
        if (!own) {
            offset &= ~1;
        }
        for (int parity = 0; parity < (own ? 1 : 2); parity++, offset++) {
            int port = low + offset;
            for (int i = 0; i < remaining; i += step, port += step) {
                if (port >= high) {
                    port -= remaining;
                }
                if (v4.isReservedPort(port) || tables.isTaken(cpu, sk, base, port) || !tryConnectPort(cpu, sk, port)) {
                    continue;
                }
                // A step of random size, so that the next port says little about this connection (CVE-2022-1012).
                perturb[index] += i + step + kernel.getRandomBelow(8) * step;
                return 0;
            }
        }
        return -Errno.EADDRNOTAVAIL;
    }

    private boolean tryConnectPort(Cpu cpu, InetConnectionSock sk, int port) {
        int slot = slot(sk.net, port);
        InetTimewaitSock tw = null;
        locks[slot].lock();
        try {
            InetBindBucket tb = find(slot, sk.net, port);
            InetTimewaitSock[] taken = null;
            if (tb != null) {
                // A port that somebody bound explicitly isn't given out.
                if (tb.fastreuse >= 0 || tb.fastreuseport >= 0) {
                    return false;
                }
                taken = new InetTimewaitSock[1]; // allocates: once per connect that meets a shared port
                if (tables.checkEstablished(cpu, sk, port, taken) != 0) {
                    return false;
                }
                tw = taken[0];
            } else {
                tb = create(slot, sk.net, port);
                tb.fastreuse = -1;
                tb.fastreuseport = -1;
                sk.num = port;
                sk.sport = port;
                tables.inetEhashInsertOwn(sk);
            }
            bindHash(sk, tb, port);
            if (tw != null) {
                unbindLocked(slot, tw);
            }
        } finally {
            locks[slot].unlock();
        }
        if (tw != null) {
            tw.deschedule(cpu);
        }
        return true;
    }
}
