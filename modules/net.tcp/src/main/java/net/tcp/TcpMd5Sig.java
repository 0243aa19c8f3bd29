package net.tcp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import net.core.sock.OptVal;
import net.core.sock.SockConst;

/**
 * The value of TCP_MD5SIG and TCP_MD5SIG_EXT: a secret that segments from and to a network's addresses are signed with; an
 * empty secret takes the key away.
 *
 * <p>RFC 2385. Linux: struct tcp_md5sig, include/uapi/linux/tcp.h
 */
public final class TcpMd5Sig {
    /** {@code prefixlen} counts, with TCP_MD5SIG_EXT; else a key is for one address. */
    public static final int FLAG_PREFIX = 1;
    /** The key is bound to an L3 domain, which there are none of here, or with {@code ifindex} 0 to being in none. */
    public static final int FLAG_IFINDEX = 2;
    /** Longest secret, bytes. */
    public static final int MAX_SECRET = 80;

    static final int SIZE = 216;
    static final int ADDR_AT = 4;
    static final int FLAGS_AT = 128;
    static final int PREFIXLEN_AT = 129;
    static final int KEYLEN_AT = 130;
    static final int IFINDEX_AT = 132;
    static final int KEY_AT = 136;

    private TcpMd5Sig() {}

    /** A key for one address, for TCP_MD5SIG. */
    public static OptVal of(int addr, byte[] secret) {
        return of(addr, 0, 0, secret);
    }

    /** A key for a network, for TCP_MD5SIG_EXT. */
    public static OptVal of(int addr, int prefixlen, byte[] secret) {
        return of(addr, prefixlen, FLAG_PREFIX, secret);
    }

    private static OptVal of(int addr, int prefixlen, int flags, byte[] secret) {
        if (secret.length > MAX_SECRET) {
            throw new IllegalArgumentException("secret of " + secret.length + " bytes, at most " + MAX_SECRET);
        }
        byte[] struct = new byte[SIZE];
        ByteBuffer b = ByteBuffer.wrap(struct).order(ByteOrder.nativeOrder());
        b.putShort(0, (short) SockConst.AF_INET);
        b.order(ByteOrder.BIG_ENDIAN).putInt(ADDR_AT, addr).order(ByteOrder.nativeOrder());
        b.put(FLAGS_AT, (byte) flags);
        b.put(PREFIXLEN_AT, (byte) prefixlen);
        b.putShort(KEYLEN_AT, (short) secret.length);
        b.put(KEY_AT, secret);
        return new OptVal(struct);
    }
}
