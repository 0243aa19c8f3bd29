package net.sched.hfsc;

import net.skbuff.HotPath;

/**
 * A service curve that began at a point: how much work is due at a time, and when. Each time its class becomes active
 * again it is cut down to the least of itself and a curve that begins now ({@link #cut}).
 *
 * <p>Context: the tree's lock.
 *
 * <p>Linux: struct runtime_sc
 */
final class RuntimeCurve {
    /** Where it begins: time, ns (virtual time for link-sharing), and work, bytes. */
    private long x;

    private long y;
    /** Length of the first segment. */
    private long dx;

    private long dy;
    private long m1;
    private long m2;

    /** Begins anew at a point. Linux: rtsc_init(). */
    void begin(ServiceCurve sc, long atX, long atY) {
        x = atX;
        y = atY;
        dx = sc.dNs;
        dy = sc.dBytes;
        m1 = sc.m1;
        m2 = sc.m2;
    }

    /** What a class may take in advance: of a concave curve all of it, of a convex one only what it gives in the long run. */
    void eligibleOf(ServiceCurve sc, RuntimeCurve deadline) {
        x = deadline.x;
        y = deadline.y;
        dx = sc.concave() ? deadline.dx : 0;
        dy = sc.concave() ? deadline.dy : 0;
        m1 = deadline.m1;
        m2 = deadline.m2;
    }

    /** When {@code work} is due. Linux: rtsc_y2x(). */
    @HotPath
    long timeOf(long work) {
        if (work < y) {
            return x;
        }
        if (work > y + dy) {
            return x + dx + ServiceCurve.time(work - y - dy, m2);
        }
        // On a first segment that is level the work is there at its end only.
        return dy == 0 ? x + dx : x + ServiceCurve.time(work - y, m1);
    }

    /** What is due at {@code time}. Linux: rtsc_x2y(). */
    @HotPath
    long workAt(long time) {
        if (time <= x) {
            return y;
        }
        if (time <= x + dx) {
            return y + ServiceCurve.work(time - x, m1);
        }
        return y + dy + ServiceCurve.work(time - x - dx, m2);
    }

    /** The lower one of this and the curve {@code sc} begun at a point, from there on. Linux: rtsc_min(). */
    @HotPath
    void cut(ServiceCurve sc, long atX, long atY) {
        long here = workAt(atX);
        if (!sc.concave()) {
            // Two convex curves of one shape do not cross: the one that is lower now stays so.
            if (here >= atY) {
                x = atX;
                y = atY;
            }
            return;
        }
        if (here <= atY) {
            return;
        }
        if (workAt(atX + sc.dNs) >= atY + sc.dBytes) {
            begin(sc, atX, atY);
            return;
        }
        // They cross in the new curve's first segment: it is steep until it meets the old one.
        long first = ServiceCurve.time(here - atY, sc.m1 - sc.m2);
        if (x + dx > atX) {
            first += x + dx - atX; // as long as the old one is steep too, they do not come nearer
        }
        x = atX;
        y = atY;
        dx = first;
        dy = ServiceCurve.work(first, sc.m1);
    }
}
