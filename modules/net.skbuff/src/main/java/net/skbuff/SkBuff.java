package net.skbuff;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * A packet on its way through the stack: a head that points into shared bytes. Between layers nothing is copied; a
 * layer moves {@code data} over its header and goes on.
 *
 * <pre>
 *   head        data              tail           end
 *    |  headroom  |  linear bytes   |  tailroom    |      then shinfo's fragments, then its fragment list
 *    0            |&lt;-- headlen() --&gt;|              |      |&lt;------------- dataLen --------------&gt;|
 *                 |&lt;------------------- len ----------------------------------------------------&gt;|
 * </pre>
 *
 * <p>{@code head()} is an address; data, tail, end and the header fields are offsets from it. Moving a pointer past
 * its neighbour is a bug and throws. {@code end} is the page's size, since the shared info is an object of its own.
 *
 * <p>Life: {@link SkbCache#allocSkb}, then one owner at a time; {@link #kfree} names why a packet was dropped and
 * {@link #consume} says that it was not. Heads are pooled, so a reference must not be kept past either.
 *
 * <p>Context: whoever owns the packet; its bytes may be shared with clones, which is why a layer that writes asks
 * {@link #cowHead} first.
 *
 * <p>Linux: struct sk_buff, include/linux/skbuff.h
 */
@HotPath
public final class SkBuff extends Pooled {
    /** The device did not check; the protocol must. */
    public static final int CHECKSUM_NONE = 0;
    /** The checksum is known to be good, {@link #csumLevel} + 1 of them. */
    public static final int CHECKSUM_UNNECESSARY = 1;
    /** {@link #csum} holds the sum over all bytes from {@code data} on. */
    public static final int CHECKSUM_COMPLETE = 2;
    /** The sum from {@link #csumStart} on is to be stored {@link #csumOffset} bytes further. */
    public static final int CHECKSUM_PARTIAL = 3;

    public static final int PACKET_HOST = 0;
    public static final int PACKET_BROADCAST = 1;
    public static final int PACKET_MULTICAST = 2;
    public static final int PACKET_OTHERHOST = 3;
    public static final int PACKET_OUTGOING = 4;
    public static final int PACKET_LOOPBACK = 5;

    public static final int MAX_SKB_FRAGS = SkbSharedInfo.MAX_SKB_FRAGS;

    /** What a head counts in truesize: the aligned size of Linux's struct sk_buff. */
    public static final int HEAD_TRUESIZE = 256;
    /** What a head and a shared info count in truesize, beside the linear bytes. */
    public static final int OVERHEAD_TRUESIZE = HEAD_TRUESIZE + 320;

    private static final VarHandle USERS;

    static {
        try {
            USERS = MethodHandles.lookup().findVarHandle(SkBuff.class, "users", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

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
    private long headAddress;
    private @Nullable SkbSharedInfo shinfo;
    private int users;

    // ---- headers: offsets from head, -1 while unset ----

    public int macHeader;
    public int networkHeader;
    public int transportHeader;
    public int innerMacHeader;
    public int innerNetworkHeader;
    public int innerTransportHeader;
    public int macLen;
    /** Space below {@code data} that clones may use; 0 unless {@link #releaseHeader} was called. */
    public int hdrLen;

    // ---- what: set by drivers and layers ----

    /** Ethertype, host order. */
    public int protocol;

    public int innerProtocol;
    public int pktType;
    public int ipSummed;
    /** With {@link #CHECKSUM_COMPLETE} a partial sum as {@link Checksum} defines it. */
    public int csum;
    /** With {@link #CHECKSUM_PARTIAL} an offset from head. */
    public int csumStart;
    /** With {@link #CHECKSUM_PARTIAL} an offset from {@link #csumStart}. */
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
    /** The data may be shared: a clone was made, though it may be gone again; see {@link #isClonedData}. */
    public boolean cloned;
    /** This head never looks at the header; see {@link #releaseHeader}. */
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

    /** The last clone made of this; meaningful only through {@link #fcloneBusy}, since heads are pooled. */
    public @Nullable SkBuff fclone;

    private int fcloneGeneration;
    /** Bumped at each free, so that a stale {@link #fclone} is seen to be one. */
    private int generation;
    /** Truesize that the last successful {@link #tryCoalesce} moved here, for the caller to charge. */
    public int coalesceDelta;

    private SkbDropReason freeReason = SkbDropReason.CONSUMED;
    /** Freed where no CPU was held: the home CPU counts it. */
    private boolean countAtHome;

    SkBuff(SkbCache home) {
        super(home);
    }

    /** Points this fresh head at {@code info} and puts every field in its first state. */
    void attach(SkbSharedInfo info) {
        clear();
        adopt(info);
        data = 0;
        tail = 0;
        len = 0;
        dataLen = 0;
        truesize = end + OVERHEAD_TRUESIZE;
    }

    /** Head, end and shared info from {@code info}; data and tail stay. */
    void adopt(SkbSharedInfo info) {
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
        pktType = PACKET_HOST;
        ipSummed = CHECKSUM_NONE;
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
    public void clearCb() {
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
    public void inheritFrom(SkBuff old) {
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

    public void copyCbFrom(SkBuff old) {
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

    // ================================================================ geometry

    /** Address of the first byte of headroom. */
    public long head() {
        return headAddress;
    }

    public long dataAddress() {
        return headAddress + data;
    }

    public long tailAddress() {
        return headAddress + tail;
    }

    public int headroom() {
        return data;
    }

    /** Room behind the linear bytes; 0 if bytes in fragments follow. */
    public int tailroom() {
        return dataLen != 0 ? 0 : end - tail;
    }

    /** Room behind the linear bytes whatever follows them. */
    public int linearTailroom() {
        return end - tail;
    }

    /** Length of the linear part. */
    public int headlen() {
        return len - dataLen;
    }

    public boolean isNonlinear() {
        return dataLen != 0;
    }

    public SkbSharedInfo shinfo() {
        SkbSharedInfo info = shinfo;
        if (info == null) {
            throw new IllegalStateException("packet is free");
        }
        return info;
    }

    @Nullable
    SkbSharedInfo shinfoOrNull() {
        return shinfo;
    }

    /** Sets headroom aside in an empty packet. */
    public void reserve(int n) {
        if (n < 0 ? data + n < 0 : tail + n > end) {
            throw over("reserve", n);
        }
        data += n;
        tail += n;
    }

    /** Appends {@code n} bytes to the linear part; returns the offset of the first. */
    public int put(int n) {
        int old = tail;
        if (n < 0 || n > end - old || dataLen != 0) {
            throw over("put", n);
        }
        tail = old + n;
        len += n;
        return old;
    }

    /** Puts {@code n} bytes in front; returns the new data offset. */
    public int push(int n) {
        if (n < 0 || n > data) {
            throw over("push", n);
        }
        len += n;
        return data -= n;
    }

    /** Takes {@code n} bytes off the front, which must be linear ({@link #mayPull}); returns the new data offset. */
    public int pull(int n) {
        if (n < 0 || n > len - dataLen) {
            throw over("pull", n);
        }
        len -= n;
        return data += n;
    }

    /** Cuts a linear packet to {@code newLen}; does nothing if it is shorter. */
    public void trim(int newLen) {
        if (newLen >= len) {
            return;
        }
        if (newLen < 0 || dataLen != 0) {
            throw over("trim", newLen);
        }
        len = newLen;
        tail = data + newLen;
    }

    private IllegalStateException over(String what, int n) {
        return new IllegalStateException(what + "(" + n + ") leaves the packet: " + this);
    }

    // ================================================================ headers

    public void resetMacHeader() {
        macHeader = data;
    }

    public void setMacHeader(int offFromData) {
        macHeader = data + offFromData;
    }

    public void resetNetworkHeader() {
        networkHeader = data;
    }

    public void setNetworkHeader(int offFromData) {
        networkHeader = data + offFromData;
    }

    public void resetTransportHeader() {
        transportHeader = data;
    }

    public void setTransportHeader(int offFromData) {
        transportHeader = data + offFromData;
    }

    public void resetMacLen() {
        macLen = networkHeader - macHeader;
    }

    public void resetInnerHeaders() {
        innerMacHeader = macHeader;
        innerNetworkHeader = networkHeader;
        innerTransportHeader = transportHeader;
    }

    public void setInnerNetworkHeader(int offFromData) {
        innerNetworkHeader = data + offFromData;
    }

    public void setInnerTransportHeader(int offFromData) {
        innerTransportHeader = data + offFromData;
    }

    public boolean macHeaderWasSet() {
        return macHeader >= 0;
    }

    public boolean transportHeaderWasSet() {
        return transportHeader >= 0;
    }

    public long macAddress() {
        return headAddress + macHeader;
    }

    public long networkAddress() {
        return headAddress + networkHeader;
    }

    public long transportAddress() {
        return headAddress + transportHeader;
    }

    public long innerNetworkAddress() {
        return headAddress + innerNetworkHeader;
    }

    public long innerTransportAddress() {
        return headAddress + innerTransportHeader;
    }

    /** Network header's place relative to data; negative once it was pulled. */
    public int networkOffset() {
        return networkHeader - data;
    }

    public int transportOffset() {
        return transportHeader - data;
    }

    public int innerNetworkOffset() {
        return innerNetworkHeader - data;
    }

    public int innerTransportOffset() {
        return innerTransportHeader - data;
    }

    public int macOffset() {
        return macHeader - data;
    }

    public int networkHeaderLen() {
        return transportHeader - networkHeader;
    }

    /** Place where the checksum of {@link #CHECKSUM_PARTIAL} begins, relative to data. */
    public int checksumStartOffset() {
        return csumStart - data;
    }

    /** The bytes moved by {@code delta} within the page: so do all header offsets. */
    void shiftHeaders(int delta) {
        macHeader = shifted(macHeader, delta);
        networkHeader = shifted(networkHeader, delta);
        transportHeader = shifted(transportHeader, delta);
        innerMacHeader = shifted(innerMacHeader, delta);
        innerNetworkHeader = shifted(innerNetworkHeader, delta);
        innerTransportHeader = shifted(innerTransportHeader, delta);
        if (ipSummed == CHECKSUM_PARTIAL) {
            csumStart += delta;
        }
    }

    private static int shifted(int offset, int delta) {
        return offset < 0 ? -1 : Math.max(offset + delta, -1);
    }

    // ================================================================ sharing

    /**
     * A second head on the same data; null if no head can be had. The owner does not pass on.
     *
     * <p>Linux: skb_clone(), net/core/skbuff.c
     */
    public @Nullable SkBuff clone(SkbCache c) {
        SkBuff n = c.allocHead();
        SkbSharedInfo info = shinfo();
        n.inheritFrom(this);
        n.adopt(info);
        n.data = data;
        n.tail = tail;
        n.len = len;
        n.dataLen = dataLen;
        n.truesize = truesize;
        n.hdrLen = nohdr ? data : hdrLen;
        info.ref(!cloned);
        cloned = true;
        n.cloned = true;
        fclone = n;
        fcloneGeneration = n.generation;
        return n;
    }

    /** Whether the last clone made of this is still charged to {@code owner}: it has not left the host yet. */
    public boolean fcloneBusy(SkbOwner owner) {
        SkBuff twin = fclone;
        return twin != null && twin.generation == fcloneGeneration && twin.sk == owner;
    }

    /** A private, linear copy with {@code extraHead} more headroom than this has; null without memory. */
    public @Nullable SkBuff copy(SkbCache c, int extraHead) {
        return SkbCopy.copy(this, c, headroom() + extraHead, 0);
    }

    /** A private, linear copy with so much headroom and tailroom. Linux: skb_copy_expand(). */
    public @Nullable SkBuff copyExpand(SkbCache c, int headroom, int tailroom) {
        return SkbCopy.copy(this, c, headroom, tailroom);
    }

    /** A private linear part with {@code headroom}, the fragments shared; null without memory. */
    public @Nullable SkBuff pskbCopy(SkbCache c, int headroom) {
        return SkbCopy.pskbCopy(this, c, headroom);
    }

    /** Gives the linear part a page of its own with more room on both sides; 0 or -ENOMEM. Addresses change. */
    public int expandHead(SkbCache c, int nhead, int ntail) {
        return SkbCopy.expandHead(this, c, nhead, ntail);
    }

    /**
     * Makes the header writable with at least {@code headroom} in front; 0 or -ENOMEM.
     *
     * <p>Linux: skb_cow_head(), include/linux/skbuff.h
     */
    public int cowHead(SkbCache c, int headroom) {
        return cow(c, headroom, headerCloned());
    }

    /** Makes the whole linear part writable with at least {@code headroom} in front; 0 or -ENOMEM. */
    public int cow(SkbCache c, int headroom) {
        return cow(c, headroom, isClonedData());
    }

    private int cow(SkbCache c, int headroom, boolean shared) {
        int missing = Math.max(headroom - headroom(), 0);
        return missing > 0 || shared ? SkbCopy.expandHead(this, c, (missing + 63) & ~63, 0) : 0;
    }

    /** Makes the first {@code writeLen} bytes linear and writable; 0 or -ENOMEM. Linux: skb_ensure_writable(). */
    public int ensureWritable(SkbCache c, int writeLen) {
        if (!mayPull(c, writeLen)) {
            return -Errno.ENOMEM;
        }
        return isClonedData() && !cloneWritable(writeLen) ? SkbCopy.expandHead(this, c, 0, 0) : 0;
    }

    /** Whether a clone may write its first {@code n} bytes since only the header holder sees them. */
    public boolean cloneWritable(int n) {
        return !headerCloned() && headroom() + n <= hdrLen;
    }

    /** Makes the data private if clones share it; 0 or -ENOMEM. Linux: skb_unclone(). */
    public int unclone(SkbCache c) {
        return isClonedData() ? SkbCopy.expandHead(this, c, 0, 0) : 0;
    }

    /** As {@link #unclone} for a packet whose truesize is already charged: it stays. */
    public int uncloneKeepTruesize(SkbCache c) {
        if (!isClonedData()) {
            return 0;
        }
        int charged = truesize;
        int err = SkbCopy.expandHead(this, c, 0, 0);
        truesize = charged;
        return err;
    }

    /** Makes all bytes linear; 0 or -ENOMEM. */
    public int linearize(SkbCache c) {
        return dataLen == 0 ? 0 : SkbPull.pullTail(this, c, dataLen) ? 0 : -Errno.ENOMEM;
    }

    /** Whether another head may read what lies in front of the payload. */
    public boolean headerCloned() {
        if (!cloned) {
            return false;
        }
        int refs = shinfo().dataref();
        return (refs & SkbSharedInfo.DATAREF_MASK) - (refs >>> SkbSharedInfo.DATAREF_SHIFT) != 1;
    }

    /** Whether another head shares the data now. Linux: skb_cloned(). */
    public boolean isClonedData() {
        return cloned && (shinfo().dataref() & SkbSharedInfo.DATAREF_MASK) != 1;
    }

    /**
     * Promises that this head will only ever look at the payload, so that a clone may push headers in place. The data
     * must not be shared yet.
     *
     * <p>Linux: __skb_header_release(), include/linux/skbuff.h
     */
    public void releaseHeader() {
        nohdr = true;
        shinfo().setDataref(1 + (1 << SkbSharedInfo.DATAREF_SHIFT));
    }

    /** What this head's release takes off dataref. */
    int dataBias() {
        return !cloned ? shinfo().dataref : nohdr ? (1 << SkbSharedInfo.DATAREF_SHIFT) + 1 : 1;
    }

    /** One more user of this very head. */
    public SkBuff get() {
        USERS.getAndAdd(this, 1);
        return this;
    }

    int users() {
        return (int) USERS.getAcquire(this);
    }

    /** Whether somebody else uses this very head. */
    public boolean shared() {
        return (int) USERS.getAcquire(this) != 1;
    }

    /** A head of one's own: this, or a clone if it is {@link #shared}, whose reference is then dropped. */
    public @Nullable SkBuff shareCheck(SkbCache c) {
        if (!shared()) {
            return this;
        }
        SkBuff n = clone(c);
        if (n != null) {
            consume(c);
        } else {
            kfree(c, SkbDropReason.NOMEM);
        }
        return n;
    }

    // ================================================================ owner and life

    /** Gives up the owner now: its accounting is undone though the packet lives on. */
    public void orphan() {
        SkbDestructor d = destructor;
        if (d != null) {
            destructor = null;
            d.destruct(this);
        }
        sk = null;
    }

    /** Charges the packet to {@code owner}, after letting go of the one before. */
    public void setOwner(SkbOwner owner, @Nullable SkbDestructor d) {
        orphan();
        sk = owner;
        destructor = d;
    }

    /** Frees a dropped packet and counts why. */
    public void kfree(SkbCache c, SkbDropReason reason) {
        if (unrefUser()) {
            c.countFree(this, reason);
            freeReason = reason;
            release(c);
        }
    }

    /** Frees a packet that did its work. */
    public void consume(SkbCache c) {
        if (unrefUser()) {
            c.countFree(this, SkbDropReason.CONSUMED);
            freeReason = SkbDropReason.CONSUMED;
            release(c);
        }
    }

    /**
     * Frees from process context, where no CPU is held: the owner is told now, the data goes home by the remote-free
     * stack and is counted there.
     *
     * <p>Linux: skb_attempt_defer_free(), net/core/skbuff.c
     */
    public void freeDeferred(SkbDropReason reason) {
        if (unrefUser()) {
            freeReason = reason;
            countAtHome = true;
            detach();
            home.pushRemote(this);
        }
    }

    private boolean unrefUser() {
        int seen = (int) USERS.getAcquire(this);
        if (seen == 1) {
            users = 0;
            return true;
        }
        if (seen <= 0) {
            throw new IllegalStateException("packet is already free");
        }
        return (int) USERS.getAndAdd(this, -1) == 1;
    }

    private void release(SkbCache c) {
        if (c == home) {
            detachOwner();
            releaseData(c);
            c.freeHeadLocal(this);
        } else {
            detach();
            home.pushRemote(this);
        }
    }

    private void detachOwner() {
        assert list == null : "freed while queued";
        orphan();
        generation++;
        dev = null;
        dst = null;
        nfct = null;
        cbo0 = null;
        fclone = null;
        next = null;
        prev = null;
    }

    /** Lets go of all that must not wait until home collects: the owner, clones' data, a zero-copy completion. */
    private void detach() {
        detachOwner();
        SkbSharedInfo info = shinfo;
        if (info == null) {
            return;
        }
        if (cloned) {
            if (!info.unref(dataBias())) {
                shinfo = null;
                return;
            }
            cloned = false;
        }
        zcopyClear(true);
    }

    /** At home, from the remote-free stack. */
    void freeAtHome(SkbCache c) {
        if (countAtHome) {
            countAtHome = false;
            c.countFree(this, freeReason);
        }
        releaseData(c);
        c.freeHeadLocal(this);
    }

    private void releaseData(SkbCache c) {
        SkbSharedInfo info = shinfo;
        if (info == null) {
            return;
        }
        if (cloned && !info.unref(dataBias())) {
            shinfo = null;
            return;
        }
        zcopyClear(c, true);
        shinfo = null;
        freeInfo(c, info, freeReason);
    }

    /** Lets go of this head's share of {@code info} after it has been given another; used by the copying functions. */
    void dropOldInfo(SkbCache c, SkbSharedInfo info) {
        if (!cloned || info.unref(dataBiasOf(nohdr))) {
            UbufInfo ubuf = info.ubuf;
            if (ubuf != null) {
                info.ubuf = null;
                ubuf.put(c, this, true);
            }
            freeInfo(c, info, SkbDropReason.CONSUMED);
        }
    }

    private static int dataBiasOf(boolean nohdr) {
        return nohdr ? (1 << SkbSharedInfo.DATAREF_SHIFT) + 1 : 1;
    }

    private static void freeInfo(SkbCache c, SkbSharedInfo info, SkbDropReason reason) {
        for (int i = 0, n = info.nrFrags; i < n; i++) {
            info.fragPage(i).put(c);
            info.frag[i] = null;
        }
        info.nrFrags = 0;
        SkBuff s = info.fragList;
        if (s != null) {
            info.fragList = null;
            freeList(c, s, reason);
        }
        if (info.home == c) {
            c.freeInfoLocal(info);
        } else {
            info.home.pushRemote(info);
        }
    }

    /** Frees a chain linked by {@code next}. Linux: kfree_skb_list_reason(). */
    public static void freeList(SkbCache c, @Nullable SkBuff first, SkbDropReason reason) {
        SkBuff s = first;
        while (s != null) {
            SkBuff after = s.next; // a member that is shared stays linked for its other user
            s.kfree(c, reason);
            s = after;
        }
    }

    // ================================================================ fragments and zero copy

    /** Appends bytes of a page; takes over the caller's reference. The limit of 17 is the caller's to mind. */
    public void addFrag(Page p, int off, int fragLen, int fragTruesize) {
        SkbSharedInfo info = shinfo();
        int i = info.nrFrags;
        if (i >= MAX_SKB_FRAGS || fragLen < 0 || off < 0 || fragLen > p.size - off) {
            throw over("addFrag", fragLen);
        }
        info.setFrag(i, p, off, fragLen);
        info.nrFrags = i + 1;
        len += fragLen;
        dataLen += fragLen;
        truesize += fragTruesize;
    }

    /** Whether bytes at {@code off} of {@code p} would continue the last fragment. */
    public boolean canCoalesce(Page p, int off) {
        SkbSharedInfo info = shinfo();
        int last = info.nrFrags - 1;
        return last >= 0
                && info.ubuf == null
                && info.frag[last] == p
                && info.fragOff[last] + info.fragSize[last] == off;
    }

    /** Lengthens the last fragment by bytes that {@link #canCoalesce} allowed. No reference changes hands. */
    public void coalesceFrag(int n, int moreTruesize) {
        SkbSharedInfo info = shinfo();
        info.fragSize[info.nrFrags - 1] += n;
        len += n;
        dataLen += n;
        truesize += moreTruesize;
    }

    public boolean hasFragList() {
        return shinfo().fragList != null;
    }

    public @Nullable UbufInfo zcopy() {
        return shinfo().ubuf;
    }

    /** Marks the packet's fragments as a program's memory, completed by {@code ubuf}, which gets a reference. */
    public void zcopySet(UbufInfo ubuf) {
        SkbSharedInfo info = shinfo();
        if (info.ubuf == null) {
            ubuf.get();
            info.ubuf = ubuf;
            info.flags |= SkbSharedInfo.SKBFL_ZEROCOPY_FRAG | SkbSharedInfo.SKBFL_DONT_ORPHAN;
        }
    }

    /** Drops the packet's reference on its completion. */
    public void zcopyClear(boolean success) {
        zcopyClear(null, success);
    }

    void zcopyClear(@Nullable SkbCache here, boolean success) {
        SkbSharedInfo info = shinfo();
        UbufInfo ubuf = info.ubuf;
        if (ubuf != null) {
            info.ubuf = null;
            info.flags &= ~SkbSharedInfo.SKBFL_ALL_ZEROCOPY;
            ubuf.put(here, this, success);
        }
    }

    /**
     * Copies a program's pages before they outlive its send, as when a packet loops back to a socket; 0 or -ENOMEM.
     *
     * <p>Linux: skb_orphan_frags_rx(), skb_copy_ubufs(), net/core/skbuff.c
     */
    public int orphanFragsRx(SkbCache c) {
        return shinfo().ubuf == null ? 0 : SkbCopy.copyUbufs(this, c);
    }

    // ================================================================ bytes

    /** Makes the first {@code n} bytes linear; false if the packet is shorter or there is no memory. */
    public boolean mayPull(SkbCache c, int n) {
        int linear = len - dataLen;
        if (n <= linear) {
            return true;
        }
        return n <= len && SkbPull.pullTail(this, c, n - linear);
    }

    /** Cuts the packet to {@code newLen}, fragments and all; 0 or -ENOMEM. */
    public int pskbTrim(SkbCache c, int newLen) {
        return newLen < len ? SkbPull.trim(this, c, newLen) : 0;
    }

    /** {@link #pskbTrim} that keeps {@link #csum} true. */
    public int pskbTrimRcsum(SkbCache c, int newLen) {
        if (newLen >= len) {
            return 0;
        }
        SkbCsum.beforeTrim(this, newLen);
        return SkbPull.trim(this, c, newLen);
    }

    /** Copies bytes out of the packet to an address; 0 or -EFAULT if they are not all there. */
    public int copyBits(int off, long dst, int n) {
        return SkbData.copyBits(this, off, dst, n);
    }

    /** Copies bytes from an address into the packet; 0 or -EFAULT. */
    public int storeBits(int off, long src, int n) {
        return SkbData.storeBits(this, off, src, n);
    }

    /** Copies bytes to a program; 0 or -EFAULT, and then {@code to} stands where it stood. */
    public int copyDatagram(int off, UserBuf to, int n) {
        return SkbData.copyDatagram(this, off, to, n);
    }

    /** Copies bytes in from a program, all within this packet's length already; 0 or -EFAULT. */
    public int copyDatagramFrom(int off, UserBuf from, int n) {
        return SkbData.copyDatagramFrom(this, off, from, n);
    }

    /** Internet checksum over a range, added to {@code seed}; see {@link Checksum}. */
    public int checksum(int off, int n, int seed) {
        return SkbData.checksum(this, off, n, seed);
    }

    /** Copies bytes out to an address and returns their checksum added to {@code seed}. */
    public int copyAndChecksum(int off, long dst, int n, int seed) {
        return SkbData.copyAndChecksum(this, off, dst, n, seed);
    }

    /** Copies to a program while summing: 0, or -EFAULT, or -EINVAL if the checksum of the rest proves bad. */
    public int copyAndChecksumDatagram(int off, UserBuf to) {
        return SkbCsum.copyAndChecksumDatagram(this, off, to);
    }

    // ---- checksum state

    /** No sum is needed: the device vouches for it or this host made it. */
    public boolean csumUnnecessary() {
        return ipSummed == CHECKSUM_UNNECESSARY
                || csumValid
                || (ipSummed == CHECKSUM_PARTIAL && checksumStartOffset() >= 0);
    }

    /** {@link #csumUnnecessary} for the next of several nested checksums; uses up one level. */
    public void decrChecksumUnnecessary() {
        if (ipSummed == CHECKSUM_UNNECESSARY) {
            if (csumLevel == 0) {
                ipSummed = CHECKSUM_NONE;
            } else {
                csumLevel--;
            }
        }
    }

    public void incrChecksumUnnecessary() {
        if (ipSummed == CHECKSUM_UNNECESSARY) {
            if (csumLevel < 3) {
                csumLevel++;
            }
        } else if (ipSummed == CHECKSUM_NONE) {
            ipSummed = CHECKSUM_UNNECESSARY;
            csumLevel = 0;
        }
    }

    /**
     * Starts the check of a protocol's checksum: done at once if the device helped or the packet is short, else left
     * to {@link #checksumComplete}. {@code pseudo} is the pseudo header's partial sum. 0 means good or not yet known.
     *
     * <p>Linux: __skb_checksum_validate_complete(), include/linux/skbuff.h
     */
    public int checksumInit(int pseudo) {
        return SkbCsum.validate(this, pseudo, false);
    }

    /** As {@link #checksumInit} but always decides; 0 means good. */
    public int checksumValidate(int pseudo) {
        return SkbCsum.validate(this, pseudo, true);
    }

    /** Sums the whole packet onto {@link #csum}; 0 means good. Linux: __skb_checksum_complete(). */
    public int checksumComplete() {
        return csumUnnecessary() ? 0 : SkbCsum.complete(this, len);
    }

    /** As {@link #checksumComplete} over the first {@code n} bytes. */
    public int checksumCompleteHead(int n) {
        return SkbCsum.complete(this, n);
    }

    /** Takes {@code n} pulled bytes at {@code address} off {@link #csum}. */
    public void postpullRcsum(long address, int n) {
        SkbCsum.postpull(this, address, n);
    }

    /** Adds {@code n} pushed bytes at {@code address} to {@link #csum}. */
    public void postpushRcsum(long address, int n) {
        if (ipSummed == CHECKSUM_COMPLETE) {
            csum = Checksum.partial(address, n, csum);
        }
    }

    /** {@link #pull} that keeps {@link #csum} true. */
    public int pullRcsum(int n) {
        long from = dataAddress();
        int at = pull(n);
        SkbCsum.postpull(this, from, n);
        return at;
    }

    // ---- cutting and joining

    /**
     * Cuts off everything from {@code at} on into a new packet with {@code headroom}; null without memory. The data
     * must not be shared.
     */
    public @Nullable SkBuff split(SkbCache c, int at, int headroom) {
        return SkbSplit.split(this, c, at, headroom);
    }

    /** Moves everything from {@code at} on to {@code skb1}, which is empty and has room. Linux: skb_split(). */
    public void splitTo(SkBuff skb1, int at) {
        SkbSplit.splitTo(this, skb1, at);
    }

    /**
     * Moves the first {@code n} bytes of {@code skb}'s fragments to the end of {@code tgt}; returns how many moved,
     * which is all or 0.
     *
     * <p>Linux: skb_shift(), net/core/skbuff.c
     */
    public static int shift(SkbCache c, SkBuff tgt, SkBuff skb, int n) {
        return SkbSplit.shift(c, tgt, skb, n);
    }

    /**
     * Joins {@code from}'s bytes to this packet's end. If true the caller charges {@link #coalesceDelta} and consumes
     * {@code from}, which is empty then.
     *
     * <p>Linux: skb_try_coalesce(), net/core/skbuff.c
     */
    public boolean tryCoalesce(SkBuff from) {
        return SkbSplit.tryCoalesce(this, from);
    }

    // ---- segmentation

    public boolean isGso() {
        return shinfo().gsoSize != 0;
    }

    public boolean isGsoTcp() {
        return (shinfo().gsoType & (SkbSharedInfo.SKB_GSO_TCPV4 | SkbSharedInfo.SKB_GSO_TCPV6)) != 0;
    }

    public void gsoReset() {
        SkbSharedInfo info = shinfo();
        info.gsoSize = 0;
        info.gsoSegs = 0;
        info.gsoType = 0;
    }

    // ---- hash

    public void clearHash() {
        hash = 0;
        l4Hash = false;
        swHash = false;
    }

    public void setHash(int value, boolean layer4, boolean software) {
        hash = value;
        l4Hash = layer4;
        swHash = software;
    }

    @Override
    public String toString() {
        return "skb{len=" + len + " dataLen=" + dataLen + " data=" + data + " tail=" + tail + " end=" + end + " users="
                + users + (cloned ? " cloned" : "") + " truesize=" + truesize + "}";
    }
}
