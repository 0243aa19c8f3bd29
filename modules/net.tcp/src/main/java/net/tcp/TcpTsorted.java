package net.tcp;

import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * The list of a connection's unacknowledged segments in the order in which they were last sent, which RACK walks.
 *
 * <p>Deviation: the head is two fields of {@link TcpSock}, so the list is not circular.
 *
 * <p><b>Context:</b> socket lock.
 *
 * <p>Linux: tp->tsorted_sent_queue, include/net/tcp.h
 */
public final class TcpTsorted {
    private TcpTsorted() {}

    /** Whether a segment is on the list. */
    public static boolean contains(TcpSock tp, SkBuff skb) {
        return skb.tsPrev != null || tp.tsortedHead == skb;
    }

    /** Appends a segment that is not on the list. */
    @HotPath
    public static void addTail(TcpSock tp, SkBuff skb) {
        SkBuff tail = tp.tsortedTail;
        skb.tsPrev = tail;
        skb.tsNext = null;
        if (tail == null) {
            tp.tsortedHead = skb;
        } else {
            tail.tsNext = skb;
        }
        tp.tsortedTail = skb;
    }

    /** Puts a segment right behind one that is on the list. */
    public static void insertAfter(TcpSock tp, SkBuff anchor, SkBuff skb) {
        SkBuff following = anchor.tsNext;
        skb.tsPrev = anchor;
        skb.tsNext = following;
        anchor.tsNext = skb;
        if (following == null) {
            tp.tsortedTail = skb;
        } else {
            following.tsPrev = skb;
        }
    }

    /** Takes a segment off the list, if it is there. */
    @HotPath
    public static void del(TcpSock tp, SkBuff skb) {
        if (!contains(tp, skb)) {
            return;
        }
        SkBuff before = skb.tsPrev;
        SkBuff following = skb.tsNext;
        if (before == null) {
            tp.tsortedHead = following;
        } else {
            before.tsNext = following;
        }
        if (following == null) {
            tp.tsortedTail = before;
        } else {
            following.tsPrev = before;
        }
        skb.tsPrev = null;
        skb.tsNext = null;
    }

    /** Makes a segment the last, on the list or not. */
    @HotPath
    public static void moveTail(TcpSock tp, SkBuff skb) {
        if (tp.tsortedTail != skb) {
            del(tp, skb);
            addTail(tp, skb);
        }
    }
}
