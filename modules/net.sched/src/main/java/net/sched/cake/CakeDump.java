package net.sched.cake;

import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import net.core.tc.TcPrint;
import net.core.tc.TcUnits;

/**
 * Cake's options and its table of tins.
 *
 * <p>Linux: iproute2, cake_print_opt() and cake_print_xstats() in tc/q_cake.c
 */
final class CakeDump {
    private static final String[] ACK_FILTER = {"no-ack-filter", "ack-filter", "ack-filter-aggressive"};

    private CakeDump() {}

    static void options(Cake c, TcPrint p) {
        if (c.rateBps != 0) {
            p.rate("bandwidth", "bandwidth ", c.rateBps, " ");
        } else {
            p.str("bandwidth", "bandwidth ", "unlimited", " ");
        }
        p.bool("autorate", c.autorate, c.autorate ? "autorate-ingress " : "");
        p.str("diffserv", "", CakeMode.DIFFSERV_NAMES.get(c.diffserv), " ");
        p.str("flowmode", "", CakeMode.FLOW_NAMES.get(c.flowMode), " ");
        p.bool("nat", c.nat, c.nat ? "nat " : "nonat ");
        p.bool("wash", c.wash, c.wash ? "wash " : "nowash ");
        p.bool("ingress", c.ingress, c.ingress ? "ingress " : "");
        p.str("ack-filter", "", p.isJson() && c.ackFilter == 0 ? "disabled" : ACK_FILTER[c.ackFilter], " ");
        p.bool("split_gso", c.splitGso, c.splitGso ? "split-gso " : "no-split-gso ");
        p.timeUs("rtt", "rtt ", c.rttNs / 1000, " ");
        c.link.dump(p);
        if (c.configLimit != 0) {
            p.size("memlimit", "memlimit ", c.configLimit, " ");
        }
        if (c.fwmark != 0) {
            p.num("fwmark", "fwmark 0x", c.fwmark & 0xffffffffL, " ");
        }
    }

    static void stats(Cake c, TcPrint p) {
        p.size("memory_used", " memory used: ", c.bufferMaxUsed, "");
        p.size("memory_limit", " of ", c.bufferLimit, "\n");
        p.rate("capacity_estimate", " capacity estimate: ", c.autorate ? c.peakBandwidth : c.rateBps, "\n");
        c.link.dumpStats(p);
        if (p.isJson()) {
            json(c, p);
        } else {
            text(c, p);
        }
    }

    private static void json(Cake c, TcPrint p) {
        p.openArray("tins", "");
        for (int i : c.tinOrder) {
            CakeTin t = c.tins[i];
            p.open("");
            p.num("threshold_rate", "", t.rateBps, "");
            p.num("sent_bytes", "", t.bytes, "");
            p.num("backlog_bytes", "", t.tinBacklog, "");
            p.num("target_us", "", t.cobalt.targetNs / 1000, "");
            p.num("interval_us", "", t.cobalt.intervalNs / 1000, "");
            p.num("peak_delay_us", "", t.peakDelay / 1000, "");
            p.num("avg_delay_us", "", t.avgeDelay / 1000, "");
            p.num("base_delay_us", "", t.baseDelay / 1000, "");
            p.num("sent_packets", "", t.packets, "");
            p.num("way_indirect_hits", "", t.wayHits, "");
            p.num("way_misses", "", t.wayMisses, "");
            p.num("way_collisions", "", t.wayCollisions, "");
            p.num("drops", "", t.dropped, "");
            p.num("ecn_mark", "", t.ecnMark, "");
            p.num("ack_drops", "", t.ackDrops, "");
            p.num("sparse_flows", "", t.sparseCount, "");
            p.num("bulk_flows", "", t.bulkCount, "");
            p.num("unresponsive_flows", "", t.unresponsiveCount, "");
            p.num("max_pkt_len", "", t.maxSkblen, "");
            p.num("flow_quantum", "", t.flowQuantum, "");
            p.close();
        }
        p.closeArray("");
    }

    private static void text(Cake c, TcPrint p) {
        List<String> names = CakeMode.tinNames(c.diffserv);
        StringBuilder b = new StringBuilder("          ");
        for (String n : names) {
            b.append(String.format(Locale.ROOT, " %12s", n));
        }
        p.text(b.append('\n').toString());
        row(c, p, "thresh", t -> TcUnits.rate(t.rateBps));
        row(c, p, "target", t -> TcUnits.timeUs(t.cobalt.targetNs / 1000));
        row(c, p, "interval", t -> TcUnits.timeUs(t.cobalt.intervalNs / 1000));
        row(c, p, "pk_delay", t -> TcUnits.timeUs(t.peakDelay / 1000));
        row(c, p, "av_delay", t -> TcUnits.timeUs(t.avgeDelay / 1000));
        row(c, p, "sp_delay", t -> TcUnits.timeUs(t.baseDelay / 1000));
        row(c, p, "backlog", t -> TcUnits.size(t.tinBacklog));
        count(c, p, "pkts", t -> t.packets);
        count(c, p, "bytes", t -> t.bytes);
        count(c, p, "way_inds", t -> t.wayHits);
        count(c, p, "way_miss", t -> t.wayMisses);
        count(c, p, "way_cols", t -> t.wayCollisions);
        count(c, p, "drops", t -> t.dropped);
        count(c, p, "marks", t -> t.ecnMark);
        count(c, p, "ack_drop", t -> t.ackDrops);
        count(c, p, "sp_flows", t -> t.sparseCount);
        count(c, p, "bk_flows", t -> t.bulkCount);
        count(c, p, "un_flows", t -> t.unresponsiveCount);
        count(c, p, "max_len", t -> t.maxSkblen);
        count(c, p, "quantum", t -> t.flowQuantum);
    }

    private static void count(Cake c, TcPrint p, String label, ToLongFunction<CakeTin> value) {
        row(c, p, label, t -> Long.toString(value.applyAsLong(t)));
    }

    private static void row(Cake c, TcPrint p, String label, Function<CakeTin, String> value) {
        StringBuilder b = new StringBuilder(String.format(Locale.ROOT, "  %-8s", label));
        for (int i : c.tinOrder) {
            b.append(String.format(Locale.ROOT, " %12s", value.apply(c.tins[i])));
        }
        p.text(b.append('\n').toString());
    }
}
