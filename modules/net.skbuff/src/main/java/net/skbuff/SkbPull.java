package net.skbuff;

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

    /**
     * Removes {@code n} bytes from the fragment list's front. What can fail comes first, so a failure changes nothing;
     * the links of members that somebody else uses too stay as they are.
     */
    private static boolean eatFragList(SkbSharedInfo info, SkbCache c, int n) {
        int eat = n;
        SkBuff stop = info.fragList;
        while (stop != null && stop.len <= eat) {
            eat -= stop.len;
            stop = stop.next;
        }
        SkBuff own = stop;
        if (eat > 0) {
            if (stop == null) {
                return false;
            }
            if (stop.shared()) {
                own = stop.clone(c);
            }
            if (own == null || !own.mayPull(c, eat)) {
                if (own != null && own != stop) {
                    own.consume(c);
                }
                return false;
            }
            own.pull(eat);
            if (own != stop) {
                own.next = stop.next;
            }
        }
        SkBuff eaten = info.fragList;
        info.fragList = own;
        while (eaten != null && eaten != stop) {
            SkBuff after = eaten.next;
            eaten.consume(c);
            eaten = after;
        }
        if (stop != null && own != stop) {
            stop.consume(c);
        }
        return true;
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
            if (s.shared()) { // its link will be written, so it must be our own
                SkBuff n = s.clone(c);
                if (n == null) {
                    return -Errno.ENOMEM;
                }
                n.next = s.next;
                if (before == null) {
                    info.fragList = n;
                } else {
                    before.next = n;
                }
                s.consume(c);
                s = n;
            }
            if (s.len > left && s.pskbTrim(c, left) != 0) {
                return -Errno.ENOMEM;
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
