package net.core.sock;

import static net.core.sock.LoopFamily.ok;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import net.core.sock.LoopFamily.Host;
import net.skbuff.Errno;
import net.skbuff.UserBytes;
import org.junit.jupiter.api.Test;

class FilesStructTest {
    @Test
    void shouldGiveTheLowestFreeNumberLikeASet() {
        long seed = 20_251;
        SplittableRandom r = new SplittableRandom(seed);
        FilesStruct files = new FilesStruct(500);
        TreeSet<Integer> used = new TreeSet<>();
        File file = new File(Pipe.READ_OPS, new Object(), 0);
        for (int i = 0; i < 20_000; i++) {
            if (r.nextInt(100) < 55) {
                int from = r.nextInt(4) == 0 ? r.nextInt(520) : 0;
                int expected = from;
                while (used.contains(expected)) {
                    expected++;
                }
                int fd = files.getUnusedFd(from);
                assertThat(fd).as("step %d seed %d", i, seed).isEqualTo(expected >= 500 ? -Errno.EMFILE : expected);
                if (fd >= 0) {
                    used.add(fd);
                    files.fdInstall(fd, file);
                }
            } else if (!used.isEmpty()) {
                List<Integer> all = new ArrayList<>(used);
                int fd = all.get(r.nextInt(all.size()));
                assertThat(files.remove(fd)).isSameAs(file);
                assertThat(files.remove(fd)).isNull();
                used.remove(fd);
            }
            assertThat(files.count()).isEqualTo(used.size());
        }
    }

    @Test
    void shouldReuseTheLowestDescriptorAndRefuseAtTheLimit() {
        try (Host host = Host.virtual(1, 1);
                Process process = new Process(host.kernel, host.kernel.initNet(), 4)) {
            Syscalls sys = process.syscalls();
            int[] a = new int[2];
            int[] b = new int[2];
            ok(sys.pipe2(a, 0));
            ok(sys.pipe2(b, 0));
            assertThat(a).containsExactly(0, 1);
            assertThat(b).containsExactly(2, 3);
            assertThat(sys.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0)).isEqualTo(-Errno.EMFILE);
            assertThat(host.family.proto.inuse()).as("no sock is left behind").isZero();
            assertThat(sys.pipe2(new int[2], 0)).isEqualTo(-Errno.EMFILE);
            ok(sys.close(1));
            assertThat(sys.epollCreate1(0)).isEqualTo(1);
            assertThat(sys.close(77)).isEqualTo(-Errno.EBADF);
        }
    }

    @Test
    void shouldReleaseAFileWithItsLastDescriptor() {
        try (Host host = Host.virtual(1, 1)) {
            Syscalls sys = host.sys;
            int[] pipe = new int[2];
            ok(sys.pipe2(pipe, FileFlags.O_NONBLOCK));
            int copy = ok(sys.dup(pipe[1]));
            assertThat(ok(sys.dup2(pipe[1], 70))).isEqualTo(70);
            ok(sys.close(pipe[1]));
            ok(sys.close(copy));
            assertThat(sys.write(70, new UserBytes(new byte[3]))).isEqualTo(3);
            ok(sys.close(70));
            UserBytes in = new UserBytes(new byte[10]);
            assertThat(sys.read(pipe[0], in)).isEqualTo(3);
            assertThat(sys.read(pipe[0], in)).as("end").isZero();
        }
    }

    @Test
    void shouldNotDuplicateOntoANumberThatAnAcceptHolds() {
        try (Host host = Host.virtual(1, 1)) {
            int[] pipe = new int[2];
            ok(host.sys.pipe2(pipe, 0));
            int reserved = host.process.files().getUnusedFd(0);
            assertThat(host.sys.dup2(pipe[0], reserved)).isEqualTo(-Errno.EBUSY);
            host.process.files().putUnusedFd(reserved);
            assertThat(host.sys.dup2(pipe[0], reserved)).isEqualTo(reserved);
            ok(host.sys.close(pipe[0]));
            assertThat(host.sys.write(pipe[1], new UserBytes(new byte[1])))
                    .as("the duplicate still reads")
                    .isEqualTo(1);
        }
    }
}
