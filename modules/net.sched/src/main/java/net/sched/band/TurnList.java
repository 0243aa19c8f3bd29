package net.sched.band;

import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/** Classes that take turns: linked through themselves, the first is served. */
final class TurnList {
    /** What can be in one list at a time. */
    static class Node {
        private @Nullable Node prev;
        private @Nullable Node next;
        private boolean on;

        /** Tells whether it is in a list. */
        @HotPath
        final boolean active() {
            return on;
        }
    }

    private @Nullable Node head;
    private @Nullable Node tail;

    @HotPath
    @Nullable
    Node first() {
        return head;
    }

    @HotPath
    void addTail(Node n) {
        n.prev = tail;
        n.next = null;
        if (tail == null) {
            head = n;
        } else {
            tail.next = n;
        }
        tail = n;
        n.on = true;
    }

    @HotPath
    void remove(Node n) {
        Node p = n.prev;
        Node s = n.next;
        if (p == null) {
            head = s;
        } else {
            p.next = s;
        }
        if (s == null) {
            tail = p;
        } else {
            s.prev = p;
        }
        n.prev = null;
        n.next = null;
        n.on = false;
    }

    @HotPath
    void moveTail(Node n) {
        remove(n);
        addTail(n);
    }

    void clear() {
        for (Node n = head; n != null; n = head) {
            remove(n);
        }
    }
}
