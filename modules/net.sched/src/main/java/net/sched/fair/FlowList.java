package net.sched.fair;

import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * A list of flows, linked through the flows: a round. A flow is on one list at a time.
 *
 * <p>Context: the tree's lock.
 */
@HotPath
public final class FlowList {
    /** A member: what flows extend. */
    public static class Node extends net.sched.aqm.CodelState {
        @Nullable
        Node next;

        @Nullable
        Node prev;
        /** The list it is on; null if none. */
        public @Nullable FlowList on;

        /** On no list. */
        public Node() {}
    }

    private @Nullable Node first;
    private @Nullable Node last;
    /** Members. */
    public int size;

    /** Empty. */
    public FlowList() {}

    /** The first, or null. */
    public @Nullable Node first() {
        return first;
    }

    /** The one after. */
    public @Nullable Node after(Node n) {
        return n.next;
    }

    /** Tells whether there is none. */
    public boolean isEmpty() {
        return first == null;
    }

    /** Adds at the end a flow that is on no list. */
    public void addTail(Node n) {
        n.on = this;
        n.next = null;
        n.prev = last;
        if (last == null) {
            first = n;
        } else {
            last.next = n;
        }
        last = n;
        size++;
    }

    /** Removes a member. */
    public void remove(Node n) {
        Node p = n.prev;
        Node x = n.next;
        if (p == null) {
            first = x;
        } else {
            p.next = x;
        }
        if (x == null) {
            last = p;
        } else {
            x.prev = p;
        }
        n.next = null;
        n.prev = null;
        n.on = null;
        size--;
    }

    /** Moves a member to the end of {@code to}, which may be this list. */
    public void moveTail(Node n, FlowList to) {
        remove(n);
        to.addTail(n);
    }
}
