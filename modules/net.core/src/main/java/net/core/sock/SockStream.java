package net.core.sock;

import net.core.task.Scheduler;
import net.core.task.WaitEntry;
import net.core.task.Waiter;
import net.core.time.Clock;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * How a process waits inside a stream socket: for data, for room, for the connection, for the close to finish.
 *
 * <p>Every function is called and returns with the socket owned and gives it up while it sleeps, so that packets are
 * taken in meanwhile. Times are nanoseconds, {@link Long#MAX_VALUE} for no limit; a result of zero or more is the time
 * that is left, a negative one is -errno.
 *
 * <p>Linux: net/core/stream.c; sk_wait_data(), net/core/sock.c
 */
public final class SockStream {
    /** Longest random pause when the machine, not the buffer, is out of memory: HZ / 5. */
    private static final int VM_WAIT_MAX_NS = 200_000_000;

    private SockStream() {}

    /**
     * Waits once for the receive queue to grow past {@code last} (null: to become non-empty). May return early.
     *
     * @return time left, 0 if it is over, -EINTR
     */
    public static long waitData(Sock sk, long timeoNs, @Nullable SkBuff last) {
        Scheduler scheduler = sk.kernel().scheduler();
        Waiter waiter = scheduler.currentWaiter();
        WaitEntry entry = waiter.entry();
        waiter.prepare();
        sk.wq.add(entry);
        try {
            if (sk.receiveQueue.peekTail() != last) {
                return timeoNs;
            }
            return sleep(sk, scheduler, waiter, timeoNs);
        } finally {
            waiter.finish();
            sk.wq.remove(entry);
        }
    }

    /** Waits until the handshake is over. @return time left, or the reason why there is no connection */
    public static long waitConnect(Sock sk, long timeoNs) {
        Scheduler scheduler = sk.kernel().scheduler();
        Waiter waiter = scheduler.currentWaiter();
        WaitEntry entry = waiter.entry();
        sk.wq.add(entry);
        sk.writePending++;
        try {
            long left = timeoNs;
            for (; ; ) {
                waiter.prepare();
                int err = sk.sockError();
                if (err != 0) {
                    return err;
                }
                if (sk.inStates(TcpStates.TCPF_ESTABLISHED | TcpStates.TCPF_CLOSE_WAIT)) {
                    return left;
                }
                if (!sk.inStates(TcpStates.TCPF_SYN_SENT | TcpStates.TCPF_SYN_RECV)) {
                    return -Errno.EPIPE;
                }
                if (left == 0) {
                    return -Errno.EAGAIN;
                }
                if (left < 0) {
                    return left;
                }
                left = sleep(sk, scheduler, waiter, left);
            }
        } finally {
            sk.writePending--;
            waiter.finish();
            sk.wq.remove(entry);
        }
    }

    /**
     * Waits for the end of a handshake in a connect call. @return time left, or -EINTR; the caller looks at the state.
     *
     * @param writeBias 1 if data follows, which can carry the handshake's last ACK; else 0
     *     <p>Linux: inet_wait_for_connect()
     */
    public static long waitHandshake(Sock sk, long timeoNs, int writeBias) {
        Scheduler scheduler = sk.kernel().scheduler();
        Waiter waiter = scheduler.currentWaiter();
        WaitEntry entry = waiter.entry();
        sk.wq.add(entry);
        sk.writePending += writeBias;
        try {
            long left = timeoNs;
            for (; ; ) {
                waiter.prepare();
                if (left <= 0 || !sk.inStates(TcpStates.TCPF_SYN_SENT | TcpStates.TCPF_SYN_RECV)) {
                    return left;
                }
                left = sleep(sk, scheduler, waiter, left);
            }
        } finally {
            sk.writePending -= writeBias;
            waiter.finish();
            sk.wq.remove(entry);
        }
    }

    /** Waits for our FIN to be acknowledged, at most {@code timeoNs}. Linux: sk_stream_wait_close() */
    public static void waitClose(Sock sk, long timeoNs) {
        if (timeoNs == 0) {
            return;
        }
        Scheduler scheduler = sk.kernel().scheduler();
        Waiter waiter = scheduler.currentWaiter();
        WaitEntry entry = waiter.entry();
        sk.wq.add(entry);
        try {
            long left = timeoNs;
            for (; ; ) {
                waiter.prepare();
                boolean closing =
                        sk.inStates(TcpStates.TCPF_FIN_WAIT1 | TcpStates.TCPF_CLOSING | TcpStates.TCPF_LAST_ACK);
                if (!closing || left <= 0) {
                    return;
                }
                left = sleep(sk, scheduler, waiter, left);
            }
        } finally {
            waiter.finish();
            sk.wq.remove(entry);
        }
    }

    /**
     * Waits for room in the send buffer; if there is room and yet no memory was to be had, for a random moment.
     *
     * @return time left, -EAGAIN, -EPIPE if the connection is gone, -EINTR
     */
    public static long waitMemory(Sock sk, long timeoNs) {
        Scheduler scheduler = sk.kernel().scheduler();
        Waiter waiter = scheduler.currentWaiter();
        WaitEntry entry = waiter.entry();
        boolean vmWait = sk.streamMemoryFree();
        long left = timeoNs;
        sk.wq.add(entry);
        try {
            for (; ; ) {
                waiter.prepare();
                if (sk.err != 0 || (sk.shutdown & SockConst.SEND_SHUTDOWN) != 0) {
                    return -Errno.EPIPE;
                }
                boolean memoryFree = sk.streamMemoryFree();
                if (memoryFree && !vmWait) {
                    return left;
                }
                noSpace(sk);
                if (left == 0) {
                    return -Errno.EAGAIN;
                }
                if (left < 0) {
                    return left;
                }
                sk.writePending++;
                if (vmWait) {
                    long pause = 2_000_000L + sk.kernel().getRandomBelow(VM_WAIT_MAX_NS);
                    long slept = Math.min(pause, left);
                    long rest = sleep(sk, scheduler, waiter, slept);
                    if (rest < 0) {
                        left = rest;
                    } else if (left != Long.MAX_VALUE) {
                        left -= slept - rest;
                    }
                    vmWait = false;
                } else {
                    left = sleep(sk, scheduler, waiter, left);
                }
                sk.writePending--;
            }
        } finally {
            waiter.finish();
            sk.wq.remove(entry);
        }
    }

    /** Tells {@link Sock#writeSpace} that somebody waits for room. */
    public static void noSpace(Sock sk) {
        Socket socket = sk.socket;
        if (socket != null) {
            socket.setFlag(Socket.SOCK_NOSPACE);
        }
    }

    /** Wakes writers if a third of the send buffer is free and somebody met it full. Linux: sk_stream_write_space() */
    public static void streamWriteSpace(net.core.@Nullable Cpu cpu, Sock sk) {
        Socket socket = sk.socket;
        if (socket != null && sk.streamIsWriteable()) {
            socket.clearFlag(Socket.SOCK_NOSPACE);
            if (sk.hasSleeper()) {
                sk.wq.wake(cpu, PollMask.EPOLLOUT | PollMask.EPOLLWRNORM | PollMask.EPOLLWRBAND, 1);
            }
        }
    }

    /**
     * -EPIPE of a failed write, or the pending error instead. {@code Deviation:} no SIGPIPE. Linux: sk_stream_error()
     */
    public static int streamError(Sock sk, int flags, int err) {
        if (err == -Errno.EPIPE) {
            int pending = sk.sockError();
            return pending != 0 ? pending : -Errno.EPIPE;
        }
        return err;
    }

    /**
     * Gives the socket up, sleeps until woken or {@code timeoNs} passed, takes the socket again.
     *
     * @return time left, or -EINTR
     */
    static long sleep(Sock sk, Scheduler scheduler, Waiter waiter, long timeoNs) {
        sk.releaseSock();
        try {
            return park(sk, scheduler, waiter, timeoNs);
        } finally {
            sk.lockSock();
        }
    }

    /** Sleeps until woken or {@code timeoNs} passed. Context: no lock held. @return time left, or -EINTR */
    static long park(Sock sk, Scheduler scheduler, Waiter waiter, long timeoNs) {
        waiter.waitsFor(sk).expectsCpu(sk.incomingCpu);
        if (timeoNs == Long.MAX_VALUE) {
            scheduler.park(waiter, Clock.NEVER);
            return waiter.interrupted() ? Sock.sockIntrErrno(timeoNs) : timeoNs;
        }
        Clock clock = sk.kernel().clock();
        long deadlineNs = Clock.deadline(clock.nanoTime(), timeoNs);
        scheduler.park(waiter, deadlineNs);
        return waiter.interrupted() ? Sock.sockIntrErrno(timeoNs) : Math.max(0, deadlineNs - clock.nanoTime());
    }
}
