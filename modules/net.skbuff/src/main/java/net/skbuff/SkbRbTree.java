package net.skbuff;

import org.jspecify.annotations.Nullable;

/**
 * Packets in order, as a red-black tree linked through the packets themselves: TCP's retransmit and out-of-order
 * queues, fq's flows, netem's delays. The key is the caller's: either it walks down and calls {@link #link}, or it
 * gives {@link #insert} an {@link Order}.
 *
 * <p>Context: no lock of its own; each tree's owner says which one guards it.
 *
 * <p>Linux: struct rb_root, lib/rbtree.c
 */
@HotPath
public final class SkbRbTree {
    /** Which of two packets comes first: negative if {@code a} does. Sequence numbers compare by subtraction. */
    @FunctionalInterface
    public interface Order {
        int compare(SkBuff a, SkBuff b);
    }

    private @Nullable SkBuff root;
    private int size;

    public boolean isEmpty() {
        return root == null;
    }

    public @Nullable SkBuff root() {
        return root;
    }

    /** Packets in the tree. */
    public int size() {
        return size;
    }

    public @Nullable SkBuff first() {
        SkBuff n = root;
        if (n == null) {
            return null;
        }
        for (SkBuff l = n.rbLeft; l != null; l = n.rbLeft) {
            n = l;
        }
        return n;
    }

    public @Nullable SkBuff last() {
        SkBuff n = root;
        if (n == null) {
            return null;
        }
        for (SkBuff r = n.rbRight; r != null; r = n.rbRight) {
            n = r;
        }
        return n;
    }

    public @Nullable SkBuff next(SkBuff node) {
        SkBuff n = node.rbRight;
        if (n != null) {
            for (SkBuff l = n.rbLeft; l != null; l = n.rbLeft) {
                n = l;
            }
            return n;
        }
        SkBuff child = node;
        SkBuff p = node.rbParent;
        while (p != null && child == p.rbRight) {
            child = p;
            p = p.rbParent;
        }
        return p;
    }

    public @Nullable SkBuff prev(SkBuff node) {
        SkBuff n = node.rbLeft;
        if (n != null) {
            for (SkBuff r = n.rbRight; r != null; r = n.rbRight) {
                n = r;
            }
            return n;
        }
        SkBuff child = node;
        SkBuff p = node.rbParent;
        while (p != null && child == p.rbLeft) {
            child = p;
            p = p.rbParent;
        }
        return p;
    }

    /** Inserts behind all that compare equal. */
    public void insert(SkBuff node, Order order) {
        SkBuff parent = null;
        boolean left = false;
        for (SkBuff p = root; p != null; p = left ? p.rbLeft : p.rbRight) {
            parent = p;
            left = order.compare(node, p) < 0;
        }
        link(node, parent, left);
    }

    /** Inserts behind the last packet without looking at keys: the order in which TCP sends. */
    public void addLast(SkBuff node) {
        link(node, last(), false);
    }

    /** Inserts {@code node} directly after {@code old} in order. */
    public void insertAfter(SkBuff old, SkBuff node) {
        SkBuff p = old.rbRight;
        if (p == null) {
            link(node, old, false);
            return;
        }
        for (SkBuff l = p.rbLeft; l != null; l = p.rbLeft) {
            p = l;
        }
        link(node, p, true);
    }

    /** Hangs {@code node} under {@code parent} (null: as the root) where nothing hangs yet, and balances. */
    public void link(SkBuff node, @Nullable SkBuff parent, boolean left) {
        node.rbParent = parent;
        node.rbLeft = null;
        node.rbRight = null;
        node.rbRed = true;
        if (parent == null) {
            if (root != null) {
                throw new IllegalStateException("the tree has a root already");
            }
            root = node;
        } else if (left) {
            parent.rbLeft = node;
        } else {
            parent.rbRight = node;
        }
        size++;
        afterInsert(node);
    }

    private void afterInsert(SkBuff inserted) {
        SkBuff n = inserted;
        SkBuff p = n.rbParent;
        while (p != null && p.rbRed) {
            SkBuff g = p.rbParent;
            if (g == null) {
                break;
            }
            boolean left = p == g.rbLeft;
            SkBuff uncle = left ? g.rbRight : g.rbLeft;
            if (uncle != null && uncle.rbRed) {
                p.rbRed = false;
                uncle.rbRed = false;
                g.rbRed = true;
                n = g;
                p = n.rbParent;
                continue;
            }
            if (n == (left ? p.rbRight : p.rbLeft)) {
                rotate(p, left);
                p = n;
            }
            p.rbRed = false;
            g.rbRed = true;
            rotate(g, !left);
            break;
        }
        SkBuff top = root;
        if (top != null) {
            top.rbRed = false;
        }
    }

    /** Rotates at {@code n}: to the left its right child comes up, else its left child. */
    private void rotate(SkBuff n, boolean toLeft) {
        SkBuff up = toLeft ? n.rbRight : n.rbLeft;
        if (up == null) {
            throw new IllegalStateException("broken tree");
        }
        SkBuff inner = toLeft ? up.rbLeft : up.rbRight;
        if (toLeft) {
            n.rbRight = inner;
            up.rbLeft = n;
        } else {
            n.rbLeft = inner;
            up.rbRight = n;
        }
        if (inner != null) {
            inner.rbParent = n;
        }
        replaceChild(n.rbParent, n, up);
        up.rbParent = n.rbParent;
        n.rbParent = up;
    }

    private void replaceChild(@Nullable SkBuff parent, SkBuff old, @Nullable SkBuff by) {
        if (parent == null) {
            root = by;
        } else if (parent.rbLeft == old) {
            parent.rbLeft = by;
        } else {
            parent.rbRight = by;
        }
    }

    /** Takes {@code node} out and clears its links. */
    public void erase(SkBuff node) {
        SkBuff l = node.rbLeft;
        SkBuff r = node.rbRight;
        SkBuff child;
        SkBuff parent;
        boolean removedRed;
        if (l == null || r == null) {
            child = l == null ? r : l;
            parent = node.rbParent;
            removedRed = node.rbRed;
            replaceChild(parent, node, child);
            if (child != null) {
                child.rbParent = parent;
            }
        } else { // the successor takes the node's place
            SkBuff s = r;
            for (SkBuff sl = s.rbLeft; sl != null; sl = s.rbLeft) {
                s = sl;
            }
            removedRed = s.rbRed;
            child = s.rbRight;
            if (s == r) {
                parent = s;
            } else {
                parent = s.rbParent;
                replaceChild(parent, s, child);
                if (child != null) {
                    child.rbParent = parent;
                }
                s.rbRight = r;
                r.rbParent = s;
            }
            s.rbLeft = l;
            l.rbParent = s;
            replaceChild(node.rbParent, node, s);
            s.rbParent = node.rbParent;
            s.rbRed = node.rbRed;
        }
        node.rbLeft = null;
        node.rbRight = null;
        node.rbParent = null;
        node.rbRed = false;
        size--;
        if (!removedRed) {
            afterErase(child, parent);
        }
    }

    /** {@code child}, maybe null, hangs under {@code parent} and its side is one black short. */
    private void afterErase(@Nullable SkBuff child, @Nullable SkBuff parent) {
        SkBuff n = child;
        SkBuff p = parent;
        while (p != null && (n == null || !n.rbRed)) {
            boolean left = n == p.rbLeft;
            SkBuff sib = sibling(p, left);
            if (sib.rbRed) {
                sib.rbRed = false;
                p.rbRed = true;
                rotate(p, left);
                sib = sibling(p, left);
            }
            SkBuff near = left ? sib.rbLeft : sib.rbRight;
            SkBuff far = left ? sib.rbRight : sib.rbLeft;
            boolean farRed = far != null && far.rbRed;
            if (!farRed && (near == null || !near.rbRed)) {
                sib.rbRed = true;
                n = p;
                p = n.rbParent;
                continue;
            }
            if (!farRed) {
                if (near != null) {
                    near.rbRed = false;
                }
                sib.rbRed = true;
                rotate(sib, !left);
                sib = sibling(p, left);
                far = left ? sib.rbRight : sib.rbLeft;
            }
            sib.rbRed = p.rbRed;
            p.rbRed = false;
            if (far != null) {
                far.rbRed = false;
            }
            rotate(p, left);
            return;
        }
        if (n != null) {
            n.rbRed = false;
        }
    }

    private static SkBuff sibling(SkBuff p, boolean left) {
        SkBuff s = left ? p.rbRight : p.rbLeft;
        if (s == null) {
            throw new IllegalStateException("broken tree");
        }
        return s;
    }

    /** {@code by} takes {@code old}'s place; their keys are equal for the caller. */
    public void replace(SkBuff old, SkBuff by) {
        by.rbLeft = old.rbLeft;
        by.rbRight = old.rbRight;
        by.rbParent = old.rbParent;
        by.rbRed = old.rbRed;
        if (by.rbLeft != null) {
            by.rbLeft.rbParent = by;
        }
        if (by.rbRight != null) {
            by.rbRight.rbParent = by;
        }
        replaceChild(old.rbParent, old, by);
        old.rbLeft = null;
        old.rbRight = null;
        old.rbParent = null;
    }

    /** Frees all. Linux: skb_rbtree_purge(). */
    public void purge(SkbCache c, SkbDropReason reason) {
        for (SkBuff skb = first(); skb != null; skb = first()) {
            erase(skb);
            skb.kfree(c, reason);
        }
    }
}
