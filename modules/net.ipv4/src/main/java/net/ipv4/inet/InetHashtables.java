package net.ipv4.inet;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.PerKernel;
import net.core.sock.SockCommon;
import net.core.sock.SockConst;
import net.core.sock.SockFlag;
import net.core.sock.TcpStates;
import net.core.task.SpinLock;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SipHash;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Finds the socket of a packet: established connections, half-open ones and TIME_WAIT in one table by the 4-tuple,
 * listeners in another by port and address. Ports in use are in {@link InetBindHash}. One set of tables per kernel, for
 * all namespaces.
 *
 * <p><b>Context:</b> lookups need no lock. Changes take a bucket's spinlock with the CPU word held. Nothing in a chain
 * is pooled; see docs/adr/0018.
 *
 * <p>{@code Deviation:} buckets are chosen by SipHash under a boot secret; Linux uses jhash with one.
 *
 * <p>Linux: struct inet_hashinfo, include/net/inet_hashtables.h; net/ipv4/inet_hashtables.c
 */
public final class InetHashtables {
    private static final PerKernel<InetHashtables> SLOT = new PerKernel<>();
    private static final VarHandle HEADS = MethodHandles.arrayElementVarHandle(SockCommon[].class);
    private static final VarHandle LISTENERS = MethodHandles.arrayElementVarHandle(InetConnectionSock[][].class);
    private static final InetConnectionSock[] NOBODY = {};
    private static final int LHTABLE_SIZE = 1024;
    private static final int MAX_LOCKS = 1024;

    private final SockCommon[] ehash;
    private final int ehashMask;
    private final SpinLock[] ehashLocks;
    private final ChainEnd[] ends;
    private final InetConnectionSock[][] lhash2 = new InetConnectionSock[LHTABLE_SIZE][];
    private final SpinLock[] lhashLocks = new SpinLock[64];
    private final SipHash secret;
    private final long portSecret;
    final InetBindHash bhash;

    /** Creates the tables with {@code buckets} chains, a power of two. */
    public InetHashtables(Kernel kernel, int buckets) {
        ehash = new SockCommon[buckets];
        ends = new ChainEnd[buckets];
        ehashMask = buckets - 1;
        ehashLocks = locks(Math.min(buckets, MAX_LOCKS));
        for (int i = 0; i < lhashLocks.length; i++) {
            lhashLocks[i] = new SpinLock();
        }
        secret = kernel.bootSecret("inet_ehash");
        portSecret = secret.hash(0x6c68617368L);
        bhash = new InetBindHash(this, kernel);
    }

    private static SpinLock[] locks(int n) {
        SpinLock[] locks = new SpinLock[n];
        for (int i = 0; i < n; i++) {
            locks[i] = new SpinLock();
        }
        return locks;
    }

    /** Installs a kernel's tables. */
    public static void install(Kernel kernel, InetHashtables tables) {
        SLOT.set(kernel, tables);
    }

    @HotPath
    public static InetHashtables of(Kernel kernel) {
        return SLOT.get(kernel);
    }

    @HotPath
    public static InetHashtables of(Cpu cpu) {
        return SLOT.get(cpu.kernel());
    }

    @HotPath
    public static InetHashtables of(Net net) {
        return SLOT.get(net.kernel());
    }

    // ---- established: lookup

    /** Hash of a connection as seen from here. Linux: inet_ehashfn(). */
    @HotPath
    public int inetEhashfn(Net net, int laddr, int lport, int faddr, int fport) {
        return inetEhashfnBase(net, laddr, faddr, fport) + lport;
    }

    /**
     * The hash of local port 0. The port is added to it, so that a search for a free one walks along neighbouring buckets
     * and hashes once. Linux: inet_ehashfn() since 6.15
     */
    int inetEhashfnBase(Net net, int laddr, int faddr, int fport) {
        long addresses = (long) laddr << 32 | faddr & 0xffffffffL;
        return (int) secret.hash(addresses, (long) net.id << 16 | fport);
    }

    /**
     * Whether a connection of this very 4-tuple exists that cannot make room: a look without locks, ahead of {@link
     * #checkEstablished}. TIME_WAIT that may be taken over counts as room.
     *
     * @param base see {@link #inetEhashfnBase}
     */
    boolean isTaken(Cpu cpu, InetConnectionSock sk, int base, int lport) {
        int hash = base + lport;
        SockCommon sk2 = (SockCommon) HEADS.getAcquire(ehash, hash & ehashMask);
        // A reader who was moved to another chain finds nothing: then the locks tell.
        while (sk2 != null && !(sk2 instanceof ChainEnd)) {
            if (sk2.hash == hash && inetMatch(sk.net, sk2, sk.daddr, sk.dport, sk.rcvSaddr, lport, sk.boundDevIf)) {
                return !(sk2 instanceof InetTimewaitSock t) || !sk.twskMayReuse(cpu, t);
            }
            sk2 = sk2.nextAcquire();
        }
        return false;
    }

    private int skEhashfn(SockCommon sk) {
        return inetEhashfn(sk.net, sk.rcvSaddr, sk.num, sk.daddr, sk.dport);
    }

    /**
     * The socket of a connection: a full socket, a {@link RequestSock} or an {@link InetTimewaitSock}. It may be dying:
     * the caller checks again under its lock. {@code dif} is the interface the packet came in by.
     *
     * <p>Linux: __inet_lookup_established()
     */
    @HotPath
    public @Nullable SockCommon inetLookupEstablished(Net net, int saddr, int sport, int daddr, int hnum, int dif) {
        int hash = inetEhashfn(net, daddr, hnum, saddr, sport);
        int slot = hash & ehashMask;
        for (; ; ) {
            SockCommon sk = (SockCommon) HEADS.getAcquire(ehash, slot);
            if (sk == null) {
                return null;
            }
            while (!(sk instanceof ChainEnd)) {
                if (sk.hash == hash && inetMatch(net, sk, saddr, sport, daddr, hnum, dif)) {
                    return sk;
                }
                sk = sk.nextAcquire();
                if (sk == null) {
                    break;
                }
            }
            if (sk instanceof ChainEnd end && end.slot == slot) {
                return null;
            }
        }
    }

    @HotPath
    private static boolean inetMatch(Net net, SockCommon sk, int saddr, int sport, int daddr, int hnum, int dif) {
        return sk.daddr == saddr
                && sk.rcvSaddr == daddr
                && sk.dport == sport
                && sk.num == hnum
                && sk.net == net
                && (sk.boundDevIf == 0 || sk.boundDevIf == dif);
    }

    /** Established, then listening. Linux: __inet_lookup(). */
    @HotPath
    public static @Nullable SockCommon inetLookup(
            Cpu cpu, Net net, @Nullable SkBuff skb, int saddr, int sport, int daddr, int dport, int dif) {
        InetHashtables tables = of(cpu);
        SockCommon sk = tables.inetLookupEstablished(net, saddr, sport, daddr, dport, dif);
        return sk != null ? sk : tables.inetLookupListener(cpu, net, skb, saddr, sport, daddr, dport, dif);
    }

    // ---- established: changes

    /** Puts a socket, whose addresses are set, into its chain; under its lock a duplicate is refused on request. */
    private boolean insert(SockCommon sk, @Nullable SockCommon osk, boolean refuseDuplicate) {
        sk.hash = skEhashfn(sk);
        int slot = sk.hash & ehashMask;
        SpinLock lock = ehashLocks[slot & ehashLocks.length - 1];
        lock.lock();
        try {
            if (osk != null) {
                // The mini-socket has the same 4-tuple and so stands in this chain.
                if (!removeLocked(slot, osk)) {
                    return false;
                }
            } else if (refuseDuplicate && findLocked(slot, sk) != null) {
                return false;
            }
            addLocked(slot, sk);
            return true;
        } finally {
            lock.unlock();
        }
    }

    private @Nullable SockCommon findLocked(int slot, SockCommon like) {
        SockCommon sk = ehash[slot];
        while (sk != null && !(sk instanceof ChainEnd)) {
            if (sk.hash == like.hash
                    && sk != like
                    && sk.daddr == like.daddr
                    && sk.rcvSaddr == like.rcvSaddr
                    && sk.dport == like.dport
                    && sk.num == like.num
                    && sk.net == like.net
                    && (sk.boundDevIf == 0 || like.boundDevIf == 0 || sk.boundDevIf == like.boundDevIf)) {
                return sk;
            }
            sk = sk.next;
        }
        return null;
    }

    private void addLocked(int slot, SockCommon sk) {
        SockCommon head = ehash[slot];
        if (head == null) {
            ChainEnd end = ends[slot];
            if (end == null) {
                end = new ChainEnd(slot);
                ends[slot] = end;
            }
            head = end;
        }
        sk.setNextRelease(head);
        HEADS.setRelease(ehash, slot, sk);
    }

    private boolean removeLocked(int slot, SockCommon target) {
        SockCommon prev = null;
        SockCommon sk = ehash[slot];
        while (sk != null && sk != target) {
            prev = sk;
            sk = sk.next;
        }
        if (sk == null) {
            return false;
        }
        // The node keeps its successor: readers who stand on it go on from there.
        if (prev == null) {
            HEADS.setRelease(ehash, slot, sk.next);
        } else {
            prev.setNextRelease(sk.next);
        }
        return true;
    }

    /**
     * Publishes a socket, in place of {@code osk} if that is given: then false means that somebody else took it out
     * first. Without one, false means that the connection exists already.
     *
     * <p>Context: CPU word. Linux: inet_ehash_insert()
     */
    public boolean inetEhashInsert(Cpu cpu, SockCommon sk, @Nullable SockCommon osk) {
        return insert(sk, osk, osk == null);
    }

    /**
     * As {@link #inetEhashInsert}, for a full socket, counting it; on failure its state becomes CLOSE. Linux:
     * inet_ehash_nolisten().
     */
    public boolean inetEhashNolisten(Cpu cpu, InetConnectionSock sk, @Nullable SockCommon osk) {
        boolean ok = inetEhashInsert(cpu, sk, osk);
        if (!ok) {
            sk.state = TcpStates.TCP_CLOSE;
            sk.setFlag(SockFlag.DEAD);
        }
        return ok;
    }

    /** Publishes a socket that can have no double: its local port is new. */
    void inetEhashInsertOwn(InetConnectionSock sk) {
        insert(sk, null, false);
    }

    /** Takes a socket out of its chain; false if it was not there. Context: CPU word. */
    public boolean ehashRemove(SockCommon sk) {
        int slot = sk.hash & ehashMask;
        SpinLock lock = ehashLocks[slot & ehashLocks.length - 1];
        lock.lock();
        try {
            return removeLocked(slot, sk);
        } finally {
            lock.unlock();
        }
    }

    /** Takes a mini-socket out; true for the one caller that did. Linux: reqsk_queue_unlink(). */
    public boolean inetEhashUnlink(Cpu cpu, RequestSock req) {
        return ehashRemove(req);
    }

    /** The established hash's part of {@code tcp_time_wait}: the mini-socket enters before the socket leaves. */
    void twskHashdance(Cpu cpu, InetTimewaitSock tw, InetConnectionSock sk) {
        bhash.handOver(sk, tw);
        tw.hash = skEhashfn(tw);
        int slot = tw.hash & ehashMask;
        SpinLock lock = ehashLocks[slot & ehashLocks.length - 1];
        lock.lock();
        try {
            tw.arm(cpu);
            addLocked(slot, tw);
            removeLocked(slot, sk);
        } finally {
            lock.unlock();
        }
    }

    void bindUnhash(InetTimewaitSock tw) {
        bhash.unbind(tw);
    }

    // ---- a connection being made from here

    /**
     * Decides whether this socket may connect from {@code lport}, and hashes it if so. A TIME_WAIT socket in the way is
     * asked, and on consent taken out.
     *
     * @param keepTw where to leave it when the stopping is the caller's, who holds the port's lock
     * @return 0 or -EADDRNOTAVAIL
     *     <p>Linux: __inet_check_established()
     */
    int checkEstablished(Cpu cpu, InetConnectionSock sk, int lport, InetTimewaitSock @Nullable [] keepTw) {
        int hash = inetEhashfn(sk.net, sk.rcvSaddr, lport, sk.daddr, sk.dport);
        int slot = hash & ehashMask;
        SpinLock lock = ehashLocks[slot & ehashLocks.length - 1];
        InetTimewaitSock tw = null;
        lock.lock();
        try {
            SockCommon sk2 = ehash[slot];
            while (sk2 != null && !(sk2 instanceof ChainEnd)) {
                if (sk2.hash == hash
                        && sk2.daddr == sk.daddr
                        && sk2.rcvSaddr == sk.rcvSaddr
                        && sk2.dport == sk.dport
                        && sk2.num == lport
                        && sk2.net == sk.net
                        && (sk2.boundDevIf == 0 || sk.boundDevIf == 0 || sk2.boundDevIf == sk.boundDevIf)) {
                    if (sk2 instanceof InetTimewaitSock t && sk.twskUnique(cpu, t)) {
                        tw = t;
                        break;
                    }
                    return -Errno.EADDRNOTAVAIL;
                }
                sk2 = sk2.next;
            }
            sk.num = lport;
            sk.sport = lport;
            sk.hash = hash;
            addLocked(slot, sk);
            if (tw != null) {
                removeLocked(slot, tw);
            }
        } finally {
            lock.unlock();
        }
        if (tw != null) {
            tw.recycled(cpu);
            if (keepTw != null) {
                keepTw[0] = tw;
            } else {
                tw.deschedule(cpu);
            }
        }
        return 0;
    }

    /**
     * Gives a connecting socket a local port (RFC 6056, double hash) and hashes it. The socket's addresses and the
     * peer's port are set.
     *
     * @return 0 or -EADDRNOTAVAIL. Linux: inet_hash_connect()
     */
    public int inetHashConnect(Cpu cpu, InetConnectionSock sk) {
        long offset = 0;
        if (sk.num == 0) {
            long a = (long) sk.rcvSaddr << 32 | sk.daddr & 0xffffffffL;
            offset = bhash.portSecret().hash(a, (long) sk.net.id << 16 | sk.dport);
        }
        return bhash.hashConnect(cpu, sk, offset);
    }

    // ---- listeners

    private int lhashSlot(Net net, int addr, int port) {
        long h = (addr * 0x9E3779B97F4A7C15L ^ port * 0xC2B2AE3D27D4EB4FL ^ net.id ^ portSecret) * 0xD6E8FEB86659FD93L;
        return (int) (h >>> 40) & LHTABLE_SIZE - 1;
    }

    /** Publishes a listener; its state is LISTEN. Context: CPU word. Linux: inet_hash(), __inet_hash(). */
    public void hashListener(Cpu cpu, InetConnectionSock sk) {
        int slot = lhashSlot(sk.net, sk.rcvSaddr, sk.num);
        SpinLock lock = lhashLocks[slot & lhashLocks.length - 1];
        lock.lock();
        try {
            InetConnectionSock[] old = listeners(slot);
            if (sk.reuseport) {
                joinReuseport(old, sk);
            }
            InetConnectionSock[] next = new InetConnectionSock[old.length + 1];
            System.arraycopy(old, 0, next, 1, old.length);
            next[0] = sk;
            LISTENERS.setRelease(lhash2, slot, next);
        } finally {
            lock.unlock();
        }
    }

    private static void joinReuseport(InetConnectionSock[] chain, InetConnectionSock sk) {
        for (InetConnectionSock sk2 : chain) {
            SockReuseport group = sk2.reuseportCb;
            if (group != null
                    && sk2.net == sk.net
                    && sk2.num == sk.num
                    && sk2.rcvSaddr == sk.rcvSaddr
                    && sk2.boundDevIf == sk.boundDevIf
                    && sk2.reuseport) {
                group.add(sk);
                return;
            }
        }
        new SockReuseport().add(sk);
    }

    private InetConnectionSock[] listeners(int slot) {
        InetConnectionSock[] chain = (InetConnectionSock[]) LISTENERS.getAcquire(lhash2, slot);
        return chain == null ? NOBODY : chain;
    }

    private boolean unhashListener(InetConnectionSock sk) {
        int slot = lhashSlot(sk.net, sk.rcvSaddr, sk.num);
        SpinLock lock = lhashLocks[slot & lhashLocks.length - 1];
        lock.lock();
        try {
            InetConnectionSock[] old = listeners(slot);
            for (int i = 0; i < old.length; i++) {
                if (old[i] == sk) {
                    SockReuseport group = sk.reuseportCb;
                    if (group != null) {
                        group.remove(sk);
                    }
                    InetConnectionSock[] next = new InetConnectionSock[old.length - 1];
                    System.arraycopy(old, 0, next, 0, i);
                    System.arraycopy(old, i + 1, next, i, next.length - i);
                    LISTENERS.setRelease(lhash2, slot, next);
                    return true;
                }
            }
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** Makes a bound socket reachable: as a listener or as a connection. Linux: inet_hash(). */
    public int inetHash(Cpu cpu, InetConnectionSock sk) {
        if (sk.state == TcpStates.TCP_CLOSE) {
            return 0;
        }
        if (sk.state == TcpStates.TCP_LISTEN) {
            hashListener(cpu, sk);
        } else {
            inetEhashNolisten(cpu, sk, null);
        }
        return 0;
    }

    /** Makes a socket unreachable, wherever it is. Context: CPU word. Linux: inet_unhash(). */
    public void inetUnhash(Cpu cpu, InetConnectionSock sk) {
        if (!ehashRemove(sk) && sk.icskAcceptQueue != null) {
            unhashListener(sk);
        }
    }

    /** The listener for a packet; the better match wins. Linux: __inet_lookup_listener(). */
    public @Nullable InetConnectionSock inetLookupListener(
            Cpu cpu, Net net, @Nullable SkBuff skb, int saddr, int sport, int daddr, int hnum, int dif) {
        InetConnectionSock sk = lookupListener(cpu, net, saddr, sport, daddr, daddr, hnum, dif);
        return sk != null ? sk : lookupListener(cpu, net, saddr, sport, daddr, 0, hnum, dif);
    }

    private @Nullable InetConnectionSock lookupListener(
            Cpu cpu, Net net, int saddr, int sport, int daddr, int bound, int hnum, int dif) {
        InetConnectionSock result = null;
        int hiscore = 0;
        for (InetConnectionSock sk : listeners(lhashSlot(net, bound, hnum))) {
            int score = computeScore(cpu, sk, net, hnum, bound, dif);
            if (score > hiscore) {
                hiscore = score;
                result = sk;
            }
        }
        if (result != null && result.reuseport) {
            SockReuseport group = result.reuseportCb;
            if (group != null && group.size() > 1) {
                int hash = inetEhashfn(net, daddr, hnum, saddr, sport);
                InetConnectionSock chosen = (InetConnectionSock) group.select(hash);
                return chosen != null ? chosen : result;
            }
        }
        return result;
    }

    private static int computeScore(Cpu cpu, InetConnectionSock sk, Net net, int hnum, int bound, int dif) {
        if (sk.num != hnum || sk.net != net || sk.ipv6only || sk.rcvSaddr != bound) {
            return -1;
        }
        if (!InetSock.boundDevMatch(sk.boundDevIf, dif)) {
            return -1;
        }
        int score = sk.boundDevIf != 0 ? 2 : 1;
        if (sk.family == SockConst.AF_INET) {
            score++;
        }
        if (sk.incomingCpu == cpu.id) {
            score++;
        }
        return score;
    }

    // ---- ports

    /** Binds a port, 0 chooses one; 0 or -EADDRINUSE. Context: CPU word, socket owned. Linux: inet_csk_get_port(). */
    public int inetCskGetPort(Cpu cpu, InetConnectionSock sk, int snum) {
        return bhash.getPort(cpu, sk, snum);
    }

    /** Gives the port back. Linux: inet_put_port(). */
    public void inetPutPort(Cpu cpu, InetConnectionSock sk) {
        bhash.putPort(sk);
    }

    /** Makes a child an owner of its listener's port. Linux: __inet_inherit_port(). */
    public int inetInheritPort(Cpu cpu, InetConnectionSock sk, InetConnectionSock child) {
        return bhash.inheritPort(sk, child);
    }

    /** A bound socket's address is chosen only now. Linux: inet_bhash2_update_saddr(). */
    public void bhash2UpdateSaddr(Cpu cpu, InetConnectionSock sk, int saddr) {
        bhash.updateSaddr(sk, saddr);
    }

    // ---- for tools and tests

    /** Calls {@code visitor} for everything in the established hash. A snapshot in no order; may miss what moves. */
    public void forEachEstablished(java.util.function.Consumer<SockCommon> visitor) {
        for (int slot = 0; slot <= ehashMask; slot++) {
            SockCommon sk = (SockCommon) HEADS.getAcquire(ehash, slot);
            while (sk != null && !(sk instanceof ChainEnd)) {
                visitor.accept(sk);
                sk = sk.nextAcquire();
            }
        }
    }

    /** Calls {@code visitor} for every listener. */
    public void forEachListener(java.util.function.Consumer<InetConnectionSock> visitor) {
        for (int slot = 0; slot < LHTABLE_SIZE; slot++) {
            for (InetConnectionSock sk : listeners(slot)) {
                visitor.accept(sk);
            }
        }
    }
}
