package softnet.tools;

import drivers.tapnic.NicSpec;
import drivers.tapnic.TapNic;
import java.nio.file.Path;
import net.core.UserError;
import net.testkit.FaultPlan;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import softnet.tools.applet.Addr;

/** The options of {@code softnet run}: a kernel, its card and what watches it. */
final class RunOptions {
    /** An address and the length of its prefix. */
    record Prefix(int address, int length) {
        static Prefix parse(String option, String text) {
            int slash = text.indexOf('/');
            try {
                int length = slash < 0 ? -1 : Integer.parseInt(text.substring(slash + 1));
                if (length >= 0 && length <= 32) {
                    return new Prefix(Addr.literal(text.substring(0, slash)), length);
                }
            } catch (NumberFormatException e) {
                // Said below.
            }
            throw new UserError(option + " " + text + ": want ADDRESS/LENGTH such as 10.9.0.2/24");
        }
    }

    @Mixin
    KernelOptions kernel = new KernelOptions();

    @Option(names = "--tap", paramLabel = "NAME", description = "TAP device that the card is plugged into.")
    @Nullable
    String tap;

    @Option(names = "--addr", paramLabel = "A/LEN", description = "Address of the stack, with its prefix length.")
    private @Nullable String addr;

    @Option(names = "--host-addr", paramLabel = "B/LEN", description = "Give the Linux side this address.")
    private @Nullable String hostAddr;

    @Option(names = "--gateway", paramLabel = "G", description = "Default route.")
    private @Nullable String gateway;

    @Option(names = "--queues", paramLabel = "N", defaultValue = "1", description = "Queue pairs (${DEFAULT-VALUE}).")
    int queues = 1;

    @Option(names = "--no-offload", description = "Checksum and segment in software.")
    boolean noOffload;

    @Option(
            names = "--nic",
            paramLabel = "SPEC",
            description = "The card and its wire: " + NicSpec.GRAMMAR + " (as ethtool -G, -C; a modelled wire).")
    private @Nullable String nic;

    @Option(
            names = "--ifb",
            paramLabel = "N",
            defaultValue = "0",
            description = "Devices ifb0, ifb1, ... that 'tc' can redirect packets to (${DEFAULT-VALUE}).")
    int ifbs;

    @Option(names = "--pcap", paramLabel = "FILE", description = "Capture both directions into a pcapng file.")
    @Nullable
    Path pcap;

    @Option(names = "--pcap-filter", paramLabel = "EXPR", description = "Such as 'host 10.9.0.1 and port 80'.")
    String pcapFilter = "";

    @Option(names = "--snaplen", paramLabel = "BYTES", description = "Bytes kept of each packet.")
    int snaplen = net.core.packet.PacketTap.DEFAULT_SNAPLEN;

    @Option(names = "--metrics-port", paramLabel = "P", description = "Serve Prometheus text on this port of Linux.")
    @Nullable
    Integer metricsPort;

    @Option(
            names = "--control",
            paramLabel = "PATH",
            description = "Socket for 'softnet tc' ($XDG_RUNTIME_DIR or /tmp, softnet-PID.sock).")
    @Nullable
    Path control;

    @Option(names = "--faults", paramLabel = "SPEC", description = "Damage the wire: loss=2%%,reorder=2%%,dup=1%%,...")
    private @Nullable String faults;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Of the faults (${DEFAULT-VALUE}).")
    long seed = 1;

    @Option(names = "--verbose", description = "Print what is in force, and what moved at the end.")
    boolean verbose;

    /** The stack's address; null without a TAP. */
    @Nullable
    Prefix addr() {
        if (tap == null) {
            if (addr != null || hostAddr != null || gateway != null || nic != null) {
                throw new UserError("--addr, --host-addr, --gateway and --nic want --tap NAME");
            }
            return null;
        }
        if (addr == null) {
            throw new UserError("--tap " + tap + ": want --addr A/LEN");
        }
        return Prefix.parse("--addr", addr);
    }

    /** Linux's address, or null to leave it alone. */
    @Nullable
    Prefix hostAddr() {
        return hostAddr == null ? null : Prefix.parse("--host-addr", hostAddr);
    }

    /** The gateway, 0 for none. */
    int gateway() {
        return gateway == null ? 0 : Addr.literal(gateway);
    }

    /** The card: offloads only over a wire that carries frames unharmed and unchecked. */
    TapNic.Settings nic() {
        boolean offload = !noOffload && faults().isNone();
        TapNic.Settings base = TapNic.Settings.DEFAULT.withOffload(offload);
        try {
            return nic == null ? base : NicSpec.parse(nic, base);
        } catch (UserError e) {
            throw new UserError("--" + e.getMessage());
        }
    }

    /** What happens to frames on the wire. */
    FaultPlan.Rates faults() {
        return faults == null ? FaultPlan.Rates.NONE : FaultPlan.Rates.parse(faults);
    }
}
