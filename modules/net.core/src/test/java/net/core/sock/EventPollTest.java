package net.core.sock;

import static net.core.sock.EventPoll.EPOLL_CTL_ADD;
import static net.core.sock.EventPoll.EPOLL_CTL_DEL;
import static net.core.sock.EventPoll.EPOLL_CTL_MOD;
import static net.core.sock.LoopFamily.ok;
import static net.core.sock.PollMask.EPOLLET;
import static net.core.sock.PollMask.EPOLLEXCLUSIVE;
import static net.core.sock.PollMask.EPOLLHUP;
import static net.core.sock.PollMask.EPOLLIN;
import static net.core.sock.PollMask.EPOLLONESHOT;
import static net.core.sock.PollMask.EPOLLOUT;
import static net.core.sock.PollMask.EPOLLRDHUP;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicIntegerArray;
import net.core.sock.LoopFamily.Host;
import net.core.task.KernelThread;
import net.skbuff.Errno;
import net.skbuff.UserBytes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class EventPollTest {
    private static final long MS = 1_000_000;

    private static EpollEvent[] room(int n) {
        EpollEvent[] events = new EpollEvent[n];
        Arrays.setAll(events, i -> new EpollEvent());
        return events;
    }

    private static void add(Host host, int ep, int fd, int events) {
        ok(host.sys.epollCtl(ep, EPOLL_CTL_ADD, fd, new EpollEvent(events, fd)));
    }

    private static void write(Host host, int fd, int n) {
        assertThat(host.sys.write(fd, new UserBytes(new byte[n]))).isEqualTo(n);
    }

    private static void read(Host host, int fd, int n) {
        assertThat(host.sys.read(fd, new UserBytes(new byte[n]))).isEqualTo(n);
    }

    @Test
    void shouldReportALevelAsLongAsItHolds() {
        try (Host host = Host.virtual(1, 1)) {
            int[] fds = host.pair();
            int ep = ok(host.sys.epollCreate1(0));
            EpollEvent[] out = room(4);
            add(host, ep, fds[0], EPOLLIN);
            assertThat(host.sys.epollWait(ep, out, 4, 0)).isZero();
            write(host, fds[1], 10);
            assertThat(host.sys.epollWait(ep, out, 4, MS)).isEqualTo(1);
            assertThat(out[0].events).isEqualTo(EPOLLIN);
            assertThat(out[0].data).isEqualTo(fds[0]);
            read(host, fds[0], 5);
            assertThat(host.sys.epollWait(ep, out, 4, 0))
                    .as("five bytes are left")
                    .isEqualTo(1);
            read(host, fds[0], 5);
            assertThat(host.sys.epollWait(ep, out, 4, 0)).isZero();
        }
    }

    @Test
    void shouldReportAnEdgeOnce() {
        try (Host host = Host.virtual(1, 1)) {
            int[] fds = host.pair();
            int ep = ok(host.sys.epollCreate1(0));
            EpollEvent[] out = room(4);
            add(host, ep, fds[0], EPOLLIN | EPOLLET);
            write(host, fds[1], 10);
            assertThat(host.sys.epollWait(ep, out, 4, MS)).isEqualTo(1);
            assertThat(host.sys.epollWait(ep, out, 4, MS)).as("no new edge").isZero();
            write(host, fds[1], 1);
            assertThat(host.sys.epollWait(ep, out, 4, MS))
                    .as("new data is a new edge")
                    .isEqualTo(1);
        }
    }

    @Test
    void shouldDisarmAfterAOneShotUntilModified() {
        try (Host host = Host.virtual(1, 1)) {
            int[] fds = host.pair();
            int ep = ok(host.sys.epollCreate1(0));
            EpollEvent[] out = room(4);
            add(host, ep, fds[0], EPOLLIN | EPOLLONESHOT);
            write(host, fds[1], 10);
            assertThat(host.sys.epollWait(ep, out, 4, MS)).isEqualTo(1);
            write(host, fds[1], 10);
            assertThat(host.sys.epollWait(ep, out, 4, MS)).isZero();
            ok(host.sys.epollCtl(ep, EPOLL_CTL_MOD, fds[0], new EpollEvent(EPOLLIN | EPOLLONESHOT, 7)));
            assertThat(host.sys.epollWait(ep, out, 4, 0)).isEqualTo(1);
            assertThat(out[0].data).isEqualTo(7);
        }
    }

    @Test
    void shouldReportRoomAgainOnceTheReaderMadeSome() {
        try (Host host = Host.virtual(1, 1)) {
            int[] fds = host.pair();
            int ep = ok(host.sys.epollCreate1(0));
            EpollEvent[] out = room(4);
            ok(host.sys.fcntl(fds[0], FileFlags.F_SETFL, FileFlags.O_NONBLOCK));
            int n = ok(host.sys.write(fds[0], new UserBytes(new byte[4 << 20])));
            add(host, ep, fds[0], EPOLLOUT | EPOLLET);
            assertThat(host.sys.epollWait(ep, out, 4, MS)).isZero();
            for (int got = 0; got < n; ) {
                got += ok(host.sys.read(fds[1], new UserBytes(new byte[8192])));
            }
            assertThat(host.sys.epollWait(ep, out, 4, MS)).isEqualTo(1);
            assertThat(out[0].events).isEqualTo(EPOLLOUT);
        }
    }

    @Test
    void shouldReportTheEndOfAStream() {
        try (Host host = Host.virtual(1, 1)) {
            int[] fds = host.pair();
            int ep = ok(host.sys.epollCreate1(0));
            EpollEvent[] out = room(4);
            add(host, ep, fds[0], EPOLLIN | EPOLLRDHUP);
            ok(host.sys.shutdown(fds[1], SockConst.SHUT_WR));
            assertThat(host.sys.epollWait(ep, out, 4, MS)).isEqualTo(1);
            assertThat(out[0].events).isEqualTo(EPOLLIN | EPOLLRDHUP);
        }
    }

    @Test
    void shouldWakeABlockedWaiterFromSoftirqAndTimeOut() {
        try (Host host = Host.virtual(2, 1)) {
            int[] fds = host.pair();
            int ep = ok(host.sys.epollCreate1(0));
            add(host, ep, fds[0], EPOLLIN);
            int[] got = new int[2];
            KernelThread waiter = host.kernel.threads().start("waiter", () -> {
                long before = host.now();
                got[0] = host.sys.epollWait(ep, room(1), 1, 5 * MS);
                assertThat(host.now() - before).isBetween(5 * MS, 6 * MS);
                got[1] = host.sys.epollWait(ep, room(1), 1, -1);
            });
            host.sleep(20 * MS);
            write(host, fds[1], 1);
            host.kernel.threads().join(waiter);
            assertThat(got).containsExactly(0, 1);
        }
    }

    @Test
    void shouldForgetAFileThatIsClosedAndItsEvents() {
        try (Host host = Host.virtual(1, 1)) {
            int[] fds = host.pair();
            int ep = ok(host.sys.epollCreate1(0));
            EventPoll eventPoll = (EventPoll) host.process.files().get(ep).privateData;
            add(host, ep, fds[0], EPOLLIN);
            add(host, ep, fds[1], EPOLLIN);
            write(host, fds[1], 1);
            host.sleep(MS);
            ok(host.sys.close(fds[0]));
            assertThat(eventPoll.size()).isEqualTo(1);
            EpollEvent[] out = room(2);
            int n = host.sys.epollWait(ep, out, 2, 0);
            assertThat(n).isLessThanOrEqualTo(1);
            assertThat(n == 0 || out[0].data == fds[1]).isTrue();
            ok(host.sys.epollCtl(ep, EPOLL_CTL_DEL, fds[1], null));
            assertThat(eventPoll.size()).isZero();
            assertThat(host.sys.epollWait(ep, out, 2, 0)).isZero();
            assertThat(host.sk(fds[1]).wq.active()).isFalse();
        }
    }

    @Test
    void shouldKeepWatchingADuplicate() {
        try (Host host = Host.virtual(1, 1)) {
            int[] pipe = new int[2];
            ok(host.sys.pipe2(pipe, 0));
            int ep = ok(host.sys.epollCreate1(0));
            add(host, ep, pipe[0], EPOLLIN);
            int copy = ok(host.sys.dup(pipe[0]));
            ok(host.sys.close(pipe[0]));
            write(host, pipe[1], 1);
            assertThat(host.sys.epollWait(ep, room(1), 1, 0)).isEqualTo(1);
            // The old number now means another file, which may be watched too.
            int[] other = new int[2];
            ok(host.sys.pipe2(other, 0));
            assertThat(other[0]).isEqualTo(pipe[0]);
            add(host, ep, other[0], EPOLLIN);
            EventPoll eventPoll = (EventPoll) host.process.files().get(ep).privateData;
            assertThat(eventPoll.size()).isEqualTo(2);
            ok(host.sys.close(copy));
            assertThat(eventPoll.size()).isEqualTo(1);
        }
    }

    @Test
    void shouldRefuseWhatLinuxRefuses() {
        try (Host host = Host.virtual(1, 1)) {
            int[] fds = host.pair();
            Syscalls sys = host.sys;
            int ep = ok(sys.epollCreate1(0));
            EpollEvent in = new EpollEvent(EPOLLIN, 0);
            assertThat(sys.epollCtl(ep, EPOLL_CTL_ADD, 99, in)).isEqualTo(-Errno.EBADF);
            assertThat(sys.epollCtl(fds[0], EPOLL_CTL_ADD, fds[1], in)).isEqualTo(-Errno.EINVAL);
            assertThat(sys.epollCtl(ep, EPOLL_CTL_ADD, ep, in)).isEqualTo(-Errno.EINVAL);
            assertThat(sys.epollCtl(ep, EPOLL_CTL_MOD, fds[0], in)).isEqualTo(-Errno.ENOENT);
            assertThat(sys.epollCtl(ep, EPOLL_CTL_DEL, fds[0], null)).isEqualTo(-Errno.ENOENT);
            ok(sys.epollCtl(ep, EPOLL_CTL_ADD, fds[0], in));
            assertThat(sys.epollCtl(ep, EPOLL_CTL_ADD, fds[0], in)).isEqualTo(-Errno.EEXIST);
            EpollEvent exclusive = new EpollEvent(EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 0);
            assertThat(sys.epollCtl(ep, EPOLL_CTL_ADD, fds[1], exclusive)).isEqualTo(-Errno.EINVAL);
            ok(sys.epollCtl(ep, EPOLL_CTL_ADD, fds[1], new EpollEvent(EPOLLIN | EPOLLEXCLUSIVE, 0)));
            assertThat(sys.epollCtl(ep, EPOLL_CTL_MOD, fds[1], in)).isEqualTo(-Errno.EINVAL);
            assertThat(sys.epollWait(ep, room(1), 0, 0)).isEqualTo(-Errno.EINVAL);
        }
    }

    @Test
    void shouldNestButNotInACircle() {
        try (Host host = Host.virtual(1, 1)) {
            int[] fds = host.pair();
            Syscalls sys = host.sys;
            int outer = ok(sys.epollCreate1(0));
            int inner = ok(sys.epollCreate1(0));
            add(host, inner, fds[0], EPOLLIN);
            add(host, outer, inner, EPOLLIN);
            assertThat(sys.epollCtl(inner, EPOLL_CTL_ADD, outer, new EpollEvent(EPOLLIN, 0)))
                    .isEqualTo(-Errno.ELOOP);
            EpollEvent[] out = room(1);
            assertThat(sys.epollWait(outer, out, 1, 0)).isZero();
            write(host, fds[1], 1);
            assertThat(sys.epollWait(outer, out, 1, MS)).isEqualTo(1);
            assertThat(out[0].data).isEqualTo(inner);
            read(host, fds[0], 1);
            assertThat(sys.epollWait(outer, out, 1, 0))
                    .as("the inner one has nothing left")
                    .isZero();
            write(host, fds[1], 1);
            assertThat(sys.epollWait(outer, out, 1, MS)).isEqualTo(1);
        }
    }

    /** Two epolls watch one listener: an exclusive entry lets only one thread run for one connection. */
    @Test
    void shouldWakeOneOfTheExclusiveEpolls() {
        try (Host host = Host.virtual(1, 3)) {
            Syscalls sys = host.sys;
            int listener = ok(sys.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0));
            ok(sys.bind(listener, new SockAddrIn(0, 80)));
            ok(sys.listen(listener, 10));
            AtomicIntegerArray woken = new AtomicIntegerArray(4);
            KernelThread[] threads = new KernelThread[4];
            for (int t = 0; t < threads.length; t++) {
                int me = t;
                int ep = ok(sys.epollCreate1(0));
                add(host, ep, listener, EPOLLIN | EPOLLEXCLUSIVE);
                threads[t] = host.kernel
                        .threads()
                        .start("epoll" + t, () -> woken.set(me, sys.epollWait(ep, room(1), 1, 50 * MS)));
            }
            host.sleep(MS);
            int client = ok(sys.socket(SockConst.AF_INET, SockConst.SOCK_STREAM, 0));
            ok(sys.connect(client, new SockAddrIn(0, 80)));
            host.sleep(10 * MS);
            ok(sys.accept(listener));
            for (KernelThread thread : threads) {
                host.kernel.threads().join(thread);
            }
            int sum = 0;
            for (int t = 0; t < 4; t++) {
                sum += woken.get(t);
            }
            assertThat(sum).isEqualTo(1);
        }
    }

    /** Several threads share one epoll, edge triggered and one-shot, with real softirqs: no event is lost. */
    @Test
    void shouldLoseNoEventBetweenThreadsLive() {
        int pairs = 8;
        int messages = Boolean.getBoolean("softnet.full") ? 200_000 : 5_000;
        try (Host host = new Host("cpus=2")) {
            Syscalls sys = host.sys;
            int ep = ok(sys.epollCreate1(0));
            int[] writers = new int[pairs];
            for (int i = 0; i < pairs; i++) {
                int[] fds = host.pair();
                ok(sys.fcntl(fds[0], FileFlags.F_SETFL, FileFlags.O_NONBLOCK));
                writers[i] = fds[1];
                add(host, ep, fds[0], EPOLLIN | EPOLLET | EPOLLONESHOT);
            }
            AtomicIntegerArray left = new AtomicIntegerArray(1);
            left.set(0, pairs * messages);
            KernelThread[] readers = new KernelThread[3];
            for (int t = 0; t < readers.length; t++) {
                readers[t] = host.kernel.threads().start("reader" + t, () -> {
                    EpollEvent[] out = room(4);
                    byte[] buf = new byte[512];
                    while (left.get(0) > 0) {
                        int n = ok(sys.epollWait(ep, out, 4, 20 * MS));
                        for (int i = 0; i < n; i++) {
                            int fd = (int) out[i].data;
                            for (int got; (got = sys.read(fd, new UserBytes(buf))) > 0; ) {
                                left.addAndGet(0, -got);
                            }
                            ok(sys.epollCtl(
                                    ep, EPOLL_CTL_MOD, fd, new EpollEvent(EPOLLIN | EPOLLET | EPOLLONESHOT, fd)));
                        }
                    }
                });
            }
            for (int m = 0; m < messages; m++) {
                for (int fd : writers) {
                    write(host, fd, 1);
                }
            }
            for (KernelThread reader : readers) {
                host.kernel.threads().join(reader);
            }
            assertThat(left.get(0)).isZero();
        }
    }

    @Test
    void shouldPollSeveralFiles() {
        try (Host host = Host.virtual(1, 1)) {
            int[] fds = host.pair();
            int[] pipe = new int[2];
            ok(host.sys.pipe2(pipe, 0));
            PollFd[] set = {
                new PollFd(fds[0], EPOLLIN), new PollFd(-1, EPOLLIN), new PollFd(pipe[0], EPOLLIN), new PollFd(99, 0)
            };
            assertThat(host.sys.poll(set, 3, 0)).isZero();
            assertThat(host.sys.poll(set, 4, -1)).isEqualTo(1);
            assertThat(set[3].revents).isEqualTo(PollMask.EPOLLNVAL);
            KernelThread later = host.kernel.threads().start("later", () -> {
                host.sleep(3 * MS);
                write(host, fds[1], 1);
            });
            long before = host.now();
            assertThat(host.sys.poll(set, 3, -1)).isEqualTo(1);
            assertThat(host.now() - before).isGreaterThanOrEqualTo(3 * MS);
            assertThat(set[0].revents).isEqualTo(EPOLLIN);
            host.kernel.threads().join(later);
            ok(host.sys.close(pipe[1]));
            assertThat(host.sys.poll(set, 3, 0)).isEqualTo(2);
            assertThat(set[2].revents).isEqualTo(EPOLLHUP);
            read(host, fds[0], 1);
            set[2].fd = -1;
            before = host.now();
            assertThat(host.sys.poll(set, 3, 7 * MS)).isZero();
            assertThat(host.now() - before).isBetween(7 * MS, 8 * MS);
            assertThat(host.sk(fds[0]).wq.active())
                    .as("no entry is left behind")
                    .isFalse();
        }
    }

    @Test
    void shouldNotWaitInAnEpollThatWasClosedJustBefore() {
        try (Host host = Host.virtual(1, 1)) {
            int ep = ok(host.sys.epollCreate1(0));
            File file = Objects.requireNonNull(host.sys.file(ep));
            EventPoll late = (EventPoll) file.privateData;
            ok(host.sys.close(ep));
            // What a thread does that looked the number up before the close.
            assertThat(late.epollWait(room(1), 1, -1)).isEqualTo(-Errno.EBADF);
            int[] fds = host.pair();
            File watched = Objects.requireNonNull(host.sys.file(fds[0]));
            int added = late.ctl(EPOLL_CTL_ADD, fds[0], watched, new EpollEvent(EPOLLIN, 1), this);
            assertThat(added).isEqualTo(-Errno.EBADF);
            assertThat(host.sk(fds[0]).wq.active()).isFalse();
        }
    }

    @Test
    void shouldRefuseALongChainFromWhicheverEndItIsBuilt() {
        try (Host host = Host.virtual(1, 1)) {
            int outer = ok(host.sys.epollCreate1(0));
            int result = 0;
            int length = 1;
            for (; length < 20; length++) {
                int inner = ok(host.sys.epollCreate1(0));
                result = host.sys.epollCtl(outer, EPOLL_CTL_ADD, inner, new EpollEvent(EPOLLIN, inner));
                if (result != 0) {
                    break;
                }
                outer = inner;
            }
            assertThat(result).isEqualTo(-Errno.ELOOP);
            assertThat(length).as("epolls in a row").isEqualTo(5);
        }
    }
}
