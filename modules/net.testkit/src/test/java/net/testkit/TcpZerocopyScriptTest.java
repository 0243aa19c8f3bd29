package net.testkit;

import static net.testkit.Segment.ack;
import static net.testkit.Segment.data;
import static net.testkit.Segment.syn;
import static net.testkit.Segment.synAck;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import net.core.dev.NetdevFeatures;
import net.core.sock.Cmsg;
import net.core.sock.Msghdr;
import net.core.sock.PollFd;
import net.core.sock.PollMask;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.core.sock.SockExtendedErr;
import net.core.sock.Syscalls;
import net.skbuff.Errno;
import net.skbuff.UserBuf;
import net.skbuff.UserBytes;
import net.skbuff.UserIovec;
import net.skbuff.UserSegment;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** MSG_ZEROCOPY: whose bytes go out, and when the program hears that they are its own again. */
@Timeout(60)
class TcpZerocopyScriptTest {
    private static final long SECOND = 1_000_000_000L;

    private Lab lab;
    private ScriptedPeer peer;
    private Syscalls sys;
    private Arena arena;
    private int fd;

    @BeforeEach
    void boot() {
        lab = Lab.virtual(1, 1, "net.ipv4.tcp_timestamps=0");
        arena = Arena.ofShared();
        peer = new ScriptedPeer(lab);
        peer.device.dev.features |= NetdevFeatures.NETIF_F_SG;
        sys = peer.host.network.process().syscalls();
        int listener = sys.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0);
        sys.setsockopt(listener, SockConst.SOL_SOCKET, SockConst.SO_ZEROCOPY, 1);
        sys.bind(listener, new SockAddrIn(0, 80));
        sys.listen(listener, 16);
        peer.inject(syn().seq(0).mss(1000));
        peer.expect(synAck().ack(1));
        peer.inject(ack().seq(1).ack(1));
        fd = sys.accept(listener);
    }

    @AfterEach
    void end() {
        lab.abandon();
        arena.close();
    }

    private int send(UserBuf from) {
        return sys.send(fd, from, SockConst.MSG_ZEROCOPY | SockConst.MSG_DONTWAIT);
    }

    /** The next completion; null without one. */
    private @Nullable SockExtendedErr completion(int fd) {
        Msghdr msg = new Msghdr().reset(new UserBytes(new byte[0]), null, 0);
        msg.wantControl = true;
        int n = sys.recvmsg(fd, msg, SockConst.MSG_ERRQUEUE | SockConst.MSG_DONTWAIT);
        if (n == -Errno.EAGAIN) {
            return null;
        }
        assertThat(n).isZero();
        Cmsg c = Objects.requireNonNull(msg.control);
        assertThat(c.level).isEqualTo(SockConst.SOL_IP);
        return (SockExtendedErr) Objects.requireNonNull(c.object);
    }

    private void expectCompletion(int first, int last, boolean copied) {
        SockExtendedErr e = Objects.requireNonNull(completion(fd), "no completion");
        assertThat(e.origin).isEqualTo(SockExtendedErr.SO_EE_ORIGIN_ZEROCOPY);
        assertThat(e.errno).isZero();
        assertThat(e.info).isEqualTo(first);
        assertThat(e.data).isEqualTo(last);
        assertThat(e.code).isEqualTo(copied ? SockExtendedErr.SO_EE_CODE_ZEROCOPY_COPIED : 0);
    }

    @Test
    void shouldSendFromTheProgramsOwnMemory() {
        MemorySegment memory = arena.allocate(1000).fill((byte) 7);
        assertThat(send(new UserSegment(memory))).isEqualTo(1000);
        assertThat(peer.expect(data(1000).seq(1)).payload).containsOnly(7);
        assertThat(completion(fd)).isNull();
        memory.fill((byte) 8); // a program must not do this: the retransmission shows whose bytes they are
        assertThat(peer.expect(data(1000).seq(1), 2 * SECOND).payload).containsOnly(8);
        assertThat(completion(fd)).isNull();
        PollFd[] poll = {new PollFd(fd, PollMask.EPOLLIN)};
        assertThat(sys.poll(poll, 1, 0)).isZero();
        peer.inject(ack().seq(1).ack(1001));
        assertThat(sys.poll(poll, 1, 0)).isEqualTo(1);
        assertThat(poll[0].revents).isEqualTo((short) PollMask.EPOLLERR);
        expectCompletion(0, 0, false);
        assertThat(completion(fd)).isNull();
    }

    @Test
    void shouldCopyHeapMemoryAndSaySo() {
        byte[] memory = new byte[1000];
        assertThat(send(new UserBytes(memory))).isEqualTo(1000);
        peer.expect(data(1000).seq(1));
        memory[0] = 1;
        assertThat(peer.expect(data(1000).seq(1), 2 * SECOND).payload[0]).isZero();
        assertThat(completion(fd)).isNull();
        peer.inject(ack().seq(1).ack(1001));
        expectCompletion(0, 0, true);
    }

    @Test
    void shouldReportSendsInARowAsOneRange() {
        MemorySegment memory = arena.allocate(1000);
        for (int i = 0; i < 3; i++) {
            assertThat(send(new UserSegment(memory))).isEqualTo(1000);
            peer.expect(data(1000).seq(1 + 1000 * i));
        }
        peer.inject(ack().seq(1).ack(1001));
        peer.inject(ack().seq(1).ack(2001));
        expectCompletion(0, 1, false);
        peer.inject(ack().seq(1).ack(3001));
        expectCompletion(2, 2, false);
    }

    /** A program that never reads its completions may not fill the memory with them. */
    @Test
    void shouldRefuseSendsWhenTooManyCompletionsAreOut() {
        peer.host.net.sysctl().set("net.core.optmem_max", "2000");
        MemorySegment memory = arena.allocate(1000);
        for (int i = 0; i < 2; i++) {
            assertThat(send(new UserSegment(memory))).isEqualTo(1000);
            peer.expect(data(1000).seq(1 + 1000 * i));
        }
        assertThat(send(new UserSegment(memory))).isEqualTo(-Errno.ENOBUFS);
        peer.inject(ack().seq(1).ack(2001));
        assertThat(send(new UserSegment(memory)))
                .as("one queued completion tells of both")
                .isEqualTo(1000);
        peer.expect(data(1000).seq(2001));
        assertThat(send(new UserSegment(memory))).isEqualTo(-Errno.ENOBUFS);
        expectCompletion(0, 1, false);
        assertThat(send(new UserSegment(memory))).isEqualTo(1000);
    }

    @Test
    void shouldShareOneCompletionAmongSendsThatWaitTogether() {
        MemorySegment memory = arena.allocate(100);
        send(new UserSegment(memory));
        peer.expect(data(100).seq(1));
        send(new UserSegment(memory)); // Nagle holds these
        send(new UserSegment(memory));
        peer.inject(ack().seq(1).ack(101));
        peer.expect(data(200).seq(101));
        expectCompletion(0, 0, false);
        peer.inject(ack().seq(1).ack(301));
        expectCompletion(1, 2, false);
    }

    @Test
    void shouldMakeAFragmentOfEachPieceAndPushAFullPacket() {
        UserBuf[] pieces = new UserBuf[18];
        for (int i = 0; i < pieces.length; i++) {
            pieces[i] = new UserSegment(arena.allocate(1).fill((byte) i));
        }
        assertThat(send(new UserIovec(pieces))).isEqualTo(18);
        TcpFrame f = peer.expect(data(17).seq(1).psh());
        assertThat(f.payload[16]).isEqualTo((byte) 16);
        peer.inject(ack().seq(1).ack(18));
        peer.expect(data(1).seq(18).psh());
        assertThat(completion(fd)).isNull(); // one send, two packets
        peer.inject(ack().seq(1).ack(19));
        expectCompletion(0, 0, false);
    }

    @Test
    void shouldNotCountASendThatFails() {
        int closed = sys.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0);
        sys.setsockopt(closed, SockConst.SOL_SOCKET, SockConst.SO_ZEROCOPY, 1);
        MemorySegment memory = arena.allocate(100);
        assertThat(sys.send(closed, new UserSegment(memory), SockConst.MSG_ZEROCOPY))
                .isEqualTo(-Errno.EPIPE);
        assertThat(completion(closed)).isNull();
        assertThat(peer.host.network.process().syscalls().sockfdLookup(closed).sk.zckey)
                .isZero();
    }

    @Test
    void shouldCopyWithoutTheOption() {
        sys.setsockopt(fd, SockConst.SOL_SOCKET, SockConst.SO_ZEROCOPY, 0);
        send(new UserSegment(arena.allocate(100)));
        peer.expect(data(100).seq(1));
        peer.inject(ack().seq(1).ack(101));
        assertThat(completion(fd)).isNull();
    }

    @Test
    void shouldCopyWhatStaysInThisHost() throws Exception {
        MemorySegment memory = arena.allocate(100_000).fill((byte) 5);
        try (Lab two = Lab.twoHosts(1, 2)) {
            Lab.Host a = two.host("a");
            byte[] got = new byte[100_000];
            two.start("reader", () -> {
                try (var server = Lab.listen(two.host("b"), 80);
                        var s = server.accept()) {
                    two.sleep(SECOND);
                    s.inputStream().readNBytes(got, 0, got.length);
                }
            });
            boolean[] copied = new boolean[1];
            two.start("writer", () -> {
                two.sleep(SECOND / 100);
                Syscalls ours = a.network.process().syscalls();
                int s = ours.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0);
                ours.setsockopt(s, SockConst.SOL_SOCKET, SockConst.SO_ZEROCOPY, 1);
                ours.connect(s, new SockAddrIn(Lab.address("10.0.0.2"), 80));
                assertThat(ours.send(s, new UserSegment(memory), SockConst.MSG_ZEROCOPY))
                        .isEqualTo(100_000);
                two.sleep(SECOND / 2);
                memory.fill((byte) 6); // acknowledged, not read yet
                Msghdr msg = new Msghdr().reset(new UserBytes(new byte[0]), null, 0);
                msg.wantControl = true;
                assertThat(ours.recvmsg(s, msg, SockConst.MSG_ERRQUEUE)).isZero();
                SockExtendedErr e = (SockExtendedErr) Objects.requireNonNull(msg.control).object;
                copied[0] = Objects.requireNonNull(e).code == SockExtendedErr.SO_EE_CODE_ZEROCOPY_COPIED;
                ours.close(s);
            });
            two.joinAll();
            assertThat(got).containsOnly(5);
            assertThat(copied[0]).isTrue();
        }
    }
}
