package net.core.sock;

import static net.core.sock.LoopFamily.ok;
import static net.core.sock.SockConst.SOL_SOCKET;
import static org.assertj.core.api.Assertions.assertThat;

import net.core.sock.LoopFamily.Host;
import net.skbuff.Errno;
import org.junit.jupiter.api.Test;

class SockOptionsTest {
    private static int get(Host host, int fd, int opt) {
        OptVal v = new OptVal(4);
        ok(host.sys.getsockopt(fd, SOL_SOCKET, opt, v));
        assertThat(v.len).isEqualTo(4);
        return v.getInt();
    }

    private static int set(Host host, int fd, int opt, int value) {
        return host.sys.setsockopt(fd, SOL_SOCKET, opt, value);
    }

    private static int socket(Host host) {
        return ok(host.sys.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0));
    }

    @Test
    void shouldDoubleAndBoundBuffersAsLinuxDoes() {
        try (Host host = new Host("clock=virtual", "net.core.rmem_max=100000", "net.core.rmem_default=70000")) {
            int fd = socket(host);
            assertThat(get(host, fd, SockConst.SO_RCVBUF)).isEqualTo(70_000);
            assertThat(get(host, fd, SockConst.SO_SNDBUF)).isEqualTo(212_992);
            ok(set(host, fd, SockConst.SO_RCVBUF, 50_000));
            assertThat(get(host, fd, SockConst.SO_RCVBUF)).isEqualTo(100_000);
            ok(set(host, fd, SockConst.SO_RCVBUF, 1 << 30));
            assertThat(get(host, fd, SockConst.SO_RCVBUF))
                    .as("rmem_max, doubled")
                    .isEqualTo(200_000);
            ok(set(host, fd, SockConst.SO_RCVBUFFORCE, 300_000));
            assertThat(get(host, fd, SockConst.SO_RCVBUF)).isEqualTo(600_000);
            ok(set(host, fd, SockConst.SO_RCVBUF, 1));
            assertThat(get(host, fd, SockConst.SO_RCVBUF)).isEqualTo(2304);
            ok(set(host, fd, SockConst.SO_SNDBUF, 0));
            assertThat(get(host, fd, SockConst.SO_SNDBUF)).isEqualTo(4608);
            assertThat(get(host, fd, SockConst.SO_BUF_LOCK)).isEqualTo(3);
        }
    }

    @Test
    void shouldKeepFlagsAndNumbers() {
        try (Host host = Host.virtual(1, 1)) {
            int fd = socket(host);
            int[] switches = {
                SockConst.SO_REUSEADDR, SockConst.SO_REUSEPORT, SockConst.SO_KEEPALIVE, SockConst.SO_BROADCAST,
                SockConst.SO_OOBINLINE, SockConst.SO_DONTROUTE, SockConst.SO_TIMESTAMP, SockConst.SO_RXQ_OVFL
            };
            for (int opt : switches) {
                assertThat(get(host, fd, opt)).as("option %d", opt).isZero();
                ok(set(host, fd, opt, 17));
                assertThat(get(host, fd, opt)).as("option %d", opt).isEqualTo(1);
                ok(set(host, fd, opt, 0));
                assertThat(get(host, fd, opt)).as("option %d", opt).isZero();
            }
            int[] numbers = {
                SockConst.SO_PRIORITY,
                SockConst.SO_MARK,
                SockConst.SO_BUSY_POLL,
                SockConst.SO_RCVLOWAT,
                SockConst.SO_INCOMING_CPU
            };
            for (int opt : numbers) {
                ok(set(host, fd, opt, 5));
                assertThat(get(host, fd, opt)).as("option %d", opt).isEqualTo(5);
            }
            assertThat(get(host, fd, SockConst.SO_TYPE)).isEqualTo(SockConst.SOCK_STREAM);
            assertThat(get(host, fd, SockConst.SO_DOMAIN)).isEqualTo(SockConst.AF_INET);
            assertThat(get(host, fd, SockConst.SO_ACCEPTCONN)).isZero();
            assertThat(get(host, fd, SockConst.SO_SNDLOWAT)).isEqualTo(1);
        }
    }

    @Test
    void shouldConvertTimeoutsAndLinger() {
        try (Host host = Host.virtual(1, 1)) {
            int fd = socket(host);
            OptVal t = new OptVal(16);
            ok(host.sys.getsockopt(fd, SOL_SOCKET, SockConst.SO_RCVTIMEO, t));
            assertThat(t.getLong(0)).isZero();
            ok(host.sys.setsockopt(fd, SOL_SOCKET, SockConst.SO_RCVTIMEO, OptVal.ofTimevalNs(2_500_000_000L)));
            ok(host.sys.getsockopt(fd, SOL_SOCKET, SockConst.SO_RCVTIMEO, t));
            assertThat(t.getLong(0)).isEqualTo(2);
            assertThat(t.getLong(8)).isEqualTo(500_000);
            OptVal bad = new OptVal(16).setLongs(1, 1_000_000);
            assertThat(host.sys.setsockopt(fd, SOL_SOCKET, SockConst.SO_RCVTIMEO, bad))
                    .isEqualTo(-Errno.EDOM);
            ok(host.sys.setsockopt(fd, SOL_SOCKET, SockConst.SO_LINGER, OptVal.ofInts(1, 30)));
            OptVal linger = new OptVal(8);
            ok(host.sys.getsockopt(fd, SOL_SOCKET, SockConst.SO_LINGER, linger));
            assertThat(linger.getInt(0)).isEqualTo(1);
            assertThat(linger.getInt(4)).isEqualTo(30);
            assertThat(host.sk(fd).lingertimeNs).isEqualTo(30_000_000_000L);
        }
    }

    @Test
    void shouldTakeTheErrorOnce() {
        try (Host host = Host.virtual(1, 1)) {
            int fd = socket(host);
            host.sk(fd).err = Errno.ECONNRESET;
            assertThat(get(host, fd, SockConst.SO_ERROR)).isEqualTo(Errno.ECONNRESET);
            assertThat(get(host, fd, SockConst.SO_ERROR)).isZero();
        }
    }

    @Test
    void shouldRefuseWhatIsWrong() {
        try (Host host = Host.virtual(1, 1)) {
            int fd = socket(host);
            assertThat(set(host, fd, 999, 1)).isEqualTo(-Errno.ENOPROTOOPT);
            assertThat(set(host, fd, SockConst.SO_TYPE, 1)).isEqualTo(-Errno.ENOPROTOOPT);
            assertThat(set(host, fd, SockConst.SO_BUSY_POLL, -1)).isEqualTo(-Errno.EINVAL);
            assertThat(set(host, fd, SockConst.SO_ZEROCOPY, 1)).isEqualTo(-Errno.EOPNOTSUPP);
            assertThat(host.sys.setsockopt(fd, SOL_SOCKET, SockConst.SO_REUSEADDR, new OptVal(2)))
                    .isEqualTo(-Errno.EINVAL);
            OptVal none = OptVal.ofString("nosuch0");
            assertThat(host.sys.setsockopt(fd, SOL_SOCKET, SockConst.SO_BINDTODEVICE, none))
                    .isEqualTo(-Errno.ENODEV);
            ok(host.sys.setsockopt(fd, SOL_SOCKET, SockConst.SO_BINDTODEVICE, OptVal.ofString("")));
        }
    }

    @Test
    void shouldReserveMemory() {
        try (Host host = Host.virtual(1, 1)) {
            int fd = socket(host);
            ok(set(host, fd, SockConst.SO_RESERVE_MEM, 100_000));
            assertThat(host.family.memory.allocatedPages()).isEqualTo(25);
            OptVal info = new OptVal(36);
            ok(host.sys.getsockopt(fd, SOL_SOCKET, SockConst.SO_MEMINFO, info));
            assertThat(info.getInt(16)).as("forward alloc").isEqualTo(25 * 4096);
            ok(set(host, fd, SockConst.SO_RESERVE_MEM, 0));
            assertThat(host.family.memory.allocatedPages()).isZero();
        }
    }
}
