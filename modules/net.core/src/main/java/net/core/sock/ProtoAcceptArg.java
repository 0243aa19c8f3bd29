package net.core.sock;

/**
 * How to accept, and what came of it. Linux: struct proto_accept_arg, include/net/sock.h
 */
public final class ProtoAcceptArg {
    /** O_NONBLOCK or 0. */
    public int flags;

    /** Negative errno when no sock was returned. */
    public int err = -net.skbuff.Errno.EINVAL;

    /** Another connection waits (io_uring's hint). */
    public boolean isEmpty;

    /** On behalf of the kernel itself. */
    public boolean kern;
}
