package net.core.sock;

/**
 * Event bits of poll and epoll; POLLxxx and EPOLLxxx are the same numbers.
 *
 * <p>Linux: include/uapi/linux/eventpoll.h
 */
public final class PollMask {
    public static final int EPOLLIN = 0x001;
    public static final int EPOLLPRI = 0x002;
    public static final int EPOLLOUT = 0x004;
    public static final int EPOLLERR = 0x008;
    public static final int EPOLLHUP = 0x010;
    public static final int EPOLLNVAL = 0x020;
    public static final int EPOLLRDNORM = 0x040;
    public static final int EPOLLRDBAND = 0x080;
    public static final int EPOLLWRNORM = 0x100;
    public static final int EPOLLWRBAND = 0x200;
    public static final int EPOLLMSG = 0x400;
    public static final int EPOLLRDHUP = 0x2000;

    /** Wake at most one of the epolls that watch the same file (thundering herd). */
    public static final int EPOLLEXCLUSIVE = 1 << 28;

    public static final int EPOLLWAKEUP = 1 << 29;

    /** Disarm after one delivery, until modified. */
    public static final int EPOLLONESHOT = 1 << 30;

    /** Edge triggered. */
    public static final int EPOLLET = 1 << 31;

    /** Bits that are settings of an entry, not events. */
    public static final int EP_PRIVATE_BITS = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE;

    private PollMask() {}
}
