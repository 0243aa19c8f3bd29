package net.skbuff;

import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * Cutting packets in two and joining them without copying payload.
 *
 * <p>Linux: skb_split(), skb_shift(), skb_try_coalesce(), net/core/skbuff.c
 */
@HotPath
final class SkbSplit {
    private SkbSplit() {}

    static @Nullable SkBuff split(SkBuff skb, SkbCache c, int at, int headroom) {
        SkBuff rest = c.allocSkb(headroom + Math.max(skb.headlen() - at, 0));
        if (rest == null) {
            return null;
        }
        rest.reserve(headroom);
        splitTo(skb, rest, at);
        return rest;
    }

    static void splitTo(SkBuff skb, SkBuff rest, int at) {
        if (at < 0 || at > skb.len || skb.isClonedData() || skb.hasFragList() || rest.dataLen != 0) {
            throw new IllegalStateException("split(" + at + ") of " + skb + " to " + rest);
        }
        SkbSharedInfo from = skb.shinfo();
        SkbSharedInfo to = rest.shinfo();
        UbufInfo ubuf = from.ubuf;
        if (ubuf != null) {
            rest.zcopySet(ubuf);
            to.flags |= from.flags;
        }
        int linear = skb.headlen();
        if (at < linear) {
            insideHeader(skb, rest, at, linear);
        } else {
            beyondHeader(skb, rest, at, linear);
        }
    }

    private static void insideHeader(SkBuff skb, SkBuff rest, int at, int linear) {
        SkbSharedInfo from = skb.shinfo();
        SkbSharedInfo to = rest.shinfo();
        int n = linear - at;
        int off = rest.put(n);
        UnsafeApi.copyMemory(skb.dataAddress() + at, rest.head() + off, n);
        for (int i = 0; i < from.nrFrags; i++) {
            to.setFrag(i, from.fragPage(i), from.fragOff[i], from.fragSize[i]);
            from.frag[i] = null;
        }
        to.nrFrags = from.nrFrags;
        from.nrFrags = 0;
        rest.dataLen = skb.dataLen;
        rest.len += rest.dataLen;
        skb.dataLen = 0;
        skb.len = at;
        skb.tail = skb.data + at;
    }

    private static void beyondHeader(SkBuff skb, SkBuff rest, int at, int linear) {
        SkbSharedInfo from = skb.shinfo();
        SkbSharedInfo to = rest.shinfo();
        int moved = skb.len - at;
        int pos = linear;
        int kept = 0;
        int k = 0;
        int count = from.nrFrags;
        for (int i = 0; i < count; i++) {
            int size = from.fragSize[i];
            if (pos + size <= at) {
                kept++;
            } else {
                Page page = from.fragPage(i);
                int off = from.fragOff[i];
                int head = Math.max(at - pos, 0);
                if (head > 0) { // the cut goes through this one
                    page.get();
                    from.fragSize[i] = head;
                    kept++;
                } else {
                    from.frag[i] = null;
                }
                to.setFrag(k++, page, off + head, size - head);
            }
            pos += size;
        }
        from.nrFrags = kept;
        to.nrFrags = k;
        skb.len = at;
        skb.dataLen = at - linear;
        rest.len += moved;
        rest.dataLen = moved;
    }

    /**
     * All or nothing of the first {@code n} bytes of {@code skb}: the two hold fragments only, and the last fragment
     * moved may be cut. A packet left empty is the caller's to free.
     */
    static int shift(SkbCache c, SkBuff tgt, SkBuff skb, int n) {
        if (n > skb.len) {
            throw new IllegalStateException("shift(" + n + ") of " + skb);
        }
        if (n <= 0
                || skb.headlen() != 0
                || skb.zcopy() != null
                || tgt.zcopy() != null
                || skb.hasFragList()
                || tgt.hasFragList()) {
            return 0;
        }
        if (!fits(tgt.shinfo(), skb.shinfo(), n)
                || tgt.uncloneKeepTruesize(c) != 0
                || skb.uncloneKeepTruesize(c) != 0) {
            return 0;
        }
        move(c, tgt.shinfo(), skb.shinfo(), n);
        skb.len -= n;
        skb.dataLen -= n;
        skb.truesize -= n;
        tgt.len += n;
        tgt.dataLen += n;
        tgt.truesize += n;
        skb.ipSummed = SkBuff.CHECKSUM_PARTIAL;
        tgt.ipSummed = SkBuff.CHECKSUM_PARTIAL;
        return n;
    }

    private static boolean continues(SkbSharedInfo to, SkbSharedInfo from) {
        int last = to.nrFrags - 1;
        return last >= 0
                && from.nrFrags > 0
                && to.frag[last] == from.frag[0]
                && to.fragOff[last] + to.fragSize[last] == from.fragOff[0];
    }

    private static boolean fits(SkbSharedInfo to, SkbSharedInfo from, int n) {
        int slots = to.nrFrags - (continues(to, from) ? 1 : 0);
        int left = n;
        int i = 0;
        while (left > 0 && i < from.nrFrags) {
            left -= from.fragSize[i++];
        }
        return left <= 0 && slots + i <= SkBuff.MAX_SKB_FRAGS;
    }

    private static void move(SkbCache c, SkbSharedInfo to, SkbSharedInfo from, int n) {
        int left = n;
        boolean merge = continues(to, from);
        int k = to.nrFrags;
        int i = 0;
        while (left > 0) {
            int size = from.fragSize[i];
            Page page = from.fragPage(i);
            int take = Math.min(size, left);
            if (merge) {
                to.fragSize[k - 1] += take;
            } else {
                to.setFrag(k++, page, from.fragOff[i], take);
            }
            if (take == size) {
                if (merge) {
                    page.put(c);
                }
                i++;
            } else {
                if (!merge) {
                    page.get();
                }
                from.fragOff[i] += take;
                from.fragSize[i] -= take;
            }
            merge = false;
            left -= take;
        }
        to.nrFrags = k;
        int rest = from.nrFrags - i;
        for (int j = 0; j < rest; j++) {
            from.setFrag(j, from.fragPage(i + j), from.fragOff[i + j], from.fragSize[i + j]);
        }
        for (int j = rest; j < from.nrFrags; j++) {
            from.frag[j] = null;
        }
        from.nrFrags = rest;
    }

    static boolean tryCoalesce(SkBuff to, SkBuff from) {
        to.coalesceDelta = 0;
        if (to.isClonedData() || to.shared()) {
            return false;
        }
        int n = from.len;
        if (n <= to.tailroom()) {
            if (n > 0) {
                int at = to.put(n);
                from.copyBits(0, to.head() + at, n);
            }
            return true;
        }
        SkbSharedInfo a = to.shinfo();
        SkbSharedInfo b = from.shinfo();
        if (a.fragList != null || b.fragList != null || a.ubuf != null || b.ubuf != null) {
            return false;
        }
        int linear = from.headlen();
        int delta;
        int k = a.nrFrags;
        if (linear != 0) {
            Page page = b.linear;
            if (k + b.nrFrags >= SkBuff.MAX_SKB_FRAGS || from.isClonedData() || page == null || b.headKept) {
                return false;
            }
            delta = from.truesize - SkBuff.HEAD_TRUESIZE;
            a.setFrag(k++, page, from.data, linear);
            b.linear = null; // the head is stolen
        } else {
            if (k + b.nrFrags > SkBuff.MAX_SKB_FRAGS) {
                return false;
            }
            delta = from.truesize - SkBuff.OVERHEAD_TRUESIZE - from.end;
        }
        boolean shared = from.isClonedData();
        for (int i = 0; i < b.nrFrags; i++) {
            Page page = b.fragPage(i);
            if (shared) {
                page.get();
            } else {
                b.frag[i] = null;
            }
            a.setFrag(k++, page, b.fragOff[i], b.fragSize[i]);
        }
        if (!shared) {
            b.nrFrags = 0;
        }
        a.nrFrags = k;
        to.truesize += delta;
        to.len += n;
        to.dataLen += n;
        to.coalesceDelta = delta;
        return true;
    }
}
