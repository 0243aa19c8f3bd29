package net.skbuff;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * How a packet ends: the users of a head, the heads that share data, what fragments and a zero-copy completion refer to. On
 * another CPU than its home's only what must not wait is done, and the rest by the remote-free stack.
 *
 * <p>Context: as {@link SkBuff}.
 *
 * <p>Linux: skb_release_data(), skb_release_head_state(), kfree_skbmem(), net/core/skbuff.c
 */
@HotPath
final class SkbFree {
    /** {@link SkbFields#users}. */
    static final VarHandle USERS;

    static {
        try {
            USERS = MethodHandles.lookup().findVarHandle(SkbFields.class, "users", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private SkbFree() {}

    /** One user less; true if it was the last. */
    static boolean unrefUser(SkBuff skb) {
        int seen = (int) USERS.getAcquire(skb);
        if (seen == 1) {
            skb.users = 0;
            return true;
        }
        if (seen <= 0) {
            throw new IllegalStateException("packet is already free");
        }
        return (int) USERS.getAndAdd(skb, -1) == 1;
    }

    /** The last user is gone: here, or by the way home. */
    static void release(SkBuff skb, SkbCache c) {
        if (c == skb.home) {
            detachOwner(skb);
            releaseData(skb, c);
            c.freeHeadLocal(skb);
        } else {
            detach(skb);
            skb.home.pushRemote(skb);
        }
    }

    private static void detachOwner(SkBuff skb) {
        assert skb.list == null : "freed while queued";
        skb.orphan();
        skb.generation++;
        skb.dev = null;
        skb.dst = null;
        skb.nfct = null;
        skb.cbo0 = null;
        skb.fclone = null;
        skb.next = null;
        skb.prev = null;
    }

    /** Lets go of all that must not wait until home collects: the owner, clones' data, a zero-copy completion. */
    static void detach(SkBuff skb) {
        detachOwner(skb);
        SkbSharedInfo info = skb.shinfo;
        if (info == null) {
            return;
        }
        if (skb.cloned) {
            if (!info.unref(skb.dataBias())) {
                skb.shinfo = null;
                return;
            }
            skb.cloned = false;
        }
        skb.zcopyClear(true);
    }

    /** At home, from the remote-free stack. */
    static void atHome(SkBuff skb, SkbCache c) {
        if (skb.countAtHome) {
            skb.countAtHome = false;
            c.countFree(skb, skb.freeReason);
        }
        releaseData(skb, c);
        c.freeHeadLocal(skb);
    }

    private static void releaseData(SkBuff skb, SkbCache c) {
        SkbSharedInfo info = skb.shinfo;
        if (info == null) {
            return;
        }
        if (skb.cloned && !info.unref(skb.dataBias())) {
            skb.shinfo = null;
            return;
        }
        skb.zcopyClear(c, true);
        skb.shinfo = null;
        freeInfo(c, info, skb.freeReason);
    }

    /** Lets go of this head's share of {@code info} after it has been given another; used by the copying functions. */
    static void dropOldInfo(SkBuff skb, SkbCache c, SkbSharedInfo info) {
        if (!skb.cloned || info.unref(dataBiasOf(skb.nohdr))) {
            UbufInfo ubuf = info.ubuf;
            if (ubuf != null) {
                info.ubuf = null;
                ubuf.put(c, skb, true);
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
            list(c, s, reason);
        }
        if (info.home == c) {
            c.freeInfoLocal(info);
        } else {
            info.home.pushRemote(info);
        }
    }

    /** Frees a chain linked by {@code next}. Linux: kfree_skb_list_reason(). */
    static void list(SkbCache c, @Nullable SkBuff first, SkbDropReason reason) {
        SkBuff s = first;
        while (s != null) {
            SkBuff after = s.next; // a member that is shared stays linked for its other user
            s.kfree(c, reason);
            s = after;
        }
    }
}
