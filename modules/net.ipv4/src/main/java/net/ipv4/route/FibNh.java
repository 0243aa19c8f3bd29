package net.ipv4.route;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.dev.NetDevice;
import net.core.task.SpinLock;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * A next hop, and the routes made from it: one for output and one for input, shared by all destinations behind it.
 * A destination about which a router told us something has an exception with routes of its own.
 *
 * <p>{@code Deviation:} Linux caches an output route per CPU, so that its reference count doesn't move between them;
 * without a count one is enough.
 *
 * <p><b>Context:</b> caches are read and replaced without a lock; exceptions are read without, changed under
 * {@link #exceptionLock} with a CPU word.
 *
 * <p>Linux: struct fib_nh_common, include/net/ip_fib.h
 */
public final class FibNh {
    private static final int FNHE_HASH_SIZE = 2048;
    private static final int FNHE_RECLAIM_DEPTH = 5;
    private static final VarHandle BUCKET = MethodHandles.arrayElementVarHandle(FibNhException[].class);

    public final NetDevice dev;
    /** Gateway, 0: the destination itself is the neighbour. */
    public final int gw;
    /** Scope of the gateway: LINK when it is used. */
    public final int scope;

    public final int weight;
    public final boolean onlink;

    @SuppressWarnings("NullAway.Init") // by FibInfo's constructor
    FibInfo parent;

    /** The device is down. */
    public volatile boolean dead;
    /** The device has no carrier. */
    public volatile boolean linkdown;
    /** Upper bound of this hop's share of hashes (multipath), 31 bits. */
    volatile int upperBound;

    volatile @Nullable Rtable rthOutput;
    volatile @Nullable Rtable rthInput;

    /** Source address chosen for this hop, and the address generation it was chosen in. */
    volatile long saddrAndGenid;

    private final SpinLock exceptionLock = new SpinLock();
    private volatile FibNhException @Nullable [] exceptions;

    FibNh(NetDevice dev, int gw, int scope, int weight, boolean onlink) {
        this.dev = dev;
        this.gw = gw;
        this.scope = scope;
        this.weight = weight;
        this.onlink = onlink;
    }

    /** What is known beyond the route about a destination; null mostly. Linux: find_exception(). */
    @HotPath
    @Nullable
    FibNhException findException(int daddr, long jiffies) {
        FibNhException[] hash = exceptions;
        if (hash == null) {
            return null;
        }
        FibNhException e = (FibNhException) BUCKET.getAcquire(hash, slot(daddr));
        for (; e != null; e = e.next) {
            if (e.daddr == daddr) {
                return e.expires != 0 && jiffies - e.expires >= 0 ? null : e;
            }
        }
        return null;
    }

    private static int slot(int daddr) {
        return (int) (daddr * 0x9E3779B97F4A7C15L >>> 40) & FNHE_HASH_SIZE - 1;
    }

    /**
     * Notes a smaller MTU or a better gateway for a destination. Linux: update_or_create_fnhe().
     *
     * @param pmtu 0: unchanged
     * @param gw 0: unchanged
     * @param expires jiffies; 0: never
     */
    void updateException(int daddr, int gw, int pmtu, boolean lock, long expires, long jiffies, int genid) {
        exceptionLock.lock();
        try {
            FibNhException[] hash = exceptions;
            if (hash == null) {
                hash = new FibNhException[FNHE_HASH_SIZE]; // allocates: first exception of a next hop
                exceptions = hash;
            }
            int slot = slot(daddr);
            FibNhException e = hash[slot];
            int depth = 0;
            for (; e != null && e.daddr != daddr; e = e.next) {
                depth++;
            }
            if (e != null) {
                e.update(gw, pmtu, lock, expires, genid);
                e.stamp = jiffies;
                return;
            }
            if (depth >= FNHE_RECLAIM_DEPTH) {
                dropOldest(hash, slot);
            }
            e = new FibNhException(daddr);
            e.update(gw, pmtu, lock, expires, genid);
            e.stamp = jiffies;
            e.next = hash[slot];
            BUCKET.setRelease(hash, slot, e);
        } finally {
            exceptionLock.unlock();
        }
        // Routes shared with other destinations were made without it: their holders must look again.
        kill(rthOutput);
        kill(rthInput);
    }

    private static void kill(@Nullable Rtable rt) {
        if (rt != null) {
            rt.obsolete = net.core.neigh.DstEntry.DST_OBSOLETE_KILL;
        }
    }

    private static void dropOldest(FibNhException[] hash, int slot) {
        FibNhException oldest = hash[slot];
        for (FibNhException e = oldest; e != null; e = e.next) {
            if (e.stamp - oldest.stamp < 0) {
                oldest = e;
            }
        }
        removeFrom(hash, slot, oldest);
    }

    private static void removeFrom(FibNhException[] hash, int slot, @Nullable FibNhException target) {
        if (target == null) {
            return;
        }
        FibNhException prev = null;
        for (FibNhException e = hash[slot]; e != null; prev = e, e = e.next) {
            if (e == target) {
                if (prev == null) {
                    BUCKET.setRelease(hash, slot, e.next);
                } else {
                    prev.next = e.next;
                }
                e.flushRoutes();
                return;
            }
        }
    }

    /** Forgets every exception and cached route: the route goes. */
    void flush() {
        exceptionLock.lock();
        try {
            FibNhException[] hash = exceptions;
            exceptions = null;
            if (hash != null) {
                for (FibNhException head : hash) {
                    for (FibNhException e = head; e != null; e = e.next) {
                        e.flushRoutes();
                    }
                }
            }
        } finally {
            exceptionLock.unlock();
        }
        kill(rthOutput);
        kill(rthInput);
        rthOutput = null;
        rthInput = null;
    }

    /** Destinations with an exception, for tests and tools. */
    public int exceptionCount() {
        int n = 0;
        FibNhException[] hash = exceptions;
        if (hash != null) {
            for (FibNhException head : hash) {
                for (FibNhException e = head; e != null; e = e.next) {
                    n++;
                }
            }
        }
        return n;
    }
}
