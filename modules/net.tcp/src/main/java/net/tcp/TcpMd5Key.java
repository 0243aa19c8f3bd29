package net.tcp;

/**
 * A secret shared with the peers of one network, and where it applies.
 *
 * <p><b>Context:</b> everything but {@link #secret} is fixed; that is replaced as a whole, so that a reader without the
 * lock sees the old one or the new one.
 *
 * <p>Linux: struct tcp_md5sig_key, include/net/tcp.h
 */
final class TcpMd5Key {
    /** What a key costs of {@code net.core.optmem_max}, bytes: as Linux, whose struct is that large. */
    static final int CHARGE = 136;

    /** Address of the network as given, its host bits included, host order. */
    final int addr;
    /** Bits of {@link #addr} that a peer must share. */
    final int prefixlen;
    /** The key was bound to "no L3 domain" (TCP_MD5SIG_FLAG_IFINDEX). */
    final boolean bound;

    volatile byte[] secret;

    TcpMd5Key(int addr, int prefixlen, boolean bound, byte[] secret) {
        this.addr = addr;
        this.prefixlen = prefixlen;
        this.bound = bound;
        this.secret = secret;
    }

    /** Does it apply to this peer? */
    boolean covers(int peer) {
        return prefixlen == 0 || (addr ^ peer) >>> 32 - prefixlen == 0;
    }

    /** Is it the key that these words name? Linux: tcp_md5_do_lookup_exact(). */
    boolean named(int addr, int prefixlen, boolean bound) {
        return this.addr == addr && this.prefixlen == prefixlen && this.bound == bound;
    }
}
