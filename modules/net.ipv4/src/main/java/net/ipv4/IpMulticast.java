package net.ipv4;

import net.core.Net;
import net.core.dev.NetDevice;
import net.ipv4.inet.InetSock;
import net.ipv4.route.Flowi4;
import net.ipv4.route.Route;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * Sockets' memberships in groups. The devices listen, but no IGMP reports are sent yet, so only groups on the link that
 * need no report arrive.
 *
 * <p>{@code Deviation:} no source filters; IGMP comes with its own issue.
 *
 * <p>Linux: ip_mc_join_group(), net/ipv4/igmp.c
 */
public final class IpMulticast {
    /**
     * A membership; a linked list that is replaced, never changed.
     *
     * @param group the address
     * @param dev where
     * @param next others of the socket
     */
    public record Membership(
            int group, NetDevice dev, @Nullable Membership next) {}

    private IpMulticast() {}

    /** Context: process, socket owned. */
    public static int join(InetSock sk, int group, int addr, int ifindex) {
        if (!Inet.isMulticast(group)) {
            return -Errno.EINVAL;
        }
        NetDevice dev = find(sk.net, group, addr, ifindex);
        InDevice inDev = dev == null ? null : InDevice.of(dev);
        if (dev == null || inDev == null) {
            return -Errno.ENODEV;
        }
        int count = 0;
        for (Membership m = sk.mcList; m != null; m = m.next()) {
            if (m.group() == group && m.dev() == dev) {
                return -Errno.EADDRINUSE;
            }
            count++;
        }
        if (count >= 20) {
            return -Errno.ENOBUFS;
        }
        sk.mcList = new Membership(group, dev, sk.mcList);
        inDev.join(group);
        return 0;
    }

    /** Context: process, socket owned. */
    public static int leave(InetSock sk, int group, int addr, int ifindex) {
        NetDevice dev = find(sk.net, group, addr, ifindex);
        Membership kept = null;
        Membership gone = null;
        for (Membership m = sk.mcList; m != null; m = m.next()) {
            if (gone == null && m.group() == group && (m.dev() == dev || addr == 0 && ifindex == 0)) {
                gone = m;
            } else {
                kept = new Membership(m.group(), m.dev(), kept);
            }
        }
        if (gone == null) {
            return -Errno.EADDRNOTAVAIL;
        }
        sk.mcList = kept;
        leaveDev(gone);
        return 0;
    }

    private static void leaveDev(Membership m) {
        InDevice inDev = InDevice.of(m.dev());
        if (inDev != null) {
            inDev.leave(m.group());
        }
    }

    /** A socket closes. Linux: ip_mc_drop_socket(). */
    public static void drop(InetSock sk) {
        for (Membership m = sk.mcList; m != null; m = m.next()) {
            leaveDev(m);
        }
        sk.mcList = null;
    }

    private static @Nullable NetDevice find(Net net, int group, int addr, int ifindex) {
        if (ifindex != 0) {
            return net.devices.byIndex(ifindex);
        }
        if (addr != 0) {
            return Ipv4Net.of(net).ipDevFind(addr);
        }
        Flowi4 fl4 = new Flowi4();
        fl4.daddr = group;
        var cpu = net.kernel().localBhDisable(0);
        try {
            var rt = Route.ipRouteOutputKey(cpu, net, fl4);
            return rt == null ? null : rt.dev;
        } finally {
            cpu.localBhEnable();
        }
    }

    /** Whether a socket wants a group's packet from a device. Linux: ip_mc_sf_allow(). */
    @HotPath
    public static boolean allow(InetSock sk, int group, int dif) {
        if (!Inet.isMulticast(group)) {
            return true;
        }
        for (Membership m = sk.mcList; m != null; m = m.next()) {
            if (m.group() == group && m.dev().ifindex == dif) {
                return true;
            }
        }
        return sk.mcAll;
    }
}
