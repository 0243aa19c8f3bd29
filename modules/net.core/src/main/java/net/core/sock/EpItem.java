package net.core.sock;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.task.WaitEntry;
import net.core.task.WaitQueueHead;
import org.jspecify.annotations.Nullable;

/**
 * One file watched by one epoll. It is itself the entry in the file's wait queue; a file with several queues costs one
 * {@link Extra} for each further one.
 *
 * <p><b>Context:</b> {@link #queued} atomically by anyone; {@link #incomingNext} by whoever set {@code queued}; the rest
 * under the epoll's monitor.
 *
 * <p>Linux: struct epitem, struct eppoll_entry, fs/eventpoll.c
 */
final class EpItem extends WaitEntry {
    private static final VarHandle QUEUED;

    static {
        try {
            QUEUED = MethodHandles.lookup().findVarHandle(EpItem.class, "queued", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final EventPoll ep;
    final File file;
    final int fd;

    /** Wanted events and settings; without event bits after a one-shot delivery. */
    volatile int events;

    long data;

    @Nullable
    Object attachment;

    /** 1 while the item is in the epoll's incoming stack or ready list. */
    @SuppressWarnings("unused") // by QUEUED
    private volatile int queued;

    @Nullable
    EpItem incomingNext;

    @Nullable
    EpItem readyNext;

    @Nullable
    EpItem readyPrev;

    boolean onReadyList;

    /** Other items of the same number: the file was closed but a duplicate of it lives on. */
    @Nullable
    EpItem sameFd;

    /** Next of {@link File#epItems}; under the file's monitor. */
    @Nullable
    EpItem fileNext;

    /** The queue this entry is in; null if the file has none. */
    @Nullable
    WaitQueueHead whead;

    @Nullable
    Extra extras;

    boolean removed;

    EpItem(EventPoll ep, File file, int fd) {
        super(EventPoll.CALLBACK);
        this.ep = ep;
        this.file = file;
        this.fd = fd;
    }

    /** True for the one caller that must put the item on a list. */
    boolean markQueued() {
        return queued == 0 && QUEUED.compareAndSet(this, 0, 1);
    }

    boolean isQueued() {
        return queued != 0;
    }

    /** From here on a wake-up queues the item again. Full fence: before the file's state is read. */
    void clearQueued() {
        queued = 0;
        VarHandle.fullFence();
    }

    /** A further wait queue of the same file. */
    static final class Extra extends WaitEntry {
        final EpItem item;
        final WaitQueueHead whead;

        @Nullable
        Extra next;

        Extra(EpItem item, WaitQueueHead whead) {
            super(EventPoll.CALLBACK);
            this.item = item;
            this.whead = whead;
        }
    }
}
