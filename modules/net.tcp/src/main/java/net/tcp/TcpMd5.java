package net.tcp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import net.core.Cpu;
import net.core.sock.OptVal;
import net.core.sock.SockConst;
import net.core.sock.TcpStates;
import net.ipv4.IpHdr;
import net.ipv4.inet.InetConnectionSock;
import net.ipv4.inet.InetHashtables;
import net.ipv4.route.Route;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * Signed segments, for routers that speak BGP: which key a peer has, whether an arriving segment may be believed, and how
 * ours are signed.
 *
 * <p>A socket with keys sends one MSS at a time: a device that segments would copy one signature to all segments.
 *
 * <p>{@code Deviation:} there are no L3 domains (VRF) here, so that no key can be bound to one; and no TCP-AO, whose option
 * is ignored as by a kernel built without it.
 *
 * <p>RFC 2385. Linux: CONFIG_TCP_MD5SIG in net/ipv4/tcp_ipv4.c, tcp.c
 */
final class TcpMd5 {
    /** {@link #locate}: no signature. */
    private static final int NONE = 0;
    /** {@link #locate}: two of them, or one of another length, or options that don't add up. */
    private static final int BAD = -1;

    /** First word of the option as it is sent. */
    static final int WORD = TcpConst.TCPOPT_NOP << 24
            | TcpConst.TCPOPT_NOP << 16
            | TcpConst.TCPOPT_MD5SIG << 8
            | TcpConst.TCPOLEN_MD5SIG;

    private TcpMd5() {}

    // ---- keys

    /** The key for a connection's peer; null: it isn't signed. Linux: tcp_v4_md5_lookup(). */
    @HotPath
    static @Nullable TcpMd5Key keyOf(TcpSock tp) {
        TcpMd5Keys keys = tp.md5;
        return keys == null ? null : keys.lookup(tp.daddr);
    }

    /** The key that a socket has for a peer. Linux: tcp_md5_do_lookup(). */
    @HotPath
    static @Nullable TcpMd5Key keyFor(TcpSock tp, int peer) {
        TcpMd5Keys keys = tp.md5;
        return keys == null ? null : keys.lookup(peer);
    }

    /**
     * TCP_MD5SIG, TCP_MD5SIG_EXT: sets a key, or takes it away if the secret is empty. In any state.
     *
     * <p><b>Context:</b> process, socket owned. Linux: tcp_v4_parse_md5_keys()
     */
    static int setsockopt(TcpSock tp, int optname, OptVal value) {
        if (value.len < TcpMd5Sig.SIZE) {
            return -Errno.EINVAL;
        }
        ByteBuffer b = ByteBuffer.wrap(value.data).order(ByteOrder.nativeOrder()); // allocates: set-up
        if (b.getShort(0) != SockConst.AF_INET) {
            return -Errno.EINVAL;
        }
        boolean ext = optname == TcpConst.TCP_MD5SIG_EXT;
        int flags = b.get(TcpMd5Sig.FLAGS_AT);
        boolean bound = (flags & TcpMd5Sig.FLAG_IFINDEX) != 0;
        int prefixlen = 32;
        if (ext && (flags & TcpMd5Sig.FLAG_PREFIX) != 0) {
            prefixlen = b.get(TcpMd5Sig.PREFIXLEN_AT) & 0xff;
            if (prefixlen > 32) {
                return -Errno.EINVAL;
            }
        }
        if (ext && bound && b.getInt(TcpMd5Sig.IFINDEX_AT) != 0) {
            return -Errno.EINVAL; // no device is the master of an L3 domain
        }
        int keylen = b.getShort(TcpMd5Sig.KEYLEN_AT) & 0xffff;
        int addr = b.order(ByteOrder.BIG_ENDIAN).getInt(TcpMd5Sig.ADDR_AT);
        if (keylen == 0) {
            TcpMd5Keys keys = tp.md5;
            return keys == null ? -Errno.ENOENT : keys.delete(tp, addr, prefixlen, bound);
        }
        if (keylen > TcpMd5Sig.MAX_SECRET) {
            return -Errno.EINVAL;
        }
        byte[] secret = new byte[keylen]; // allocates: set-up
        b.get(TcpMd5Sig.KEY_AT, secret);
        return add(tp, new TcpMd5Key(addr, prefixlen, bound, secret));
    }

    /** Linux: tcp_md5_do_add(). */
    private static int add(TcpSock tp, TcpMd5Key key) {
        TcpMd5Keys keys = tp.md5;
        if (keys == null) {
            if (!TcpMd5Hash.prepare(tp.kernel())) {
                return -Errno.ENOMEM;
            }
            keys = new TcpMd5Keys();
            tp.gsoDisable();
            tp.md5 = keys;
        }
        return keys.add(tp, key);
    }

    /**
     * Gives a new connection the listener's key for its peer, and no other; 0 or a negative errno.
     *
     * <p>Linux: tcp_md5_key_copy()
     */
    static int inherit(TcpSock listener, TcpSock child) {
        TcpMd5Key key = keyFor(listener, child.daddr);
        return key == null ? 0 : add(child, new TcpMd5Key(child.daddr, 32, key.bound, key.secret));
    }

    // ---- in

    /**
     * Where the signature of a segment stands: bytes from its header's start to the digest, or {@link #NONE} or {@link
     * #BAD}. Linux: tcp_do_parse_auth_options().
     */
    @HotPath
    private static int locate(TcpHdr th) {
        long base = th.address();
        int at = TcpHdr.LENGTH;
        int end = th.headerLength();
        int found = NONE;
        while (end - at >= TcpConst.TCPOLEN_MD5SIG) { // what is left could hold one
            int kind = UnsafeApi.getByte(base + at) & 0xff;
            if (kind == TcpConst.TCPOPT_EOL) {
                return found;
            }
            if (kind == TcpConst.TCPOPT_NOP) {
                at++;
                continue;
            }
            int size = UnsafeApi.getByte(base + at + 1) & 0xff;
            if (size < 2 || size > end - at) {
                return BAD;
            }
            if (kind == TcpConst.TCPOPT_MD5SIG) {
                if (size != TcpConst.TCPOLEN_MD5SIG || found != NONE) {
                    return BAD;
                }
                found = at + 2;
            }
            at += size;
        }
        return found;
    }

    /**
     * Decides whether a segment for a socket may be believed: signed as its key says, or without signature and key.
     *
     * @param tp the connection, or the listener if it is for one of its requests
     * @return null: it may; else why not, counted already
     * <p><b>Context:</b> softirq, no lock. Linux: tcp_inbound_hash(), net/ipv4/tcp.c
     */
    @HotPath
    static @Nullable SkbDropReason inbound(Cpu cpu, TcpNet net, TcpSock tp, SkBuff skb, TcpHdr th) {
        if (tp.md5 == null && th.headerLength() < TcpHdr.LENGTH + TcpConst.TCPOLEN_MD5SIG) {
            return null;
        }
        return check(cpu, net, tp, skb, th);
    }

    private static @Nullable SkbDropReason check(Cpu cpu, TcpNet net, TcpSock tp, SkBuff skb, TcpHdr th) {
        int at = locate(th);
        if (at == BAD) {
            return SkbDropReason.TCP_AUTH_HDR;
        }
        long iph = skb.networkAddress();
        int saddr = IpHdr.saddr(iph);
        TcpMd5Key key = keyFor(tp, saddr);
        if (at == NONE) {
            if (key == null) {
                return null;
            }
            net.inc(cpu, LinuxMib.TCPMD5NOTFOUND);
            return SkbDropReason.TCP_MD5NOTFOUND;
        }
        if (key == null) {
            net.inc(cpu, LinuxMib.TCPMD5UNEXPECTED);
            return SkbDropReason.TCP_MD5UNEXPECTED;
        }
        if (!TcpMd5Hash.matches(cpu, key, saddr, IpHdr.daddr(iph), skb, th.address() + at)) {
            net.inc(cpu, LinuxMib.TCPMD5FAILURE);
            return SkbDropReason.TCP_MD5FAILURE;
        }
        return null;
    }

    // ---- answers that no connection sends

    /**
     * Whether a reset may answer a segment, and with which key, which {@link TcpPcpu#md5Key} holds then.
     *
     * <p>A connection that is gone is found no more, but the listener at the peer's port (BGP has the same at both ends) may
     * know the peer: its key must have signed the segment, or anyone could ask us to sign.
     *
     * @param tp the socket it was for; null: none, or one in TIME_WAIT
     * <p>Linux: tcp_v4_send_reset()
     */
    static boolean mayReset(Cpu cpu, TcpNet net, @Nullable TcpSock tp, SkBuff skb, TcpHdr th) {
        TcpPcpu pcpu = TcpPcpu.of(cpu);
        pcpu.md5Key = null;
        int at = locate(th);
        if (at == BAD) {
            return false;
        }
        long iph = skb.networkAddress();
        int saddr = IpHdr.saddr(iph);
        if (tp != null) {
            pcpu.md5Key = keyFor(tp, saddr);
            return true;
        }
        if (at == NONE) {
            return true;
        }
        int daddr = IpHdr.daddr(iph);
        InetConnectionSock listener = InetHashtables.of(cpu)
                .inetLookupListener(cpu, net.net, skb, saddr, th.source(), daddr, th.source(), Route.inetIif(skb));
        TcpMd5Key key = listener instanceof TcpSock l && l.state == TcpStates.TCP_LISTEN ? keyFor(l, saddr) : null;
        pcpu.md5Key = key;
        return key != null && TcpMd5Hash.matches(cpu, key, saddr, daddr, skb, th.address() + at);
    }
}
