package net.ipv4.route;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import net.core.dev.NetDevice;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * A routing table: prefixes and the routes to each, ordered by type of service and priority.
 *
 * <p><b>Context:</b> lookups take no lock; changes under rtnl.
 *
 * <p>Linux: struct fib_table, net/ipv4/fib_trie.c
 */
public final class FibTable {
    public final int id;
    private final FibTrie<FibAlias[]> trie = new FibTrie<>();

    FibTable(int id) {
        this.id = id;
    }

    /**
     * Finds the route of the longest matching prefix that fits the flow.
     *
     * @return 0, a route's own error, or -EAGAIN if there is none here
     *     <p>Linux: fib_table_lookup()
     */
    @HotPath
    public int lookup(Flowi4 flp, FibResult res, boolean ignoreLinkdown) {
        int best = -Errno.EAGAIN;
        int key = flp.daddr;
        for (FibTrie.Node<FibAlias[]> n = trie.root(); n != null; n = trie.next(n, key)) {
            FibAlias[] aliases = n.value();
            if (aliases != null && check(n, aliases, flp, res, ignoreLinkdown)) {
                best = res.error;
            }
        }
        return best;
    }

    @HotPath
    private boolean check(
            FibTrie.Node<FibAlias[]> n, FibAlias[] aliases, Flowi4 flp, FibResult res, boolean ignoreLinkdown) {
        for (FibAlias fa : aliases) {
            FibInfo fi = fa.info();
            if (fa.dscp() != 0 && fa.dscp() != flp.dscp || fi.dead || fi.scope < flp.scope) {
                continue;
            }
            int err = RtType.error(fa.type());
            if (err != 0) {
                set(n, fa, null, res, err);
                return true;
            }
            for (FibNh nh : fi.nh) {
                if (nh.dead || nh.linkdown && ignoreLinkdown) {
                    continue;
                }
                if (flp.oif != 0 && flp.oif != nh.dev.ifindex) {
                    continue;
                }
                set(n, fa, nh, res, 0);
                return true;
            }
        }
        return false;
    }

    @HotPath
    private void set(FibTrie.Node<FibAlias[]> n, FibAlias fa, @Nullable FibNh nh, FibResult res, int err) {
        res.prefix = n.prefix;
        res.prefixLen = n.len;
        res.type = fa.type();
        res.scope = fa.info().scope;
        res.fi = fa.info();
        res.nh = nh;
        res.table = this;
        res.error = err;
    }

    /** Adds a route behind those of its priority; -EEXIST if there is one that a lookup could not tell from it. */
    int insert(int prefix, int len, FibAlias fa, boolean replace) {
        FibAlias[] old = trie.get(prefix, len);
        List<FibAlias> list = new ArrayList<>(old == null ? List.of() : List.of(old));
        int at = 0;
        while (at < list.size() && before(list.get(at), fa)) {
            at++;
        }
        if (at < list.size() && sameKey(list.get(at), fa)) {
            if (!replace) {
                return -Errno.EEXIST;
            }
            retire(list.set(at, fa).info());
        } else {
            list.add(at, fa);
        }
        trie.put(prefix, len, list.toArray(new FibAlias[0]));
        return 0;
    }

    private static boolean before(FibAlias a, FibAlias b) {
        return a.dscp() != b.dscp() ? a.dscp() > b.dscp() : a.info().priority < b.info().priority;
    }

    private static boolean sameKey(FibAlias a, FibAlias b) {
        return a.dscp() == b.dscp() && a.info().priority == b.info().priority;
    }

    /** Removes the first route of a prefix that {@code which} accepts; -ESRCH if none. */
    int delete(int prefix, int len, Predicate<FibAlias> which) {
        FibAlias[] old = trie.get(prefix, len);
        if (old != null) {
            for (int i = 0; i < old.length; i++) {
                if (which.test(old[i])) {
                    removeAt(prefix, len, old, i);
                    return 0;
                }
            }
        }
        return -Errno.ESRCH;
    }

    private void removeAt(int prefix, int len, FibAlias[] old, int i) {
        retire(old[i].info());
        if (old.length == 1) {
            trie.remove(prefix, len);
            return;
        }
        FibAlias[] next = new FibAlias[old.length - 1];
        System.arraycopy(old, 0, next, 0, i);
        System.arraycopy(old, i + 1, next, i, next.length - i);
        trie.put(prefix, len, next);
    }

    private static void retire(FibInfo fi) {
        fi.dead = true;
        for (FibNh nh : fi.nh) {
            nh.flush();
        }
    }

    /** Removes every route that {@code which} accepts; returns how many. Linux: fib_table_flush(). */
    int flush(Predicate<FibAlias> which) {
        List<Entry> victims = new ArrayList<>();
        trie.forEach((n, aliases) -> {
            for (FibAlias fa : aliases) {
                if (which.test(fa)) {
                    victims.add(new Entry(n.prefix, n.len, fa));
                }
            }
        });
        for (Entry e : victims) {
            delete(e.prefix(), e.len(), fa -> fa == e.alias());
        }
        return victims.size();
    }

    /**
     * A route for tools.
     *
     * @param prefix destination
     * @param len its length
     * @param alias the route
     */
    public record Entry(int prefix, int len, FibAlias alias) {}

    /** All routes, by prefix. */
    public List<Entry> list() {
        List<Entry> all = new ArrayList<>();
        trie.forEach((n, aliases) -> {
            for (FibAlias fa : aliases) {
                all.add(new Entry(n.prefix, n.len, fa));
            }
        });
        return all;
    }

    /** Marks the next hops over a device; true if any changed. */
    boolean markDevice(NetDevice dev, boolean dead, boolean linkdown) {
        boolean changed = false;
        for (Entry e : list()) {
            for (FibNh nh : e.alias().info().nh) {
                if (nh.dev == dev && (nh.dead != dead || nh.linkdown != linkdown)) {
                    nh.dead = dead;
                    nh.linkdown = linkdown;
                    changed = true;
                }
            }
        }
        return changed;
    }
}
