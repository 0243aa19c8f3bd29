package net.core.sock;

import net.core.Cpu;
import net.core.Kernel;
import net.core.task.Scheduler;
import net.core.task.WaitEntry;
import net.core.task.WaitQueueHead;
import net.core.task.Waiter;
import net.core.time.Clock;
import net.skbuff.Errno;
import net.skbuff.Page;
import net.skbuff.UserBuf;
import org.jspecify.annotations.Nullable;

/**
 * A pipe: a ring of pieces of pages between a writer's file and a reader's. splice moves pieces in and out by
 * reference.
 *
 * <p><b>Context:</b> process; the ring under this object's monitor, which is never held while a thread sleeps.
 *
 * <p>Linux: struct pipe_inode_info, fs/pipe.c
 */
public final class Pipe {
    /** Pieces a pipe holds. Linux: PIPE_DEF_BUFFERS */
    public static final int PIPE_DEF_BUFFERS = 16;

    private static final int PAGE_SIZE = 4096;

    static final FileOperations READ_OPS = new ReadOps();
    static final FileOperations WRITE_OPS = new WriteOps();

    private final Kernel kernel;
    private final WaitQueueHead rdWait = new WaitQueueHead();
    private final WaitQueueHead wrWait = new WaitQueueHead();
    private final @Nullable Page[] pages = new @Nullable Page[PIPE_DEF_BUFFERS];
    private final int[] offsets = new int[PIPE_DEF_BUFFERS];
    private final int[] lengths = new int[PIPE_DEF_BUFFERS];

    /** Pieces [tail, head) are full. */
    private int head;

    private int tail;
    /** Places that splicers keep for what they are about to read. */
    private int reserved;

    private boolean readerGone;
    /** The first piece is being sent: no other reader may have it. */
    private boolean sending;

    private boolean writerGone;

    Pipe(Kernel kernel) {
        this.kernel = kernel;
    }

    private static int slot(int index) {
        return index & PIPE_DEF_BUFFERS - 1;
    }

    private @Nullable Page newPage() {
        Cpu cpu = kernel.localBhDisable(-1);
        Page page = cpu.allocPage(PAGE_SIZE);
        cpu.localBhEnable();
        return page;
    }

    // ---- write side ----

    private int write(UserBuf from, boolean noblock) {
        int done = 0;
        while (from.remaining() > 0) {
            int n = writeSome(from);
            if (n < 0) {
                return done > 0 ? done : n;
            }
            done += n;
            if (n > 0) {
                rdWait.wake(null, PollMask.EPOLLIN | PollMask.EPOLLRDNORM, 1);
                continue;
            }
            if (noblock) {
                return done > 0 ? done : -Errno.EAGAIN;
            }
            int err = sleep(wrWait, true);
            if (err != 0) {
                return done > 0 ? done : err;
            }
        }
        if (wrWait.active() && !full()) {
            wakeWriters(); // likewise: a read wakes one writer, who may leave room
        }
        return done;
    }

    /** Adds up to a page; 0 if the pipe is full. */
    private synchronized int writeSome(UserBuf from) {
        if (readerGone || writerGone) {
            return writerGone ? -Errno.EBADF : -Errno.EPIPE;
        }
        int n = Math.min(from.remaining(), PAGE_SIZE);
        if (head != tail) {
            int last = slot(head - 1);
            Page page = java.util.Objects.requireNonNull(pages[last]);
            int end = offsets[last] + lengths[last];
            int room = page.size() - end;
            if (room > 0 && page.refs() == 1 && !page.isPinnedUser() && n <= room) {
                int copied = from.copyIn(page.address() + end, n);
                lengths[last] += Math.max(copied, 0);
                return copied;
            }
        }
        if (full()) {
            return 0;
        }
        Page page = newPage();
        if (page == null) {
            return -Errno.ENOMEM;
        }
        int copied = from.copyIn(page.address(), n);
        if (copied < 0) {
            page.putDeferred();
            return copied;
        }
        add(page, 0, copied);
        return copied;
    }

    private void add(Page page, int offset, int length) {
        int at = slot(head++);
        pages[at] = page;
        offsets[at] = offset;
        lengths[at] = length;
    }

    /** Keeps a place for a piece, so that what is read for it need not be thrown away. @return false if the pipe is full */
    synchronized boolean reserve() {
        if (full()) {
            return false;
        }
        reserved++;
        return true;
    }

    /** Nothing came for the place kept. */
    void unreserve() {
        synchronized (this) {
            reserved--;
        }
        wakeWriters();
    }

    /** Appends a piece at the place kept, taking over the caller's reference. @return false if the pipe has no reader */
    boolean spliceIn(Page page, int offset, int length) {
        synchronized (this) {
            reserved--;
            if (readerGone) {
                return false;
            }
            add(page, offset, length);
        }
        rdWait.wake(null, PollMask.EPOLLIN | PollMask.EPOLLRDNORM, 1);
        return true;
    }

    synchronized boolean full() {
        return head - tail + reserved == PIPE_DEF_BUFFERS;
    }

    // ---- read side ----

    private int read(UserBuf to, boolean noblock) {
        int done = 0;
        while (to.remaining() > 0) {
            int n = readSome(to);
            if (n < 0) {
                return done > 0 ? done : n;
            }
            done += n;
            if (n > 0) {
                wrWait.wake(null, PollMask.EPOLLOUT | PollMask.EPOLLWRNORM, 1);
                continue;
            }
            if (done > 0 || atEnd()) {
                return done;
            }
            if (noblock) {
                return -Errno.EAGAIN;
            }
            int err = sleep(rdWait, false);
            if (err != 0) {
                return err;
            }
        }
        wakeNextReader();
        return done;
    }

    /** A write wakes one reader: who leaves something wakes the next. */
    private void wakeNextReader() {
        if (rdWait.active() && !empty()) {
            rdWait.wake(null, PollMask.EPOLLIN | PollMask.EPOLLRDNORM, 1);
        }
    }

    private synchronized int readSome(UserBuf to) {
        if (head == tail || readerGone || sending) {
            return readerGone ? -Errno.EBADF : 0;
        }
        int at = slot(tail);
        Page page = java.util.Objects.requireNonNull(pages[at]);
        int n = to.copyOut(page.address() + offsets[at], Math.min(lengths[at], to.remaining()));
        if (n > 0) {
            consume(n);
        }
        return n;
    }

    /**
     * Describes the first piece, whose page the caller holds then, without taking it off: for splice out. Other readers
     * wait until {@link #sent}.
     *
     * @return its length, 0 if there is none or another has it, -EBADF if this end was closed meanwhile
     */
    synchronized int first(UserPages into, int max) {
        if (head == tail || readerGone || sending) {
            return readerGone ? -Errno.EBADF : 0;
        }
        sending = true;
        int at = slot(tail);
        int n = Math.min(lengths[at], max);
        Page page = java.util.Objects.requireNonNull(pages[at]);
        page.get();
        into.wrap(page, offsets[at], n);
        return n;
    }

    /**
     * Drops the {@code n} bytes sent of what {@link #first} described, unless a close has taken them meanwhile, and lets
     * the next reader in.
     */
    void sent(Page page, int offset, int n) {
        synchronized (this) {
            sending = false;
            int at = slot(tail);
            if (n > 0 && head != tail && pages[at] == page && offsets[at] == offset && lengths[at] >= n) {
                consume(n);
            }
        }
        if (rdWait.active()) {
            rdWait.wake(null, PollMask.EPOLLIN | PollMask.EPOLLRDNORM, atEnd() ? 0 : 1);
        }
    }

    /** Drops {@code n} bytes of the first piece. */
    private synchronized void consume(int n) {
        int at = slot(tail);
        offsets[at] += n;
        lengths[at] -= n;
        if (lengths[at] == 0) {
            Page page = java.util.Objects.requireNonNull(pages[at]);
            pages[at] = null;
            tail++;
            page.putDeferred();
        }
    }

    void wakeWriters() {
        wrWait.wake(null, PollMask.EPOLLOUT | PollMask.EPOLLWRNORM, 1);
    }

    synchronized boolean atEnd() {
        return writerGone && head == tail;
    }

    synchronized boolean empty() {
        return head == tail;
    }

    // ---- both ----

    /** Sleeps until there is room (or data), or the other side is gone. */
    int sleep(WaitQueueHead queue, boolean forRoom) {
        Scheduler scheduler = kernel.scheduler();
        Waiter waiter = scheduler.currentWaiter();
        WaitEntry entry = waiter.entry();
        queue.addExclusive(entry);
        try {
            for (; ; ) {
                waiter.waitsFor(this).prepare();
                if (forRoom ? roomOrEnd() : dataOrEnd()) {
                    return 0;
                }
                scheduler.park(waiter, Clock.NEVER);
                if (waiter.interrupted()) {
                    return -Errno.EINTR;
                }
            }
        } finally {
            waiter.finish();
            queue.remove(entry);
        }
    }

    private synchronized boolean roomOrEnd() {
        return readerGone || writerGone || !full();
    }

    private synchronized boolean dataOrEnd() {
        return readerGone || !sending && (writerGone || head != tail);
    }

    int sleepForData() {
        return sleep(rdWait, false);
    }

    int sleepForRoom() {
        return sleep(wrWait, true);
    }

    synchronized boolean isReaderGone() {
        return readerGone;
    }

    private synchronized boolean isWriterGone() {
        return writerGone;
    }

    /** Bytes in the pipe. */
    synchronized int bytes() {
        int sum = 0;
        for (int i = tail; i != head; i++) {
            sum += lengths[slot(i)];
        }
        return sum;
    }

    private void release(boolean reader) {
        synchronized (this) {
            readerGone |= reader;
            writerGone |= !reader;
            if (readerGone) {
                while (head != tail) {
                    consume(lengths[slot(tail)]);
                }
            }
        }
        rdWait.wake(null, PollMask.EPOLLIN | PollMask.EPOLLHUP, 0);
        wrWait.wake(null, PollMask.EPOLLOUT | PollMask.EPOLLERR, 0);
    }

    private static Pipe of(File file) {
        return (Pipe) file.privateData;
    }

    /** The reader's end. */
    private static final class ReadOps extends FileOperations {
        @Override
        public int read(File file, UserBuf to) {
            return of(file).read(to, file.nonblocking());
        }

        @Override
        public int write(File file, UserBuf from) {
            return -Errno.EBADF;
        }

        @Override
        public int poll(File file, @Nullable PollTable wait) {
            Pipe pipe = of(file);
            if (wait != null) {
                wait.pollWait(file, pipe.rdWait);
            }
            int mask = pipe.empty() ? 0 : PollMask.EPOLLIN | PollMask.EPOLLRDNORM;
            return pipe.isWriterGone() ? mask | PollMask.EPOLLHUP : mask;
        }

        @Override
        public int ioctl(File file, int cmd, OptVal arg) {
            if (cmd == SockConst.FIONREAD) {
                arg.setInt(of(file).bytes());
                return 0;
            }
            return -Errno.ENOTTY;
        }

        @Override
        public void release(File file) {
            of(file).release(true);
        }
    }

    /** The writer's end. */
    private static final class WriteOps extends FileOperations {
        @Override
        public int read(File file, UserBuf to) {
            return -Errno.EBADF;
        }

        @Override
        public int write(File file, UserBuf from) {
            return of(file).write(from, file.nonblocking());
        }

        @Override
        public int poll(File file, @Nullable PollTable wait) {
            Pipe pipe = of(file);
            if (wait != null) {
                wait.pollWait(file, pipe.wrWait);
            }
            int mask = pipe.full() ? 0 : PollMask.EPOLLOUT | PollMask.EPOLLWRNORM;
            return pipe.isReaderGone() ? mask | PollMask.EPOLLERR : mask;
        }

        @Override
        public void release(File file) {
            of(file).release(false);
        }
    }
}
