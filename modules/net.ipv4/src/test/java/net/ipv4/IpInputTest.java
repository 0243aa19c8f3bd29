package net.ipv4;

import static net.ipv4.TestHost.ME;
import static net.ipv4.TestHost.PEER;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import net.skbuff.SkbDropReason;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, unit = TimeUnit.SECONDS)
class IpInputTest {
    private final TestHost host = TestHost.withPeer();

    @AfterEach
    void close() {
        host.close();
    }

    private static byte[] echo(int bytes) {
        byte[] data = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            data[i] = (byte) i;
        }
        return Frames.icmp(8, 0, 0x00070001, data);
    }

    private long drops(SkbDropReason reason) {
        long[] n = new long[1];
        host.on(cpu -> n[0] = cpu.dropCounts[reason.ordinal()]);
        return n[0];
    }

    @Test
    void shouldAnswerAPing() {
        host.receive(Frames.ip(PEER, ME, 1, echo(100)));
        byte[] reply = host.nextPacket();
        assertThat(reply).isNotNull();
        assertThat(Frames.sum(reply, 0, 20, 0)).isZero();
        assertThat(Frames.u32(reply, 12)).isEqualTo(ME);
        assertThat(Frames.u32(reply, 16)).isEqualTo(PEER);
        byte[] icmp = Frames.payload(reply);
        assertThat(icmp[0]).isZero();
        assertThat(Frames.sum(icmp, 0, icmp.length, 0)).isZero();
        assertThat(Arrays.copyOfRange(icmp, 4, icmp.length)).isEqualTo(Arrays.copyOfRange(echo(100), 4, 108));
        assertThat(host.counter("IcmpInEchos")).isEqualTo(1);
        assertThat(host.counter("IcmpOutEchoReps")).isEqualTo(1);
    }

    @Test
    void shouldAnswerALargePingInFragments() {
        // Twenty kilobytes, with pieces beyond the linear part.
        byte[] big = echo(20_000);
        for (int off = 0; off < big.length; off += 1480) {
            int n = Math.min(1480, big.length - off);
            int mf = off + n < big.length ? 0x2000 : 0;
            host.receive(
                    Frames.ip(PEER, ME, 1, 77, mf | off / 8, 64, new byte[0], Arrays.copyOfRange(big, off, off + n)));
        }
        byte[] got = new byte[big.length];
        int bytes = 0;
        for (byte[] p; (p = host.nextPacket()) != null; ) {
            byte[] part = Frames.payload(p);
            System.arraycopy(part, 0, got, (Frames.u16(p, 6) & 0x1fff) * 8, part.length);
            assertThat(p.length).isLessThanOrEqualTo(1500);
            assertThat(Frames.sum(p, 0, 20, 0)).isZero();
            bytes += part.length;
        }
        assertThat(bytes).isEqualTo(big.length);
        assertThat(Arrays.copyOfRange(got, 4, got.length)).isEqualTo(Arrays.copyOfRange(big, 4, big.length));
        assertThat(Frames.sum(got, 0, got.length, 0)).isZero();
    }

    @Test
    void shouldDropBadHeaders() {
        byte[] good = Frames.ip(PEER, ME, 1, echo(8));
        byte[] badSum = good.clone();
        badSum[10] ^= 1;
        host.receive(badSum);
        assertThat(drops(SkbDropReason.IP_CSUM)).isEqualTo(1);
        byte[] version = good.clone();
        version[0] = 0x65;
        host.receive(version);
        byte[] shortHeader = good.clone();
        shortHeader[0] = 0x44;
        host.receive(shortHeader);
        assertThat(drops(SkbDropReason.IP_INHDR)).isEqualTo(2);
        byte[] longer = good.clone();
        Frames.put16(longer, 2, good.length + 1);
        host.receive(Frames.fixed(longer));
        host.receive(Arrays.copyOf(good, 19));
        assertThat(drops(SkbDropReason.PKT_TOO_SMALL)).isEqualTo(2);
        assertThat(host.nextPacket()).isNull();
        assertThat(host.counter("IpInHdrErrors")).isEqualTo(4);
        assertThat(host.counter("IpExtInTruncatedPkts")).isEqualTo(1);
        assertThat(host.counter("IpExtInCsumErrors")).isEqualTo(1);
        assertThat(host.counter("IpInReceives")).isEqualTo(5);
    }

    @Test
    void shouldTrimPadding() {
        byte[] p = Frames.ip(PEER, ME, 1, echo(1));
        host.receive(Arrays.copyOf(p, 46));
        assertThat(host.nextPacket()).hasSize(29);
    }

    @Test
    void shouldRefuseMartians() {
        host.receive(Frames.ip(0x7f000001, ME, 1, echo(8)));
        host.receive(Frames.ip(-1, ME, 1, echo(8)));
        host.receive(Frames.ip(0xe0000001, ME, 1, echo(8)));
        host.receive(Frames.ip(ME, ME, 1, echo(8)));
        host.receive(Frames.ip(PEER, 0x7f000001, 1, echo(8)));
        host.receive(Frames.ip(0x00000001, ME, 1, echo(8)));
        assertThat(Ipv4Net.of(host.net).martians()).containsExactly(5, 1);
        assertThat(host.nextPacket()).isNull();
    }

    @Test
    void shouldIgnorePacketsForOthers() {
        host.receive(Frames.ip(PEER, 0x0a000063, 1, echo(8)));
        assertThat(host.nextPacket()).isNull();
        assertThat(host.counter("IpExtInNoRoutes")).isEqualTo(1);
        byte[] frame =
                Frames.ether(new byte[] {2, 9, 9, 9, 9, 9}, TestHost.PEER_MAC, 0x0800, Frames.ip(PEER, ME, 1, echo(8)));
        host.inject(frame);
        assertThat(drops(SkbDropReason.OTHERHOST)).isEqualTo(1);
    }

    @Test
    void shouldReportUnknownProtocols() {
        host.receive(Frames.ip(PEER, ME, 200, new byte[30]));
        byte[] err = host.nextPacket();
        assertThat(Frames.u8(err, 20)).isEqualTo(3);
        assertThat(Frames.u8(err, 21)).isEqualTo(2);
        assertThat(host.counter("IpInUnknownProtos")).isEqualTo(1);
    }

    @Test
    void shouldAcceptOptionsThatOnlyRecord() {
        byte[] rr = {7, 7, 4, 0, 0, 0, 0, 0};
        host.receive(Frames.ip(PEER, ME, 1, 1, 0, 64, rr, echo(8)));
        byte[] reply = host.nextPacket();
        assertThat(reply).isNotNull();
        // Echoed: the reply carries the same record route.
        assertThat(Frames.u8(reply, 0)).isEqualTo(0x47);
        assertThat(Frames.u8(reply, 20)).isEqualTo(7);
    }

    @Test
    void shouldAnswerBrokenOptionsWithAParameterProblem() {
        byte[] broken = {7, 39, 4, 0};
        host.receive(Frames.ip(PEER, ME, 17, 1, 0, 64, broken, new byte[20]));
        byte[] err = host.nextPacket();
        assertThat(Frames.u8(err, 20)).isEqualTo(12);
        assertThat(Frames.u8(err, 24)).isEqualTo(20);
        assertThat(host.counter("IpInHdrErrors")).isEqualTo(1);
    }

    @Test
    void shouldDropSourceRoutes() {
        byte[] lsrr = {(byte) 131, 7, 4, 10, 0, 0, 9, 0};
        host.receive(Frames.ip(PEER, ME, 1, 1, 0, 64, lsrr, echo(8)));
        assertThat(host.nextPacket()).isNull();
        assertThat(drops(SkbDropReason.IP_INHDR)).isEqualTo(1);
    }

    @Test
    void shouldSurviveRandomHeadersWithoutLosingCount() {
        long seed = 20251122;
        System.out.println("seed " + seed);
        java.util.Random r = new java.util.Random(seed);
        int frames = 20_000;
        for (int i = 0; i < frames; i++) {
            byte[] options = new byte[4 * r.nextInt(4)];
            r.nextBytes(options);
            byte[] data = new byte[r.nextInt(60)];
            r.nextBytes(data);
            int proto = r.nextInt(4) == 0 ? r.nextInt(256) : r.nextBoolean() ? 1 : 17;
            int saddr = r.nextInt(8) == 0 ? r.nextInt() : PEER;
            int frag = r.nextInt(5) == 0 ? r.nextInt(65536) : 0;
            byte[] p = Frames.ip(saddr, ME, proto, r.nextInt(65536), frag, r.nextInt(256), options, data);
            if (r.nextInt(4) == 0) {
                p[r.nextInt(p.length)] ^= (byte) (1 << r.nextInt(8));
            }
            host.receive(r.nextInt(10) == 0 ? Arrays.copyOf(p, r.nextInt(p.length + 10)) : p);
            host.nic.sent.clear();
        }
        host.sleepMs(40_000);
        assertThat(Ipv4Admin.fragStats(host.net)).containsExactly(0, 0);
    }
}
