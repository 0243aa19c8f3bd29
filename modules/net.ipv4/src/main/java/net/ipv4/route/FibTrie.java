package net.ipv4.route;

import java.util.function.BiConsumer;
import net.ipv4.Inet;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * A path-compressed binary trie of prefixes. A node stands for a prefix; it has values if routes were added for just
 * that prefix, and otherwise two children. A lookup walks from the root over the prefixes that cover the address, from
 * the shortest to the longest: what it meets last is the best, so it never has to go back.
 *
 * <p>{@code Deviation:} Linux also compresses levels (an LC-trie whose nodes have up to 2^n children). That pays for
 * tables of hundreds of thousands of routes; a host has tens, and its sockets cache their routes.
 *
 * <p><b>Context:</b> lookups take no lock: child pointers and values are volatile, and an unlinked node keeps its own.
 * Changes under rtnl.
 *
 * <p>Linux: net/ipv4/fib_trie.c
 *
 * @param <V> what prefixes lead to
 */
public final class FibTrie<V> {
    /**
     * A prefix of the trie.
     *
     * @param <V> what it leads to
     */
    public static final class Node<V> {
        public final int prefix;
        public final int len;
        volatile @Nullable V value;
        volatile @Nullable Node<V> left;
        volatile @Nullable Node<V> right;

        Node(int prefix, int len, @Nullable V value) {
            this.prefix = prefix;
            this.len = len;
            this.value = value;
        }

        /** What was added for this prefix; null if it only branches. */
        @HotPath
        public @Nullable V value() {
            return value;
        }

        boolean covers(int addr) {
            return ((addr ^ prefix) & Inet.mask(len)) == 0;
        }

        @Nullable
        Node<V> child(int addr) {
            return bit(addr, len) ? right : left;
        }

        void setChild(int addr, @Nullable Node<V> child) {
            if (bit(addr, len)) {
                right = child;
            } else {
                left = child;
            }
        }
    }

    private final Node<V> root = new Node<>(0, 0, null);
    private int size;

    /** An empty trie. */
    public FibTrie() {}

    private static boolean bit(int addr, int index) {
        return (addr << index) < 0;
    }

    /** First node of a lookup. */
    @HotPath
    public Node<V> root() {
        return root;
    }

    /** The next longer prefix that covers {@code addr}; null at the end. */
    @HotPath
    public @Nullable Node<V> next(Node<V> node, int addr) {
        if (node.len == 32) {
            return null;
        }
        Node<V> child = node.child(addr);
        return child != null && child.covers(addr) ? child : null;
    }

    /** The value of just this prefix. */
    public @Nullable V get(int prefix, int len) {
        Node<V> n = find(prefix, len);
        return n == null ? null : n.value;
    }

    private @Nullable Node<V> find(int prefix, int len) {
        Node<V> n = root;
        while (n != null && n.len < len) {
            n = next(n, prefix);
        }
        return n != null && n.len == len && n.prefix == prefix ? n : null;
    }

    /** Sets the value of a prefix. */
    public void put(int prefix, int len, V value) {
        Node<V> parent = root;
        if (len == 0) {
            size += root.value == null ? 1 : 0;
            root.value = value;
            return;
        }
        for (; ; ) {
            Node<V> child = parent.child(prefix);
            if (child == null) {
                parent.setChild(prefix, new Node<>(prefix, len, value));
                size++;
                return;
            }
            int common = Math.min(Math.min(len, child.len), Integer.numberOfLeadingZeros(prefix ^ child.prefix));
            if (common == child.len) {
                if (common == len) {
                    size += child.value == null ? 1 : 0;
                    child.value = value;
                    return;
                }
                parent = child;
                continue;
            }
            Node<V> node = new Node<>(prefix, len, value);
            Node<V> top = node;
            if (common != len) {
                top = new Node<>(prefix & Inet.mask(common), common, null);
                top.setChild(prefix, node);
            }
            // The new nodes are complete before the one store that publishes them.
            top.setChild(child.prefix, child);
            parent.setChild(prefix, top);
            size++;
            return;
        }
    }

    /** Removes a prefix; false if it has no value. */
    public boolean remove(int prefix, int len) {
        Node<V> grandparent = null;
        Node<V> parent = null;
        Node<V> n = root;
        while (n != null && n.len < len) {
            grandparent = parent;
            parent = n;
            n = next(n, prefix);
        }
        if (n == null || n.len != len || n.prefix != prefix || n.value == null) {
            return false;
        }
        n.value = null;
        size--;
        if (parent == null) {
            return true;
        }
        Node<V> left = n.left;
        Node<V> right = n.right;
        if (left != null && right != null) {
            return true;
        }
        Node<V> only = left != null ? left : right;
        parent.setChild(prefix, only);
        // A parent that branched only for this one is no longer needed either.
        if (only == null && parent.value == null && grandparent != null) {
            Node<V> sibling = parent.left != null ? parent.left : parent.right;
            grandparent.setChild(prefix, sibling);
        }
        return true;
    }

    /** Prefixes with values. */
    public int size() {
        return size;
    }

    /** Visits all prefixes in ascending order. */
    public void forEach(BiConsumer<Node<V>, V> visitor) {
        visit(root, visitor);
    }

    private static <V> void visit(@Nullable Node<V> n, BiConsumer<Node<V>, V> visitor) {
        if (n == null) {
            return;
        }
        V value = n.value;
        if (value != null) {
            visitor.accept(n, value);
        }
        visit(n.left, visitor);
        visit(n.right, visitor);
    }
}
