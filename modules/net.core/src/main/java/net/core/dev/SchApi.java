package net.core.dev;

import java.util.List;
import net.core.Cpu;
import net.core.UserError;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;

/**
 * What {@code tc qdisc} and {@code tc class} ask of a device: find, add, replace, change, delete and show by handle. Messages are the
 * kernel's.
 *
 * <p>Context: process, rtnl, without a word.
 *
 * <p>Linux: net/sched/sch_api.c
 */
public final class SchApi {
    private static final int FIRST_AUTO_HANDLE = 0x8000_0000;

    private SchApi() {}

    /** What to do if there is one already, and if not. */
    public enum Verb {
        /** There must be none. */
        ADD,
        /** There must be one, of that kind. */
        CHANGE,
        /** Change one of that kind and handle, else put a new one there. */
        REPLACE
    }

    /** Looks at a qdisc; false ends the walk. */
    @FunctionalInterface
    public interface Visitor {
        /** Shows one. */
        boolean visit(Qdisc q);
    }

    /** Shows all qdiscs of a device: the root, those of the queues, then down the trees. */
    public static void walk(NetDevice dev, Visitor visitor) {
        if (!walk(dev.qdisc, visitor)) {
            return;
        }
        Qdisc last = dev.qdisc;
        for (NetdevQueue txq : dev.tx) {
            Qdisc q = txq.qdiscSleeping;
            if (q != last && !walk(q, visitor)) {
                return;
            }
            last = q;
        }
        Qdisc hooks = dev.ingressQdisc;
        if (hooks != null) {
            visitor.visit(hooks);
        }
    }

    private static boolean walk(Qdisc q, Visitor visitor) {
        if (q.ops == null) {
            return true; // the device has none yet
        }
        if (!visitor.visit(q)) {
            return false;
        }
        QdiscClassOps cops = q.classOps();
        if (cops == null || (q.flags & Qdisc.TCQ_F_MQROOT) != 0) {
            return true; // the queues' own come with the queues
        }
        boolean[] on = {true};
        cops.walk(cl -> {
            Qdisc leaf = cops.leaf(cl);
            on[0] = leaf == null || walk(leaf, visitor);
            return on[0];
        });
        return on[0];
    }

    /** The qdisc with this handle, or null. Linux: qdisc_lookup(). */
    public static @Nullable Qdisc lookup(NetDevice dev, int handle) {
        Qdisc[] found = {null};
        walk(dev, q -> {
            if (q.handle != 0 && q.handle == TcHandle.major(handle)) {
                found[0] = q;
            }
            return found[0] == null;
        });
        return found[0];
    }

    /** The qdisc in this place, null if there is none that a person made. */
    private static @Nullable Qdisc at(NetDevice dev, int parent) {
        if (parent == TcHandle.ROOT) {
            return dev.qdisc.ops == null || dev.qdisc.handle == 0 ? null : dev.qdisc;
        }
        Qdisc p = parentOf(dev, parent);
        if ((p.flags & Qdisc.TCQ_F_MQROOT) != 0) {
            Qdisc q = queueOf(dev, parent).qdiscSleeping;
            return q.handle == 0 ? null : q;
        }
        QdiscClassOps cops = p.classOps();
        Object cl = cops == null ? null : cops.find(parent);
        if (cops == null || cl == null) {
            throw new UserError("Error: Specified class not found.");
        }
        Qdisc q = cops.leaf(cl);
        return q == null || q.handle == 0 ? null : q;
    }

    private static Qdisc parentOf(NetDevice dev, int parent) {
        Qdisc p = lookup(dev, TcHandle.major(parent));
        if (p == null) {
            throw new UserError("Error: Failed to find specified qdisc.");
        }
        if (p.classOps() == null && (p.flags & Qdisc.TCQ_F_MQROOT) == 0) {
            throw new UserError("Error: Parent qdisc is not classful.");
        }
        return p;
    }

    private static NetdevQueue queueOf(NetDevice dev, int classid) {
        int i = TcHandle.minor(classid) - 1;
        if (i < 0 || i >= dev.tx.length) {
            throw new UserError("Error: Specified class not found.");
        }
        return dev.tx[i];
    }

    /**
     * {@code tc qdisc add|change|replace dev DEV parent PARENT handle HANDLE KIND ARGS}.
     *
     * @param parent a class, or {@link TcHandle#ROOT}
     * @param handle {@code major:0}, 0 for one that is chosen
     * @return the qdisc that is in place now
     * @throws UserError if it cannot be
     */
    public static Qdisc modify(NetDevice dev, Verb verb, int parent, int handle, String kind, List<String> args) {
        if (parent == TcHandle.INGRESS || kind.equals("ingress") || kind.equals("clsact")) {
            return ingress(dev, verb, kind, args);
        }
        Qdisc old = at(dev, parent);
        boolean same = old != null && old.id().equals(kind) && (handle == 0 || handle == old.handle);
        if (verb == Verb.ADD && old != null) {
            throw new UserError("Error: Exclusivity flag on, cannot modify.");
        }
        if (verb == Verb.CHANGE && old == null) {
            throw new UserError("Error: Qdisc not found. To create specify NLM_F_CREATE flag.");
        }
        if (verb == Verb.CHANGE && !same) {
            throw new UserError("Error: Invalid qdisc name: must match existing qdisc.");
        }
        QdiscOps ops = ops(dev, kind);
        Object opt = ops.parse(args);
        if (old != null && same && (verb == Verb.CHANGE || handle == old.handle)) {
            change(old, opt);
            return old;
        }
        if (handle != 0 && lookup(dev, handle) != null) {
            throw new UserError("Error: Specified qdisc handle is in use by another qdisc.");
        }
        return create(dev, parent, handle != 0 ? handle : freeHandle(dev), ops, opt);
    }

    /** What hangs at the hooks of a device has no queue, and its handle is always ffff:. */
    private static Qdisc ingress(NetDevice dev, Verb verb, String kind, List<String> args) {
        QdiscOps ops = ops(dev, kind);
        Object opt = ops.parse(args);
        Qdisc old = dev.ingressQdisc;
        if (old != null && (verb == Verb.ADD || !old.id().equals(kind))) {
            throw new UserError("Error: Exclusivity flag on, cannot modify.");
        }
        if (old == null && verb == Verb.CHANGE) {
            throw new UserError("Error: Qdisc not found. To create specify NLM_F_CREATE flag.");
        }
        if (old != null) {
            return old;
        }
        Qdisc q = ops.create(dev.tx[0]);
        if ((q.flags & Qdisc.TCQ_F_INGRESS) == 0) {
            throw new UserError("Error: Specified qdisc is not an ingress qdisc.");
        }
        q.handle = TcHandle.INGRESS_MAJOR;
        q.parent = TcHandle.INGRESS;
        if (q.init(opt) != 0) {
            throw new UserError("Error: Failed to set up " + kind + ".");
        }
        dev.ingressQdisc = q;
        return q;
    }

    private static QdiscOps ops(NetDevice dev, String kind) {
        QdiscOps ops = dev.globals().qdiscs.find(kind);
        if (ops == null) {
            throw new UserError("Error: Specified qdisc kind is unknown.");
        }
        return ops;
    }

    /** Linux: qdisc_alloc_handle(). */
    private static int freeHandle(NetDevice dev) {
        int h = FIRST_AUTO_HANDLE;
        do {
            h += 0x10000;
        } while (lookup(dev, h) != null && h < -0x10000);
        return h;
    }

    private static void change(Qdisc q, @Nullable Object opt) {
        int err;
        Cpu cpu = q.devQueue.dev.kernel().localBhDisable(-1);
        try {
            q.rootLock().lock();
            try {
                err = q.change(opt);
                if (err == 0) {
                    q.trim(cpu);
                }
            } finally {
                q.rootLock().unlock();
            }
            lookAgain(cpu, q);
        } finally {
            cpu.localBhEnable();
        }
        failed(err);
    }

    /** What the old settings, or a leaf that has gone, held back may go now: its timer would come late or never. */
    private static void lookAgain(Cpu cpu, Qdisc q) {
        SchGeneric.netifSchedule(cpu, q.devQueue.qdisc);
    }

    private static void failed(int err) {
        if (err == -Errno.EOPNOTSUPP) {
            throw new UserError("Error: Change operation not supported by specified qdisc.");
        }
        if (err != 0) {
            throw new UserError("RTNETLINK answers: " + Errno.text(-err));
        }
    }

    private static Qdisc create(NetDevice dev, int parent, int handle, QdiscOps ops, @Nullable Object opt) {
        Qdisc above = parent == TcHandle.ROOT ? null : parentOf(dev, parent);
        boolean ofQueue = above != null && (above.flags & Qdisc.TCQ_F_MQROOT) != 0;
        Qdisc q = ops.create(ofQueue ? queueOf(dev, parent) : dev.tx[0]);
        q.handle = handle;
        q.parent = parent;
        if (above != null && !ofQueue) {
            q.setParent(above, parent);
        }
        failed(q.init(opt));
        if (above == null) {
            QdiscGraft.root(dev, q);
        } else if (ofQueue) {
            QdiscGraft.queue(q.devQueue, q);
        } else {
            graftChild(dev, above, parent, q);
        }
        return q;
    }

    private static void graftChild(NetDevice dev, Qdisc above, int classid, Qdisc q) {
        QdiscClassOps cops = above.classOps();
        Object cl = cops == null ? null : cops.find(classid);
        if (cops == null || cl == null) {
            throw new UserError("Error: Specified class not found.");
        }
        Cpu cpu = dev.kernel().localBhDisable(-1);
        try {
            Qdisc old;
            above.rootLock().lock();
            try {
                old = above.replaceChild(cpu, cops, cl, q);
            } finally {
                above.rootLock().unlock();
            }
            if (old != null && old != q && (old.flags & Qdisc.TCQ_F_BUILTIN) == 0) {
                old.dropFilters();
                old.destroy(cpu);
            }
            lookAgain(cpu, above);
        } finally {
            cpu.localBhEnable();
        }
    }

    /** {@code tc qdisc del}: the device's default takes the root's place, a pfifo a leaf's. @throws UserError if there is none */
    public static void delete(NetDevice dev, int parent) {
        if (parent == TcHandle.INGRESS) {
            Qdisc hooks = dev.ingressQdisc;
            if (hooks == null) {
                throw new UserError("Error: Cannot find specified qdisc on specified device.");
            }
            dev.ingressQdisc = null;
            for (int at : new int[] {TcHandle.INGRESS_MAJOR | 0xFFF2, TcHandle.INGRESS_MAJOR | 0xFFF3}) {
                dropFilters(hooks, at);
            }
            locked(hooks, hooks::destroy);
            return;
        }
        Qdisc old = at(dev, parent);
        if (old == null) {
            throw new UserError("Error: Cannot delete qdisc with handle of zero.");
        }
        if (parent == TcHandle.ROOT) {
            QdiscGraft.defaults(dev);
            return;
        }
        Qdisc above = parentOf(dev, parent);
        if ((above.flags & Qdisc.TCQ_F_MQROOT) != 0) {
            NetdevQueue txq = queueOf(dev, parent);
            Qdisc q = SchGeneric.createOfQueue(dev, txq);
            q.parent = parent;
            QdiscGraft.queue(txq, q);
            return;
        }
        Qdisc q = SchGeneric.createChild(above, parent, "pfifo");
        if (q == null) {
            throw new UserError("Error: Specified qdisc kind is unknown.");
        }
        graftChild(dev, above, parent, q);
    }

    /** {@code tc [-s] qdisc show dev DEV}. */
    public static void show(NetDevice dev, TcPrint p, boolean stats) {
        walk(dev, q -> {
            if ((q.flags & Qdisc.TCQ_F_INVISIBLE) == 0) {
                q.print(p, true, stats);
            }
            return true;
        });
    }

    /** {@code tc class add|change dev DEV parent PARENT classid CLASSID ...}: an existing class is changed. */
    public static void modifyClass(NetDevice dev, Verb verb, int parent, int classid, List<String> args) {
        int major = TcHandle.major(classid) != 0 ? classid : parent;
        Qdisc q = parentOf(dev, TcHandle.major(major));
        QdiscClassOps cops = q.classOps();
        if (cops == null) {
            throw new UserError("Error: Qdisc doesn't support changing classes.");
        }
        int id = TcHandle.make(q.handle, classid);
        locked(q, cpu -> {
            Object cl = cops.find(id);
            if (cl != null && verb == Verb.ADD) {
                throw new UserError("RTNETLINK answers: " + Errno.text(Errno.EEXIST));
            }
            if (cl == null && verb == Verb.CHANGE) {
                throw new UserError("RTNETLINK answers: " + Errno.text(Errno.ENOENT));
            }
            cops.change(cpu, id, parent, args, cl);
            lookAgain(cpu, q);
        });
    }

    /** {@code tc class del dev DEV classid CLASSID}. */
    public static void deleteClass(NetDevice dev, int classid) {
        Qdisc q = parentOf(dev, TcHandle.major(classid));
        QdiscClassOps cops = q.classOps();
        locked(q, cpu -> {
            Object cl = cops == null ? null : cops.find(classid);
            if (cops == null || cl == null) {
                throw new UserError("RTNETLINK answers: " + Errno.text(Errno.ENOENT));
            }
            if (isChosen(q, cops, classid)) {
                throw new UserError(inUse(q.id()));
            }
            TcfBlock block = cops.filters(cl);
            cops.delete(cpu, cl);
            if (block != null) {
                block.destroy();
            }
            lookAgain(cpu, q);
        });
    }

    /** A hook's filters: hooks are no classes that a walk would show. */
    private static void dropFilters(Qdisc hooks, int at) {
        QdiscClassOps cops = hooks.classOps();
        Object cl = cops == null ? null : cops.find(at);
        TcfBlock block = cops == null || cl == null ? null : cops.filters(cl);
        if (block != null) {
            block.destroy();
        }
    }

    private static String inUse(String kind) {
        return switch (kind) {
            case "drr" -> "Error: DRR class is in use.";
            case "qfq" -> "Error: sch_qfq: QFQ class in use.";
            default -> "Error: " + kind.toUpperCase(java.util.Locale.ROOT) + " class in use.";
        };
    }

    /** Tells whether a filter of the discipline leads into the class. Linux: qdisc_class_in_use() */
    private static boolean isChosen(Qdisc q, QdiscClassOps cops, int classid) {
        TcfBlock root = q.filters;
        boolean[] chosen = {root != null && root.refersTo(classid)};
        cops.walk(cl -> {
            TcfBlock block = cops.filters(cl);
            chosen[0] |= block != null && block.refersTo(classid);
            return !chosen[0];
        });
        return chosen[0];
    }

    private interface Locked {
        void run(Cpu cpu);
    }

    private static void locked(Qdisc q, Locked body) {
        Cpu cpu = q.devQueue.dev.kernel().localBhDisable(-1);
        try {
            q.rootLock().lock();
            try {
                body.run(cpu);
            } finally {
                q.rootLock().unlock();
            }
        } finally {
            cpu.localBhEnable();
        }
    }

    /** {@code tc [-s] class show dev DEV}. Linux: print_class(), iproute2 */
    public static void showClasses(NetDevice dev, TcPrint p, boolean stats) {
        walk(dev, q -> {
            showClasses(q, p, stats);
            return true;
        });
    }

    /** As {@link #showClasses(NetDevice, TcPrint, boolean)}, those of one discipline; nothing for a classless one. */
    public static void showClasses(Qdisc q, TcPrint p, boolean stats) {
        QdiscClassOps cops = q.classOps();
        if (cops != null) {
            cops.walk(cl -> {
                printClass(q, cops, cl, p, stats);
                return true;
            });
        }
    }

    private static void printClass(Qdisc q, QdiscClassOps cops, Object cl, TcPrint p, boolean stats) {
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
            QdiscStats s = new QdiscStats();
            cops.stats(cl, s);
            s.print(p);
            cops.dumpStats(cl, p);
            p.nl();
        }
        p.close();
    }
}
