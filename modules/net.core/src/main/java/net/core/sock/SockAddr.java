package net.core.sock;

/**
 * An address as bind, connect and recvfrom exchange it. Subclasses are the families' formats.
 *
 * <p>Linux: struct sockaddr, include/uapi/linux/socket.h
 */
public abstract class SockAddr {
    /** AF_xxx. AF_UNSPEC in {@code connect} dissolves an association. */
    public final int family;

    protected SockAddr(int family) {
        this.family = family;
    }

    /** The address of no family, with which {@code connect} disconnects. */
    public static SockAddr unspec() {
        return new Unspec();
    }

    private static final class Unspec extends SockAddr {
        Unspec() {
            super(SockConst.AF_UNSPEC);
        }

        @Override
        public String toString() {
            return "unspec";
        }
    }
}
