package net.core.sock;

import net.core.Cpu;
import net.core.task.Scheduler;
import net.core.task.WaitEntry;
import net.core.task.Waiter;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * Receive queues of datagram sockets: a softirq puts packets in up to the receive buffer's bound, readers take them out
 * whole or peek at them.
 *
 * <p><b>Context:</b> {@link Sock#lockQueue} guards queue and reservation; no socket lock is needed.
 *
 * <p>Linux: sock_queue_rcv_skb_reason(), net/core/sock.c; __skb_recv_datagram(), datagram_poll(), net/core/datagram.c
 */
public final class SockQueue {
    private SockQueue() {}

    /**
     * Charges a packet to the receive buffer, queues it and wakes a reader.
     *
     * @return 0, -ENOMEM (over rcvbuf) or -ENOBUFS (no memory): the drop is counted here, the caller frees the packet
     */
    @HotPath
    public static int sockQueueRcvSkb(Cpu cpu, Sock sk, SkBuff skb) {
        if (sk.rmemAlloc() >= sk.rcvbuf) {
            sk.dropsAdd(1);
            return -Errno.ENOMEM;
        }
        sk.lockQueue();
        if (sk.isFreed() || !sk.rmemSchedule(cpu, skb, skb.truesize)) {
            sk.unlockQueue();
            sk.dropsAdd(1);
            return -Errno.ENOBUFS;
        }
        skb.orphan();
        skb.dev = null;
        skb.dst = null;
        skb.setOwner(sk, SOCK_QUEUE_RFREE);
        sk.rmemAllocAdd(skb.truesize);
        sk.memCharge(skb.truesize);
        skb.cb0 = sk.drops(); // SOCK_SKB_CB: drops seen before this packet
        sk.receiveQueue.addTail(skb);
        sk.unlockQueue();
        if (!sk.flag(SockFlag.DEAD)) {
            sk.dataReady(cpu);
        }
        return 0;
    }

    /** As {@link Sock#SOCK_RFREE}, with the reservation under the queue's lock instead of the socket's. */
    private static final net.skbuff.SkbDestructor SOCK_QUEUE_RFREE = skb -> {
        Sock sk = (Sock) java.util.Objects.requireNonNull(skb.sk);
        sk.rmemAllocAdd(-skb.truesize);
        sk.lockQueue();
        sk.memUncharge(skb.truesize);
        sk.unlockQueue();
    };

    /**
     * Takes the next datagram, waiting for it as the flags and SO_RCVTIMEO say. With MSG_PEEK it stays in the queue and
     * the caller gets a second reference. Free it with {@link #freeDatagram}.
     *
     * @return null with {@code msg.err} set: -EAGAIN, -EINTR, the pending error, or 0 after a shutdown
     */
    public static @Nullable SkBuff recvDatagram(Sock sk, int flags, Msghdr msg) {
        long left = sk.rcvtimeo((flags & SockConst.MSG_DONTWAIT) != 0);
        Scheduler scheduler = sk.kernel().scheduler();
        Waiter waiter = null;
        WaitEntry entry = null;
        try {
            for (; ; ) {
                if (waiter != null) {
                    waiter.prepare();
                }
                msg.err = sk.sockError();
                if (msg.err != 0) {
                    return null;
                }
                SkBuff skb = tryRecvDatagram(sk, flags);
                if (skb != null) {
                    return skb;
                }
                if ((sk.shutdown & SockConst.RCV_SHUTDOWN) != 0) {
                    return null;
                }
                if (left == 0) {
                    msg.err = -Errno.EAGAIN;
                    return null;
                }
                if (waiter == null) {
                    waiter = scheduler.currentWaiter();
                    entry = waiter.entry();
                    sk.wq.addExclusive(entry);
                    continue; // look again now that a wake-up would be seen
                }
                if (left < 0) {
                    msg.err = (int) left;
                    return null;
                }
                left = SockStream.park(sk, scheduler, waiter, left);
            }
        } finally {
            if (waiter != null && entry != null) {
                waiter.finish();
                sk.wq.remove(entry);
            }
        }
    }

    /** The next datagram if there is one. */
    public static @Nullable SkBuff tryRecvDatagram(Sock sk, int flags) {
        if (sk.receiveQueue.isEmpty()) {
            return null;
        }
        sk.lockQueue();
        SkBuff skb = sk.receiveQueue.peek();
        if (skb != null) {
            if ((flags & SockConst.MSG_PEEK) != 0) {
                skb.get();
            } else {
                sk.receiveQueue.unlink(skb);
            }
        }
        sk.unlockQueue();
        return skb;
    }

    /** Frees a datagram that was delivered. Context: process, no lock. Linux: skb_free_datagram() */
    public static void freeDatagram(Sock sk, SkBuff skb) {
        skb.freeDeferred(SkbDropReason.CONSUMED);
    }

    /** Poll of a datagram socket. Linux: datagram_poll() */
    public static int datagramPoll(File file, Socket sock, @Nullable PollTable wait) {
        Sock sk = java.util.Objects.requireNonNull(sock.sk);
        if (wait != null) {
            wait.pollWait(file, sk.wq);
        }
        int mask = 0;
        if (sk.err != 0 || !SockErrQueue.isEmpty(sk)) {
            mask |= PollMask.EPOLLERR | (sk.flag(SockFlag.SELECT_ERR_QUEUE) ? PollMask.EPOLLPRI : 0);
        }
        if ((sk.shutdown & SockConst.RCV_SHUTDOWN) != 0) {
            mask |= PollMask.EPOLLRDHUP | PollMask.EPOLLIN | PollMask.EPOLLRDNORM;
        }
        if (sk.shutdown == SockConst.SHUTDOWN_MASK) {
            mask |= PollMask.EPOLLHUP;
        }
        if (!sk.receiveQueue.isEmpty()) {
            mask |= PollMask.EPOLLIN | PollMask.EPOLLRDNORM;
        }
        if (sk.sockWriteable()) {
            mask |= PollMask.EPOLLOUT | PollMask.EPOLLWRNORM | PollMask.EPOLLWRBAND;
        } else {
            sock.setFlag(Socket.SOCK_NOSPACE);
        }
        return mask;
    }

    /**
     * Waits until the send buffer of a datagram socket has room for another packet. Context: process; the socket is not
     * owned. @return time left, or -errno. Linux: sock_wait_for_wmem()
     */
    public static long waitForWmem(Sock sk, long timeoNs) {
        Scheduler scheduler = sk.kernel().scheduler();
        Waiter waiter = scheduler.currentWaiter();
        WaitEntry entry = waiter.entry();
        sk.wq.add(entry);
        try {
            long left = timeoNs;
            for (; ; ) {
                waiter.prepare();
                if (sk.err != 0) {
                    return sk.sockError();
                }
                if ((sk.shutdown & SockConst.SEND_SHUTDOWN) != 0) {
                    return -Errno.EPIPE;
                }
                if (sk.wmemAlloc() < sk.sndbuf) {
                    return left;
                }
                SockStream.noSpace(sk);
                if (left == 0) {
                    return -Errno.EAGAIN;
                }
                if (left < 0) {
                    return left;
                }
                left = SockStream.park(sk, scheduler, waiter, left);
            }
        } finally {
            waiter.finish();
            sk.wq.remove(entry);
        }
    }
}
