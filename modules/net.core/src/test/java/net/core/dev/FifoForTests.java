package net.core.dev;

import net.core.Cpu;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/** A plain fifo under the root lock. */
final class FifoForTests implements QdiscOps {
    @Override
    public String id() {
        return "testfifo";
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Fifo(this, devQueue);
    }

    static final class Fifo extends Qdisc {
        Fifo(QdiscOps ops, NetdevQueue q) {
            super(ops, q, TCQ_F_CAN_BYPASS);
            limit = 1000;
        }

        @Override
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            return q.qlen < limit ? enqueueTail(skb) : qdiscDrop(skb, toFree);
        }

        @Override
        public @Nullable SkBuff dequeue(Cpu cpu) {
            return dequeueHead();
        }
    }

    /** Registers the kind and puts it on {@code dev}. */
    static Fifo on(NetDevice dev) {
        DevGlobals g = dev.globals();
        if (g.qdiscs.find("testfifo") == null) {
            g.qdiscs.register(new FifoForTests());
        }
        return (Fifo) g.qdiscs.attachRoot(dev, "testfifo");
    }
}
