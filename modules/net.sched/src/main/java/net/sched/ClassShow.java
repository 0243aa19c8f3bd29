package net.sched;

import net.core.dev.Qdisc;
import net.core.dev.QdiscClassOps;
import net.core.dev.QdiscStats;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;

/**
 * Classes of a discipline as {@code tc -s class show} prints them.
 *
 * <p>Context: rtnl and the tree's lock.
 *
 * <p>Linux: print_class(), iproute2, tc/tc_class.c
 */
public final class ClassShow {
    private ClassShow() {}

    /** All classes of {@code q}; nothing for a classless one. */
    public static void print(Qdisc q, TcPrint p, boolean stats) {
        QdiscClassOps cops = q.classOps();
        if (cops != null) {
            cops.walk(cl -> {
                print(q, cops, cl, p, stats);
                return true;
            });
        }
    }

    private static void print(Qdisc q, QdiscClassOps cops, Object cl, TcPrint p, boolean stats) {
        p.open("");
        p.str("class", "class ", q.id(), " ");
        p.str("handle", "", TcHandle.format(cops.classid(cl)), " ");
        int parent = cops.parentOf(cl);
        if (parent == TcHandle.ROOT) {
            p.bool("root", true, "root ");
        } else {
            p.str("parent", "parent ", TcHandle.format(parent), " ");
        }
        Qdisc leaf = cops.leaf(cl);
        if (leaf != null && leaf.handle != 0) {
            p.str("leaf", "leaf ", Integer.toHexString(leaf.handle >>> 16) + ":", " ");
        }
        cops.dump(cl, p);
        p.nl();
        if (stats) {
            p.open("stats");
            QdiscStats s = new QdiscStats();
            cops.stats(cl, s);
            s.print(p);
            cops.dumpStats(cl, p);
            p.close().nl();
        }
        p.close();
    }
}
