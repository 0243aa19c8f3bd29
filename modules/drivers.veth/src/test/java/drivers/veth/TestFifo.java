package drivers.veth;

import net.core.Cpu;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/** An endless fifo. */
final class TestFifo implements QdiscOps {
    @Override
    public String id() {
        return "fifo";
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Qdisc(this, devQueue, Qdisc.TCQ_F_CAN_BYPASS) {
            @Override
            public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
                return enqueueTail(skb);
            }

            @Override
            public @Nullable SkBuff dequeue(Cpu cpu) {
                return dequeueHead();
            }
        };
    }
}
