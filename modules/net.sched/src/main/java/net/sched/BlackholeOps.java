package net.sched;

import net.core.Cpu;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * {@code blackhole}: drops all, and tells the sender that all is well.
 *
 * <p>Linux: net/sched/sch_blackhole.c
 */
public final class BlackholeOps implements QdiscOps {
    /** Creates the kind. */
    public BlackholeOps() {}

    @Override
    public String id() {
        return "blackhole";
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Blackhole(this, devQueue);
    }

    private static final class Blackhole extends SchedQdisc {
        Blackhole(BlackholeOps ops, NetdevQueue devQueue) {
            super(ops, devQueue, 0);
        }

        @Override
        @HotPath
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            qdiscDrop(skb, toFree);
            return NetXmit.NET_XMIT_SUCCESS | NetXmit.NET_XMIT_BYPASS;
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            return null;
        }

        @Override
        public void takeAll(Cpu cpu, SkBuffHead to) {}
    }
}
