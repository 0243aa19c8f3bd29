package net.ipv4;

import static net.ipv4.TestHost.ME;
import static net.ipv4.TestHost.MY_MAC;
import static net.ipv4.TestHost.PEER;
import static net.ipv4.TestHost.PEER_MAC;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import net.core.neigh.Neighbour;
import net.core.sock.SockConst;
import net.skbuff.Errno;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, unit = TimeUnit.SECONDS)
class ArpTest {
    private final TestHost host = new TestHost();

    @AfterEach
    void close() {
        host.close();
    }

    private byte[] nextArp() {
        for (byte[] f; (f = host.nic.sent.poll()) != null; ) {
            if (Frames.u16(f, 12) == 0x0806) {
                return f;
            }
        }
        return null;
    }

    private void send(int fd, int n) {
        assertThat(host.sys.sendto(fd, new TestHost.Heap(new byte[] {(byte) n}), 0, TestHost.at(PEER, 9)))
                .isEqualTo(1);
    }

    private void arp(int op, byte[] dst, byte[] sha, int sip, byte[] tha, int tip) {
        host.inject(Frames.ether(dst, sha, 0x0806, Frames.arp(op, sha, sip, tha, tip)));
    }

    @Test
    void shouldAskThenSendWhatWaited() {
        int fd = host.sys.socket(SockConst.AF_INET, SockConst.SOCK_DGRAM, 0);
        for (int i = 0; i < 5; i++) {
            send(fd, i);
        }
        byte[] ask = nextArp();
        assertThat(Arrays.copyOf(ask, 6)).containsOnly(255);
        assertThat(Frames.u16(ask, 20)).isEqualTo(1);
        assertThat(Frames.u32(ask, 28)).isEqualTo(ME);
        assertThat(Frames.u32(ask, 38)).isEqualTo(PEER);
        assertThat(host.nic.sent).isEmpty();
        arp(2, MY_MAC, PEER_MAC, PEER, MY_MAC, ME);
        for (int i = 0; i < 5; i++) {
            byte[] f = host.nic.sent.poll();
            assertThat(Arrays.copyOf(f, 6)).isEqualTo(PEER_MAC);
            assertThat(f[f.length - 1]).isEqualTo((byte) i);
        }
        List<Neighbour> all = Ipv4Admin.neighbours(host.net);
        assertThat(all).hasSize(1);
        assertThat(all.get(0).nudState()).isEqualTo(Neighbour.NUD_REACHABLE);
    }

    @Test
    void shouldReportHostsThatDontAnswer() {
        int fd = host.sys.socket(SockConst.AF_INET, SockConst.SOCK_DGRAM, 0);
        assertThat(host.sys.connect(fd, TestHost.at(PEER, 9))).isZero();
        send(fd, 1);
        host.sleepMs(5000);
        byte[] buf = new byte[10];
        assertThat(host.sys.recv(fd, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT))
                .isEqualTo(-Errno.EAGAIN);
        // EHOSTUNREACH isn't final: only a program with IP_RECVERR hears.
        host.sys.setsockopt(fd, SockConst.SOL_IP, IpSockGlue.IP_RECVERR, 1);
        send(fd, 2);
        host.sleepMs(5000);
        assertThat(host.sys.recv(fd, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT))
                .isEqualTo(-Errno.EHOSTUNREACH);
    }

    @Test
    void shouldAnswerForItsAddressesOnly() {
        arp(1, new byte[] {-1, -1, -1, -1, -1, -1}, PEER_MAC, PEER, new byte[6], ME);
        byte[] reply = nextArp();
        assertThat(Arrays.copyOf(reply, 6)).isEqualTo(PEER_MAC);
        assertThat(Frames.u16(reply, 20)).isEqualTo(2);
        assertThat(Arrays.copyOfRange(reply, 22, 28)).isEqualTo(MY_MAC);
        assertThat(Frames.u32(reply, 28)).isEqualTo(ME);
        arp(1, new byte[] {-1, -1, -1, -1, -1, -1}, PEER_MAC, PEER, new byte[6], ME + 5);
        assertThat(nextArp()).isNull();
        // It asked, so it exists.
        assertThat(Ipv4Admin.neighbours(host.net)).hasSize(1);
    }

    @Test
    void shouldNotLearnFromUninvitedReplies() {
        arp(2, MY_MAC, PEER_MAC, PEER, MY_MAC, ME);
        assertThat(Ipv4Admin.neighbours(host.net)).isEmpty();
        host.net.sysctl().set("net.ipv4.conf.eth0.arp_accept", "1");
        arp(2, MY_MAC, PEER_MAC, PEER, MY_MAC, ME);
        assertThat(Ipv4Admin.neighbours(host.net)).hasSize(1);
    }

    @Test
    void shouldAnswerProbesForAnAddressInUse() {
        arp(1, new byte[] {-1, -1, -1, -1, -1, -1}, PEER_MAC, 0, new byte[6], ME);
        assertThat(nextArp()).isNotNull();
        assertThat(Ipv4Admin.neighbours(host.net)).isEmpty();
    }

    @Test
    void shouldRespectArpIgnore() {
        Ipv4Admin.addAddress(host.net.devices.loopback(), "192.0.2.1/32");
        arp(1, new byte[] {-1, -1, -1, -1, -1, -1}, PEER_MAC, PEER, new byte[6], 0xc0000201);
        assertThat(nextArp()).isNotNull();
        host.net.sysctl().set("net.ipv4.conf.all.arp_ignore", "1");
        arp(1, new byte[] {-1, -1, -1, -1, -1, -1}, PEER_MAC, PEER, new byte[6], 0xc0000201);
        assertThat(nextArp()).isNull();
    }

    @Test
    void shouldMapGroupsAndBroadcastsWithoutAsking() {
        int fd = host.sys.socket(SockConst.AF_INET, SockConst.SOCK_DGRAM, 0);
        host.sys.sendto(fd, new TestHost.Heap(new byte[1]), 0, TestHost.at(0xe0000105, 9));
        assertThat(host.nic.sent).isEmpty();
        Ipv4Admin.addRoute(host.net, 0xe0000000, 4, 0, host.nic.dev);
        host.sys.sendto(fd, new TestHost.Heap(new byte[1]), 0, TestHost.at(0xe0000105, 9));
        assertThat(Arrays.copyOf(host.nic.sent.poll(), 6)).isEqualTo(new byte[] {1, 0, 0x5e, 0, 1, 5});
        assertThat(host.sys.sendto(fd, new TestHost.Heap(new byte[1]), 0, TestHost.at(0x0a0000ff, 9)))
                .isEqualTo(-Errno.EACCES);
        host.sys.setsockopt(fd, SockConst.SOL_SOCKET, SockConst.SO_BROADCAST, 1);
        host.sys.sendto(fd, new TestHost.Heap(new byte[1]), 0, TestHost.at(0x0a0000ff, 9));
        assertThat(Arrays.copyOf(host.nic.sent.poll(), 6)).containsOnly(255);
    }
}
