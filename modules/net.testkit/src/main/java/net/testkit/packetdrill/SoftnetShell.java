package net.testkit.packetdrill;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import net.core.Net;
import net.core.UserError;
import net.core.dev.DevGlobals;
import net.core.dev.NetDevice;
import net.core.dev.NetdevFeatures;
import net.core.neigh.DstEntry;
import net.ipv4.Ipv4Admin;
import net.ipv4.route.FibConfig;
import net.tcp.TcpNet;
import net.testkit.Lab;
import net.testkit.packetdrill.lang.ShellCommand;

/** What commands do to a namespace of Softnet. What is not emulated fails the script. */
final class SoftnetShell implements HostShell {
    private static final int ECN_FEATURE = 1;

    private final Net net;
    private final NetDevice dev;

    SoftnetShell(Net net, NetDevice dev) {
        this.net = net;
        this.dev = dev;
    }

    @Override
    public String sysctl(String name) {
        return net.sysctl().get(name);
    }

    @Override
    public void sysctl(String name, String value) {
        if (net.sysctl().find(name) == null) {
            // defaults.sh asks for some that we lack in every script: no search for similar names.
            throw new UserError(name + ": no such setting");
        }
        net.sysctl().set(name, value);
    }

    @Override
    public void flushMetrics() {
        TcpNet.of(net).metrics.flush();
    }

    @Override
    public void moduleParameter(ShellCommand.ModuleParameter p) {
        String name = p.module() + "." + p.name();
        try {
            net.kernel().sysctl().set(name, p.value());
        } catch (UserError e) {
            throw new ScriptFailure(
                    "module parameter that is not emulated: " + name + "=" + p.value() + ": " + e.getMessage());
        }
    }

    @Override
    public void qdisc(ShellCommand.Qdisc q) {
        List<String> words = new ArrayList<>();
        words.add(q.kind() == null || q.verb().equals("delete") ? "pfifo_fast" : q.kind());
        words.addAll(q.args());
        net.kernel().rtnl().run(() -> DevGlobals.of(net.kernel()).qdiscs.attachRoot(dev, String.join(" ", words)));
    }

    @Override
    public boolean offloads(Map<String, Boolean> features) {
        boolean ok = true;
        for (Map.Entry<String, Boolean> feature : features.entrySet()) {
            long bits = NetdevFeatures.byName(feature.getKey());
            if (bits == 0) {
                throw new ScriptFailure("ethtool: unknown feature " + feature.getKey());
            }
            ok &= dev.setFeatures(bits, feature.getValue()) == 0;
        }
        return ok;
    }

    @Override
    public void route(ShellCommand.Route r) {
        if (r.ipv6()) {
            return;
        }
        String[] prefix = r.destination().split("/");
        FibConfig c = new FibConfig(Lab.address(prefix[0]), prefix.length > 1 ? Integer.parseInt(prefix[1]) : 32);
        int gateway = 0;
        for (Map.Entry<String, String> a : r.attributes().entrySet()) {
            String value = a.getValue();
            switch (a.getKey()) {
                case "via" -> gateway = Lab.address(value);
                case "dev" -> {}
                case "features" -> c.metrics[DstEntry.RTAX_FEATURES] |= feature(value);
                case "congctl" -> c.ccName = value;
                default -> {
                    int rtax = metric(a.getKey());
                    // iproute2 locks rto_min unasked; the kernel heeds it only so.
                    boolean lock = rtax == DstEntry.RTAX_RTO_MIN || r.locked().contains(a.getKey());
                    c.metricLocks |= lock ? 1 << rtax : 0;
                    c.metrics[rtax] = metricValue(value);
                }
            }
        }
        c.via(dev, gateway);
        if (r.verb().equals("del")) {
            Ipv4Admin.delRoute(net, c);
        } else {
            Ipv4Admin.replaceRoute(net, c);
        }
    }

    private static int feature(String name) {
        if (!name.equals("ecn")) {
            throw new ScriptFailure("ip route: feature that is not emulated: " + name);
        }
        return ECN_FEATURE;
    }

    /** Times are milliseconds unless they say seconds. */
    private static int metricValue(String text) {
        boolean seconds = text.endsWith("s") && !text.endsWith("ms");
        return Integer.parseInt(text.replaceFirst("m?s$", "")) * (seconds ? 1000 : 1);
    }

    private static int metric(String name) {
        return switch (name) {
            case "mtu" -> DstEntry.RTAX_MTU;
            case "window" -> DstEntry.RTAX_WINDOW;
            case "rtt" -> DstEntry.RTAX_RTT;
            case "rttvar" -> DstEntry.RTAX_RTTVAR;
            case "ssthresh" -> DstEntry.RTAX_SSTHRESH;
            case "cwnd" -> DstEntry.RTAX_CWND;
            case "advmss" -> DstEntry.RTAX_ADVMSS;
            case "reordering" -> DstEntry.RTAX_REORDERING;
            case "hoplimit" -> DstEntry.RTAX_HOPLIMIT;
            case "initcwnd" -> DstEntry.RTAX_INITCWND;
            case "rto_min" -> DstEntry.RTAX_RTO_MIN;
            case "initrwnd" -> DstEntry.RTAX_INITRWND;
            case "quickack" -> DstEntry.RTAX_QUICKACK;
            default -> throw new ScriptFailure("ip route: unknown attribute " + name);
        };
    }

    @Override
    public boolean mtu(int mtu) {
        return dev.setMtu(mtu) == 0;
    }

    @Override
    public Map<String, Long> counters() {
        return net.mib().snapshot();
    }

    @Override
    public List<String> file(String path) {
        return switch (path) {
            case "/proc/net/tcp" -> ProcTcp.lines(net);
            case "/proc/net/tcp6" -> List.of();
            default -> throw new ScriptFailure("file that is not emulated: " + path);
        };
    }
}
