package net.core.sock;

/**
 * An IPv4 address and port, both as host-order ints (10.9.0.2 is 0x0A090002).
 *
 * <p>Mutable, so that a receive loop can hand in the same object for every datagram's source.
 *
 * <p>Linux: struct sockaddr_in, include/uapi/linux/in.h
 */
public final class SockAddrIn extends SockAddr {
    public static final int INADDR_ANY = 0;
    public static final int INADDR_LOOPBACK = 0x7f000001;
    public static final int INADDR_BROADCAST = -1;

    public int addr;
    public int port;

    public SockAddrIn() {
        super(SockConst.AF_INET);
    }

    public SockAddrIn(int addr, int port) {
        this();
        this.addr = addr;
        this.port = port;
    }

    public SockAddrIn set(int addr, int port) {
        this.addr = addr;
        this.port = port;
        return this;
    }

    /** Dotted-quad text of a host-order address. */
    public static String text(int addr) {
        return (addr >>> 24) + "." + (addr >>> 16 & 255) + "." + (addr >>> 8 & 255) + "." + (addr & 255);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof SockAddrIn a && a.addr == addr && a.port == port;
    }

    @Override
    public int hashCode() {
        return addr * 31 + port;
    }

    @Override
    public String toString() {
        return text(addr) + ":" + port;
    }
}
