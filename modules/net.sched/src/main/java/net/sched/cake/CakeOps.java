package net.sched.cake;

import java.util.List;
import java.util.Map;
import net.core.UserError;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.sched.TcAttrs;
import net.sched.TcOptions;
import org.jspecify.annotations.Nullable;

/**
 * {@code cake [bandwidth RATE | unlimited] [autorate-ingress] [rtt TIME | internet ...] [diffserv3 | besteffort ...]
 * [triple-isolate | flows ...] [nat|nonat] [wash|nowash] [split-gso|no-split-gso] [ack-filter[-aggressive]|no-ack-filter]
 * [memlimit SIZE] [fwmark MASK] [raw | overhead N [mpu N] [atm|ptm|noatm] | ethernet | docsis ...] [ingress|egress]}.
 *
 * <p>Linux: net/sched/sch_cake.c; iproute2, tc/q_cake.c
 */
public final class CakeOps implements QdiscOps {
    /** Round trips by name, us. */
    private static final Map<String, Long> RTTS = Map.of(
            "datacentre", 100L,
            "lan", 1000L,
            "metro", 10_000L,
            "regional", 30_000L,
            "internet", 100_000L,
            "oceanic", 300_000L,
            "satellite", 1_000_000L,
            "interplanetary", 3_600_000_000L);

    /** Framing by name: overhead added, cells (-1: as they are), mpu (-1: as it is). */
    private static final Map<String, int[]> LINKS = Map.ofEntries(
            Map.entry("conservative", new int[] {48, CakeOverhead.ATM, -1}),
            Map.entry("ipoa-vcmux", new int[] {8, CakeOverhead.ATM, -1}),
            Map.entry("ipoa-llcsnap", new int[] {16, CakeOverhead.ATM, -1}),
            Map.entry("bridged-vcmux", new int[] {24, CakeOverhead.ATM, -1}),
            Map.entry("bridged-llcsnap", new int[] {32, CakeOverhead.ATM, -1}),
            Map.entry("pppoa-vcmux", new int[] {10, CakeOverhead.ATM, -1}),
            Map.entry("pppoa-llc", new int[] {14, CakeOverhead.ATM, -1}),
            Map.entry("pppoe-vcmux", new int[] {32, CakeOverhead.ATM, -1}),
            Map.entry("pppoe-llcsnap", new int[] {40, CakeOverhead.ATM, -1}),
            Map.entry("pppoe-ptm", new int[] {30, CakeOverhead.PTM, -1}),
            Map.entry("bridged-ptm", new int[] {22, CakeOverhead.PTM, -1}),
            Map.entry("via-ethernet", new int[] {0, -1, -1}),
            Map.entry("ethernet", new int[] {38, -1, 84}),
            Map.entry("ether-vlan", new int[] {4, -1, -1}),
            Map.entry("docsis", new int[] {18, CakeOverhead.NOATM, 64}));

    /** Creates the kind. */
    public CakeOps() {}

    @Override
    public String id() {
        return "cake";
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Cake(this, devQueue);
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        TcAttrs a = new TcAttrs();
        TcOptions in = new TcOptions("cake", args);
        while (in.hasNext()) {
            String w = in.next();
            int[] link = LINKS.get(w);
            Long rtt = RTTS.get(w);
            int diffserv = CakeMode.DIFFSERV_NAMES.indexOf(w);
            int flow = CakeMode.FLOW_NAMES.indexOf(w);
            if (link != null) {
                framing(a, link);
            } else if (rtt != null) {
                a.put("rtt", rtt * 1000);
            } else if (diffserv >= 0) {
                a.put("diffserv", diffserv);
            } else if (flow >= 0) {
                a.put("flow", flow);
            } else {
                word(in, w, a);
            }
        }
        return a;
    }

    private static void framing(TcAttrs a, int[] link) {
        a.put("raw", 0L).put("overhead", a.get("overhead", 0L) + link[0]);
        if (link[1] >= 0) {
            a.put("atm", link[1]);
        }
        if (link[2] >= 0) {
            a.put("mpu", link[2]);
        }
    }

    private static void word(TcOptions in, String w, TcAttrs a) {
        switch (w) {
            case "bandwidth" -> a.put("bandwidth", in.rate(w)).put("autorate", 0L);
            case "unlimited" -> a.put("bandwidth", 0L).put("autorate", 0L);
            case "autorate-ingress", "autorate_ingress" -> a.put("autorate", 1L).put("ingress", 1L);
            case "rtt" -> a.put("rtt", Math.max(1000, in.time(w)));
            case "nat", "wash", "split-gso", "ingress" -> a.put(w, 1L);
            case "nonat", "nowash" -> a.put(w.substring(2), 0L);
            case "no-split-gso" -> a.put("split-gso", 0L);
            case "egress" -> a.put("ingress", 0L);
            case "no-ack-filter" -> a.put("ack-filter", 0L);
            case "ack-filter" -> a.put("ack-filter", 1L);
            case "ack-filter-aggressive" -> a.put("ack-filter", 2L);
            case "memlimit" -> a.put(w, in.size(w));
            case "fwmark" -> a.put(w, in.number(w, 0, 0xffffffffL));
            case "raw" -> a.put("raw", 1L).put("overhead", 0L).put("mpu", 0L).put("atm", CakeOverhead.NOATM);
            case "atm" -> a.put("atm", CakeOverhead.ATM);
            case "ptm" -> a.put("atm", CakeOverhead.PTM);
            case "noatm" -> a.put("atm", CakeOverhead.NOATM);
            case "overhead" -> a.put("raw", 0L).put(w, in.number(w, -64, 256));
            case "mpu" -> a.put(w, in.number(w, 0, 256));
            default ->
                throw new UserError(
                        "What is \"" + w + "\"? Usage: ... cake [ bandwidth RATE | unlimited* |"
                                + " autorate-ingress ] [ rtt TIME | datacentre | lan | metro | regional | internet* | oceanic |"
                                + " satellite | interplanetary ] [ besteffort | diffserv8 | diffserv4 | diffserv3* | precedence ]"
                                + " [ flowblind | srchost | dsthost | hosts | flows | dual-srchost | dual-dsthost |"
                                + " triple-isolate* ] [ nat | nonat* ] [ wash | nowash* ] [ split-gso* | no-split-gso ]"
                                + " [ ack-filter | ack-filter-aggressive | no-ack-filter* ] [ memlimit LIMIT ] [ fwmark MASK ]"
                                + " [ ptm | atm | noatm* ] [ overhead N | conservative | raw* ] [ mpu N ] [ ingress | egress* ]");
        }
    }
}
