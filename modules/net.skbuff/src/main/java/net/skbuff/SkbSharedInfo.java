package net.skbuff;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * What the clones of a packet share: the linear page, the page fragments, the fragment list, the segmentation fields
 * and the count of heads that point here.
 *
 * <p>{@code dataref} has two halves, as in Linux: the low 16 bits count all heads, the high 16 those that never look
 * at the header ({@code nohdr}). TCP keeps the payload-only original on its retransmit queue and sends a clone; the
 * difference of the halves tells the clone that it alone may push headers into the shared headroom.
 *
 * <p>Context: plain while one head points here; atomic once cloned.
 *
 * <p>Linux: struct skb_shared_info, include/linux/skbuff.h
 */
@HotPath
public final class SkbSharedInfo extends Pooled {
    public static final int MAX_SKB_FRAGS = 17;

    // gsoType bits: the values of Linux.
    public static final int SKB_GSO_TCPV4 = 1 << 0;
    public static final int SKB_GSO_DODGY = 1 << 1;
    public static final int SKB_GSO_TCP_ECN = 1 << 2;
    public static final int SKB_GSO_TCP_FIXEDID = 1 << 3;
    public static final int SKB_GSO_TCPV6 = 1 << 4;
    public static final int SKB_GSO_FCOE = 1 << 5;
    public static final int SKB_GSO_GRE = 1 << 6;
    public static final int SKB_GSO_GRE_CSUM = 1 << 7;
    public static final int SKB_GSO_IPXIP4 = 1 << 8;
    public static final int SKB_GSO_IPXIP6 = 1 << 9;
    public static final int SKB_GSO_UDP_TUNNEL = 1 << 10;
    public static final int SKB_GSO_UDP_TUNNEL_CSUM = 1 << 11;
    public static final int SKB_GSO_PARTIAL = 1 << 12;
    public static final int SKB_GSO_TUNNEL_REMCSUM = 1 << 13;
    public static final int SKB_GSO_SCTP = 1 << 14;
    public static final int SKB_GSO_ESP = 1 << 15;
    public static final int SKB_GSO_UDP = 1 << 16;
    public static final int SKB_GSO_UDP_L4 = 1 << 17;
    public static final int SKB_GSO_FRAGLIST = 1 << 18;
    public static final int SKB_GSO_TCP_ACCECN = 1 << 19;

    // txFlags bits.
    public static final int SKBTX_HW_TSTAMP = 1 << 0;
    public static final int SKBTX_SW_TSTAMP = 1 << 1;
    public static final int SKBTX_IN_PROGRESS = 1 << 2;
    public static final int SKBTX_COMPLETION_TSTAMP = 1 << 3;
    public static final int SKBTX_WIFI_STATUS = 1 << 4;
    public static final int SKBTX_SCHED_TSTAMP = 1 << 6;

    // flags bits: zero copy.
    public static final int SKBFL_ZEROCOPY_ENABLE = 1 << 0;
    public static final int SKBFL_SHARED_FRAG = 1 << 1;
    public static final int SKBFL_PURE_ZEROCOPY = 1 << 2;
    public static final int SKBFL_DONT_ORPHAN = 1 << 3;
    public static final int SKBFL_ZEROCOPY_FRAG = SKBFL_ZEROCOPY_ENABLE | SKBFL_SHARED_FRAG;
    public static final int SKBFL_ALL_ZEROCOPY = SKBFL_ZEROCOPY_FRAG | SKBFL_PURE_ZEROCOPY | SKBFL_DONT_ORPHAN;

    static final int DATAREF_SHIFT = 16;
    static final int DATAREF_MASK = (1 << DATAREF_SHIFT) - 1;

    private static final VarHandle DATAREF;

    static {
        try {
            DATAREF = MethodHandles.lookup().findVarHandle(SkbSharedInfo.class, "dataref", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    // ---- written by the one head that owns the data (not cloned) ----

    public int nrFrags;
    /** Payload bytes per segment; 0 if this is no GSO packet. */
    public int gsoSize;
    /** Number of segments. */
    public int gsoSegs;

    public int gsoType;
    public int txFlags;
    public int flags;
    public int tskey;
    public int metaLen;
    public long hwtstampNs;
    /** More packets whose bytes follow the fragments, linked by {@code next}. */
    public @Nullable SkBuff fragList;

    public @Nullable UbufInfo ubuf;

    /**
     * The head may not become a fragment of another packet: so it is on Linux where a driver has not built the packet around
     * a page ({@code !skb->head_frag}), and here for those who want to be charged as there.
     */
    public boolean headKept;

    public final @Nullable Page[] frag = new @Nullable Page[MAX_SKB_FRAGS];
    public final int[] fragOff = new int[MAX_SKB_FRAGS];
    public final int[] fragSize = new int[MAX_SKB_FRAGS];

    /** The page of the linear part; null only while this lies in the bare free list or its head was stolen. */
    @Nullable
    Page linear;

    // ---- written by every head that points here ----

    int dataref;

    SkbSharedInfo(SkbCache home) {
        super(home);
    }

    /** The page of fragment {@code i}. */
    public Page fragPage(int i) {
        Page page = frag[i];
        if (page == null) {
            throw new IllegalStateException("no fragment " + i + " of " + nrFrags);
        }
        return page;
    }

    Page linearPage() {
        Page page = linear;
        if (page == null) {
            throw new IllegalStateException("shared info without a linear page");
        }
        return page;
    }

    public long fragAddress(int i) {
        return fragPage(i).address + fragOff[i];
    }

    /** Current count in both halves. */
    public int dataref() {
        return (int) DATAREF.getAcquire(this);
    }

    void initialise() {
        headKept = false;
        nrFrags = 0;
        gsoSize = 0;
        gsoSegs = 0;
        gsoType = 0;
        txFlags = 0;
        flags = 0;
        tskey = 0;
        metaLen = 0;
        hwtstampNs = 0;
        dataref = 1;
    }

    /** One more head. {@code sole} if the caller knows that it is the only one so far. */
    void ref(boolean sole) {
        if (sole) {
            dataref++;
        } else {
            DATAREF.getAndAdd(this, 1);
        }
    }

    /** The holder promises never to look at the header again. */
    void setDataref(int value) {
        DATAREF.setRelease(this, value);
    }

    /** Takes {@code bias} off; true if nobody is left and the caller frees the data. */
    boolean unref(int bias) {
        if ((int) DATAREF.getAcquire(this) == bias) {
            return true;
        }
        int before = (int) DATAREF.getAndAdd(this, -bias);
        if (((before - bias) & DATAREF_MASK) > (before & DATAREF_MASK)) {
            throw new IllegalStateException("shared data is already free");
        }
        return before == bias;
    }

    void setFrag(int i, Page page, int off, int size) {
        frag[i] = page;
        fragOff[i] = off;
        fragSize[i] = size;
    }
}
