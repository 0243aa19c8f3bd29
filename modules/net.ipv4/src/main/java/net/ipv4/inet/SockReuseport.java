package net.ipv4.inet;

import net.core.sock.Sock;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * Sockets that share one address and port by SO_REUSEPORT: a flow's hash chooses one of them.
 *
 * <p>Context: readers without a lock; changes under the bucket lock of the table the sockets are in.
 *
 * <p>Linux: struct sock_reuseport, net/core/sock_reuseport.c
 */
public final class SockReuseport {
    private static final Sock[] EMPTY = {};

    private volatile Sock[] socks = EMPTY;

    /** Creates a group without members. */
    public SockReuseport() {}

    /** Joins. Linux: reuseport_add_sock(). */
    public void add(InetSock sk) {
        Sock[] old = socks;
        Sock[] next = java.util.Arrays.copyOf(old, old.length + 1);
        next[old.length] = sk;
        socks = next;
        sk.reuseportCb = this;
    }

    /** Leaves. Linux: reuseport_detach_sock(). */
    public void remove(InetSock sk) {
        Sock[] old = socks;
        for (int i = 0; i < old.length; i++) {
            if (old[i] == sk) {
                Sock[] next = new Sock[old.length - 1];
                System.arraycopy(old, 0, next, 0, i);
                System.arraycopy(old, i + 1, next, i, next.length - i);
                socks = next;
                break;
            }
        }
        sk.reuseportCb = null;
    }

    /** The member for a flow; null if the group is empty. Linux: reuseport_select_sock(). */
    @HotPath
    public @Nullable Sock select(int hash) {
        Sock[] s = socks;
        return s.length == 0 ? null : s[(int) ((hash & 0xffffffffL) * s.length >>> 32)];
    }

    /** Members now. */
    public int size() {
        return socks.length;
    }
}
