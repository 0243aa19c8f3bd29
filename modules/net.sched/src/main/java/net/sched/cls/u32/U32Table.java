package net.sched.cls.u32;

import java.util.ArrayList;
import java.util.List;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * A hash table of filters; a preference's root has one bucket. Each bucket is sorted by node number and is replaced as a
 * whole.
 *
 * <p>Context: {@link #bucket} by holders of a CPU's word; changes under rtnl.
 *
 * <p>Linux: struct tc_u_hnode
 */
final class U32Table {
    private static final U32Node[] NONE = {};
    private static final int FIRST_NODE = 0x800;

    final int handle;
    /** Preference it was made at, and the filters it was made among. */
    final int prio;

    final Object block;
    final boolean root;
    /** Number of buckets less one. */
    final int mask;
    /** Filters that lead here. */
    int links;

    private volatile U32Node[][] buckets;

    U32Table(int handle, int prio, Object block, boolean root, int divisor) {
        this.handle = handle;
        this.prio = prio;
        this.block = block;
        this.root = root;
        mask = divisor - 1;
        U32Node[][] all = new U32Node[divisor][];
        java.util.Arrays.fill(all, NONE);
        buckets = all;
    }

    @HotPath
    U32Node[] bucket(int i) {
        return buckets[i];
    }

    @Nullable
    U32Node find(int h) {
        int b = U32Handle.bucket(h);
        if (b <= mask) {
            for (U32Node n : buckets[b]) {
                if (n.handle == h) {
                    return n;
                }
            }
        }
        return null;
    }

    /** A free handle in the bucket of {@code table}; 0 if there is none left. Linux: gen_new_kid() */
    int freeNode(int table) {
        int b = U32Handle.bucket(table);
        for (int pass = 0; pass < 2; pass++) {
            int from = pass == 0 ? FIRST_NODE : 1;
            int to = pass == 0 ? U32Handle.MAX_NODE : FIRST_NODE - 1;
            for (int id = from; id <= to; id++) {
                if (find(U32Handle.make(handle, b, id)) == null) {
                    return U32Handle.make(handle, b, id);
                }
            }
        }
        return 0;
    }

    /** Puts {@code n} in its place, instead of one of the same handle. */
    void put(U32Node n) {
        List<U32Node> all = new ArrayList<>(List.of(buckets[U32Handle.bucket(n.handle)]));
        all.removeIf(o -> o.handle == n.handle);
        int at = 0;
        while (at < all.size() && Integer.compareUnsigned(all.get(at).handle, n.handle) < 0) {
            at++;
        }
        all.add(at, n);
        replace(n, all);
    }

    void remove(U32Node n) {
        List<U32Node> all = new ArrayList<>(List.of(buckets[U32Handle.bucket(n.handle)]));
        all.remove(n);
        replace(n, all);
    }

    private void replace(U32Node n, List<U32Node> bucket) {
        U32Node[][] now = buckets.clone();
        now[U32Handle.bucket(n.handle)] = bucket.toArray(NONE);
        buckets = now;
    }

    /** All filters, bucket by bucket. */
    List<U32Node> nodes() {
        List<U32Node> all = new ArrayList<>();
        for (U32Node[] b : buckets) {
            all.addAll(List.of(b));
        }
        return all;
    }
}
