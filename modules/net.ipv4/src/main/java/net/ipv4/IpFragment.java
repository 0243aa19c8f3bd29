package net.ipv4;

import java.util.concurrent.atomic.AtomicLong;
import net.core.Cpu;
import net.core.IntSysctl;
import net.core.LongSysctl;
import net.core.Sysctl;
import net.core.dev.NetDevice;
import net.core.task.SpinLock;
import net.core.time.TimerList;
import net.ipv4.route.RouteInput;
import net.ipv4.route.RtType;
import net.ipv4.route.Rtable;
import net.skbuff.Checksum;
import net.skbuff.SipHash;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbRbTree;
import net.skbuff.SkbSharedInfo;
import org.jspecify.annotations.Nullable;

/**
 * Puts fragments together again, within bounds: memory ({@code ipfrag_high_thresh}), time ({@code ipfrag_time}) and
 * distance ({@code ipfrag_max_dist}). Fragments that overlap without being equal destroy their datagram (RFC 5722's
 * rule, as Linux applies it to IPv4 too).
 *
 * <p><b>Context:</b> softirq. One spinlock guards a namespace's queues; nothing is sent under it.
 *
 * <p>{@code Deviation:} Linux has a lock per queue; fragments are no fast path here.
 *
 * <p>Linux: net/ipv4/ip_fragment.c, inet_fragment.c. RFC 791 3.2, RFC 3168 5.3.
 */
final class IpFragment {
    static final int IP_DEFRAG_LOCAL_DELIVER = 0;

    private static final int FIRST_IN = 1;
    private static final int LAST_IN = 2;
    private static final int COMPLETE = 4;
    private static final int BUCKETS = 256;
    /** truesize of a queue itself. */
    private static final int QUEUE_TRUESIZE = 208;

    private static final int OK = 0;
    private static final int DUP = 1;
    private static final int OVERLAP = 2;

    private final Ipv4Net v4;
    private final SpinLock lock = new SpinLock();
    private final @Nullable FragQueue[] buckets = new @Nullable FragQueue[BUCKETS];
    private final SipHash key;
    private final AtomicLong mem = new AtomicLong();
    private int queues;
    private final LongSysctl highThresh;
    private final IntSysctl timeoutSec;
    private final IntSysctl maxDist;

    IpFragment(Ipv4Net v4) {
        this.v4 = v4;
        key = v4.net.kernel().bootSecret("ip_fragment");
        Sysctl s = v4.net.sysctl();
        highThresh = s.registerLong("net.ipv4.ipfrag_high_thresh", 4 * 1024 * 1024, 0, Long.MAX_VALUE, null);
        s.registerLong("net.ipv4.ipfrag_low_thresh", 3 * 1024 * 1024, 0, Long.MAX_VALUE, null);
        timeoutSec = s.register("net.ipv4.ipfrag_time", 30, 0, Integer.MAX_VALUE / 1000);
        maxDist = s.register("net.ipv4.ipfrag_max_dist", 64, 0, Integer.MAX_VALUE);
    }

    /** A datagram in the making. Linux: struct ipq. */
    private final class FragQueue extends TimerList {
        final int id;
        final int saddr;
        final int daddr;
        final int protocol;
        final int user;
        final int vif;
        final int slot;

        @Nullable
        FragQueue next;

        /** Fragments by offset (cb0). */
        final SkbRbTree frags = new SkbRbTree();

        int flags;
        /** Length as far as known, and bytes there. */
        int len;

        int meat;
        int truesize = QUEUE_TRUESIZE;
        int ecnBits;
        int maxSize;
        int maxDfSize;
        int iif;
        int rid;
        boolean dead;

        FragQueue(long iph, int user, int vif, int slot) {
            id = IpHdr.id(iph);
            saddr = IpHdr.saddr(iph);
            daddr = IpHdr.daddr(iph);
            protocol = IpHdr.protocol(iph);
            this.user = user;
            this.vif = vif;
            this.slot = slot;
        }

        boolean matches(long iph, int forUser, int forVif) {
            return id == IpHdr.id(iph)
                    && saddr == IpHdr.saddr(iph)
                    && daddr == IpHdr.daddr(iph)
                    && protocol == IpHdr.protocol(iph)
                    && user == forUser
                    && vif == forVif;
        }

        @Override
        protected void expire(Cpu cpu) {
            ipExpire(cpu, this);
        }
    }

    /** Bytes held. */
    long memory() {
        return mem.get();
    }

    int queueCount() {
        return queues;
    }

    /**
     * Takes a fragment over; returns the whole datagram if this one completed it, else null.
     *
     * <p>Linux: ip_defrag()
     */
    @Nullable
    SkBuff ipDefrag(Cpu cpu, SkBuff skb, int user) {
        v4.ip.inc(cpu, IpMib.Ip.REASMREQDS);
        lock.lock();
        FragQueue q = find(cpu, skb, user);
        if (q == null) {
            lock.unlock();
            v4.ip.inc(cpu, IpMib.Ip.REASMFAILS);
            skb.kfree(cpu, SkbDropReason.NOMEM);
            return null;
        }
        SkBuff whole = queue(cpu, q, skb);
        lock.unlock();
        return whole;
    }

    private @Nullable FragQueue find(Cpu cpu, SkBuff skb, int user) {
        // Before the search: also what was begun in time must not grow beyond the bound.
        if (mem.get() > highThresh.value || highThresh.value == 0) {
            return null;
        }
        long iph = skb.networkAddress();
        int slot = (int) key.hash32(IpHdr.saddr(iph), IpHdr.daddr(iph), IpHdr.id(iph) << 8 | IpHdr.protocol(iph))
                & BUCKETS - 1;
        for (FragQueue q = buckets[slot]; q != null; q = q.next) {
            if (q.matches(iph, user, 0)) {
                return q;
            }
        }
        FragQueue q = new FragQueue(iph, user, 0, slot); // allocates: once per fragmented datagram
        q.next = buckets[slot];
        buckets[slot] = q;
        queues++;
        mem.addAndGet(QUEUE_TRUESIZE);
        q.mod(cpu, cpu.jiffies() + (long) timeoutSec.value * 1000);
        return q;
    }

    private void unlink(FragQueue q) {
        if (q.dead) {
            return;
        }
        q.dead = true;
        q.del();
        FragQueue prev = null;
        for (FragQueue p = buckets[q.slot]; p != null; prev = p, p = p.next) {
            if (p == q) {
                if (prev == null) {
                    buckets[q.slot] = q.next;
                } else {
                    prev.next = q.next;
                }
                queues--;
                return;
            }
        }
    }

    /** Frees a queue with its fragments; under the lock. */
    private void kill(Cpu cpu, FragQueue q, SkbDropReason reason) {
        unlink(q);
        q.flags |= COMPLETE;
        for (SkBuff skb; (skb = q.frags.first()) != null; ) {
            q.frags.erase(skb);
            skb.kfree(cpu, reason);
        }
        mem.addAndGet(-q.truesize);
        q.truesize = 0;
    }

    /**
     * Too many other fragments of the same sender came between: the identifier may have wrapped. Linux:
     * ip_frag_too_far().
     */
    private boolean tooFar(FragQueue q) {
        int max = maxDist.value;
        if (max == 0) {
            return false;
        }
        InetPeer peer = v4.peers.get(q.saddr);
        int start = q.rid;
        int end = ++peer.rid;
        q.rid = end;
        return q.frags.first() != null && end - start > max;
    }

    /** Begins a queue anew. Linux: ip_frag_reinit(). */
    private void reinit(Cpu cpu, FragQueue q) {
        for (SkBuff skb; (skb = q.frags.first()) != null; ) {
            q.frags.erase(skb);
            skb.kfree(cpu, SkbDropReason.FRAG_TOO_FAR);
        }
        mem.addAndGet(QUEUE_TRUESIZE - q.truesize);
        q.truesize = QUEUE_TRUESIZE;
        q.flags = 0;
        q.len = 0;
        q.meat = 0;
        q.ecnBits = 0;
        q.maxSize = 0;
        q.maxDfSize = 0;
        q.iif = 0;
        q.mod(cpu, cpu.jiffies() + (long) timeoutSec.value * 1000);
    }

    private @Nullable SkBuff fail(Cpu cpu, FragQueue q, SkBuff skb, boolean overlap) {
        if (overlap) {
            v4.ipExt.inc(cpu, IpMib.REASMOVERLAPS);
        }
        kill(cpu, q, SkbDropReason.NOT_SPECIFIED);
        v4.ip.inc(cpu, IpMib.Ip.REASMFAILS);
        skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
        return null;
    }

    /** Linux: ip_frag_queue(). */
    private @Nullable SkBuff queue(Cpu cpu, FragQueue q, SkBuff skb) {
        if (tooFar(q)) {
            v4.ip.inc(cpu, IpMib.Ip.REASMFAILS);
            reinit(cpu, q);
        }
        long iph = skb.networkAddress();
        int ecn = 1 << (IpHdr.tos(iph) & Inet.ECN_MASK);
        int fragOff = IpHdr.fragOff(iph);
        int offset = (fragOff & IpHdr.IP_OFFSET) << 3;
        int ihl = IpHdr.headerLength(iph);
        int end = offset + skb.len - skb.networkOffset() - ihl;
        if ((fragOff & IpHdr.IP_MF) == 0) {
            // The last fragment fixes the length: nothing lies beyond, and no other says otherwise.
            if (end < q.len || (q.flags & LAST_IN) != 0 && end != q.len) {
                return fail(cpu, q, skb, false);
            }
            q.flags |= LAST_IN;
            q.len = end;
        } else {
            if ((end & 7) != 0) {
                end &= ~7;
                if (skb.ipSummed != SkBuff.CHECKSUM_UNNECESSARY) {
                    skb.ipSummed = SkBuff.CHECKSUM_NONE;
                }
            }
            if (end > q.len) {
                if ((q.flags & LAST_IN) != 0) {
                    return fail(cpu, q, skb, false);
                }
                q.len = end;
            }
        }
        if (end <= offset || end > Inet.IP_MAX_MTU) {
            return fail(cpu, q, skb, false);
        }
        if (!skb.mayPull(cpu, skb.networkOffset() + ihl)) {
            return fail(cpu, q, skb, false);
        }
        skb.pull(skb.networkOffset() + ihl);
        if (skb.pskbTrimRcsum(cpu, end - offset) != 0) {
            return fail(cpu, q, skb, false);
        }
        int verdict = insert(q, skb, offset, end);
        if (verdict == DUP) {
            skb.kfree(cpu, SkbDropReason.DUP_FRAG);
            return null;
        }
        if (verdict == OVERLAP) {
            return fail(cpu, q, skb, true);
        }
        q.iif = skb.skbIif;
        q.meat += skb.len;
        q.ecnBits |= ecn;
        q.truesize += skb.truesize;
        mem.addAndGet(skb.truesize);
        if (offset == 0) {
            q.flags |= FIRST_IN;
        }
        int fragSize = skb.len + ihl;
        q.maxSize = Math.max(q.maxSize, fragSize);
        if ((fragOff & IpHdr.IP_DF) != 0) {
            q.maxDfSize = Math.max(q.maxDfSize, fragSize);
        }
        if ((q.flags & (FIRST_IN | LAST_IN)) == (FIRST_IN | LAST_IN) && q.meat == q.len) {
            return reasm(cpu, q);
        }
        // Whose route it came by matters only for the whole.
        skb.dst = null;
        return null;
    }

    /** Linux: inet_frag_queue_insert(). */
    private static int insert(FragQueue q, SkBuff skb, int offset, int end) {
        skb.cb0 = offset;
        SkBuff last = q.frags.last();
        if (last == null || last.cb0 + last.len <= offset) {
            q.frags.addLast(skb);
            return OK;
        }
        SkBuff parent = null;
        boolean left = false;
        SkBuff cur = q.frags.root();
        while (cur != null) {
            parent = cur;
            int curEnd = cur.cb0 + cur.len;
            if (end <= cur.cb0) {
                left = true;
                cur = cur.rbLeft;
            } else if (offset >= curEnd) {
                left = false;
                cur = cur.rbRight;
            } else {
                return covered(q, cur, offset, end) ? DUP : OVERLAP;
            }
        }
        q.frags.link(skb, parent, left);
        return OK;
    }

    /**
     * Whether fragments without a gap, {@code at} among them, hold all of it. {@code Deviation:} Linux sees such a run only
     * where its fragments came in order.
     */
    private static boolean covered(FragQueue q, SkBuff at, int offset, int end) {
        SkBuff first = at;
        while (first.cb0 > offset) {
            SkBuff prev = q.frags.prev(first);
            if (prev == null || prev.cb0 + prev.len != first.cb0) {
                return false;
            }
            first = prev;
        }
        SkBuff last = at;
        while (last.cb0 + last.len < end) {
            SkBuff next = q.frags.next(last);
            if (next == null || last.cb0 + last.len != next.cb0) {
                return false;
            }
            last = next;
        }
        return true;
    }

    /**
     * Whether fragments may have differed in this way, and what the whole then says. RFC 3168 5.3. Linux:
     * ip_frag_ecn_table.
     */
    private static int ecnOf(int bits) {
        boolean ce = (bits & 1 << Inet.ECN_CE) != 0;
        boolean notEct = (bits & 1 << Inet.ECN_NOT_ECT) != 0;
        boolean ect = (bits & (1 << Inet.ECN_ECT_0 | 1 << Inet.ECN_ECT_1)) != 0;
        if (ce && notEct) {
            return -1;
        }
        return ce && ect ? Inet.ECN_CE : 0;
    }

    /** All are there: chains them behind the first. Linux: ip_frag_reasm(). */
    private @Nullable SkBuff reasm(Cpu cpu, FragQueue q) {
        unlink(q);
        int ecn = ecnOf(q.ecnBits);
        SkBuff head = q.frags.first();
        if (ecn < 0 || head == null) {
            return reasmFail(cpu, q);
        }
        int ihl = IpHdr.headerLength(head.networkAddress());
        int total = ihl + q.len;
        if (total > Inet.IP_MAX_MTU) {
            return reasmFail(cpu, q);
        }
        NetDevice dev = (NetDevice) head.dev;
        if (head.cloned && head.cow(cpu, head.headroom()) != 0 || head.hasFragList() && head.linearize(cpu) != 0) {
            return reasmFail(cpu, q);
        }
        q.frags.erase(head);
        head.push(head.data - head.networkHeader);
        SkbSharedInfo shinfo = head.shinfo();
        SkBuff tail = null;
        for (SkBuff skb; (skb = q.frags.first()) != null; ) {
            q.frags.erase(skb);
            skb.next = null;
            skb.prev = null;
            skb.orphan();
            skb.dst = null;
            skb.sk = null;
            if (tail == null) {
                shinfo.fragList = skb;
            } else {
                tail.next = skb;
            }
            tail = skb;
            head.len += skb.len;
            head.dataLen += skb.len;
            head.truesize += skb.truesize;
            if (head.ipSummed != skb.ipSummed) {
                head.ipSummed = SkBuff.CHECKSUM_NONE;
            } else if (head.ipSummed == SkBuff.CHECKSUM_COMPLETE) {
                head.csum = Checksum.add(head.csum, skb.csum);
            }
        }
        mem.addAndGet(-q.truesize);
        q.truesize = 0;
        q.flags |= COMPLETE;
        head.next = null;
        head.prev = null;
        head.dev = dev;
        IpSkbCb.fragMaxSize(head, Math.max(q.maxDfSize, q.maxSize));
        long iph = head.networkAddress();
        IpHdr.totLen(iph, total);
        IpHdr.tos(iph, IpHdr.tos(iph) | ecn);
        // All fragments of the largest size had DF: whoever sent them is looking for the path MTU.
        if (q.maxDfSize == q.maxSize) {
            IpSkbCb.orFlags(head, IpSkbCb.IPSKB_FRAG_PMTU);
            IpHdr.fragOff(iph, IpHdr.IP_DF);
        } else {
            IpHdr.fragOff(iph, 0);
        }
        IpHdr.sendCheck(iph);
        v4.ip.inc(cpu, IpMib.Ip.REASMOKS);
        return routed(cpu, head, dev);
    }

    /** The route that an earlier first fragment lost: looked up again. */
    private static @Nullable SkBuff routed(Cpu cpu, SkBuff head, @Nullable NetDevice dev) {
        if (head.dst != null) {
            return head;
        }
        long iph = head.networkAddress();
        int reason = dev == null
                ? SkbDropReason.NOT_SPECIFIED.ordinal()
                : RouteInput.ipRouteInput(cpu, head, IpHdr.daddr(iph), IpHdr.saddr(iph), IpHdr.tos(iph), dev);
        if (reason != 0) {
            head.kfree(cpu, SkbDropReason.of(reason));
            return null;
        }
        return head;
    }

    private @Nullable SkBuff reasmFail(Cpu cpu, FragQueue q) {
        v4.ip.inc(cpu, IpMib.Ip.REASMFAILS);
        kill(cpu, q, SkbDropReason.NOT_SPECIFIED);
        return null;
    }

    /** Time is over: the sender is told if its first fragment came. Linux: ip_expire(). RFC 792. */
    private void ipExpire(Cpu cpu, FragQueue q) {
        SkBuff head = null;
        lock.lock();
        if (q.dead) {
            lock.unlock();
            return;
        }
        v4.ip.inc(cpu, IpMib.Ip.REASMFAILS);
        v4.ip.inc(cpu, IpMib.Ip.REASMTIMEOUT);
        if ((q.flags & FIRST_IN) != 0) {
            head = q.frags.first();
            if (head != null) {
                q.frags.erase(head);
            }
        }
        kill(cpu, q, SkbDropReason.FRAG_REASM_TIMEOUT);
        lock.unlock();
        if (head == null) {
            return;
        }
        NetDevice dev = v4.net.devices.byIndex(q.iif);
        if (dev != null) {
            head.dev = dev;
            head.push(head.data - head.networkHeader);
            long iph = head.networkAddress();
            if (RouteInput.ipRouteInput(cpu, head, IpHdr.daddr(iph), IpHdr.saddr(iph), IpHdr.tos(iph), dev) == 0
                    && head.dst instanceof Rtable rt
                    && rt.rtType == RtType.RTN_LOCAL) {
                Icmp.icmpSend(cpu, head, IcmpHdr.ICMP_TIME_EXCEEDED, IcmpHdr.ICMP_EXC_FRAGTIME, 0);
            }
        }
        head.kfree(cpu, SkbDropReason.FRAG_REASM_TIMEOUT);
    }

    /** Frees everything: the namespace ends. */
    void exit(Cpu cpu) {
        lock.lock();
        for (FragQueue q : buckets) {
            while (q != null) {
                FragQueue next = q.next;
                kill(cpu, q, SkbDropReason.QUEUE_PURGE);
                q = next;
            }
        }
        lock.unlock();
    }
}
