package net.testkit;

import static net.testkit.Segment.ack;
import static net.testkit.Segment.data;
import static net.testkit.Segment.syn;
import static net.testkit.Segment.synAck;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Objects;
import net.core.sock.Cmsg;
import net.core.sock.Msghdr;
import net.core.sock.SockAddrIn;
import net.core.sock.SockConst;
import net.core.sock.SockExtendedErr;
import net.core.sock.SockTimestamp;
import net.core.sock.Syscalls;
import net.skbuff.Errno;
import net.skbuff.UserBytes;
import net.tcp.TcpNla;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** SO_TIMESTAMPING on a stream: which byte, which moment, what comes with it. */
@Timeout(60)
class TcpTimestampingScriptTest {
    private static final int REPORT = SockConst.SOF_TIMESTAMPING_SOFTWARE | SockConst.SOF_TIMESTAMPING_OPT_ID;
    private static final long MS = 1_000_000;

    private Lab lab;
    private ScriptedPeer peer;
    private Syscalls sys;
    private int listener;
    private int fd;

    @BeforeEach
    void boot() {
        lab = Lab.virtual(1, 1, "net.ipv4.tcp_timestamps=0");
        peer = new ScriptedPeer(lab);
        sys = peer.host.network.process().syscalls();
        listener = sys.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0);
        sys.bind(listener, new SockAddrIn(0, 80));
        sys.listen(listener, 16);
        peer.inject(syn().seq(0).mss(1000).sackOk());
        peer.expect(synAck().ack(1));
        peer.inject(ack().seq(1).ack(1));
        fd = sys.accept(listener);
    }

    @AfterEach
    void end() {
        lab.abandon();
    }

    private void want(int flags) {
        assertThat(sys.setsockopt(fd, SockConst.SOL_SOCKET, SockConst.SO_TIMESTAMPING, flags))
                .isZero();
    }

    private void send(int bytes) {
        assertThat(sys.send(fd, new UserBytes(new byte[bytes]), SockConst.MSG_DONTWAIT))
                .isEqualTo(bytes);
    }

    private @Nullable Msghdr report() {
        Msghdr msg = new Msghdr().reset(new UserBytes(new byte[0]), null, 0);
        msg.wantControl = true;
        int n = sys.recvmsg(fd, msg, SockConst.MSG_ERRQUEUE | SockConst.MSG_DONTWAIT);
        return n == -Errno.EAGAIN ? null : msg;
    }

    private static SockExtendedErr reason(Msghdr msg) {
        Cmsg c = Objects.requireNonNull(msg.cmsg(SockConst.SOL_IP, 11));
        return (SockExtendedErr) Objects.requireNonNull(c.object);
    }

    private static long stamp(Msghdr msg) {
        return Objects.requireNonNull(msg.cmsg(SockConst.SOL_SOCKET, SockConst.SO_TIMESTAMPING)).value;
    }

    @Test
    void shouldReportTheAckOfTheLastByteOnly() {
        want(REPORT | SockConst.SOF_TIMESTAMPING_TX_ACK | SockConst.SOF_TIMESTAMPING_OPT_TSONLY);
        send(2500);
        for (int i = 0; i < 3; i++) {
            peer.expect(data(i < 2 ? 1000 : 500).seq(1 + 1000 * i));
        }
        lab.sleep(10 * MS);
        peer.inject(ack().seq(1).ack(2001));
        assertThat(report()).isNull();
        long before = lab.kernel.clock().realTimeNs();
        peer.inject(ack().seq(1).ack(2501));
        Msghdr msg = Objects.requireNonNull(report());
        assertThat(reason(msg).info).isEqualTo(SockTimestamp.SCM_TSTAMP_ACK);
        assertThat(reason(msg).errno).isEqualTo(Errno.ENOMSG);
        assertThat(reason(msg).data).isEqualTo(2499);
        assertThat(stamp(msg)).isBetween(before, before + MS);
        assertThat(report()).isNull();
    }

    @Test
    void shouldReportAByteThatIsAcknowledgedAfterItsSegmentWasSplit() {
        want(REPORT | SockConst.SOF_TIMESTAMPING_TX_ACK | SockConst.SOF_TIMESTAMPING_OPT_TSONLY);
        send(1000);
        peer.expect(data(1000).seq(1));
        peer.inject(ack().seq(1).ack(501)); // half of a segment
        assertThat(report()).isNull();
        peer.inject(ack().seq(1).ack(1001));
        assertThat(reason(Objects.requireNonNull(report())).data).isEqualTo(999);
    }

    @Test
    void shouldAddStatistics() {
        want(REPORT
                | SockConst.SOF_TIMESTAMPING_TX_ACK
                | SockConst.SOF_TIMESTAMPING_OPT_TSONLY
                | SockConst.SOF_TIMESTAMPING_OPT_STATS);
        send(1000);
        peer.expect(data(1000).seq(1));
        peer.inject(ack().seq(1).ack(1001));
        Msghdr msg = Objects.requireNonNull(report());
        assertThat(msg.cmsg(SockConst.SOL_SOCKET, SockConst.SCM_TIMESTAMPING_OPT_STATS))
                .isNotNull();
        byte[] attributes = Objects.requireNonNull(reason(msg).stats);
        assertThat(attributes).as("as many as on Linux, with a TTL").hasSize(256);
        assertThat(Arrays.copyOf(attributes, 12)).as("busy: 12 bytes, type 1").startsWith(12, 0, 1, 0);
        assertThat(TcpNla.decode(attributes).keySet())
                .startsWith("BUSY", "RWND_LIMITED", "SNDBUF_LIMITED", "DATA_SEGS_OUT")
                .endsWith("BYTES_NOTSENT", "EDT", "TTL", "REHASH")
                .hasSize(27);
        assertThat(TcpNla.decode(attributes))
                .containsEntry("DATA_SEGS_OUT", 1L)
                .containsEntry("BYTES_SENT", 1000L)
                .containsEntry("TOTAL_RETRANS", 0L)
                .containsEntry("TTL", 64L);
    }

    @Test
    void shouldStampASegmentWhenItIsQueuedAndWhenItLeaves() {
        want(REPORT
                | SockConst.SOF_TIMESTAMPING_TX_SCHED
                | SockConst.SOF_TIMESTAMPING_OPT_ID_TCP
                | SockConst.SOF_TIMESTAMPING_OPT_TSONLY);
        send(100);
        peer.expect(data(100).seq(1));
        Msghdr msg = Objects.requireNonNull(report());
        assertThat(reason(msg).info).isEqualTo(SockTimestamp.SCM_TSTAMP_SCHED);
        assertThat(reason(msg).data).isEqualTo(99);
        assertThat(report()).isNull();
    }

    @Test
    void shouldTellWhenTheLastByteReadCame() {
        want(SockConst.SOF_TIMESTAMPING_SOFTWARE | SockConst.SOF_TIMESTAMPING_RX_SOFTWARE);
        peer.inject(data(100).seq(1).ack(1));
        lab.sleep(50 * MS);
        long second = lab.kernel.clock().realTimeNs();
        peer.inject(data(100).seq(101).ack(1));
        lab.sleep(50 * MS);
        Msghdr msg = new Msghdr().reset(new UserBytes(new byte[200]), null, 0);
        msg.wantControl = true;
        assertThat(sys.recvmsg(fd, msg, 0)).isEqualTo(200);
        assertThat(stamp(msg)).isBetween(second, second + MS);
    }

    @Test
    void shouldRefuseKeysBeforeThereIsAStream() {
        assertThat(sys.setsockopt(
                        listener,
                        SockConst.SOL_SOCKET,
                        SockConst.SO_TIMESTAMPING,
                        REPORT | SockConst.SOF_TIMESTAMPING_TX_ACK))
                .isEqualTo(-Errno.EINVAL);
    }
}
