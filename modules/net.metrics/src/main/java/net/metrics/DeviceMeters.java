package net.metrics;

import io.micrometer.core.instrument.Tags;
import java.util.function.ToDoubleFunction;
import net.core.dev.NetDevice;
import net.core.dev.Qdisc;
import net.core.dev.RtnlLinkStats;

/** Meters of devices and their qdiscs. */
final class DeviceMeters {
    private DeviceMeters() {}

    private static Tags tags(NetDevice dev) {
        return SoftnetMetrics.tags(dev.net).and("device", dev.name());
    }

    static void bind(Meters meters, NetDevice dev) {
        link(meters, dev, "rx.packets", "rx_packets", s -> s.rxPackets);
        link(meters, dev, "rx.bytes", "rx_bytes", s -> s.rxBytes);
        link(meters, dev, "rx.errors", "rx_errors", s -> s.rxErrors);
        link(meters, dev, "rx.dropped", "rx_dropped", s -> s.rxDropped);
        link(meters, dev, "rx.nohandler", "rx_nohandler", s -> s.rxNohandler);
        link(meters, dev, "rx.missed", "rx_missed_errors", s -> s.rxMissedErrors);
        link(meters, dev, "rx.length.errors", "rx_length_errors", s -> s.rxLengthErrors);
        link(meters, dev, "rx.over.errors", "rx_over_errors", s -> s.rxOverErrors);
        link(meters, dev, "rx.crc.errors", "rx_crc_errors", s -> s.rxCrcErrors);
        link(meters, dev, "multicast", "multicast", s -> s.multicast);
        link(meters, dev, "tx.packets", "tx_packets", s -> s.txPackets);
        link(meters, dev, "tx.bytes", "tx_bytes", s -> s.txBytes);
        link(meters, dev, "tx.errors", "tx_errors", s -> s.txErrors);
        link(meters, dev, "tx.dropped", "tx_dropped", s -> s.txDropped);
        link(meters, dev, "tx.carrier.errors", "tx_carrier_errors", s -> s.txCarrierErrors);
        meters.gauge(
                "softnet.device.up",
                "",
                "IFF_UP and carrier, include/uapi/linux/if.h",
                tags(dev),
                dev,
                d -> d.isUp() && d.carrierOk() ? 1 : 0);
        String[] names = dev.ops.ethtoolStatNames(dev);
        for (int i = 0; i < names.length; i++) {
            int index = i;
            meters.counter(
                    "softnet.device.stat",
                    "",
                    "ethtool -S, net/ethtool/ioctl.c: the driver's own counters",
                    tags(dev).and("stat", names[i]),
                    dev,
                    d -> ethtoolStat(d, index));
        }
    }

    private static double ethtoolStat(NetDevice dev, int index) {
        long[] values = dev.ops.ethtoolStats(dev);
        return index < values.length ? values[index] : 0;
    }

    private static void link(
            Meters meters, NetDevice dev, String name, String linux, ToDoubleFunction<RtnlLinkStats> value) {
        String text = "ip -s link, rtnl_link_stats64." + linux + ", include/uapi/linux/if_link.h";
        meters.counter("softnet.device." + name, "", text, tags(dev), dev, d -> value.applyAsDouble(d.getStats()));
    }

    /** @param queue the transmit queue it serves, or -1 for the root */
    static void bindQdisc(Meters meters, NetDevice dev, Qdisc qdisc, int queue) {
        Tags tags = tags(dev)
                .and("kind", qdisc.id())
                .and("handle", Integer.toHexString(qdisc.handle >>> 16) + ":")
                .and("queue", queue < 0 ? "root" : Integer.toString(queue));
        String linux = "tc -s qdisc, net/core/gen_stats.c: ";
        meters.counter("softnet.qdisc.bytes", "", linux + "Sent, bytes", tags, qdisc, q -> q.currentBytes());
        meters.counter("softnet.qdisc.packets", "", linux + "Sent, pkt", tags, qdisc, q -> q.currentPackets());
        meters.counter("softnet.qdisc.drops", "", linux + "dropped", tags, qdisc, q -> q.currentDrops());
        meters.counter("softnet.qdisc.overlimits", "", linux + "overlimits", tags, qdisc, q -> q.overlimits);
        meters.counter("softnet.qdisc.requeues", "", linux + "requeues", tags, qdisc, q -> q.currentRequeues());
        meters.gauge("softnet.qdisc.qlen", "", linux + "backlog, packets", tags, qdisc, q -> q.currentQlen());
        meters.gauge("softnet.qdisc.backlog", "bytes", linux + "backlog, bytes", tags, qdisc, q -> q.currentBacklog());
    }
}
