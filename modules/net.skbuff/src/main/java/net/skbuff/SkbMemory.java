package net.skbuff;

import java.lang.foreign.Arena;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * All packet memory of one kernel: the slabs that pages are cut from, the bound on them, and the account of what is
 * outstanding. The per-CPU {@link SkbCache}s in front of it serve every allocation of the steady state.
 *
 * <p>Slabs come from one shared arena, the first of 256 KiB when the first packet is made, each next one twice as large
 * up to 2 MiB, so that a kernel boots without touching memory, and so that a softirq that adds one stays within its
 * time: the JVM zeroes a slab, which takes 60 us for the first and 0.4 ms for 2 MiB, but 3 ms for 16. Slabs are never
 * given back before {@link #close}.
 *
 * <p>Context: {@link #takeChunk} from any holder of a CPU, under a spin lock held for a few instructions except when a
 * slab is added; the accounting is exact only while the kernel is quiet.
 */
public final class SkbMemory implements AutoCloseable {
    /** Page sizes in bytes. The last holds the largest IP datagram with room for headers. */
    static final int[] CLASS_SIZES = {512, 2048, 4096, 16384, 32768, 69632};

    static final int CLASSES = 6;

    /** Largest page that {@link SkbCache#allocPage} serves for fragments. */
    public static final int MAX_PAGE = 32768;

    /** Largest linear part of a packet. */
    public static final int MAX_LINEAR = 69632;

    /** Bound on slab bytes unless another is given. */
    public static final long DEFAULT_LIMIT = 1L << 30;

    static final int FIRST_SLAB = 256 << 10;
    static final int MAX_SLAB = 2 << 20;

    /** What a cache takes from a slab at a time. */
    static final int CHUNK = 128 << 10;

    static final byte POISON = 0x6b;

    /** Classes that say nothing about who allocated. */
    private static final Set<String> INNER =
            Set.of(SkbCache.class.getName(), SkBuff.class.getName(), SkbCopy.class.getName(), SkbSplit.class.getName());

    private static final int ALIGN = 4096;
    private static final VarHandle SLAB_LOCK;

    static {
        try {
            SLAB_LOCK = MethodHandles.lookup().findVarHandle(SkbMemory.class, "slabLock", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final long limitBytes;
    private final boolean debug;
    private final Arena arena = Arena.ofShared();
    private volatile SkbCache[] caches = new SkbCache[0];

    @SuppressWarnings("unused") // through SLAB_LOCK
    private int slabLock;

    // ---- under slabLock ----
    private int nextSlab = FIRST_SLAB;
    private long slabAt;
    private long slabEnd;
    private long slabBytes;
    private boolean closed;

    public SkbMemory() {
        this(DEFAULT_LIMIT, false);
    }

    /**
     * Makes an empty memory.
     *
     * @param limitBytes bound on the bytes of all slabs; past it allocations return null and are counted
     * @param debug record the call stack of each allocation, and overwrite freed bytes
     */
    public SkbMemory(long limitBytes, boolean debug) {
        if (limitBytes < FIRST_SLAB) {
            throw new IllegalArgumentException("packet memory limit " + limitBytes + " is under " + FIRST_SLAB);
        }
        this.limitBytes = limitBytes;
        this.debug = debug;
    }

    public boolean isDebug() {
        return debug;
    }

    public long limitBytes() {
        return limitBytes;
    }

    /** Bytes taken from the operating system so far. */
    public long slabBytes() {
        lockSlabs();
        try {
            return slabBytes;
        } finally {
            unlockSlabs();
        }
    }

    /** Allocations refused for want of memory, over all CPUs. */
    public long allocFailures() {
        long sum = 0;
        for (SkbCache cache : caches) {
            sum += cache.allocFailures;
        }
        return sum;
    }

    /** Packets that are somewhere in the stack. Exact while the kernel is quiet. */
    public long outstandingSkbs() {
        long sum = 0;
        for (SkbCache cache : caches) {
            sum += cache.skbsOut;
        }
        return sum - returning().skbs;
    }

    /** Pages that hold packet bytes, linear parts included. Exact while the kernel is quiet. */
    public long outstandingPages() {
        long sum = 0;
        for (SkbCache cache : caches) {
            sum += cache.pagesOut;
        }
        return sum - returning().pages;
    }

    /** One line per allocation site that still has packets or pages out; empty if nothing is. */
    public String leakReport() {
        long skbs = outstandingSkbs();
        long pages = outstandingPages();
        if (skbs == 0 && pages == 0) {
            return "";
        }
        StringBuilder report = new StringBuilder("leaked " + skbs + " skbs and " + pages + " pages of packet memory");
        if (!debug) {
            return report.append("; boot with debug=1 to name where they were allocated")
                    .toString();
        }
        Map<String, Integer> sites = new LinkedHashMap<>();
        for (SkbCache cache : caches) {
            for (Pooled made : cache.everMade()) {
                Throwable site = made.site;
                if (site != null) {
                    sites.merge(describe(made, site), 1, Integer::sum);
                }
            }
        }
        sites.forEach(
                (site, count) -> report.append("\n").append(count).append(" x ").append(site));
        return report.toString();
    }

    /**
     * Ends this memory: everything must have come home. The kernel is quiescent, and the caller stands for all CPUs.
     *
     * @throws IllegalStateException naming what leaked; the slabs then stay, since somebody may still point there
     */
    @Override
    public void close() {
        for (SkbCache cache : caches) {
            cache.drainRemoteFree();
        }
        for (SkbCache cache : caches) { // a packet drained above may have sent its data to a cache before it
            cache.drainRemoteFree();
        }
        String leaks = leakReport();
        if (!leaks.isEmpty()) {
            throw new IllegalStateException(leaks);
        }
        lockSlabs();
        try {
            if (closed) {
                return;
            }
            closed = true;
        } finally {
            unlockSlabs();
        }
        arena.close();
    }

    synchronized void register(SkbCache cache) {
        SkbCache[] grown = Arrays.copyOf(caches, caches.length + 1);
        grown[grown.length - 1] = cache;
        caches = grown;
    }

    /** Address of {@code bytes} fresh bytes, page aligned; 0 at the limit. */
    long takeChunk(int bytes) {
        lockSlabs();
        try {
            if (slabEnd - slabAt < bytes && !addSlab(bytes)) {
                return 0;
            }
            long address = slabAt;
            slabAt += bytes;
            return address;
        } finally {
            unlockSlabs();
        }
    }

    private boolean addSlab(int bytes) {
        long size = Math.min(Math.max(nextSlab, bytes), limitBytes - slabBytes);
        if (closed || size < bytes) {
            return false;
        }
        try {
            slabAt = arena.allocate(size, ALIGN).address();
        } catch (OutOfMemoryError e) {
            return false;
        }
        slabEnd = slabAt + size;
        slabBytes += size;
        nextSlab = Math.min(nextSlab * 2, MAX_SLAB);
        return true;
    }

    private void lockSlabs() {
        while (!SLAB_LOCK.weakCompareAndSetAcquire(this, 0, 1)) {
            Thread.onSpinWait();
        }
    }

    private void unlockSlabs() {
        SLAB_LOCK.setRelease(this, 0);
    }

    /** What lies in the remote-free stacks: freed, but not yet home. */
    private Returning returning() {
        Returning sum = new Returning();
        for (SkbCache cache : caches) {
            for (Pooled node = cache.remoteFreeTop(); node != null; node = node.nextFree) {
                sum.add(node);
            }
        }
        return sum;
    }

    private static String describe(Pooled made, Throwable site) {
        StringBuilder text = new StringBuilder();
        text.append(made instanceof Page page ? "page of " + page.size : "skb").append(" allocated at");
        int shown = 0;
        for (StackTraceElement frame : site.getStackTrace()) {
            if (shown == 0 && INNER.contains(frame.getClassName())) {
                continue;
            }
            text.append("\n    ").append(frame.toString());
            if (++shown == 12) {
                break;
            }
        }
        return text.toString();
    }

    /** Counts the pages that the waiting objects will set free, each once its last holder is among them. */
    private static final class Returning {
        long skbs;
        long pages;
        private final IdentityHashMap<Page, Integer> dropped = new IdentityHashMap<>();
        private final IdentityHashMap<SkBuff, Integer> left = new IdentityHashMap<>();
        private final IdentityHashMap<SkbSharedInfo, Integer> unreferenced = new IdentityHashMap<>();

        void add(Pooled node) {
            if (node instanceof Page) {
                pages++;
            } else if (node instanceof SkbSharedInfo info) {
                if (info.linear != null) {
                    pages++;
                }
            } else if (node instanceof SkBuff skb) {
                addSkb(skb);
            }
        }

        private void addSkb(SkBuff skb) {
            skbs++;
            SkbSharedInfo info = skb.shinfoOrNull();
            if (info != null) {
                addInfo(info, skb.dataBias());
            }
        }

        private void addInfo(SkbSharedInfo info, int bias) {
            if (unreferenced.merge(info, bias, Integer::sum) != info.dataref()) {
                return;
            }
            drop(info.linear);
            for (int i = 0; i < info.nrFrags; i++) {
                drop(info.frag[i]);
            }
            for (SkBuff s = info.fragList; s != null; s = s.next) {
                if (left.merge(s, 1, Integer::sum) == s.users()) {
                    addSkb(s);
                }
            }
        }

        private void drop(@Nullable Page page) {
            if (page != null && dropped.merge(page, 1, Integer::sum) == page.refs() && !page.isPinnedUser()) {
                pages++;
            }
        }
    }

    /** The caches made so far. */
    List<SkbCache> caches() {
        return new ArrayList<>(List.of(caches));
    }
}
