package net.sched.taprio;

import java.util.Arrays;
import java.util.List;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.NetDevice;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscSkbCb;
import net.core.dev.QdiscStats;
import net.core.dev.SchGeneric;
import net.core.dev.TrafficClasses;
import net.core.sock.Sock;
import net.core.sock.SockFlag;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.ClassfulQdisc;
import net.sched.QdiscWatchdog;
import net.sched.TcQueues;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * Gates in front of a device's transmit queues: a discipline for each queue, and of those whose class's gate is open the
 * highest class goes first.
 *
 * <p>{@code Deviation:} what was given to the driver is taken to be on the wire until {@link #wireFreeNs}, and the next
 * packet must end in its window after that. Linux compares each packet alone with the gate's end and bounds their sum by a
 * budget for each interval.
 *
 * <p>Linux: net/sched/sch_taprio.c
 */
final class Taprio extends ClassfulQdisc {
    private static final long SEC = 1_000_000_000L;
    private static final int MIN_FRAME = 60;
    private static final int TXTIME_ASSIST = 1;

    private final QdiscWatchdog watchdog = new QdiscWatchdog(this);
    private Qdisc[] queues = {};
    private TrafficClasses tcs = new TrafficClasses(new int[0], new int[] {1}, new int[] {0});
    private TaprioGates gates = new TaprioGates(1);
    private String clock = "TAI";
    private boolean monotonic;
    private int flags;
    private long txtimeDelay;
    /** Of the link, bytes per second. */
    private long speed = TaprioOps.DEFAULT_SPEED;
    /** By class, of a packet without its link header; 0: any. */
    private int[] maxSdu = new int[TrafficClasses.MAX];

    /** By class: where the round of its queues stands. */
    private final int[] turn = new int[TrafficClasses.MAX];
    /** When the last packet given to the driver is off the wire, by the schedule's clock. */
    private long wireFreeNs;
    /** By class, with transmit times: when its last packet is off the wire. */
    private final long[] nextTxNs = new long[TrafficClasses.MAX];

    Taprio(TaprioOps ops, NetdevQueue devQueue) {
        super(ops, devQueue, 0);
    }

    // ---- settings

    @Override
    public int init(@Nullable Object opt) {
        if (parentQdisc != null) {
            throw new UserError("Error: Can only be attached as root qdisc");
        }
        TaprioOps.Options o = options(opt);
        NetDevice dev = devQueue.dev;
        if (o.clock.isEmpty()) {
            throw new UserError("Error: Invalid 'clockid': taprio wants one, such as CLOCK_TAI");
        }
        if (!o.queues.hasQueues() && (o.queues.numTc() == 0 || dev.tx.length == 1)) {
            o.queues.spread(dev, 8);
        }
        tcs = o.queues.validate(dev);
        gates = new TaprioGates(tcs.size());
        clock = o.clock;
        monotonic = clock.equals("MONOTONIC") || clock.equals("BOOTTIME");
        flags = o.flags;
        txtimeDelay = o.txtimeDelay;
        queues = new Qdisc[dev.tx.length];
        for (int i = 0; i < queues.length; i++) {
            queues[i] = child(TcHandle.make(handle, i + 1), "pfifo");
        }
        schedule(o);
        return 0;
    }

    private static TaprioOps.Options options(@Nullable Object opt) {
        return opt instanceof TaprioOps.Options o ? o : TaprioOps.bare(new TaprioOps.Options());
    }

    /** A new schedule; what is not given stays. */
    @Override
    public int change(@Nullable Object opt) {
        TaprioOps.Options o = options(opt);
        if (o.flags != flags) {
            throw new UserError("Error: Changing 'flags' of a running schedule is not supported");
        }
        if (!o.clock.isEmpty() && !o.clock.equals(clock)) {
            throw new UserError("Error: Changing the 'clockid' of a running schedule is not supported");
        }
        if (o.queues.numTc() != 0 && !same(o.queues.validate(devQueue.dev))) {
            throw new UserError("Error: Changing the traffic mapping of a running schedule is not supported");
        }
        schedule(o);
        return 0;
    }

    private boolean same(TrafficClasses o) {
        boolean same = o.size() == tcs.size();
        for (int i = 0; same && i < TrafficClasses.MAX; i++) {
            same = o.tcOf(i) == tcs.tcOf(i);
        }
        for (int tc = 0; same && tc < tcs.size(); tc++) {
            same = o.count(tc) == tcs.count(tc) && o.offset(tc) == tcs.offset(tc);
        }
        return same;
    }

    private void schedule(TaprioOps.Options o) {
        TaprioSchedule s = o.schedule(tcs.size());
        long rate = o.speed != 0 ? o.speed : speed;
        for (long interval : s.intervalNs) {
            if (interval < MIN_FRAME * SEC / rate) {
                throw new UserError(
                        "Error: Interval of " + interval + " ns is too small for a frame of " + MIN_FRAME + " bytes");
            }
        }
        speed = rate;
        if (o.maxSdu.length > 0) {
            maxSdu = Arrays.copyOf(o.maxSdu, TrafficClasses.MAX);
        }
        gates.set(s, now());
    }

    @Override
    public void attach(NetDevice dev) {
        TcQueues.set(dev, tcs, true);
    }

    @Override
    public void destroy(Cpu cpu) {
        watchdog.cancel();
        TcQueues.set(devQueue.dev, tcs, false);
        super.destroy(cpu);
    }

    // ---- packets

    /** Now on the schedule's clock; TAI is UTC, as in a Linux whose offset nobody has set. */
    @HotPath
    private long now() {
        var c = devQueue.dev.kernel().clock();
        return monotonic ? c.nanoTime() : c.realTimeNs();
    }

    /** Time on the wire, rounded up. Linux: length_to_duration(). */
    @HotPath
    private long wireNs(int bytes) {
        return (bytes * SEC + speed - 1) / speed;
    }

    @Override
    @HotPath
    public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
        if (skb.queueMapping >= queues.length) {
            return qdiscDrop(skb, toFree);
        }
        int tc = tcOf(skb);
        if (!fits(tc, skb)) {
            return skb.shinfo().gsoSize != 0 ? segment(cpu, skb, toFree) : qdiscDrop(skb, toFree);
        }
        return timed(tc, skb) ? enqueueChild(cpu, queues[skb.queueMapping], skb, toFree) : qdiscDrop(skb, toFree);
    }

    /** The class of the queue that was chosen; a driver may have chosen by itself. */
    @HotPath
    private int tcOf(SkBuff skb) {
        int tc = tcs.tcOf(skb.priority);
        int queue = skb.queueMapping - tcs.offset(tc);
        return queue >= 0 && queue < tcs.count(tc) ? tc : Math.max(0, tcs.tcOfQueue(skb.queueMapping));
    }

    /** Within the class's maximum, and within its longest window. Linux: taprio_skb_exceeds_queue_max_sdu(). */
    @HotPath
    private boolean fits(int tc, SkBuff skb) {
        int max = maxSdu[tc];
        return (max == 0 || skb.len <= max + devQueue.dev.hardHeaderLen)
                && wireNs(QdiscSkbCb.pktLen(skb)) <= gates.longestOpen(tc);
    }

    /** With flags 0x1 the packet gets its transmit time; one that has it must be within a window. */
    private boolean timed(int tc, SkBuff skb) {
        long wire = wireNs(QdiscSkbCb.pktLen(skb));
        if (skb.sk instanceof Sock sk && sk.flag(SockFlag.TXTIME)) {
            return gates.fit(tc, skb.tstampNs, wire) == skb.tstampNs;
        }
        if ((flags & TXTIME_ASSIST) == 0) {
            return true;
        }
        long at = gates.fit(tc, Math.max(now() + txtimeDelay, nextTxNs[tc]), wire);
        if (at == TaprioSchedule.NEVER) {
            return false;
        }
        skb.tstampNs = at;
        nextTxNs[tc] = at + wire;
        return true;
    }

    /** Enqueues the segments of a packet that is too large for its gate. Linux: taprio_enqueue_segmented(). */
    private int segment(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
        SkBuff segs = SchGeneric.segmentInQdisc(cpu, skb, devQueue.dev);
        if (segs == null) {
            return qdiscDrop(skb, toFree);
        }
        int queue = skb.queueMapping;
        int n = 0;
        while (segs != null) {
            SkBuff s = segs;
            segs = s.next;
            s.next = null;
            s.queueMapping = queue;
            int tc = tcOf(s);
            int rc = fits(tc, s) && timed(tc, s) ? enqueueChild(cpu, queues[queue], s, toFree) : qdiscDrop(s, toFree);
            n += rc == NetXmit.NET_XMIT_SUCCESS ? 1 : 0;
        }
        if (n == 0) {
            toFree.addTail(skb);
            return NetXmit.NET_XMIT_DROP;
        }
        skb.consume(cpu);
        return NetXmit.NET_XMIT_SUCCESS;
    }

    @Override
    @HotPath
    public @Nullable SkBuff dequeue(Cpu cpu) {
        if (qlen == 0) {
            return null;
        }
        boolean assist = (flags & TXTIME_ASSIST) != 0;
        long now = assist ? 0 : now();
        gates.roll(now);
        long next = TaprioSchedule.NEVER;
        for (int tc = tcs.size() - 1; tc >= 0; tc--) {
            int n = tcs.count(tc);
            int first = turn[tc];
            for (int i = 0; i < n; i++) {
                int at = first + i < n ? first + i : first + i - n;
                Qdisc child = queues[tcs.offset(tc) + at];
                if (child.qlen == 0) {
                    continue;
                }
                if (!assist) {
                    SkBuff head = child.peek(cpu);
                    if (head == null) {
                        continue; // it holds packets back by itself
                    }
                    long when = start(tc, now, wireNs(QdiscSkbCb.pktLen(head)));
                    if (when != now) {
                        next = Math.min(next, when);
                        continue;
                    }
                }
                SkBuff skb = child.dequeuePeeked(cpu);
                if (skb != null) {
                    turn[tc] = at + 1 < n ? at + 1 : 0;
                    onTheWire(now, skb);
                    sentFromChild(skb);
                    return skb;
                }
            }
        }
        if (next < TaprioSchedule.NEVER) {
            watchdog.scheduleNs(cpu, cpu.nowNs() + next - now);
        }
        return null;
    }

    /** When a packet may be given to the driver: {@code now}, if its gate is open until it is through. */
    @HotPath
    private long start(int tc, long now, long wire) {
        long behind = Math.max(0, wireFreeNs - now);
        return gates.fit(tc, now, behind + wire) == now ? now : gates.fit(tc, now + behind, wire);
    }

    /** A link that takes more than {@link #speed} does not get ever further ahead. */
    private void onTheWire(long now, SkBuff skb) {
        long wire = wireNs(QdiscSkbCb.pktLen(skb));
        TaprioSchedule s = gates.oper();
        long most = now + (s == null ? SEC : s.cycleNs);
        wireFreeNs = Math.min(Math.max(now, wireFreeNs) + wire, Math.max(most, now + wire));
    }

    @Override
    protected void forget() {
        watchdog.cancel();
        wireFreeNs = 0;
        Arrays.fill(nextTxNs, 0);
        Arrays.fill(turn, 0);
    }

    // ---- classes: the queues

    @Override
    protected List<Qdisc> children() {
        return Arrays.asList(queues);
    }

    @Override
    public @Nullable Object find(int classid) {
        int i = TcHandle.minor(classid) - 1;
        return i >= 0 && i < queues.length ? i : null; // allocates: configuration
    }

    @Override
    public @Nullable Qdisc leaf(Object cl) {
        return queues[(Integer) cl];
    }

    @Override
    public @Nullable Qdisc graft(Object cl, Qdisc child) {
        Qdisc old = queues[(Integer) cl];
        queues[(Integer) cl] = child;
        return old;
    }

    @Override
    public void walk(Visitor visitor) {
        for (int i = 0; i < queues.length; i++) {
            if (!visitor.visit(i)) {
                return;
            }
        }
    }

    @Override
    public int classid(Object cl) {
        return TcHandle.make(handle, (Integer) cl + 1);
    }

    @Override
    public void stats(Object cl, QdiscStats to) {
        to.of(queues[(Integer) cl]);
    }

    // ---- tc

    @Override
    public void dump(TcPrint p) {
        TcQueues.dumpMap(tcs, p, " ", "");
        p.nl();
        p.openArray("queues", "queues");
        for (int tc = 0; tc < tcs.size(); tc++) {
            p.open("");
            p.num("offset", " offset ", tcs.offset(tc), "");
            p.num("count", " count ", tcs.count(tc), "");
            p.close();
        }
        p.closeArray("").nl();
        p.str("clockid", "clockid ", clock, "");
        if (flags != 0) {
            p.hex("flags", " flags ", flags, "");
        }
        if (txtimeDelay != 0) {
            p.num("txtime_delay", " txtime delay ", txtimeDelay, "");
        }
        gates.roll(now());
        TaprioSchedule oper = gates.oper();
        if (oper != null) {
            dump(oper, p);
        }
        TaprioSchedule admin = gates.admin();
        if (admin != null) {
            p.open("admin");
            dump(admin, p);
            p.close();
        }
        if (Arrays.stream(maxSdu).anyMatch(n -> n != 0)) {
            p.openArray("max-sdu", "max-sdu");
            for (int sdu : maxSdu) {
                p.num("", " ", sdu, "");
            }
            p.closeArray("").nl();
        }
    }

    private static void dump(TaprioSchedule s, TcPrint p) {
        p.num("base_time", "\tbase-time ", s.baseNs, "");
        p.num("cycle_time", " cycle-time ", s.cycleNs, "");
        p.num("cycle_time_extension", " cycle-time-extension ", s.extensionNs, "");
        p.openArray("schedule", "").nl();
        for (int i = 0; i < s.masks.length; i++) {
            p.open("");
            p.num("index", "\tindex ", i, "");
            p.str("cmd", " cmd ", String.valueOf(s.commands[i]), "");
            p.hex("gatemask", " gatemask ", s.masks[i] & 0xFFFFFFFFL, "");
            p.num("interval", " interval ", s.intervalNs[i], "");
            p.close().nl();
        }
        p.closeArray("");
    }
}
