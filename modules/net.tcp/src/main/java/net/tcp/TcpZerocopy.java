package net.tcp;

import java.util.Objects;
import net.core.Cpu;
import net.core.dev.NetdevFeatures;
import net.core.sock.Msghdr;
import net.core.sock.SockErrQueue;
import net.core.sock.SockExtendedErr;
import net.core.sock.SockFlag;
import net.skbuff.Errno;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.SkbCache;
import net.skbuff.SkbDestructor;
import net.skbuff.SkbDropReason;
import net.skbuff.UbufInfo;
import net.skbuff.UserBuf;
import org.jspecify.annotations.Nullable;

/**
 * MSG_ZEROCOPY: segments point into the program's memory, and when all that were made of a send are acknowledged (and
 * have left the device), its number goes to the error queue. Sends in a row share one completion, which reports the range
 * of their numbers.
 *
 * <p>Memory outside the Java heap is lent: direct buffers and native segments, which are kept reachable. The program must
 * not write to it, nor close its arena, before the completion. Heap arrays, and all memory while the device cannot gather,
 * are copied; the completion says {@code SO_EE_CODE_ZEROCOPY_COPIED}, but comes no sooner.
 *
 * <p>{@code Deviation:} Linux pins the pages, so that a program that unmaps them hurts only itself; an arena that is closed
 * too soon cannot be held open from here. Lent memory counts against the send buffer as if it were copied (no "pure"
 * zero-copy packets).
 *
 * <p><b>Context:</b> sends in process context with the socket owned; {@link #complete} wherever the last packet is freed.
 *
 * <p>Linux: msg_zerocopy_realloc(), skb_zerocopy_iter_stream(), net/core/skbuff.c; tcp_sendmsg_locked(), net/ipv4/tcp.c
 */
final class TcpZerocopy extends UbufInfo {
    /** Bytes under one completion. */
    private static final int BYTE_LIMIT = 1 << 19;

    private static final int MAX_LENGTH = 0xfffe;
    /** Bytes of one fragment: what a page of our own can hold, should it have to be copied after all. */
    private static final int MAX_FRAG = 32768;

    /** What a completion costs of {@code net.core.optmem_max}: a head and its smallest bytes on Linux. */
    private static final int NOTIFICATION_CHARGE = 832;
    /** It gives that back, read or not. Linux: sock_ofree() */
    private static final SkbDestructor UNCHARGE =
            skb -> ((TcpSock) Objects.requireNonNull(skb.sk)).optmemUncharge(NOTIFICATION_CHARGE);

    private final TcpSock tp;
    /** Number of the first send. */
    private final int id;
    /** The packet that will carry the completion to the error queue, so that it cannot fail for want of memory. */
    private final SkBuff notification;

    /** Sends. */
    private volatile int length = 1;

    private int byteLength;

    private TcpZerocopy(TcpSock tp, int id, SkBuff notification) {
        this.tp = tp;
        this.id = id;
        this.notification = notification;
    }

    /** Sends with a completion. Linux: the zero-copy parts of tcp_sendmsg_locked(). */
    static int sendmsg(TcpSock tp, Msghdr msg, int size) {
        TcpZerocopy zc = realloc(tp, size);
        if (zc == null) {
            return -Errno.ENOBUFS;
        }
        int n = TcpSendmsg.tcpSendmsgLocked(tp, msg, size, zc);
        if (n < 0) {
            zc.abort();
        }
        Cpu cpu = tp.localBhDisable();
        try {
            zc.put(cpu, null, true);
        } finally {
            cpu.localBhEnable();
        }
        return n;
    }

    /** The completion of a send: the last one's if it can be extended. Linux: msg_zerocopy_realloc(). */
    private static @Nullable TcpZerocopy realloc(TcpSock tp, int size) {
        SkBuff tail = TcpQueues.writeQueueTail(tp);
        if (tail != null && tail.zcopy() instanceof TcpZerocopy last && last.extend(size)) {
            return last;
        }
        Cpu cpu = tp.localBhDisable();
        try {
            if (!tp.optmemCharge(NOTIFICATION_CHARGE)) {
                return null;
            }
            SkBuff skb = cpu.allocSkb(0);
            if (skb == null) {
                tp.optmemUncharge(NOTIFICATION_CHARGE);
                return null;
            }
            skb.setOwner(tp, UNCHARGE);
            TcpZerocopy fresh = new TcpZerocopy(tp, tp.zckey++, skb); // allocates: a call that asked for it
            fresh.byteLength = size;
            return fresh;
        } finally {
            cpu.localBhEnable();
        }
    }

    private boolean extend(int size) {
        int n = length;
        if (n >= MAX_LENGTH || byteLength + (long) size > BYTE_LIMIT || id + n != tp.zckey) {
            return false;
        }
        length = n + 1;
        byteLength += size;
        tp.zckey++;
        get();
        return true;
    }

    /** Nothing was sent: the number is given back. Linux: msg_zerocopy_put_abort(). */
    @SuppressWarnings("NonAtomicVolatileUpdate") // socket lock
    private void abort() {
        tp.zckey--;
        length = length - 1;
    }

    /** Can the next bytes be lent? */
    boolean lends(TcpSock tp, UserBuf from) {
        return from.nativeAddress() != 0
                && from.nativeOwner() != null
                && (tp.routeCaps & NetdevFeatures.NETIF_F_SG) != 0;
    }

    /**
     * Puts bytes at the end of a segment, at most one piece of the program's list.
     *
     * @return as {@link TcpSendmsg#append}
     */
    int append(TcpSock tp, SkBuff skb, UserBuf from, int want) {
        UbufInfo there = skb.zcopy();
        if (there != null && there != this || skb.shinfo().nrFrags >= SkBuff.MAX_SKB_FRAGS) {
            return TcpSendmsg.FRAGMENTS_FULL;
        }
        int piece = Math.min(want, from.pieceLength());
        int n = lends(tp, from) ? lend(tp, skb, from, piece) : copy(tp, skb, from, piece);
        if (n > 0) {
            skb.zcopySet(this);
        }
        return n;
    }

    private int copy(TcpSock tp, SkBuff skb, UserBuf from, int piece) {
        zerocopy = false;
        return TcpSendmsg.append(tp, skb, from, piece);
    }

    private int lend(TcpSock tp, SkBuff skb, UserBuf from, int piece) {
        Object owner = from.nativeOwner();
        int n = TcpSendmsg.wmemSchedule(tp, Math.min(piece, MAX_FRAG));
        if (n <= 0 || owner == null) {
            return 0;
        }
        Cpu cpu = tp.localBhDisable();
        Page page = cpu.pinUserPage(from.nativeAddress(), n, owner);
        cpu.localBhEnable();
        skb.addFrag(page, 0, n, n);
        from.advance(n);
        tp.wmemQueuedAdd(n);
        tp.memCharge(n);
        return n;
    }

    /** Linux: __msg_zerocopy_callback(). */
    @Override
    protected void complete(@Nullable SkbCache here, @Nullable SkBuff skb, boolean success) {
        int sends = length;
        if (sends == 0 || tp.flag(SockFlag.DEAD)) {
            notification.freeDeferred(SkbDropReason.CONSUMED);
            return;
        }
        SockExtendedErr reason = new SockExtendedErr(); // allocates: a call that asked for it
        reason.origin = SockExtendedErr.SO_EE_ORIGIN_ZEROCOPY;
        reason.code = success ? 0 : SockExtendedErr.SO_EE_CODE_ZEROCOPY_COPIED;
        reason.info = id;
        reason.data = id + sends - 1;
        Cpu cpu = here instanceof Cpu c ? c : null;
        if (!SockErrQueue.queueZerocopy(cpu, tp, notification, reason)) {
            notification.freeDeferred(SkbDropReason.CONSUMED);
        }
    }
}
