package net.core.sock;

import static net.core.sock.LoopFamily.ok;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import net.core.sock.LoopFamily.Host;
import net.core.task.KernelThread;
import net.skbuff.Errno;
import net.skbuff.UserBytes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class PipeTest {
    private static byte[] readAll(Host host, int fd, int pieces) {
        byte[] all = new byte[4 << 20];
        int at = 0;
        for (; ; ) {
            int n = ok(host.sys.read(fd, new UserBytes().wrap(all, at, Math.min(pieces, all.length - at))));
            if (n == 0) {
                return Arrays.copyOf(all, at);
            }
            at += n;
        }
    }

    private static byte[] random(int n) {
        byte[] b = new byte[n];
        new Random(n).nextBytes(b);
        return b;
    }

    @Test
    void shouldCarryBytesInOrderAndEnd() {
        try (Host host = Host.virtual(1, 5)) {
            int[] pipe = new int[2];
            ok(host.sys.pipe2(pipe, 0));
            byte[] data = random(300_000);
            KernelThread writer = host.kernel.threads().start("writer", () -> {
                int sent = 0;
                while (sent < data.length) {
                    int n = Math.min(7_001, data.length - sent);
                    assertThat(host.sys.write(pipe[1], new UserBytes().wrap(data, sent, n)))
                            .isEqualTo(n);
                    sent += n;
                }
                ok(host.sys.close(pipe[1]));
            });
            assertThat(readAll(host, pipe[0], 5_003)).isEqualTo(data);
            host.kernel.threads().join(writer);
        }
    }

    @Test
    void shouldFillUpAndBreak() {
        try (Host host = Host.virtual(1, 5)) {
            int[] pipe = new int[2];
            ok(host.sys.pipe2(pipe, FileFlags.O_NONBLOCK));
            assertThat(host.sys.read(pipe[0], new UserBytes(new byte[1]))).isEqualTo(-Errno.EAGAIN);
            int n = host.sys.write(pipe[1], new UserBytes(new byte[1 << 20]));
            assertThat(n).isEqualTo(Pipe.PIPE_DEF_BUFFERS * 4096);
            assertThat(host.sys.write(pipe[1], new UserBytes(new byte[1]))).isEqualTo(-Errno.EAGAIN);
            ok(host.sys.close(pipe[0]));
            assertThat(host.sys.write(pipe[1], new UserBytes(new byte[1]))).isEqualTo(-Errno.EPIPE);
        }
    }

    @Test
    void shouldSpliceBetweenSocketsThroughAPipe() {
        try (Host host = Host.virtual(2, 9)) {
            int[] in = host.pair();
            int[] out = host.pair();
            int[] pipe = new int[2];
            ok(host.sys.pipe2(pipe, 0));
            byte[] data = random(200_000);
            KernelThread source = host.kernel.threads().start("source", () -> {
                assertThat(host.sys.write(in[0], new UserBytes(data))).isEqualTo(data.length);
                ok(host.sys.shutdown(in[0], SockConst.SHUT_WR));
            });
            KernelThread relay = host.kernel.threads().start("relay", () -> {
                for (; ; ) {
                    int n = ok(host.sys.splice(in[1], pipe[1], 1 << 16, 0));
                    if (n == 0) {
                        ok(host.sys.shutdown(out[0], SockConst.SHUT_WR));
                        return;
                    }
                    for (int moved = 0; moved < n; ) {
                        moved += ok(host.sys.splice(pipe[0], out[0], n - moved, 0));
                    }
                }
            });
            assertThat(readAll(host, out[1], 10_000)).isEqualTo(data);
            host.kernel.threads().join(source);
            host.kernel.threads().join(relay);
        }
    }

    @Test
    void shouldSendAFile(@TempDir Path dir) throws IOException {
        Path file = dir.resolve("file");
        byte[] data = random(500_000);
        Files.write(file, data);
        try (Host host = Host.virtual(2, 9);
                FileChannel channel = FileChannel.open(file)) {
            int[] fds = host.pair();
            KernelThread sender = host.kernel.threads().start("sender", () -> {
                assertThat(host.sys.sendfile(fds[0], channel, 1_000, 1L << 40)).isEqualTo(data.length - 1_000);
                assertThat(host.sys.sendfile(fds[0], channel, data.length, 10)).isZero();
                ok(host.sys.shutdown(fds[0], SockConst.SHUT_WR));
            });
            assertThat(readAll(host, fds[1], 10_000)).isEqualTo(Arrays.copyOfRange(data, 1_000, data.length));
            host.kernel.threads().join(sender);
        }
    }

    /** One write wakes one reader, who may leave something for the next. */
    @Test
    void shouldWakeTheNextReaderForWhatIsLeft() {
        try (Host host = Host.virtual(1, 5)) {
            int[] pipe = new int[2];
            ok(host.sys.pipe2(pipe, 0));
            KernelThread[] readers = new KernelThread[3];
            for (int i = 0; i < readers.length; i++) {
                readers[i] = host.kernel.threads().start("reader " + i, () -> {
                    assertThat(host.sys.read(pipe[0], new UserBytes(new byte[1])))
                            .isEqualTo(1);
                });
            }
            host.sleep(1_000_000);
            assertThat(host.sys.write(pipe[1], new UserBytes(new byte[3]))).isEqualTo(3);
            for (KernelThread reader : readers) {
                host.kernel.threads().join(reader);
            }
        }
    }

    @Test
    void shouldEndTheWaitOfWhoeverUsesAnEndThatIsClosed() {
        try (Host host = Host.virtual(1, 5)) {
            int[] pipe = new int[2];
            ok(host.sys.pipe2(pipe, 0));
            KernelThread reader = host.kernel.threads().start("reader", () -> {
                assertThat(host.sys.read(pipe[0], new UserBytes(new byte[1]))).isEqualTo(-Errno.EBADF);
            });
            host.sleep(1_000_000);
            ok(host.sys.close(pipe[0]));
            host.kernel.threads().join(reader);
            int[] other = new int[2];
            ok(host.sys.pipe2(other, 0));
            KernelThread writer = host.kernel.threads().start("writer", () -> {
                assertThat(host.sys.write(other[1], new UserBytes(new byte[1 << 17])))
                        .isEqualTo(Pipe.PIPE_DEF_BUFFERS * 4096);
                assertThat(host.sys.write(other[1], new UserBytes(new byte[1]))).isEqualTo(-Errno.EBADF);
            });
            host.sleep(1_000_000);
            ok(host.sys.close(other[1]));
            host.kernel.threads().join(writer);
        }
    }

    @Test
    void shouldSayThatThereIsNoMemory() {
        try (Host host = new Host("clock=virtual", "seed=5", "memory=256k")) {
            int[] pipe = new int[2];
            int err = 0;
            for (int i = 0; i < 100 && err == 0; i++) {
                ok(host.sys.pipe2(pipe, FileFlags.O_NONBLOCK));
                int n = host.sys.write(pipe[1], new UserBytes(new byte[1 << 16]));
                err = Math.min(n, 0);
            }
            assertThat(err).isEqualTo(-Errno.ENOMEM);
        }
    }

    /** While one sends from a page and sleeps, nobody else sends or reads the same bytes. */
    @Test
    void shouldGiveEachByteToOneOfTwoSplicers() {
        try (Host host = Host.virtual(1, 5)) {
            int[] fds = host.pair();
            int[] pipe = new int[2];
            ok(host.sys.pipe2(pipe, 0));
            byte[] data = random(2 << 20);
            KernelThread writer = host.kernel.threads().start("writer", () -> {
                assertThat(host.sys.write(pipe[1], new UserBytes(data))).isEqualTo(data.length);
                ok(host.sys.close(pipe[1]));
            });
            KernelThread[] splicers = new KernelThread[2];
            int[] spliced = new int[2];
            for (int i = 0; i < 2; i++) {
                int me = i;
                splicers[i] = host.kernel.threads().start("splicer " + i, () -> {
                    for (int n; (n = ok(host.sys.splice(pipe[0], fds[0], 1 << 16, 0))) > 0; ) {
                        spliced[me] += n;
                    }
                });
            }
            KernelThread end = host.kernel.threads().start("end", () -> {
                host.kernel.threads().join(splicers[0]);
                host.kernel.threads().join(splicers[1]);
                ok(host.sys.shutdown(fds[0], SockConst.SHUT_WR));
            });
            host.sleep(50_000_000); // nobody reads the socket: a splicer sleeps in the middle of a page
            assertThat(readAll(host, fds[1], 3_001)).hasSize(data.length);
            host.kernel.threads().join(end);
            host.kernel.threads().join(writer);
            assertThat(spliced[0] + spliced[1]).isEqualTo(data.length);
        }
    }

    /** The page that is being sent outlives its pipe. */
    @Test
    void shouldSpliceWhileTheReadEndIsClosed() {
        try (Host host = Host.virtual(1, 5)) {
            int[] fds = host.pair();
            int[] pipe = new int[2];
            ok(host.sys.pipe2(pipe, 0));
            int[] other = new int[2];
            ok(host.sys.pipe2(other, FileFlags.O_NONBLOCK));
            KernelThread[] fill = new KernelThread[2];
            fill[0] = host.kernel.threads().start("writer", () -> {
                byte[] block = new byte[1 << 16];
                Arrays.fill(block, (byte) 7);
                while (host.sys.write(pipe[1], new UserBytes(block)) > 0) {}
            });
            fill[1] = host.kernel.threads().start("splicer", () -> {
                while (host.sys.splice(pipe[0], fds[0], 1 << 16, 0) > 0) {}
            });
            host.sleep(50_000_000); // nobody reads the socket: the splicer sleeps in the middle of a page
            ok(host.sys.close(pipe[0]));
            host.kernel.threads().join(fill[0]);
            ok(host.sys.write(other[1], new UserBytes(new byte[1 << 16]))); // wants pages, and zeroes them
            byte[] got = new byte[1 << 16];
            while (!fill[1].isDone()) {
                PollFd readable = new PollFd(fds[1], PollMask.EPOLLIN);
                if (host.sys.poll(new PollFd[] {readable}, 1, 10_000_000) == 1) {
                    int n = ok(host.sys.read(fds[1], new UserBytes(got)));
                    assertThat(Arrays.copyOf(got, n)).containsOnly(7);
                }
            }
            host.kernel.threads().join(fill[1]);
        }
    }

    /** Room in the pipe was seen before the socket was read: a writer who takes it meanwhile must not cost its bytes. */
    @Test
    void shouldKeepTheRoomThatASplicerReadsFor() {
        try (Host host = Host.virtual(1, 5)) {
            int[] fds = host.pair();
            int[] pipe = new int[2];
            ok(host.sys.pipe2(pipe, 0));
            byte[] page = new byte[4096];
            for (int i = 0; i < Pipe.PIPE_DEF_BUFFERS - 1; i++) {
                ok(host.sys.write(pipe[1], new UserBytes(page)));
            }
            KernelThread splicer = host.kernel
                    .threads()
                    .start(
                            "splicer",
                            () -> assertThat(host.sys.splice(fds[1], pipe[1], 100, 0))
                                    .isEqualTo(100));
            host.sleep(1_000_000); // it waits for the socket
            KernelThread writer = host.kernel
                    .threads()
                    .start(
                            "writer",
                            () -> assertThat(host.sys.write(pipe[1], new UserBytes(page)))
                                    .isEqualTo(page.length));
            host.sleep(1_000_000);
            byte[] data = random(100);
            ok(host.sys.write(fds[0], new UserBytes(data)));
            host.kernel.threads().join(splicer);
            byte[] all = new byte[1 << 17];
            int expected = Pipe.PIPE_DEF_BUFFERS * page.length + data.length;
            int got = 0;
            while (got < expected) {
                got += ok(host.sys.read(pipe[0], new UserBytes().wrap(all, got, all.length - got)));
            }
            host.kernel.threads().join(writer);
            int at = (Pipe.PIPE_DEF_BUFFERS - 1) * page.length;
            assertThat(Arrays.copyOfRange(all, at, at + data.length)).isEqualTo(data);
        }
    }

    /** A splicer that finds nothing gives its room back, to whoever waits for it. */
    @Test
    void shouldGiveBackTheRoomThatWasNotUsed() {
        try (Host host = Host.virtual(1, 5)) {
            int[] fds = host.pair();
            int[] pipe = new int[2];
            ok(host.sys.pipe2(pipe, 0));
            byte[] page = new byte[4096];
            for (int i = 0; i < Pipe.PIPE_DEF_BUFFERS - 1; i++) {
                ok(host.sys.write(pipe[1], new UserBytes(page)));
            }
            KernelThread splicer = host.kernel
                    .threads()
                    .start(
                            "splicer",
                            () -> assertThat(host.sys.splice(fds[1], pipe[1], 100, 0))
                                    .isZero());
            host.sleep(1_000_000);
            KernelThread writer = host.kernel
                    .threads()
                    .start(
                            "writer",
                            () -> assertThat(host.sys.write(pipe[1], new UserBytes(page)))
                                    .isEqualTo(page.length));
            host.sleep(1_000_000);
            ok(host.sys.shutdown(fds[0], SockConst.SHUT_WR));
            host.kernel.threads().join(splicer);
            host.kernel.threads().join(writer);
        }
    }

    /** What was written before the reader went away counts. */
    @Test
    void shouldSayHowMuchWasWrittenBeforeThePipeBroke() {
        try (Host host = Host.virtual(1, 5)) {
            int[] pipe = new int[2];
            ok(host.sys.pipe2(pipe, 0));
            KernelThread writer = host.kernel
                    .threads()
                    .start(
                            "writer",
                            () -> assertThat(host.sys.write(pipe[1], new UserBytes(new byte[1 << 20])))
                                    .isEqualTo(Pipe.PIPE_DEF_BUFFERS * 4096));
            host.sleep(1_000_000);
            ok(host.sys.close(pipe[0]));
            host.kernel.threads().join(writer);
        }
    }

    @Test
    void shouldRefuseAFileThatCannotBeRead(@TempDir Path dir) throws IOException {
        try (Host host = Host.virtual(1, 5);
                FileChannel channel = FileChannel.open(
                        dir.resolve("file"),
                        java.nio.file.StandardOpenOption.CREATE,
                        java.nio.file.StandardOpenOption.WRITE)) {
            int[] fds = host.pair();
            assertThat(host.sys.sendfile(fds[0], channel, 0, 10)).isEqualTo(-Errno.EBADF);
            assertThat(host.sys.sendfile(fds[0], channel, -1, 10)).isEqualTo(-Errno.EINVAL);
        }
    }
}
