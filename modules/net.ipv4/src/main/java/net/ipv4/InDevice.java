package net.ipv4;

import java.util.HashMap;
import java.util.Map;
import net.core.dev.NetDevice;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * IPv4's part of a device: addresses, settings, groups.
 *
 * <p><b>Context:</b> read without a lock: the arrays are replaced, never changed. Changes under rtnl.
 *
 * <p>Linux: struct in_device, include/linux/inetdevice.h
 */
public final class InDevice {
    private static final InIfaddr[] NONE = {};

    public final NetDevice dev;
    public final Ipv4Devconf cnf;
    private final Ipv4Devconf all;
    private volatile InIfaddr[] ifaList = NONE;
    /** Groups joined, ascending; {@link #groupUsers} counts the joins. */
    private volatile int[] groups = {};

    private final Map<Integer, Integer> groupUsers = new HashMap<>();

    InDevice(NetDevice dev, Ipv4Devconf cnf, Ipv4Devconf all) {
        this.dev = dev;
        this.cnf = cnf;
        this.all = all;
    }

    /** A device's IPv4 part; null while it has none. Linux: __in_dev_get_rcu(). */
    @HotPath
    public static @Nullable InDevice of(NetDevice dev) {
        return (InDevice) dev.ipPtr;
    }

    /** Addresses, primary ones first. Don't change the array. */
    @HotPath
    public InIfaddr[] addresses() {
        return ifaList;
    }

    void addresses(InIfaddr[] list) {
        ifaList = list;
    }

    public boolean hasNoAddress() {
        return ifaList.length == 0;
    }

    // ---- settings, combined with "all" as Linux does

    @HotPath
    public boolean forwarding() {
        return cnf.forwarding.value != 0;
    }

    @HotPath
    public int rpFilter() {
        return Math.max(cnf.rpFilter.value, all.rpFilter.value);
    }

    @HotPath
    public boolean acceptLocal() {
        return (cnf.acceptLocal.value | all.acceptLocal.value) != 0;
    }

    @HotPath
    public boolean routeLocalnet() {
        return (cnf.routeLocalnet.value | all.routeLocalnet.value) != 0;
    }

    public boolean logMartians() {
        return (cnf.logMartians.value | all.logMartians.value) != 0;
    }

    @HotPath
    public boolean txRedirects() {
        return (cnf.sendRedirects.value | all.sendRedirects.value) != 0;
    }

    public boolean rxRedirects() {
        return forwarding()
                ? (cnf.acceptRedirects.value & all.acceptRedirects.value) != 0
                : (cnf.acceptRedirects.value | all.acceptRedirects.value) != 0;
    }

    public boolean sharedMedia() {
        return (cnf.sharedMedia.value | all.sharedMedia.value) != 0;
    }

    public boolean secureRedirects() {
        return (cnf.secureRedirects.value | all.secureRedirects.value) != 0;
    }

    public boolean sourceRoute() {
        return (cnf.acceptSourceRoute.value & all.acceptSourceRoute.value) != 0;
    }

    public int arpAnnounce() {
        return Math.max(cnf.arpAnnounce.value, all.arpAnnounce.value);
    }

    public int arpIgnore() {
        return Math.max(cnf.arpIgnore.value, all.arpIgnore.value);
    }

    public int arpAccept() {
        return Math.max(cnf.arpAccept.value, all.arpAccept.value);
    }

    public boolean arpFilter() {
        return (cnf.arpFilter.value | all.arpFilter.value) != 0;
    }

    public boolean arpNotify() {
        return (cnf.arpNotify.value | all.arpNotify.value) != 0;
    }

    public boolean dropGratuitousArp() {
        return (cnf.dropGratuitousArp.value | all.dropGratuitousArp.value) != 0;
    }

    public boolean proxyArp() {
        return (cnf.proxyArp.value | all.proxyArp.value) != 0;
    }

    public boolean dropUnicastInL2Multicast() {
        return (cnf.dropUnicastInL2Multicast.value | all.dropUnicastInL2Multicast.value) != 0;
    }

    // ---- addresses

    /** Whether two addresses are in one network of this device. Linux: inet_addr_onlink(). */
    public boolean onlink(int a, int b) {
        for (InIfaddr ifa : ifaList) {
            if (ifa.matches(a) && (b == 0 || ifa.matches(b))) {
                return true;
            }
        }
        return false;
    }

    public boolean isDefaultGateway(int gw) {
        return Ipv4Net.of(dev.net).fib.isDefaultGateway(gw, dev);
    }

    /** Confirms that a local address is fit for a peer at a scope. Linux: confirm_addr_indev(). */
    int confirmAddr(int dst, int local, int scope) {
        for (InIfaddr ifa : ifaList) {
            if ((local == 0 || local == ifa.local) && ifa.scope <= scope && (dst == 0 || ifa.matches(dst))) {
                return ifa.local;
            }
        }
        return 0;
    }

    // ---- groups

    /** Whether the device listens to a group. Linux: ip_check_mc_rcu(). */
    @HotPath
    public boolean isMember(int group) {
        if (group == 0xe0000001) {
            return true;
        }
        for (int g : groups) {
            if (g == group) {
                return true;
            }
        }
        return false;
    }

    synchronized void join(int group) {
        if (groupUsers.merge(group, 1, Integer::sum) == 1) {
            publishGroups();
        }
    }

    synchronized void leave(int group) {
        Integer left = groupUsers.computeIfPresent(group, (g, n) -> n > 1 ? n - 1 : null);
        if (left == null) {
            publishGroups();
        }
    }

    private void publishGroups() {
        groups = groupUsers.keySet().stream()
                .mapToInt(Integer::intValue)
                .sorted()
                .toArray();
    }
}
