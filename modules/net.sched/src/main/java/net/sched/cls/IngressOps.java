package net.sched.cls;

import net.core.Cpu;
import net.core.UserError;
import net.core.dev.NetDevice;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscClassOps;
import net.core.dev.QdiscOps;
import net.core.dev.TcHook;
import net.core.dev.TcfBlock;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * {@code ingress} and {@code clsact}: no queue, only places for filters, {@code ffff:fff2} for what comes in and, with
 * clsact, {@code ffff:fff3} for what goes out. Filters that are set take effect in the device's {@link TcHook}.
 *
 * <p>Linux: net/sched/sch_ingress.c; tc/q_ingress.c, tc/q_clsact.c
 */
public abstract class IngressOps implements QdiscOps {
    /** Class of what comes in. Linux: TC_H_MIN_INGRESS */
    public static final int MIN_INGRESS = 0xFFF2;
    /** Class of what goes out. Linux: TC_H_MIN_EGRESS */
    public static final int MIN_EGRESS = 0xFFF3;

    private final String id;
    private final boolean egress;

    IngressOps(String id, boolean egress) {
        this.id = id;
        this.egress = egress;
    }

    /** {@code ingress}. */
    public static final class Ingress extends IngressOps {
        /** Creates the kind. */
        public Ingress() {
            super("ingress", false);
        }
    }

    /** {@code clsact}. */
    public static final class Clsact extends IngressOps {
        /** Creates the kind. */
        public Clsact() {
            super("clsact", true);
        }
    }

    @Override
    public final String id() {
        return id;
    }

    @Override
    public final Qdisc create(NetdevQueue devQueue) {
        return new Hooks(this, devQueue);
    }

    /** The places of one device. */
    private static final class Hooks extends Qdisc implements QdiscClassOps {
        private final boolean egress;
        private @Nullable TcfBlock in;
        private @Nullable TcfBlock out;

        Hooks(IngressOps ops, NetdevQueue devQueue) {
            super(ops, devQueue, TCQ_F_INGRESS | TCQ_F_CAN_BYPASS);
            this.egress = ops.egress;
        }

        @Override
        public int init(@Nullable Object opt) {
            if (handle != TcHandle.INGRESS_MAJOR) {
                throw new UserError("Error: " + id() + " goes to the ingress hook: tc qdisc add dev "
                        + devQueue.dev.name() + " " + id());
            }
            return 0;
        }

        @Override
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            return qdiscDrop(skb, toFree); // nobody does
        }

        @Override
        public @Nullable SkBuff dequeue(Cpu cpu) {
            return null;
        }

        @Override
        public void destroy(Cpu cpu) {
            devQueue.dev.tcIngress = null;
            devQueue.dev.tcEgress = null;
        }

        @Override
        public QdiscClassOps classOps() {
            return this;
        }

        @Override
        public @Nullable Object find(int classid) {
            int min = TcHandle.minor(classid);
            return min == MIN_INGRESS || min == 0 && !egress
                    ? (Integer) MIN_INGRESS
                    : min == MIN_EGRESS && egress ? (Integer) MIN_EGRESS : null;
        }

        @Override
        public @Nullable Qdisc leaf(Object cl) {
            return null;
        }

        @Override
        public void walk(Visitor visitor) {}

        @Override
        public int classid(Object cl) {
            return TcHandle.make(handle, (Integer) cl);
        }

        @Override
        public @Nullable TcfBlock filters(Object cl) {
            return (Integer) cl == MIN_EGRESS ? out : in;
        }

        @Override
        public void setFilters(Object cl, @Nullable TcfBlock block) {
            NetDevice dev = devQueue.dev;
            boolean ingress = (Integer) cl == MIN_INGRESS;
            TcHook hook = block == null
                    ? null
                    : new TcHook(block, ingress, dev.kernel().cpus());
            if (ingress) {
                in = block;
                dev.tcIngress = hook;
            } else {
                out = block;
                dev.tcEgress = hook;
            }
        }

        private long sum(java.util.function.ToLongFunction<TcHook> counter) {
            TcHook a = devQueue.dev.tcIngress;
            TcHook b = devQueue.dev.tcEgress;
            return (a == null ? 0 : counter.applyAsLong(a)) + (b == null ? 0 : counter.applyAsLong(b));
        }

        @Override
        public long currentPackets() {
            return sum(TcHook::packets);
        }

        @Override
        public long currentBytes() {
            return sum(TcHook::bytes);
        }

        @Override
        public long currentDrops() {
            return sum(TcHook::drops);
        }

        @Override
        public void dump(TcPrint p) {
            if (!egress) {
                p.text("---------------- ");
            }
        }
    }
}
