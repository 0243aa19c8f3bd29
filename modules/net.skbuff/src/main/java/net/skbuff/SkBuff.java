package net.skbuff;

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
public final class SkBuff extends SkbSharing {
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

    SkBuff(SkbCache home) {
        super(home);
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

    /** One more user of this very head. */
    public SkBuff get() {
        SkbFree.USERS.getAndAdd(this, 1);
        return this;
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
        if (SkbFree.unrefUser(this)) {
            c.countFree(this, reason);
            freeReason = reason;
            SkbFree.release(this, c);
        }
    }

    /** Frees a packet that did its work. */
    public void consume(SkbCache c) {
        if (SkbFree.unrefUser(this)) {
            c.countFree(this, SkbDropReason.CONSUMED);
            freeReason = SkbDropReason.CONSUMED;
            SkbFree.release(this, c);
        }
    }

    /**
     * Frees from process context, where no CPU is held: the owner is told now, the data goes home by the remote-free
     * stack and is counted there.
     *
     * <p>Linux: skb_attempt_defer_free(), net/core/skbuff.c
     */
    public void freeDeferred(SkbDropReason reason) {
        if (SkbFree.unrefUser(this)) {
            freeReason = reason;
            countAtHome = true;
            SkbFree.detach(this);
            home.pushRemote(this);
        }
    }

    /** Frees a chain linked by {@code next}. Linux: kfree_skb_list_reason(). */
    public static void freeList(SkbCache c, @Nullable SkBuff first, SkbDropReason reason) {
        SkbFree.list(c, first, reason);
    }

    // ================================================================ zero copy

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

    @Override
    public String toString() {
        return "skb{len=" + len + " dataLen=" + dataLen + " data=" + data + " tail=" + tail + " end=" + end + " users="
                + users + (cloned ? " cloned" : "") + " truesize=" + truesize + "}";
    }
}
