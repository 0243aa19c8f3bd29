package net.core.sock;

import java.util.Arrays;

/**
 * An IPv6 address (16 bytes, network order) with port, flow label and scope.
 *
 * <p>Linux: struct sockaddr_in6, include/uapi/linux/in6.h
 */
public final class SockAddrIn6 extends SockAddr {
    public final byte[] addr = new byte[16];
    public int port;
    public int flowInfo;
    public int scopeId;

    public SockAddrIn6() {
        super(SockConst.AF_INET6);
    }

    public SockAddrIn6(byte[] addr, int port) {
        this();
        System.arraycopy(addr, 0, this.addr, 0, 16);
        this.port = port;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof SockAddrIn6 a && a.port == port && a.scopeId == scopeId && Arrays.equals(a.addr, addr);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(addr) * 31 + port;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("[");
        for (int i = 0; i < 16; i += 2) {
            text.append(i == 0 ? "" : ":").append(Integer.toHexString((addr[i] & 255) << 8 | addr[i + 1] & 255));
        }
        return text.append("]:").append(port).toString();
    }
}
