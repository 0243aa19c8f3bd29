package net.ipv4;

import net.core.Cpu;
import net.ipv4.inet.InetSock;
import net.ipv4.route.Rtable;
import net.skbuff.Errno;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbSharedInfo;
import net.skbuff.UserBuf;
import org.jspecify.annotations.Nullable;

/**
 * A datagram that several sends make together (MSG_MORE, UDP_CORK): one packet whose data grows in page fragments, and
 * what the first send settled about it.
 *
 * <p>{@code Deviation:} Linux collects packets of the path's MTU; here it is one packet, cut when it goes out.
 *
 * <p><b>Context:</b> socket owned.
 *
 * <p>Linux: struct inet_cork_full, ip_append_data(), net/ipv4/ip_output.c
 */
public final class IpCork {
    private static final int PAGE = 4096;

    @Nullable
    SkBuff skb;

    @Nullable
    Rtable dst;

    @Nullable
    IpOptions opt;

    int saddr;
    int daddr;
    int sport;
    int dport;
    int tos;
    int ttl;
    int priority;
    int mark;
    int gsoSize;
    /** Bytes of user data so far. */
    int length;
    /** Used of the last page fragment. */
    private int pageUsed;

    /** Nothing collected. */
    public IpCork() {}

    boolean isActive() {
        return skb != null;
    }

    /** Begins with an empty packet that has room for the headers. */
    boolean begin(Cpu cpu, InetSock sk, int transportHeader) {
        SkBuff s = cpu.allocSkb(IpOutput.MAX_HEADER + transportHeader);
        if (s == null) {
            return false;
        }
        s.reserve(IpOutput.MAX_HEADER);
        s.put(transportHeader);
        sk.setOwnerW(s);
        skb = s;
        length = 0;
        pageUsed = 0;
        return true;
    }

    /** Copies user data behind what is there. Context: process, no CPU word. */
    int append(InetSock sk, UserBuf from, int len) {
        SkBuff s = skb;
        if (s == null) {
            return -Errno.EINVAL;
        }
        SkbSharedInfo sh = s.shinfo();
        for (int left = len; left > 0; ) {
            int last = sh.nrFrags - 1;
            int room = last < 0 ? 0 : sh.fragPage(last).size() - pageUsed;
            if (room == 0) {
                if (!addPage(sk, s)) {
                    return -Errno.ENOBUFS;
                }
                last = sh.nrFrags - 1;
                room = sh.fragPage(last).size();
            }
            int n = Math.min(left, room);
            if (from.copyIn(sh.fragPage(last).address() + pageUsed, n) != n) {
                return -Errno.EFAULT;
            }
            pageUsed += n;
            sh.fragSize[last] += n;
            s.len += n;
            s.dataLen += n;
            left -= n;
            length += n;
        }
        return 0;
    }

    private boolean addPage(InetSock sk, SkBuff s) {
        if (s.shinfo().nrFrags == SkBuff.MAX_SKB_FRAGS) {
            return false;
        }
        Cpu cpu = sk.localBhDisable();
        try {
            Page page = cpu.allocPage(PAGE);
            if (page == null) {
                return false;
            }
            int before = s.truesize;
            s.addFrag(page, 0, 0, page.size());
            sk.wmemAllocAdd(s.truesize - before);
            pageUsed = 0;
            return true;
        } finally {
            cpu.localBhEnable();
        }
    }

    /** Hands the packet out; the cork is empty then. */
    @Nullable
    SkBuff take() {
        SkBuff s = skb;
        skb = null;
        length = 0;
        return s;
    }

    /** Throws away what was collected. */
    void flush() {
        SkBuff s = take();
        if (s != null) {
            s.freeDeferred(SkbDropReason.NOT_SPECIFIED);
        }
        dst = null;
        opt = null;
    }
}
