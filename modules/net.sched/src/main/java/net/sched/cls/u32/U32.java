package net.sched.cls.u32;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.sched.cls.Filter;
import net.sched.cls.TcfProto;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * All u32 filters of one preference: a root table whose filters are asked in order. One that matches may lead into
 * another table, by a hash of the packet, and on from a later header; without an answer there, the next one is asked.
 *
 * <p>Linux: u32_classify(), u32_change(), u32_delete(), u32_destroy()
 */
final class U32 extends TcfProto {
    private static final int MAX_DEPTH = 8;
    /** Nothing matched in a bucket; the lower half of what {@link #search} gives. */
    private static final int NOTHING = TcfBlock.TC_ACT_UNSPEC;
    /** Nothing can match any more. */
    private static final int OUT = Integer.MIN_VALUE;

    private U32Tables tables = new U32Tables();
    private U32Table root = new U32Table(0, 0, this, true, 1);

    U32(int prio, int protocol, int chain) {
        super("u32", prio, protocol, chain);
    }

    @Override
    protected void attached() {
        tables = block().shared("u32", U32Tables::new);
        int handle = tables.freeHandle();
        if (handle == 0) {
            throw new UserError("RTNETLINK answers: " + Errno.text(Errno.ENOMEM));
        }
        root = new U32Table(handle, prio, block(), true, 1);
        tables.add(root);
        tables.roots++;
    }

    // ---- packets

    @Override
    @HotPath
    public int classify(Cpu cpu, SkBuff skb) {
        int off = skb.networkHeader >= 0 ? skb.networkOffset() : 0;
        int act = (int) search(cpu, skb, root.bucket(0), off, 0, 0);
        return act == OUT ? TcfBlock.TC_ACT_UNSPEC : act;
    }

    private static long result(int act, int next) {
        return (long) next << 32 | act & 0xFFFFFFFFL;
    }

    /**
     * Asks the filters of a bucket. The action is in the lower half of the result; the upper half is the next-header
     * offset, which stays where a table that gave no answer has left it.
     */
    @HotPath
    private static long search(Cpu cpu, SkBuff skb, U32Node[] bucket, int base, int nextBefore, int depth) {
        int next = nextBefore;
        for (U32Node n : bucket) {
            int m = n.match(cpu, skb, base, next);
            if (m != U32Node.YES) {
                if (m == U32Node.BEYOND) {
                    return result(OUT, 0);
                }
                continue;
            }
            U32Table down = n.down;
            if (down != null) {
                int sel = n.bucketOf(skb, base, down);
                if (depth == MAX_DEPTH || sel < 0) {
                    return result(OUT, 0);
                }
                int to = base;
                boolean enter = true;
                if (n.moves()) {
                    next = n.nextHeader(skb, base, next);
                    if (next < 0) {
                        return result(OUT, 0);
                    }
                    if (n.eat) {
                        to += next;
                        next = 0;
                    }
                    enter = Integer.compareUnsigned(to, skb.len) < 0;
                }
                if (enter) {
                    long r = search(cpu, skb, down.bucket(sel), to, next, depth + 1);
                    if ((int) r != NOTHING) {
                        return r;
                    }
                    next = (int) (r >>> 32);
                }
            }
            if (n.terminal && n.filter.fromIndev(skb)) {
                n.hits.inc(cpu, U32Node.HIT);
                int act = n.filter.take(cpu, skb);
                if (act != NOTHING) {
                    return result(act, 0);
                }
            }
        }
        return result(NOTHING, next);
    }

    // ---- rtnl

    private @Nullable U32Table table(int handle) {
        return U32Handle.table(handle) == U32Handle.ROOT ? root : tables.find(handle);
    }

    @Override
    public boolean has(int handle) {
        U32Table t = table(handle);
        return t != null && (U32Handle.key(handle) == 0 || t.find(handle) != null);
    }

    private static UserError error(String what) {
        return new UserError("Error: cls_u32: " + what + ".");
    }

    @Override
    public int change(int handle, List<String> args) {
        if (args.isEmpty()) {
            if (handle != 0) {
                throw error("Filter handle requires options");
            }
            return 0;
        }
        try (U32Options o = new U32Options(net(), args)) {
            U32Table in = table(handle);
            if (handle != 0 && in != null && U32Handle.key(handle) == 0) {
                throw error("Key node id cannot be zero");
            }
            U32Node old = in == null ? null : in.find(handle);
            if (in != null && old != null) {
                return change(in, old, o);
            }
            return o.divisor != 0 ? newTable(handle, o.divisor) : newNode(handle, o);
        }
    }

    private int newTable(int wanted, int divisor) {
        if (U32Handle.key(wanted) != 0) {
            throw error("Divisor can only be used on a hash table");
        }
        int handle = wanted == 0 ? tables.freeHandle() : wanted;
        if (handle == 0) {
            throw new UserError("RTNETLINK answers: " + Errno.text(Errno.ENOMEM));
        }
        tables.add(new U32Table(handle, prio, block(), false, divisor));
        return handle;
    }

    private int newNode(int wanted, U32Options o) {
        U32Table t = o.ht == 0 ? root : table(o.ht);
        if (t == null) {
            throw error("Specified hash table not found");
        }
        int at = o.ht == 0 || U32Handle.table(o.ht) == U32Handle.ROOT ? t.handle : o.ht;
        if (U32Handle.bucket(at) > t.mask) {
            throw error("Specified hash table buckets exceed configured value");
        }
        if (U32Handle.table(wanted) != 0 && U32Handle.table(wanted) != t.handle) {
            throw error("Handle specified hash table address mismatch");
        }
        int handle =
                wanted == 0 ? t.freeNode(at) : U32Handle.make(t.handle, U32Handle.bucket(at), U32Handle.node(wanted));
        if (handle == 0 || t.find(handle) != null) {
            throw new UserError("RTNETLINK answers: " + Errno.text(Errno.ENOSPC));
        }
        if (!o.matches) {
            throw error("Selector not specified");
        }
        U32Table down = o.linked ? linked(o.link) : null;
        t.put(new U32Node(handle, o, down, net().kernel().cpus()));
        tables.nodes++;
        if (down != null) {
            down.links++;
        }
        return handle;
    }

    private @Nullable U32Table linked(int link) {
        if (U32Handle.key(link) != 0) {
            throw error("u32 Link handle must be a hash table");
        }
        if (link == 0) {
            return null;
        }
        U32Table down = tables.find(link);
        if (down == null) {
            throw error("Link hash table not found");
        }
        if (down.root) {
            throw error("Not linking to root node");
        }
        return down;
    }

    /** Another end for the same keys. */
    private int change(U32Table in, U32Node old, U32Options o) {
        U32Table down = o.linked ? linked(o.link) : old.down;
        Filter filter = o.filter.from(old.filter).build();
        in.put(new U32Node(old, filter, down));
        old.filter.exts.destroy();
        if (old.down != null) {
            old.down.links--;
        }
        if (down != null) {
            down.links++;
        }
        return old.handle;
    }

    @Override
    public boolean delete(int handle) {
        U32Table t = table(handle);
        if (t == null) {
            return false;
        }
        if (U32Handle.key(handle) != 0) {
            U32Node n = t.find(handle);
            if (n == null) {
                return false;
            }
            remove(t, n);
            return true;
        }
        if (t.root) {
            throw error("Not allowed to delete root node");
        }
        if (t.links != 0) {
            throw error("Can not delete in-use filter");
        }
        clear(t);
        tables.remove(t);
        return true;
    }

    private void remove(U32Table t, U32Node n) {
        t.remove(n);
        tables.nodes--;
        n.filter.exts.destroy();
        if (n.down != null) {
            n.down.links--;
        }
    }

    private void clear(U32Table t) {
        for (U32Node n : t.nodes()) {
            remove(t, n);
        }
    }

    @Override
    public void destroy() {
        clear(root);
        tables.remove(root);
        if (--tables.roots == 0) {
            for (U32Table t : tables.all()) {
                clear(t);
                tables.remove(t);
            }
            tables.restart();
        }
    }

    @Override
    public boolean isEmpty() {
        return tables.roots == 1 && tables.nodes == 0;
    }

    /** Tables that were made at this preference, newest first. */
    private List<U32Table> own() {
        List<U32Table> own = new ArrayList<>(tables.all());
        own.removeIf(t -> t.prio != prio || t.block != block());
        return own;
    }

    @Override
    public int[] handles() {
        List<Integer> all = new ArrayList<>();
        for (U32Table t : own()) {
            all.add(t.handle);
            t.nodes().forEach(n -> all.add(n.handle));
        }
        return all.stream().mapToInt(Integer::intValue).toArray();
    }

    @Override
    public boolean refersTo(int classid) {
        return own().stream().anyMatch(t -> t.nodes().stream().anyMatch(n -> n.filter.classid == classid));
    }

    @Override
    public void dump(int handle, TcPrint p, boolean stats) {
        U32Table t = Objects.requireNonNull(table(handle));
        if (U32Handle.key(handle) == 0) {
            U32Dump.table(t, p);
        } else {
            U32Dump.node(Objects.requireNonNull(t.find(handle)), protocol, p, stats);
        }
    }
}
