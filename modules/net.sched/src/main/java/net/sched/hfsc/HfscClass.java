package net.sched.hfsc;

import java.util.ArrayList;
import java.util.List;
import net.core.dev.Qdisc;
import net.core.dev.TcfBlock;
import org.jspecify.annotations.Nullable;

/**
 * One class. A leaf, level 0, has a discipline that queues; the root stands for the discipline itself.
 *
 * <p>Context: the tree's lock.
 *
 * <p>Linux: struct hfsc_class
 */
final class HfscClass {
    final int classid;
    final @Nullable HfscClass parent;
    final List<HfscClass> children = new ArrayList<>();
    /** One more than the highest child's; 0 for a leaf. */
    int level;

    /** Null for the root alone, whose queue is the discipline's. */
    @Nullable
    Qdisc leaf;

    @Nullable
    TcfBlock filters;

    // Settings.
    @Nullable
    ServiceCurve realTime;

    @Nullable
    ServiceCurve linkShare;

    @Nullable
    ServiceCurve upperLimit;

    // Real time: what a class gets whatever the others do.
    /** When work must be done, by {@link #cumul}. */
    final RuntimeCurve deadline = new RuntimeCurve();
    /** When work may be done on this account. */
    final RuntimeCurve eligible = new RuntimeCurve();
    /** Bytes sent on this account. */
    long cumul;
    /** When the next packet must be out, ns. */
    long deadlineNs;
    /** Among all leaves, by when the next packet may go on this account. */
    final HfscOrder.Place byEligible = new HfscOrder.Place(this);

    // Link-sharing: siblings keep their virtual times together.
    /** Virtual time, ns of its own, by {@link #total}. */
    final RuntimeCurve virtual = new RuntimeCurve();
    /** Bytes sent in all. */
    long total;
    /** Among its siblings, by virtual time. */
    final HfscOrder.Place byVt = new HfscOrder.Place(this);
    /** Virtual time given to it for being passed over while its limit held it. */
    long vtAdjust;
    /** Active children; 1 for an active leaf. */
    int active;
    /** Times it became active, and its parent's count at the last time: tells whether its virtual time is of this round. */
    int vtPeriod;

    int parentPeriod;

    // Upper limit.
    /** When it may have sent {@link #total}, by its own curve. */
    final RuntimeCurve ulimit = new RuntimeCurve();

    long ownFitNs;
    /** Among its siblings, by when it fits: its own limit and the first child's. */
    final HfscOrder.Place byFit = new HfscOrder.Place(this);

    // Of an inner class, about its active children.
    final HfscOrder vtOrder = new HfscOrder();
    final HfscOrder fitOrder = new HfscOrder();
    /** When the first child fits; 0: at any time. */
    long childFitNs;
    /** Virtual time of the child that was served last. */
    long minVt;
    /** Highest virtual time of a child that went: those who come start here. */
    long vtOffset;

    // Counters.
    long bytes;
    long packets;
    long drops;

    HfscClass(int classid, @Nullable HfscClass parent, @Nullable Qdisc leaf) {
        this.classid = classid;
        this.parent = parent;
        this.leaf = leaf;
    }

    /** Levels of this class and those above it, after a child came or went. */
    void adjustLevels() {
        for (HfscClass cl = this; cl != null; cl = cl.parent) {
            int above = 0;
            for (HfscClass child : cl.children) {
                above = Math.max(above, child.level + 1);
            }
            cl.level = above;
        }
    }

    /** All that this class has sent is forgotten, and it is not active. Linux: hfsc_reset_class(). */
    void forget() {
        cumul = 0;
        total = 0;
        deadlineNs = 0;
        vtAdjust = 0;
        active = 0;
        vtPeriod = 0;
        parentPeriod = 0;
        ownFitNs = 0;
        childFitNs = 0;
        minVt = 0;
        vtOffset = 0;
        byVt.key = 0;
        byFit.key = 0;
        vtOrder.clear();
        fitOrder.clear();
        ServiceCurve rt = realTime;
        if (rt != null) {
            beginRealTime(rt, 0);
        }
        ServiceCurve ls = linkShare;
        if (ls != null) {
            virtual.begin(ls, 0, 0);
        }
        ServiceCurve ul = upperLimit;
        if (ul != null) {
            ulimit.begin(ul, 0, 0);
        }
    }

    /**
     * A new guarantee, from now on.
     *
     * <p>{@code Deviation:} Linux begins it at time 0, so that a class with packets may at once send all that it would have
     * been due since.
     *
     * <p>Linux: hfsc_change_rsc()
     */
    void beginRealTime(ServiceCurve rt, long nowNs) {
        realTime = rt;
        deadline.begin(rt, nowNs, cumul);
        eligible.eligibleOf(rt, deadline);
    }

    /** A new share, from the virtual time and work where it is. Linux: hfsc_change_fsc(). */
    void beginLinkShare(ServiceCurve ls) {
        linkShare = ls;
        virtual.begin(ls, byVt.key, total);
    }

    /** A new limit, from now on. Linux: hfsc_change_usc(). */
    void beginUpperLimit(ServiceCurve ul, long nowNs) {
        upperLimit = ul;
        ulimit.begin(ul, nowNs, total);
    }
}
