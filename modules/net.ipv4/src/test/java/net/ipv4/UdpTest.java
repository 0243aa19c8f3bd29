package net.ipv4;

import static net.ipv4.TestHost.ME;
import static net.ipv4.TestHost.PEER;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import net.core.Cpu;
import net.core.dev.NapiStruct;
import net.core.dev.NetdevFeatures;
import net.core.sock.Cmsg;
import net.core.sock.Msghdr;
import net.core.sock.OptVal;
import net.core.sock.SockAddr;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.core.sock.SockExtendedErr;
import net.skbuff.Errno;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, unit = TimeUnit.SECONDS)
class UdpTest {
    private final TestHost host = TestHost.withPeer();
    private final int fd = socket();

    @AfterEach
    void close() {
        host.close();
    }

    private int socket() {
        return host.sys.socket(SockConst.AF_INET, SockConst.SOCK_DGRAM, 0);
    }

    private int send(byte[] data, SockAddrIn to) {
        return host.sys.sendto(fd, new TestHost.Heap(data), 0, to);
    }

    private static byte[] random(int n) {
        byte[] b = new byte[n];
        new Random(n).nextBytes(b);
        return b;
    }

    private void datagram(int sport, int dport, byte[] data) {
        host.receive(Frames.ip(PEER, ME, 17, Frames.udp(PEER, sport, ME, dport, data)));
    }

    private static boolean checksumHolds(byte[] p) {
        byte[] u = Frames.payload(p);
        return Frames.sum(u, 0, u.length, Frames.pseudo(Frames.u32(p, 12), Frames.u32(p, 16), 17, u.length)) == 0;
    }

    @Test
    void shouldSendWithAChecksum() {
        for (int n : new int[] {0, 1, 2, 3, 511, 1471, 1472}) {
            assertThat(send(random(n), TestHost.at(PEER, 53))).isEqualTo(n);
            byte[] p = host.nextPacket();
            assertThat(p).hasSize(28 + n);
            assertThat(checksumHolds(p)).as("%d bytes", n).isTrue();
            assertThat(Frames.u16(p, 22)).isEqualTo(53);
            assertThat(Frames.u16(p, 6) & 0x4000).isEqualTo(0x4000);
        }
        assertThat(host.counter("UdpOutDatagrams")).isEqualTo(7);
    }

    @Test
    void shouldFragmentWhatIsTooLong() {
        byte[] data = random(5000);
        assertThat(send(data, TestHost.at(PEER, 53))).isEqualTo(5000);
        byte[] whole = new byte[5008];
        int id = -1;
        for (byte[] p; (p = host.nextPacket()) != null; ) {
            byte[] part = Frames.payload(p);
            assertThat(id == -1 || id == Frames.u16(p, 4)).isTrue();
            id = Frames.u16(p, 4);
            System.arraycopy(part, 0, whole, (Frames.u16(p, 6) & 0x1fff) * 8, part.length);
        }
        assertThat(Arrays.copyOfRange(whole, 8, 5008)).isEqualTo(data);
        assertThat(Frames.sum(whole, 0, whole.length, Frames.pseudo(ME, PEER, 17, 5008)))
                .isZero();
    }

    @Test
    void shouldRefuseWhatMayNotBeFragmented() {
        host.sys.setsockopt(fd, SockConst.SOL_IP, IpSockGlue.IP_MTU_DISCOVER, 2);
        assertThat(send(new byte[1473], TestHost.at(PEER, 53))).isEqualTo(-Errno.EMSGSIZE);
        assertThat(send(new byte[1472], TestHost.at(PEER, 53))).isEqualTo(1472);
        assertThat(send(new byte[65_536], TestHost.at(PEER, 53))).isEqualTo(-Errno.EMSGSIZE);
    }

    @Test
    void shouldReceiveInOrderWithTheSource() {
        host.sys.bind(fd, TestHost.at(0, 7));
        datagram(1000, 7, random(100));
        datagram(1001, 7, random(0));
        byte[] buf = new byte[200];
        SockAddrIn from = new SockAddrIn();
        assertThat(host.sys.recvfrom(fd, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT, from))
                .isEqualTo(100);
        assertThat(Arrays.copyOf(buf, 100)).isEqualTo(random(100));
        assertThat(from).isEqualTo(TestHost.at(PEER, 1000));
        assertThat(host.sys.recvfrom(fd, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT, from))
                .isZero();
        assertThat(from.port).isEqualTo(1001);
        assertThat(host.counter("UdpInDatagrams")).isEqualTo(2);
    }

    @Test
    void shouldTruncateAndPeek() {
        host.sys.bind(fd, TestHost.at(0, 7));
        datagram(1000, 7, random(100));
        byte[] buf = new byte[10];
        int peek = SockConst.MSG_DONTWAIT | SockConst.MSG_PEEK;
        assertThat(host.sys.recv(fd, new TestHost.Heap(buf), peek)).isEqualTo(10);
        assertThat(host.sys.recv(fd, new TestHost.Heap(buf), peek | SockConst.MSG_TRUNC))
                .isEqualTo(100);
        Msghdr msg = new Msghdr().reset(new TestHost.Heap(buf), null, 0);
        assertThat(host.sys.recvmsg(fd, msg, SockConst.MSG_DONTWAIT)).isEqualTo(10);
        assertThat(msg.flags & SockConst.MSG_TRUNC).isNotZero();
        assertThat(host.sys.recv(fd, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT))
                .isEqualTo(-Errno.EAGAIN);
    }

    @Test
    void shouldDropDamagedDatagrams() {
        host.sys.bind(fd, TestHost.at(0, 7));
        for (int bytes : new int[] {10, 1000}) {
            byte[] u = Frames.udp(PEER, 1, ME, 7, random(bytes));
            u[u.length - 1] ^= 4;
            host.receive(Frames.ip(PEER, ME, 17, u));
        }
        assertThat(host.sys.recv(fd, new TestHost.Heap(new byte[2000]), SockConst.MSG_DONTWAIT))
                .isEqualTo(-Errno.EAGAIN);
        assertThat(host.counter("UdpInCsumErrors")).isEqualTo(2);
        // No checksum is no error.
        byte[] none = Frames.udp(PEER, 1, ME, 7, random(10));
        Frames.put16(none, 6, 0);
        host.receive(Frames.ip(PEER, ME, 17, none));
        assertThat(host.sys.recv(fd, new TestHost.Heap(new byte[2000]), SockConst.MSG_DONTWAIT))
                .isEqualTo(10);
    }

    @Test
    void shouldBoundTheReceiveBuffer() {
        host.sys.bind(fd, TestHost.at(0, 7));
        host.sys.setsockopt(fd, SockConst.SOL_SOCKET, SockConst.SO_RCVBUF, 10_000);
        for (int i = 0; i < 100; i++) {
            datagram(1000, 7, random(1000));
        }
        int n = 0;
        while (host.sys.recv(fd, new TestHost.Heap(new byte[2000]), SockConst.MSG_DONTWAIT) > 0) {
            n++;
        }
        assertThat(n).isBetween(3, 20);
        assertThat(host.counter("UdpRcvbufErrors")).isEqualTo(100 - n);
        assertThat(host.counter("UdpInErrors")).isEqualTo(100 - n);
    }

    @Test
    void shouldPreferTheConnectedSocket() {
        host.sys.bind(fd, TestHost.at(0, 7));
        int connected = socket();
        host.sys.setsockopt(fd, SockConst.SOL_SOCKET, SockConst.SO_REUSEADDR, 1);
        host.sys.setsockopt(connected, SockConst.SOL_SOCKET, SockConst.SO_REUSEADDR, 1);
        assertThat(host.sys.bind(connected, TestHost.at(0, 7))).isZero();
        assertThat(host.sys.connect(connected, TestHost.at(PEER, 1000))).isZero();
        datagram(1000, 7, random(5));
        datagram(1001, 7, random(6));
        byte[] buf = new byte[100];
        assertThat(host.sys.recv(connected, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT))
                .isEqualTo(5);
        assertThat(host.sys.recv(connected, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT))
                .isEqualTo(-Errno.EAGAIN);
        assertThat(host.sys.recv(fd, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT))
                .isEqualTo(6);
        SockAddr[] name = new SockAddr[1];
        host.sys.getsockname(connected, name);
        assertThat(name[0]).isEqualTo(TestHost.at(ME, 7));
        host.sys.connect(connected, SockAddr.unspec());
        assertThat(host.sys.send(connected, new TestHost.Heap(new byte[1]), 0)).isEqualTo(-Errno.EDESTADDRREQ);
    }

    @Test
    void shouldRefusePortsInUse() {
        assertThat(host.sys.bind(fd, TestHost.at(0, 7))).isZero();
        int other = socket();
        assertThat(host.sys.bind(other, TestHost.at(ME, 7))).isEqualTo(-Errno.EADDRINUSE);
        assertThat(host.sys.bind(other, TestHost.at(0x0a000009, 8))).isEqualTo(-Errno.EADDRNOTAVAIL);
        assertThat(host.sys.bind(other, TestHost.at(ME, 8))).isZero();
        assertThat(host.sys.bind(other, TestHost.at(ME, 9))).isEqualTo(-Errno.EINVAL);
        host.sys.close(other);
        int third = socket();
        assertThat(host.sys.bind(third, TestHost.at(0, 8))).isZero();
    }

    @Test
    void shouldUseUpAllEphemeralPortsAndNoMore() {
        host.net.sysctl().set("net.ipv4.ip_local_port_range", "40000 40009");
        host.net.sysctl().set("net.ipv4.ip_local_reserved_ports", "40003,40005-40006");
        boolean[] seen = new boolean[10];
        for (int i = 0; i < 7; i++) {
            int s = socket();
            assertThat(host.sys.bind(s, TestHost.at(0, 0))).isZero();
            SockAddr[] name = new SockAddr[1];
            host.sys.getsockname(s, name);
            seen[((SockAddrIn) name[0]).port - 40000] = true;
        }
        assertThat(seen).containsExactly(true, true, true, false, true, false, false, true, true, true);
        assertThat(host.sys.bind(socket(), TestHost.at(0, 0))).isEqualTo(-Errno.EADDRINUSE);
    }

    @Test
    void shouldSpreadOverAReuseportGroup() {
        int[] fds = new int[4];
        for (int i = 0; i < 4; i++) {
            fds[i] = socket();
            host.sys.setsockopt(fds[i], SockConst.SOL_SOCKET, SockConst.SO_REUSEPORT, 1);
            assertThat(host.sys.bind(fds[i], TestHost.at(0, 7))).isZero();
        }
        for (int port = 1000; port < 1400; port++) {
            datagram(port, 7, new byte[1]);
        }
        int total = 0;
        for (int s : fds) {
            int n = 0;
            while (host.sys.recv(s, new TestHost.Heap(new byte[1]), SockConst.MSG_DONTWAIT) >= 0) {
                n++;
            }
            assertThat(n).isBetween(60, 140);
            total += n;
        }
        assertThat(total).isEqualTo(400);
    }

    @Test
    void shouldCorkSeveralSendsIntoOneDatagram() {
        byte[] data = random(3000);
        for (int i = 0; i < 30; i++) {
            byte[] part = Arrays.copyOfRange(data, 100 * i, 100 * i + 100);
            int flags = i < 13 ? SockConst.MSG_MORE : 0;
            assertThat(host.sys.sendto(fd, new TestHost.Heap(part), flags, TestHost.at(PEER, 53)))
                    .isEqualTo(100);
            if (i == 13) {
                break;
            }
            assertThat(host.nextPacket()).isNull();
        }
        byte[] p = host.nextPacket();
        assertThat(Arrays.copyOfRange(p, 28, p.length)).isEqualTo(Arrays.copyOf(data, 1400));
        assertThat(checksumHolds(p)).isTrue();
        host.sys.setsockopt(fd, SockConst.SOL_UDP, UdpProto.UDP_CORK, 1);
        send(random(7), TestHost.at(PEER, 53));
        send(random(8), TestHost.at(PEER, 53));
        assertThat(host.nextPacket()).isNull();
        host.sys.setsockopt(fd, SockConst.SOL_UDP, UdpProto.UDP_CORK, 0);
        assertThat(host.nextPacket()).hasSize(28 + 15);
    }

    @Test
    void shouldFreeACorkThatIsNeverSent() {
        host.sys.sendto(fd, new TestHost.Heap(new byte[9000]), SockConst.MSG_MORE, TestHost.at(PEER, 53));
        host.sys.close(fd);
        assertThat(host.nextPacket()).isNull();
    }

    @Test
    void shouldCutBundles() {
        host.sys.setsockopt(fd, SockConst.SOL_UDP, UdpProto.UDP_SEGMENT, 1000);
        byte[] data = random(20_500);
        assertThat(send(data, TestHost.at(PEER, 53))).isEqualTo(data.length);
        for (int i = 0; i < 21; i++) {
            byte[] p = host.nextPacket();
            assertThat(Arrays.copyOfRange(p, 28, p.length))
                    .isEqualTo(Arrays.copyOfRange(data, 1000 * i, Math.min(data.length, 1000 * i + 1000)));
            assertThat(checksumHolds(p)).as("datagram " + i).isTrue();
            assertThat(Frames.sum(p, 0, 20, 0)).isZero();
        }
        assertThat(host.nextPacket()).isNull();
        host.sys.setsockopt(fd, SockConst.SOL_UDP, UdpProto.UDP_SEGMENT, 1473);
        assertThat(send(data, TestHost.at(PEER, 53))).isEqualTo(-Errno.EINVAL);
    }

    @Test
    void shouldCutBundlesThatStayOnTheHost() {
        host.sys.bind(fd, TestHost.at(0, 7));
        int sender = socket();
        host.sys.setsockopt(sender, SockConst.SOL_UDP, UdpProto.UDP_SEGMENT, 500);
        byte[] data = random(1800);
        host.sys.sendto(sender, new TestHost.Heap(data), 0, TestHost.at(0x7f000001, 7));
        int at = 0;
        for (int n : new int[] {500, 500, 500, 300}) {
            byte[] buf = new byte[2000];
            assertThat(host.sys.recv(fd, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT))
                    .isEqualTo(n);
            assertThat(Arrays.copyOf(buf, n)).isEqualTo(Arrays.copyOfRange(data, at, at + n));
            at += n;
        }
    }

    @Test
    void shouldMergeDatagramsForAProgramThatAsks() {
        class Napi extends NapiStruct {
            Napi() {
                super(host.nic.dev, NAPI_POLL_WEIGHT);
            }

            @Override
            public int poll(Cpu cpu, int budget) {
                for (int i = 0; i < 5; i++) {
                    byte[] data = Arrays.copyOfRange(random(4500), 1000 * i, Math.min(4500, 1000 * i + 1000));
                    byte[] p = Frames.ip(PEER, ME, 17, 100 + i, 0, 64, new byte[0], Frames.udp(PEER, 5, ME, 7, data));
                    byte[] frame = Frames.ether(TestHost.MY_MAC, TestHost.PEER_MAC, 0x0800, p);
                    groReceive(cpu, host.skb(cpu, host.nic, frame));
                }
                completeDone(cpu, 5);
                return 5;
            }
        }
        host.nic.dev.features |= NetdevFeatures.NETIF_F_GRO;
        host.sys.bind(fd, TestHost.at(0, 7));
        Napi napi = new Napi();
        napi.enable();
        byte[] buf = new byte[9000];
        host.on(napi::schedule);
        for (int i = 0; i < 5; i++) {
            assertThat(host.sys.recv(fd, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT))
                    .isEqualTo(i < 4 ? 1000 : 500);
        }
        host.sys.setsockopt(fd, SockConst.SOL_UDP, UdpProto.UDP_GRO, 1);
        host.on(napi::schedule);
        Msghdr msg = new Msghdr().reset(new TestHost.Heap(buf), null, 0);
        msg.wantControl = true;
        assertThat(host.sys.recvmsg(fd, msg, SockConst.MSG_DONTWAIT)).isEqualTo(4500);
        assertThat(Arrays.copyOf(buf, 4500)).isEqualTo(random(4500));
        assertThat(msg.cmsg(SockConst.SOL_UDP, UdpProto.UDP_GRO).value).isEqualTo(1000);
        host.sys.setsockopt(fd, SockConst.SOL_UDP, UdpProto.UDP_GRO, 0);
        napi.disable();
    }

    @Test
    void shouldTellWhereADatagramCameIn() {
        host.sys.bind(fd, TestHost.at(0, 7));
        host.sys.setsockopt(fd, SockConst.SOL_IP, IpSockGlue.IP_PKTINFO, 1);
        host.sys.setsockopt(fd, SockConst.SOL_IP, IpSockGlue.IP_RECVTTL, 1);
        host.sys.setsockopt(fd, SockConst.SOL_IP, IpSockGlue.IP_RECVTOS, 1);
        datagram(1, 7, new byte[3]);
        Msghdr msg = new Msghdr().reset(new TestHost.Heap(new byte[9]), null, 0);
        msg.wantControl = true;
        assertThat(host.sys.recvmsg(fd, msg, SockConst.MSG_DONTWAIT)).isEqualTo(3);
        Cmsg info = msg.cmsg(SockConst.SOL_IP, IpSockGlue.IP_PKTINFO);
        assertThat(info.object).isEqualTo(new IpSockGlue.InPktinfo(host.nic.dev.ifindex, ME, ME));
        assertThat(msg.cmsg(SockConst.SOL_IP, IpSockGlue.IP_TTL).value).isEqualTo(64);
        assertThat(msg.cmsg(SockConst.SOL_IP, IpSockGlue.IP_TOS).value).isZero();
    }

    @Test
    void shouldObeyControlMessagesOfASend() {
        Msghdr msg = new Msghdr().reset(new TestHost.Heap(new byte[4]), TestHost.at(PEER, 9), 0);
        msg.addCmsg(new Cmsg(SockConst.SOL_IP, IpSockGlue.IP_TTL, 3));
        msg.addCmsg(new Cmsg(SockConst.SOL_IP, IpSockGlue.IP_TOS, 0x20));
        assertThat(host.sys.sendmsg(fd, msg, 0)).isEqualTo(4);
        byte[] p = host.nextPacket();
        assertThat(p[8]).isEqualTo((byte) 3);
        assertThat(p[1]).isEqualTo((byte) 0x20);
    }

    @Test
    void shouldQueueIcmpErrorsForTheErrorQueue() {
        host.sys.setsockopt(fd, SockConst.SOL_IP, IpSockGlue.IP_RECVERR, 1);
        send(new byte[] {1, 2, 3, 4}, TestHost.at(PEER, 99));
        byte[] sent = host.nextPacket();
        host.receive(Frames.ip(PEER, ME, 1, Frames.icmp(3, 1, 0, sent)));
        Msghdr msg = new Msghdr().reset(new TestHost.Heap(new byte[9]), new SockAddrIn(), 0);
        msg.wantControl = true;
        assertThat(host.sys.recvmsg(fd, msg, SockConst.MSG_ERRQUEUE)).isEqualTo(4);
        SockExtendedErr e = (SockExtendedErr) msg.cmsg(SockConst.SOL_IP, IpSockGlue.IP_RECVERR).object;
        assertThat(e.errno).isEqualTo(Errno.EHOSTUNREACH);
        assertThat(e.origin).isEqualTo(SockExtendedErr.SO_EE_ORIGIN_ICMP);
        assertThat(e.offender).isEqualTo(TestHost.at(PEER, 0));
        assertThat(msg.name).isEqualTo(TestHost.at(PEER, 99));
    }

    @Test
    void shouldDeliverGroupsToMembersAndLoopBack() {
        int group = 0xe0000142;
        Ipv4Admin.addRoute(host.net, 0xe0000000, 4, 0, host.nic.dev);
        host.sys.bind(fd, TestHost.at(0, 7));
        OptVal mreqn =
                new OptVal(new byte[] {(byte) 0xe0, 0, 1, 0x42, 0, 0, 0, 0, (byte) host.nic.dev.ifindex, 0, 0, 0});
        host.receive(Frames.ip(PEER, group, 17, Frames.udp(PEER, 1, group, 7, new byte[2])));
        byte[] buf = new byte[10];
        assertThat(host.sys.recv(fd, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT))
                .isEqualTo(-Errno.EAGAIN);
        assertThat(host.sys.setsockopt(fd, SockConst.SOL_IP, IpSockGlue.IP_ADD_MEMBERSHIP, mreqn))
                .isZero();
        host.receive(Frames.ip(PEER, group, 17, Frames.udp(PEER, 1, group, 7, new byte[2])));
        assertThat(host.sys.recv(fd, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT))
                .isEqualTo(2);
        assertThat(host.sys.sendto(socket(), new TestHost.Heap(new byte[3]), 0, TestHost.at(group, 7)))
                .isEqualTo(3);
        assertThat(host.nextPacket()[8]).isEqualTo((byte) 1);
        assertThat(host.sys.recv(fd, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT))
                .isEqualTo(3);
        assertThat(host.sys.setsockopt(fd, SockConst.SOL_IP, IpSockGlue.IP_DROP_MEMBERSHIP, mreqn))
                .isZero();
        host.receive(Frames.ip(PEER, group, 17, Frames.udp(PEER, 1, group, 7, new byte[2])));
        assertThat(host.sys.recv(fd, new TestHost.Heap(buf), SockConst.MSG_DONTWAIT))
                .isEqualTo(-Errno.EAGAIN);
    }

    @Test
    void shouldWaitForAReply() throws Exception {
        host.sys.bind(fd, TestHost.at(0, 7));
        int[] got = new int[1];
        var reader = host.kernel
                .threads()
                .start("reader", () -> got[0] = host.sys.recv(fd, new TestHost.Heap(new byte[100]), 0));
        host.sleepMs(10);
        datagram(1, 7, new byte[42]);
        host.kernel.threads().join(reader);
        assertThat(got[0]).isEqualTo(42);
    }
}
