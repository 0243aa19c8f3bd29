package net.sched.shape;

import java.util.List;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.sock.Sock;
import net.core.sock.SockErrQueue;
import net.core.sock.SockExtendedErr;
import net.core.sock.SockFlag;
import net.core.tc.TcPrint;
import net.sched.QdiscWatchdog;
import net.sched.SchedQdisc;
import net.sched.TcAttrs;
import net.sched.TcGrammar;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * {@code etf clockid CLOCK_TAI [delta NS] [deadline_mode] [skip_sock_check]}: packets go at their transmit time
 * ({@code SO_TXTIME}), delta ns early; those that come or would go late are dropped, and reported to a socket that asked
 * for it. In deadline mode a packet goes at once, in the order of times. The bare name, which tc refuses, has CLOCK_TAI.
 *
 * <p>{@code Deviation:} no offload; a list sorted from its end, where Linux has a tree; TAI is UTC, as in a Linux whose
 * offset nobody has set.
 *
 * <p>Linux: net/sched/sch_etf.c; tc/q_etf.c
 */
public final class EtfOps implements QdiscOps {
    private static final TcGrammar GRAMMAR = TcGrammar.of("etf")
            .choice("clockid", "CLOCK_TAI", "TAI")
            .number("delta", 0, Integer.MAX_VALUE)
            .flag("deadline_mode", "deadline_mode", 1)
            .flag("skip_sock_check", "skip_sock_check", 1);

    /** Creates the kind. */
    public EtfOps() {}

    @Override
    public String id() {
        return "etf";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        TcAttrs a = GRAMMAR.read(args);
        if (!args.isEmpty() && !a.has("clockid")) {
            throw new UserError("Missing required parameter \"clockid\". " + GRAMMAR.usage());
        }
        return a;
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Etf(this, devQueue);
    }

    /** One instance. Packets lie in {@code q}, by time; equal times in the order they came. */
    private static final class Etf extends SchedQdisc {
        private static final int CLOCK_TAI = 11;
        private static final int TXTIME_DEADLINE_MODE = 1;
        private static final int TXTIME_REPORT_ERRORS = 2;
        private static final int CODE_INVALID_PARAM = 1;
        private static final int CODE_MISSED = 2;

        private final QdiscWatchdog watchdog = new QdiscWatchdog(this);
        private int delta;
        private boolean deadlineMode;
        private boolean skipSockCheck;
        /** Time of the packet that went last: none may come before it. */
        private long lastNs;

        Etf(EtfOps ops, NetdevQueue devQueue) {
            super(ops, devQueue, 0);
        }

        @Override
        public int init(@Nullable Object opt) {
            TcAttrs a = TcAttrs.of(opt);
            delta = a.get("delta", 0);
            deadlineMode = a.get("deadline_mode", false);
            skipSockCheck = a.get("skip_sock_check", false);
            return 0;
        }

        /** Now on the clock of transmit times. */
        @HotPath
        private long taiNs() {
            return devQueue.dev.kernel().clock().realTimeNs();
        }

        @HotPath
        private boolean valid(SkBuff skb) {
            if (!skipSockCheck) {
                boolean agrees = skb.sk instanceof Sock sk
                        && sk.flag(SockFlag.TXTIME)
                        && sk.txtimeClock == CLOCK_TAI
                        && ((sk.txtimeFlags & TXTIME_DEADLINE_MODE) != 0) == deadlineMode;
                if (!agrees) {
                    return false;
                }
            }
            return skb.tstampNs - taiNs() >= 0 && skb.tstampNs - lastNs >= 0;
        }

        @Override
        @HotPath
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            if (!valid(skb)) {
                report(cpu, skb, Errno.EINVAL, CODE_INVALID_PARAM);
                return qdiscDrop(skb, toFree);
            }
            SkBuff before = q.peekTail();
            while (before != null && before.tstampNs - skb.tstampNs > 0) {
                before = q.peekPrev(before);
            }
            if (before == null) {
                q.addHead(skb);
            } else {
                q.insertAfter(before, skb);
            }
            qstatsAdd(skb);
            arm(cpu, taiNs());
            return NetXmit.NET_XMIT_SUCCESS;
        }

        /** Wakes up for the first packet. */
        @HotPath
        private void arm(Cpu cpu, long tai) {
            SkBuff first = q.peek();
            if (first == null) {
                watchdog.cancel();
            } else {
                watchdog.scheduleNs(cpu, cpu.nowNs() + Math.max(0, first.tstampNs - delta - tai));
            }
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            SkBuff first = q.peek();
            if (first == null) {
                return null;
            }
            long tai = taiNs();
            SkBuff out = null;
            if (first.tstampNs - tai < 0) {
                dropLate(cpu, tai);
            } else if (deadlineMode || tai - (first.tstampNs - delta) >= 0) {
                q.unlink(first);
                qstatsSub(first);
                bstatsUpdate(first);
                lastNs = first.tstampNs;
                if (deadlineMode) {
                    first.tstampNs = tai;
                }
                out = first;
            }
            arm(cpu, tai);
            return out;
        }

        /** Linux: timesortedlist_drop(). */
        private void dropLate(Cpu cpu, long tai) {
            int n = 0;
            int bytes = backlog;
            for (SkBuff skb = q.peek(); skb != null && skb.tstampNs - tai < 0; skb = q.peek()) {
                q.unlink(skb);
                qstatsSub(skb);
                n++;
                overlimits++;
                report(cpu, skb, Errno.ECANCELED, CODE_MISSED);
                dequeueDrop(cpu, skb, SkbDropReason.QDISC_DROP);
            }
            treeReduceBacklog(n, bytes - backlog);
        }

        /** Tells the sender, if it asked. Linux: report_sock_error(). */
        private static void report(Cpu cpu, SkBuff skb, int errno, int code) {
            if (!(skb.sk instanceof Sock sk) || (sk.txtimeFlags & TXTIME_REPORT_ERRORS) == 0) {
                return;
            }
            SkBuff copy = skb.clone(cpu);
            if (copy == null) {
                return;
            }
            SockExtendedErr ee = new SockExtendedErr(); // allocates: an error
            ee.errno = errno;
            ee.origin = SockExtendedErr.SO_EE_ORIGIN_TXTIME;
            ee.code = code;
            ee.data = (int) (skb.tstampNs >>> 32);
            ee.info = (int) skb.tstampNs;
            if (SockErrQueue.queue(cpu, sk, copy, ee) != 0) {
                copy.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            }
        }

        @Override
        public @Nullable SkBuff peek(Cpu cpu) {
            return q.peek();
        }

        @Override
        public void takeAll(Cpu cpu, SkBuffHead to) {
            to.spliceTail(q);
            watchdog.cancel();
            lastNs = 0;
        }

        @Override
        public void destroy(Cpu cpu) {
            watchdog.cancel();
        }

        @Override
        public void dump(TcPrint p) {
            p.str("clockid", "clockid ", "TAI", " ");
            p.num("delta", "delta ", delta, " ");
            p.str("offload", "offload ", "off", " ");
            p.str("deadline_mode", "deadline_mode ", deadlineMode ? "on" : "off", " ");
            p.str("skip_sock_check", "skip_sock_check ", skipSockCheck ? "on" : "off", "");
        }
    }
}
