package net.core.neigh;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.NetDevice;
import net.core.task.SpinLock;
import net.core.time.Clock;
import net.core.time.TimerList;
import net.skbuff.HotPath;
import net.skbuff.SipHash;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * A protocol's neighbours: one table per kernel and family, keyed by device and address. The protocol says how to ask
 * ({@link #solicit}).
 *
 * <p>Addresses are two longs: IPv4 in the low half of {@code keyLo}.
 *
 * <p>Context: {@link #lookup} without a lock; the table lock guards chains and counts; nesting is table lock, then
 * neighbour lock.
 *
 * <p>Linux: struct neigh_table, net/core/neighbour.c
 */
public abstract class NeighTable {
    private static final int GC_STEP_JIFFIES = 5000;
    private static final int RANDOMIZE_JIFFIES = 300_000;

    /** Entries below this are never collected; gc_thresh1. */
    public volatile int gcThresh1 = 128;
    /** From here on collected when older than five seconds; gc_thresh2. */
    public volatile int gcThresh2 = 512;
    /** No more than this; gc_thresh3. */
    public volatile int gcThresh3 = 1024;
    /** Between periodic collections, jiffies; gc_interval. */
    public volatile int gcInterval = 30_000;

    /** Ethertype of the family. */
    public final int protocol;
    /** The kernel. */
    public final Kernel kernel;
    /** Defaults for new devices. */
    public final NeighParms defaultParms = new NeighParms();

    private final SipHash hashKey;
    private final SpinLock lock = new SpinLock();
    /** Chains through {@link Neighbour#next}; replaced when grown. */
    private volatile Chains chains = new Chains(8);

    private volatile Map<NetDevice, NeighParms> parms = Map.of();
    private int entries;
    private int gcEntries;
    private long lastFlush;
    private long lastRand;

    // Counters; approximate across CPUs, as /proc/net/stat/arp_cache.
    /** Entries made. */
    public long allocs;
    /** Entries destroyed. */
    public long destroys;
    /** Chains grown. */
    public long hashGrows;
    /** Resolutions that failed. */
    public long resFailed;
    /** Lookups. */
    public long lookups;
    /** Lookups that found. */
    public long hits;
    /** Forced collections. */
    public long forcedGcRuns;
    /** Periodic collections. */
    public long periodicGcRuns;
    /** Packets dropped from full queues. */
    public long unresDiscards;
    /** Entries refused because the table is full. */
    public long tableFulls;

    private final TimerList gcTimer = new TimerList() {
        @Override
        protected void expire(Cpu cpu) {
            periodicWork(cpu);
            mod(cpu, cpu.jiffies() + Math.max(1, defaultParms.baseReachableTime >> 1));
        }
    };

    private static final class Chains {
        final @Nullable Neighbour[] buckets;
        final int mask;

        Chains(int n) {
            buckets = new @Nullable Neighbour[n];
            mask = n - 1;
        }
    }

    /** An empty table. */
    protected NeighTable(Kernel kernel, int protocol) {
        this.kernel = kernel;
        this.protocol = protocol;
        this.hashKey = kernel.bootSecret("neighbour table");
        this.lastRand = Clock.nsToJiffies(kernel.clock().nanoTime());
        this.lastFlush = lastRand;
        defaultParms.reachableTime = NeighParms.randReachTime(defaultParms.baseReachableTime, kernel.getRandomU32());
    }

    // What the protocol says.

    /**
     * Sets up a new entry: its type, and an address known without asking (NUD_NOARP).
     *
     * @return 0 or a negative errno
     */
    protected abstract int constructor(Neighbour n);

    /** Asks for the address; {@code skb}, if not null, is the packet that waits: look, don't keep. */
    protected abstract void solicit(Cpu cpu, Neighbour n, @Nullable SkBuff skb);

    /** Nobody answered: takes over each packet that waited. */
    protected abstract void errorReport(Cpu cpu, Neighbour n, SkBuff skb);

    /** The address as text. */
    public abstract String keyText(long keyHi, long keyLo);

    // Lookup.

    private int hash(long keyHi, long keyLo, NetDevice dev) {
        return (int) hashKey.hash(keyHi, keyLo ^ (long) dev.ifindex << 40 ^ (long) dev.net.id << 52);
    }

    /** The entry for an address on a device, or null. Context: any. Linux: neigh_lookup(). */
    @HotPath
    public final @Nullable Neighbour lookup(long keyHi, long keyLo, NetDevice dev) {
        lookups++;
        Chains c = chains;
        int h = hash(keyHi, keyLo, dev);
        for (Neighbour n = acquire(c, h & c.mask); n != null; n = n.next) {
            if (n.keyLo == keyLo && n.keyHi == keyHi && n.dev == dev) {
                hits++;
                return n;
            }
        }
        return null;
    }

    private static @Nullable Neighbour acquire(Chains c, int i) {
        return (Neighbour) BUCKET.getAcquire(c.buckets, i);
    }

    private static final java.lang.invoke.VarHandle BUCKET =
            java.lang.invoke.MethodHandles.arrayElementVarHandle(Neighbour[].class);

    /**
     * The entry for an address on a device, made if missing; null if the table is full.
     *
     * <p>Linux: __neigh_create()
     */
    @HotPath
    public final @Nullable Neighbour lookupOrCreate(Cpu cpu, long keyHi, long keyLo, NetDevice dev) {
        Neighbour n = lookup(keyHi, keyLo, dev);
        return n != null ? n : create(cpu, keyHi, keyLo, dev);
    }

    private @Nullable Neighbour create(Cpu cpu, long keyHi, long keyLo, NetDevice dev) {
        if (!makeRoom(cpu)) {
            tableFulls++;
            return null;
        }
        Neighbour n = new Neighbour(this, keyHi, keyLo, dev, parmsOf(dev), cpu.jiffies());
        if (constructor(n) < 0) {
            return null;
        }
        n.confirmed = cpu.jiffies() - (n.parms.baseReachableTime << 1);
        lock.lock();
        if (entries > chains.mask + 1) {
            grow();
        }
        Chains c = chains;
        int i = hash(keyHi, keyLo, dev) & c.mask;
        for (Neighbour o = c.buckets[i]; o != null; o = o.next) {
            if (o.keyLo == keyLo && o.keyHi == keyHi && o.dev == dev) {
                lock.unlock();
                return o;
            }
        }
        n.next = c.buckets[i];
        BUCKET.setRelease(c.buckets, i, n);
        entries++;
        n.inTable = true;
        count(n);
        allocs++;
        boolean first = entries == 1;
        lock.unlock();
        if (first || !gcTimer.pending()) {
            gcTimer.mod(cpu, cpu.jiffies() + Math.max(1, defaultParms.baseReachableTime >> 1));
        }
        return n;
    }

    /** Linux: neigh_hash_grow(). Readers of the old chains may miss an entry: then create() finds it under the lock. */
    private void grow() {
        Chains old = chains;
        Chains c = new Chains((old.mask + 1) * 2);
        for (Neighbour head : old.buckets) {
            for (Neighbour n = head; n != null; ) {
                Neighbour next = n.next;
                int i = hash(n.keyHi, n.keyLo, n.dev) & c.mask;
                n.next = c.buckets[i];
                c.buckets[i] = n;
                n = next;
            }
        }
        chains = c;
        hashGrows++;
    }

    private boolean makeRoom(Cpu cpu) {
        int n = gcEntries;
        if (n >= gcThresh3 || (n >= gcThresh2 && cpu.jiffies() - lastFlush > GC_STEP_JIFFIES)) {
            int shrunk = forcedGc(cpu);
            return shrunk > 0 || gcEntries < gcThresh3;
        }
        return true;
    }

    // Collection.

    /** Unlinks an entry; it keeps its next for readers on it. The table lock is held. */
    private void unlink(Chains c, int i, @Nullable Neighbour prev, Neighbour n) {
        if (prev == null) {
            BUCKET.setRelease(c.buckets, i, n.next);
        } else {
            prev.next = n.next;
        }
        entries--;
        n.inTable = false;
        count(n);
        destroys++;
    }

    /** An entry came, went, or was made permanent or not: those count not against the thresholds. The lock is held. */
    private void count(Neighbour n) {
        boolean now = n.inTable && (n.nudState() & Neighbour.NUD_PERMANENT) == 0;
        if (now != n.collectable) {
            n.collectable = now;
            gcEntries += now ? 1 : -1;
        }
    }

    /** Linux: neigh_update_gc_list() */
    void recount(Neighbour n) {
        lock.lock();
        count(n);
        lock.unlock();
    }

    /** Linux: neigh_forced_gc(). */
    private int forcedGc(Cpu cpu) {
        forcedGcRuns++;
        long tref = cpu.jiffies() - 5000;
        int want = Math.max(1, gcEntries - gcThresh2);
        int[] shrunk = {0}; // allocates: a full table
        sweep(cpu, n -> {
            if (shrunk[0] >= want) {
                return false;
            }
            int state = n.nudState();
            boolean go = (state & Neighbour.NUD_PERMANENT) == 0
                    && ((state & Neighbour.NUD_FAILED) != 0
                            || (state & Neighbour.NUD_IN_TIMER) == 0 && n.updated - tref <= 0
                            || (state & Neighbour.NUD_NOARP) != 0);
            if (go) {
                shrunk[0]++;
            }
            return go;
        });
        lastFlush = cpu.jiffies();
        return shrunk[0];
    }

    /** Randomises reachable times and removes stale and failed entries. Linux: neigh_periodic_work(). */
    private void periodicWork(Cpu cpu) {
        periodicGcRuns++;
        long now = cpu.jiffies();
        if (now - lastRand > RANDOMIZE_JIFFIES) {
            lastRand = now;
            defaultParms.reachableTime =
                    NeighParms.randReachTime(defaultParms.baseReachableTime, kernel.getRandomU32());
            for (NeighParms p : parms.values()) {
                p.reachableTime = NeighParms.randReachTime(p.baseReachableTime, kernel.getRandomU32());
            }
        }
        if (gcEntries < gcThresh1) {
            return;
        }
        sweep(cpu, n -> {
            int state = n.nudState();
            if ((state & (Neighbour.NUD_PERMANENT | Neighbour.NUD_IN_TIMER)) != 0) {
                return false;
            }
            if (n.used - n.confirmed < 0 && n.confirmed - now <= 0) {
                n.used = n.confirmed;
            }
            return (state & Neighbour.NUD_FAILED) != 0 || now - n.used > n.parms.gcStaletime;
        });
    }

    private interface Doomed {
        boolean test(Neighbour n);
    }

    private int sweep(Cpu cpu, Doomed doomed) {
        List<Neighbour> gone = new ArrayList<>(); // allocates: collection is rare
        lock.lock();
        Chains c = chains;
        for (int i = 0; i <= c.mask; i++) {
            Neighbour prev = null;
            for (Neighbour n = c.buckets[i]; n != null; n = n.next) {
                if (doomed.test(n)) {
                    unlink(c, i, prev, n);
                    gone.add(n);
                } else {
                    prev = n;
                }
            }
        }
        lock.unlock();
        for (Neighbour n : gone) {
            n.die(cpu);
        }
        return gone.size();
    }

    /** The device is down or gone: drops its entries, all or only those learned. Linux: neigh_ifdown(). */
    public final void ifdown(Cpu cpu, NetDevice dev, boolean keepPermanent) {
        sweep(cpu, n -> n.dev == dev && !(keepPermanent && (n.nudState() & Neighbour.NUD_PERMANENT) != 0));
        if (!keepPermanent) {
            setParms(dev, null);
        }
    }

    /** The device's own address changed: built headers are of no use. Linux: neigh_changeaddr(). */
    public final void changeAddr(Cpu cpu, NetDevice dev) {
        sweep(cpu, n -> n.dev == dev);
    }

    /** Removes one entry; false if there is none. Linux: neigh_remove_one(). */
    public final boolean remove(Cpu cpu, long keyHi, long keyLo, NetDevice dev) {
        return sweep(cpu, n -> n.dev == dev && n.keyHi == keyHi && n.keyLo == keyLo) > 0;
    }

    /** Ends the table: drops every entry. Context: kernel close. */
    public final void clear(Cpu cpu) {
        gcTimer.del();
        sweep(cpu, n -> true);
    }

    /** Calls {@code f} with every entry. Context: any; entries may come and go meanwhile. */
    public final void forEach(Consumer<Neighbour> f) {
        Chains c = chains;
        for (int i = 0; i <= c.mask; i++) {
            for (Neighbour n = acquire(c, i); n != null; n = n.next) {
                f.accept(n);
            }
        }
    }

    /** How many entries. */
    public final int size() {
        return entries;
    }

    // Parameters.

    /** A device's settings, made from the defaults on first use. Context: any. */
    public final NeighParms parmsOf(NetDevice dev) {
        NeighParms p = parms.get(dev);
        if (p == null) {
            p = defaultParms.copy();
            p.reachableTime = NeighParms.randReachTime(p.baseReachableTime, kernel.getRandomU32());
            setParms(dev, p);
        }
        return p;
    }

    private synchronized void setParms(NetDevice dev, @Nullable NeighParms p) {
        Map<NetDevice, NeighParms> m = new IdentityHashMap<>(parms); // allocates: once per device
        if (p == null) {
            m.remove(dev);
        } else {
            m.put(dev, p);
        }
        parms = m;
    }
}
