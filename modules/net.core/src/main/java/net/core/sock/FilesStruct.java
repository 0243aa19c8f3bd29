package net.core.sock;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;

/**
 * A process's descriptor table: the lowest free number is given out, as POSIX wants.
 *
 * <p><b>Context:</b> process. Changes under this object's monitor, look-ups without a lock: a slot is published with
 * release, and a table that grew keeps the old one's files.
 *
 * <p>Linux: struct files_struct, alloc_fd(), fs/file.c
 */
public final class FilesStruct {
    private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(File[].class);
    private static final int FIRST_SIZE = 64;

    private final int limit;
    private volatile @Nullable File[] table = new @Nullable File[FIRST_SIZE];

    /** Bit set: the number is given out, possibly before its file is installed. */
    private long[] open = new long[FIRST_SIZE / 64];

    /** No free number lies below. */
    private int nextFd;

    private int used;

    /** @param limit RLIMIT_NOFILE: one more than the highest number */
    public FilesStruct(int limit) {
        this.limit = limit;
    }

    /** Reserves the lowest free number not below {@code from}. @return it, or -EMFILE. Linux: get_unused_fd_flags() */
    public synchronized int getUnusedFd(int from) {
        int fd = nextClear(Math.max(from, nextFd));
        if (fd >= limit) {
            return -Errno.EMFILE;
        }
        if (fd >= table.length) {
            grow(fd);
        }
        open[fd >> 6] |= 1L << (fd & 63);
        if (from <= nextFd) {
            nextFd = fd + 1;
        }
        used++;
        return fd;
    }

    /** Gives back a number that got no file. Linux: put_unused_fd() */
    public synchronized void putUnusedFd(int fd) {
        clear(fd);
    }

    /** Makes a reserved number mean {@code file}. Linux: fd_install() */
    public synchronized void fdInstall(int fd, File file) {
        SLOT.setRelease(table, fd, file);
    }

    /** The file behind a number, or null. Linux: fdget() */
    public @Nullable File get(int fd) {
        @Nullable File[] t = table;
        return fd >= 0 && fd < t.length ? (File) SLOT.getAcquire(t, fd) : null;
    }

    /** Reserves a number and installs the file. @return the number or -EMFILE */
    public synchronized int add(File file) {
        int fd = getUnusedFd(0);
        if (fd >= 0) {
            fdInstall(fd, file);
        }
        return fd;
    }

    /** Empties a slot. @return the file whose hold the caller now has, or null if there was none */
    public synchronized @Nullable File remove(int fd) {
        File file = get(fd);
        if (file != null) {
            SLOT.setRelease(table, fd, (File) null);
            clear(fd);
        }
        return file;
    }

    /**
     * Puts a file into a given slot, whatever was there, which goes to {@code old[0]}.
     *
     * @return 0, or -EBUSY if an accept or open holds the number and is about to install its own. Linux: do_dup2()
     */
    synchronized int replace(int fd, File file, @Nullable File[] old) {
        if (fd >= table.length) {
            grow(fd);
        }
        old[0] = table[fd];
        if ((open[fd >> 6] & 1L << (fd & 63)) == 0) {
            open[fd >> 6] |= 1L << (fd & 63);
            used++;
        } else if (old[0] == null) {
            return -Errno.EBUSY;
        }
        SLOT.setRelease(table, fd, file);
        return 0;
    }

    /** Numbers given out. */
    public synchronized int count() {
        return used;
    }

    public int limit() {
        return limit;
    }

    /** Highest number in use plus one. */
    synchronized int top() {
        for (int word = open.length - 1; word >= 0; word--) {
            if (open[word] != 0) {
                return word * 64 + 64 - Long.numberOfLeadingZeros(open[word]);
            }
        }
        return 0;
    }

    private void clear(int fd) {
        open[fd >> 6] &= ~(1L << (fd & 63));
        nextFd = Math.min(nextFd, fd);
        used--;
    }

    private int nextClear(int from) {
        int word = from >> 6;
        if (word >= open.length) {
            return from;
        }
        long free = ~open[word] & -1L << (from & 63);
        while (free == 0) {
            if (++word == open.length) {
                return word * 64;
            }
            free = ~open[word];
        }
        return word * 64 + Long.numberOfTrailingZeros(free);
    }

    private void grow(int fd) {
        int size = Math.max(table.length * 2, (fd | 63) + 1);
        open = Arrays.copyOf(open, size / 64);
        table = Arrays.copyOf(table, size);
    }
}
