package net.core.sock;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * An open file: what descriptors point at. Here a socket, a pipe's end or an epoll.
 *
 * <p>{@code Deviation:} {@link #count} counts descriptors, not calls in flight: memory is safe without, and a close
 * takes effect at once. A thread that is blocked in a file which another closes is woken and gets an error, where Linux
 * would leave it asleep for good.
 *
 * <p>Linux: struct file, include/linux/fs.h
 */
public final class File {
    private static final VarHandle COUNT;

    static {
        try {
            COUNT = MethodHandles.lookup().findVarHandle(File.class, "count", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    public final FileOperations ops;

    /** The socket, pipe or epoll. */
    public final Object privateData;

    /** O_xxx; O_NONBLOCK changes by fcntl. */
    public volatile int flags;

    private volatile int count = 1;

    /** Epoll entries that watch this file; {@link EventPoll} owns the list, under the file's monitor. */
    @Nullable
    EpItem epItems;

    public File(FileOperations ops, Object privateData, int flags) {
        this.ops = ops;
        this.privateData = privateData;
        this.flags = flags;
    }

    public boolean nonblocking() {
        return (flags & FileFlags.O_NONBLOCK) != 0;
    }

    /** The socket behind it, or null. */
    public @Nullable Socket socket() {
        return privateData instanceof Socket s ? s : null;
    }

    /** True once the last descriptor is gone. */
    public boolean released() {
        return count == 0;
    }

    void get() {
        COUNT.getAndAdd(this, 1);
    }

    /** Gives a descriptor's hold back; the last one releases the file. Linux: fput(), __fput() */
    void put() {
        if ((int) COUNT.getAndAdd(this, -1) == 1) {
            EventPoll.eventpollRelease(this);
            ops.release(this);
        }
    }
}
