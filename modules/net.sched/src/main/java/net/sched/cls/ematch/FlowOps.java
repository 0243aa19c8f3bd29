package net.sched.cls.ematch;

import java.util.List;
import net.core.Cpu;
import net.core.dev.QdiscSkbCb;
import net.core.dev.TcfBlock;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.cls.ClsWords;
import net.sched.cls.Filter;
import net.sched.cls.FilterList;
import net.sched.cls.TcfProto;
import net.sched.cls.TcfProtoOps;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * {@code flow}: makes the class of what is known of a packet, by a hash of some keys or a map of one: {@code hash keys
 * src,dst divisor 1024}, {@code map key dst and 0xff}.
 *
 * <p>Linux: net/sched/cls_flow.c; tc/f_flow.c
 */
public final class FlowOps implements TcfProtoOps {
    /** Creates the kind. */
    public FlowOps() {}

    @Override
    public String id() {
        return "flow";
    }

    @Override
    public TcfProto create(int prio, int protocol, int chain) {
        return new Flow(prio, protocol, chain);
    }

    /** All filters of a preference. */
    private static final class Flow extends FilterList {
        /** For each CPU the headers of the packet it is looking at. */
        private FlowHeaders[] headers = {};

        Flow(int prio, int protocol, int chain) {
            super("flow", prio, protocol, chain);
        }

        @Override
        protected void attached() {
            headers = new FlowHeaders[net().kernel().cpus() + 1];
            for (int i = 0; i < headers.length; i++) {
                headers[i] = new FlowHeaders();
            }
        }

        @Override
        @HotPath
        public int classify(Cpu cpu, SkBuff skb) {
            FlowHeaders h = headers[cpu.id + 1];
            for (Entry e : entries()) {
                FlowFilter f = (FlowFilter) e;
                if (!f.matches(cpu, skb)) {
                    continue;
                }
                h.read(skb); // again for each: actions may have changed the packet, or sent another through here
                QdiscSkbCb.setTcClassid(skb, f.classid(cpu, skb, h));
                int act = f.filter.exts.exec(cpu, skb);
                if (act != TcfBlock.TC_ACT_UNSPEC) {
                    return act;
                }
            }
            return TcfBlock.TC_ACT_UNSPEC;
        }

        @Override
        public int change(int handle, List<String> args) {
            FlowFilter old = (FlowFilter) find(handle);
            try (Filter.Builder b = new Filter.Builder(net())) {
                FlowFilter.Settings s =
                        old == null ? new FlowFilter.Settings() : new FlowFilter.Settings(old.settings());
                s.read(new ClsWords(kind, args), b);
                if (handle == 0 || s.keys.isEmpty() || s.perturbGiven && !s.hash || s.rshift > 31 || s.rshift < 0) {
                    throw invalid();
                }
                if (TcHandle.major(s.baseclass) == 0) {
                    s.baseclass = TcHandle.make(block().parent, s.baseclass);
                }
                if (TcHandle.minor(s.baseclass) == 0) {
                    s.baseclass = TcHandle.make(s.baseclass, 1);
                }
                int secret = old == null ? net().kernel().getRandomU32() : old.secret();
                long now = net().kernel().clock().jiffies();
                put(new FlowFilter(handle, b.build(), s, secret, now), old, false);
                return handle;
            }
        }

        @Override
        public boolean refersTo(int classid) {
            return false; // it binds none: classes come and go under it
        }

        @Override
        public void dump(int handle, TcPrint p, boolean stats) {
            if (find(handle) instanceof FlowFilter f) {
                f.print(p, stats);
            }
        }
    }
}
