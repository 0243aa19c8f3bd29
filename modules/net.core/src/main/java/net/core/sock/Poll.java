package net.core.sock;

import net.core.Kernel;
import net.core.task.Scheduler;
import net.core.task.WaitEntry;
import net.core.task.WaitQueueHead;
import net.core.task.Waiter;
import net.core.time.Clock;
import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;

/**
 * poll(2): asks files which events hold, and sleeps in all their queues until one does.
 *
 * <p><b>Context:</b> process. {@code Deviation:} no busy polling here yet (net.core.busy_poll).
 *
 * <p>Linux: do_poll(), struct poll_wqueues, fs/select.c
 */
final class Poll {
    private Poll() {}

    /**
     * Fills {@code revents} of the first {@code n} entries.
     *
     * @param timeoutNs 0 not to wait, negative for ever
     * @return entries with events, 0 after the time, -EINTR
     */
    static int poll(Kernel kernel, FilesStruct files, PollFd[] fds, int n, long timeoutNs) {
        int ready = scan(files, fds, n, null);
        if (ready > 0 || timeoutNs == 0) {
            return ready;
        }
        Scheduler scheduler = kernel.scheduler();
        Waiter waiter = scheduler.currentWaiter();
        Queues queues = new Queues(waiter); // allocates: an entry for each queue, as Linux allocates its poll table
        Clock clock = kernel.clock();
        long deadlineNs = timeoutNs < 0 ? Clock.NEVER : Clock.deadline(clock.nanoTime(), timeoutNs);
        try {
            waiter.waitsFor("poll").prepare();
            ready = scan(files, fds, n, queues);
            while (ready == 0) {
                boolean woken = scheduler.park(waiter.expectsCpu(0), deadlineNs);
                boolean interrupted = waiter.interrupted();
                waiter.waitsFor("poll").prepare();
                ready = scan(files, fds, n, null);
                if (ready == 0 && interrupted) {
                    return -Errno.EINTR;
                }
                if (!woken) {
                    break;
                }
            }
            return ready;
        } finally {
            waiter.finish();
            queues.free();
        }
    }

    private static int scan(FilesStruct files, PollFd[] fds, int n, @Nullable Queues queues) {
        int ready = 0;
        for (int i = 0; i < n; i++) {
            PollFd p = fds[i];
            p.revents = 0;
            if (p.fd < 0) {
                continue;
            }
            File file = files.get(p.fd);
            int filter = p.events | PollMask.EPOLLERR | PollMask.EPOLLHUP;
            if (queues != null) {
                queues.key = filter;
            }
            p.revents = file == null ? PollMask.EPOLLNVAL : file.ops.poll(file, queues) & filter;
            if (p.revents != 0) {
                ready++;
            }
        }
        return ready;
    }

    /** Entries of one thread in many queues. */
    static final class Queues extends PollTable {
        private final Waiter waiter;
        private @Nullable Link first;

        Queues(Waiter waiter) {
            this.waiter = waiter;
        }

        @Override
        public void pollWait(File file, WaitQueueHead queue) {
            Link link = new Link(waiter, queue, key, first);
            first = link;
            queue.add(link);
        }

        void free() {
            for (Link link = first; link != null; link = link.nextLink) {
                link.queue.remove(link);
            }
            first = null;
        }
    }

    private static final class Link extends WaitEntry {
        final WaitQueueHead queue;
        final @Nullable Link nextLink;

        Link(Waiter waiter, WaitQueueHead queue, int key, @Nullable Link nextLink) {
            super(waiter);
            this.queue = queue;
            this.nextLink = nextLink;
            pollMask = key;
        }
    }
}
