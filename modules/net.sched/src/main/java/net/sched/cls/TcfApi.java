package net.sched.cls;

import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.NetDevice;
import net.core.dev.Qdisc;
import net.core.dev.QdiscClassOps;
import net.core.dev.SchApi;
import net.core.dev.TcfBlock;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import org.jspecify.annotations.Nullable;

/**
 * What {@code tc filter} and {@code tc chain} ask of a device: the place by its handle, then the filters there. Messages
 * are the kernel's.
 *
 * <p>Context: process, rtnl, without a word.
 *
 * <p>Linux: tcf_block_find(), tc_new_tfilter(), tc_del_tfilter(), tc_ctl_chain(), net/sched/cls_api.c
 */
public final class TcfApi {
    /** Parent of what comes in, {@code ffff:fff2}. */
    public static final int INGRESS = TcHandle.INGRESS_MAJOR | IngressOps.MIN_INGRESS;
    /** Parent of what goes out, {@code ffff:fff3}. */
    public static final int EGRESS = TcHandle.INGRESS_MAJOR | IngressOps.MIN_EGRESS;

    private TcfApi() {}

    /** A qdisc, or a class of it, that filters may hang on. */
    private record Place(Qdisc q, @Nullable Object cl, int parent) {
        @Nullable
        TcfFilters filters() {
            QdiscClassOps cops = q.classOps();
            TcfBlock b = cl == null || cops == null ? q.filters : cops.filters(cl);
            return b instanceof TcfFilters f ? f : null;
        }

        /** Any filters of the same discipline. */
        @Nullable
        TcfFilters sibling() {
            if (q.filters instanceof TcfFilters f) {
                return f;
            }
            QdiscClassOps cops = q.classOps();
            AtomicReference<@Nullable TcfFilters> found = new AtomicReference<>();
            if (cops != null) {
                cops.walk(c -> {
                    if (cops.filters(c) instanceof TcfFilters f) {
                        found.set(f);
                    }
                    return found.get() == null;
                });
            }
            return found.get();
        }

        TcfFilters make() {
            TcfFilters made = new TcfFilters(parent, sibling());
            Cpu cpu = q.devQueue.dev.kernel().localBhDisable(-1);
            try {
                q.rootLock().lock();
                try {
                    QdiscClassOps cops = q.classOps();
                    if (cl == null || cops == null) {
                        q.filters = made;
                    } else {
                        cops.setFilters(cl, made);
                    }
                } finally {
                    q.rootLock().unlock();
                }
            } finally {
                cpu.localBhEnable();
            }
            return made;
        }
    }

    private static Place place(NetDevice dev, int parent) {
        Qdisc q = parent == 0 ? dev.qdisc : SchApi.lookup(dev, parent);
        if (q == null) {
            throw new UserError("Error: Parent Qdisc doesn't exists.");
        }
        QdiscClassOps cops = q.classOps();
        if ((q.flags & Qdisc.TCQ_F_INGRESS) == 0 && !q.takesFilters()) {
            throw new UserError(cops == null ? "Error: Qdisc not classful." : "Error: Class doesn't support blocks.");
        }
        int at = parent == 0 ? q.handle : parent;
        if (TcHandle.minor(at) == 0 && (q.flags & Qdisc.TCQ_F_INGRESS) == 0) {
            return new Place(q, null, at);
        }
        Object cl = cops == null ? null : cops.find(at);
        if (cl == null) {
            throw new UserError("Error: Specified class doesn't exist.");
        }
        return new Place(q, cl, q.id().equals("ingress") ? q.handle : at);
    }

    private static TcfFilters existing(NetDevice dev, int parent) {
        Place place = place(dev, parent);
        TcfFilters f = place.filters();
        return f == null ? new TcfFilters(place.parent, null) : f;
    }

    /** {@code tc filter add|change|replace dev DEV parent PARENT ...}; parent 0 is the root's. */
    public static void modify(NetDevice dev, SchApi.Verb verb, int parent, FilterId id, List<String> args) {
        Place place = place(dev, parent);
        TcfFilters f = place.filters();
        (f == null ? place.make() : f).modify(dev.net, verb, id, args);
    }

    /** {@code tc filter del dev DEV parent PARENT ...}. */
    public static void delete(NetDevice dev, int parent, FilterId id) {
        existing(dev, parent).delete(id);
    }

    /** {@code tc filter get dev DEV parent PARENT ...}. */
    public static void get(NetDevice dev, int parent, FilterId id, TcPrint p, boolean stats) {
        TcfFilters f = existing(dev, parent);
        f.get(id, p, FilterView.all(stats));
    }

    /** {@code tc filter show dev DEV}: nothing where no filters can be. {@code v}'s parent 0 is the root's. */
    public static void show(NetDevice dev, FilterView v, TcPrint p) {
        TcfFilters f = shown(dev, v.parent());
        if (f != null) {
            f.print(p, v);
        }
    }

    private static @Nullable TcfFilters shown(NetDevice dev, int parent) {
        try {
            return place(dev, parent).filters();
        } catch (UserError e) {
            return null;
        }
    }

    /** {@code tc chain add}. */
    public static void addChain(NetDevice dev, int parent, int chain) {
        Place place = place(dev, parent);
        TcfFilters f = place.filters();
        (f == null ? place.make() : f).addChain(chain);
    }

    /** {@code tc chain del}. */
    public static void deleteChain(NetDevice dev, int parent, int chain) {
        existing(dev, parent).deleteChain(chain);
    }

    /** {@code tc chain show}, or {@code get} of one. Linux: tc_dump_chain() */
    public static void showChains(NetDevice dev, FilterView v, TcPrint p) {
        TcfFilters f = shown(dev, v.parent());
        if (f == null) {
            return;
        }
        for (int chain : f.chains()) {
            if (v.chain() < 0 || v.chain() == chain) {
                p.open("").text("chain ");
                FilterPrint.place(p, v, TcHandle.major(f.parent));
                if (v.chain() < 0) {
                    p.num("chain", "chain ", chain, " ");
                }
                p.nl().close();
            }
        }
    }
}
