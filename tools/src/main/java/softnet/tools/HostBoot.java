package softnet.tools;

import drivers.tapnic.FcsWire;
import drivers.tapnic.NicSpec;
import drivers.tapnic.TapDevice;
import drivers.tapnic.TapHost;
import drivers.tapnic.TapNic;
import drivers.tapnic.Wire;
import java.util.ArrayList;
import java.util.List;
import net.core.Kernel;
import net.core.UserError;
import net.core.dev.DevGlobals;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceTable;
import net.core.packet.PacketTap;
import net.core.packet.PcapFilter;
import net.ipv4.Ipv4Admin;
import net.testkit.FaultPlan;
import net.testkit.FaultWire;
import org.jspecify.annotations.Nullable;

/**
 * A kernel in real time with a card on a TAP device, as {@code softnet run} asks for it. Closing it takes down what it has
 * set up, in reverse.
 */
final class HostBoot implements AutoCloseable {
    /** The card's name inside the stack. */
    private static final String CARD = "eth0";

    private static final int MAX_QUEUES = 256;
    private static final int MAX_IFBS = 64;

    private final Kernel kernel;
    private @Nullable NetDevice card;
    private @Nullable PacketTap pcap;
    private TapNic.Settings settings = TapNic.Settings.DEFAULT;
    private final List<FaultWire> faulty = new ArrayList<>();
    private final List<FcsWire> farCards = new ArrayList<>();

    private HostBoot(Kernel kernel) {
        this.kernel = kernel;
    }

    /** Boots. @throws UserError for what cannot be done as asked */
    static HostBoot boot(RunOptions options) {
        RunOptions.Prefix addr = options.addr();
        RunOptions.Prefix hostAddr = options.hostAddr();
        int gateway = options.gateway();
        FaultPlan.Rates faults = options.faults();
        TapNic.Settings nic = options.nic();
        if (options.queues < 1 || options.queues > MAX_QUEUES) {
            throw new UserError("--queues " + options.queues + ": want 1 to " + MAX_QUEUES);
        }
        if (options.ifbs < 0 || options.ifbs > MAX_IFBS) {
            throw new UserError("--ifb " + options.ifbs + ": want 0 to " + MAX_IFBS);
        }
        List<String> words = options.ifbs == 0 ? List.of() : List.of("ifb.numifbs=" + options.ifbs);
        HostBoot host = new HostBoot(Kernel.boot(options.kernel.params(words)));
        boolean done = false;
        try {
            host.openIfbs();
            if (options.tap != null && addr != null) {
                NetDevice dev = host.plug(options.tap, options, nic, faults);
                String qdisc = options.kernel.qdisc();
                Ipv4Admin.setUp(dev);
                if (qdisc != null) {
                    attachRoot(dev, qdisc);
                }
                host.capture(options, dev);
                Ipv4Admin.addAddress(dev, addr.address(), addr.length());
                if (gateway != 0) {
                    Ipv4Admin.addRoute(dev.net, 0, 0, gateway, dev);
                }
                if (hostAddr != null) {
                    TapHost.configure(options.tap, hostAddr.address(), hostAddr.length());
                }
            }
            done = true;
            return host;
        } finally {
            if (!done) {
                host.close();
            }
        }
    }

    /** There is no {@code ip link set ifb0 up} yet. */
    private void openIfbs() {
        for (NetDevice dev : NetDeviceTable.of(kernel.initNet()).all()) {
            if (dev.ops.driverName().equals("ifb")) {
                dev.open();
            }
        }
    }

    /** Attaches a qdisc given in tc's grammar, also to a device that goes without one by default. */
    static void attachRoot(NetDevice dev, String spec) {
        String words = TcWords.rootSpec(spec);
        dev.kernel().rtnl().run(() -> DevGlobals.of(dev.kernel()).qdiscs.attachRoot(dev, words));
    }

    private NetDevice plug(String tap, RunOptions options, TapNic.Settings nic, FaultPlan.Rates faults) {
        boolean faultsAsked = !faults.isNone();
        TapDevice device = TapDevice.open(tap, options.queues, nic.offload());
        List<Wire> wires = new ArrayList<>();
        for (int i = 0; i < options.queues; i++) {
            Wire wire = device.queue(i);
            if (nic.model().fcs()) {
                FcsWire far = new FcsWire(wire);
                farCards.add(far);
                wire = far;
            }
            if (faultsAsked) { // between the two cards
                FaultWire damaged = new FaultWire(wire, options.seed + i, faults);
                faulty.add(damaged);
                wire = damaged;
            }
            wires.add(wire);
        }
        NetDevice dev = TapNic.create(kernel.initNet(), CARD, mac(tap), wires, nic, device.segmentsUdp());
        card = dev;
        settings = nic;
        return dev;
    }

    /** A locally administered address that stays the same for a name. */
    private static byte[] mac(String tap) {
        int hash = tap.hashCode() * 0x9E3779B1;
        return new byte[] {0x02, 0x50, (byte) (hash >>> 24), (byte) (hash >>> 16), (byte) (hash >>> 8), (byte) hash};
    }

    private void capture(RunOptions options, NetDevice dev) {
        if (options.pcap != null) {
            pcap = PacketTap.open(
                    kernel, dev.net, dev, options.pcap, options.snaplen, PcapFilter.parse(options.pcapFilter));
        }
    }

    Kernel kernel() {
        return kernel;
    }

    /** The card; null without a TAP. */
    @Nullable
    NetDevice card() {
        return card;
    }

    /** How the card was made, as {@code --nic} has it. */
    String cardText() {
        return NicSpec.describe(settings);
    }

    /** What the faults did, a line for each queue. */
    List<String> faultLines() {
        List<String> lines = new ArrayList<>();
        for (FcsWire far : farCards) {
            lines.add("far card: " + far.crcErrors() + " bad CRC");
        }
        for (FaultWire wire : faulty) {
            lines.add("faults out: " + wire.sent());
            lines.add("faults in:  " + wire.received());
        }
        return lines;
    }

    @Override
    public void close() {
        try {
            PacketTap tap = pcap;
            if (tap != null) {
                tap.close();
            }
        } finally {
            kernel.close();
        }
    }
}
