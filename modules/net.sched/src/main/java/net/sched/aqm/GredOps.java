package net.sched.aqm;

import java.util.List;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscSkbCb;
import net.core.tc.TcPrint;
import net.sched.InetEcn;
import net.sched.SchedQdisc;
import net.sched.TcAttrs;
import net.sched.TcGrammar;
import net.sched.TcOptions;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * {@code gred [setup] [DPs 1..16] [default N] [grio] [limit BYTES] [ecn] [harddrop]}, then for each virtual queue
 * {@code qdisc change ... gred DP N limit BYTES min BYTES max BYTES avpkt BYTES [burst N] [probability P] [bandwidth RATE]
 * [prio N]}: sixteen REDs before one queue; a packet's is in the low bits of its tcindex.
 *
 * <p>A bare name has one virtual queue with RED's defaults, where tc refuses.
 *
 * <p>Linux: net/sched/sch_gred.c
 */
public final class GredOps implements QdiscOps {
    private static final int MAX_DPS = 16;
    private static final TcGrammar DP =
            Red.grammar(TcGrammar.of("gred"), true).number("DP", 0, MAX_DPS - 1).number("prio", 1, 16);

    /** Creates the kind. */
    public GredOps() {}

    @Override
    public String id() {
        return "gred";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        if (args.contains("DP")) {
            return DP.read(args);
        }
        TcAttrs a = new TcAttrs();
        TcOptions in = new TcOptions("gred", args);
        while (in.hasNext()) {
            String w = in.next();
            switch (w) {
                case "setup" -> a.put(w, 1L);
                case "DPs", "vqs" -> a.put("DPs", in.number(w, 1, MAX_DPS));
                case "default" -> a.put(w, in.number(w, 0, MAX_DPS - 1));
                case "grio", "ecn", "harddrop" -> a.put(w, 1L);
                case "limit" -> a.put("qlimit", in.size(w));
                default ->
                    throw new UserError("What is \"" + w + "\"? Usage: ... gred [ setup vqs NUMBER default DEFAULT_VQ"
                            + " [ grio ] [ limit BYTES ] [ ecn ] [ harddrop ] ] or gred DP VQ limit BYTES min BYTES max"
                            + " BYTES avpkt BYTES [ probability PROBABILITY ] [ bandwidth KBPS ] [ prio VALUE ]");
            }
        }
        if (a.get("default", 0) >= a.get("DPs", 1)) {
            throw new UserError("qdisc gred: default wants a number below DPs");
        }
        return a;
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Gred(this, devQueue);
    }

    /** A virtual queue. */
    private static final class Vq {
        final Red red = new Red();
        long limit;
        int prio = 1;
        long backlog;
        int count;
        long packets;
        long bytes;
        long probDrop;
        long probMark;
        long forcedDrop;
        long forcedMark;
        long pdrop;
    }

    private static final class Gred extends SchedQdisc {
        private @Nullable Vq[] dps = new Vq[1];
        private int defaultDp;
        private boolean grio;
        private boolean wred;
        private boolean ecn;
        private boolean harddrop;
        /** The average that all queues share when two of them have one priority. */
        private final Red shared = new Red();

        Gred(GredOps ops, NetdevQueue devQueue) {
            super(ops, devQueue, 0);
            limit = (int) Math.min((long) devQueue.dev.txQueueLen * pschedMtu(), Integer.MAX_VALUE);
        }

        @Override
        public int init(@Nullable Object opt) {
            int err = change(opt);
            if (err == 0 && !TcAttrs.of(opt).has("DPs")) {
                TcAttrs first = new TcAttrs().put("DP", 0L).put("limit", 400_000L);
                return change(first);
            }
            return err;
        }

        @Override
        public int change(@Nullable Object opt) {
            TcAttrs a = TcAttrs.of(opt);
            if (a.has("DP")) {
                return configure(a);
            }
            int n = a.get("DPs", dps.length);
            if (a.get("default", defaultDp) >= n) {
                return -Errno.EINVAL;
            }
            @Nullable Vq[] next = new Vq[n];
            System.arraycopy(dps, 0, next, 0, Math.min(n, dps.length));
            for (int i = n; i < dps.length; i++) {
                Vq gone = dps[i];
                if (gone != null && gone.count != 0) {
                    return -Errno.EBUSY;
                }
            }
            dps = next;
            defaultDp = a.get("default", defaultDp);
            grio = a.get("grio", grio);
            ecn = a.get("ecn", ecn);
            harddrop = a.get("harddrop", harddrop);
            limit = a.get("qlimit", limit);
            wred = grio && equalPrios();
            return 0;
        }

        private int configure(TcAttrs a) {
            int dp = a.get("DP", 0);
            if (dp >= dps.length) {
                return -Errno.EINVAL;
            }
            Vq v = dps[dp];
            if (v == null) {
                v = new Vq();
                dps[dp] = v;
            }
            v.limit = Math.min(a.get("limit", (long) limit), limit);
            v.prio = a.get("prio", v.prio);
            v.red.configure(a, (double) v.limit, false);
            v.red.restart();
            shared.wlog = v.red.wlog;
            shared.packetNs = v.red.packetNs;
            wred = grio && equalPrios();
            return 0;
        }

        private boolean equalPrios() {
            for (int i = 0; i < dps.length; i++) {
                for (int j = 0; j < i; j++) {
                    Vq x = dps[i];
                    Vq y = dps[j];
                    if (x != null && y != null && x.prio == y.prio) {
                        return true;
                    }
                }
            }
            return false;
        }

        private @Nullable Vq of(int tcindex) {
            int dp = tcindex & MAX_DPS - 1;
            Vq v = dp < dps.length ? dps[dp] : null;
            return v != null ? v : dps[defaultDp];
        }

        /** The average that decides: its own, one shared by all, or with those of better priorities. */
        private double average(Vq v, long now) {
            if (wred) {
                shared.arrival(backlog, now);
                return shared.qavg;
            }
            v.red.arrival((double) v.backlog, now);
            double avg = v.red.qavg;
            if (grio) {
                for (Vq o : dps) {
                    if (o != null && o != v && o.prio < v.prio) {
                        avg += o.red.qavg;
                    }
                }
            }
            return avg;
        }

        @Override
        @HotPath
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            Vq v = of(skb.tcIndex);
            int len = QdiscSkbCb.pktLen(skb);
            if (v == null) {
                // Nobody has set up even the default: a plain queue.
                return (long) backlog + len <= limit ? place(skb, null, len) : qdiscDrop(skb, toFree);
            }
            v.packets++;
            v.bytes += len;
            int action = v.red.action(average(v, cpu.nowNs()), random());
            if (action != Red.DONT_MARK && !mark(v, skb, action)) {
                qdiscDrop(skb, toFree);
                return NetXmit.NET_XMIT_CN;
            }
            if (v.backlog + len > v.limit || (long) backlog + len > limit) {
                v.pdrop++;
                return qdiscDrop(skb, toFree);
            }
            return place(skb, v, len);
        }

        private int place(SkBuff skb, @Nullable Vq v, int len) {
            if (v != null) {
                v.backlog += len;
                v.count++;
            }
            skb.cbo0 = v;
            return enqueueTail(skb);
        }

        private boolean mark(Vq v, SkBuff skb, int action) {
            overlimits++;
            boolean forced = action == Red.HARD_MARK;
            if (ecn && !(forced && harddrop) && InetEcn.setCe(skb)) {
                v.probMark += forced ? 0 : 1;
                v.forcedMark += forced ? 1 : 0;
                return true;
            }
            v.probDrop += forced ? 0 : 1;
            v.forcedDrop += forced ? 1 : 0;
            return false;
        }

        private void leave(Cpu cpu, SkBuff skb) {
            if (skb.cbo0 instanceof Vq v) {
                v.backlog -= QdiscSkbCb.pktLen(skb);
                v.count--;
                if (v.backlog == 0) {
                    v.red.startIdle(cpu.nowNs());
                }
                skb.cbo0 = null;
            }
            if (qlen == 0) {
                shared.startIdle(cpu.nowNs());
            }
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            SkBuff skb = dequeueHead();
            if (skb != null) {
                leave(cpu, skb);
            }
            return skb;
        }

        @Override
        public void trim(Cpu cpu) {
            int n = qlen;
            int bytes = backlog;
            while (backlog > limit) {
                SkBuff skb = q.dequeue();
                if (skb == null) {
                    break;
                }
                qstatsSub(skb);
                leave(cpu, skb);
                dequeueDrop(cpu, skb, SkbDropReason.QDISC_OVERLIMIT);
            }
            treeReduceBacklog(n - qlen, bytes - backlog);
        }

        @Override
        public void takeAll(Cpu cpu, SkBuffHead to) {
            for (SkBuff s = q.head; s != null; s = s.next) {
                s.cbo0 = null;
            }
            to.spliceTail(q);
            for (Vq v : dps) {
                if (v != null) {
                    v.backlog = 0;
                    v.count = 0;
                    v.red.restart();
                }
            }
            shared.restart();
        }

        @Override
        public void dump(TcPrint p) {
            p.num("dp_cnt", "vqs ", dps.length, " ");
            p.num("dp_default", "default ", defaultDp, " ");
            p.flag("grio", grio, "grio ");
            p.size("limit", "limit ", limit, " ");
            p.flag("ecn", ecn, "ecn ");
            p.flag("harddrop", harddrop, "harddrop ");
            p.openArray("vqs", "");
            for (int i = 0; i < dps.length; i++) {
                Vq v = dps[i];
                if (v != null) {
                    p.open("");
                    p.num("vq", "\n vq ", i, " ");
                    p.num("prio", "prio ", v.prio, " ");
                    p.size("limit", "limit ", v.limit, " ");
                    p.size("min", "min ", (long) v.red.qthMin, " ");
                    p.size("max", "max ", (long) v.red.qthMax, " ");
                    p.close();
                }
            }
            p.closeArray("");
        }

        @Override
        public void dumpStats(TcPrint p) {
            p.openArray("vqs", "");
            for (int i = 0; i < dps.length; i++) {
                Vq v = dps[i];
                if (v != null) {
                    p.open("");
                    p.num("vq", "  vq ", i, "");
                    p.size("qave", " qave ", (long) (wred ? shared.qavg : v.red.qavg), "");
                    p.num("packets", " packets ", v.packets, "");
                    p.num("bytes", " bytes ", v.bytes, "");
                    p.num("backlog", " backlog ", v.backlog, "");
                    p.num("prob_drop", " prob_drop ", v.probDrop, "");
                    p.num("prob_mark", " prob_mark ", v.probMark, "");
                    p.num("forced_drop", " forced_drop ", v.forcedDrop, "");
                    p.num("forced_mark", " forced_mark ", v.forcedMark, "");
                    p.num("pdrop", " pdrop ", v.pdrop, "").nl();
                    p.close();
                }
            }
            p.closeArray("");
        }
    }
}
