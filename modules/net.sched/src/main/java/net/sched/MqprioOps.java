package net.sched;

import java.util.List;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.NetDevice;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscStats;
import net.core.dev.TrafficClasses;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import org.jspecify.annotations.Nullable;

/**
 * {@code mqprio [num_tc N] [map P0 P1 ...] [queues COUNT@OFFSET ...] [hw 0]}: a packet's priority gives its traffic class,
 * the class its range of transmit queues, each with a qdisc of its own. Which queue the card serves first is the card's
 * affair.
 *
 * <p>{@code Deviation:} {@code hw} is 0 unless given, since no device here has the offload: Linux's tc has 1. Without
 * {@code queues} those of the device are dealt out evenly, and without {@code num_tc} there are as many classes as queues,
 * up to eight; Linux refuses both with hw 0, and a device with a single queue.
 *
 * <p>Linux: net/sched/sch_mqprio.c; tc/q_mqprio.c
 */
public final class MqprioOps implements QdiscOps {
    private static final String USAGE = "Usage: ... mqprio [num_tc NUMBER] [map P0 P1 ...]"
            + " [queues count1@offset1 count2@offset2 ...] [hw 0] [mode dcb] [shaper dcb]";
    private static final int DEFAULT_TCS = 8;
    private static final int[] DEFAULT_MAP = {0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 1, 1, 3, 3, 3, 3};

    /** Creates the kind. */
    public MqprioOps() {}

    @Override
    public String id() {
        return "mqprio";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        TcOptions in = new TcOptions("mqprio", args);
        TcQueues queues = new TcQueues(0, DEFAULT_MAP);
        while (in.hasNext()) {
            String word = in.next();
            if (queues.read(word, in)) {
                continue;
            }
            switch (word) {
                case "hw" -> {
                    if (in.number("hw", 0, 255) != 0) {
                        throw new UserError("Error: Device does not support hardware offload: say hw 0");
                    }
                }
                case "mode", "shaper" -> {
                    String v = in.value(word, "dcb");
                    if (!v.equals("dcb")) {
                        throw new UserError("Illegal " + word + " (" + v + "): only hardware offload has one but dcb");
                    }
                }
                default -> throw new UserError("unknown argument \"" + word + "\". " + USAGE);
            }
        }
        return queues;
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Mqprio(this, devQueue);
    }

    /** The root; no packet passes through it. Its classes are those of traffic, at minor FFE0 and up, and the queues. */
    private static final class Mqprio extends MqRoot {
        private static final int MIN_PRIORITY = 0xFFE0;
        /** Classes of traffic are numbered, among the objects that stand for classes, from here. */
        private static final int TC = 1 << 20;

        private @Nullable TrafficClasses tcs;

        Mqprio(QdiscOps ops, NetdevQueue devQueue) {
            super(ops, devQueue);
        }

        @Override
        public int init(@Nullable Object opt) {
            NetDevice dev = devQueue.dev;
            TcQueues queues = opt instanceof TcQueues t ? t : new TcQueues(0, DEFAULT_MAP);
            if (!queues.hasQueues()) {
                queues.spread(dev, DEFAULT_TCS);
            }
            tcs = queues.validate(dev);
            makeChildren();
            return 0;
        }

        @Override
        public void attach(NetDevice dev) {
            super.attach(dev);
            TcQueues.set(dev, tcs, true);
        }

        @Override
        public void destroy(Cpu cpu) {
            TcQueues.set(devQueue.dev, tcs, false);
        }

        private int tcCount() {
            TrafficClasses t = tcs;
            return t == null ? 0 : t.size();
        }

        @Override
        public @Nullable Object find(int classid) {
            int tc = TcHandle.minor(classid) - MIN_PRIORITY;
            return tc >= 0 && tc < tcCount() ? Integer.valueOf(TC + tc) : super.find(classid);
        }

        @Override
        public @Nullable Qdisc leaf(Object cl) {
            return (Integer) cl >= TC ? null : super.leaf(cl);
        }

        @Override
        public void walk(Visitor visitor) {
            for (int tc = 0; tc < tcCount(); tc++) {
                if (!visitor.visit(TC + tc)) {
                    return;
                }
            }
            super.walk(visitor);
        }

        @Override
        public int classid(Object cl) {
            int i = (Integer) cl;
            return i >= TC ? TcHandle.make(handle, MIN_PRIORITY + i - TC) : super.classid(cl);
        }

        @Override
        public int parentOf(Object cl) {
            int i = (Integer) cl;
            TrafficClasses t = tcs;
            int tc = i >= TC || t == null ? -1 : t.tcOfQueue(i);
            if (tc >= 0) {
                return TcHandle.make(handle, MIN_PRIORITY + tc);
            }
            return i >= TC ? TcHandle.ROOT : TcHandle.UNSPEC;
        }

        @Override
        public void stats(Object cl, QdiscStats to) {
            int i = (Integer) cl;
            TrafficClasses t = tcs;
            if (i < TC || t == null) {
                super.stats(cl, to);
                return;
            }
            QdiscStats one = new QdiscStats();
            for (int n = 0; n < t.count(i - TC); n++) {
                super.stats(t.offset(i - TC) + n, one);
                to.bytes += one.bytes;
                to.packets += one.packets;
                to.drops += one.drops;
                to.overlimits += one.overlimits;
                to.requeues += one.requeues;
                to.backlog += one.backlog;
                to.qlen += one.qlen;
            }
        }

        @Override
        public void dump(TcPrint p) {
            TrafficClasses t = tcs;
            if (t == null) {
                return;
            }
            TcQueues.dumpMap(t, p, "", " ");
            p.openArray("queues", "\n             queues:");
            for (int tc = 0; tc < t.size(); tc++) {
                if (p.isJson()) {
                    p.openArray("", "");
                }
                p.num("", "(", t.offset(tc), ":");
                p.num("", "", t.offset(tc) + t.count(tc) - 1L, ") ");
                if (p.isJson()) {
                    p.closeArray("");
                }
            }
            p.closeArray("");
            p.str("mode", "\n             mode:", "dcb", "");
            p.str("shaper", "\n             shaper:", "dcb", "");
        }
    }
}
