package net.ipv4;

import net.core.Cpu;
import net.core.IntSysctl;
import net.core.Kernel;
import net.core.KernelModule;
import net.core.Net;
import net.core.NotifierChain;
import net.core.PernetOperations;
import net.core.UserError;
import net.core.dev.Dev;
import net.core.dev.DevGlobals;
import net.core.dev.NetDevice;
import net.core.dev.NetdevEvent;
import net.core.dev.PacketType;
import net.core.sock.SockRegistry;
import net.ipv4.inet.InetFamily;
import net.ipv4.inet.InetHashtables;
import net.ipv4.route.Ipv4DstOps;
import net.skbuff.SkBuff;

/**
 * Starts IPv4: tables, protocols, packet handlers, sockets; and in each namespace the routing tables and 127.0.0.1/8.
 *
 * <p>Linux: inet_init(), net/ipv4/af_inet.c
 */
public final class Ipv4Module implements KernelModule {
    /** For ServiceLoader. */
    public Ipv4Module() {}

    @Override
    public String name() {
        return "net.ipv4";
    }

    @Override
    public int initOrder() {
        return 20;
    }

    @Override
    public void init(Kernel kernel) {
        for (int i = 0; i < kernel.cpus(); i++) {
            Ipv4Net.initScratch(kernel.cpu(i));
        }
        InetProtos.install(kernel);
        InetHashtables.install(kernel, new InetHashtables(kernel, ehashBuckets(kernel)));
        Arp arp = Arp.install(kernel);
        Ipv4DstOps dstOps = new Ipv4DstOps();
        InetFamily family = new InetFamily(kernel);
        SockRegistry.of(kernel).register(family);
        InetProtos.addProtocol(kernel, Inet.IPPROTO_ICMP, Icmp.create());
        UdpTable.install(kernel);
        InetProtos.addProtocol(kernel, Inet.IPPROTO_UDP, new UdpInput(kernel));
        InetProtos.addOffload(kernel, Inet.IPPROTO_UDP, new UdpOffload());
        DatagramProtos.register(kernel, family);
        Dev.addPack(kernel, new PacketType(Inet.ETH_P_IP) {
            @Override
            public int func(Cpu cpu, SkBuff skb, NetDevice dev, NetDevice origDev) {
                return IpInput.ipRcv(cpu, skb, dev, origDev);
            }
        });
        DevGlobals globals = DevGlobals.of(kernel);
        globals.addOffload(Inet.ETH_P_IP, new InetOffload(kernel));
        globals.netdevChain.register((event, dev) -> inetdevEvent(event, dev));
        kernel.registerPernet(new PernetOperations() {
            @Override
            public void init(Net net) {
                netInit(net, dstOps, arp);
            }

            @Override
            public void exit(Net net) {
                netExit(net);
            }
        });
    }

    /**
     * Chains of the established hash: by the heap, unless {@code net.ipv4.tcp_ehash_entries} says; few in virtual
     * time.
     */
    private static int ehashBuckets(Kernel kernel) {
        IntSysctl entries = kernel.sysctl().register("net.ipv4.tcp_ehash_entries", 0, 0, 1 << 24);
        if (entries.value > 0) {
            return Math.max(16, Integer.highestOneBit(entries.value * 2 - 1));
        }
        if (kernel.isVirtual()) {
            return 4096;
        }
        long byHeap = Runtime.getRuntime().maxMemory() / 32_768;
        return (int) Math.max(4096, Math.min(1 << 18, Long.highestOneBit(byHeap)));
    }

    private static void netInit(Net net, Ipv4DstOps dstOps, Arp arp) {
        Ipv4Net v4 = new Ipv4Net(net, dstOps, arp);
        Ipv4Net.set(net, v4);
        for (NetDevice dev : net.devices.all()) {
            inetdevInit(v4, dev);
        }
        NetDevice lo = net.devices.loopback();
        net.kernel().rtnl().run(() -> {
            if (!lo.isUp() && lo.open() < 0) {
                throw new UserError("cannot bring up lo in " + net.name());
            }
        });
        if (Ipv4Admin.addresses(lo).length == 0) {
            Ipv4Admin.addAddress(lo, Inet.INADDR_LOOPBACK, 8);
        }
    }

    private static void netExit(Net net) {
        Ipv4Net v4 = Ipv4Net.of(net);
        Cpu cpu = net.kernel().localBhDisable(0);
        try {
            v4.frags.exit(cpu);
        } finally {
            cpu.localBhEnable();
        }
    }

    // ---- devices

    /** Linux: inetdev_init(). */
    private static void inetdevInit(Ipv4Net v4, NetDevice dev) {
        if (dev.ipPtr != null) {
            return;
        }
        Ipv4Devconf cnf = new Ipv4Devconf(v4.net.sysctl(), dev.name(), v4.confDefault, e -> v4.fib.cacheFlush());
        InDevice inDev = new InDevice(dev, cnf, v4.confAll);
        v4.devices().add(inDev);
        NeighSysctl.register(v4.net.sysctl(), dev, v4.arp.parmsOf(dev));
        dev.ipPtr = inDev;
    }

    /** Linux: inetdev_event(), fib_netdev_event(), arp_netdev_event(). */
    private static int inetdevEvent(int event, NetDevice dev) {
        Ipv4Net v4 = Ipv4Net.of(dev.net);
        if (v4 == null) {
            // Before this namespace's IPv4 began, or after it ended: netInit() looks at the devices that are there.
            return NotifierChain.DONE;
        }
        InDevice inDev = InDevice.of(dev);
        switch (event) {
            case NetdevEvent.NETDEV_REGISTER -> inetdevInit(v4, dev);
            case NetdevEvent.NETDEV_UP -> {
                if (inDev != null) {
                    up(v4, inDev);
                }
            }
            case NetdevEvent.NETDEV_DOWN -> {
                v4.fib.deviceDown(dev, false);
                withCpu(dev, cpu -> v4.arp.ifdown(cpu, dev, false));
            }
            case NetdevEvent.NETDEV_CHANGE -> v4.fib.carrierChanged(dev, dev.carrierOk());
            case NetdevEvent.NETDEV_CHANGEMTU -> v4.fib.cacheFlush();
            case NetdevEvent.NETDEV_CHANGEADDR -> {
                withCpu(dev, cpu -> v4.arp.changeAddr(cpu, dev));
                v4.fib.cacheFlush();
                if (inDev != null && dev.isUp()) {
                    withCpu(dev, cpu -> Arp.announce(cpu, inDev));
                }
            }
            case NetdevEvent.NETDEV_UNREGISTER -> {
                if (inDev != null) {
                    destroy(v4, inDev);
                }
            }
            default -> {}
        }
        return NotifierChain.DONE;
    }

    private static void up(Ipv4Net v4, InDevice inDev) {
        NetDevice dev = inDev.dev;
        if ((dev.flags & NetDevice.IFF_LOOPBACK) != 0 && inDev.hasNoAddress()) {
            Ipv4Admin.addAddress(dev, Inet.INADDR_LOOPBACK, 8);
        }
        v4.fib.deviceUp(inDev);
        if (inDev.arpNotify()) {
            withCpu(dev, cpu -> Arp.announce(cpu, inDev));
        }
    }

    /** Linux: inetdev_destroy(). */
    private static void destroy(Ipv4Net v4, InDevice inDev) {
        NetDevice dev = inDev.dev;
        for (InIfaddr ifa : inDev.addresses()) {
            Ipv4Admin.delIfa(inDev, ifa);
        }
        v4.fib.deviceDown(dev, true);
        withCpu(dev, cpu -> v4.arp.ifdown(cpu, dev, false));
        v4.devices().remove(inDev);
        v4.net.sysctl().unregisterAll(inDev.cnf.prefix);
        v4.net.sysctl().unregisterAll(NeighSysctl.prefix(dev));
        dev.ipPtr = null;
        v4.addressesChanged();
    }

    private static void withCpu(NetDevice dev, java.util.function.Consumer<Cpu> action) {
        Cpu cpu = dev.kernel().localBhDisable(0);
        try {
            action.accept(cpu);
        } finally {
            cpu.localBhEnable();
        }
    }
}
