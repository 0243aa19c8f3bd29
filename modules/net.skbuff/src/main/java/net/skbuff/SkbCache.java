package net.skbuff;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/** Keeps the fields that other CPUs write on a cache line of their own. */
abstract class SkbCachePadBefore {
    @SuppressWarnings("unused")
    int p01,
            p02,
            p03,
            p04,
            p05,
            p06,
            p07,
            p08,
            p09,
            p10,
            p11,
            p12,
            p13,
            p14,
            p15,
            p16,
            p17,
            p18,
            p19,
            p20,
            p21,
            p22,
            p23,
            p24,
            p25,
            p26,
            p27,
            p28,
            p29,
            p30,
            p31;
}

/** The one word of a cache that other CPUs write. */
abstract class SkbCacheRemote extends SkbCachePadBefore {
    /** Treiber stack of what others freed; taken whole by the owner, so it knows no ABA. */
    @Nullable
    Pooled remoteFree;
}

/** Padding after {@link SkbCacheRemote}. */
abstract class SkbCachePadAfter extends SkbCacheRemote {
    @SuppressWarnings("unused")
    int q01,
            q02,
            q03,
            q04,
            q05,
            q06,
            q07,
            q08,
            q09,
            q10,
            q11,
            q12,
            q13,
            q14,
            q15,
            q16,
            q17,
            q18,
            q19,
            q20,
            q21,
            q22,
            q23,
            q24,
            q25,
            q26,
            q27,
            q28,
            q29,
            q30,
            q31;
}

/**
 * One CPU's caches of packet heads, shared infos and pages, and its counts of freed packets. A CPU <em>is</em> an
 * SkbCache: net.core's Cpu extends this class.
 *
 * <p>Everything goes home. What this cache made and its own CPU frees goes on a plain free list; what another CPU or
 * process context frees is pushed on {@link #remoteFree} and collected by {@link #drainRemoteFree}. A packet freed
 * away from home travels as one node with its data still attached.
 *
 * <p>A shared info in the free lists keeps a linear page of its class attached, so the usual packet costs two pops.
 *
 * <p>Context: single writer, the holder of the CPU's word. {@link #pushRemote} from anywhere.
 *
 * <p>Linux: napi_alloc_cache, skb_attempt_defer_free(), net/core/skbuff.c; struct page_pool
 */
@HotPath
public class SkbCache extends SkbCachePadAfter {
    /** The holder of a remote-free stack is told each time it has grown by this many. */
    private static final int REMOTE_HINT = 64;

    private static final VarHandle REMOTE_FREE;

    static {
        try {
            REMOTE_FREE = MethodHandles.lookup().findVarHandle(SkbCacheRemote.class, "remoteFree", Pooled.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final SkbMemory memory;
    private final int cacheId;
    private final boolean debug;

    private @Nullable SkBuff freeSkbs;
    /** Infos with a page of the class attached. */
    private final @Nullable SkbSharedInfo[] freeInfos = new @Nullable SkbSharedInfo[SkbMemory.CLASSES];
    /** Infos without a page. */
    private @Nullable SkbSharedInfo bareInfos;

    private final @Nullable Page[] freePages = new @Nullable Page[SkbMemory.CLASSES];
    private @Nullable Page freePinned;

    private long chunkAt;
    private long chunkEnd;

    /** Debug mode: all that this cache ever made; null otherwise. */
    private final @Nullable List<Pooled> made;

    /** Freed packets by {@link SkbDropReason#ordinal}; index 0 stays 0, see {@link #consumed}. */
    public final long[] dropCounts = new long[SkbDropReason.values().length];

    /** Packets freed because they had done their work. */
    public long consumed;

    /** Hears of every packet counted here; null: nobody listens. Set by the CPU's holder. */
    public @Nullable SkbFreeTracer freeTracer;

    /** Allocations that found no memory. */
    public long allocFailures;

    /** Packets made here less packets that came home. */
    long skbsOut;

    /** Pages handed out here less pages that came home. */
    long pagesOut;

    /** Fault injection: when positive, every n-th allocation of a packet or page fails. For tests. */
    public int failEvery;

    private int failCount;

    public SkbCache(SkbMemory memory, int id) {
        this.memory = memory;
        this.cacheId = id;
        this.debug = memory.isDebug();
        this.made = debug ? new ArrayList<>() : null;
        memory.register(this);
    }

    public final SkbMemory memory() {
        return memory;
    }

    public final int cacheId() {
        return cacheId;
    }

    /** Packets freed here for a reason other than being consumed. */
    public final long dropped() {
        long sum = 0;
        for (long count : dropCounts) {
            sum += count;
        }
        return sum;
    }

    // ---- allocation ----

    /**
     * A packet with {@code linearBytes} of room, head, data and tail together; the caller reserves headroom.
     *
     * @return null if the memory limit is reached, counted in {@link #allocFailures}
     */
    public final @Nullable SkBuff allocSkb(int linearBytes) {
        SkbSharedInfo info = allocInfo(linearBytes);
        if (info == null) {
            return null;
        }
        SkBuff skb = allocHead();
        skb.attach(info);
        return skb;
    }

    /**
     * Builds a packet around a page that already holds its bytes, as a driver does on receive; takes over the
     * caller's reference. Head is the page's start, data and tail too: the caller reserves and puts.
     *
     * <p>Linux: napi_build_skb(), net/core/skbuff.c
     */
    public final SkBuff buildSkb(Page page) {
        SkbSharedInfo info = takeBareInfo();
        info.linear = page;
        info.initialise();
        SkBuff skb = allocHead();
        skb.attach(info);
        return skb;
    }

    /** A page of the smallest size that holds {@code bytes} (at most 32768) with one reference; null at the limit. */
    public final @Nullable Page allocPage(int bytes) {
        if (bytes > SkbMemory.MAX_PAGE) {
            throw new IllegalArgumentException("no page of " + bytes + " bytes");
        }
        return allocPageOfClass(classOf(bytes));
    }

    /**
     * A page that points at memory of a program, for a zero-copy send. {@code owner} is kept reachable until the last
     * reference is gone.
     */
    public final Page pinUserPage(long address, int size, Object owner) {
        Page page = freePinned;
        if (page != null) {
            freePinned = (Page) page.nextFree;
            page.nextFree = null;
        } else {
            page = new Page(this, Page.CLASS_PINNED, 0, 0); // allocates: first use, then pooled
        }
        page.address = address;
        page.size = size;
        page.pinnedOwner = owner;
        page.arm();
        return page;
    }

    /** A head without data, for {@link #allocSkb} and clones. */
    final SkBuff allocHead() {
        SkBuff skb = freeSkbs;
        if (skb == null) {
            skb = allocHeadSlow();
        } else {
            freeSkbs = (SkBuff) skb.nextFree;
            skb.nextFree = null;
        }
        skbsOut++;
        if (debug) {
            skb.site = new Throwable(); // allocates: debug mode
        }
        return skb;
    }

    /** An info with a linear page of at least {@code linearBytes}, both counted once; null at the limit. */
    final @Nullable SkbSharedInfo allocInfo(int linearBytes) {
        int sizeClass = classOf(linearBytes);
        SkbSharedInfo info = sizeClass < 0 ? null : freeInfos[sizeClass];
        if (info == null || failEvery > 0 || debug) {
            return allocInfoSlow(sizeClass);
        }
        freeInfos[sizeClass] = (SkbSharedInfo) info.nextFree;
        info.nextFree = null;
        info.linearPage().arm();
        pagesOut++;
        info.initialise();
        return info;
    }

    private @Nullable SkbSharedInfo allocInfoSlow(int sizeClass) {
        if (sizeClass < 0) {
            allocFailures++;
            return null;
        }
        Page page = allocPageOfClass(sizeClass);
        if (page == null) {
            return null;
        }
        SkbSharedInfo info = takeBareInfo();
        info.linear = page;
        info.initialise();
        return info;
    }

    private SkbSharedInfo takeBareInfo() {
        SkbSharedInfo info = bareInfos;
        if (info == null) {
            return new SkbSharedInfo(this); // allocates: until the pool is warm
        }
        bareInfos = (SkbSharedInfo) info.nextFree;
        info.nextFree = null;
        return info;
    }

    private SkBuff allocHeadSlow() {
        drainRemoteFree();
        SkBuff skb = freeSkbs;
        if (skb != null) {
            freeSkbs = (SkBuff) skb.nextFree;
            skb.nextFree = null;
            return skb;
        }
        skb = new SkBuff(this); // allocates: until the pool is warm
        if (made != null) {
            made.add(skb);
        }
        return skb;
    }

    private @Nullable Page allocPageOfClass(int sizeClass) {
        if (failEvery > 0 && ++failCount >= failEvery) {
            failCount = 0;
            allocFailures++;
            return null;
        }
        Page page = popPage(sizeClass);
        if (page == null) {
            drainRemoteFree();
            page = popPage(sizeClass);
            if (page == null) {
                page = carve(sizeClass);
                if (page == null) {
                    allocFailures++;
                    return null;
                }
            }
        }
        page.arm();
        pagesOut++;
        if (debug) {
            page.site = new Throwable(); // allocates: debug mode
        }
        return page;
    }

    /** From the free pages, else from an idle info, which becomes bare. */
    private @Nullable Page popPage(int sizeClass) {
        Page page = freePages[sizeClass];
        if (page != null) {
            freePages[sizeClass] = (Page) page.nextFree;
            page.nextFree = null;
            return page;
        }
        SkbSharedInfo info = freeInfos[sizeClass];
        if (info == null) {
            return null;
        }
        freeInfos[sizeClass] = (SkbSharedInfo) info.nextFree;
        page = info.linear;
        info.linear = null;
        info.nextFree = bareInfos;
        bareInfos = info;
        return page;
    }

    /** Cuts a fresh page from this cache's chunk, and the rest of an old chunk into what still fits. */
    private @Nullable Page carve(int sizeClass) {
        int size = SkbMemory.CLASS_SIZES[sizeClass];
        if (chunkEnd - chunkAt < size) {
            long chunk = memory.takeChunk(SkbMemory.CHUNK);
            if (chunk == 0) {
                return null;
            }
            for (int c = sizeClass - 1; c >= 0; c--) {
                while (chunkEnd - chunkAt >= SkbMemory.CLASS_SIZES[c]) {
                    Page rest = cut(c);
                    rest.nextFree = freePages[c];
                    freePages[c] = rest;
                }
            }
            chunkAt = chunk;
            chunkEnd = chunk + SkbMemory.CHUNK;
        }
        return cut(sizeClass);
    }

    private Page cut(int sizeClass) {
        int size = SkbMemory.CLASS_SIZES[sizeClass];
        Page page = new Page(this, sizeClass, chunkAt, size); // allocates: until the pool is warm
        chunkAt += size;
        if (made != null) {
            made.add(page);
        }
        return page;
    }

    /** What a packet of {@link #allocSkb} with so many linear bytes (at most {@link SkbMemory#MAX_LINEAR}) is charged for. */
    public static int linearTruesize(int bytes) {
        return SkbMemory.CLASS_SIZES[classOf(bytes)] + SkBuff.OVERHEAD_TRUESIZE;
    }

    static int classOf(int bytes) {
        if (bytes <= 512) {
            return 0;
        }
        if (bytes <= 2048) {
            return 1;
        }
        if (bytes <= 4096) {
            return 2;
        }
        if (bytes <= 16384) {
            return 3;
        }
        if (bytes <= 32768) {
            return 4;
        }
        return bytes <= SkbMemory.MAX_LINEAR ? 5 : -1;
    }

    // ---- free: local ----

    /** The count of {@code page}, made here, is zero and its CPU is held. */
    final void freePageLocal(Page page) {
        if (page.sizeClass < 0) {
            page.pinnedOwner = null;
            page.nextFree = freePinned;
            freePinned = page;
            return;
        }
        pagesOut--;
        if (debug) {
            page.site = null;
            UnsafeApi.setMemory(page.address, page.size, SkbMemory.POISON);
        }
        page.nextFree = freePages[page.sizeClass];
        freePages[page.sizeClass] = page;
    }

    /** The info, made here, has no head left; its fragments are released and {@code linear} may still be there. */
    final void freeInfoLocal(SkbSharedInfo info) {
        Page page = info.linear;
        if (page != null && page.home == this && page.sizeClass >= 0 && page.isSole() && !debug) {
            pagesOut--;
            info.nextFree = freeInfos[page.sizeClass];
            freeInfos[page.sizeClass] = info;
            return;
        }
        if (page != null) {
            info.linear = null;
            page.put(this);
        }
        info.nextFree = bareInfos;
        bareInfos = info;
    }

    /** The head, made here, holds nothing any more. */
    final void freeHeadLocal(SkBuff skb) {
        skbsOut--;
        if (debug) {
            skb.site = null;
        }
        skb.nextFree = freeSkbs;
        freeSkbs = skb;
    }

    // ---- free: from elsewhere ----

    /**
     * Sends an object home. Any context, no CPU needed: a lock-free push.
     *
     * <p>Linux: skb_attempt_defer_free(), net/core/skbuff.c
     */
    final void pushRemote(Pooled node) {
        if (node.nextFree != null) {
            throw new IllegalStateException("freed twice");
        }
        Pooled top;
        int depth;
        do {
            top = (Pooled) REMOTE_FREE.getAcquire(this);
            depth = top == null ? 1 : top.remoteDepth + 1;
            node.nextFree = top;
            node.remoteDepth = depth;
        } while (!REMOTE_FREE.weakCompareAndSetRelease(this, top, node));
        if (depth % REMOTE_HINT == 0) {
            remoteFreeHint(depth);
        }
    }

    /** Collects what others gave back. The softirq loop calls this each round; an allocation that finds nothing too. */
    public final void drainRemoteFree() {
        if (remoteFree == null) {
            return;
        }
        Pooled node = (Pooled) REMOTE_FREE.getAndSetAcquire(this, null);
        while (node != null) {
            Pooled next = node.nextFree;
            node.nextFree = null;
            if (node instanceof SkBuff skb) {
                SkbFree.atHome(skb, this);
            } else if (node instanceof Page page) {
                freePageLocal(page);
            } else {
                freeInfoLocal((SkbSharedInfo) node);
            }
            node = next;
        }
    }

    /** Whether something waits for {@link #drainRemoteFree}. Any context. */
    public final boolean hasRemoteFree() {
        return REMOTE_FREE.getAcquire(this) != null;
    }

    /**
     * Another context has made the remote-free stack a multiple of 64 long. A CPU kicks itself here, lest an idle one
     * keep memory. Context: any, without this CPU's word.
     */
    protected void remoteFreeHint(int depth) {}

    final @Nullable Pooled remoteFreeTop() {
        return (Pooled) REMOTE_FREE.getAcquire(this);
    }

    final List<Pooled> everMade() {
        return made == null ? List.of() : made;
    }

    /** Counts a freed packet. */
    final void countFree(SkBuff skb, SkbDropReason reason) {
        SkbFreeTracer tracer = freeTracer;
        if (tracer != null) {
            tracer.freed(skb, reason);
        }
        if (reason == SkbDropReason.CONSUMED) {
            consumed++;
        } else {
            dropCounts[reason.ordinal()]++;
            traceDrop(skb, reason);
        }
    }

    /** A packet was dropped: where a tracepoint hangs. Linux: trace_kfree_skb() */
    protected void traceDrop(SkBuff skb, SkbDropReason reason) {}
}
