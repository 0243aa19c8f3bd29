package net.ipv4.route;

import static net.ipv4.TestHost.ME;
import static net.ipv4.TestHost.PEER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import net.core.UserError;
import net.core.sock.OptVal;
import net.core.sock.SockConst;
import net.ipv4.Frames;
import net.ipv4.Inet;
import net.ipv4.IpSockGlue;
import net.ipv4.Ipv4Admin;
import net.ipv4.TestHost;
import net.skbuff.Errno;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, unit = TimeUnit.SECONDS)
class RouteTest {
    private static final int GW = 0x0a0000fe;
    private static final int GW2 = 0x0a0000fd;
    private static final byte[] GW_MAC = {2, 0, 0, 0, 0, 0xf};
    private static final byte[] GW2_MAC = {2, 0, 0, 0, 0, 0xe};
    private static final int FAR = 0xc6336401;
    private final TestHost host = TestHost.withPeer();

    @AfterEach
    void close() {
        host.close();
    }

    private Flowi4 flow(int daddr, int saddr, int oif) {
        return new Flowi4().init(oif, 0, 0, 0, 17, 0, daddr, saddr, 0, 0);
    }

    private Rtable lookup(Flowi4 fl4) {
        Rtable[] rt = new Rtable[1];
        host.on(cpu -> rt[0] = Route.ipRouteOutputKey(cpu, host.net, fl4));
        return rt[0];
    }

    private int udp() {
        return host.sys.socket(SockConst.AF_INET, SockConst.SOCK_DGRAM, 0);
    }

    private int mtu(int fd) {
        OptVal v = new OptVal(4);
        assertThat(host.sys.getsockopt(fd, SockConst.SOL_IP, IpSockGlue.IP_MTU, v))
                .isZero();
        return v.getInt();
    }

    private void gateways() {
        Ipv4Admin.addNeighbour(host.nic.dev, GW, GW_MAC);
        Ipv4Admin.addNeighbour(host.nic.dev, GW2, GW2_MAC);
        Ipv4Admin.addRoute(host.net, 0, 0, GW, null);
    }

    @Test
    void shouldShareOneRouteBehindANextHop() {
        gateways();
        Rtable a = lookup(flow(FAR, 0, 0));
        assertThat(lookup(flow(FAR + 1, 0, 0))).isSameAs(a);
        assertThat(a.rtUsesGateway).isTrue();
        assertThat(a.rtGw4).isEqualTo(GW);
        Flowi4 fl4 = flow(FAR, 0, 0);
        lookup(fl4);
        assertThat(fl4.saddr).isEqualTo(ME);
        assertThat(fl4.oif).isEqualTo(host.nic.dev.ifindex);
        assertThat(a.check(0)).isSameAs(a);
        Ipv4Admin.addRoute(host.net, 0xc0000200, 24, GW2, null);
        assertThat(a.check(0)).isNull();
        assertThat(lookup(flow(FAR, 0, 0))).isNotSameAs(a);
    }

    /** A route's realms are in the packets' destination, where classifiers look for them. */
    @Test
    void shouldCarryRealms() {
        gateways();
        FibConfig c = new FibConfig(FAR & 0xffffff00, 24).via(null, GW2);
        c.realms = 3 << 16 | 7;
        Ipv4Admin.addRoute(host.net, c);
        assertThat(lookup(flow(FAR, 0, 0)).tclassid).isEqualTo(3 << 16 | 7);
        assertThat(lookup(flow(FAR + 0x100, 0, 0)).tclassid).isZero();
    }

    @Test
    void shouldKeepLocalTrafficOnLoopback() {
        for (int addr : new int[] {ME, 0x7f000001, 0x7f010203}) {
            Flowi4 fl4 = flow(addr, 0, 0);
            Rtable rt = lookup(fl4);
            assertThat(rt.dev).isSameAs(host.net.devices.loopback());
            assertThat(rt.isLocal()).isTrue();
            assertThat(fl4.saddr).isEqualTo(addr == 0x7f010203 ? 0x7f000001 : addr);
        }
    }

    @Test
    void shouldChooseTheSourceOfTheNexthopsNetwork() {
        Ipv4Admin.addAddress(host.nic.dev, "192.168.7.1/24");
        Ipv4Admin.addAddress(host.nic.dev, "10.0.0.9/24");
        Flowi4 fl4 = flow(0xc0a80799, 0, 0);
        lookup(fl4);
        assertThat(fl4.saddr).isEqualTo(0xc0a80701);
        FibConfig c = new FibConfig(0xc6336400, 24).via(null, PEER);
        c.prefsrc = 0x0a000009;
        Ipv4Admin.addRoute(host.net, c);
        fl4 = flow(FAR, 0, 0);
        lookup(fl4);
        assertThat(fl4.saddr).isEqualTo(0x0a000009);
        // The address goes, and with it the route that preferred it.
        Ipv4Admin.delAddress(host.nic.dev, 0x0a000009, 24);
        fl4 = flow(FAR, 0, 0);
        assertThat(lookup(fl4)).isNull();
        assertThat(fl4.error).isEqualTo(-Errno.ENETUNREACH);
        fl4 = flow(PEER, 0x0a000009, 0);
        assertThat(lookup(fl4)).isNull();
        assertThat(fl4.error).isEqualTo(-Errno.EINVAL);
    }

    @Test
    void shouldRefuseGatewaysThatAreNoNeighbours() {
        assertThatThrownBy(() -> Ipv4Admin.addRoute(host.net, 0, 0, FAR, null)).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> Ipv4Admin.addRoute(host.net, 0, 0, ME, null)).isInstanceOf(UserError.class);
        gateways();
        assertThatThrownBy(() -> Ipv4Admin.addRoute(host.net, 0, 0, GW2, null))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("0.0.0.0/0 via 10.0.0.253");
        // A gateway behind a gateway is none.
        assertThatThrownBy(() -> Ipv4Admin.addRoute(host.net, 0xcb007100, 24, FAR, null))
                .isInstanceOf(UserError.class);
    }

    @Test
    void shouldFailAsErrorRoutesSay() {
        gateways();
        int[] types = {RtType.RTN_BLACKHOLE, RtType.RTN_UNREACHABLE, RtType.RTN_PROHIBIT};
        int[] errors = {-Errno.EINVAL, -Errno.EHOSTUNREACH, -Errno.EACCES};
        for (int i = 0; i < 3; i++) {
            FibConfig c = new FibConfig(0xc6336400 + (i << 8), 24);
            c.type = types[i];
            Ipv4Admin.addRoute(host.net, c);
            Flowi4 fl4 = flow(FAR + (i << 8), 0, 0);
            assertThat(lookup(fl4)).isNull();
            assertThat(fl4.error).isEqualTo(errors[i]);
        }
    }

    @Test
    void shouldBelieveFragmentationNeededForOneDestinationForTenMinutes() {
        gateways();
        int fd = udp();
        int other = udp();
        host.sys.connect(fd, TestHost.at(FAR, 9));
        host.sys.connect(other, TestHost.at(FAR + 1, 9));
        host.sys.send(fd, new TestHost.Heap(new byte[1400]), 0);
        byte[] sent = host.nextPacket();
        assertThat(mtu(fd)).isEqualTo(1500);
        host.receive(Frames.ip(GW, ME, 1, Frames.icmp(3, 4, 1000, sent)));
        assertThat(mtu(fd)).isEqualTo(1000);
        host.sys.send(other, new TestHost.Heap(new byte[1]), 0);
        assertThat(mtu(other)).isEqualTo(1500);
        // The error, once; then what is sent comes in fitting pieces.
        assertThat(host.sys.send(fd, new TestHost.Heap(new byte[1400]), 0)).isEqualTo(-Errno.EMSGSIZE);
        host.nextPacket();
        host.sys.send(fd, new TestHost.Heap(new byte[1400]), 0);
        assertThat(host.nextPacket().length).isLessThanOrEqualTo(1000);
        assertThat(host.nextPacket()).isNotNull();
        host.sleepMs(601_000);
        host.sys.send(fd, new TestHost.Heap(new byte[1400]), 0);
        assertThat(host.nextPacket()).hasSize(1428);
    }

    @Test
    void shouldNotGoBelowTheSmallestPathMtu() {
        gateways();
        int fd = udp();
        host.sys.connect(fd, TestHost.at(FAR, 9));
        host.sys.send(fd, new TestHost.Heap(new byte[1400]), 0);
        host.receive(Frames.ip(GW, ME, 1, Frames.icmp(3, 4, 68, host.nextPacket())));
        assertThat(mtu(fd)).isEqualTo(552);
    }

    @Test
    void shouldFollowRedirectsOfTheGatewayInUseOnly() {
        gateways();
        int fd = udp();
        host.sys.sendto(fd, new TestHost.Heap(new byte[1]), 0, TestHost.at(FAR, 9));
        byte[] frame = host.nic.sent.poll();
        assertThat(Arrays.copyOf(frame, 6)).isEqualTo(GW_MAC);
        byte[] sent = Arrays.copyOfRange(frame, 14, frame.length);
        host.receive(Frames.ip(PEER, ME, 1, Frames.icmp(5, 1, GW2, sent)));
        host.sys.sendto(fd, new TestHost.Heap(new byte[1]), 0, TestHost.at(FAR, 9));
        assertThat(Arrays.copyOf(host.nic.sent.poll(), 6)).isEqualTo(GW_MAC);
        host.receive(Frames.ip(GW, ME, 1, Frames.icmp(5, 1, GW2, sent)));
        host.sys.sendto(fd, new TestHost.Heap(new byte[1]), 0, TestHost.at(FAR, 9));
        assertThat(Arrays.copyOf(host.nic.sent.poll(), 6)).isEqualTo(GW2_MAC);
        host.sys.sendto(fd, new TestHost.Heap(new byte[1]), 0, TestHost.at(FAR + 1, 9));
        assertThat(Arrays.copyOf(host.nic.sent.poll(), 6)).isEqualTo(GW_MAC);
    }

    @Test
    void shouldSpreadFlowsByWeight() {
        Ipv4Admin.addNeighbour(host.nic.dev, GW, GW_MAC);
        Ipv4Admin.addNeighbour(host.nic.dev, GW2, GW2_MAC);
        FibConfig c = new FibConfig(0, 0);
        c.nexthops.add(new FibConfig.Nexthop(null, GW, 3, false));
        c.nexthops.add(new FibConfig.Nexthop(null, GW2, 1, false));
        Ipv4Admin.addRoute(host.net, c);
        int first = 0;
        for (int i = 0; i < 4000; i++) {
            Rtable rt = lookup(flow(FAR + i, 0, 0));
            first += rt.rtGw4 == GW ? 1 : 0;
            assertThat(lookup(flow(FAR + i, 0, 0)).rtGw4).isEqualTo(rt.rtGw4);
        }
        assertThat(first).isBetween(2800, 3200);
    }

    @Test
    void shouldForgetRoutesOverADeviceThatGoesDown() {
        gateways();
        Rtable rt = lookup(flow(FAR, 0, 0));
        Ipv4Admin.setDown(host.nic.dev);
        assertThat(rt.check(0)).isNull();
        assertThat(lookup(flow(FAR, 0, 0))).isNull();
        assertThat(lookup(flow(ME, 0, 0)).isLocal()).isTrue();
        Ipv4Admin.setUp(host.nic.dev);
        assertThat(lookup(flow(FAR, 0, 0))).isNull();
        assertThat(lookup(flow(PEER, 0, 0)).dev).isSameAs(host.nic.dev);
    }

    @Test
    void shouldPreferTheLowerMetricAndTheTypeOfService() {
        gateways();
        FibConfig worse = new FibConfig(0xc6336400, 24).via(null, GW);
        worse.priority = 20;
        FibConfig better = new FibConfig(0xc6336400, 24).via(null, GW2);
        better.priority = 10;
        FibConfig tos = new FibConfig(0xc6336400, 24).via(null, PEER);
        tos.dscp = 0x10;
        tos.priority = 30;
        Ipv4Admin.addRoute(host.net, worse);
        Ipv4Admin.addRoute(host.net, better);
        Ipv4Admin.addRoute(host.net, tos);
        assertThat(lookup(flow(FAR, 0, 0)).rtGw4).isEqualTo(GW2);
        Flowi4 fl4 = flow(FAR, 0, 0);
        fl4.dscp = 0x10;
        assertThat(lookup(fl4).rtGw4).isEqualTo(PEER);
        Ipv4Admin.delRoute(host.net, better);
        assertThat(lookup(flow(FAR, 0, 0)).rtGw4).isEqualTo(GW);
    }

    @Test
    void shouldListWhatIpRouteShows() {
        assertThat(Ipv4Admin.routes(host.net, RtType.RT_TABLE_MAIN)).hasSize(1);
        assertThat(Ipv4Admin.routes(host.net, RtType.RT_TABLE_LOCAL).stream()
                        .map(e -> RtType.name(e.alias().type()) + " " + Inet.text(e.prefix()) + "/" + e.len()))
                .containsExactlyInAnyOrder(
                        "local 10.0.0.1/32",
                        "broadcast 10.0.0.255/32",
                        "local 127.0.0.0/8",
                        "local 127.0.0.1/32",
                        "broadcast 127.255.255.255/32");
    }

    @Test
    void shouldFilterByReversePath() {
        gateways();
        byte[] p = Frames.ip(FAR, ME, 1, Frames.icmp(8, 0, 1, new byte[8]));
        host.receive(p);
        assertThat(host.nextPacket()).isNotNull();
        TestHost.Nic other = new TestHost.Nic(host.net, "eth1", new byte[] {2, 0, 0, 0, 0, 3});
        Ipv4Admin.addAddress(other.dev, "10.1.0.1/24");
        byte[] frame = Frames.ether(new byte[] {2, 0, 0, 0, 0, 3}, TestHost.PEER_MAC, 0x0800, p);
        host.injectOn(other, frame);
        assertThat(host.nextPacket()).isNotNull();
        host.net.sysctl().set("net.ipv4.conf.eth1.rp_filter", "1");
        host.injectOn(other, frame);
        assertThat(host.nextPacket()).isNull();
        host.net.sysctl().set("net.ipv4.conf.eth1.rp_filter", "2");
        host.injectOn(other, frame);
        assertThat(host.nextPacket()).isNotNull();
    }
}
