package net.skbuff;

import org.jspecify.annotations.Nullable;

/**
 * A queue of packets, doubly linked through the packets themselves.
 *
 * <p>Context: no lock of its own; each queue's owner says which one guards it.
 *
 * <p>Linux: struct sk_buff_head, include/linux/skbuff.h
 */
@HotPath
public final class SkBuffHead {
    public @Nullable SkBuff head;
    public @Nullable SkBuff tail;
    /** Packets queued. */
    public int qlen;

    public boolean isEmpty() {
        return head == null;
    }

    public @Nullable SkBuff peek() {
        return head;
    }

    public @Nullable SkBuff peekTail() {
        return tail;
    }

    /** The packet after {@code skb}; null at the end. */
    public @Nullable SkBuff peekNext(SkBuff skb) {
        return skb.next;
    }

    public @Nullable SkBuff peekPrev(SkBuff skb) {
        return skb.prev;
    }

    public boolean isLast(SkBuff skb) {
        return skb == tail;
    }

    public boolean isFirst(SkBuff skb) {
        return skb == head;
    }

    public void addTail(SkBuff skb) {
        link(tail, skb, null);
    }

    public void addHead(SkBuff skb) {
        link(null, skb, head);
    }

    public void insertAfter(SkBuff old, SkBuff skb) {
        link(old, skb, old.next);
    }

    public void insertBefore(SkBuff old, SkBuff skb) {
        link(old.prev, skb, old);
    }

    private void link(@Nullable SkBuff before, SkBuff skb, @Nullable SkBuff after) {
        if (skb.list != null) {
            throw new IllegalStateException("already queued: " + skb);
        }
        skb.list = this;
        skb.prev = before;
        skb.next = after;
        if (before == null) {
            head = skb;
        } else {
            before.next = skb;
        }
        if (after == null) {
            tail = skb;
        } else {
            after.prev = skb;
        }
        qlen++;
    }

    public void unlink(SkBuff skb) {
        if (skb.list != this) {
            throw new IllegalStateException("not in this queue: " + skb);
        }
        SkBuff before = skb.prev;
        SkBuff after = skb.next;
        if (before == null) {
            head = after;
        } else {
            before.next = after;
        }
        if (after == null) {
            tail = before;
        } else {
            after.prev = before;
        }
        skb.next = null;
        skb.prev = null;
        skb.list = null;
        qlen--;
    }

    public @Nullable SkBuff dequeue() {
        SkBuff skb = head;
        if (skb != null) {
            unlink(skb);
        }
        return skb;
    }

    public @Nullable SkBuff dequeueTail() {
        SkBuff skb = tail;
        if (skb != null) {
            unlink(skb);
        }
        return skb;
    }

    /** Appends all of {@code from}, which is empty then. Walks it, since each packet knows its queue. */
    public void spliceTail(SkBuffHead from) {
        SkBuff first = from.head;
        if (first == null) {
            return;
        }
        adopt(from);
        SkBuff last = tail;
        if (last == null) {
            head = first;
        } else {
            last.next = first;
            first.prev = last;
        }
        tail = from.tail;
        from.forget(this);
    }

    /** Puts all of {@code from} in front; it is empty then. */
    public void spliceHead(SkBuffHead from) {
        SkBuff last = from.tail;
        if (last == null) {
            return;
        }
        adopt(from);
        SkBuff first = head;
        if (first == null) {
            tail = last;
        } else {
            first.prev = last;
            last.next = first;
        }
        head = from.head;
        from.forget(this);
    }

    private void adopt(SkBuffHead from) {
        for (SkBuff s = from.head; s != null; s = s.next) {
            s.list = this;
        }
    }

    private void forget(SkBuffHead to) {
        to.qlen += qlen;
        qlen = 0;
        head = null;
        tail = null;
    }

    /** Frees all. */
    public void purge(SkbCache c, SkbDropReason reason) {
        for (SkBuff skb = dequeue(); skb != null; skb = dequeue()) {
            skb.kfree(c, reason);
        }
    }

    /** Frees all from process context, where no CPU is held. */
    public void purgeDeferred(SkbDropReason reason) {
        for (SkBuff skb = dequeue(); skb != null; skb = dequeue()) {
            skb.freeDeferred(reason);
        }
    }

    @Override
    public String toString() {
        return "queue of " + qlen;
    }
}
