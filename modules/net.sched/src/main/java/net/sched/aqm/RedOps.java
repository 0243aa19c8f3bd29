package net.sched.aqm;

import java.util.List;
import net.core.Cpu;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscSkbCb;
import net.core.tc.TcPrint;
import net.sched.ChildQdisc;
import net.sched.InetEcn;
import net.sched.QdiscTimer;
import net.sched.TcAttrs;
import net.sched.TcGrammar;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * {@code red [limit BYTES] [min BYTES] [max BYTES] [avpkt 1000] [burst PACKETS] [probability 0.02] [bandwidth 10mbit] [ecn]
 * [harddrop] [nodrop] [adaptive]}: RED before a child discipline, a bfifo unless another is grafted.
 *
 * <p>Without a limit it is 400000 bytes, where tc refuses.
 *
 * <p>Linux: net/sched/sch_red.c
 */
public final class RedOps implements QdiscOps {
    private static final TcGrammar GRAMMAR = Red.grammar(TcGrammar.of("red"), true)
            .flag("nodrop", "nodrop", 1)
            .flag("adaptive", "adaptive", 1)
            .alias("adaptative", "adaptive");
    private static final long DEFAULT_LIMIT = 400_000;

    /** Creates the kind. */
    public RedOps() {}

    @Override
    public String id() {
        return "red";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        return GRAMMAR.read(args);
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new RedQdisc(this, devQueue);
    }

    private static final class RedQdisc extends ChildQdisc {
        private final Red red = new Red();
        private boolean ecn;
        private boolean harddrop;
        private boolean nodrop;
        private boolean adaptive;
        private long probDrop;
        private long probMark;
        private long forcedDrop;
        private long forcedMark;
        private long pdrop;
        private final QdiscTimer timer = new QdiscTimer(this) {
            @Override
            protected long tick(Cpu cpu, long nowNs) {
                red.adapt(nowNs);
                return adaptive && (qlen != 0 || red.qavg > 1) ? Red.ADAPT_NS : 0;
            }
        };

        RedQdisc(RedOps ops, NetdevQueue devQueue) {
            super(ops, devQueue);
        }

        @Override
        public int init(@Nullable Object opt) {
            makeChild("bfifo");
            return change(opt);
        }

        @Override
        public int change(@Nullable Object opt) {
            TcAttrs a = TcAttrs.of(opt);
            limit = (int) Math.min(a.get("limit", DEFAULT_LIMIT), Integer.MAX_VALUE);
            red.configure(a, limit, false);
            ecn = a.get("ecn", false);
            harddrop = a.get("harddrop", false);
            nodrop = a.get("nodrop", false);
            adaptive = a.get("adaptive", false);
            limitChild("bfifo", limit);
            return 0;
        }

        @Override
        @HotPath
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            Qdisc c = child;
            if (c == null) {
                return qdiscDrop(skb, toFree);
            }
            red.arrival(c.backlog, cpu.nowNs());
            int action = red.action(random());
            if (action != Red.DONT_MARK && !mark(skb, action)) {
                qdiscDrop(skb, toFree);
                return NetXmit.NET_XMIT_CN;
            }
            if (adaptive) {
                timer.arm(cpu, Red.ADAPT_NS);
            }
            int len = QdiscSkbCb.pktLen(skb);
            int rc = c.enqueue(cpu, skb, toFree);
            if (rc == NetXmit.NET_XMIT_SUCCESS) {
                qlen++;
                backlog += len;
            } else if (NetXmit.dropCount(rc) != 0) {
                pdrop++;
                drops++;
            }
            return rc;
        }

        /** Marks it, or says false: drop it. */
        private boolean mark(SkBuff skb, int action) {
            overlimits++;
            boolean forced = action == Red.HARD_MARK;
            if (ecn && !(forced && harddrop)) {
                if (InetEcn.setCe(skb)) {
                    probMark += forced ? 0 : 1;
                    forcedMark += forced ? 1 : 0;
                    return true;
                }
                if (nodrop) {
                    return true;
                }
            }
            probDrop += forced ? 0 : 1;
            forcedDrop += forced ? 1 : 0;
            return false;
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            Qdisc c = child;
            SkBuff skb = c == null ? null : c.dequeuePeeked(cpu);
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
            super.takeAll(cpu, to);
            red.restart();
        }

        @Override
        public void destroy(Cpu cpu) {
            timer.cancel();
            super.destroy(cpu);
        }

        @Override
        public void dump(TcPrint p) {
            p.size("limit", "limit ", limit, " ");
            p.size("min", "min ", (long) red.qthMin, " ");
            p.size("max", "max ", (long) red.qthMax, " ");
            p.flag("ecn", ecn, "ecn ");
            p.flag("harddrop", harddrop, "harddrop ");
            p.flag("adaptive", adaptive, "adaptive ");
            p.flag("nodrop", nodrop, "nodrop ");
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
            p.num("other", " other ", 0, "").nl();
        }
    }
}
