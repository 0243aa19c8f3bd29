package net.skbuff;

import org.jspecify.annotations.Nullable;

/**
 * What a packet's head holds, under banners by who reads and writes it, and how it is put in its first state or takes over
 * another's. {@link SkbGeometry} moves its pointers, {@link SkBuff} is the whole.
 *
 * <p>One class has all the fields, so that the JVM packs them as if they stood in {@link SkBuff}.
 *
 * <p>Linux: struct sk_buff, include/linux/skbuff.h; __copy_skb_header(), net/core/skbuff.c
 */
@HotPath
abstract class SkbFields extends Pooled {
    // ---- queues: whoever holds the list's lock ----

    public @Nullable SkBuff next;
    public @Nullable SkBuff prev;
    public @Nullable SkBuffHead list;
    public @Nullable SkBuff rbLeft;
    public @Nullable SkBuff rbRight;
    public @Nullable SkBuff rbParent;
    public boolean rbRed;
    /** Place in TCP's list of unacknowledged packets by time sent; linked to itself never, null when absent. */
    public @Nullable SkBuff tsNext;

    public @Nullable SkBuff tsPrev;

    // ---- who: whoever owns the packet ----

    public @Nullable SkbOwner sk;
    public @Nullable SkbDestructor destructor;
    public @Nullable SkbDevice dev;
    public @Nullable SkbDst dst;
    /** Connection tracking entry, opaque here. */
    public @Nullable Object nfct;

    // ---- geometry ----

    /** Bytes of the packet, linear and not. */
    public int len;
    /** Bytes beyond the linear part. */
    public int dataLen;
    /** Memory this packet is charged for. */
    public int truesize;

    public int data;
    public int tail;
    public int end;
    long headAddress;

    @Nullable
    SkbSharedInfo shinfo;

    /** References to this very head; written through {@link SkbFree}. */
    int users;

    // ---- headers: offsets from head, -1 while unset ----

    public int macHeader;
    public int networkHeader;
    public int transportHeader;
    public int innerMacHeader;
    public int innerNetworkHeader;
    public int innerTransportHeader;
    public int macLen;
    /** Space below {@code data} that clones may use; 0 unless {@link SkBuff#releaseHeader} was called. */
    public int hdrLen;

    // ---- what: set by drivers and layers ----

    /** Ethertype, host order. */
    public int protocol;

    public int innerProtocol;
    public int pktType;
    public int ipSummed;
    /** With {@link SkBuff#CHECKSUM_COMPLETE} a partial sum as {@link Checksum} defines it. */
    public int csum;
    /** With {@link SkBuff#CHECKSUM_PARTIAL} an offset from head. */
    public int csumStart;
    /** With {@link SkBuff#CHECKSUM_PARTIAL} an offset from {@link #csumStart}. */
    public int csumOffset;

    public int csumLevel;
    public int priority;
    public int mark;
    public int hash;
    public int queueMapping;
    public int napiId;
    public int skbIif;
    public int vlanTci;
    public int vlanProto;
    public int tcIndex;
    /** How often filters have turned it round, from a way out to a way in: loops end. */
    public int turns;

    public boolean l4Hash;
    public boolean swHash;
    /** The data may be shared: a clone was made, though it may be gone again; see {@link SkBuff#isClonedData}. */
    public boolean cloned;
    /** This head never looks at the header; see {@link SkBuff#releaseHeader}. */
    public boolean nohdr;

    public boolean pfmemalloc;
    public boolean oooOkay;
    public boolean ipDefragOffset;
    public boolean encapsulation;
    public boolean peeked;
    public boolean dstPendingConfirm;
    public boolean csumValid;
    public boolean csumCompleteSw;
    public boolean remcsumOffload;
    public boolean vlanPresent;
    public boolean tcAtIngress;
    public boolean tcSkipClassify;
    public boolean redirected;
    /** With {@link #redirected}: it was taken on its way in. */
    public boolean fromIngress;

    public boolean slowGro;
    public boolean decrypted;
    /** Receive time, or on the way out the wall-clock stamp of the software time stamp. */
    public long tstampNs;
    /** Time sent or earliest departure, on the kernel's clock. */
    public long skbMstampNs;

    // ---- control block: the layer that owns the packet, through its XxxSkbCb class ----

    public int cb0;
    public int cb1;
    public int cb2;
    public int cb3;
    public int cb4;
    public int cb5;
    public int cb6;
    public int cb7;
    public int cb8;
    public int cb9;
    public int cb10;
    public int cb11;
    public long cbl0;
    public long cbl1;
    public long cbl2;
    public long cbl3;
    public @Nullable Object cbo0;

    // ---- life ----

    /** The last clone made of this; meaningful only through {@link SkBuff#fcloneBusy}, since heads are pooled. */
    public @Nullable SkBuff fclone;

    /** The generation of {@link #fclone} when it was made. */
    int fcloneGeneration;
    /** Bumped at each free, so that a stale {@link #fclone} is seen to be one. */
    int generation;
    /** Truesize that the last successful {@link SkBuff#tryCoalesce} moved here, for the caller to charge. */
    public int coalesceDelta;

    /** Why it is freed, for who counts that at home. */
    SkbDropReason freeReason = SkbDropReason.CONSUMED;
    /** Freed where no CPU was held: the home CPU counts it. */
    boolean countAtHome;

    SkbFields(SkbCache home) {
        super(home);
    }

    /** Points this fresh head at {@code info} and puts every field in its first state. */
    final void attach(SkbSharedInfo info) {
        clear();
        adopt(info);
        data = 0;
        tail = 0;
        len = 0;
        dataLen = 0;
        truesize = end + SkBuff.OVERHEAD_TRUESIZE;
    }

    /** Head, end and shared info from {@code info}; data and tail stay. */
    final void adopt(SkbSharedInfo info) {
        Page page = info.linearPage();
        shinfo = info;
        headAddress = page.address;
        end = page.size;
    }

    private void clear() {
        next = null;
        prev = null;
        list = null;
        rbLeft = null;
        rbRight = null;
        rbParent = null;
        rbRed = false;
        tsNext = null;
        tsPrev = null;
        sk = null;
        destructor = null;
        dev = null;
        dst = null;
        nfct = null;
        users = 1;
        macHeader = -1;
        networkHeader = -1;
        transportHeader = -1;
        innerMacHeader = -1;
        innerNetworkHeader = -1;
        innerTransportHeader = -1;
        macLen = 0;
        hdrLen = 0;
        protocol = 0;
        innerProtocol = 0;
        pktType = SkBuff.PACKET_HOST;
        ipSummed = SkBuff.CHECKSUM_NONE;
        csum = 0;
        csumStart = 0;
        csumOffset = 0;
        csumLevel = 0;
        priority = 0;
        mark = 0;
        hash = 0;
        queueMapping = 0;
        napiId = 0;
        skbIif = 0;
        vlanTci = 0;
        vlanProto = 0;
        tcIndex = 0;
        clearFlags();
        tstampNs = 0;
        skbMstampNs = 0;
        clearCb();
        fclone = null;
        coalesceDelta = 0;
    }

    private void clearFlags() {
        l4Hash = false;
        swHash = false;
        cloned = false;
        nohdr = false;
        pfmemalloc = false;
        oooOkay = false;
        ipDefragOffset = false;
        encapsulation = false;
        peeked = false;
        dstPendingConfirm = false;
        csumValid = false;
        csumCompleteSw = false;
        remcsumOffload = false;
        vlanPresent = false;
        tcAtIngress = false;
        tcSkipClassify = false;
        redirected = false;
        fromIngress = false;
        turns = 0;
        slowGro = false;
        decrypted = false;
    }

    /** Zeroes the control block, for a layer that takes over. */
    public final void clearCb() {
        cb0 = 0;
        cb1 = 0;
        cb2 = 0;
        cb3 = 0;
        cb4 = 0;
        cb5 = 0;
        cb6 = 0;
        cb7 = 0;
        cb8 = 0;
        cb9 = 0;
        cb10 = 0;
        cb11 = 0;
        cbl0 = 0;
        cbl1 = 0;
        cbl2 = 0;
        cbl3 = 0;
        cbo0 = null;
    }

    /** Everything a copy or clone inherits but geometry, queue links and owner. Linux: __copy_skb_header(). */
    public final void inheritFrom(SkBuff old) {
        clear();
        dev = old.dev;
        dst = old.dst;
        nfct = old.nfct;
        macHeader = old.macHeader;
        networkHeader = old.networkHeader;
        transportHeader = old.transportHeader;
        innerMacHeader = old.innerMacHeader;
        innerNetworkHeader = old.innerNetworkHeader;
        innerTransportHeader = old.innerTransportHeader;
        macLen = old.macLen;
        protocol = old.protocol;
        innerProtocol = old.innerProtocol;
        pktType = old.pktType;
        ipSummed = old.ipSummed;
        csum = old.csum;
        csumStart = old.csumStart;
        csumOffset = old.csumOffset;
        csumLevel = old.csumLevel;
        priority = old.priority;
        mark = old.mark;
        hash = old.hash;
        queueMapping = old.queueMapping;
        napiId = old.napiId;
        skbIif = old.skbIif;
        vlanTci = old.vlanTci;
        vlanProto = old.vlanProto;
        tcIndex = old.tcIndex;
        l4Hash = old.l4Hash;
        swHash = old.swHash;
        pfmemalloc = old.pfmemalloc;
        oooOkay = old.oooOkay;
        ipDefragOffset = old.ipDefragOffset;
        encapsulation = old.encapsulation;
        dstPendingConfirm = old.dstPendingConfirm;
        csumValid = old.csumValid;
        csumCompleteSw = old.csumCompleteSw;
        remcsumOffload = old.remcsumOffload;
        vlanPresent = old.vlanPresent;
        tcAtIngress = old.tcAtIngress;
        tcSkipClassify = old.tcSkipClassify;
        redirected = old.redirected;
        fromIngress = old.fromIngress;
        turns = old.turns;
        slowGro = old.slowGro;
        decrypted = old.decrypted;
        tstampNs = old.tstampNs;
        skbMstampNs = old.skbMstampNs;
        copyCbFrom(old);
    }

    public final void copyCbFrom(SkBuff old) {
        cb0 = old.cb0;
        cb1 = old.cb1;
        cb2 = old.cb2;
        cb3 = old.cb3;
        cb4 = old.cb4;
        cb5 = old.cb5;
        cb6 = old.cb6;
        cb7 = old.cb7;
        cb8 = old.cb8;
        cb9 = old.cb9;
        cb10 = old.cb10;
        cb11 = old.cb11;
        cbl0 = old.cbl0;
        cbl1 = old.cbl1;
        cbl2 = old.cbl2;
        cbl3 = old.cbl3;
        cbo0 = old.cbo0;
    }

    // ---- hash

    public final void clearHash() {
        hash = 0;
        l4Hash = false;
        swHash = false;
    }

    public final void setHash(int value, boolean layer4, boolean software) {
        hash = value;
        l4Hash = layer4;
        swHash = software;
    }
}
