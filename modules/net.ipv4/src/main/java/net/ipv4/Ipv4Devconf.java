package net.ipv4;

import net.core.IntSysctl;
import net.core.Sysctl;
import net.core.SysctlEntry;
import org.jspecify.annotations.Nullable;

/**
 * The settings {@code net.ipv4.conf.NAME.*} of a device, of "all" or of "default". Which of a device's own value and
 * that of "all" wins differs from setting to setting: {@link InDevice} knows.
 *
 * <p>Linux: struct ipv4_devconf, include/linux/inetdevice.h; net/ipv4/devinet.c
 */
public final class Ipv4Devconf {
    final IntSysctl forwarding;
    final IntSysctl acceptRedirects;
    final IntSysctl secureRedirects;
    final IntSysctl sharedMedia;
    final IntSysctl rpFilter;
    final IntSysctl sendRedirects;
    final IntSysctl acceptSourceRoute;
    final IntSysctl logMartians;
    final IntSysctl arpFilter;
    final IntSysctl arpAnnounce;
    final IntSysctl arpIgnore;
    final IntSysctl arpAccept;
    final IntSysctl arpNotify;
    final IntSysctl dropGratuitousArp;
    final IntSysctl proxyArp;
    final IntSysctl acceptLocal;
    final IntSysctl routeLocalnet;
    final IntSysctl bcForwarding;
    final IntSysctl promoteSecondaries;
    final IntSysctl dropUnicastInL2Multicast;
    final String prefix;

    /** Registers a device's settings with the values of {@code from}, or the kernel's defaults. */
    Ipv4Devconf(Sysctl sysctl, String name, @Nullable Ipv4Devconf from, SysctlEntry.@Nullable Listener onForwarding) {
        prefix = "net.ipv4.conf." + name + ".";
        boolean dflt = name.equals("default");
        forwarding =
                sysctl.register(prefix + "forwarding", from == null ? 0 : from.forwarding.value, 0, 1, onForwarding);
        acceptRedirects = reg(sysctl, "accept_redirects", from == null ? 1 : from.acceptRedirects.value);
        secureRedirects = reg(sysctl, "secure_redirects", from == null ? 1 : from.secureRedirects.value);
        sharedMedia = reg(sysctl, "shared_media", from == null ? 1 : from.sharedMedia.value);
        rpFilter = reg(sysctl, "rp_filter", from == null ? 0 : from.rpFilter.value);
        sendRedirects = reg(sysctl, "send_redirects", from == null ? 1 : from.sendRedirects.value);
        acceptSourceRoute =
                reg(sysctl, "accept_source_route", from == null ? dflt ? 1 : 0 : from.acceptSourceRoute.value);
        logMartians = reg(sysctl, "log_martians", from == null ? 0 : from.logMartians.value);
        arpFilter = reg(sysctl, "arp_filter", from == null ? 0 : from.arpFilter.value);
        arpAnnounce = reg(sysctl, "arp_announce", from == null ? 0 : from.arpAnnounce.value);
        arpIgnore = reg(sysctl, "arp_ignore", from == null ? 0 : from.arpIgnore.value);
        arpAccept = reg(sysctl, "arp_accept", from == null ? 0 : from.arpAccept.value);
        arpNotify = reg(sysctl, "arp_notify", from == null ? 0 : from.arpNotify.value);
        dropGratuitousArp = reg(sysctl, "drop_gratuitous_arp", from == null ? 0 : from.dropGratuitousArp.value);
        proxyArp = reg(sysctl, "proxy_arp", from == null ? 0 : from.proxyArp.value);
        acceptLocal = reg(sysctl, "accept_local", from == null ? 0 : from.acceptLocal.value);
        routeLocalnet = reg(sysctl, "route_localnet", from == null ? 0 : from.routeLocalnet.value);
        bcForwarding = reg(sysctl, "bc_forwarding", from == null ? 0 : from.bcForwarding.value);
        promoteSecondaries = reg(sysctl, "promote_secondaries", from == null ? 0 : from.promoteSecondaries.value);
        dropUnicastInL2Multicast =
                reg(sysctl, "drop_unicast_in_l2_multicast", from == null ? 0 : from.dropUnicastInL2Multicast.value);
    }

    private IntSysctl reg(Sysctl sysctl, String name, int value) {
        return sysctl.register(prefix + name, value, 0, 255);
    }

    /** Whether 127.0.0.0/8 may be seen on this device. */
    public boolean routeLocalnet() {
        return routeLocalnet.value != 0;
    }

    /** Whether directed broadcasts are forwarded. */
    public boolean bcForwarding() {
        return bcForwarding.value != 0;
    }
}
