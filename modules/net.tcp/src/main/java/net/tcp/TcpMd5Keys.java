package net.tcp;

import java.util.Arrays;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * The keys of a socket; made with its first one, and then there until the socket ends, for a socket that had a key must
 * not go back to segmentation by the device.
 *
 * <p>They last as long as the socket, so that the reset of a closed connection is signed.
 *
 * <p><b>Context:</b> changed with the socket owned; read without a lock by whoever checks a segment.
 *
 * <p>Linux: struct tcp_md5sig_info, net/ipv4/tcp_ipv4.c
 */
final class TcpMd5Keys {
    private static final TcpMd5Key[] NONE = {};

    /** Newest first, as the kernel's list: among equals the first counts. */
    private volatile TcpMd5Key[] keys = NONE;

    /** The key of the longest network that the peer is in; null: none. Linux: tcp_md5_do_lookup(). */
    @HotPath
    @Nullable
    TcpMd5Key lookup(int peer) {
        TcpMd5Key best = null;
        for (TcpMd5Key key : keys) {
            if (key.covers(peer) && (best == null || best.prefixlen < key.prefixlen)) {
                best = key;
            }
        }
        return best;
    }

    /** Adds a key, or gives the one of this name another secret. Linux: __tcp_md5_do_add(). */
    int add(TcpSock tp, TcpMd5Key key) {
        TcpMd5Key[] old = keys;
        for (TcpMd5Key k : old) {
            if (k.named(key.addr, key.prefixlen, key.bound)) {
                k.secret = key.secret;
                return 0;
            }
        }
        if (!tp.optmemCharge(TcpMd5Key.CHARGE)) {
            return -Errno.ENOMEM;
        }
        TcpMd5Key[] all = new TcpMd5Key[old.length + 1]; // allocates: set-up
        all[0] = key;
        System.arraycopy(old, 0, all, 1, old.length);
        keys = all;
        return 0;
    }

    /** Linux: tcp_md5_do_del(). */
    int delete(TcpSock tp, int addr, int prefixlen, boolean bound) {
        TcpMd5Key[] old = keys;
        for (int i = 0; i < old.length; i++) {
            if (old[i].named(addr, prefixlen, bound)) {
                TcpMd5Key[] rest = Arrays.copyOf(old, old.length - 1); // allocates: set-up
                System.arraycopy(old, i + 1, rest, i, old.length - i - 1);
                keys = rest;
                tp.optmemUncharge(TcpMd5Key.CHARGE);
                return 0;
            }
        }
        return -Errno.ENOENT;
    }
}
