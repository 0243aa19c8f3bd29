package net.core.sock;

import static net.core.sock.LoopFamily.ok;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.SplittableRandom;
import net.core.sock.LoopFamily.Host;
import net.core.task.KernelThread;
import net.skbuff.Errno;
import net.skbuff.UserBytes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Streams over the test protocol: data, waiting, accounting. */
@Timeout(60)
class SockStreamTest {
    private static byte[] random(long seed, int n) {
        byte[] b = new byte[n];
        new Random(seed).nextBytes(b);
        return b;
    }

    /** Sends all, in pieces of random size, then shuts down. */
    private static void sendAll(Host host, int fd, byte[] data, long seed) {
        SplittableRandom r = new SplittableRandom(seed);
        for (int at = 0; at < data.length; ) {
            int n = Math.min(data.length - at, 1 + r.nextInt(9_000));
            at += ok(host.sys.write(fd, new UserBytes().wrap(data, at, n)));
        }
        ok(host.sys.shutdown(fd, SockConst.SHUT_WR));
    }

    private static void expectAll(Host host, int fd, byte[] data, long seed) {
        SplittableRandom r = new SplittableRandom(seed);
        byte[] buf = new byte[16_000];
        int at = 0;
        for (; ; ) {
            int n = ok(host.sys.read(fd, new UserBytes().wrap(buf, 0, 1 + r.nextInt(buf.length))));
            if (n == 0) {
                break;
            }
            for (int i = 0; i < n; i++) {
                if (buf[i] != data[at + i]) {
                    throw new AssertionError("byte " + (at + i) + " differs");
                }
            }
            at += n;
        }
        assertThat(at).isEqualTo(data.length);
    }

    private static void transferBothWays(Host host, int bytes, long seed) {
        byte[] there = random(seed, bytes);
        byte[] back = random(~seed, bytes);
        int[] fds = host.pair();
        ok(host.sys.setsockopt(fds[0], SockConst.SOL_SOCKET, SockConst.SO_SNDBUF, 8192));
        ok(host.sys.setsockopt(fds[1], SockConst.SOL_SOCKET, SockConst.SO_SNDBUF, 30_000));
        KernelThread[] threads = {
            host.kernel.threads().start("client tx", () -> sendAll(host, fds[0], there, seed)),
            host.kernel.threads().start("client rx", () -> expectAll(host, fds[0], back, seed)),
            host.kernel.threads().start("server tx", () -> sendAll(host, fds[1], back, seed)),
            host.kernel.threads().start("server rx", () -> expectAll(host, fds[1], there, seed)),
        };
        for (KernelThread thread : threads) {
            host.kernel.threads().join(thread);
        }
        ok(host.sys.close(fds[0]));
        ok(host.sys.close(fds[1]));
        assertThat(host.family.dropped).hasValue(0);
    }

    @Test
    void shouldCarryBytesBothWaysAndAccountForEachInVirtualTime() {
        long backlogged = 0;
        long deferred = 0;
        for (long seed = 1; seed <= 20; seed++) {
            try (Host host = Host.virtual(1 + (int) (seed % 3), seed)) {
                transferBothWays(host, 100_000, seed);
                host.sleep(1_000_000);
                assertThat(host.family.memory.allocatedPages())
                        .as("pages after close, seed %d", seed)
                        .isZero();
                assertThat(host.family.memory.socketsAllocated()).isZero();
                assertThat(host.family.proto.inuse()).isZero();
                backlogged += host.family.backlogged.get();
                deferred += host.family.deferred.get();
            }
        }
        assertThat(backlogged).as("packets that met an owned socket").isPositive();
        assertThat(deferred).as("acknowledgements that did").isPositive();
    }

    @Test
    void shouldCarryBytesBothWaysLive() {
        try (Host host = new Host("cpus=2")) {
            for (long seed = 1; seed <= 3; seed++) {
                transferBothWays(host, 4 << 20, seed);
            }
            host.sleep(20_000_000);
            assertThat(host.family.memory.allocatedPages()).isZero();
        }
    }

    @Test
    void shouldAnswerEagainWhenNothingIsThere() {
        try (Host host = Host.virtual(1, 1)) {
            int[] fds = host.pair();
            UserBytes buf = new UserBytes(new byte[10]);
            assertThat(host.sys.recv(fds[0], buf, SockConst.MSG_DONTWAIT)).isEqualTo(-Errno.EAGAIN);
            ok(host.sys.fcntl(fds[0], FileFlags.F_SETFL, FileFlags.O_NONBLOCK));
            assertThat(host.sys.read(fds[0], buf)).isEqualTo(-Errno.EAGAIN);
            byte[] much = new byte[4 << 20];
            int sent = ok(host.sys.write(fds[0], new UserBytes(much)));
            assertThat(sent).isPositive().isLessThan(much.length);
            assertThat(host.sys.write(fds[0], new UserBytes(much))).isEqualTo(-Errno.EAGAIN);
        }
    }

    @Test
    void shouldTimeOutExactly() {
        try (Host host = Host.virtual(1, 1)) {
            int[] fds = host.pair();
            OptVal half = OptVal.ofTimevalNs(500_000_000);
            ok(host.sys.setsockopt(fds[0], SockConst.SOL_SOCKET, SockConst.SO_RCVTIMEO, half));
            ok(host.sys.setsockopt(fds[0], SockConst.SOL_SOCKET, SockConst.SO_SNDTIMEO, half));
            long before = host.now();
            assertThat(host.sys.read(fds[0], new UserBytes(new byte[1]))).isEqualTo(-Errno.EAGAIN);
            assertThat(host.now() - before).isBetween(500_000_000L, 501_000_000L);
            byte[] much = new byte[4 << 20];
            before = host.now();
            assertThat(host.sys.write(fds[0], new UserBytes(much))).isPositive().isLessThan(much.length);
            assertThat(host.now() - before).isGreaterThanOrEqualTo(500_000_000L);
        }
    }

    @Test
    void shouldWakeABlockedReaderWhenItsSocketIsClosed() {
        try (Host host = Host.virtual(2, 1)) {
            int[] fds = host.pair();
            int[] result = {1};
            KernelThread reader = host.kernel
                    .threads()
                    .start("reader", () -> result[0] = host.sys.read(fds[0], new UserBytes(new byte[1])));
            host.sleep(1_000_000);
            ok(host.sys.close(fds[0]));
            host.kernel.threads().join(reader);
            assertThat(result[0]).isLessThanOrEqualTo(0);
            assertThat(host.sys.read(fds[0], new UserBytes(new byte[1]))).isEqualTo(-Errno.EBADF);
        }
    }

    @Test
    void shouldWakeABlockedAcceptWhenItsListenerIsClosed() {
        try (Host host = Host.virtual(2, 1)) {
            int fd = ok(host.sys.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0));
            ok(host.sys.bind(fd, new SockAddrIn(0, 80)));
            ok(host.sys.listen(fd, 1));
            int[] result = {1};
            KernelThread thread = host.kernel.threads().start("accept", () -> result[0] = host.sys.accept(fd));
            host.sleep(1_000_000);
            ok(host.sys.close(fd));
            host.kernel.threads().join(thread);
            assertThat(result[0]).isEqualTo(-Errno.EINVAL);
            assertThat(host.process.files().count()).isZero();
        }
    }

    @Test
    void shouldNameTheErrorsOfSocket() {
        try (Host host = Host.virtual(1, 1)) {
            Syscalls sys = host.sys;
            assertThat(sys.socket(SockConst.AF_UNIX, SockConst.SOCK_STREAM, 0)).isEqualTo(-Errno.EAFNOSUPPORT);
            assertThat(sys.socket(SockConst.AF_INET, SockConst.SOCK_DGRAM, 0)).isEqualTo(-Errno.ESOCKTNOSUPPORT);
            assertThat(sys.socket(SockConst.AF_INET, 0x7000, 0)).isEqualTo(-Errno.EINVAL);
            assertThat(sys.connect(99, SockAddr.unspec())).isEqualTo(-Errno.EBADF);
            int[] pipe = new int[2];
            ok(sys.pipe2(pipe, 0));
            assertThat(sys.listen(pipe[0], 1)).isEqualTo(-Errno.ENOTSOCK);
        }
    }
}
