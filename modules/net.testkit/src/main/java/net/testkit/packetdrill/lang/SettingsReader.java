package net.testkit.packetdrill.lang;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import net.testkit.packetdrill.lang.Settings.IpVersion;
import org.jspecify.annotations.Nullable;

/** Makes {@link Settings} from options: the script's first, the command line's after them. An unknown one is an error. */
public final class SettingsReader {
    /** Options that belong to other ways of running; accepted, and of no effect here. */
    private static final Set<String> IGNORED = Set.of(
            "code_command",
            "code_format",
            "code_sockopt",
            "debug",
            "psp_udp_port",
            "so_filename",
            "so_flags",
            "speed",
            "wire_client",
            "wire_client_dev",
            "wire_server",
            "wire_server_at",
            "wire_server_dev",
            "wire_server_ip",
            "wire_server_port");

    private final String path;
    private final Map<String, String> defines = new LinkedHashMap<>();
    private final List<String> initScripts = new ArrayList<>();
    private IpVersion ipVersion = IpVersion.IPV4;
    private @Nullable IpVersion scriptVersion;
    private int bindPort = 8080;
    private int connectPort = 8080;
    private @Nullable String localIp;
    private @Nullable String remoteIp;
    private @Nullable String gatewayIp;
    private String netmaskIp = "255.255.0.0";
    private int mtu;
    private int mss;
    private long toleranceUsecs = 4000;
    private double tolerancePercent = 12.5;
    private long tcpTsTickUsecs;
    private boolean tcpTsEcrScaled;
    private boolean strictSegments;
    private boolean nonFatalPackets;
    private boolean nonFatalSyscalls;
    private boolean anyIp;
    private boolean sendOmitFree;
    private boolean dryRun;
    private boolean verbose;

    private SettingsReader(String path) {
        this.path = path;
    }

    /** The settings these options give. @param path of the script, for messages */
    public static Settings read(String path, List<Option> script, List<Option> commandLine) throws ScriptException {
        SettingsReader r = new SettingsReader(path);
        for (Option o : script) {
            r.apply(o);
            if (o.name().equals("ip_version")) {
                r.scriptVersion = r.ipVersion;
            }
        }
        for (Option o : commandLine) {
            r.apply(o);
        }
        return r.finish();
    }

    private void apply(Option o) throws ScriptException {
        switch (o.name()) {
            case "ip_version" -> ipVersion = ipVersion(o);
            case "bind_port" -> bindPort = integer(o, 1, 0xffff);
            case "connect_port" -> connectPort = integer(o, 1, 0xffff);
            case "local_ip" -> localIp = text(o);
            case "remote_ip" -> remoteIp = text(o);
            case "gateway_ip" -> gatewayIp = text(o);
            case "netmask_ip" -> netmaskIp = text(o);
            case "mtu" -> mtu = integer(o, 68, 0xffff);
            case "mss" -> mss = integer(o, 1, 0xffff);
            case "init_scripts" -> initScripts.addAll(List.of(text(o).split(",")));
            case "tolerance_usecs" -> toleranceUsecs = integer(o, 1, Integer.MAX_VALUE);
            case "tolerance_percent" -> tolerancePercent = percentage(o);
            case "tcp_ts_tick_usecs" -> tcpTsTickUsecs = integer(o, 0, 1_000_000);
            case "tcp_ts_ecr_scaled" -> tcpTsEcrScaled = bare(o);
            case "strict_segments" -> strictSegments = bare(o);
            case "non_fatal" -> nonFatal(o);
            case "is_anyip" -> anyIp = bare(o);
            case "send_omit_free" -> sendOmitFree = bare(o);
            case "dry_run" -> dryRun = bare(o);
            case "verbose" -> verbose = bare(o);
            case "define" -> define(o);
            default -> {
                if (!IGNORED.contains(o.name())) {
                    throw error(o, "unknown option --" + o.name());
                }
            }
        }
    }

    private Settings finish() {
        boolean six = ipVersion == IpVersion.IPV6;
        suiteDefines();
        String remote = remoteIp != null ? remoteIp : six ? "fd3d:fa7b:d17d::1" : "192.0.2.1";
        int slash = remote.indexOf('/');
        int prefix = six ? 48 : 24;
        if (slash >= 0 && Numbers.parseC(remote.substring(slash + 1)) instanceof Long written) {
            prefix = Math.clamp(written, 0, six ? 128 : 32);
        }
        String local = localIp != null ? localIp : six ? "fd3d:0a0b:17d6::1" : "192.168.0.1";
        String gateway = gatewayIp != null ? gatewayIp : six ? "fd3d:0a0b:17d6:8888::1" : "192.168.0.254";
        return new Settings(
                ipVersion,
                scriptVersion,
                bindPort,
                connectPort,
                local,
                slash < 0 ? remote : remote.substring(0, slash),
                prefix,
                gateway,
                netmaskIp,
                mtu != 0 ? mtu : six ? 1520 : 1500,
                mss,
                toleranceUsecs,
                tolerancePercent,
                tcpTsTickUsecs,
                tcpTsEcrScaled,
                strictSegments,
                nonFatalPackets,
                nonFatalSyscalls,
                anyIp,
                sendOmitFree,
                initScripts,
                dryRun,
                verbose,
                defines);
    }

    /** The symbols the public suite's own runner defines, unless somebody else did. */
    private void suiteDefines() {
        boolean four = ipVersion == IpVersion.IPV4;
        boolean fourOnWire = ipVersion != IpVersion.IPV6;
        defines.putIfAbsent("TFO_COOKIE", fourOnWire ? "3021b9d889017eeb" : "c1d1e9742a47a9bc");
        if (fourOnWire) {
            defines.putIfAbsent("TFO_COOKIE_ZERO", "b7c12350a90dc8f5");
        }
        defines.putIfAbsent("CODE", fourOnWire ? "host_unreachable" : "address_unreachable");
        defines.putIfAbsent("CMSG_LEVEL_IP", four ? "SOL_IP" : "SOL_IPV6");
        defines.putIfAbsent("CMSG_TYPE_RECVERR", four ? "IP_RECVERR" : "IPV6_RECVERR");
    }

    private IpVersion ipVersion(Option o) throws ScriptException {
        for (IpVersion v : IpVersion.values()) {
            if (v.text().equals(o.value().toLowerCase(Locale.ROOT))) {
                return v;
            }
        }
        throw error(o, "--ip_version wants ipv4, ipv4-mapped-ipv6 or ipv6, not '" + o.value() + "'");
    }

    private int integer(Option o, int min, int max) throws ScriptException {
        try {
            int n = Integer.parseInt(o.value());
            if (n >= min && n <= max) {
                return n;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw error(o, "--" + o.name() + " wants a number from " + min + " to " + max + ", not '" + o.value() + "'");
    }

    private double percentage(Option o) throws ScriptException {
        try {
            double d = Double.parseDouble(o.value());
            if (d > 0 && d <= 1000) {
                return d;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw error(o, "--tolerance_percent wants a number above 0, not '" + o.value() + "'");
    }

    private String text(Option o) throws ScriptException {
        if (o.value().isEmpty()) {
            throw error(o, "--" + o.name() + " wants a value");
        }
        return o.value();
    }

    private boolean bare(Option o) throws ScriptException {
        if (!o.value().isEmpty()) {
            throw error(o, "--" + o.name() + " takes no value");
        }
        return true;
    }

    private void nonFatal(Option o) throws ScriptException {
        for (String kind : text(o).split(",")) {
            switch (kind) {
                case "packet" -> nonFatalPackets = true;
                case "syscall" -> nonFatalSyscalls = true;
                default -> throw error(o, "--non_fatal knows packet and syscall, not '" + kind + "'");
            }
        }
    }

    private void define(Option o) throws ScriptException {
        int eq = o.value().indexOf('=');
        if (eq <= 0) {
            throw error(o, "a definition is SYM=VAL, not '" + o.value() + "'");
        }
        defines.put(o.value().substring(0, eq), o.value().substring(eq + 1));
    }

    private ScriptException error(Option o, String what) {
        return new ScriptException(o.line() == 0 ? "command line" : path, o.line(), 0, what);
    }
}
