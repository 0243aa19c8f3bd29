package net.tcp;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import net.core.Cpu;
import net.core.IntSysctl;
import net.core.Kernel;
import net.core.Net;
import net.core.PerKernel;
import net.core.PerNet;
import net.core.StringSysctl;
import net.core.UserError;
import net.core.neigh.DstEntry;
import net.core.sock.TcpStates;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * The congestion control algorithms of a kernel by name, and which one a connection uses.
 *
 * <p>A new socket gets its namespace's default ({@code net.ipv4.tcp_congestion_control}); {@code TCP_CONGESTION}
 * replaces it at any time, a child inherits its listener's choice.
 *
 * <p><b>Context:</b> registration and settings in process context; the rest under the socket lock.
 *
 * <p>Linux: net/ipv4/tcp_cong.c.
 */
public final class TcpCong {
    /** Longest name and its end. Linux: TCP_CA_NAME_MAX */
    public static final int TCP_CA_NAME_MAX = 16;

    private static final int RTAX_FEATURE_ECN = 1;

    private static final PerKernel<TcpCong> SLOT = new PerKernel<>();
    private static final PerNet<NetDefault> NET_SLOT = new PerNet<>();

    private final Map<String, TcpCongestionOps> byName = new LinkedHashMap<>();

    /** A namespace's settings. */
    private static final class NetDefault {
        volatile TcpCongestionOps ops;
        final StringSysctl allowed;
        final IntSysctl capable;

        NetDefault(TcpCongestionOps ops, StringSysctl allowed, IntSysctl capable) {
            this.ops = ops;
            this.allowed = allowed;
            this.capable = capable;
        }

        /** Makes it the default, which every program may then choose by name as well. */
        void use(TcpCongestionOps chosen) {
            ops = chosen;
            if (!isAllowed(chosen.name())) {
                allowed.value = allowed.value + " " + chosen.name();
            }
        }

        boolean isAllowed(String name) {
            for (String word : allowed.value.toLowerCase(Locale.ROOT).split("\\s+", -1)) {
                if (word.equals(name)) {
                    return true;
                }
            }
            return false;
        }
    }

    private final Kernel kernel;

    /** An empty registry. */
    TcpCong(Kernel kernel) {
        this.kernel = kernel;
    }

    /** A kernel's registry. */
    public static TcpCong of(Kernel kernel) {
        return SLOT.get(kernel);
    }

    // ---- registry

    /** Loads what the module path offers. Context: boot. */
    static void initKernel(Kernel kernel) {
        TcpCong registry = new TcpCong(kernel);
        for (TcpCongestionOps ops : kernel.providers(TcpCongestionOps.class)) {
            registry.register(ops);
        }
        SLOT.set(kernel, registry);
    }

    /**
     * Adds an algorithm.
     *
     * @throws UserError if its name is taken or impossible, or a required method is missing
     */
    public synchronized void register(TcpCongestionOps ops) {
        String name = ops.name();
        if (name.isEmpty() || name.length() >= TCP_CA_NAME_MAX || name.indexOf(' ') >= 0) {
            throw new UserError(
                    "congestion control '" + name + "' of " + ops.getClass().getName() + ": a name has 1 to "
                            + (TCP_CA_NAME_MAX - 1) + " characters and no space");
        }
        if (!ops.hasCongControl() && !overrides(ops, "congAvoid")) {
            throw new UserError("congestion control '" + name + "' of "
                    + ops.getClass().getName() + " has neither congAvoid nor congControl");
        }
        ops.implemented = bit(ops, "setState", TcpCongestionOps.HAS_SET_STATE)
                | bit(ops, "cwndEvent", TcpCongestionOps.HAS_CWND_EVENT)
                | bit(ops, "inAckEvent", TcpCongestionOps.HAS_IN_ACK_EVENT)
                | bit(ops, "pktsAcked", TcpCongestionOps.HAS_PKTS_ACKED)
                | bit(ops, "skbMarkedLost", TcpCongestionOps.HAS_SKB_MARKED_LOST)
                | (ops.hasCongControl() ? TcpCongestionOps.HAS_CONG_CONTROL : 0);
        TcpCongestionOps other = byName.putIfAbsent(name, ops);
        if (other != null) {
            throw new UserError("congestion control '" + name + "' is offered by "
                    + other.getClass().getName() + " and " + ops.getClass().getName());
        }
        for (CongParam p : ops.params) {
            p.value = kernel.sysctl()
                    .register("tcp_" + name + "." + p.name, p.value, p.min, p.max, e -> p.value = ((IntSysctl) e).value)
                    .value;
        }
    }

    private static int bit(TcpCongestionOps ops, String method, int bit) {
        return overrides(ops, method) ? bit : 0;
    }

    private static boolean overrides(TcpCongestionOps ops, String method) {
        for (Class<?> c = ops.getClass(); c != null && c != TcpCongestionOps.class; c = c.getSuperclass()) {
            for (java.lang.reflect.Method m : c.getDeclaredMethods()) {
                if (m.getName().equals(method)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** An algorithm by name, or null. */
    public synchronized @Nullable TcpCongestionOps find(String name) {
        return byName.get(name);
    }

    /** All names, as {@code tcp_available_congestion_control} prints them. */
    public synchronized String available() {
        return String.join(" ", byName.keySet());
    }

    private synchronized String unrestricted() {
        StringBuilder names = new StringBuilder();
        for (TcpCongestionOps ops : byName.values()) {
            if ((ops.flags() & TcpCongestionOps.TCP_CONG_NON_RESTRICTED) != 0) {
                names.append(names.isEmpty() ? "" : " ").append(ops.name());
            }
        }
        return names.toString();
    }

    private boolean allKnown(String names) {
        for (String name : names.trim().split("\\s+", -1)) {
            if (find(name) == null) {
                return false;
            }
        }
        return true;
    }

    // ---- settings

    /** Registers a namespace's settings. Context: namespace start. */
    static void initNet(Net net) {
        TcpCong registry = of(net.kernel());
        String names = registry.available();
        String initial = registry.find("cubic") != null ? "cubic" : "reno";
        net.sysctl()
                .registerString(
                        "net.ipv4.tcp_available_congestion_control",
                        names,
                        text -> false,
                        "no change: read only",
                        null);
        StringSysctl allowed = net.sysctl()
                .registerString(
                        "net.ipv4.tcp_allowed_congestion_control",
                        registry.unrestricted(),
                        registry::allKnown,
                        "names out of: " + names,
                        null);
        StringSysctl chosen = net.sysctl()
                .registerString(
                        "net.ipv4.tcp_congestion_control",
                        initial,
                        name -> registry.find(name) != null,
                        "one of: " + names,
                        entry -> NET_SLOT.get(net).use(registry.required(entry.text())));
        IntSysctl capable = net.sysctl().register("net.core.cap_net_admin", 1, 0, 1);
        NetDefault settings = new NetDefault(registry.required(chosen.value), allowed, capable);
        settings.use(settings.ops);
        NET_SLOT.set(net, settings);
    }

    private TcpCongestionOps required(String name) {
        TcpCongestionOps ops = find(name);
        if (ops == null) {
            throw new UserError("no congestion control '" + name + "'; there are: " + available());
        }
        return ops;
    }

    /** The algorithm of a namespace's new sockets. */
    public static TcpCongestionOps defaultOf(Net net) {
        return NET_SLOT.get(net).ops;
    }

    /**
     * May programs of a namespace use restricted algorithms? A kernel of ours knows no users: its programs are as capable as
     * their namespace, by {@code net.core.cap_net_admin}. Linux: sockopt_ns_capable(CAP_NET_ADMIN).
     */
    static boolean capable(Net net) {
        return NET_SLOT.get(net).capable.isSet();
    }

    // ---- a connection

    /** The algorithm in force. */
    @HotPath
    static TcpCongestionOps ops(TcpSock tp) {
        return Objects.requireNonNull(tp.congOps);
    }

    private static void use(TcpSock tp, TcpCongestionOps ops) {
        tp.congOps = ops;
        tp.ca = ops.newState(); // allocates: once per connection
        tp.icskCaInitialized = false;
    }

    /** Gives a new socket its namespace's default. Linux: tcp_assign_congestion_control(). */
    public static void assign(TcpSock tp) {
        use(tp, defaultOf(tp.net));
    }

    /** Starts the algorithm: the handshake is over. Linux: tcp_init_congestion_control(). */
    public static void init(Cpu cpu, TcpSock tp) {
        tp.priorSsthresh = 0;
        ops(tp).init(cpu, tp);
        TcpEcnOut.setEct(tp, needsEcn(tp));
        tp.icskCaInitialized = true;
    }

    /** The socket ends. Linux: tcp_cleanup_congestion_control(). */
    public static void cleanup(TcpSock tp) {
        TcpCongestionOps ops = tp.congOps;
        if (ops != null && tp.icskCaInitialized) {
            ops.release(tp);
        }
        tp.icskCaInitialized = false;
    }

    /** The socket is disconnected and may connect again: the same algorithm from the start. */
    public static void restart(TcpSock tp) {
        cleanup(tp);
        TcpCongestionOps ops = tp.congOps;
        use(tp, ops != null ? ops : defaultOf(tp.net));
    }

    /** A child takes its listener's algorithm over, with a state of its own. */
    public static void inherit(TcpSock child, TcpSock listener) {
        TcpCongestionOps ops = listener.congOps;
        child.icskCaSetsockopt = true;
        use(child, ops != null ? ops : defaultOf(child.net));
    }

    /**
     * Takes the algorithm that the route names ({@code congctl}); a locked one cannot be changed by the program. True if
     * it names one that is there. Linux: tcp_ca_dst_init().
     */
    static boolean dstInit(TcpSock tp, DstEntry dst) {
        String name = dst.ccName;
        TcpCongestionOps ops = name == null ? null : of(tp.kernel()).find(name);
        if (ops == null) {
            return false;
        }
        tp.icskCaDstLocked = dst.metricLocked(DstEntry.RTAX_CC_ALGO);
        if (ops != tp.congOps) {
            use(tp, ops);
        }
        return true;
    }

    /** Does the route say {@code features ecn}? Linux: RTAX_FEATURE_ECN. */
    static boolean dstAsksForEcn(@Nullable DstEntry dst) {
        return dst != null && (dst.metric(DstEntry.RTAX_FEATURES) & RTAX_FEATURE_ECN) != 0;
    }

    /** Does the route name an algorithm that wants ECN? Linux: DST_FEATURE_ECN_CA. */
    static boolean dstNeedsEcn(TcpSock listener, DstEntry dst) {
        String name = dst.ccName;
        TcpCongestionOps ops = name == null ? null : of(listener.kernel()).find(name);
        return ops != null && (ops.flags() & TcpCongestionOps.TCP_CONG_NEEDS_ECN) != 0;
    }

    /** A child of a listener starts in Open, with its route's algorithm if it names one. Linux: tcp_ca_openreq_child(). */
    public static void openreqChild(Cpu cpu, TcpSock child, DstEntry dst) {
        if (!dstInit(child, dst) && child.congOps == null) {
            assign(child);
        }
        TcpCaMachine.tcpSetCaState(cpu, child, TcpConst.TCP_CA_OPEN);
    }

    /**
     * Changes the algorithm, live: TCP_CONGESTION.
     *
     * @param capable may use restricted ones (CAP_NET_ADMIN)
     * @return 0, -ENOENT for an unknown name, -EPERM for a restricted one
     */
    public static int set(Cpu cpu, TcpSock tp, String name, boolean capable) {
        if (tp.icskCaDstLocked) {
            return -Errno.EPERM;
        }
        TcpCongestionOps ops = of(tp.kernel()).find(name);
        if (ops == null) {
            return -Errno.ENOENT;
        }
        if (ops == tp.congOps) {
            tp.icskCaSetsockopt = true;
            return 0;
        }
        if (!capable && !NET_SLOT.get(tp.net).isAllowed(name)) {
            return -Errno.EPERM;
        }
        cleanup(tp);
        use(tp, ops);
        tp.icskCaSetsockopt = true;
        TcpEcnOut.setEct(tp, needsEcn(tp));
        if (tp.state != TcpStates.TCP_CLOSE && tp.state != TcpStates.TCP_LISTEN) {
            init(cpu, tp);
        }
        return 0;
    }

    /** Goes on with another algorithm that needs no state; for one that finds itself out of place in {@code init}. */
    public static void fallBack(TcpSock tp, TcpCongestionOps ops) {
        tp.congOps = ops;
    }

    /** The algorithm's name, for TCP_CONGESTION and ss. */
    public static String name(TcpSock tp) {
        TcpCongestionOps ops = tp.congOps;
        return ops == null ? "" : ops.name();
    }

    /** The algorithm's private state, for TCP_CC_INFO and ss; null before the connection is there. */
    static @Nullable TcpCcInfo ccInfo(TcpSock tp) {
        TcpCongestionOps ops = tp.congOps;
        return ops == null || !tp.icskCaInitialized ? null : ops.ccInfo(tp);
    }

    /** Tells the algorithm of a segment marked lost. */
    @HotPath
    static void skbMarkedLost(Cpu cpu, TcpSock tp, SkBuff skb) {
        TcpCongestionOps ops = ops(tp);
        if ((ops.implemented & TcpCongestionOps.HAS_SKB_MARKED_LOST) != 0) {
            ops.skbMarkedLost(cpu, tp, skb);
        }
    }

    /** Tells the algorithm of an event. Linux: tcp_ca_event(). */
    @HotPath
    public static void cwndEvent(Cpu cpu, TcpSock tp, int event) {
        TcpCongestionOps ops = ops(tp);
        if ((ops.implemented & TcpCongestionOps.HAS_CWND_EVENT) != 0) {
            ops.cwndEvent(cpu, tp, event);
        }
    }

    /** Does the algorithm set window and pacing rate by itself? */
    @HotPath
    public static boolean hasCongControl(TcpSock tp) {
        return (ops(tp).implemented & TcpCongestionOps.HAS_CONG_CONTROL) != 0;
    }

    /** Fewest segments in a TSO packet: the algorithm's, or the sysctl's. */
    @HotPath
    public static int minTsoSegs(TcpSock tp) {
        int segs = ops(tp).minTsoSegs(tp);
        return segs != 0 ? segs : tp.sysctl.tcpMinTsoSegs;
    }

    /** Does the algorithm want ECT on every packet? Linux: tcp_ca_needs_ecn(). */
    @HotPath
    public static boolean needsEcn(TcpSock tp) {
        TcpCongestionOps ops = tp.congOps;
        return ops != null && (ops.flags() & TcpCongestionOps.TCP_CONG_NEEDS_ECN) != 0;
    }
}
