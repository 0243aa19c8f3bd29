package net.sched.fair;

import java.util.List;
import net.core.Cpu;
import net.core.dev.FlowDissector;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscSkbCb;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.sched.InetEcn;
import net.sched.QdiscTimer;
import net.sched.SchedQdisc;
import net.sched.TcAttrs;
import net.sched.TcGrammar;
import net.sched.aqm.Red;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.Jhash;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * {@code sfq [limit 127] [perturb SECONDS] [quantum MTU] [divisor 1024] [flows 127] [depth 127] [headdrop] [redflowlimit BYTES
 * [min BYTES] [max BYTES] [avpkt BYTES] [burst PACKETS] [probability P] [ecn] [harddrop]]}: flows by hash, in turn, dropping from
 * the longest; with {@code redflowlimit} each flow is under RED.
 *
 * <p>{@code Deviation:} the longest flow is found by a walk over the active ones, where Linux keeps a list for each length.
 *
 * <p>Linux: net/sched/sch_sfq.c. McKenney, Stochastic Fairness Queueing, 1990
 */
public final class SfqOps implements QdiscOps {
    private static final TcGrammar GRAMMAR = TcGrammar.of("sfq")
            .number("limit", 2, 65535)
            .number("perturb", 0, 86400)
            .size("quantum")
            .number("divisor", 1, 65536)
            .number("flows", 1, 65534)
            .number("depth", 1, 65535)
            .flag("headdrop", "headdrop", 1)
            .size("redflowlimit")
            .size("min")
            .size("max")
            .number("avpkt", 1, 1 << 20)
            .number("burst", 1, 1 << 20)
            .probability("probability")
            .flag("ecn", "ecn", 1)
            .flag("harddrop", "harddrop", 1);

    /** Creates the kind. */
    public SfqOps() {}

    @Override
    public String id() {
        return "sfq";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        return GRAMMAR.read(args);
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Sfq(this, devQueue);
    }

    private static final class Slot extends FlowList.Node {
        final SkBuffHead queue = new SkBuffHead();
        int hash;
        int allot;
        int backlog;

        @Nullable
        Red red;
    }

    private static final class Sfq extends SchedQdisc {
        private int divisor = 1024;
        private int maxFlows = 127;
        private int maxDepth = 127;
        private int quantum;
        private int perturbSec;
        private boolean headdrop;
        private int perturbation;
        private boolean red;
        private long redLimit;
        private boolean ecn;
        private boolean harddrop;
        private @Nullable TcAttrs redAttrs;

        private @Nullable Slot[] table = new Slot[1024];
        private final FlowList active = new FlowList();
        private final FlowList free = new FlowList();
        private final SkBuffHead moving = new SkBuffHead();
        private long probDrop;
        private long probMark;
        private long forcedDrop;
        private long forcedMark;

        private final QdiscTimer perturb = new QdiscTimer(this) {
            @Override
            protected long tick(Cpu cpu, long nowNs) {
                perturbation = random();
                rehash(cpu);
                return perturbSec * 1_000_000_000L;
            }
        };

        Sfq(SfqOps ops, NetdevQueue devQueue) {
            super(ops, devQueue, 0);
            limit = 127;
            quantum = pschedMtu();
        }

        @Override
        public boolean takesFilters() {
            return true;
        }

        @Override
        public int init(@Nullable Object opt) {
            TcAttrs a = TcAttrs.of(opt);
            divisor = a.get("divisor", divisor);
            if (Integer.bitCount(divisor) != 1) {
                return -Errno.EINVAL;
            }
            maxFlows = a.get("flows", maxFlows);
            table = new Slot[divisor];
            for (int i = 0; i < maxFlows; i++) {
                free.addTail(new Slot());
            }
            perturbation = random();
            return configure(a);
        }

        @Override
        public int change(@Nullable Object opt) {
            TcAttrs a = TcAttrs.of(opt);
            if (a.get("divisor", divisor) != divisor || a.get("flows", maxFlows) != maxFlows) {
                return -Errno.EINVAL;
            }
            return configure(a);
        }

        private int configure(TcAttrs a) {
            if (a.get("quantum", quantum) == 0) {
                return -Errno.EINVAL; // nobody's turn would ever come
            }
            limit = a.get("limit", limit);
            maxDepth = a.get("depth", maxDepth);
            quantum = a.get("quantum", quantum);
            perturbSec = a.get("perturb", perturbSec);
            headdrop = a.get("headdrop", headdrop);
            if (perturbSec == 0) {
                perturb.cancel();
            }
            if (a.has("redflowlimit")) {
                red = true;
                redAttrs = a;
                redLimit = a.get("redflowlimit", 0L);
                ecn = a.get("ecn", false);
                harddrop = a.get("harddrop", false);
            }
            return 0;
        }

        private @Nullable Red red(Slot s) {
            TcAttrs a = redAttrs;
            if (!red || a == null) {
                return null;
            }
            Red r = s.red;
            if (r == null) {
                r = new Red(); // allocates: once for a slot
                r.configure(a, (double) redLimit, false);
                s.red = r;
            }
            return r;
        }

        @HotPath
        private int bucket(Cpu cpu, SkBuff skb) {
            return Jhash.hash1(FlowDissector.getHash(cpu, skb), perturbation) & divisor - 1;
        }

        @Override
        @HotPath
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            int hash;
            int act = tcfClassify(cpu, skb);
            if (act == TcfBlock.TC_ACT_UNSPEC) {
                hash = bucket(cpu, skb);
            } else if (act == TcfBlock.TC_ACT_OK) {
                hash = QdiscSkbCb.tcClassid(skb) - 1 & divisor - 1;
            } else {
                return taken(act, skb, toFree);
            }
            Slot s = slot(hash);
            if (s == null) {
                return qdiscDrop(skb, toFree);
            }
            Red r = red(s);
            if (r != null && !underRed(cpu, s, r, skb)) {
                int rc = full(s, skb, toFree);
                giveBack(s);
                return rc;
            }
            if (s.queue.qlen >= maxDepth) {
                return full(s, skb, toFree);
            }
            if (perturbSec != 0) {
                perturb.arm(cpu, perturbSec * 1_000_000_000L);
            }
            add(s, skb);
            qstatsAdd(skb);
            if (qlen <= limit) {
                return NetXmit.NET_XMIT_SUCCESS;
            }
            int len = QdiscSkbCb.pktLen(skb);
            int n = s.queue.qlen;
            int dropped = dropLongest(toFree);
            if (s.queue.qlen != n) {
                treeReduceBacklog(0, dropped - len);
                return NetXmit.NET_XMIT_CN;
            }
            treeReduceBacklog(1, dropped);
            return NetXmit.NET_XMIT_SUCCESS;
        }

        private @Nullable Slot slot(int hash) {
            Slot s = table[hash];
            if (s == null) {
                s = (Slot) free.first();
                if (s != null) {
                    free.remove(s);
                    s.hash = hash;
                    table[hash] = s;
                }
            }
            return s;
        }

        /** To its end of the round, also when new: else new flows could keep the old from their turn. */
        private void add(Slot s, SkBuff skb) {
            s.queue.addTail(skb);
            s.backlog += QdiscSkbCb.pktLen(skb);
            if (s.on == null) {
                active.addTail(s);
                s.allot = quantum;
            }
        }

        /** A slot that was taken and got no packet. */
        private void giveBack(Slot s) {
            if (s.queue.isEmpty() && s.on == null) {
                release(s);
            }
        }

        private void release(Slot s) {
            table[s.hash] = null;
            Red r = s.red;
            if (r != null) {
                r.restart();
            }
            free.addTail(s);
        }

        private boolean underRed(Cpu cpu, Slot s, Red r, SkBuff skb) {
            r.arrival(s.backlog, cpu.nowNs());
            int action = r.action(random());
            if (action == Red.DONT_MARK) {
                return true;
            }
            overlimits++;
            boolean forced = action == Red.HARD_MARK;
            if (ecn && !(forced && harddrop) && InetEcn.setCe(skb)) {
                probMark += forced ? 0 : 1;
                forcedMark += forced ? 1 : 0;
                return true;
            }
            probDrop += forced ? 0 : 1;
            forcedDrop += forced ? 1 : 0;
            return false;
        }

        /** The flow is as deep as it, or its RED, allows: the arrival, or with headdrop the oldest, goes. */
        private int full(Slot s, SkBuff skb, SkBuffHead toFree) {
            SkBuff oldest = headdrop ? s.queue.dequeue() : null;
            if (oldest == null) {
                return qdiscDrop(skb, toFree);
            }
            int delta = QdiscSkbCb.pktLen(oldest) - QdiscSkbCb.pktLen(skb);
            s.backlog -= QdiscSkbCb.pktLen(oldest);
            qstatsSub(oldest);
            qdiscDrop(oldest, toFree);
            add(s, skb);
            qstatsAdd(skb);
            treeReduceBacklog(0, delta);
            return NetXmit.NET_XMIT_CN;
        }

        /** Drops one packet of the longest flow; returns its length. Linux: sfq_drop(). */
        private int dropLongest(SkBuffHead toFree) {
            Slot longest = null;
            for (FlowList.Node n = active.first(); n != null; n = active.after(n)) {
                Slot s = (Slot) n;
                if (longest == null || s.queue.qlen > longest.queue.qlen) {
                    longest = s;
                }
            }
            SkBuff skb = longest == null ? null : headdrop ? longest.queue.dequeue() : longest.queue.dequeueTail();
            if (longest == null || skb == null) {
                return 0;
            }
            int len = QdiscSkbCb.pktLen(skb);
            longest.backlog -= len;
            qstatsSub(skb);
            qdiscDrop(skb, toFree);
            if (longest.queue.isEmpty()) {
                active.remove(longest);
                release(longest);
            }
            return len;
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            while (true) {
                Slot s = (Slot) active.first();
                if (s == null) {
                    return null;
                }
                if (s.allot <= 0) {
                    s.allot += quantum;
                    active.moveTail(s, active);
                    continue;
                }
                SkBuff skb = s.queue.dequeue();
                if (skb == null) {
                    active.remove(s);
                    release(s);
                    continue;
                }
                int len = QdiscSkbCb.pktLen(skb);
                s.backlog -= len;
                qstatsSub(skb);
                bstatsUpdate(skb);
                if (s.queue.isEmpty()) {
                    active.remove(s);
                    release(s);
                } else {
                    s.allot -= len;
                }
                return skb;
            }
        }

        /** Under another hash the packets of a flow move together. Linux: sfq_rehash(). */
        private void rehash(Cpu cpu) {
            drain(moving);
            int n = qlen;
            int bytes = backlog;
            for (SkBuff skb = moving.dequeue(); skb != null; skb = moving.dequeue()) {
                Slot s = slot(bucket(cpu, skb));
                if (s == null || s.queue.qlen >= maxDepth) {
                    qstatsSub(skb);
                    dequeueDrop(cpu, skb, SkbDropReason.QDISC_OVERLIMIT);
                } else {
                    add(s, skb);
                }
            }
            treeReduceBacklog(n - qlen, bytes - backlog);
        }

        private void drain(SkBuffHead to) {
            for (Slot s = (Slot) active.first(); s != null; s = (Slot) active.first()) {
                to.spliceTail(s.queue);
                s.backlog = 0;
                active.remove(s);
                release(s);
            }
        }

        @Override
        public void trim(Cpu cpu) {
            int n = qlen;
            int bytes = backlog;
            SkBuffHead toFree = new SkBuffHead();
            while (qlen > limit && dropLongest(toFree) != 0) {
                toFree.purge(cpu, SkbDropReason.QDISC_OVERLIMIT);
            }
            treeReduceBacklog(n - qlen, bytes - backlog);
        }

        @Override
        public void takeAll(Cpu cpu, SkBuffHead to) {
            drain(to);
        }

        @Override
        public void destroy(Cpu cpu) {
            perturbSec = 0;
            perturb.cancel();
        }

        @Override
        public void dump(TcPrint p) {
            p.num("limit", "limit ", limit, "p ");
            p.size("quantum", "quantum ", quantum, " ");
            if (p.details() || red) {
                p.num("depth", "depth ", maxDepth, " ");
                p.num("flows", "flows ", maxFlows, " ");
            }
            p.flag("headdrop", headdrop, "headdrop ");
            if (p.details()) {
                p.num("divisor", "divisor ", divisor, " ");
            }
            if (perturbSec != 0) {
                p.num("perturb", "perturb ", perturbSec, "sec ");
            }
            if (red) {
                p.size("redflowlimit", "\n redflowlimit ", redLimit, " ");
                p.flag("ecn", ecn, "ecn ");
                p.flag("harddrop", harddrop, "harddrop ");
            }
        }

        @Override
        public void dumpStats(TcPrint p) {
            if (red) {
                p.num("prob_drop", "  prob_drop ", probDrop, "");
                p.num("prob_mark", " prob_mark ", probMark, "");
                p.num("forced_drop", " forced_drop ", forcedDrop, "");
                p.num("forced_mark", " forced_mark ", forcedMark, "").nl();
            }
        }
    }
}
