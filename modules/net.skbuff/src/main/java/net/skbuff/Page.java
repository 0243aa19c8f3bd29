package net.skbuff;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * A reference-counted piece of packet memory of one of the sizes of {@link SkbMemory}. A send fills parts of one
 * page for many packets; every part that a packet points to holds one reference.
 *
 * <p>Context: {@link #get} and the two puts from any thread that holds a reference; the last put sends the page home.
 * A count of one is known to be the caller's own, so the common get and put need no atomic read-modify-write.
 *
 * <p>Linux: struct page, get_page(), put_page(), include/linux/mm.h; page_pool, net/core/page_pool.c
 */
@HotPath
public final class Page extends Pooled {
    /** Size class of a page that wraps memory of a program; see {@link SkbCache#pinUserPage}. */
    static final int CLASS_PINNED = -1;

    private static final VarHandle REFS;

    static {
        try {
            REFS = MethodHandles.lookup().findVarHandle(Page.class, "refs", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final int sizeClass;
    long address;
    int size;

    /** What must stay reachable while a pinned page points into it. */
    @Nullable
    Object pinnedOwner;

    private int refs;

    Page(SkbCache home, int sizeClass, long address, int size) {
        super(home);
        this.sizeClass = sizeClass;
        this.address = address;
        this.size = size;
    }

    public long address() {
        return address;
    }

    /** Bytes. */
    public int size() {
        return size;
    }

    /** The current count, with acquire order: one means that the caller, who holds a reference, is alone. */
    public int refs() {
        return (int) REFS.getAcquire(this);
    }

    /** Whether this is a program's own memory lent for a zero-copy send: never written to, not kept past completion. */
    public boolean isPinnedUser() {
        return sizeClass == CLASS_PINNED;
    }

    /** Takes one more reference. The caller must hold one. */
    public void get() {
        int seen = (int) REFS.getAcquire(this);
        if (seen == 1) {
            refs = 2;
        } else {
            if (seen <= 0) {
                throw freed();
            }
            REFS.getAndAdd(this, 1);
        }
    }

    /** Takes {@code n} more references at once. The caller must hold one. */
    public void get(int n) {
        if ((int) REFS.getAndAdd(this, n) <= 0) {
            throw freed();
        }
    }

    /** Gives a reference back; {@code here} is the cache whose CPU the caller holds. */
    public void put(SkbCache here) {
        if (unref()) {
            if (here == home) {
                home.freePageLocal(this);
            } else {
                home.pushRemote(this);
            }
        }
    }

    /** Gives a reference back from process context, where no CPU is held: the page goes home by the remote-free stack. */
    public void putDeferred() {
        if (unref()) {
            home.pushRemote(this);
        }
    }

    /** A fresh page has one reference: its allocator's. */
    void arm() {
        refs = 1;
    }

    /** True if that was the last reference; the caller frees. */
    private boolean unref() {
        int seen = (int) REFS.getAcquire(this);
        if (seen == 1) {
            refs = 0;
            return true;
        }
        if (seen <= 0) {
            throw freed();
        }
        return (int) REFS.getAndAdd(this, -1) == 1;
    }

    /** As {@link #put} but tells the caller to keep the page if it is alone: for a linear page that stays with its info. */
    boolean isSole() {
        return (int) REFS.getAcquire(this) == 1;
    }

    private IllegalStateException freed() {
        return new IllegalStateException(
                "page " + Long.toHexString(address) + " of " + size + " bytes is already free");
    }
}
