package net.sched.aqm;

import java.util.List;
import net.core.Cpu;
import net.core.dev.FlowDissector;
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
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * {@code choke [limit 1000] [min PACKETS] [max PACKETS] [burst PACKETS] [avpkt 1000] [probability 0.02] [bandwidth 10mbit]
 * [ecn] [harddrop]}: RED in packets, in which an arrival is compared with one drawn at random: of the same flow, both go. So
 * a flow pays by its share of the queue, without a state of its own.
 *
 * <p>{@code Deviation:} flows are equal if their hashes are.
 *
 * <p>Linux: net/sched/sch_choke.c. Pan, Prabhakar, Psounis, CHOKe, 2000
 */
public final class ChokeOps implements QdiscOps {
    private static final TcGrammar GRAMMAR = Red.grammar(TcGrammar.of("choke"), false);

    /** Creates the kind. */
    public ChokeOps() {}

    @Override
    public String id() {
        return "choke";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        return GRAMMAR.read(args);
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Choke(this, devQueue);
    }

    private static final class Choke extends SchedQdisc {
        private static final int DRAWS = 3;

        private final Red red = new Red();
        private boolean ecn;
        private boolean harddrop;
        /** A ring with holes where packets were taken out of the middle; head is none, nor is what is before tail. */
        private @Nullable SkBuff[] tab = new SkBuff[2];

        private int head;
        private int tail;
        private long probDrop;
        private long probMark;
        private long forcedDrop;
        private long forcedMark;
        private long pdrop;
        private long matched;

        Choke(ChokeOps ops, NetdevQueue devQueue) {
            super(ops, devQueue, 0);
        }

        @Override
        public int init(@Nullable Object opt) {
            return change(opt);
        }

        @Override
        public int change(@Nullable Object opt) {
            TcAttrs a = TcAttrs.of(opt);
            limit = Math.min(a.get("limit", 1000), 1 << 17);
            red.configure(a, limit, true);
            ecn = a.get("ecn", false);
            harddrop = a.get("harddrop", false);
            resize();
            return 0;
        }

        /** A ring that the limit fits in; what exceeds it goes in {@link #trim}. */
        private void resize() {
            int need = Math.max(limit, qlen) + 1;
            @Nullable SkBuff[] ring = new SkBuff[Integer.highestOneBit(need) << 1];
            int n = 0;
            for (int i = head; i != tail; i = i + 1 & tab.length - 1) {
                if (tab[i] != null) {
                    ring[n++] = tab[i];
                }
            }
            tab = ring;
            head = 0;
            tail = n;
        }

        @Override
        public void trim(Cpu cpu) {
            int n = qlen;
            int bytes = backlog;
            while (head != tail && qlen > limit) {
                SkBuff skb = takeHead();
                if (skb != null) {
                    qstatsSub(skb);
                    dequeueDrop(cpu, skb, SkbDropReason.QDISC_OVERLIMIT);
                }
            }
            treeReduceBacklog(n - qlen, bytes - backlog);
        }

        private void zapHead() {
            while (head != tail && tab[head] == null) {
                head = head + 1 & tab.length - 1;
            }
        }

        private void zapTail() {
            while (head != tail && tab[tail - 1 & tab.length - 1] == null) {
                tail = tail - 1 & tab.length - 1;
            }
        }

        private @Nullable SkBuff takeHead() {
            SkBuff skb = head == tail ? null : tab[head];
            if (skb != null) {
                tab[head] = null;
                zapHead();
            }
            return skb;
        }

        /** A place in the ring at random, that of the head if holes are met. */
        private int draw() {
            int len = tail - head & tab.length - 1;
            for (int i = 0; i < DRAWS; i++) {
                int at = head + (int) ((random() & 0xffffffffL) * len >>> 32) & tab.length - 1;
                if (tab[at] != null) {
                    return at;
                }
            }
            return head;
        }

        @Override
        @HotPath
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            red.arrival(qlen, cpu.nowNs());
            int action = red.action(random());
            if (red.qavg > red.qthMin && head != tail) {
                int at = draw();
                SkBuff other = tab[at];
                if (other != null && FlowDissector.getHash(cpu, other) == FlowDissector.getHash(cpu, skb)) {
                    matched++;
                    dropAt(at, other, toFree);
                    qdiscDrop(skb, toFree);
                    return NetXmit.NET_XMIT_CN;
                }
            }
            if (action != Red.DONT_MARK && !mark(skb, action)) {
                qdiscDrop(skb, toFree);
                return NetXmit.NET_XMIT_CN;
            }
            if (qlen >= limit || (tail - head & tab.length - 1) >= tab.length - 1) {
                pdrop++;
                return qdiscDrop(skb, toFree);
            }
            tab[tail] = skb;
            tail = tail + 1 & tab.length - 1;
            qstatsAdd(skb);
            return NetXmit.NET_XMIT_SUCCESS;
        }

        private void dropAt(int at, SkBuff skb, SkBuffHead toFree) {
            tab[at] = null;
            zapHead();
            zapTail();
            qstatsSub(skb);
            qdiscDrop(skb, toFree);
            treeReduceBacklog(1, QdiscSkbCb.pktLen(skb));
        }

        private boolean mark(SkBuff skb, int action) {
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

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            SkBuff skb = takeHead();
            if (skb == null) {
                red.startIdle(cpu.nowNs());
                return null;
            }
            qstatsSub(skb);
            bstatsUpdate(skb);
            return skb;
        }

        @Override
        public void takeAll(Cpu cpu, SkBuffHead to) {
            for (SkBuff skb = takeHead(); skb != null; skb = takeHead()) {
                to.addTail(skb);
            }
            red.restart();
        }

        @Override
        public void dump(TcPrint p) {
            p.num("limit", "limit ", limit, "p ");
            p.num("min", "min ", (long) red.qthMin, "p ");
            p.num("max", "max ", (long) red.qthMax, "p ");
            p.flag("ecn", ecn, "ecn ");
            p.flag("harddrop", harddrop, "harddrop ");
            if (p.details()) {
                p.num("ewma", "ewma ", red.wlog, " ");
                p.real("probability", "probability ", red.maxP, " ");
            }
        }

        @Override
        public void dumpStats(TcPrint p) {
            p.num("marked", "  marked ", probMark + forcedMark, "");
            p.num("early", " early ", probDrop + forcedDrop, "");
            p.num("pdrop", " pdrop ", pdrop, "");
            p.num("other", " other ", 0, "");
            p.num("matched", " matched ", matched, "").nl();
        }
    }
}
