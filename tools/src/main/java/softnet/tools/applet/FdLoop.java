package softnet.tools.applet;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import net.core.api.ErrnoException;
import net.core.sock.EpollEvent;
import net.core.sock.EventPoll;
import net.core.sock.FileFlags;
import net.core.sock.PollMask;
import net.core.sock.Process;
import net.core.sock.Syscalls;
import net.skbuff.Errno;
import net.skbuff.UserByteBuffer;

/**
 * One thread that serves any number of descriptors: each has a handler, called when epoll reports it. A round allocates
 * nothing.
 *
 * <p>Context: one program thread; {@link #stop} any.
 */
final class FdLoop implements Closeable {
    /** Called with the events of a descriptor that is ready. */
    @FunctionalInterface
    interface Ready {
        /** {@code events} are of {@link PollMask}. */
        void ready(int events);
    }

    private static final int EVENTS = 64;

    private final Syscalls calls;
    private final int epfd;
    private final int[] wakePipe = new int[2];
    private final EpollEvent[] events = new EpollEvent[EVENTS];
    private final EpollEvent change = new EpollEvent();
    private volatile boolean stopped;

    FdLoop(Process process) throws IOException {
        calls = process.syscalls();
        epfd = check(calls.epollCreate1(0), "epoll_create1");
        for (int i = 0; i < EVENTS; i++) {
            events[i] = new EpollEvent();
        }
        check(calls.pipe2(wakePipe, FileFlags.O_NONBLOCK), "pipe2");
        add(wakePipe[0], PollMask.EPOLLIN, e -> {});
    }

    /** Returns {@code rc} unless it is an error. */
    static int check(int rc, String what) throws ErrnoException {
        if (rc < 0) {
            throw new ErrnoException(what, -rc);
        }
        return rc;
    }

    /** Has {@code ready} called on {@code mask}'s events of {@code fd}. */
    void add(int fd, int mask, Ready ready) throws IOException {
        check(control(EventPoll.EPOLL_CTL_ADD, fd, mask, ready), "epoll_ctl");
    }

    /** Waits for other events from now on. */
    void modify(int fd, int mask, Ready ready) {
        control(EventPoll.EPOLL_CTL_MOD, fd, mask, ready);
    }

    private int control(int op, int fd, int mask, Ready ready) {
        change.events = mask;
        change.data = fd;
        change.attachment = ready;
        int rc = calls.epollCtl(epfd, op, fd, change);
        change.attachment = null;
        return rc;
    }

    /** Closes a descriptor, which leaves the loop with that. */
    void close(int fd) {
        calls.close(fd);
    }

    /** Serves until {@link #stop}. */
    void run() throws IOException {
        while (!stopped) {
            once(-1);
        }
    }

    /** Waits at most {@code timeoutNs} (negative: for ever) and serves what is ready. */
    void once(long timeoutNs) throws IOException {
        int n = calls.epollWait(epfd, events, EVENTS, timeoutNs);
        if (n < 0) {
            if (n == -Errno.EINTR) {
                stopped = true;
                return;
            }
            throw new ErrnoException("epoll_wait", -n);
        }
        for (int i = 0; i < n && !stopped; i++) {
            if (events[i].attachment instanceof Ready ready) {
                ready.ready(events[i].events);
            }
        }
    }

    /** Whether somebody asked it to stop. */
    boolean stopped() {
        return stopped;
    }

    /** Ends {@link #run}. */
    void stop() {
        stopped = true;
        calls.write(wakePipe[1], new UserByteBuffer(ByteBuffer.allocate(1)));
    }

    @Override
    public void close() {
        calls.close(wakePipe[0]);
        calls.close(wakePipe[1]);
        calls.close(epfd);
    }
}
