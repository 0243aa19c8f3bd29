package net.skbuff;

import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * Private bytes out of shared ones: copies, and new room around the linear part.
 *
 * <p>Linux: skb_copy_expand(), __pskb_copy_fclone(), pskb_expand_head(), skb_copy_ubufs(), net/core/skbuff.c
 */
@HotPath
final class SkbCopy {
    private SkbCopy() {}

    /** One linear part with all bytes; what lies in the headroom (outer headers) comes along as far as it fits. */
    static @Nullable SkBuff copy(SkBuff skb, SkbCache c, int headroom, int tailroom) {
        SkBuff n = c.allocSkb(headroom + skb.len + tailroom);
        if (n == null) {
            return null;
        }
        inherit(n, skb);
        n.data = headroom;
        n.tail = headroom;
        n.put(skb.len);
        skb.copyBits(0, n.dataAddress(), skb.len);
        copyHeadroom(n, skb);
        n.shiftHeaders(headroom - skb.headroom());
        copyGso(n.shinfo(), skb.shinfo());
        return n;
    }

    static @Nullable SkBuff pskbCopy(SkBuff skb, SkbCache c, int headroom) {
        int linear = skb.headlen();
        SkbSharedInfo info = skb.shinfo();
        if (info.ubuf != null && (info.flags & SkbSharedInfo.SKBFL_DONT_ORPHAN) == 0 && copyUbufs(skb, c) != 0) {
            return null;
        }
        SkBuff n = c.allocSkb(headroom + linear);
        if (n == null) {
            return null;
        }
        inherit(n, skb);
        n.data = headroom;
        n.tail = headroom;
        n.put(linear);
        UnsafeApi.copyMemory(skb.dataAddress(), n.dataAddress(), linear);
        copyHeadroom(n, skb);
        n.shiftHeaders(headroom - skb.headroom());
        n.len = skb.len;
        n.dataLen = skb.dataLen;
        n.truesize += skb.dataLen;
        shareFrags(n, n.shinfo(), info);
        copyGso(n.shinfo(), info);
        return n;
    }

    /** After {@link SkbCache#allocSkb}: all inherited fields, keeping the fresh geometry. */
    private static void inherit(SkBuff n, SkBuff old) {
        int size = n.truesize;
        n.inheritFrom(old);
        n.truesize = size;
    }

    private static void copyHeadroom(SkBuff n, SkBuff skb) {
        int kept = Math.min(skb.headroom(), n.headroom());
        if (kept > 0) {
            UnsafeApi.copyMemory(skb.dataAddress() - kept, n.dataAddress() - kept, kept);
        }
    }

    static void copyGso(SkbSharedInfo n, SkbSharedInfo old) {
        n.gsoSize = old.gsoSize;
        n.gsoSegs = old.gsoSegs;
        n.gsoType = old.gsoType;
    }

    private static void shareFrags(SkBuff owner, SkbSharedInfo n, SkbSharedInfo old) {
        for (int i = 0; i < old.nrFrags; i++) {
            Page page = old.fragPage(i);
            page.get();
            n.setFrag(i, page, old.fragOff[i], old.fragSize[i]);
        }
        n.nrFrags = old.nrFrags;
        n.fragList = old.fragList;
        for (SkBuff s = old.fragList; s != null; s = s.next) {
            s.get();
        }
        UbufInfo ubuf = old.ubuf;
        if (ubuf != null) {
            owner.zcopySet(ubuf);
        }
        n.flags |= old.flags;
    }

    static int expandHead(SkBuff skb, SkbCache c, int nhead, int ntail) {
        if (nhead < 0 || skb.headroom() + nhead < 0 || skb.shared()) {
            throw new IllegalStateException("expandHead(" + nhead + ", " + ntail + ") of " + skb);
        }
        SkbSharedInfo old = skb.shinfo();
        int oldEnd = skb.end;
        long oldHead = skb.head();
        int size = oldEnd + nhead + ntail;
        if (size > SkbMemory.MAX_LINEAR) { // give the spare tailroom of the old page up before giving up
            size = Math.max(skb.tail + nhead + ntail, 0);
        }
        SkbSharedInfo fresh = c.allocInfo(size);
        if (fresh == null) {
            return -Errno.ENOMEM;
        }
        Page page = fresh.linearPage();
        UnsafeApi.copyMemory(oldHead, page.address + nhead, skb.tail);
        if (skb.isClonedData()) {
            shareAll(fresh, old);
            skb.adopt(fresh);
            SkbFree.dropOldInfo(skb, c, old);
        } else { // alone: the old info and fragments stay, the pages of the two infos change places
            fresh.linear = old.linear;
            old.linear = page;
            old.setDataref(1);
            skb.adopt(old);
            freeSpare(c, fresh);
        }
        skb.cloned = false;
        skb.nohdr = false;
        skb.hdrLen = 0;
        skb.data += nhead;
        skb.tail += nhead;
        skb.shiftHeaders(nhead);
        if (skb.sk == null) {
            skb.truesize += skb.end - oldEnd;
        }
        return 0;
    }

    private static void freeSpare(SkbCache c, SkbSharedInfo spare) {
        if (spare.home == c) {
            c.freeInfoLocal(spare);
        } else {
            spare.home.pushRemote(spare);
        }
    }

    private static void shareAll(SkbSharedInfo n, SkbSharedInfo old) {
        copyGso(n, old);
        n.txFlags = old.txFlags;
        n.tskey = old.tskey;
        n.metaLen = old.metaLen;
        n.hwtstampNs = old.hwtstampNs;
        for (int i = 0; i < old.nrFrags; i++) {
            Page page = old.fragPage(i);
            page.get();
            n.setFrag(i, page, old.fragOff[i], old.fragSize[i]);
        }
        n.nrFrags = old.nrFrags;
        n.fragList = old.fragList;
        for (SkBuff s = old.fragList; s != null; s = s.next) {
            s.get();
        }
        n.flags = old.flags;
        UbufInfo ubuf = old.ubuf;
        if (ubuf != null) {
            ubuf.get();
            n.ubuf = ubuf;
        }
    }

    /** Replaces a program's pages by copies and tells it that its memory is free, though not without a copy. */
    static int copyUbufs(SkBuff skb, SkbCache c) {
        if (skb.shared() || skb.unclone(c) != 0) {
            return -Errno.ENOMEM;
        }
        SkbSharedInfo info = skb.shinfo();
        for (int i = 0; i < info.nrFrags; i++) {
            Page pinned = info.fragPage(i);
            if (!pinned.isPinnedUser()) {
                continue;
            }
            int size = info.fragSize[i];
            if (size > SkbMemory.MAX_PAGE) {
                return -Errno.ENOMEM;
            }
            Page copy = c.allocPage(size);
            if (copy == null) {
                return -Errno.ENOMEM;
            }
            UnsafeApi.copyMemory(pinned.address + info.fragOff[i], copy.address, size);
            info.setFrag(i, copy, 0, size);
            pinned.put(c);
        }
        skb.zcopyClear(c, false);
        return 0;
    }
}
