package net.core.api;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.atomic.AtomicBoolean;
import net.core.sock.EpollEvent;
import net.core.sock.EventPoll;
import net.core.sock.FileFlags;
import net.core.sock.PollMask;
import net.core.sock.Syscalls;
import net.skbuff.UserBytes;
import org.jspecify.annotations.Nullable;

/**
 * Waits for events of many sockets: Linux's epoll with an object attached to each.
 *
 * <p>Thread-safe; each waiting thread needs its own {@link Events}. A socket that is closed leaves by itself.
 */
public final class SoftEpoll implements Closeable {
    /** Something to read, a connection to accept, or the end of the stream. */
    public static final int IN = PollMask.EPOLLIN;

    /** Room to write, or a connect that is over. */
    public static final int OUT = PollMask.EPOLLOUT;

    /** Urgent data. */
    public static final int PRI = PollMask.EPOLLPRI;

    /** An error; always reported. */
    public static final int ERR = PollMask.EPOLLERR;

    /** Both directions are closed; always reported. */
    public static final int HUP = PollMask.EPOLLHUP;

    /** The peer sends no more. */
    public static final int RDHUP = PollMask.EPOLLRDHUP;

    /** Edge triggered: report a change once. */
    public static final int ET = PollMask.EPOLLET;

    /** Report once, then wait for {@link #modify}. */
    public static final int ONESHOT = PollMask.EPOLLONESHOT;

    /** Wake only one of the epolls that watch the same socket. */
    public static final int EXCLUSIVE = PollMask.EPOLLEXCLUSIVE;

    private static final Object WAKEUP = new Object();

    private final Syscalls sys;
    private final int epfd;
    private final int wakeRead;
    private final int wakeWrite;
    private final AtomicBoolean wakePending = new AtomicBoolean();
    private final AtomicBoolean closed = new AtomicBoolean();

    SoftEpoll(SoftNetwork network, int epfd) throws IOException {
        this.sys = network.sys();
        this.epfd = epfd;
        int[] pipe = new int[2];
        SoftNetwork.check("pipe", sys.pipe2(pipe, FileFlags.O_NONBLOCK));
        wakeRead = pipe[0];
        wakeWrite = pipe[1];
        control(EventPoll.EPOLL_CTL_ADD, wakeRead, new EpollEvent(IN, 0, WAKEUP));
    }

    /** Watches a socket. @param attachment handed out with its events */
    public void add(AbstractSoftSocket socket, int events, @Nullable Object attachment) throws IOException {
        control(EventPoll.EPOLL_CTL_ADD, socket.open(), new EpollEvent(events, socket.fd, attachment));
    }

    /** Changes what is watched for; rearms {@link #ONESHOT}. */
    public void modify(AbstractSoftSocket socket, int events, @Nullable Object attachment) throws IOException {
        control(EventPoll.EPOLL_CTL_MOD, socket.open(), new EpollEvent(events, socket.fd, attachment));
    }

    public void remove(AbstractSoftSocket socket) throws IOException {
        control(EventPoll.EPOLL_CTL_DEL, socket.open(), null);
    }

    private void control(int op, int fd, @Nullable EpollEvent event) throws IOException {
        SoftNetwork.check("epoll_ctl", sys.epollCtl(epfd, op, fd, event));
    }

    /**
     * Waits for events.
     *
     * @param timeoutNs 0 not to wait, negative for ever
     * @return how many there are; 0 after the time or a {@link #wakeup}
     */
    public int await(Events into, long timeoutNs) throws IOException {
        if (closed.get()) {
            throw new ClosedChannelException();
        }
        int n = sys.epollWait(epfd, into.slots, into.slots.length, timeoutNs);
        if (closed.get()) {
            throw new java.nio.channels.AsynchronousCloseException();
        }
        SoftNetwork.check("epoll_wait", n);
        into.size = n;
        for (int i = 0; i < n; i++) {
            if (into.slots[i].attachment == WAKEUP) {
                drainWakeup();
                into.removeAt(i);
                break;
            }
        }
        return into.size;
    }

    /** Makes one {@link #await}, running or next, return. */
    public void wakeup() {
        if (wakePending.compareAndSet(false, true)) {
            sys.write(wakeWrite, new UserBytes(new byte[1]));
        }
    }

    private void drainWakeup() {
        wakePending.set(false);
        sys.read(wakeRead, new UserBytes(new byte[16]));
    }

    /** Wakes whoever waits and forgets all sockets, which stay open. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            wakeup();
            sys.close(epfd);
            sys.close(wakeRead);
            sys.close(wakeWrite);
        }
    }

    /** Room for the events of one wait; reused. */
    public static final class Events {
        private final EpollEvent[] slots;
        private int size;

        public Events(int max) {
            slots = new EpollEvent[max];
            for (int i = 0; i < max; i++) {
                slots[i] = new EpollEvent();
            }
        }

        public int size() {
            return size;
        }

        /** Which events of the {@code i}-th socket: {@link SoftEpoll#IN}, ... */
        public int mask(int i) {
            return slots[i].events;
        }

        /** What was attached to it. */
        public @Nullable Object attachment(int i) {
            return slots[i].attachment;
        }

        private void removeAt(int i) {
            EpollEvent gone = slots[i];
            slots[i] = slots[--size];
            slots[size] = gone;
            gone.attachment = null;
        }
    }
}
