package net.tcp;

import java.util.Arrays;
import java.util.HexFormat;

/**
 * The cookie of a fast open option: empty in a SYN that asks for one. Where the kernel has a length of -1, for no option,
 * there is null here.
 *
 * <pre>
 *   kind 34 | length | cookie, 4 to 16 bytes of even number         RFC 7413 4.1.1
 *   kind 254 | length | 0xF989 | cookie                              before it had a number
 * </pre>
 *
 * <p><b>Context:</b> immutable.
 *
 * <p>Linux: struct tcp_fastopen_cookie, include/linux/tcp.h
 *
 * @param exp in the experimental option
 */
@SuppressWarnings("ArrayRecordComponent") // private to the stack, never written after its making
record TcpFastOpenCookie(byte[] value, boolean exp) {
    /** Bytes of a cookie on the wire. */
    static final int MIN_LENGTH = 4, MAX_LENGTH = 16;

    private static final byte[] EMPTY = new byte[0];

    /** Asks for a cookie. */
    static final TcpFastOpenCookie REQUEST = new TcpFastOpenCookie(EMPTY, false);
    /** Asks with the experimental option. */
    static final TcpFastOpenCookie REQUEST_EXP = new TcpFastOpenCookie(EMPTY, true);

    /** A request for a cookie by either option. */
    static TcpFastOpenCookie request(boolean exp) {
        return exp ? REQUEST_EXP : REQUEST;
    }

    /** Bytes of the cookie. */
    int length() {
        return value.length;
    }

    /** Bytes of the option, before padding. */
    int optionLength() {
        return value.length + (exp ? TcpConst.TCPOLEN_EXP_FASTOPEN_BASE : TcpConst.TCPOLEN_FASTOPEN_BASE);
    }

    /** The same cookie in the other's option. */
    TcpFastOpenCookie inOptionOf(TcpFastOpenCookie other) {
        return exp == other.exp ? this : new TcpFastOpenCookie(value, other.exp);
    }

    /** Same bytes. */
    boolean matches(TcpFastOpenCookie other) {
        return Arrays.equals(value, other.value);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof TcpFastOpenCookie c && matches(c) && exp == c.exp;
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(value) * 2 + (exp ? 1 : 0);
    }

    @Override
    public String toString() {
        return (exp ? "exp " : "") + HexFormat.of().formatHex(value);
    }
}
