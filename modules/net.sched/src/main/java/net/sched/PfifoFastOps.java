package net.sched;

import net.core.Cpu;
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
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * The default: three bands by priority, each first in, first out; a band is served when those before it are empty. CPUs
 * enqueue without a lock into bounded rings; one at a time dequeues.
 *
 * <p>Linux: pfifo_fast, net/sched/sch_generic.c
 */
public final class PfifoFastOps implements QdiscOps {
    /** Creates the kind. */
    public PfifoFastOps() {}

    @Override
    public String id() {
        return "pfifo_fast";
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new PfifoFast(this, devQueue);
    }

    /** One queue's bands. */
    static final class PfifoFast extends Qdisc {
        private static final int BANDS = 3;
        private static final int[] PRIO2BAND = {1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};
        private static final int STRIDE = 16;
        private static final int QLEN = 0;
        private static final int BACKLOG = 1;
        private static final int DROPS = 2;

        /** Of the producers and the runner; replaced while no one runs. */
        private ManyToOneConcurrentArrayQueue<SkBuff> band0;

        private ManyToOneConcurrentArrayQueue<SkBuff> band1;
        private ManyToOneConcurrentArrayQueue<SkBuff> band2;
        /** Counters by CPU; each written by the holder of that CPU's word. */
        private final long[] cpuStats;

        PfifoFast(QdiscOps ops, NetdevQueue devQueue) {
            super(ops, devQueue, TCQ_F_NOLOCK | TCQ_F_CAN_BYPASS);
            cpuStats = new long[STRIDE * (devQueue.dev.kernel().cpus() + 1)];
            limit = Math.max(devQueue.dev.txQueueLen, 1);
            band0 = ring();
            band1 = ring();
            band2 = ring();
        }

        private ManyToOneConcurrentArrayQueue<SkBuff> ring() {
            return new ManyToOneConcurrentArrayQueue<>(Math.max(2, limit));
        }

        private ManyToOneConcurrentArrayQueue<SkBuff> band(int i) {
            return i == 0 ? band0 : i == 1 ? band1 : band2;
        }

        @Override
        @HotPath
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            ManyToOneConcurrentArrayQueue<SkBuff> ring = band(PRIO2BAND[skb.priority & 15]);
            int at = STRIDE * (cpu.id + 1);
            int len = QdiscSkbCb.pktLen(skb);
            if (ring.size() >= limit || !ring.offer(skb)) {
                cpuStats[at + DROPS]++;
                toFree.addTail(skb);
                return NetXmit.NET_XMIT_DROP;
            }
            if ((flags & TCQ_F_NOLOCK) != 0) {
                cpuStats[at + QLEN]++;
                cpuStats[at + BACKLOG] += len;
            } else {
                qlen++;
                backlog += len;
            }
            return NetXmit.NET_XMIT_SUCCESS;
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            boolean retried = false;
            while (true) {
                for (int i = 0; i < BANDS; i++) {
                    SkBuff skb = band(i).poll();
                    if (skb != null) {
                        int at = STRIDE * (cpu.id + 1);
                        if ((flags & TCQ_F_NOLOCK) != 0) {
                            cpuStats[at + QLEN]--;
                            cpuStats[at + BACKLOG] -= QdiscSkbCb.pktLen(skb);
                        } else {
                            qlen--;
                            backlog -= QdiscSkbCb.pktLen(skb);
                        }
                        bstatsUpdate(skb);
                        return skb;
                    }
                }
                if (retried || (flags & TCQ_F_NOLOCK) == 0 || !missed()) {
                    return null;
                }
                // Somebody enqueued while we ran: forget the mark first, then look again.
                clearMissed();
                retried = true;
            }
        }

        @Override
        public @Nullable SkBuff peek(Cpu cpu) {
            for (int i = 0; i < BANDS; i++) {
                SkBuff skb = band(i).peek();
                if (skb != null) {
                    return skb;
                }
            }
            return null;
        }

        @Override
        @HotPath
        public boolean isEmpty() {
            return !hasRequeued() && band0.isEmpty() && band1.isEmpty() && band2.isEmpty();
        }

        /** Runs with the run state free and the queue out of force. */
        @Override
        public void reset(Cpu cpu) {
            for (int i = 0; i < BANDS; i++) {
                ManyToOneConcurrentArrayQueue<SkBuff> ring = band(i);
                for (SkBuff skb = ring.poll(); skb != null; skb = ring.poll()) {
                    skb.kfree(cpu, SkbDropReason.QUEUE_PURGE);
                }
            }
            for (int i = 0; i < cpuStats.length; i += STRIDE) {
                cpuStats[i + QLEN] = 0;
                cpuStats[i + BACKLOG] = 0;
            }
        }

        @Override
        public int changeTxQueueLen(int newLen) {
            limit = Math.max(newLen, 1);
            band0 = ring();
            band1 = ring();
            band2 = ring();
            return 0;
        }

        private long sum(int counter) {
            long n = 0;
            for (int i = 0; i < cpuStats.length; i += STRIDE) {
                n += cpuStats[i + counter];
            }
            return n;
        }

        @Override
        public int currentQlen() {
            return (int) sum(QLEN) + qlen;
        }

        @Override
        public long currentBacklog() {
            return sum(BACKLOG) + backlog;
        }

        @Override
        public long currentDrops() {
            return sum(DROPS) + drops;
        }

        @Override
        public void dump(TcPrint p) {
            p.num("bands", "bands ", BANDS, " ").openArray("priomap", "priomap");
            for (int band : PRIO2BAND) {
                p.num("", " ", band, "");
            }
            p.closeArray("");
            p.bool("multiqueue", false, "");
        }
    }
}
