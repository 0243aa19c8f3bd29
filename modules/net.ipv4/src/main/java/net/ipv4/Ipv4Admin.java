package net.ipv4;

import java.util.ArrayList;
import java.util.List;
import net.core.Cpu;
import net.core.Net;
import net.core.UserError;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.neigh.Neighbour;
import net.ipv4.route.FibConfig;
import net.ipv4.route.FibTable;
import net.ipv4.route.RtType;
import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;

/**
 * What a person configures: addresses, routes, links, neighbours, and the lists of them. Methods take rtnl themselves
 * and report mistakes as {@link UserError}s of one line.
 *
 * <p><b>Context:</b> process.
 *
 * <p>Linux: net/ipv4/devinet.c, fib_frontend.c; what ip(8) asks through rtnetlink
 */
public final class Ipv4Admin {
    private Ipv4Admin() {}

    // ---- links

    public static void setUp(NetDevice dev) {
        dev.kernel().rtnl().run(() -> {
            if (!dev.isUp()) {
                check(dev.open(), "link " + dev.name() + " up");
            }
        });
    }

    public static void setDown(NetDevice dev) {
        dev.kernel().rtnl().run(() -> {
            if (dev.isUp()) {
                dev.close();
            }
        });
    }

    public static NetDevice device(Net net, String name) {
        NetDevice dev = net.devices.byName(name);
        if (dev == null) {
            throw new UserError("device " + name + ": no such device in " + net.name());
        }
        return dev;
    }

    private static void check(int err, String what) {
        if (err < 0) {
            throw new UserError(what + ": " + Errno.text(-err));
        }
    }

    // ---- addresses

    /** Adds {@code addr/prefixLen} with the usual broadcast address, of global scope (host scope in 127.0.0.0/8). */
    public static void addAddress(NetDevice dev, int addr, int prefixLen) {
        int broadcast = prefixLen < 31 ? addr | ~Inet.mask(prefixLen) : 0;
        boolean loopback = Inet.isLoopback(addr);
        addAddress(
                dev,
                addr,
                addr,
                prefixLen,
                loopback ? 0 : broadcast,
                loopback ? RtType.RT_SCOPE_HOST : RtType.RT_SCOPE_UNIVERSE);
    }

    /** Adds an address given as {@code "10.9.0.2/24"}. */
    public static void addAddress(NetDevice dev, String addrSlashLen) {
        int slash = addrSlashLen.indexOf('/');
        long addr = Inet.parse(slash < 0 ? addrSlashLen : addrSlashLen.substring(0, slash));
        int len = 32;
        try {
            len = slash < 0 ? 32 : Integer.parseInt(addrSlashLen.substring(slash + 1));
        } catch (NumberFormatException e) {
            len = -1;
        }
        if (addr < 0 || len < 0 || len > 32) {
            throw new UserError("address " + addrSlashLen + ": want A.B.C.D/LEN");
        }
        addAddress(dev, (int) addr, len);
    }

    /** Linux: inet_rtm_newaddr(), __inet_insert_ifa(). */
    public static void addAddress(NetDevice dev, int local, int peer, int prefixLen, int broadcast, int scope) {
        dev.kernel().rtnl().run(() -> {
            Ipv4Net v4 = Ipv4Net.of(dev.net);
            InDevice inDev = InDevice.of(dev);
            if (inDev == null) {
                throw new UserError("device " + dev.name() + " has no IPv4");
            }
            InIfaddr ifa = new InIfaddr(inDev, local, peer, prefixLen, broadcast, scope);
            List<InIfaddr> list = new ArrayList<>(List.of(inDev.addresses()));
            int at = 0;
            for (int i = 0; i < list.size(); i++) {
                InIfaddr o = list.get(i);
                if (!o.secondary && o.scope <= ifa.scope) {
                    at = i + 1;
                }
                if (o.prefixLen == prefixLen && o.matches(peer)) {
                    if (o.local == local) {
                        throw new UserError("address " + ifa + " on " + dev.name() + ": exists");
                    }
                    ifa.secondary = true;
                }
            }
            list.add(ifa.secondary ? list.size() : at, ifa);
            inDev.addresses(list.toArray(new InIfaddr[0]));
            v4.addressesChanged();
            v4.fib.addIfaddr(ifa);
            v4.fib.cacheFlush();
            if (dev.isUp() && inDev.arpNotify()) {
                Cpu cpu = dev.kernel().localBhDisable(0);
                Arp.announce(cpu, inDev);
                cpu.localBhEnable();
            }
        });
    }

    /**
     * Removes an address and, with a primary one, its secondaries (unless promote_secondaries). Linux:
     * inet_del_ifa().
     */
    public static void delAddress(NetDevice dev, int local, int prefixLen) {
        dev.kernel().rtnl().run(() -> {
            InDevice inDev = InDevice.of(dev);
            InIfaddr found = null;
            for (InIfaddr ifa : inDev == null ? new InIfaddr[0] : inDev.addresses()) {
                if (ifa.local == local && ifa.prefixLen == prefixLen) {
                    found = ifa;
                }
            }
            if (inDev == null || found == null) {
                throw new UserError(
                        "address " + Inet.text(local) + "/" + prefixLen + " on " + dev.name() + ": no such address");
            }
            delIfa(inDev, found);
        });
    }

    /** Context: rtnl. */
    static void delIfa(InDevice inDev, InIfaddr victim) {
        Ipv4Net v4 = Ipv4Net.of(inDev.dev.net);
        InIfaddr promote = null;
        List<InIfaddr> doomed = new ArrayList<>();
        doomed.add(victim);
        if (!victim.secondary) {
            for (InIfaddr o : inDev.addresses()) {
                if (o.secondary && o.prefixLen == victim.prefixLen && o.matches(victim.address)) {
                    if (inDev.cnf.promoteSecondaries.value != 0) {
                        promote = promote == null ? o : promote;
                    } else {
                        doomed.add(o);
                    }
                }
            }
        }
        for (InIfaddr ifa : doomed.reversed()) {
            List<InIfaddr> list = new ArrayList<>(List.of(inDev.addresses()));
            list.remove(ifa);
            inDev.addresses(list.toArray(new InIfaddr[0]));
            v4.addressesChanged();
            v4.fib.delIfaddr(ifa);
        }
        if (promote != null) {
            promote.secondary = false;
            v4.fib.addIfaddr(promote);
        }
    }

    /** A device's addresses. */
    public static InIfaddr[] addresses(NetDevice dev) {
        InDevice inDev = InDevice.of(dev);
        return inDev == null ? new InIfaddr[0] : inDev.addresses().clone();
    }

    // ---- routes

    /** Adds a route to {@code prefix/len} through a gateway (0: on the link) over a device (null: the gateway's). */
    public static void addRoute(Net net, int prefix, int len, int gateway, @Nullable NetDevice dev) {
        addRoute(net, new FibConfig(prefix, len).via(dev, gateway));
    }

    public static void addRoute(Net net, FibConfig config) {
        net.kernel().rtnl().run(() -> check(Ipv4Net.of(net).fib.add(config, false), "route " + text(config)));
    }

    public static void replaceRoute(Net net, FibConfig config) {
        net.kernel().rtnl().run(() -> check(Ipv4Net.of(net).fib.add(config, true), "route " + text(config)));
    }

    public static void delRoute(Net net, FibConfig config) {
        net.kernel().rtnl().run(() -> check(Ipv4Net.of(net).fib.delete(config), "route " + text(config)));
    }

    private static String text(FibConfig c) {
        String via = c.nexthops.isEmpty() || c.nexthops.get(0).gateway() == 0
                ? ""
                : " via " + Inet.text(c.nexthops.get(0).gateway());
        return Inet.text(c.dst) + "/" + c.dstLen + via;
    }

    /** Routes of a table, by prefix. */
    public static List<FibTable.Entry> routes(Net net, int table) {
        FibTable t = Ipv4Net.of(net).fib.table(table);
        return t == null ? List.of() : t.list();
    }

    // ---- neighbours

    /** Neighbours of a namespace. */
    public static List<Neighbour> neighbours(Net net) {
        List<Neighbour> all = new ArrayList<>();
        Arp.of(net.kernel()).forEach(n -> {
            if (n.dev.net == net && (n.nudState() & Neighbour.NUD_NOARP) == 0) {
                all.add(n);
            }
        });
        return all;
    }

    /** Sets a neighbour's address for good. */
    public static void addNeighbour(NetDevice dev, int addr, byte[] mac) {
        if (mac.length != EthHdr.ETH_ALEN) {
            throw new UserError("neighbour " + Inet.text(addr) + ": want six bytes of address");
        }
        Cpu cpu = dev.kernel().localBhDisable(0);
        try {
            Neighbour n = Arp.of(dev.kernel()).lookupOrCreate(cpu, 0, addr & 0xffffffffL, dev);
            if (n == null) {
                throw new UserError("neighbour " + Inet.text(addr) + ": table is full");
            }
            n.update(
                    cpu,
                    mac,
                    Neighbour.NUD_PERMANENT,
                    Neighbour.NEIGH_UPDATE_F_OVERRIDE | Neighbour.NEIGH_UPDATE_F_ADMIN);
        } finally {
            cpu.localBhEnable();
        }
    }

    public static void delNeighbour(NetDevice dev, int addr) {
        Cpu cpu = dev.kernel().localBhDisable(0);
        try {
            if (!Arp.of(dev.kernel()).remove(cpu, 0, addr & 0xffffffffL, dev)) {
                throw new UserError("neighbour " + Inet.text(addr) + " on " + dev.name() + ": no such entry");
            }
        } finally {
            cpu.localBhEnable();
        }
    }

    /** Fragment queues and their bytes, as in /proc/net/sockstat. */
    public static long[] fragStats(Net net) {
        IpFragment frags = Ipv4Net.of(net).frags;
        return new long[] {frags.queueCount(), frags.memory()};
    }
}
