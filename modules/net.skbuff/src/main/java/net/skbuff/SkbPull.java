package net.skbuff;

import org.jspecify.annotations.Nullable;

/**
 * Moving the border between the linear part and what follows it, and cutting the end.
 *
 * <p>Linux: __pskb_pull_tail(), ___pskb_trim(), net/core/skbuff.c
 */
@HotPath
final class SkbPull {
    /** Tailroom asked for beyond need, so that the next pull finds room. */
    private static final int SPARE = 128;

    private SkbPull() {}

    /** Makes {@code delta} more bytes linear, in a page of one's own; false without memory. */
    static boolean pullTail(SkBuff skb, SkbCache c, int delta) {
        int missing = skb.tail + delta - skb.end;
        if (missing > 0 || skb.isClonedData()) {
            int room = missing <= 0 ? 0 : roomFor(skb, missing);
            if (room < 0 || SkbCopy.expandHead(skb, c, 0, room) != 0) {
                return false;
            }
        }
        if (skb.copyBits(skb.headlen(), skb.tailAddress(), delta) != 0) {
            return false;
        }
        SkbSharedInfo info = skb.shinfo();
        int inFrags = 0;
        for (int i = 0; i < info.nrFrags; i++) {
            inFrags += info.fragSize[i];
        }
        if (delta > inFrags && !eatFragList(info, c, delta - inFrags)) {
            return false;
        }
        eatFrags(info, c, Math.min(delta, inFrags));
        skb.tail += delta;
        skb.dataLen -= delta;
        if (skb.dataLen == 0) {
            skb.zcopyClear(false);
        }
        return true;
    }

    private static int roomFor(SkBuff skb, int missing) {
        int most = SkbMemory.MAX_LINEAR - skb.end;
        return missing + SPARE <= most ? missing + SPARE : missing <= most ? missing : -1;
    }

    /** Removes {@code n} bytes from the fragments' front. */
    private static void eatFrags(SkbSharedInfo info, SkbCache c, int n) {
        int eat = n;
        int kept = 0;
        int count = info.nrFrags;
        for (int i = 0; i < count; i++) {
            int size = info.fragSize[i];
            Page page = info.fragPage(i);
            if (eat > 0 && size <= eat) {
                page.put(c);
                eat -= size;
                continue;
            }
            info.setFrag(kept++, page, info.fragOff[i] + eat, size - eat);
            eat = 0;
        }
        for (int i = kept; i < count; i++) {
            info.frag[i] = null;
        }
        info.nrFrags = kept;
    }

    /** Removes {@code n} bytes from the fragment list's front. */
    private static boolean eatFragList(SkbSharedInfo info, SkbCache c, int n) {
        int eat = n;
        SkBuff s = info.fragList;
        while (s != null && s.len <= eat) {
            eat -= s.len;
            SkBuff after = s.next;
            info.fragList = after;
            s.next = null;
            s.consume(c);
            s = after;
        }
        if (s == null || eat == 0) {
            return eat == 0;
        }
        SkBuff own = ownListMember(info, c, null, s);
        return own != null && own.mayPull(c, eat) && own.pull(eat) >= 0;
    }

    /** A member of the list that may be written: itself, or a clone in its place if it is shared. */
    private static @Nullable SkBuff ownListMember(SkbSharedInfo info, SkbCache c, @Nullable SkBuff before, SkBuff s) {
        if (!s.shared()) {
            return s;
        }
        SkBuff n = s.clone(c);
        if (n == null) {
            return null;
        }
        n.next = s.next;
        if (before == null) {
            info.fragList = n;
        } else {
            before.next = n;
        }
        s.consume(c);
        return n;
    }

    /** Cuts to {@code newLen}, which is less than len. */
    static int trim(SkBuff skb, SkbCache c, int newLen) {
        if (newLen < 0) {
            throw new IllegalStateException("trim to " + newLen + " of " + skb);
        }
        if (skb.dataLen == 0) {
            skb.trim(newLen);
            return 0;
        }
        if (skb.isClonedData()) {
            int err = SkbCopy.expandHead(skb, c, 0, 0);
            if (err != 0) {
                return err;
            }
        }
        SkbSharedInfo info = skb.shinfo();
        int linear = skb.headlen();
        int at = linear;
        int count = info.nrFrags;
        int kept = 0;
        while (kept < count && at + info.fragSize[kept] <= newLen) {
            at += info.fragSize[kept++];
        }
        if (kept < count && newLen > at) {
            info.fragSize[kept++] = newLen - at;
            at = newLen;
        }
        for (int i = kept; i < count; i++) {
            info.fragPage(i).put(c);
            info.frag[i] = null;
        }
        info.nrFrags = kept;
        int err = trimFragList(info, c, newLen > at && kept == count ? newLen - at : 0);
        if (err != 0) {
            return err;
        }
        if (newLen > linear) {
            skb.dataLen -= skb.len - newLen;
            skb.len = newLen;
        } else {
            skb.len = newLen;
            skb.dataLen = 0;
            skb.tail = skb.data + newLen;
        }
        return 0;
    }

    /** Keeps the first {@code keep} bytes of the list and frees the rest. */
    private static int trimFragList(SkbSharedInfo info, SkbCache c, int keep) {
        int left = keep;
        SkBuff before = null;
        SkBuff s = info.fragList;
        while (s != null && left > 0) {
            if (s.len > left) {
                SkBuff own = ownListMember(info, c, before, s);
                if (own == null || own.pskbTrim(c, left) != 0) {
                    return -Errno.ENOMEM;
                }
                s = own;
            }
            left -= s.len;
            before = s;
            s = s.next;
        }
        if (before == null) {
            info.fragList = null;
        } else {
            before.next = null;
        }
        SkBuff.freeList(c, s, SkbDropReason.CONSUMED);
        return 0;
    }
}
