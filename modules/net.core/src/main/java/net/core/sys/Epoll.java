package net.core.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import net.skbuff.Errno;

/**
 * The machine's epoll, for a CPU's worker. {@link #await} by one thread at a time; adding and removing from anywhere.
 */
public final class Epoll implements AutoCloseable {
    /** Readable. */
    public static final int EPOLLIN = 1;
    /** Edge-triggered. */
    public static final int EPOLLET = 1 << 31;

    private static final int CTL_ADD = 1;
    private static final int CTL_DEL = 2;
    private static final int CTL_MOD = 3;
    private static final int CLOEXEC = 0x80000;
    /** struct epoll_event is packed on x86-64 only. */
    private static final boolean PACKED = System.getProperty("os.arch").equals("amd64");

    private static final int EVENT_SIZE = PACKED ? 12 : 16;
    private static final int DATA_OFFSET = PACKED ? 4 : 8;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment events;
    private final MemorySegment timespec;
    private final MemorySegment change;
    private final int max;
    private final int fd;

    /** An epoll that returns up to {@code max} events at once. */
    public Epoll(int max) {
        this.max = max;
        this.events = arena.allocate((long) max * EVENT_SIZE, 8);
        this.timespec = arena.allocate(16, 8);
        this.change = arena.allocate(EVENT_SIZE, 8);
        this.fd = Sys.check(Sys.epollCreate1(CLOEXEC), "epoll_create1");
    }

    /** Watches {@code watched}; its events carry {@code data}. */
    public void add(int watched, int mask, long data) {
        try (Arena local = Arena.ofConfined()) {
            MemorySegment event = local.allocate(EVENT_SIZE, 8);
            event.set(JAVA_INT_UNALIGNED, 0, mask);
            event.set(JAVA_LONG_UNALIGNED, DATA_OFFSET, data);
            Sys.check(Sys.epollCtl(fd, CTL_ADD, watched, event.address()), "epoll_ctl");
        }
    }

    /**
     * Changes what {@code watched} is watched for, and looks at it afresh: if it is ready, that is an event. One thread at a
     * time; allocates nothing. A descriptor that is gone is no error.
     */
    public void modify(int watched, int mask, long data) {
        change.set(JAVA_INT_UNALIGNED, 0, mask);
        change.set(JAVA_LONG_UNALIGNED, DATA_OFFSET, data);
        Sys.epollCtl(fd, CTL_MOD, watched, change.address());
    }

    /** Stops watching; a descriptor that is gone already is no error. */
    public void remove(int watched) {
        Sys.epollCtl(fd, CTL_DEL, watched, 0);
    }

    /** Waits for events; how many, 0 at the time-out or after a signal. Negative waits for ever. */
    public int await(long timeoutNs) {
        long ts = 0;
        if (timeoutNs >= 0) {
            timespec.set(JAVA_LONG, 0, timeoutNs / 1_000_000_000L);
            timespec.set(JAVA_LONG, 8, timeoutNs % 1_000_000_000L);
            ts = timespec.address();
        }
        int n = Sys.epollPwait2(fd, events.address(), max, ts);
        if (n == -Errno.EINTR) {
            return 0;
        }
        return Sys.check(n, "epoll_pwait2");
    }

    /** The data of event {@code i} of the last {@link #await}. */
    public long data(int i) {
        return events.get(JAVA_LONG_UNALIGNED, (long) i * EVENT_SIZE + DATA_OFFSET);
    }

    @Override
    public void close() {
        Sys.close(fd);
        arena.close();
    }
}
