package net.sched;

import java.util.List;
import net.core.Cpu;
import net.core.dev.NetDevice;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscSkbCb;
import net.core.tc.TcPrint;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * First in, first out, with a limit in packets (pfifo, pfifo_head_drop) or bytes (bfifo).
 *
 * <p>Linux: net/sched/sch_fifo.c
 */
public abstract class FifoOps implements QdiscOps {
    private final boolean bytes;
    private final boolean headDrop;

    FifoOps(boolean bytes, boolean headDrop) {
        this.bytes = bytes;
        this.headDrop = headDrop;
    }

    /** {@code pfifo [limit PACKETS]}. */
    public static final class Pfifo extends FifoOps {
        /** Creates the kind. */
        public Pfifo() {
            super(false, false);
        }

        @Override
        public String id() {
            return "pfifo";
        }
    }

    /** {@code bfifo [limit BYTES]}. */
    public static final class Bfifo extends FifoOps {
        /** Creates the kind. */
        public Bfifo() {
            super(true, false);
        }

        @Override
        public String id() {
            return "bfifo";
        }
    }

    /** {@code pfifo_head_drop [limit PACKETS]}: a full queue drops its oldest packet. */
    public static final class PfifoHeadDrop extends FifoOps {
        /** Creates the kind. */
        public PfifoHeadDrop() {
            super(false, true);
        }

        @Override
        public String id() {
            return "pfifo_head_drop";
        }
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        TcOptions o = new TcOptions(id(), args);
        Integer limit = null;
        while (o.hasNext()) {
            String word = o.next();
            if (!word.equals("limit")) {
                throw o.unknown(word, "limit");
            }
            limit = bytes ? (int) Math.min(o.size(word), Integer.MAX_VALUE) : o.number(word, 0);
        }
        return limit;
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Fifo(this, devQueue);
    }

    /** One queue. */
    static final class Fifo extends Qdisc {
        private final boolean bytes;
        private final boolean headDrop;

        Fifo(FifoOps ops, NetdevQueue devQueue) {
            super(ops, devQueue, 0);
            this.bytes = ops.bytes;
            this.headDrop = ops.headDrop;
        }

        @Override
        public int init(@Nullable Object opt) {
            return change(opt);
        }

        @Override
        public int change(@Nullable Object opt) {
            NetDevice dev = devQueue.dev;
            int mtu = dev.mtu + dev.hardHeaderLen;
            if (opt instanceof Integer n) {
                limit = n;
            } else {
                int packets = Math.max(dev.txQueueLen, 1);
                limit = bytes ? (int) Math.min((long) packets * mtu, Integer.MAX_VALUE) : packets;
            }
            boolean bypass = bytes ? limit >= mtu : limit >= 1;
            flags = bypass ? flags | TCQ_F_CAN_BYPASS : flags & ~TCQ_F_CAN_BYPASS;
            return 0;
        }

        @Override
        @HotPath
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            if (bytes) {
                return (long) backlog + QdiscSkbCb.pktLen(skb) <= limit ? enqueueTail(skb) : qdiscDrop(skb, toFree);
            }
            if (q.qlen < limit) {
                return enqueueTail(skb);
            }
            if (!headDrop || limit == 0) {
                return qdiscDrop(skb, toFree);
            }
            SkBuff oldest = q.dequeue();
            if (oldest != null) {
                int len = QdiscSkbCb.pktLen(oldest);
                qlen--;
                backlog -= len;
                qdiscDrop(oldest, toFree);
                // The parent does not count an arrival that is answered with CN.
                treeReduceBacklog(0, len - QdiscSkbCb.pktLen(skb));
            }
            enqueueTail(skb);
            return NetXmit.NET_XMIT_CN;
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            return dequeueHead();
        }

        @Override
        public @Nullable SkBuff peek(Cpu cpu) {
            return q.peek();
        }

        @Override
        public void takeAll(Cpu cpu, SkBuffHead to) {
            to.spliceTail(q);
        }

        @Override
        public void trim(Cpu cpu) {
            int n = qlen;
            int was = backlog;
            while (bytes ? backlog > limit : q.qlen > limit) {
                SkBuff skb = q.dequeue();
                if (skb == null) {
                    break;
                }
                qlen--;
                backlog -= QdiscSkbCb.pktLen(skb);
                dequeueDrop(cpu, skb, SkbDropReason.QDISC_OVERLIMIT);
            }
            treeReduceBacklog(n - qlen, was - backlog);
        }

        @Override
        public void dump(TcPrint p) {
            if (bytes) {
                p.size("limit", "limit ", limit, "");
            } else {
                p.num("limit", "limit ", limit, "p");
            }
        }
    }
}
