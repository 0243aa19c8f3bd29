package net.sched.shape;

import java.util.List;
import net.core.Cpu;
import net.core.dev.Gso;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscSkbCb;
import net.core.dev.SchGeneric;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.ClassfulQdisc;
import net.sched.PschedRatecfg;
import net.sched.QdiscWatchdog;
import net.sched.TcAttrs;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * A token bucket, or two: the head of its child's queue goes when the bucket holds the time that its bytes take at the
 * rate and, with a peak rate, a second, small bucket holds it too. Tokens are nanoseconds.
 *
 * <p>GSO packets that are larger than the bucket are split on arrival.
 *
 * <p>Linux: net/sched/sch_tbf.c
 */
final class Tbf extends ClassfulQdisc {
    private final QdiscWatchdog watchdog = new QdiscWatchdog(this);
    private PschedRatecfg rate = new PschedRatecfg(1);
    private @Nullable PschedRatecfg peak;
    private Qdisc child;
    /** Depth of the bucket, bytes and ns at the rate. */
    private int burst;

    private long bufferNs;
    /** Depth of the peak rate's bucket, bytes and ns. */
    private int mtu;

    private long mtuNs;
    /** Largest packet that is let in, bytes. */
    private int maxSize;

    private long tokens;
    private long ptokens;
    private long checkpointNs;

    Tbf(TbfOps ops, NetdevQueue devQueue) {
        super(ops, devQueue, 0);
        child = this; // until init
    }

    @Override
    public boolean takesFilters() {
        return false;
    }

    @Override
    public int init(@Nullable Object opt) {
        TcAttrs a = TcAttrs.of(opt);
        if (!a.has("rate")) {
            a = TcAttrs.of(new TbfOps().parse(List.of()));
        }
        int err = check(a);
        if (err != 0) {
            return err;
        }
        Qdisc c = child(TcHandle.make(handle, 1), "bfifo");
        child = c;
        checkpointNs = devQueue.dev.kernel().clock().nanoTime();
        return configure(a);
    }

    @Override
    public int change(@Nullable Object opt) {
        TcAttrs a = TcAttrs.of(opt);
        int err = check(a);
        return err != 0 ? err : configure(a);
    }

    private static int check(TcAttrs a) {
        long peakrate = a.get("peakrate", 0L);
        return a.get("rate", 0L) <= 0 || (peakrate != 0 && peakrate <= a.get("rate", 0L)) ? -Errno.EINVAL : 0;
    }

    private int configure(TcAttrs a) {
        boolean atm = !a.get("linklayer", "ethernet").equals("ethernet");
        int overhead = a.get("overhead", 0);
        int mpu = a.get("mpu", 0);
        rate = new PschedRatecfg(a.get("rate", 0L), overhead, mpu, atm);
        burst = a.get("burst", 0);
        bufferNs = rate.l2tNs(burst);
        maxSize = burst;
        long peakrate = a.get("peakrate", 0L);
        mtu = a.get("mtu", 0);
        PschedRatecfg p = null;
        if (peakrate != 0) {
            p = new PschedRatecfg(peakrate, overhead, mpu, atm);
            mtuNs = p.l2tNs(mtu);
            maxSize = Math.min(maxSize, mtu);
        }
        peak = p;
        limit = (int) Math.min(Integer.MAX_VALUE, a.has("limit") ? a.get("limit", 0L) : limitOf(a, peakrate));
        tokens = bufferNs;
        ptokens = mtuNs;
        if (child.id().equals("bfifo") && (child.flags & TCQ_F_INVISIBLE) != 0) {
            return child.change(limit);
        }
        return 0;
    }

    /** Bytes that wait no longer than the latency asked for. */
    private long limitOf(TcAttrs a, long peakrate) {
        double s = a.get("latency", 0L) / 1e9;
        double n = rate.rateBytesPs * s + burst;
        return (long) (peakrate == 0 ? n : Math.min(n, peakrate * s + mtu));
    }

    @Override
    public void trim(Cpu cpu) {
        child.trim(cpu);
    }

    @Override
    @HotPath
    public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
        if (QdiscSkbCb.pktLen(skb) > maxSize) {
            if (skb.shinfo().gsoSize != 0 && Gso.validateMacLen(skb, maxSize)) {
                return segment(cpu, skb, toFree);
            }
            return qdiscDrop(skb, toFree);
        }
        return enqueueChild(cpu, child, skb, toFree);
    }

    /** Enqueues the segments of a packet that is larger than the bucket. Linux: tbf_segment(). */
    private int segment(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
        SkBuff segs = SchGeneric.segmentInQdisc(cpu, skb, devQueue.dev);
        if (segs == null) {
            return qdiscDrop(skb, toFree);
        }
        int prevLen = QdiscSkbCb.pktLen(skb);
        int n = 0;
        int bytes = 0;
        while (segs != null) {
            SkBuff next = segs.next;
            segs.next = null;
            int len = QdiscSkbCb.pktLen(segs);
            int rc = child.enqueue(cpu, segs, toFree);
            if (rc == NetXmit.NET_XMIT_SUCCESS) {
                n++;
                bytes += len;
            } else {
                drops += NetXmit.dropCount(rc);
            }
            segs = next;
        }
        qlen += n;
        backlog += bytes;
        if (n == 0) {
            toFree.addTail(skb);
            return NetXmit.NET_XMIT_DROP;
        }
        skb.consume(cpu);
        // The parents count one packet of the old length by themselves.
        treeReduceBacklog(1 - n, prevLen - bytes);
        return NetXmit.NET_XMIT_SUCCESS;
    }

    /**
     * What goes next. A packet that was let in by a larger bucket, before a change, would wait for ever.
     *
     * <p>{@code Deviation:} it is dropped; in Linux it holds up all behind it.
     */
    @HotPath
    private @Nullable SkBuff head(Cpu cpu) {
        SkBuff first = child.peek(cpu);
        while (first != null && QdiscSkbCb.pktLen(first) > maxSize) {
            SkBuff skb = child.dequeuePeeked(cpu);
            if (skb == null) {
                return null;
            }
            qstatsSub(skb);
            treeReduceBacklog(1, QdiscSkbCb.pktLen(skb));
            dequeueDrop(cpu, skb, SkbDropReason.QDISC_OVERLIMIT);
            first = child.peek(cpu);
        }
        return first;
    }

    @Override
    @HotPath
    public @Nullable SkBuff dequeue(Cpu cpu) {
        SkBuff first = head(cpu);
        if (first == null) {
            return null;
        }
        long now = cpu.nowNs();
        int len = QdiscSkbCb.pktLen(first);
        long toks = Math.min(now - checkpointNs, bufferNs);
        long ptoks = 0;
        PschedRatecfg p = peak;
        if (p != null) {
            ptoks = Math.min(toks + ptokens, mtuNs) - p.l2tNs(len);
        }
        toks = Math.min(toks + tokens, bufferNs) - rate.l2tNs(len);
        if ((toks | ptoks) < 0) {
            watchdog.scheduleNs(cpu, now + Math.max(-toks, -ptoks));
            // Frames that could go are still held back: whoever is in front decides.
            overlimits++;
            return null;
        }
        SkBuff skb = child.dequeuePeeked(cpu);
        if (skb != null) {
            checkpointNs = now;
            tokens = toks;
            ptokens = ptoks;
            sentFromChild(skb);
        }
        return skb;
    }

    @Override
    protected void forget() {
        watchdog.cancel();
        checkpointNs = devQueue.dev.kernel().clock().nanoTime();
        tokens = bufferNs;
        ptokens = mtuNs;
    }

    @Override
    public void destroy(Cpu cpu) {
        watchdog.cancel();
        super.destroy(cpu);
    }

    // One class, of minor number 1.

    @Override
    protected List<Qdisc> children() {
        return child == this ? List.of() : List.of(child);
    }

    @Override
    public @Nullable Object find(int classid) {
        return TcHandle.minor(classid) == 1 ? this : null;
    }

    @Override
    public Qdisc leaf(Object cl) {
        return child;
    }

    @Override
    public Qdisc graft(Object cl, Qdisc c) {
        Qdisc old = child;
        child = c;
        return old;
    }

    @Override
    public void walk(Visitor visitor) {
        visitor.visit(this);
    }

    @Override
    public int classid(Object cl) {
        return TcHandle.make(handle, 1);
    }

    @Override
    public void dump(TcPrint p) {
        p.rate("rate", "rate ", rate.rateBytesPs, " ");
        if (p.details()) {
            p.str("burst", "burst ", net.core.tc.TcUnits.size(burst) + "/1", " ");
            p.size("mpu", "mpu ", rate.mpu, " ");
        } else {
            p.size("burst", "burst ", burst, " ");
        }
        PschedRatecfg pk = peak;
        if (pk != null) {
            p.text("peakrate " + net.core.tc.TcUnits.rate(pk.rateBytesPs) + " "); // iproute2 leaves it out of JSON
            if (p.details()) {
                p.str("mtu", "mtu ", net.core.tc.TcUnits.size(mtu) + "/1", " ");
                p.size("mpu", "mpu ", pk.mpu, " ");
            } else {
                p.size("minburst", "minburst ", mtu, " ");
            }
        }
        double latencyUs = 1e6 * (limit - (double) burst) / rate.rateBytesPs;
        if (pk != null) {
            latencyUs = Math.max(latencyUs, 1e6 * (limit - (double) mtu) / pk.rateBytesPs);
        }
        if (latencyUs >= 0) {
            p.timeUs("lat", "lat ", (long) latencyUs, " ");
        } else {
            p.size("limit", "limit ", limit, " ");
        }
        if (rate.overhead != 0) {
            p.num("overhead", "overhead ", rate.overhead, " ");
        }
        if (rate.atm || p.details()) {
            p.str("linklayer", "linklayer ", rate.atm ? "atm" : "ethernet", " ");
        }
    }
}
