package net.core.sock;

import net.core.Cpu;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * The error queue: packets that tell what became of earlier sends, read with MSG_ERRQUEUE. Each carries its
 * {@link SockExtendedErr} in the control block.
 *
 * <p><b>Context:</b> any; {@link Sock#lockQueue} guards the queue.
 *
 * <p>Linux: sock_queue_err_skb(), sock_dequeue_err_skb(), net/core/skbuff.c; sock_recv_errqueue(), net/core/sock.c
 */
public final class SockErrQueue {
    private SockErrQueue() {}

    /** The reason attached to a packet of the error queue. Linux: SKB_EXT_ERR() */
    public static SockExtendedErr extErr(SkBuff skb) {
        return (SockExtendedErr) java.util.Objects.requireNonNull(skb.cbo0);
    }

    /**
     * Queues a packet and reports it. @return 0, or -ENOMEM if the receive buffer is full: the caller still has the
     * packet
     */
    public static int queue(@Nullable Cpu cpu, Sock sk, SkBuff skb, SockExtendedErr reason) {
        if (sk.rmemAlloc() + skb.truesize >= sk.rcvbuf) {
            return -Errno.ENOMEM;
        }
        skb.orphan();
        sk.lockQueue();
        if (sk.isFreed()) {
            sk.unlockQueue();
            return -Errno.ENOMEM;
        }
        skb.setOwner(sk, Sock.SOCK_RMEM_FREE);
        sk.rmemAllocAdd(skb.truesize);
        skb.cbo0 = reason;
        sk.errorQueueOrNew().addTail(skb);
        sk.unlockQueue();
        if (!sk.flag(SockFlag.DEAD)) {
            sk.errorReport(cpu);
        }
        return 0;
    }

    /**
     * Queues the completion of zero-copy sends, or adds it to the last one if it follows that. Memory limits do not hold
     * it back: without it the program's memory would stay lent for ever.
     *
     * <p>Linux: __msg_zerocopy_callback(), skb_zerocopy_notify_extend(), net/core/skbuff.c
     *
     * @param reason {@code info} is the first send's number, {@code data} the last one's
     * @return true if the packet was taken; false: the caller still has it
     */
    public static boolean queueZerocopy(@Nullable Cpu cpu, Sock sk, SkBuff skb, SockExtendedErr reason) {
        boolean taken = false;
        sk.lockQueue();
        try {
            if (sk.isFreed()) {
                return false;
            }
            SkBuffHead q = sk.errorQueueOrNew();
            SkBuff tail = q.peekTail();
            if (tail == null || !extend(extErr(tail), reason)) {
                skb.cbo0 = reason; // its memory is the sender's: see optmemCharge
                q.addTail(skb);
                taken = true;
            }
        } finally {
            sk.unlockQueue();
        }
        if (!sk.flag(SockFlag.DEAD)) {
            sk.errorReport(cpu);
        }
        return taken;
    }

    private static boolean extend(SockExtendedErr last, SockExtendedErr next) {
        if (last.origin != SockExtendedErr.SO_EE_ORIGIN_ZEROCOPY || next.info != last.data + 1) {
            return false;
        }
        last.data = next.data;
        return true;
    }

    /** Takes the first packet; the next ICMP error in the queue becomes the socket's pending error. */
    public static @Nullable SkBuff dequeue(Sock sk) {
        SkBuffHead q = sk.errorQueue();
        if (q == null) {
            return null;
        }
        int nextErr = 0;
        boolean moreIcmp = false;
        sk.lockQueue();
        SkBuff skb = q.dequeue();
        SkBuff following = q.peek();
        if (skb != null && following != null) {
            moreIcmp = isIcmp(following);
            nextErr = moreIcmp ? extErr(following).errno : 0;
        }
        sk.unlockQueue();
        if (skb != null && isIcmp(skb) && !moreIcmp) {
            sk.err = 0;
        }
        if (nextErr != 0) {
            sk.err = nextErr;
            sk.errorReport(null);
        }
        return skb;
    }

    /** True if poll must report EPOLLERR for it. */
    public static boolean isEmpty(Sock sk) {
        SkBuffHead q = sk.errorQueue();
        return q == null || q.isEmpty();
    }

    /** recvmsg with MSG_ERRQUEUE: the packet's bytes, and the reason as a control message. */
    public static int recvErrqueue(Sock sk, Msghdr msg, int len, int level, int cmsgType) {
        SkBuff skb = dequeue(sk);
        if (skb == null) {
            return -Errno.EAGAIN;
        }
        int copied = skb.len;
        if (copied > len) {
            msg.flags |= SockConst.MSG_TRUNC;
            copied = len;
        }
        int err = copied == 0 ? 0 : skb.copyDatagram(0, java.util.Objects.requireNonNull(msg.iter), copied);
        if (err == 0) {
            SockTimestamp.recvTimestamp(msg, sk, skb);
            SockExtendedErr reason = extErr(skb);
            if (reason.stats != null) {
                msg.putCmsg(SockConst.SOL_SOCKET, SockConst.SCM_TIMESTAMPING_OPT_STATS, 0, 0, reason.stats);
            }
            if (msg.name instanceof SockAddrIn in && reason.dest instanceof SockAddrIn dest) {
                in.set(dest.addr, dest.port);
                msg.nameSet = true;
            }
            msg.putCmsg(level, cmsgType, reason.errno, 0, reason);
            msg.flags |= SockConst.MSG_ERRQUEUE;
        }
        skb.cbo0 = null;
        skb.freeDeferred(SkbDropReason.CONSUMED);
        return err < 0 ? err : copied;
    }

    static void purge(Cpu cpu, Sock sk) {
        SkBuffHead q = sk.errorQueue();
        if (q != null) {
            sk.lockQueue();
            for (SkBuff skb = q.dequeue(); skb != null; skb = q.dequeue()) {
                skb.cbo0 = null;
                skb.kfree(cpu, SkbDropReason.QUEUE_PURGE);
            }
            sk.unlockQueue();
        }
    }

    private static boolean isIcmp(SkBuff skb) {
        int origin = extErr(skb).origin;
        return origin == SockExtendedErr.SO_EE_ORIGIN_ICMP || origin == SockExtendedErr.SO_EE_ORIGIN_ICMP6;
    }
}
