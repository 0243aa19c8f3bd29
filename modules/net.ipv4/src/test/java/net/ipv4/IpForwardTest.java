package net.ipv4;

import static net.ipv4.TestHost.ME;
import static net.ipv4.TestHost.PEER;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import net.ipv4.route.FibConfig;
import net.ipv4.route.RtType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, unit = TimeUnit.SECONDS)
class IpForwardTest {
    private static final int THERE = 0x0a010002;
    private final TestHost host = TestHost.withPeer("net.ipv4.ip_forward=1");
    private TestHost.Nic out;

    @BeforeEach
    void secondCard() {
        out = new TestHost.Nic(host.net, "eth1", new byte[] {2, 0, 0, 0, 1, 1});
        Ipv4Admin.addAddress(out.dev, "10.1.0.1/24");
        Ipv4Admin.addNeighbour(out.dev, THERE, new byte[] {2, 0, 0, 0, 1, 2});
    }

    @AfterEach
    void close() {
        host.close();
    }

    private byte[] forwarded() {
        byte[] f = out.sent.poll();
        return f == null ? null : Arrays.copyOfRange(f, 14, f.length);
    }

    @Test
    void shouldForwardWithOneHopLess() {
        byte[] p = Frames.ip(PEER, THERE, 17, Frames.udp(PEER, 1, THERE, 2, new byte[100]));
        host.receive(p);
        byte[] f = forwarded();
        assertThat(f[8]).isEqualTo((byte) 63);
        assertThat(Frames.sum(f, 0, 20, 0)).isZero();
        assertThat(Arrays.copyOfRange(f, 12, f.length)).isEqualTo(Arrays.copyOfRange(p, 12, p.length));
        assertThat(host.counter("IpForwDatagrams")).isEqualTo(1);
        assertThat(host.counter("IpInDelivers")).isZero();
    }

    @Test
    void shouldReportExpiredPackets() {
        host.receive(Frames.ip(PEER, THERE, 17, 1, 0, 1, new byte[0], new byte[8]));
        byte[] err = host.nextPacket();
        assertThat(Frames.u8(err, 20)).isEqualTo(11);
        assertThat(Frames.u32(err, 12)).isEqualTo(ME);
        assertThat(forwarded()).isNull();
    }

    @Test
    void shouldAskForSmallerPackets() {
        out.dev.mtu = 1000;
        host.receive(Frames.ip(PEER, THERE, 17, 1, 0x4000, 64, new byte[0], new byte[1200]));
        byte[] err = host.nextPacket();
        assertThat(Frames.u8(err, 20)).isEqualTo(3);
        assertThat(Frames.u8(err, 21)).isEqualTo(4);
        assertThat(Frames.u16(err, 26)).isEqualTo(1000);
        assertThat(forwarded()).isNull();
    }

    @Test
    void shouldFragmentWhereItMay() {
        out.dev.mtu = 576;
        byte[] data = new byte[1400];
        new Random(1).nextBytes(data);
        byte[] options = {1, 1, 1, 0};
        host.receive(Frames.ip(PEER, THERE, 17, 99, 0, 64, options, data));
        byte[] whole = new byte[1400];
        int n = 0;
        for (byte[] f; (f = forwarded()) != null; ) {
            byte[] part = Frames.payload(f);
            assertThat(f.length).isLessThanOrEqualTo(576);
            assertThat(Frames.sum(f, 0, (f[0] & 15) * 4, 0)).isZero();
            assertThat(Frames.u16(f, 4)).isEqualTo(99);
            System.arraycopy(part, 0, whole, (Frames.u16(f, 6) & 0x1fff) * 8, part.length);
            n++;
        }
        assertThat(n).isEqualTo(3);
        assertThat(whole).isEqualTo(data);
    }

    @Test
    void shouldSayWhyItCannotForward() {
        host.receive(Frames.ip(PEER, 0xc6336401, 17, new byte[20]));
        byte[] err = host.nextPacket();
        assertThat(Frames.u8(err, 20)).isEqualTo(3);
        assertThat(Frames.u8(err, 21)).isZero();
        FibConfig c = new FibConfig(0xc6336400, 24);
        c.type = RtType.RTN_PROHIBIT;
        Ipv4Admin.addRoute(host.net, c);
        host.receive(Frames.ip(PEER, 0xc6336401, 17, new byte[20]));
        assertThat(Frames.u8(host.nextPacket(), 21)).isEqualTo(13);
    }

    @Test
    void shouldReportHostsThatDontAnswer() {
        host.receive(Frames.ip(PEER, THERE + 7, 17, new byte[20]));
        assertThat(host.nextPacket()).isNull();
        host.sleepMs(5000);
        byte[] err = host.nextPacket();
        assertThat(Frames.u8(err, 20)).isEqualTo(3);
        assertThat(Frames.u8(err, 21)).isEqualTo(1);
    }

    @Test
    void shouldTellOfABetterGateway() {
        int gw = 0x0a0000fe;
        Ipv4Admin.addNeighbour(host.nic.dev, gw, new byte[] {2, 0, 0, 0, 0, 9});
        Ipv4Admin.addRoute(host.net, 0xc6336400, 24, gw, null);
        host.receive(Frames.ip(PEER, 0xc6336401, 17, new byte[20]));
        byte[] redirect = host.nextPacket();
        byte[] packet = host.nextPacket();
        assertThat(Frames.u8(redirect, 20)).isEqualTo(5);
        assertThat(Frames.u32(redirect, 24)).isEqualTo(gw);
        assertThat(Frames.u32(packet, 16)).isEqualTo(0xc6336401);
    }

    @Test
    void shouldNotForwardWhenTurnedOff() {
        host.net.sysctl().set("net.ipv4.ip_forward", "0");
        host.receive(Frames.ip(PEER, THERE, 17, new byte[20]));
        assertThat(forwarded()).isNull();
        assertThat(host.nextPacket()).isNull();
        assertThat(host.counter("IpInAddrErrors")).isEqualTo(1);
    }

    @Test
    void shouldRecordItsAddressInARecordRoute() {
        byte[] rr = {7, 7, 4, 0, 0, 0, 0, 0};
        host.receive(Frames.ip(PEER, THERE, 17, 1, 0, 64, rr, new byte[20]));
        byte[] f = forwarded();
        assertThat(Frames.u8(f, 22)).isEqualTo(8);
        assertThat(Frames.u32(f, 23)).isEqualTo(0x0a010001);
        assertThat(Frames.sum(f, 0, 28, 0)).isZero();
    }
}
