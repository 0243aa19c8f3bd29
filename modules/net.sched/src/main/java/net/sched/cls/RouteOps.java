package net.sched.cls;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import net.core.Cpu;
import net.core.Net;
import net.core.UserError;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceTable;
import net.core.dev.QdiscSkbCb;
import net.core.dev.TcfBlock;
import net.core.neigh.DstEntry;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * {@code route}: by the realms of the route that the packet goes by, or the device it came from. A filter with a
 * {@code to} comes before one without, one with a {@code from} before one by device and that before one with neither.
 *
 * <p>Linux: net/sched/cls_route.c; tc/f_route.c
 */
public final class RouteOps implements TcfProtoOps {
    private static final String USAGE =
            "Usage: ... route [ from REALM | fromif TAG ] [ to REALM ]" + " [ classid CLASSID ] [ action ACTION_SPEC ]";
    private static final int ANY_TO = 0x8000;
    private static final int ANY_FROM = 0xFFFF;

    /** Creates the kind. */
    public RouteOps() {}

    @Override
    public String id() {
        return "route";
    }

    @Override
    public TcfProto create(int prio, int protocol, int chain) {
        return new Route(prio, protocol, chain);
    }

    /** What the words say; the handle is made of it. */
    private static final class Words {
        int to = -1;
        int from = -1;

        @Nullable
        NetDevice dev;

        int order;

        int handle() {
            int upper = from >= 0 ? from : dev != null ? dev.ifindex & 0x7FFF | 0x8000 : ANY_FROM;
            return upper << 16 | (to >= 0 ? to : ANY_TO) | (order & 0x7F) << 8;
        }

        /** Takes {@code word}, if it is one of these. */
        boolean read(String word, ClsWords in, Net net) {
            if (ClsWords.matches(word, "to")) {
                to = realm(in, "to");
            } else if (ClsWords.matches(word, "from")) {
                from = realm(in, "from");
            } else if (ClsWords.matches(word, "fromif")) {
                dev = NetDeviceTable.of(net).byName(in.next());
                if (dev == null) {
                    throw ClsWords.illegal("fromif");
                }
            } else if (ClsWords.matches(word, "order")) {
                order = (int) in.number("order", 0, 32);
            } else {
                return false;
            }
            return true;
        }

        private static int realm(ClsWords in, String what) {
            long v = ClsWords.unsigned(in.next(), 0);
            if (v < 0) {
                throw ClsWords.illegal(what);
            }
            if (v > 0xFF) {
                throw new UserError("RTNETLINK answers: " + Errno.text(Errno.EINVAL));
            }
            return (int) v;
        }
    }

    /** One filter. */
    private static final class Hop extends FilterList.Entry {
        final int to;
        final int from;
        final @Nullable NetDevice dev;
        /** Filters of a smaller one are asked before. */
        final int rank;

        Hop(int handle, Words w, Filter filter) {
            super(handle, filter);
            to = w.to;
            from = w.from;
            dev = w.dev;
            rank = (to >= 0 ? 0 : 3) + (from >= 0 ? 0 : dev != null ? 1 : 2);
        }

        @HotPath
        boolean matches(int realms, int iif) {
            return (to < 0 || to == (realms & 0xFFFF))
                    && (from < 0 || from == realms >>> 16)
                    && (dev == null || dev.ifindex == iif);
        }
    }

    /** All filters of a preference. */
    private static final class Route extends FilterList {
        private volatile Hop[] byRank = {};
        private volatile boolean oldMethod = true;

        Route(int prio, int protocol, int chain) {
            super("route", prio, protocol, chain);
        }

        @Override
        protected void changing(Entry[] now) {
            List<Hop> all = new ArrayList<>();
            for (Entry e : now) {
                all.add((Hop) e);
            }
            all.sort(Comparator.<Hop>comparingInt(h -> h.rank).thenComparing(h -> h.handle, Integer::compareUnsigned));
            byRank = all.toArray(Hop[]::new);
        }

        @Override
        @HotPath
        public int classify(Cpu cpu, SkBuff skb) {
            if (!(skb.dst instanceof DstEntry dst)) {
                return TcfBlock.TC_ACT_UNSPEC;
            }
            int realms = dst.tclassid;
            if (oldMethod) {
                if (realms == 0 || TcHandle.major(realms) != 0 && TcHandle.major(realms ^ block().parent) != 0) {
                    return TcfBlock.TC_ACT_UNSPEC;
                }
                QdiscSkbCb.setTcClassid(skb, realms);
                return TcfBlock.TC_ACT_OK;
            }
            for (Hop h : byRank) {
                if (h.matches(realms, skb.skbIif)) {
                    int act = h.filter.take(cpu, skb);
                    if (act != TcfBlock.TC_ACT_UNSPEC) {
                        return act;
                    }
                }
            }
            return TcfBlock.TC_ACT_UNSPEC;
        }

        @Override
        public int change(int handle, List<String> args) {
            if (args.isEmpty()) {
                if (handle != 0) {
                    throw invalid();
                }
                return 0;
            }
            Words w = new Words();
            try (Filter.Builder b = new Filter.Builder(net())) {
                ClsWords in = new ClsWords(kind, args);
                while (in.more()) {
                    String word = in.next();
                    if (!w.read(word, in, net()) && !b.read(word, in)) {
                        throw ClsWords.unknown(word, USAGE);
                    }
                }
                int made = w.handle();
                Entry old = find(handle == 0 ? made : handle);
                if (w.from >= 0 && w.dev != null || handle != 0 && old == null && handle != made) {
                    throw invalid();
                }
                if (old != null && (handle == 0 || old.handle != made && find(made) != null)) {
                    throw new UserError("RTNETLINK answers: " + Errno.text(Errno.EEXIST));
                }
                if (old != null) {
                    b.from(old.filter);
                }
                put(new Hop(made, w, b.build()), old, false);
                oldMethod = false;
                return made;
            }
        }

        @Override
        public int[] handles() {
            return java.util.Arrays.stream(byRank).mapToInt(h -> h.handle).toArray();
        }

        @Override
        public boolean isEmpty() {
            return !oldMethod && super.isEmpty();
        }

        @Override
        public void dump(int handle, TcPrint p, boolean stats) {
            if (!(find(handle) instanceof Hop h)) {
                return;
            }
            String fh = String.format(java.util.Locale.ROOT, "%08x", handle);
            p.word("fh", "0x" + Integer.toHexString(handle), "fh 0x" + fh + " ");
            if ((handle & 0x7F00) != 0) {
                p.num("order", "order ", handle >>> 8 & 0x7F, " ");
            }
            h.filter.printClass(p, "flowid");
            if (h.to >= 0) {
                p.str("name", "to ", Integer.toString(h.to), " ");
            }
            if (h.from >= 0) {
                p.str("name", "from ", Integer.toString(h.from), " ");
            }
            if (h.dev != null) {
                p.str("fromif", "fromif ", h.dev.name(), "");
            }
            h.filter.exts.dump(p, stats);
        }
    }
}
