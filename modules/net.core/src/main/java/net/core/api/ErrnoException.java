package net.core.api;

import java.net.SocketException;
import net.skbuff.Errno;

/** A system call failed: says which, on what, and why, as {@code connect 10.9.0.2:80: ECONNREFUSED (Connection refused)}. */
public final class ErrnoException extends SocketException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    /**
     * @param what the call and its object
     * @param errno positive
     */
    public ErrnoException(String what, int errno) {
        super(what + ": " + Errno.name(errno) + " (" + Errno.text(errno) + ")");
        this.errno = errno;
    }

    /** The number, as {@link Errno} names it. */
    public int errno() {
        return errno;
    }
}
