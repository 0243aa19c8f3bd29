package net.core.sock;

import static net.core.sock.PollMask.EPOLLERR;
import static net.core.sock.PollMask.EPOLLET;
import static net.core.sock.PollMask.EPOLLEXCLUSIVE;
import static net.core.sock.PollMask.EPOLLHUP;
import static net.core.sock.PollMask.EPOLLIN;
import static net.core.sock.PollMask.EPOLLONESHOT;
import static net.core.sock.PollMask.EPOLLOUT;
import static net.core.sock.PollMask.EPOLLRDNORM;
import static net.core.sock.PollMask.EPOLLWAKEUP;
import static net.core.sock.PollMask.EP_PRIVATE_BITS;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import net.core.Cpu;
import net.core.Kernel;
import net.core.task.Scheduler;
import net.core.task.WaitEntry;
import net.core.task.WaitQueueHead;
import net.core.task.Waiter;
import net.core.task.WakeFunction;
import net.core.time.Clock;
import net.skbuff.Errno;
import org.agrona.collections.Int2ObjectHashMap;
import org.jspecify.annotations.Nullable;

/**
 * An epoll: files that a program watches, and those of them that may be ready.
 *
 * <p>A wake-up of a watched file runs {@link #CALLBACK}, often in softirq context. It pushes the item onto a lock-free
 * stack, at most once until it is looked at again, and wakes one waiting thread; no program code runs and no lock is
 * waited for. {@link #epollWait} takes the stack over into the ready list, asks each file what really holds, and keeps
 * level-triggered items that were reported at the list's tail.
 *
 * <p><b>Context:</b> process, except for the callback (any). Everything but the stack is under this object's monitor;
 * order: this monitor, then the monitor of a nested epoll, then a file's.
 *
 * <p>{@code Deviation:} Linux has a rwlock for the ready list and an overflow list while it is being scanned; the stack
 * needs neither.
 *
 * <p>Linux: struct eventpoll, ep_poll_callback(), ep_send_events(), fs/eventpoll.c
 */
public final class EventPoll {
    public static final int EPOLL_CTL_ADD = 1;
    public static final int EPOLL_CTL_DEL = 2;
    public static final int EPOLL_CTL_MOD = 3;

    /** Epolls that may watch each other in a row. */
    private static final int EP_MAX_NESTS = 4;

    private static final int EPOLLEXCLUSIVE_OK_BITS =
            EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

    static final WakeFunction CALLBACK = EventPoll::epPollCallback;
    static final FileOperations FILE_OPS = new Ops();

    private static final VarHandle INCOMING;

    static {
        try {
            INCOMING = MethodHandles.lookup().findVarHandle(EventPoll.class, "incoming", EpItem.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Kernel kernel;

    /** Threads in {@link #epollWait}. */
    private final WaitQueueHead wq = new WaitQueueHead();

    /** Whoever polls this epoll itself. */
    private final WaitQueueHead pollWait = new WaitQueueHead();

    private final Int2ObjectHashMap<EpItem> items = new Int2ObjectHashMap<>();

    /** Items whose file woke since the last scan; newest first. */
    private volatile @Nullable EpItem incoming;

    private volatile @Nullable EpItem readyHead;
    private @Nullable EpItem readyTail;

    /** The CPU that last made an item ready: a hint, racy. */
    private int lastCpu;

    /** Closed: threads in {@link #epollWait} leave. */
    private volatile boolean released;

    /** The file this is behind: its epoll items are the epolls that watch this one. */
    final File file;

    private EventPoll(Kernel kernel) {
        this.kernel = kernel;
        this.file = new File(FILE_OPS, this, FileFlags.O_RDWR);
    }

    /** The file of a new epoll. */
    static File create(Kernel kernel) {
        return new EventPoll(kernel).file;
    }

    // ---- the callback: any context, under the watched file's wait queue lock ----

    private static boolean epPollCallback(WaitEntry entry, WaitQueueHead head, @Nullable Cpu cpu, int mask) {
        EpItem item = entry instanceof EpItem direct ? direct : ((EpItem.Extra) entry).item;
        int wanted = item.events;
        if ((wanted & ~EP_PRIVATE_BITS) == 0 || mask != 0 && (mask & wanted) == 0) {
            return false;
        }
        EventPoll ep = item.ep;
        if (cpu != null && ep.lastCpu != cpu.id) {
            ep.lastCpu = cpu.id;
        }
        if (item.markQueued()) {
            ep.pushIncoming(item);
        }
        boolean woke = ep.wakeWaiters(cpu);
        return (wanted & EPOLLEXCLUSIVE) == 0 || woke && servesExclusive(wanted, mask);
    }

    /** Whether the one who is woken for this asked for the direction that became ready. */
    private static boolean servesExclusive(int wanted, int mask) {
        int inOut = mask & (EPOLLIN | EPOLLOUT);
        return inOut != EPOLLIN && inOut != EPOLLOUT || (wanted & inOut) != 0;
    }

    private void pushIncoming(EpItem item) {
        EpItem first;
        do {
            first = incoming;
            item.incomingNext = first;
        } while (!INCOMING.compareAndSet(this, first, item));
    }

    /** Wakes one waiting thread and everybody who polls this epoll. @return whether a thread was waiting */
    private boolean wakeWaiters(@Nullable Cpu cpu) {
        boolean waiting = wq.hasSleeper();
        if (waiting) {
            wq.wake(cpu, 0, 1);
        }
        if (pollWait.active()) {
            pollWait.wake(cpu, EPOLLIN | EPOLLRDNORM, 0);
        }
        return waiting;
    }

    // ---- ready list: monitor ----

    /** Appends what came in, oldest first. */
    private void drainIncoming() {
        if (incoming == null) {
            return;
        }
        EpItem stack = (EpItem) INCOMING.getAndSet(this, (EpItem) null);
        EpItem oldestFirst = null;
        while (stack != null) {
            EpItem following = stack.incomingNext;
            stack.incomingNext = oldestFirst;
            oldestFirst = stack;
            stack = following;
        }
        while (oldestFirst != null) {
            EpItem following = oldestFirst.incomingNext;
            oldestFirst.incomingNext = null;
            appendReady(oldestFirst);
            oldestFirst = following;
        }
    }

    private void appendReady(EpItem item) {
        EpItem last = readyTail;
        item.readyPrev = last;
        item.readyNext = null;
        item.onReadyList = true;
        readyTail = item;
        if (last == null) {
            readyHead = item;
        } else {
            last.readyNext = item;
        }
    }

    private void unlinkReady(EpItem item) {
        EpItem before = item.readyPrev;
        EpItem after = item.readyNext;
        if (before == null) {
            readyHead = after;
        } else {
            before.readyNext = after;
        }
        if (after == null) {
            readyTail = before;
        } else {
            after.readyPrev = before;
        }
        item.readyPrev = null;
        item.readyNext = null;
        item.onReadyList = false;
    }

    private boolean eventsAvailable() {
        return readyHead != null || incoming != null;
    }

    // ---- epoll_ctl ----

    /** @return 0 or -errno: -EEXIST, -ENOENT, -ELOOP, -EINVAL */
    int ctl(int op, int fd, File target, @Nullable EpollEvent event, Object nestLock) {
        boolean nested = target.privateData instanceof EventPoll;
        if (target.privateData == this) {
            return -Errno.EINVAL;
        }
        if (op != EPOLL_CTL_DEL) {
            if (event == null) {
                return -Errno.EFAULT;
            }
            int err = checkExclusive(op, event.events, nested);
            if (err != 0) {
                return err;
            }
        }
        if (nested && op == EPOLL_CTL_ADD) {
            synchronized (nestLock) {
                if (reaches((EventPoll) target.privateData, watchers(this, 0))) {
                    return -Errno.ELOOP;
                }
                return ctlLocked(op, fd, target, event);
            }
        }
        return ctlLocked(op, fd, target, event);
    }

    private static int checkExclusive(int op, int events, boolean nested) {
        if ((events & EPOLLEXCLUSIVE) == 0) {
            return 0;
        }
        boolean odd = (events & ~EPOLLEXCLUSIVE_OK_BITS) != 0;
        return op == EPOLL_CTL_MOD || nested || odd ? -Errno.EINVAL : 0;
    }

    /** True if {@code other} watches this epoll, directly or not, or the chain gets too long. Linux: ep_loop_check() */
    private boolean reaches(EventPoll other, int depth) {
        if (other == this || depth > EP_MAX_NESTS) {
            return true;
        }
        synchronized (other) {
            for (EpItem first : other.items.values()) {
                for (EpItem item = first; item != null; item = item.sameFd) {
                    if (item.file.privateData instanceof EventPoll inner && reaches(inner, depth + 1)) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    /**
     * Epolls in a row from the outermost that watches {@code ep}, itself included: the chain counts from whichever end it
     * is built. Circles can't be, so it ends. Linux: ep_get_upwards_depth_proc()
     */
    private static int watchers(EventPoll ep, int depth) {
        int most = depth + 1;
        if (most > EP_MAX_NESTS) {
            return most;
        }
        List<EventPoll> outer = new ArrayList<>();
        synchronized (ep.file) {
            for (EpItem item = ep.file.epItems; item != null; item = item.fileNext) {
                outer.add(item.ep);
            }
        }
        for (EventPoll o : outer) {
            most = Math.max(most, watchers(o, depth + 1));
        }
        return most;
    }

    private synchronized int ctlLocked(int op, int fd, File target, @Nullable EpollEvent event) {
        if (released) {
            return -Errno.EBADF; // closed meanwhile: what is added now would never be taken out
        }
        EpItem item = find(fd, target);
        switch (op) {
            case EPOLL_CTL_ADD -> {
                return item != null ? -Errno.EEXIST : insert(fd, target, java.util.Objects.requireNonNull(event));
            }
            case EPOLL_CTL_DEL -> {
                if (item == null) {
                    return -Errno.ENOENT;
                }
                remove(item);
                return 0;
            }
            case EPOLL_CTL_MOD -> {
                if (item == null) {
                    return -Errno.ENOENT;
                }
                if ((item.events & EPOLLEXCLUSIVE) != 0) {
                    return -Errno.EINVAL;
                }
                return modify(item, java.util.Objects.requireNonNull(event));
            }
            default -> {
                return -Errno.EINVAL;
            }
        }
    }

    private @Nullable EpItem find(int fd, File file) {
        EpItem item = items.get(fd);
        while (item != null && item.file != file) {
            item = item.sameFd;
        }
        return item;
    }

    private int insert(int fd, File file, EpollEvent event) {
        EpItem item = new EpItem(this, file, fd);
        item.events = event.events | EPOLLERR | EPOLLHUP;
        item.data = event.data;
        item.attachment = event.attachment;
        item.sameFd = items.get(fd);
        items.put(fd, item);
        synchronized (file) {
            item.fileNext = file.epItems;
            file.epItems = item;
        }
        queueIfReady(item, file.ops.poll(file, new Registration(item)));
        if (file.released()) {
            remove(item);
            return -Errno.EBADF;
        }
        return 0;
    }

    private int modify(EpItem item, EpollEvent event) {
        item.data = event.data;
        item.attachment = event.attachment;
        item.events = event.events | EPOLLERR | EPOLLHUP;
        VarHandle.fullFence(); // a wake-up sees the new mask, or we see what it announced
        queueIfReady(item, item.file.ops.poll(item.file, null));
        return 0;
    }

    private void queueIfReady(EpItem item, int revents) {
        if ((revents & item.events) != 0 && item.markQueued()) {
            appendReady(item);
            wakeWaiters(null);
        }
    }

    private void remove(EpItem item) {
        item.removed = true;
        WaitQueueHead head = item.whead;
        if (head != null) {
            head.remove(item);
        }
        for (EpItem.Extra extra = item.extras; extra != null; extra = extra.next) {
            extra.whead.remove(extra);
        }
        drainIncoming();
        if (item.onReadyList) {
            unlinkReady(item);
        }
        unmap(item);
        File file = item.file;
        synchronized (file) {
            if (file.epItems == item) {
                file.epItems = item.fileNext;
            } else {
                for (EpItem at = file.epItems; at != null; at = at.fileNext) {
                    if (at.fileNext == item) {
                        at.fileNext = item.fileNext;
                    }
                }
            }
        }
    }

    private void unmap(EpItem item) {
        EpItem first = items.get(item.fd);
        if (first == item) {
            if (item.sameFd == null) {
                items.remove(item.fd);
            } else {
                items.put(item.fd, item.sameFd);
            }
            return;
        }
        for (EpItem at = first; at != null; at = at.sameFd) {
            if (at.sameFd == item) {
                at.sameFd = item.sameFd;
            }
        }
    }

    /** The last descriptor of a watched file is gone: nobody watches it any more. Linux: eventpoll_release_file() */
    static void eventpollRelease(File file) {
        for (; ; ) {
            EpItem item;
            synchronized (file) {
                item = file.epItems;
            }
            if (item == null) {
                return;
            }
            synchronized (item.ep) {
                if (!item.removed) {
                    item.ep.remove(item);
                }
            }
        }
    }

    // ---- epoll_wait ----

    /**
     * Waits for events.
     *
     * @param timeoutNs 0 not to wait, negative for ever
     * @return how many elements of {@code out} were filled, or -EINTR
     */
    int epollWait(EpollEvent[] out, int max, long timeoutNs) {
        if (eventsAvailable()) {
            int n = sendEvents(out, max);
            if (n > 0) {
                return n;
            }
        }
        if (timeoutNs == 0) {
            return 0;
        }
        Clock clock = kernel.clock();
        long deadlineNs = timeoutNs < 0 ? Clock.NEVER : Clock.deadline(clock.nanoTime(), timeoutNs);
        Scheduler scheduler = kernel.scheduler();
        Waiter waiter = scheduler.currentWaiter();
        WaitEntry entry = waiter.entry();
        for (; ; ) {
            boolean woken = true;
            wq.addExclusive(entry);
            waiter.waitsFor(this).expectsCpu(lastCpu).prepare();
            if (!eventsAvailable() && !released) {
                woken = scheduler.park(waiter, deadlineNs);
            }
            waiter.finish();
            wq.remove(entry);
            int n = eventsAvailable() ? sendEvents(out, max) : 0;
            if (n > 0 || !woken) {
                return n;
            }
            if (waiter.interrupted()) {
                return -Errno.EINTR;
            }
            if (released) {
                return -Errno.EBADF;
            }
        }
    }

    /** Takes ready items off the list, asks their files, reports, and puts level-triggered ones back at the tail. */
    private synchronized int sendEvents(EpollEvent[] out, int max) {
        drainIncoming();
        EpItem last = readyTail;
        int n = 0;
        for (boolean more = last != null; more && n < max; ) {
            EpItem item = readyHead;
            if (item == null) {
                break;
            }
            more = item != last;
            unlinkReady(item);
            item.clearQueued();
            int revents = item.file.ops.poll(item.file, null) & item.events;
            if (revents == 0) {
                continue;
            }
            EpollEvent event = out[n++];
            event.events = revents;
            event.data = item.data;
            event.attachment = item.attachment;
            if ((item.events & EPOLLONESHOT) != 0) {
                item.events &= EP_PRIVATE_BITS;
            } else if ((item.events & EPOLLET) == 0 && item.markQueued()) {
                appendReady(item);
            }
        }
        if (eventsAvailable() && wq.hasSleeper()) {
            wq.wake(null, 0, 1);
        }
        return n;
    }

    private synchronized int pollReady() {
        drainIncoming();
        for (EpItem item = readyHead; item != null; ) {
            EpItem following = item.readyNext;
            if ((item.file.ops.poll(item.file, null) & item.events) != 0) {
                return EPOLLIN | EPOLLRDNORM;
            }
            unlinkReady(item);
            item.clearQueued();
            // A wake-up between the question and now found the item queued: ask again.
            queueIfReady(item, item.file.ops.poll(item.file, null));
            item = following;
        }
        return 0;
    }

    /** Files watched; for ss and tests. */
    public synchronized int size() {
        int n = 0;
        for (EpItem first : items.values()) {
            for (EpItem item = first; item != null; item = item.sameFd) {
                n++;
            }
        }
        return n;
    }

    private synchronized void releaseAll() {
        while (!items.isEmpty()) {
            remove(items.values().iterator().next());
        }
    }

    @Override
    public String toString() {
        return "epoll[" + items.size() + "]";
    }

    /** Enters the item, or one more entry for it, into the queues of its file. Linux: ep_ptable_queue_proc() */
    private static final class Registration extends PollTable {
        private final EpItem item;

        Registration(EpItem item) {
            this.item = item;
        }

        @Override
        public void pollWait(File file, WaitQueueHead queue) {
            WaitEntry entry = item;
            if (item.whead == null) {
                item.whead = queue;
            } else {
                EpItem.Extra extra = new EpItem.Extra(item, queue);
                extra.next = item.extras;
                item.extras = extra;
                entry = extra;
            }
            if ((item.events & EPOLLEXCLUSIVE) != 0) {
                queue.addExclusive(entry);
            } else {
                queue.add(entry);
            }
        }
    }

    private static final class Ops extends FileOperations {
        @Override
        public int poll(File file, @Nullable PollTable wait) {
            EventPoll ep = (EventPoll) file.privateData;
            if (wait != null) {
                wait.pollWait(file, ep.pollWait);
            }
            return ep.pollReady();
        }

        @Override
        public void release(File file) {
            EventPoll ep = (EventPoll) file.privateData;
            ep.released = true;
            ep.releaseAll();
            ep.wq.wakeAll(null);
        }
    }
}
