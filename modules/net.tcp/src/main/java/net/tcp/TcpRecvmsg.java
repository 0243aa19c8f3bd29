package net.tcp;

import static net.tcp.TcpConst.ICSK_ACK_PUSHED;
import static net.tcp.TcpConst.ICSK_ACK_PUSHED2;
import static net.tcp.TcpConst.TCP_URG_READ;
import static net.tcp.TcpConst.TCP_URG_VALID;
import static net.tcp.TcpSkbCb.TCPHDR_FIN;
import static net.tcp.TcpSkbCb.TCPHDR_SYN;

import net.core.Cpu;
import net.core.sock.Msghdr;
import net.core.sock.SockConst;
import net.core.sock.SockFlag;
import net.core.sock.SockTimestamp;
import net.core.sock.TcpStates;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.UserBuf;
import org.jspecify.annotations.Nullable;

/**
 * Gives a program its bytes, and tells the peer when that opened the window.
 *
 * <p>Packets that were read are put aside and freed together, so that one call takes the CPU word once.
 *
 * <p><b>Context:</b> process, socket owned; the CPU word only to free packets and to acknowledge.
 *
 * <p>Linux: tcp_recvmsg_locked(), net/ipv4/tcp.c
 */
public final class TcpRecvmsg {
    private static final int EATEN_BATCH = 16;
    private static final int WAIT = 1;

    private TcpRecvmsg() {}

    /** Linux: tcp_recvmsg(). */
    static int tcpRecvmsg(TcpSock tp, Msghdr msg, int len, int flags) {
        if ((flags & SockConst.MSG_ERRQUEUE) != 0) {
            return net.ipv4.IpSockGlue.recvError(tp, msg, len);
        }
        tp.lockSock();
        try {
            int n = (flags & SockConst.MSG_OOB) != 0 ? recvUrg(tp, msg, len, flags) : recvLocked(tp, msg, len, flags);
            if (n >= 0 && msg.rxStampNs != 0) {
                SockTimestamp.recvStream(msg, tp, msg.rxStampNs);
            }
            if (n >= 0 && tp.recvmsgInq) {
                int inq = inq(tp);
                msg.inq = inq;
                msg.putCmsg(TcpConst.SOL_TCP, TcpConst.TCP_CM_INQ, inq);
            }
            return n;
        } finally {
            tp.releaseSock();
        }
    }

    /** Bytes that can be read now; 1 at the end of the stream. Linux: tcp_inq_hint(). */
    static int inq(TcpSock tp) {
        int n = tp.rcvNxt - tp.copiedSeq;
        return n == 0 && tp.flag(SockFlag.DONE) ? 1 : Math.max(n, 0);
    }

    /**
     * Copies what is there; waits for the rest as the flags say. MSG_SPLICE_PAGES is a splice's, which stops before an
     * urgent byte for good (Linux: tcp_splice_read()).
     *
     * @return bytes, 0 at the end of the stream, or a negative errno
     * <p>Linux: tcp_recvmsg_locked(), net/ipv4/tcp.c
     */
    @HotPath
    private static int recvLocked(TcpSock tp, Msghdr msg, int len, int flags) {
        if (tp.state == TcpStates.TCP_LISTEN) {
            return -Errno.ENOTCONN;
        }
        boolean peek = (flags & SockConst.MSG_PEEK) != 0;
        boolean truncate = (flags & SockConst.MSG_TRUNC) != 0;
        long timeo = tp.rcvtimeo((flags & SockConst.MSG_DONTWAIT) != 0);
        int peekOffset = peek ? Math.max(tp.peekOff, 0) : 0;
        int seq = tp.copiedSeq + peekOffset;
        int target = tp.rcvlowat((flags & SockConst.MSG_WAITALL) != 0, len);
        int copied = 0;
        int urgHole = 0;
        int left = len;
        SkBuff eaten = null;
        int eatenCount = 0;
        boolean end = false;
        while (left > 0 && !end) {
            if (tp.urgData != 0 && tp.urgSeq == seq && copied != 0) {
                break; // stop at the urgent mark
            }
            SkBuff skb = find(tp, seq);
            if (skb == null) {
                if (copied >= target && tp.backlogTail == null) {
                    break;
                }
                int stop = mayNotWait(tp, copied, timeo);
                if (stop != WAIT) {
                    copied = copied != 0 ? copied : stop;
                    break;
                }
                if (eaten != null) {
                    free(tp, eaten);
                    eaten = null;
                    eatenCount = 0;
                }
                if (copied >= target) {
                    tp.flushBacklog();
                } else {
                    cleanupRbuf(tp, peek ? 0 : copied);
                    long rest = tp.waitData(timeo, tp.receiveQueue.peekTail());
                    if (rest < 0) {
                        copied = copied != 0 ? copied : (int) rest;
                        break;
                    }
                    timeo = rest;
                }
                if (peek && seq - peekOffset - copied - urgHole != tp.copiedSeq) {
                    seq = tp.copiedSeq + peekOffset; // another reader took what we peeked at
                }
                continue;
            }
            int offset = offset(skb, seq);
            if (offset < skb.len) {
                int used = Math.min(skb.len - offset, left);
                if (tp.urgData != 0) {
                    int urgOffset = tp.urgSeq - seq;
                    if (Integer.compareUnsigned(urgOffset, used) < 0) {
                        if (urgOffset != 0) {
                            used = urgOffset;
                        } else if ((flags & SockConst.MSG_SPLICE_PAGES) != 0) {
                            boolean again = copied == 0 && timeo == 0;
                            copied = again ? -Errno.EAGAIN : copied;
                            break; // a splice neither takes the urgent byte nor passes over it
                        } else if (!tp.flag(SockFlag.URGINLINE)) { // pass over the urgent byte
                            seq++;
                            urgHole++;
                            offset++;
                            used--;
                        }
                    }
                }
                if (used > 0) {
                    PathTrace.hit(tp.net.kernel(), Landmark.TCP_RECVMSG);
                    if (!truncate && copyOut(skb, offset, msg, used) != 0) {
                        copied = copied != 0 ? copied : -Errno.EFAULT;
                        break;
                    }
                    seq += used;
                    copied += used;
                    left -= used;
                }
                if (!peek) {
                    tp.copiedSeq = seq;
                } else if (tp.peekOff >= 0) {
                    tp.peekOff += used;
                }
                if (tp.urgData != 0 && TcpSeq.after(tp.copiedSeq, tp.urgSeq)) {
                    tp.urgData = 0;
                    TcpInput.tcpFastPathCheck(tp);
                }
                if (used + offset < skb.len) {
                    continue;
                }
            }
            if (TcpSkbCb.hasRxtstamp(skb)) {
                msg.rxStampNs = skb.tstampNs;
            }
            if ((TcpSkbCb.tcpFlags(skb) & TCPHDR_FIN) != 0) {
                seq++;
                if (!peek) {
                    tp.copiedSeq = seq;
                }
                end = true;
            }
            if (!peek) {
                tp.receiveQueue.unlink(skb);
                skb.next = eaten;
                eaten = skb;
                if (++eatenCount >= EATEN_BATCH) {
                    free(tp, eaten);
                    eaten = null;
                    eatenCount = 0;
                }
            }
        }
        if (!peek && copied > 0 && tp.peekOff > 0) {
            tp.peekOff = Math.max(tp.peekOff - copied, 0);
        }
        finish(tp, eaten, peek, copied);
        return copied;
    }

    /** The packet that has the byte, or the FIN, at {@code seq}; null if it isn't there. */
    @HotPath
    private static @Nullable SkBuff find(TcpSock tp, int seq) {
        for (SkBuff skb = tp.receiveQueue.peek(); skb != null; skb = tp.receiveQueue.peekNext(skb)) {
            if (TcpSeq.before(seq, TcpSkbCb.seq(skb))) {
                return null;
            }
            if (offset(skb, seq) < skb.len || (TcpSkbCb.tcpFlags(skb) & TCPHDR_FIN) != 0) {
                return skb;
            }
        }
        return null;
    }

    @HotPath
    private static int offset(SkBuff skb, int seq) {
        int offset = seq - TcpSkbCb.seq(skb);
        return (TcpSkbCb.tcpFlags(skb) & TCPHDR_SYN) != 0 ? offset - 1 : offset;
    }

    @HotPath
    private static int copyOut(SkBuff skb, int offset, Msghdr msg, int used) {
        UserBuf to = msg.iter;
        return to == null ? -Errno.EFAULT : skb.copyDatagram(offset, to, used);
    }

    /** {@link #WAIT}, or what to return if nothing was copied. */
    private static int mayNotWait(TcpSock tp, int copied, long timeo) {
        if (copied != 0) {
            boolean stop = timeo == 0
                    || tp.err != 0
                    || tp.state == TcpStates.TCP_CLOSE
                    || (tp.shutdown & SockConst.RCV_SHUTDOWN) != 0;
            return stop ? 0 : WAIT;
        }
        if (tp.flag(SockFlag.DONE)) {
            return 0;
        }
        if (tp.err != 0) {
            return tp.sockError();
        }
        if ((tp.shutdown & SockConst.RCV_SHUTDOWN) != 0) {
            return 0;
        }
        if (tp.state == TcpStates.TCP_CLOSE) {
            return -Errno.ENOTCONN; // never connected
        }
        return timeo == 0 ? -Errno.EAGAIN : WAIT;
    }

    private static void free(TcpSock tp, SkBuff eaten) {
        Cpu cpu = tp.localBhDisable();
        try {
            eat(cpu, eaten);
        } finally {
            cpu.localBhEnable();
        }
    }

    /** Frees packets that were read, oldest first. Linux: tcp_eat_recv_skb(). */
    @HotPath
    private static void eat(Cpu cpu, SkBuff list) {
        SkBuff skb = list;
        while (skb != null) {
            SkBuff following = skb.next;
            skb.next = null;
            skb.consume(cpu);
            skb = following;
        }
    }

    @HotPath
    private static void finish(TcpSock tp, @Nullable SkBuff eaten, boolean peek, int copied) {
        if (eaten == null && (peek || copied <= 0) && !tp.ackScheduled()) {
            return;
        }
        Cpu cpu = tp.localBhDisable();
        try {
            if (copied > 0) {
                TcpRcvSpace.tcpRcvSpaceAdjust(cpu, tp);
            }
            if (eaten != null) {
                eat(cpu, eaten);
            }
            tcpCleanupRbuf(cpu, tp, copied);
        } finally {
            cpu.localBhEnable();
        }
    }

    private static void cleanupRbuf(TcpSock tp, int copied) {
        Cpu cpu = tp.localBhDisable();
        try {
            if (copied > 0) {
                TcpRcvSpace.tcpRcvSpaceAdjust(cpu, tp);
            }
            tcpCleanupRbuf(cpu, tp, copied);
        } finally {
            cpu.localBhEnable();
        }
    }

    /**
     * After a read: acknowledges if that is due or if the window opened a lot.
     *
     * <p>Linux: __tcp_cleanup_rbuf(), net/ipv4/tcp.c
     */
    @HotPath
    public static void tcpCleanupRbuf(Cpu cpu, TcpSock tp, int copied) {
        boolean ack = false;
        if (tp.ackScheduled()) {
            int pending = tp.icskAckPending;
            ack = tp.rcvNxt - tp.rcvWup > tp.icskAckRcvMss
                    || copied > 0
                            && ((pending & ICSK_ACK_PUSHED2) != 0
                                    || (pending & ICSK_ACK_PUSHED) != 0 && !Tcp.inPingpongMode(tp))
                            && tp.rmemAlloc() == 0;
        }
        if (copied > 0 && !ack && (tp.shutdown & SockConst.RCV_SHUTDOWN) == 0) {
            int now = tp.receiveWindow();
            if (2L * now <= tp.windowClamp) {
                int wanted = TcpWindow.chooseWindow(tp);
                ack = wanted != 0 && wanted >= 2L * now;
            }
        }
        if (ack) {
            tp.mstampRefresh(cpu.nowNs());
            TcpOutput.tcpSendAck(cpu, tp);
        }
    }

    /** The urgent byte. Linux: tcp_recv_urg(). */
    private static int recvUrg(TcpSock tp, Msghdr msg, int len, int flags) {
        if (tp.flag(SockFlag.URGINLINE) || tp.urgData == 0 || tp.urgData == TCP_URG_READ) {
            return -Errno.EINVAL;
        }
        if (tp.state == TcpStates.TCP_CLOSE && !tp.flag(SockFlag.DONE)) {
            return -Errno.ENOTCONN;
        }
        if ((tp.urgData & TCP_URG_VALID) != 0) {
            byte c = (byte) tp.urgData;
            if ((flags & SockConst.MSG_PEEK) == 0) {
                tp.urgData = TCP_URG_READ;
            }
            msg.flags |= SockConst.MSG_OOB;
            if (len <= 0) {
                msg.flags |= SockConst.MSG_TRUNC;
                return 0;
            }
            return (flags & SockConst.MSG_TRUNC) != 0 ? 1 : copyByte(tp, msg, c);
        }
        if (tp.state == TcpStates.TCP_CLOSE || (tp.shutdown & SockConst.RCV_SHUTDOWN) != 0) {
            return 0;
        }
        return -Errno.EAGAIN; // announced, not arrived
    }

    private static int copyByte(TcpSock tp, Msghdr msg, byte c) {
        Cpu cpu = tp.localBhDisable();
        var page = cpu.allocPage(1);
        cpu.localBhEnable();
        UserBuf to = msg.iter;
        if (page == null || to == null) {
            return -Errno.EFAULT;
        }
        new org.agrona.concurrent.UnsafeBuffer(page.address(), 1).putByte(0, c); // allocates: urgent data is rare
        int n = to.copyOut(page.address(), 1);
        page.putDeferred();
        return n < 0 ? n : 1;
    }
}
