package net.core.sock;

/**
 * One entry of poll(2). Linux: struct pollfd, include/uapi/asm-generic/poll.h
 */
public final class PollFd {
    /** A negative number is skipped. */
    public int fd;

    public int events;
    public int revents;

    public PollFd(int fd, int events) {
        this.fd = fd;
        this.events = events;
    }
}
