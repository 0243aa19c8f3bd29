package net.testkit.packetdrill.lang;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a script runs under: the interpreter's defaults, overridden by the script's own {@code --options}, overridden by the
 * command line. {@link SettingsReader} makes it.
 *
 * @param ipVersion how sockets and packets speak IP
 * @param scriptVersion what the script itself says, or null: it is written for that and runs under no other
 * @param bindPort local port of {@code bind}
 * @param connectPort remote port of {@code connect} and {@code sendto}
 * @param localIp address of the stack under test
 * @param remoteIp address of the scripted side, without its prefix length
 * @param remotePrefix prefix length of the scripted side's network
 * @param gatewayIp next hop towards the scripted side
 * @param netmaskIp of the local network (IPv4)
 * @param mtu of the device
 * @param mss segment size of inbound packets larger than it, which arrive as GRO would have built them; 0: none do
 * @param toleranceUsecs how far live times may be off
 * @param tolerancePercent the same, of the time since the event before; the larger of the two counts
 * @param tcpTsTickUsecs length of a tick of outbound TS val; 0: outbound TS val is not compared
 * @param tcpTsEcrScaled inbound TS ecr is mapped linearly instead of by values seen
 * @param strictSegments live segments are not merged before they are compared
 * @param nonFatalPackets a packet that differs is reported and does not end the run
 * @param nonFatalSyscalls the same for system calls
 * @param anyIp the remote prefix is local as well
 * @param sendOmitFree without meaning for an emulated process: buffers are the runner's
 * @param initScripts shell commands to run before the script
 * @param dryRun parse only
 * @param verbose say more
 * @param defines symbols replaced while scripts are read
 */
public record Settings(
        IpVersion ipVersion,
        @Nullable IpVersion scriptVersion,
        int bindPort,
        int connectPort,
        String localIp,
        String remoteIp,
        int remotePrefix,
        String gatewayIp,
        String netmaskIp,
        int mtu,
        int mss,
        long toleranceUsecs,
        double tolerancePercent,
        long tcpTsTickUsecs,
        boolean tcpTsEcrScaled,
        boolean strictSegments,
        boolean nonFatalPackets,
        boolean nonFatalSyscalls,
        boolean anyIp,
        boolean sendOmitFree,
        List<String> initScripts,
        boolean dryRun,
        boolean verbose,
        Map<String, String> defines) {
    public Settings {
        initScripts = List.copyOf(initScripts);
        defines = Map.copyOf(defines);
    }

    /** Which addresses sockets and packets have. */
    public enum IpVersion {
        IPV4("ipv4"),
        IPV4_MAPPED_IPV6("ipv4-mapped-ipv6"),
        IPV6("ipv6");

        private final String text;

        IpVersion(String text) {
            this.text = text;
        }

        /** As the command line writes it. */
        public String text() {
            return text;
        }
    }
}
