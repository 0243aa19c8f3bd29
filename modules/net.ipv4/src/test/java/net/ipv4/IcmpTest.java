package net.ipv4;

import static net.ipv4.TestHost.ME;
import static net.ipv4.TestHost.PEER;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import net.core.sock.SockConst;
import net.skbuff.Errno;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, unit = TimeUnit.SECONDS)
class IcmpTest {
    private final TestHost host = TestHost.withPeer();

    @AfterEach
    void close() {
        host.close();
    }

    private int packets() {
        int n = 0;
        while (host.nextPacket() != null) {
            n++;
        }
        return n;
    }

    @Test
    void shouldLimitErrorsPerPeer() {
        byte[] p = Frames.ip(PEER, ME, 17, Frames.udp(PEER, 5, ME, 6, new byte[4]));
        for (int i = 0; i < 100; i++) {
            host.receive(p);
        }
        // Six in a burst, then one a second.
        assertThat(packets()).isEqualTo(6);
        assertThat(host.counter("IcmpOutRateLimitHost")).isEqualTo(94);
        host.sleepMs(1000);
        host.receive(p);
        host.receive(p);
        assertThat(packets()).isEqualTo(1);
    }

    @Test
    void shouldLimitErrorsGlobally() {
        host.net.sysctl().set("net.ipv4.icmp_ratelimit", "0");
        host.net.sysctl().set("net.ipv4.icmp_msgs_per_sec", "100");
        host.net.sysctl().set("net.ipv4.icmp_msgs_burst", "50");
        byte[] p = Frames.ip(PEER, ME, 17, Frames.udp(PEER, 5, ME, 6, new byte[4]));
        // What the bucket held at boot: each message takes one on the average.
        for (int i = 0; i < 30_000 && host.counter("IcmpOutRateLimitGlobal") == 0; i++) {
            host.receive(p);
            host.nextPacket();
        }
        assertThat(host.counter("IcmpOutRateLimitGlobal")).isEqualTo(1);
        assertThat(host.counter("IcmpOutDestUnreachs")).isBetween(9_000L, 11_000L);
        host.sleepMs(100);
        for (int i = 0; i < 250; i++) {
            host.receive(p);
        }
        assertThat(packets()).isBetween(3, 30);
    }

    @Test
    void shouldSayNothingAboutErrorsGroupsAndLaterFragments() {
        byte[] inner = Frames.ip(ME, PEER, 17, new byte[8]);
        host.receive(Frames.ip(PEER, ME, 1, Frames.icmp(3, 99, 0, inner)));
        host.receive(Frames.ip(PEER, 0x0a0000ff, 17, Frames.udp(PEER, 5, 0x0a0000ff, 6, new byte[4])));
        host.receive(Frames.ip(PEER, ME, 200, 9, 100, 64, new byte[0], new byte[16]));
        assertThat(packets()).isZero();
        host.sleepMs(35_000);
        assertThat(packets()).isZero();
    }

    @Test
    void shouldAnswerTimestamps() {
        byte[] data = new byte[12];
        Frames.put32(data, 0, 4711);
        host.receive(Frames.ip(PEER, ME, 1, Frames.icmp(13, 0, 1, data)));
        byte[] reply = Frames.payload(host.nextPacket());
        assertThat(reply[0]).isEqualTo((byte) 14);
        assertThat(Frames.u32(reply, 8)).isEqualTo(4711);
        assertThat(Frames.sum(reply, 0, reply.length, 0)).isZero();
    }

    @Test
    void shouldIgnoreBroadcastPings() {
        host.receive(Frames.ip(PEER, 0x0a0000ff, 1, Frames.icmp(8, 0, 1, new byte[8])));
        assertThat(packets()).isZero();
        host.net.sysctl().set("net.ipv4.icmp_echo_ignore_broadcasts", "0");
        host.receive(Frames.ip(PEER, 0x0a0000ff, 1, Frames.icmp(8, 0, 1, new byte[8])));
        byte[] reply = host.nextPacket();
        assertThat(Frames.u32(reply, 12)).isEqualTo(ME);
    }

    @Test
    void shouldCountBadChecksums() {
        byte[] m = Frames.icmp(8, 0, 1, new byte[8]);
        m[9] ^= 1;
        host.receive(Frames.ip(PEER, ME, 1, m));
        assertThat(packets()).isZero();
        assertThat(host.counter("IcmpInCsumErrors")).isEqualTo(1);
    }

    @Test
    void shouldQuoteThePacketAndSayWhichPortIsClosed() {
        byte[] p = Frames.ip(PEER, ME, 17, Frames.udp(PEER, 5000, ME, 6000, new byte[1000]));
        host.receive(p);
        byte[] err = host.nextPacket();
        assertThat(err).hasSize(576);
        byte[] icmp = Frames.payload(err);
        assertThat(icmp[0]).isEqualTo((byte) 3);
        assertThat(icmp[1]).isEqualTo((byte) 3);
        assertThat(Frames.sum(icmp, 0, icmp.length, 0)).isZero();
        assertThat(Arrays.copyOfRange(icmp, 8, icmp.length)).isEqualTo(Arrays.copyOf(p, 548));
        assertThat(Frames.u8(err, 1)).isEqualTo(0xc0);
        assertThat(host.counter("UdpNoPorts")).isEqualTo(1);
    }

    @Test
    void shouldPingThroughAPingSocket() {
        int fd = host.sys.socket(SockConst.AF_INET, SockConst.SOCK_DGRAM, SockConst.IPPROTO_ICMP);
        byte[] req = Frames.icmp(8, 0, 0x00000001, new byte[] {1, 2, 3});
        assertThat(host.sys.sendto(fd, new TestHost.Heap(req), 0, TestHost.at(PEER, 0)))
                .isEqualTo(11);
        byte[] out = Frames.payload(host.nextPacket());
        int id = Frames.u16(out, 4);
        assertThat(id).isNotZero();
        assertThat(Frames.sum(out, 0, out.length, 0)).isZero();
        host.receive(Frames.ip(PEER, ME, 1, Frames.icmp(0, 0, id << 16 | 1, new byte[] {1, 2, 3})));
        byte[] buf = new byte[100];
        assertThat(host.sys.recv(fd, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT))
                .isEqualTo(11);
        assertThat(buf[0]).isZero();
        host.receive(Frames.ip(PEER, ME, 1, Frames.icmp(0, 0, (id + 1) << 16 | 1, new byte[3])));
        assertThat(host.sys.recv(fd, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT))
                .isEqualTo(-Errno.EAGAIN);
    }

    @Test
    void shouldGiveErrorsToTheSocketOfTheQuotedPacket() {
        int fd = host.sys.socket(SockConst.AF_INET, SockConst.SOCK_DGRAM, 0);
        host.sys.connect(fd, TestHost.at(PEER, 7000));
        host.sys.send(fd, new TestHost.Heap(new byte[] {9, 9}), 0);
        byte[] sent = host.nextPacket();
        host.receive(Frames.ip(PEER, ME, 1, Frames.icmp(3, 3, 0, sent)));
        assertThat(host.sys.recv(fd, new TestHost.Heap(new byte[1]), SockConst.MSG_DONTWAIT))
                .isEqualTo(-Errno.ECONNREFUSED);
        // A message that quotes too little finds nobody.
        host.receive(Frames.ip(PEER, ME, 1, Frames.icmp(3, 3, 0, Arrays.copyOf(sent, 21))));
        assertThat(host.sys.recv(fd, new TestHost.Heap(new byte[1]), SockConst.MSG_DONTWAIT))
                .isEqualTo(-Errno.EAGAIN);
    }
}
