package net.sched.band;

import net.core.Cpu;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.tc.TcPrint;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * {@code multiq}: a band for each transmit queue, served in turn; a stopped queue holds only its own band up.
 *
 * <p>{@code Deviation:} a device with one queue gets one band, where Linux refuses, so that the bare name works anywhere.
 *
 * <p>Linux: net/sched/sch_multiq.c; tc/q_multiq.c
 */
public final class MultiqOps implements QdiscOps {
    /** Creates the kind. */
    public MultiqOps() {}

    @Override
    public String id() {
        return "multiq";
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Multiq(this, devQueue);
    }

    /** One instance. */
    private static final class Multiq extends Bands {
        private int current;

        Multiq(MultiqOps ops, NetdevQueue devQueue) {
            super(ops, devQueue);
        }

        @Override
        public int init(@Nullable Object opt) {
            return change(opt);
        }

        @Override
        public int change(@Nullable Object opt) {
            int n = devQueue.dev.tx.length;
            if (n > 0xffff) {
                return -Errno.EINVAL;
            }
            setBands(n);
            return 0;
        }

        @Override
        @HotPath
        int classify(Cpu cpu, SkBuff skb) {
            if (chosenBand(cpu, skb) == -2) {
                return -1;
            }
            int band = skb.queueMapping;
            return band >= queues.length ? 0 : band;
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            int n = queues.length;
            for (int i = 0; i < n; i++) {
                int band = next();
                if (devQueue.dev.tx[band].frozenOrStopped()) {
                    continue;
                }
                SkBuff skb = queues[band].dequeuePeeked(cpu);
                if (skb != null) {
                    sentFromChild(skb);
                    return skb;
                }
            }
            return null;
        }

        /** The band whose turn it is. */
        private int next() {
            int band = current + 1;
            current = band >= queues.length ? 0 : band;
            return current;
        }

        @Override
        protected void forget() {
            current = 0;
        }

        @Override
        public void dump(TcPrint p) {
            p.num("bands", "bands ", queues.length, "/");
            p.num("max_bands", "", queues.length, " ");
        }
    }
}
