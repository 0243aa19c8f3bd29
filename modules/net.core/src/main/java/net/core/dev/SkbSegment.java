package net.core.dev;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbSharedInfo;
import net.skbuff.UbufInfo;
import org.jspecify.annotations.Nullable;

/**
 * Splits a large packet into segments of {@code gsoSize} payload bytes, each with a copy of the headers. Payload in pages
 * is shared, not copied, when the device gathers; else it is copied and, when the device does not sum, summed on the way.
 *
 * <p>The payload may lie in the linear part, in fragments and in a fragment list, cut anywhere: a segment takes whatever
 * pieces its range covers. {@code Deviation:} Linux walks head, fragments and list with four cursors at once; here one
 * cursor sees a flat sequence of pieces.
 *
 * <p>Context: transmit, CPU word held.
 *
 * <p>Linux: skb_segment(), net/core/skbuff.c
 */
public final class SkbSegment {
    private SkbSegment() {}

    /**
     * Splits {@code head}, whose data is at the payload: all headers from the link header on are repeated in front of
     * each segment. The protocol fixes them up afterwards.
     *
     * <p>With a device that does not sum, each segment's {@link SkbGsoCb#csum} is the payload's partial sum and
     * {@link SkbGsoCb#csumStart} the payload's offset.
     *
     * @return the segments linked by next, or null without memory; {@code head} is as it was
     */
    @HotPath
    public static @Nullable SkBuff skbSegment(Cpu cpu, SkBuff head, long features) {
        int mss = head.shinfo().gsoSize;
        int doffset = head.data - head.macHeader;
        head.push(doffset);
        int total = head.len;
        int headroom = Math.max(head.headroom(), 64);
        boolean hwCsum = NetdevFeatures.canChecksumProtocol(features, head.protocol);
        boolean sg = hwCsum && (features & NetdevFeatures.NETIF_F_SG) != 0;
        SkBuff first = null;
        SkBuff last = null;
        Cursor at = cpu.sd.gsoCursor;
        at.start(head);
        int offset = doffset;
        do {
            int len = Math.min(mss, total - offset);
            SkBuff nskb = sg ? gathered(cpu, head, at, headroom, doffset, offset, len) : null;
            if (nskb == null) {
                nskb = copied(cpu, head, headroom, doffset, offset, len, hwCsum);
            }
            if (nskb == null) {
                SkBuff.freeList(cpu, first, SkbDropReason.NOMEM);
                first = null;
                break;
            }
            if (last == null) {
                first = nskb;
            } else {
                last.next = nskb;
            }
            last = nskb;
            offset += len;
        } while (offset < total);
        at.clear();
        head.pull(doffset);
        return first;
    }

    private static @Nullable SkBuff newSegment(Cpu cpu, SkBuff head, int headroom, int doffset, int linear) {
        SkBuff nskb = cpu.allocSkb(headroom + doffset + linear);
        if (nskb == null) {
            return null;
        }
        int truesize = nskb.truesize;
        nskb.inheritFrom(head);
        nskb.truesize = truesize;
        nskb.reserve(headroom);
        nskb.put(doffset);
        head.copyBits(0, nskb.dataAddress(), doffset);
        int delta = nskb.data - head.data;
        nskb.macHeader = head.macHeader + delta;
        nskb.networkHeader = head.networkHeader + delta;
        nskb.transportHeader = head.transportHeader + delta;
        if (head.innerNetworkHeader >= 0) {
            nskb.innerNetworkHeader = head.innerNetworkHeader + delta;
        }
        if (head.innerTransportHeader >= 0) {
            nskb.innerTransportHeader = head.innerTransportHeader + delta;
        }
        nskb.csumStart = head.csumStart + delta;
        return nskb;
    }

    /** Payload copied into the linear part, summed if the device does not. */
    private static @Nullable SkBuff copied(
            Cpu cpu, SkBuff head, int headroom, int doffset, int offset, int len, boolean hwCsum) {
        SkBuff nskb = newSegment(cpu, head, headroom, doffset, len);
        if (nskb == null) {
            return null;
        }
        int tail = nskb.put(len);
        if (hwCsum) {
            head.copyBits(offset, nskb.head() + tail, len);
        } else {
            SkbGsoCb.setCsum(nskb, head.copyAndChecksum(offset, nskb.head() + tail, len, 0));
            SkbGsoCb.setCsumStart(nskb, tail);
            nskb.ipSummed = SkBuff.CHECKSUM_NONE;
        }
        return nskb;
    }

    /** Payload shared as fragments; null if it lies in too many pieces or memory is short: copy then. */
    private static @Nullable SkBuff gathered(
            Cpu cpu, SkBuff head, Cursor at, int headroom, int doffset, int offset, int len) {
        at.seek(offset);
        int linear = at.linearBytes(len);
        SkBuff nskb = newSegment(cpu, head, headroom, doffset, linear);
        if (nskb == null) {
            return null;
        }
        if (linear > 0) {
            int tail = nskb.put(linear);
            head.copyBits(offset, nskb.head() + tail, linear);
            at.seek(offset + linear);
        }
        UbufInfo ubuf = head.zcopy();
        if (ubuf != null) {
            nskb.zcopySet(ubuf); // the program's memory is in use until the last segment has left
        }
        int left = len - linear;
        while (left > 0) {
            Page page = at.page();
            if (page == null || nskb.shinfo().nrFrags == SkbSharedInfo.MAX_SKB_FRAGS) {
                nskb.consume(cpu);
                return null;
            }
            int n = Math.min(left, at.pieceLeft());
            page.get();
            nskb.addFrag(page, at.pageOffset(), n, n);
            at.seek(at.position() + n);
            left -= n;
        }
        return nskb;
    }

    /** A position in a packet's bytes that knows which piece it is in; moves forward. One per CPU, reused. */
    static final class Cursor {
        private @Nullable SkBuff head;
        /** The packet the piece belongs to: the head or one of its fragment list. */
        private @Nullable SkBuff skb;
        /** Fragment index, -1 for the linear part. */
        private int frag;

        private int pieceStart;
        private int pieceEnd;
        private int pos;

        Cursor() {}

        void start(SkBuff h) {
            head = h;
            skb = h;
            frag = -1;
            pieceStart = 0;
            pieceEnd = h.headlen();
            pos = 0;
        }

        void clear() {
            head = null;
            skb = null;
        }

        void seek(int to) {
            pos = to;
            while (pos >= pieceEnd && nextPiece()) {}
        }

        private boolean nextPiece() {
            SkBuff s = skb;
            if (s == null) {
                return false;
            }
            SkbSharedInfo info = s.shinfo();
            if (frag + 1 < info.nrFrags) {
                frag++;
                pieceStart = pieceEnd;
                pieceEnd += info.fragSize[frag];
                return true;
            }
            SkBuff n = s == head ? info.fragList : s.next;
            if (n == null) {
                return false;
            }
            skb = n;
            frag = -1;
            pieceStart = pieceEnd;
            pieceEnd += n.headlen();
            return true;
        }

        int position() {
            return pos;
        }

        int pieceLeft() {
            return pieceEnd - pos;
        }

        /** How many of the next {@code len} bytes lie in a linear part. */
        int linearBytes(int len) {
            return frag < 0 ? Math.min(len, pieceEnd - pos) : 0;
        }

        @Nullable
        Page page() {
            SkBuff s = skb;
            return s == null || frag < 0 ? null : s.shinfo().frag[frag];
        }

        int pageOffset() {
            SkBuff s = skb;
            return s == null ? 0 : s.shinfo().fragOff[frag] + pos - pieceStart;
        }
    }
}
