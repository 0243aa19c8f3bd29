package drivers.tapnic;

import java.util.List;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.NetdevFeatures;
import net.core.dev.NetdevQueue;
import net.core.dev.RtnlLinkStats;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * The driver of a network card in two halves: queue pairs with descriptor rings ({@link TapNicQueue}) in front of a
 * device ({@link NicPort}) whose wires are the queues of a TAP. One queue pair for each CPU is what RSS does; the host
 * spreads flows over them by hash.
 *
 * <p>Context: open and stop under rtnl, in process context; the rest as stated by {@link NetDeviceOps}.
 *
 * <p>Linux: the shape of drivers/net/virtio_net.c and of an Ethernet driver with write-back descriptors
 */
public final class TapNic implements NetDeviceOps {
    static final String[] STAT_NAMES = {
        "tx_packets", "tx_bytes", "tx_errors", "tx_doorbells", "tx_interrupts", "tx_pause_frames", "tx_busy",
        "rx_packets", "rx_bytes", "rx_errors", "rx_too_short", "rx_no_buffer", "rx_pause_frames", "rx_crc_errors",
        "rx_interrupts", "rx_copybreak", "rx_gso", "rx_pages", "rx_alloc_failed"
    };
    static final int MAX_RING = 4096;
    static final int MIN_RING = 64;

    /**
     * How a card is made.
     *
     * @param txRing transmit descriptors of a queue: a power of two
     * @param rxRing posted header buffers of a queue: a power of two
     * @param pageRing posted pages of 32 KiB of a queue: a power of two, at least 64
     * @param copybreak frames of at most so many bytes are copied into a small sk_buff
     * @param offload whether checksum and segmentation are left to the device
     * @param model the wire
     * @param coalescing when it interrupts
     */
    public record Settings(
            int txRing,
            int rxRing,
            int pageRing,
            int copybreak,
            boolean offload,
            WireModel model,
            Coalescing coalescing) {
        public static final Settings DEFAULT = new Settings(512, 256, 64, 256, true, WireModel.NONE);

        /** Interrupts at once. */
        public Settings(int txRing, int rxRing, int pageRing, int copybreak, boolean offload, WireModel model) {
            this(txRing, rxRing, pageRing, copybreak, offload, model, Coalescing.NONE);
        }

        public Settings withOffload(boolean on) {
            return new Settings(txRing, rxRing, pageRing, copybreak, on, model, coalescing);
        }

        public Settings withModel(WireModel wireModel) {
            return new Settings(txRing, rxRing, pageRing, copybreak, offload, wireModel, coalescing);
        }

        public Settings withCoalescing(Coalescing when) {
            return new Settings(txRing, rxRing, pageRing, copybreak, offload, model, when);
        }
    }

    private final List<? extends Wire> wires;
    private volatile Settings settings; // changes under rtnl
    private final boolean segmentsUdp;
    private TapNicQueue[] queues = {};

    private TapNic(List<? extends Wire> wires, Settings settings, boolean segmentsUdp) {
        this.wires = List.copyOf(wires);
        this.settings = settings;
        this.segmentsUdp = segmentsUdp;
    }

    /**
     * Puts a card into a namespace, down and without address. The wires are closed with the device.
     *
     * @param name of the interface inside the stack
     * @param mac 6 bytes, not those of the host's end
     */
    public static NetDevice create(
            Net net, String name, byte[] mac, List<? extends Wire> wires, Settings settings, boolean segmentsUdp) {
        TapNic nic = new TapNic(wires, settings, segmentsUdp);
        NetDevice dev = new NetDevice(net, name, nic, wires.size(), wires.size());
        EthHdr.etherSetup(dev);
        dev.devAddr = mac.clone();
        dev.hwFeatures = nic.offloads();
        dev.features = dev.hwFeatures | NetdevFeatures.NETIF_F_GRO | NetdevFeatures.NETIF_F_GSO;
        dev.register();
        return dev;
    }

    private long offloads() {
        long features = NetdevFeatures.NETIF_F_SG | NetdevFeatures.NETIF_F_HIGHDMA;
        if (settings.offload()) {
            features |= NetdevFeatures.NETIF_F_HW_CSUM
                    | NetdevFeatures.NETIF_F_TSO
                    | NetdevFeatures.NETIF_F_TSO_ECN
                    | NetdevFeatures.NETIF_F_TSO6;
            if (segmentsUdp) {
                features |= NetdevFeatures.NETIF_F_GSO_UDP_L4;
            }
        }
        return features;
    }

    @Override
    public int ndoOpen(NetDevice dev) {
        Kernel kernel = dev.net.kernel();
        queues = new TapNicQueue[wires.size()];
        for (int i = 0; i < queues.length; i++) {
            Wire wire = wires.get(i);
            TapNicQueue queue = new TapNicQueue(dev, i, wire, settings);
            queues[i] = queue;
            Cpu home = kernel.cpu(i % kernel.cpus());
            Cpu cpu = kernel.localBhDisable(home.id);
            queue.refill(cpu);
            queue.enable();
            cpu.localBhEnable();
            queue.connect(home, wire);
        }
        dev.startAllQueues(); // one that was full when the device went down had nobody to wake it
        return 0;
    }

    @Override
    public int ndoStop(NetDevice dev) {
        for (TapNicQueue queue : queues) {
            queue.disconnect();
            queue.disable();
            queue.delete();
            Cpu cpu = dev.net.kernel().localBhDisable(0);
            queue.drain(cpu);
            cpu.localBhEnable();
            queue.port.close();
        }
        queues = new TapNicQueue[0];
        return 0;
    }

    @Override
    public void ndoUninit(NetDevice dev) {
        for (Wire wire : wires) {
            wire.close();
        }
    }

    @Override
    @HotPath
    public int ndoStartXmit(Cpu cpu, SkBuff skb, NetDevice dev, NetdevQueue txq, boolean xmitMore) {
        return queues[txq.index].startXmit(cpu, skb, txq, xmitMore);
    }

    @Override
    public void ndoTxTimeout(Cpu cpu, NetDevice dev, NetdevQueue txq) {
        // The wire is slow or paused, never lost: let NAPI look for completions.
        queues[txq.index].schedule(cpu);
    }

    @Override
    public void ndoGetStats(NetDevice dev, RtnlLinkStats stats) {
        for (TapNicQueue queue : queues) {
            queue.addLinkStats(stats);
        }
    }

    @Override
    public long ndoFixFeatures(NetDevice dev, long features) {
        // The host cannot segment what it may not checksum.
        return (features & NetdevFeatures.NETIF_F_HW_CSUM) != 0
                ? features
                : features
                        & ~(NetdevFeatures.NETIF_F_TSO
                                | NetdevFeatures.NETIF_F_TSO_ECN
                                | NetdevFeatures.NETIF_F_TSO6
                                | NetdevFeatures.NETIF_F_GSO_UDP_L4);
    }

    @Override
    public String driverName() {
        return "tapnic";
    }

    @Override
    public String[] ethtoolStatNames(NetDevice dev) {
        return STAT_NAMES.clone();
    }

    @Override
    public long[] ethtoolStats(NetDevice dev) {
        long[] stats = new long[STAT_NAMES.length];
        for (TapNicQueue queue : queues) {
            queue.addStats(stats);
        }
        return stats;
    }

    @Override
    public int[] ethtoolRingParam(NetDevice dev) {
        return new int[] {MAX_RING, MAX_RING, settings.rxRing(), settings.txRing()};
    }

    /** Takes a running card down and up again, as drivers do. Context: rtnl. */
    @Override
    public int ethtoolSetRingParam(NetDevice dev, int rx, int tx) {
        if (!NicSpec.isRing(rx) || !NicSpec.isRing(tx)) {
            return -Errno.EINVAL;
        }
        Settings s = settings;
        boolean up = dev.isUp();
        if (up) {
            dev.close();
        }
        settings = new Settings(tx, rx, NicSpec.pageRingFor(rx), s.copybreak(), s.offload(), s.model(), s.coalescing());
        return up ? dev.open() : 0;
    }

    @Override
    public int[] ethtoolCoalesce(NetDevice dev) {
        Coalescing c = settings.coalescing();
        return new int[] {c.rxUsecs(), c.rxFrames(), c.txUsecs(), c.txFrames()};
    }

    /** In force at once. Context: rtnl. */
    @Override
    public int ethtoolSetCoalesce(NetDevice dev, int rxUsecs, int rxFrames, int txUsecs, int txFrames) {
        if (Coalescing.problem(rxUsecs, rxFrames, txUsecs, txFrames) != null) {
            return -Errno.EINVAL;
        }
        settings = settings.withCoalescing(new Coalescing(rxUsecs, rxFrames, txUsecs, txFrames));
        for (TapNicQueue queue : queues) {
            queue.coalesce(settings.coalescing());
        }
        return 0;
    }

    /** An address of the locally administered range made from a seed. */
    public static byte[] macFrom(int seed) {
        return new byte[] {0x02, 0x53, (byte) (seed >>> 24), (byte) (seed >>> 16), (byte) (seed >>> 8), (byte) seed};
    }
}
