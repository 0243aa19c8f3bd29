package net.ipv4.route;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import net.core.dev.NetDevice;
import net.ipv4.InDevice;
import net.ipv4.InIfaddr;
import net.ipv4.Inet;
import net.ipv4.Ipv4Net;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * A namespace's routing tables and what keeps them true to its addresses and devices.
 *
 * <p><b>Context:</b> lookups take no lock; everything that changes runs under rtnl.
 *
 * <p>Linux: net/ipv4/fib_frontend.c, fib_semantics.c
 */
public final class Fib {
    private final Ipv4Net v4;
    public final FibTable local = new FibTable(RtType.RT_TABLE_LOCAL);
    public final FibTable main = new FibTable(RtType.RT_TABLE_MAIN);
    public final FibTable dflt = new FibTable(RtType.RT_TABLE_DEFAULT);
    private final TreeMap<Integer, FibTable> tables = new TreeMap<>();
    /** True once the default table has a route: until then its lookup is skipped. */
    private volatile boolean defaultUsed;

    public Fib(Ipv4Net v4) {
        this.v4 = v4;
        tables.put(local.id, local);
        tables.put(main.id, main);
        tables.put(dflt.id, dflt);
    }

    /** Local, then main, then default table; 0 or a negative errno. Linux: fib_lookup(). */
    @HotPath
    public int lookup(Flowi4 flp, FibResult res) {
        int err = lookup(local, flp, res);
        if (err == -Errno.EAGAIN) {
            err = lookup(main, flp, res);
        }
        if (err == -Errno.EAGAIN && defaultUsed) {
            err = lookup(dflt, flp, res);
        }
        return err == -Errno.EAGAIN ? -Errno.ENETUNREACH : err;
    }

    @HotPath
    private int lookup(FibTable table, Flowi4 flp, FibResult res) {
        int err = table.lookup(flp, res, false);
        if (v4.net.kernel().tracing()) {
            FibTrace.fibTableLookup(v4.net.kernel(), table.id, flp, res, err);
        }
        return err;
    }

    /** Chooses among several next hops, and among default routes the first usable one. Linux: fib_select_path(). */
    @HotPath
    public void selectPath(FibResult res, Flowi4 fl4) {
        FibInfo fi = res.fi;
        if (fi == null || fi.nh.length == 1 || fl4.oif != 0) {
            return;
        }
        int hash = (fl4.multipathHash != 0 ? fl4.multipathHash : v4.multipathHash(fl4)) >>> 1;
        for (FibNh nh : fi.nh) {
            if (!nh.dead && Integer.compareUnsigned(hash, nh.upperBound) <= 0) {
                res.nh = nh;
                return;
            }
        }
    }

    /** Source address that a route prefers. Linux: fib_result_prefsrc(). */
    @HotPath
    public int resultPrefsrc(FibResult res) {
        FibInfo fi = res.fi;
        FibNh nh = res.nh;
        if (fi == null || nh == null) {
            return 0;
        }
        if (fi.prefsrc != 0) {
            return fi.prefsrc;
        }
        long cached = nh.saddrAndGenid;
        int genid = v4.devAddrGenid.get();
        if ((int) (cached >>> 32) == genid) {
            return (int) cached;
        }
        int saddr = v4.inetSelectAddr(nh.dev, nh.gw, fi.scope);
        nh.saddrAndGenid = (long) genid << 32 | saddr & 0xffffffffL;
        return saddr;
    }

    /** Kind of an address by the local table. Linux: __inet_dev_addr_type(). */
    public int addrType(@Nullable NetDevice dev, int addr) {
        Flowi4 fl4 = new Flowi4(); // allocates: configuration and connect, not per packet
        fl4.daddr = addr;
        FibResult res = new FibResult();
        if (local.lookup(fl4, res, false) != 0) {
            return RtType.RTN_UNICAST;
        }
        return dev == null || res.nh != null && res.nh.dev == dev ? res.type : RtType.RTN_UNICAST;
    }

    public @Nullable FibTable table(int id) {
        return tables.get(id);
    }

    /** All tables, by number. */
    public Collection<FibTable> tables() {
        return tables.values();
    }

    // ---- changes

    /**
     * Adds a route; 0 or a negative errno. Linux: fib_table_insert(), fib_create_info()
     *
     * @param replace an equal one gives way
     */
    public int add(FibConfig c, boolean replace) {
        if (c.dstLen < 0 || c.dstLen > 32 || (c.dst & ~Inet.mask(c.dstLen)) != 0) {
            return -Errno.EINVAL;
        }
        if (c.type <= RtType.RTN_UNSPEC || c.type > RtType.RTN_THROW) {
            return -Errno.EINVAL;
        }
        boolean error = RtType.error(c.type) != 0;
        int scope = c.scope >= 0 ? c.scope : defaultScope(c);
        if (scope < RtType.scope(c.type)) {
            return -Errno.EINVAL;
        }
        if (c.prefsrc != 0
                && (c.type != RtType.RTN_LOCAL || c.dst == 0 || c.prefsrc != c.dst)
                && addrType(null, c.prefsrc) != RtType.RTN_LOCAL) {
            return -Errno.EINVAL;
        }
        List<FibNh> hops = new ArrayList<>();
        if (error) {
            if (!c.nexthops.isEmpty()) {
                return -Errno.EINVAL;
            }
        } else {
            if (c.nexthops.isEmpty()) {
                return -Errno.EINVAL;
            }
            for (FibConfig.Nexthop h : c.nexthops) {
                int err = checkNexthop(h, scope, hops);
                if (err != 0) {
                    return err;
                }
            }
        }
        FibInfo fi = new FibInfo(c, scope, hops.toArray(new FibNh[0]));
        rebalance(fi);
        FibTable table = tables.computeIfAbsent(c.table, FibTable::new);
        int err = table.insert(c.dst, c.dstLen, new FibAlias(fi, c.dscp & Inet.DSCP_MASK, c.type), replace);
        if (err == 0) {
            if (table == dflt) {
                defaultUsed = true;
            }
            cacheFlush();
        }
        return err;
    }

    private static int defaultScope(FibConfig c) {
        if (c.type == RtType.RTN_LOCAL) {
            return RtType.RT_SCOPE_HOST;
        }
        if (RtType.error(c.type) != 0) {
            return RtType.RT_SCOPE_UNIVERSE;
        }
        for (FibConfig.Nexthop h : c.nexthops) {
            if (h.gateway() != 0) {
                return RtType.RT_SCOPE_UNIVERSE;
            }
        }
        return RtType.RT_SCOPE_LINK;
    }

    /**
     * A gateway must be a neighbour: reachable over a link, and not one of our own addresses. Linux: fib_check_nh().
     */
    private int checkNexthop(FibConfig.Nexthop h, int scope, List<FibNh> to) {
        NetDevice dev = h.dev();
        int weight = Math.max(1, Math.min(256, h.weight()));
        if (h.gateway() == 0) {
            if (dev == null) {
                return -Errno.ENODEV;
            }
            if (InDevice.of(dev) == null) {
                return -Errno.ENODEV;
            }
            if (!dev.isUp()) {
                return -Errno.ENETDOWN;
            }
            to.add(new FibNh(dev, 0, RtType.RT_SCOPE_HOST, weight, h.onlink()));
            return 0;
        }
        if (scope >= RtType.RT_SCOPE_LINK) {
            return -Errno.EINVAL;
        }
        if (h.onlink()) {
            if (dev == null) {
                return -Errno.ENODEV;
            }
            if (addrType(null, h.gateway()) != RtType.RTN_UNICAST) {
                return -Errno.EINVAL;
            }
            if (!dev.isUp()) {
                return -Errno.ENETDOWN;
            }
            to.add(new FibNh(dev, h.gateway(), RtType.RT_SCOPE_LINK, weight, true));
            return 0;
        }
        Flowi4 fl4 = new Flowi4();
        fl4.daddr = h.gateway();
        fl4.scope = Math.max(scope + 1, RtType.RT_SCOPE_LINK);
        fl4.oif = dev == null ? 0 : dev.ifindex;
        FibResult res = new FibResult();
        int err = lookup(fl4, res);
        if (err != 0) {
            return err;
        }
        if (res.type != RtType.RTN_UNICAST && res.type != RtType.RTN_LOCAL || res.nh == null) {
            return -Errno.EINVAL;
        }
        if (res.type == RtType.RTN_LOCAL) {
            return -Errno.EINVAL;
        }
        NetDevice out = res.nh.dev;
        if (!out.isUp()) {
            return -Errno.ENETDOWN;
        }
        to.add(new FibNh(out, h.gateway(), res.scope, weight, false));
        return 0;
    }

    /** Shares of hashes by weight. Linux: fib_rebalance(). */
    private static void rebalance(FibInfo fi) {
        long total = 0;
        for (FibNh nh : fi.nh) {
            total += nh.dead ? 0 : nh.weight;
        }
        long sum = 0;
        for (FibNh nh : fi.nh) {
            if (nh.dead || total == 0) {
                nh.upperBound = -1;
                continue;
            }
            sum += nh.weight;
            nh.upperBound = (int) (((sum << 31) + total / 2) / total - 1);
        }
    }

    /** Deletes the first route that fits what is given; -ESRCH if none. Linux: fib_table_delete(). */
    public int delete(FibConfig c) {
        FibTable table = tables.get(c.table);
        if (table == null) {
            return -Errno.ESRCH;
        }
        int err = table.delete(c.dst, c.dstLen, fa -> matches(c, fa));
        if (err == 0) {
            cacheFlush();
        }
        return err;
    }

    private static boolean matches(FibConfig c, FibAlias fa) {
        FibInfo fi = fa.info();
        if (c.type != 0 && c.type != RtType.RTN_UNICAST && fa.type() != c.type
                || c.scope >= 0 && fi.scope != c.scope
                || c.priority != 0 && fi.priority != c.priority
                || c.prefsrc != 0 && fi.prefsrc != c.prefsrc
                || c.dscp != 0 && fa.dscp() != c.dscp) {
            return false;
        }
        for (int i = 0; i < c.nexthops.size(); i++) {
            FibConfig.Nexthop h = c.nexthops.get(i);
            if (i >= fi.nh.length
                    || h.dev() != null && h.dev() != fi.nh[i].dev
                    || h.gateway() != 0 && h.gateway() != fi.nh[i].gw) {
                return false;
            }
        }
        return true;
    }

    /** Makes every cached route obsolete. Linux: rt_cache_flush(). */
    public void cacheFlush() {
        v4.rtGenid.incrementAndGet();
    }

    // ---- addresses

    private void magic(boolean add, int type, int dst, int len, InIfaddr ifa) {
        FibConfig c = new FibConfig(dst, len);
        c.type = type;
        c.protocol = RtType.RTPROT_KERNEL;
        c.table = type == RtType.RTN_UNICAST ? RtType.RT_TABLE_MAIN : RtType.RT_TABLE_LOCAL;
        c.prefsrc = ifa.local;
        c.scope = type == RtType.RTN_LOCAL ? RtType.RT_SCOPE_HOST : RtType.RT_SCOPE_LINK;
        c.priority = type == RtType.RTN_UNICAST ? ifa.rtPriority : 0;
        c.via(ifa.dev.dev, 0);
        if (add) {
            add(c, false);
        } else {
            delete(c);
        }
    }

    /** The routes that an address brings: itself, its network, its broadcasts. Linux: fib_add_ifaddr(). */
    public void addIfaddr(InIfaddr ifa) {
        NetDevice dev = ifa.dev.dev;
        int mask = Inet.mask(ifa.prefixLen);
        int prefix = ifa.address & mask;
        magic(true, RtType.RTN_LOCAL, ifa.local, 32, ifa);
        if (!dev.isUp()) {
            return;
        }
        if (ifa.broadcast != 0 && ifa.broadcast != -1) {
            magic(true, RtType.RTN_BROADCAST, ifa.broadcast, 32, ifa);
        }
        if (!Inet.isZeronet(prefix) && !ifa.secondary && (prefix != ifa.address || ifa.prefixLen < 32)) {
            boolean loopback = (dev.flags & NetDevice.IFF_LOOPBACK) != 0;
            magic(true, loopback ? RtType.RTN_LOCAL : RtType.RTN_UNICAST, prefix, ifa.prefixLen, ifa);
            if (ifa.prefixLen < 31) {
                magic(true, RtType.RTN_BROADCAST, prefix | ~mask, 32, ifa);
            }
        }
    }

    /** Takes those routes away that no other address of the device still needs. Linux: fib_del_ifaddr(). */
    public void delIfaddr(InIfaddr ifa) {
        NetDevice dev = ifa.dev.dev;
        int mask = Inet.mask(ifa.prefixLen);
        int prefix = ifa.address & mask;
        boolean localStays = false;
        boolean networkStays = false;
        boolean brdStays = false;
        boolean brd1Stays = false;
        for (InIfaddr other : ifa.dev.addresses()) {
            if (other == ifa) {
                continue;
            }
            int otherMask = Inet.mask(other.prefixLen);
            int otherPrefix = other.address & otherMask;
            localStays |= other.local == ifa.local;
            networkStays |= otherPrefix == prefix && other.prefixLen == ifa.prefixLen;
            brdStays |= other.broadcast == ifa.broadcast || (otherPrefix | ~otherMask) == ifa.broadcast;
            brd1Stays |= other.broadcast == (prefix | ~mask) || (otherPrefix | ~otherMask) == (prefix | ~mask);
        }
        boolean loopback = (dev.flags & NetDevice.IFF_LOOPBACK) != 0;
        if (!networkStays && !Inet.isZeronet(prefix) && ifa.prefixLen < 32) {
            magic(false, loopback ? RtType.RTN_LOCAL : RtType.RTN_UNICAST, prefix, ifa.prefixLen, ifa);
        }
        if (!brdStays && ifa.broadcast != 0) {
            magic(false, RtType.RTN_BROADCAST, ifa.broadcast, 32, ifa);
        }
        if (!brd1Stays && ifa.prefixLen < 31) {
            magic(false, RtType.RTN_BROADCAST, prefix | ~mask, 32, ifa);
        }
        if (!localStays) {
            magic(false, RtType.RTN_LOCAL, ifa.local, 32, ifa);
            // Routes that prefer an address that is gone must go too.
            int gone = ifa.local;
            boolean elsewhere = v4.ipDevFind(gone) != null && addrType(null, gone) == RtType.RTN_LOCAL;
            if (!elsewhere) {
                for (FibTable t : tables.values()) {
                    t.flush(fa -> fa.info().prefsrc == gone);
                }
            }
        }
        cacheFlush();
    }

    /** A device came up: its addresses' routes, and routes that waited for it. Linux: fib_netdev_event(NETDEV_UP). */
    public void deviceUp(InDevice inDev) {
        for (InIfaddr ifa : inDev.addresses()) {
            addIfaddr(ifa);
        }
        for (FibTable t : tables.values()) {
            t.markDevice(inDev.dev, false, false);
        }
        rebalanceAll();
        cacheFlush();
    }

    /**
     * A device went down or away: routes over it alone go, multipath routes lose a hop. Linux: fib_disable_ip().
     *
     * @param unregister the local routes go too
     */
    public void deviceDown(NetDevice dev, boolean unregister) {
        for (FibTable t : tables.values()) {
            t.markDevice(dev, true, true);
            t.flush(fa -> {
                FibInfo fi = fa.info();
                if (fi.nh.length == 0 || !unregister && fa.type() == RtType.RTN_LOCAL && fi.nh[0].dev == dev) {
                    return false;
                }
                for (FibNh nh : fi.nh) {
                    if (!nh.dead) {
                        return false;
                    }
                }
                return true;
            });
            if (!unregister) {
                // Our address stays ours while its device is down.
                for (FibTable.Entry e : t.list()) {
                    if (e.alias().type() == RtType.RTN_LOCAL) {
                        for (FibNh nh : e.alias().info().nh) {
                            nh.dead = false;
                        }
                    }
                }
            }
        }
        rebalanceAll();
        cacheFlush();
    }

    /** The carrier came or went. Linux: fib_sync_up(), fib_sync_down_dev(NETDEV_CHANGE). */
    public void carrierChanged(NetDevice dev, boolean ok) {
        for (FibTable t : tables.values()) {
            for (FibTable.Entry e : t.list()) {
                for (FibNh nh : e.alias().info().nh) {
                    if (nh.dev == dev) {
                        nh.linkdown = !ok;
                    }
                }
            }
        }
        cacheFlush();
    }

    private void rebalanceAll() {
        for (FibTable t : tables.values()) {
            for (FibTable.Entry e : t.list()) {
                rebalance(e.alias().info());
            }
        }
    }

    /** Whether {@code gw} is the gateway of a default route over the device. Linux: ip_fib_check_default(). */
    public boolean isDefaultGateway(int gw, NetDevice dev) {
        for (FibTable.Entry e : main.list()) {
            for (FibNh nh : e.alias().info().nh) {
                if (nh.dev == dev && nh.gw == gw && !nh.dead) {
                    return true;
                }
            }
        }
        return false;
    }
}
