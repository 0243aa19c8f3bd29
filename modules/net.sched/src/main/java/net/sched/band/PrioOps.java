package net.sched.band;

import java.util.List;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.TcAttrs;
import net.sched.TcOptions;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * {@code prio [bands 3] [priomap P1 P2 ...]}: a band is served when those before it are empty.
 *
 * <p>Linux: net/sched/sch_prio.c; tc/q_prio.c
 */
public final class PrioOps implements QdiscOps {
    /** Most bands. */
    static final int MAX_BANDS = 16;

    private static final int PRIORITIES = 16;
    private static final long[] PRIO2BAND = {1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};

    /** Creates the kind. */
    public PrioOps() {}

    @Override
    public String id() {
        return "prio";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        TcOptions in = new TcOptions("prio", args);
        TcAttrs a = new TcAttrs();
        long bands = 3;
        while (in.hasNext()) {
            String word = in.next();
            if (word.equals("bands")) {
                bands = in.number("bands", 2, MAX_BANDS);
                a.put("bands", bands);
            } else if (word.equals("priomap")) {
                a.put("priomap", priomap(in, bands));
            } else {
                throw new UserError("What is \"" + word + "\"? Usage: ... prio bands NUMBER priomap P1 P2...");
            }
        }
        return a;
    }

    static boolean startsWithDigit(String word) {
        return !word.isEmpty() && Character.isDigit(word.charAt(0));
    }

    /** Up to 16 bands; priorities that are not named keep their default. */
    private static long[] priomap(TcOptions in, long bands) {
        long[] map = PRIO2BAND.clone();
        int n = 0;
        while (startsWithDigit(in.peek())) {
            if (n == PRIORITIES) {
                throw new UserError("\"priomap\" index " + n + " is out of range");
            }
            map[n++] = in.number("priomap", 0, bands - 1);
        }
        return map;
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Prio(this, devQueue);
    }

    /** One instance. */
    private static final class Prio extends Bands {
        private int[] prio2band = new int[PRIORITIES];

        Prio(PrioOps ops, NetdevQueue devQueue) {
            super(ops, devQueue);
        }

        @Override
        public int init(@Nullable Object opt) {
            return change(opt);
        }

        @Override
        public int change(@Nullable Object opt) {
            TcAttrs a = TcAttrs.of(opt);
            int bands = a.get("bands", 3);
            long[] map = a.list("priomap");
            int[] p2b = new int[PRIORITIES];
            for (int i = 0; i < PRIORITIES; i++) {
                p2b[i] = (int) (map != null ? map[i] : PRIO2BAND[i]);
                if (p2b[i] >= bands) {
                    return -Errno.EINVAL;
                }
            }
            prio2band = p2b;
            setBands(bands);
            return 0;
        }

        @Override
        @HotPath
        int classify(Cpu cpu, SkBuff skb) {
            int band = skb.priority;
            if (handle == 0 || TcHandle.major(band) != handle) {
                int chosen = chosenBand(cpu, skb);
                if (chosen == -2) {
                    return -1;
                }
                if (chosen == -1) {
                    return prio2band[TcHandle.major(band) != 0 ? 0 : band & PRIORITIES - 1];
                }
                band = chosen;
            }
            band = TcHandle.minor(band) - 1;
            return band < 0 || band >= queues.length ? prio2band[0] : band;
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            for (Qdisc band : queues) {
                SkBuff skb = band.dequeuePeeked(cpu);
                if (skb != null) {
                    sentFromChild(skb);
                    return skb;
                }
            }
            return null;
        }

        @Override
        public @Nullable SkBuff peek(Cpu cpu) {
            for (Qdisc band : queues) {
                SkBuff skb = band.peek(cpu);
                if (skb != null) {
                    return skb;
                }
            }
            return null;
        }

        @Override
        protected void forget() {}

        @Override
        public void dump(TcPrint p) {
            super.dump(p);
            p.openArray("priomap", "priomap");
            for (int band : prio2band) {
                p.num("", " ", band, "");
            }
            p.closeArray("");
        }
    }
}
