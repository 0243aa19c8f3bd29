package net.ipv4;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import net.core.Cpu;
import net.core.IntSysctl;
import net.core.LongVecSysctl;
import net.core.MibSet;
import net.core.Net;
import net.core.PerCpu;
import net.core.PerNet;
import net.core.StringSysctl;
import net.core.Sysctl;
import net.core.SysctlEntry;
import net.core.UserError;
import net.core.dev.NetDevice;
import net.core.neigh.DstEntry;
import net.ipv4.inet.InetTimewaitDeathRow;
import net.ipv4.route.Fib;
import net.ipv4.route.Flowi4;
import net.ipv4.route.Ipv4DstOps;
import net.ipv4.route.RtType;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * A namespace's IPv4: tables, addresses, settings and counters.
 *
 * <p><b>Context:</b> read anywhere; addresses and routes change under rtnl.
 *
 * <p>Linux: struct netns_ipv4, include/net/netns/ipv4.h
 */
public final class Ipv4Net {
    private static final PerNet<Ipv4Net> SLOT = new PerNet<>();
    private static final PerCpu<Ipv4Scratch> SCRATCH = new PerCpu<>();
    private static final int HZ = 1000;

    public final Net net;
    public final Ipv4DstOps dstOps;
    public final Fib fib;
    /** Raised by every change of routes: routes made before are stale. */
    public final AtomicInteger rtGenid = new AtomicInteger();
    /** Raised by every change of addresses. */
    public final AtomicInteger devAddrGenid = new AtomicInteger(1);

    public final InetTimewaitDeathRow deathRow = new InetTimewaitDeathRow();
    public final MibSet<IpMib.Ip> ip;
    public final MibSet<IpMib> ipExt;
    public final MibSet<IpMib.Icmp> icmp;
    public final MibSet<IpMib.Udp> udp;
    final Arp arp;
    final IpFragment frags;
    final IpIdent ident;
    final IcmpRateLimit icmpLimit;
    final InetPeer.Table peers = new InetPeer.Table();
    final RawTable raw = new RawTable();
    final PingTable ping = new PingTable();
    final Ipv4Devconf confAll;
    final Ipv4Devconf confDefault;
    /** Martians seen, by kind. Linux: rt_cache_stat in_martian_src, in_martian_dst. */
    private final long[] martianSrc;

    private final long[] martianDst;

    private final List<InDevice> devices = new ArrayList<>();
    private volatile AddrTable addrs = new AddrTable(List.of());
    private volatile BitSet reservedPorts = new BitSet();
    private volatile int portRange;

    private final IntSysctl ipForward;
    private final IntSysctl ipDefaultTtl;
    private final IntSysctl ipNoPmtuDisc;
    private final IntSysctl ipNonlocalBind;
    private final IntSysctl ipEarlyDemux;
    private final IntSysctl udpEarlyDemux;
    private final IntSysctl tcpEarlyDemux;
    private final IntSysctl ipForwardUsePmtu;
    private final IntSysctl ipForwardUpdatePriority;
    private final IntSysctl icmpEchoIgnoreAll;
    private final IntSysctl icmpEchoIgnoreBroadcasts;
    private final IntSysctl icmpIgnoreBogus;
    private final IntSysctl icmpErrorsUseInboundIfaddr;
    private final IntSysctl rtMinPmtu;
    private final IntSysctl rtMtuExpires;
    private final IntSysctl rtMinAdvmss;
    private final IntSysctl rtGcTimeout;
    private final IntSysctl udpRmemMin;
    private final IntSysctl udpWmemMin;
    private final IntSysctl bindAddressNoPort;
    private final IntSysctl tosReflect;
    private @Nullable IntSysctl tcpMaxTwBuckets;
    private @Nullable IntSysctl tcpSynackRetries;

    Ipv4Net(Net net, Ipv4DstOps dstOps, Arp arp) {
        this.net = net;
        this.dstOps = dstOps;
        this.arp = arp;
        ip = net.mib().register("Ip", IpMib.Ip.class);
        icmp = net.mib().register("Icmp", IpMib.Icmp.class);
        udp = net.mib().register("Udp", IpMib.Udp.class);
        ipExt = net.mib().register("IpExt", IpMib.class);
        martianSrc = new long[net.kernel().cpus()];
        martianDst = new long[net.kernel().cpus()];
        Sysctl s = net.sysctl();
        confAll = new Ipv4Devconf(s, "all", null, e -> forwardAll(((IntSysctl) e).value));
        confDefault = new Ipv4Devconf(s, "default", null, null);
        ipForward = s.register("net.ipv4.ip_forward", 0, 0, 1, e -> forwardAll(((IntSysctl) e).value));
        if (ipForward.value != 0) {
            confAll.forwarding.value = 1;
            confDefault.forwarding.value = 1;
        }
        ipDefaultTtl = s.register("net.ipv4.ip_default_ttl", Inet.IPDEFTTL, 1, 255);
        ipNoPmtuDisc = s.register("net.ipv4.ip_no_pmtu_disc", 0, 0, 3);
        ipNonlocalBind = s.register("net.ipv4.ip_nonlocal_bind", 0, 0, 1);
        ipEarlyDemux = s.register("net.ipv4.ip_early_demux", 1, 0, 1);
        udpEarlyDemux = s.register("net.ipv4.udp_early_demux", 1, 0, 1);
        tcpEarlyDemux = s.register("net.ipv4.tcp_early_demux", 1, 0, 1);
        ipForwardUsePmtu = s.register("net.ipv4.ip_forward_use_pmtu", 0, 0, 1);
        ipForwardUpdatePriority = s.register("net.ipv4.ip_forward_update_priority", 1, 0, 1);
        icmpEchoIgnoreAll = s.register("net.ipv4.icmp_echo_ignore_all", 0, 0, 1);
        icmpEchoIgnoreBroadcasts = s.register("net.ipv4.icmp_echo_ignore_broadcasts", 1, 0, 1);
        icmpIgnoreBogus = s.register("net.ipv4.icmp_ignore_bogus_error_responses", 1, 0, 1);
        icmpErrorsUseInboundIfaddr = s.register("net.ipv4.icmp_errors_use_inbound_ifaddr", 0, 0, 1);
        rtMinPmtu = s.register("net.ipv4.route.min_pmtu", 552, Inet.IPV4_MIN_MTU, 65535);
        rtMtuExpires = s.register("net.ipv4.route.mtu_expires", 600, 0, Integer.MAX_VALUE / HZ);
        rtMinAdvmss = s.register("net.ipv4.route.min_adv_mss", 256, 0, 65535);
        rtGcTimeout = s.register("net.ipv4.route.gc_timeout", 300, 0, Integer.MAX_VALUE / HZ);
        udpRmemMin = s.register("net.ipv4.udp_rmem_min", 4096, 1, Integer.MAX_VALUE);
        udpWmemMin = s.register("net.ipv4.udp_wmem_min", 4096, 1, Integer.MAX_VALUE);
        bindAddressNoPort = s.register("net.ipv4.ip_autobind_reuse", 0, 0, 1);
        tosReflect = s.register("net.ipv4.fwmark_reflect", 0, 0, 1);
        s.registerVec("net.ipv4.ping_group_range", new long[] {1, 0}, 0, Integer.MAX_VALUE, null);
        LongVecSysctl range = s.registerVec(
                "net.ipv4.ip_local_port_range", new long[] {32768, 60999}, 1, 65535, this::portRangeChanged);
        portRangeChanged(range);
        StringSysctl reserved = s.registerString(
                "net.ipv4.ip_local_reserved_ports",
                "",
                Ipv4Net::validPorts,
                "ports and ranges: 8080,9000-9100",
                e -> reservedPorts = parsePorts(e.text()));
        reservedPorts = parsePorts(reserved.value);
        fib = new Fib(this);
        frags = new IpFragment(this);
        ident = new IpIdent(net.kernel());
        icmpLimit = new IcmpRateLimit(this);
    }

    /** IPv4 of a namespace. */
    @HotPath
    public static Ipv4Net of(Net net) {
        return SLOT.get(net);
    }

    static void set(Net net, @Nullable Ipv4Net v4) {
        SLOT.set(net, v4);
    }

    /** Reusable objects of a CPU. */
    @HotPath
    public static Ipv4Scratch scratch(Cpu cpu) {
        return SCRATCH.get(cpu);
    }

    static void initScratch(Cpu cpu) {
        SCRATCH.set(cpu, new Ipv4Scratch());
    }

    /** Milliseconds since midnight UTC, as ICMP and IP time stamps want. Linux: inet_current_timestamp(). */
    static int inetCurrentTimestamp(Cpu cpu) {
        // Deviation: a time without a day is all that goes out; it counts from the kernel's start.
        return (int) (cpu.nowNs() / 1_000_000 % 86_400_000);
    }

    // ---- settings

    private void forwardAll(int on) {
        ipForward.value = on;
        confAll.forwarding.value = on;
        confDefault.forwarding.value = on;
        for (InDevice d : devices) {
            d.cnf.forwarding.value = on;
        }
        fib.cacheFlush();
    }

    private void portRangeChanged(SysctlEntry e) {
        LongVecSysctl v = (LongVecSysctl) e;
        long low = v.at(0);
        long high = v.at(1);
        if (low > high) {
            throw new UserError(v.name() + ": want first and last port, got " + low + " " + high);
        }
        portRange = (int) (high << 16 | low);
    }

    private static boolean validPorts(String text) {
        try {
            parsePorts(text);
            return true;
        } catch (NumberFormatException | IndexOutOfBoundsException e) {
            return false;
        }
    }

    private static BitSet parsePorts(String text) {
        BitSet set = new BitSet();
        for (String part : text.split(",", -1)) {
            String p = part.trim();
            if (p.isEmpty()) {
                continue;
            }
            int dash = p.indexOf('-');
            int first = Integer.parseInt(dash < 0 ? p : p.substring(0, dash).trim());
            int last = dash < 0 ? first : Integer.parseInt(p.substring(dash + 1).trim());
            if (first < 0 || last > 65535 || first > last) {
                throw new IndexOutOfBoundsException(p);
            }
            set.set(first, last + 1);
        }
        return set;
    }

    /** Ephemeral ports: last in the high half, first in the low half. */
    public int localPortRange() {
        return portRange;
    }

    /** Not to be chosen automatically. */
    public boolean isReservedPort(int port) {
        return reservedPorts.get(port);
    }

    public int sysctlNoPmtuDisc() {
        return ipNoPmtuDisc.value;
    }

    public int sysctlIpNonlocalBind() {
        return ipNonlocalBind.value;
    }

    @HotPath
    public boolean sysctlIpEarlyDemux() {
        return ipEarlyDemux.value != 0;
    }

    @HotPath
    public boolean sysctlTcpEarlyDemux() {
        return tcpEarlyDemux.value != 0;
    }

    @HotPath
    public boolean sysctlUdpEarlyDemux() {
        return udpEarlyDemux.value != 0;
    }

    boolean sysctlIpForwardUsePmtu() {
        return ipForwardUsePmtu.value != 0;
    }

    boolean sysctlIpForwardUpdatePriority() {
        return ipForwardUpdatePriority.value != 0;
    }

    boolean sysctlIcmpEchoIgnoreAll() {
        return icmpEchoIgnoreAll.value != 0;
    }

    boolean sysctlIcmpEchoIgnoreBroadcasts() {
        return icmpEchoIgnoreBroadcasts.value != 0;
    }

    boolean sysctlIcmpIgnoreBogus() {
        return icmpIgnoreBogus.value != 0;
    }

    boolean sysctlIcmpErrorsUseInboundIfaddr() {
        return icmpErrorsUseInboundIfaddr.value != 0;
    }

    /** Marks of requests go onto answers made without a socket. */
    public boolean sysctlFwmarkReflect() {
        return tosReflect.value != 0;
    }

    public boolean sysctlIpAutobindReuse() {
        return bindAddressNoPort.value != 0;
    }

    public int sysctlIpRtMinPmtu() {
        return rtMinPmtu.value;
    }

    public long sysctlIpRtMtuExpiresJiffies() {
        return (long) rtMtuExpires.value * HZ;
    }

    public int sysctlIpRtMinAdvmss() {
        return rtMinAdvmss.value;
    }

    public long sysctlIpRtGcTimeoutJiffies() {
        return (long) rtGcTimeout.value * HZ;
    }

    public int sysctlUdpRmemMin() {
        return udpRmemMin.value;
    }

    public int sysctlUdpWmemMin() {
        return udpWmemMin.value;
    }

    /** The setting belongs to net.tcp, which may not be there. */
    public int sysctlTcpMaxTwBuckets() {
        IntSysctl s = tcpMaxTwBuckets;
        if (s == null && net.sysctl().find("net.ipv4.tcp_max_tw_buckets") instanceof IntSysctl found) {
            s = found;
            tcpMaxTwBuckets = s;
        }
        return s == null ? 65536 : s.value;
    }

    public int sysctlTcpSynackRetries() {
        IntSysctl s = tcpSynackRetries;
        if (s == null && net.sysctl().find("net.ipv4.tcp_synack_retries") instanceof IntSysctl found) {
            s = found;
            tcpSynackRetries = s;
        }
        return s == null ? 5 : s.value;
    }

    /** Time to live of packets over a route. Linux: ip4_dst_hoplimit(). */
    @HotPath
    public int dstHoplimit(DstEntry dst) {
        int limit = dst.metric(DstEntry.RTAX_HOPLIMIT);
        return limit != 0 ? limit : ipDefaultTtl.value;
    }

    @HotPath
    public int sysctlIpDefaultTtl() {
        return ipDefaultTtl.value;
    }

    // ---- counters

    public void inMartianSrc(Cpu cpu) {
        martianSrc[cpu.id]++;
    }

    public void inMartianDst(Cpu cpu) {
        martianDst[cpu.id]++;
    }

    /** Martians by source, then by destination. */
    public long[] martians() {
        long[] sum = new long[2];
        for (int i = 0; i < martianSrc.length; i++) {
            sum[0] += martianSrc[i];
            sum[1] += martianDst[i];
        }
        return sum;
    }

    // ---- addresses

    /** Local addresses by value, open addressing; replaced, never changed. Linux: inet_addr_lst. */
    private static final class AddrTable {
        private final @Nullable InIfaddr[] slots;
        private final int mask;

        AddrTable(List<InIfaddr> all) {
            int size = Integer.highestOneBit(Math.max(4, all.size()) * 4);
            slots = new @Nullable InIfaddr[size];
            mask = size - 1;
            for (InIfaddr ifa : all) {
                int i = slot(ifa.local);
                while (slots[i] != null) {
                    i = i + 1 & mask;
                }
                slots[i] = ifa;
            }
        }

        private int slot(int addr) {
            return (int) (addr * 0x9E3779B97F4A7C15L >>> 40) & mask;
        }

        @HotPath
        @Nullable
        InIfaddr find(int addr) {
            for (int i = slot(addr); ; i = i + 1 & mask) {
                InIfaddr ifa = slots[i];
                if (ifa == null || ifa.local == addr) {
                    return ifa;
                }
            }
        }
    }

    /** The device that has an address; null if none. Linux: __ip_dev_find(). */
    @HotPath
    public @Nullable NetDevice ipDevFind(int addr) {
        InIfaddr ifa = addrs.find(addr);
        if (ifa != null) {
            return ifa.dev.dev;
        }
        // All of 127.0.0.0/8 is ours, though only one address of it is configured.
        return Inet.isLoopback(addr) && fib.addrType(null, addr) == RtType.RTN_LOCAL ? net.devices.loopback() : null;
    }

    void addressesChanged() {
        List<InIfaddr> all = new ArrayList<>();
        for (InDevice d : devices) {
            all.addAll(List.of(d.addresses()));
        }
        addrs = new AddrTable(all);
        devAddrGenid.incrementAndGet();
    }

    List<InDevice> devices() {
        return devices;
    }

    /**
     * Source address for packets over a device: in the network of {@code dst} if one is, of a scope not narrower than
     * {@code scope}; 0 if there is none. Linux: inet_select_addr()
     */
    public int inetSelectAddr(NetDevice dev, int dst, int scope) {
        InDevice inDev = InDevice.of(dev);
        int addr = 0;
        if (inDev != null) {
            int localnetScope = inDev.routeLocalnet() ? RtType.RT_SCOPE_LINK : RtType.RT_SCOPE_HOST;
            for (InIfaddr ifa : inDev.addresses()) {
                if (ifa.secondary || Math.min(ifa.scope, localnetScope) > scope) {
                    continue;
                }
                if (dst == 0 || ifa.matches(dst)) {
                    return ifa.local;
                }
                if (addr == 0) {
                    addr = ifa.local;
                }
            }
        }
        if (addr != 0) {
            return addr;
        }
        // The device has none: any other's, as long as it is meant for the world outside.
        for (NetDevice other : net.devices.all()) {
            InDevice o = InDevice.of(other);
            if (o == null) {
                continue;
            }
            for (InIfaddr ifa : o.addresses()) {
                if (!ifa.secondary && ifa.scope != RtType.RT_SCOPE_LINK && ifa.scope <= scope) {
                    return ifa.local;
                }
            }
        }
        return 0;
    }

    /** Linux: inet_confirm_addr(). */
    int inetConfirmAddr(@Nullable InDevice inDev, int dst, int local, int scope) {
        if (inDev != null) {
            return inDev.confirmAddr(dst, local, scope);
        }
        for (InDevice d : devices) {
            int a = d.confirmAddr(dst, local, scope);
            if (a != 0) {
                return a;
            }
        }
        return 0;
    }

    /** Hash that spreads flows over next hops: by addresses (policy 0). Linux: fib_multipath_hash(). */
    @HotPath
    public int multipathHash(Flowi4 fl4) {
        return ident.flowHash(fl4.saddr, fl4.daddr);
    }
}
