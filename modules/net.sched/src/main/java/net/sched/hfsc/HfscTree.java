package net.sched.hfsc;

import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * Who sends next. A leaf whose guarantee is at stake goes by deadline; otherwise the way leads down from the root by the
 * least virtual time among the children that fit under their limits.
 *
 * <p>Context: the tree's lock.
 *
 * <p>Linux: net/sched/sch_hfsc.c
 */
final class HfscTree {
    final HfscClass root;
    /** Active leaves with a guarantee, by when they are eligible. */
    final HfscOrder eligible = new HfscOrder();

    HfscTree(HfscClass root) {
        this.root = root;
    }

    // ---- real time

    /** A leaf becomes active; its first packet has {@code len} bytes. Linux: init_ed(). */
    @HotPath
    void joinRealTime(HfscClass cl, ServiceCurve rt, long nowNs, int len) {
        cl.deadline.cut(rt, nowNs, cl.cumul);
        cl.eligible.eligibleOf(rt, cl.deadline);
        cl.deadlineNs = cl.deadline.timeOf(cl.cumul + len);
        eligible.add(cl.byEligible, cl.eligible.timeOf(cl.cumul));
    }

    /** Its next packet, after one that {@link HfscClass#cumul} counts. Linux: update_ed(). */
    @HotPath
    void nextRealTime(HfscClass cl, int len) {
        cl.deadlineNs = cl.deadline.timeOf(cl.cumul + len);
        eligible.move(cl.byEligible, cl.eligible.timeOf(cl.cumul));
    }

    /** Its next packet, after one of link-sharing. Linux: update_d(). */
    @HotPath
    void nextDeadline(HfscClass cl, int len) {
        cl.deadlineNs = cl.deadline.timeOf(cl.cumul + len);
    }

    /** Of the leaves that are eligible the one with the first deadline, or null. Linux: eltree_get_mindl(). */
    @HotPath
    @Nullable
    HfscClass firstDeadline(long nowNs) {
        HfscClass best = null;
        for (int i = 0; i < eligible.size(); i++) {
            HfscClass cl = eligible.get(i);
            if (cl == null || cl.byEligible.key > nowNs) {
                break;
            }
            if (best == null || cl.deadlineNs < best.deadlineNs) {
                best = cl;
            }
        }
        return best;
    }

    // ---- link-sharing

    /**
     * A leaf becomes active, and those above it that had no active child.
     *
     * <p>Linux: init_vf()
     */
    @HotPath
    void joinSharing(HfscClass leaf, long nowNs) {
        boolean comes = true;
        for (HfscClass cl = leaf; cl.parent != null; cl = cl.parent) {
            HfscClass p = cl.parent;
            comes = comes && cl.active++ == 0;
            if (comes) {
                comesUnder(cl, p, nowNs);
            }
            refit(cl);
        }
    }

    private static void comesUnder(HfscClass cl, HfscClass p, long nowNs) {
        HfscClass last = p.vtOrder.last();
        long vt = cl.byVt.key;
        if (last == null) {
            // The parent's first one: a new round, past all that was.
            vt = p.vtOffset;
            p.minVt = 0;
        } else {
            // Between the least and the greatest; but nobody gains by going and coming in one round.
            long middle = p.minVt != 0 ? (p.minVt + last.byVt.key) / 2 : last.byVt.key;
            if (p.vtPeriod != cl.parentPeriod || middle > vt) {
                vt = middle;
            }
        }
        ServiceCurve ls = cl.linkShare;
        if (ls != null) {
            cl.virtual.cut(ls, vt, cl.total);
        }
        cl.vtAdjust = 0;
        cl.vtPeriod++;
        // The parent counts itself active after its child.
        cl.parentPeriod = p.active == 0 ? p.vtPeriod + 1 : p.vtPeriod;
        p.vtOrder.add(cl.byVt, vt);
        p.fitOrder.add(cl.byFit, 0);
        ServiceCurve ul = cl.upperLimit;
        if (ul != null) {
            cl.ulimit.cut(ul, nowNs, cl.total);
            cl.ownFitNs = cl.ulimit.timeOf(cl.total);
        }
    }

    /** When this class fits may have changed: its place, and its parent's first one. */
    private static void refit(HfscClass cl) {
        HfscClass p = cl.parent;
        if (p == null) {
            return;
        }
        if (cl.byFit.in()) {
            long fit = Math.max(cl.ownFitNs, cl.childFitNs);
            if (fit != cl.byFit.key) {
                p.fitOrder.move(cl.byFit, fit);
            }
        }
        p.childFitNs = p.fitOrder.firstKey(0);
    }

    /**
     * A leaf sent {@code len} bytes, or has {@code empty} nothing more to send: its virtual time and those above.
     *
     * <p>Linux: update_vf()
     */
    @HotPath
    void sent(HfscClass leaf, int len, boolean empty) {
        boolean goes = empty && leaf.linkShare != null;
        for (HfscClass cl = leaf; cl.parent != null; cl = cl.parent) {
            HfscClass p = cl.parent;
            cl.total += len;
            if (cl.linkShare == null || cl.active == 0) {
                continue;
            }
            goes = goes && --cl.active == 0;
            long vt = cl.virtual.timeOf(cl.total) + cl.vtAdjust;
            if (vt < p.minVt) {
                // It was passed over while it did not fit; what it missed is not made up for.
                cl.vtAdjust += p.minVt - vt;
                vt = p.minVt;
            }
            if (goes) {
                p.vtOrder.remove(cl.byVt);
                cl.byVt.key = vt;
                p.vtOffset = Math.max(p.vtOffset, vt);
                p.fitOrder.remove(cl.byFit);
                p.childFitNs = p.fitOrder.firstKey(0);
                continue;
            }
            p.vtOrder.move(cl.byVt, vt);
            if (cl.upperLimit != null) {
                cl.ownFitNs = cl.ulimit.timeOf(cl.total);
            }
            refit(cl);
        }
    }

    /** The leaf whose turn it is, or null if nobody fits. Linux: vttree_get_minvt(). */
    @HotPath
    @Nullable
    HfscClass firstFit(long nowNs) {
        HfscClass cl = root;
        if (cl.childFitNs > nowNs) {
            return null;
        }
        while (cl.level > 0) {
            HfscClass p = cl;
            cl = fitting(p, nowNs);
            if (cl == null) {
                return null;
            }
            p.minVt = Math.max(p.minVt, cl.byVt.key);
        }
        return cl == root ? null : cl;
    }

    private static @Nullable HfscClass fitting(HfscClass p, long nowNs) {
        for (int i = 0; i < p.vtOrder.size(); i++) {
            HfscClass cl = p.vtOrder.get(i);
            if (cl != null && cl.byFit.key <= nowNs) {
                return cl;
            }
        }
        return null;
    }

    /** When somebody may send who may not now; {@link ServiceCurve#NEVER} for nobody. Linux: hfsc_schedule_watchdog(). */
    @HotPath
    long nextNs() {
        long next = eligible.firstKey(ServiceCurve.NEVER);
        return root.childFitNs != 0 ? Math.min(next, root.childFitNs) : next;
    }

    /** A leaf has nothing to send, whether it was known or not. */
    void leave(HfscClass cl) {
        if (cl.active != 0) {
            sent(cl, 0, true);
        }
        if (cl.byEligible.in()) {
            eligible.remove(cl.byEligible);
        }
    }
}
