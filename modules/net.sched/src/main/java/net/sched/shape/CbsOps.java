package net.sched.shape;

import java.util.List;
import net.core.Cpu;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscSkbCb;
import net.core.tc.TcPrint;
import net.sched.ChildQdisc;
import net.sched.QdiscWatchdog;
import net.sched.TcAttrs;
import net.sched.TcGrammar;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * {@code cbs [idleslope KBPS] [sendslope KBPS] [hicredit BYTES] [locredit BYTES] [offload 0]}: the credit based shaper of
 * IEEE 802.1Q-2018, 8.6.8.2. A packet may go while the credit is not negative; sending costs at the send slope, waiting
 * earns at the idle slope. All are 0 in a bare name, which passes everything.
 *
 * <p>{@code Deviation:} the port's rate is idleslope - sendslope, as the standard defines these; Linux asks the driver, and
 * takes 10 Mbit/s if that does not know.
 *
 * <p>Linux: net/sched/sch_cbs.c; tc/q_cbs.c
 */
public final class CbsOps implements QdiscOps {
    private static final TcGrammar GRAMMAR = TcGrammar.of("cbs")
            .number("hicredit", Integer.MIN_VALUE, Integer.MAX_VALUE)
            .number("locredit", Integer.MIN_VALUE, Integer.MAX_VALUE)
            .number("sendslope", Integer.MIN_VALUE, Integer.MAX_VALUE)
            .number("idleslope", Integer.MIN_VALUE, Integer.MAX_VALUE)
            .number("offload", 0, 255);

    /** Creates the kind. */
    public CbsOps() {}

    @Override
    public String id() {
        return "cbs";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        return GRAMMAR.read(args);
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Cbs(this, devQueue);
    }

    /** One instance. */
    private static final class Cbs extends ChildQdisc {
        private static final long SEC = 1_000_000_000L;
        private static final int BYTES_PER_KBIT = 125;

        private final QdiscWatchdog watchdog = new QdiscWatchdog(this);
        /** Most credit that waiting gives, and deepest debt, bytes. */
        private long hicredit;

        private long locredit;
        /** Bytes per second. */
        private long idleslope;

        private long sendslope;
        private long portRate;

        private long credits;
        /** When the last packet is off the wire, or the credit was forgotten. */
        private long lastNs;

        Cbs(CbsOps ops, NetdevQueue devQueue) {
            super(ops, devQueue);
        }

        @Override
        public int init(@Nullable Object opt) {
            int err = change(opt);
            if (err == 0) {
                makeChild("pfifo");
            }
            return err;
        }

        /** As from tc, which sends all options: those not given are 0. */
        @Override
        public int change(@Nullable Object opt) {
            TcAttrs a = TcAttrs.of(opt);
            if (a.get("offload", 0L) != 0) {
                return -Errno.EOPNOTSUPP;
            }
            hicredit = a.get("hicredit", 0L);
            locredit = a.get("locredit", 0L);
            idleslope = a.get("idleslope", 0L) * BYTES_PER_KBIT;
            sendslope = a.get("sendslope", 0L) * BYTES_PER_KBIT;
            portRate = Math.max(0, idleslope - sendslope);
            return 0;
        }

        @Override
        @HotPath
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            Qdisc c = child;
            if (c == null) {
                return qdiscDrop(skb, toFree);
            }
            if (qlen == 0 && credits > 0) {
                credits = 0; // credit is not kept while there is nothing to send
                lastNs = cpu.nowNs();
            }
            int len = QdiscSkbCb.pktLen(skb);
            int rc = c.enqueue(cpu, skb, toFree);
            if (rc == NetXmit.NET_XMIT_SUCCESS) {
                qlen++;
                backlog += len;
            } else {
                drops += NetXmit.dropCount(rc);
            }
            return rc;
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            Qdisc c = child;
            if (c == null) {
                return null;
            }
            long now = cpu.nowNs();
            if (now - lastNs < 0) {
                watchdog.scheduleNs(cpu, lastNs); // the last packet is still being sent
                return null;
            }
            if (credits < 0) {
                // Earned since the last packet, not since the last look: else each look rounds.
                long earned = Math.min(credits + mulDiv(now - lastNs, idleslope, SEC), hicredit);
                if (earned < 0) {
                    if (idleslope > 0) {
                        watchdog.scheduleNs(cpu, now + mulDiv(-earned, SEC, idleslope));
                    }
                    return null;
                }
                credits = earned;
            }
            SkBuff skb = c.dequeuePeeked(cpu);
            if (skb == null) {
                return null;
            }
            int len = QdiscSkbCb.pktLen(skb);
            lastNs = now;
            if (portRate > 0) {
                credits = Math.max(credits + mulDiv(len, sendslope, portRate), locredit);
                lastNs += mulDiv(len, SEC, portRate);
            }
            qstatsSub(skb);
            bstatsUpdate(skb);
            return skb;
        }

        /** a * b / c, through doubles where the product does not fit. */
        @HotPath
        private static long mulDiv(long a, long b, long c) {
            return Math.multiplyHigh(a, b) == (a * b) >> 63 ? a * b / c : (long) ((double) a * b / c);
        }

        @Override
        public void takeAll(Cpu cpu, SkBuffHead to) {
            super.takeAll(cpu, to);
            watchdog.cancel();
            credits = 0;
            lastNs = devQueue.dev.kernel().clock().nanoTime();
        }

        @Override
        public void destroy(Cpu cpu) {
            watchdog.cancel();
            super.destroy(cpu);
        }

        @Override
        public void dump(TcPrint p) {
            p.num("hicredit", "hicredit ", hicredit, " ");
            p.num("locredit", "locredit ", locredit, " ");
            p.num("sendslope", "sendslope ", sendslope / BYTES_PER_KBIT, " ");
            p.num("idleslope", "idleslope ", idleslope / BYTES_PER_KBIT, " ");
            p.num("offload", "offload ", 0, " ");
        }
    }
}
