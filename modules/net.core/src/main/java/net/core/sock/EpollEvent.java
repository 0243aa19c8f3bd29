package net.core.sock;

import org.jspecify.annotations.Nullable;

/**
 * An event of epoll, in (epoll_ctl) or out (epoll_wait): the mask, and what the program attached.
 *
 * <p>Linux: struct epoll_event, include/uapi/linux/eventpoll.h
 */
public final class EpollEvent {
    public int events;
    public long data;

    /** {@code Deviation:} an object may be attached beside the number. */
    public @Nullable Object attachment;

    public EpollEvent() {}

    public EpollEvent(int events, long data) {
        this.events = events;
        this.data = data;
    }

    public EpollEvent(int events, long data, @Nullable Object attachment) {
        this(events, data);
        this.attachment = attachment;
    }
}
