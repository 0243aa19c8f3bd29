package net.skbuff;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * The completion of a zero-copy send: counts the packets whose fragments point into a program's memory and calls
 * {@link #complete} when the last of them has let go.
 *
 * <p>Context: the count from any thread; {@link #complete} on whatever context dropped the last reference.
 *
 * <p>Linux: struct ubuf_info, include/linux/skbuff.h; msg_zerocopy_callback(), net/core/skbuff.c
 */
public abstract class UbufInfo {
    private static final VarHandle REFCNT;

    static {
        try {
            REFCNT = MethodHandles.lookup().findVarHandle(UbufInfo.class, "refcnt", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Starts at one: the reference of the send call that made it. */
    @SuppressWarnings("FieldMayBeFinal") // written through REFCNT
    private int refcnt = 1;

    /** Cleared when any of the bytes had to be copied after all. Written before the reference is dropped. */
    public volatile boolean zerocopy = true;

    public final void get() {
        REFCNT.getAndAdd(this, 1);
    }

    /** Drops a reference; the last one completes. {@code success} is false if the bytes were copied. */
    public final void put(@Nullable SkBuff skb, boolean success) {
        put(null, skb, success);
    }

    /** As {@link #put(SkBuff, boolean)}; {@code here} is the cache whose CPU the caller holds, or null. */
    public final void put(@Nullable SkbCache here, @Nullable SkBuff skb, boolean success) {
        if (!success) {
            zerocopy = false;
        }
        if ((int) REFCNT.getAndAdd(this, -1) == 1) {
            complete(here, skb, zerocopy);
        }
    }

    public final int refs() {
        return (int) REFCNT.getAcquire(this);
    }

    /** All packets have let go of the memory. {@code here} is the cache whose CPU is held, or null. {@code skb} is the last of them, null if it was the send call itself. */
    protected abstract void complete(@Nullable SkbCache here, @Nullable SkBuff skb, boolean success);
}
