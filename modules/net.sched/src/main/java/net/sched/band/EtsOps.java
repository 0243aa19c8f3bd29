package net.sched.band;

import java.util.ArrayList;
import java.util.List;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscSkbCb;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.core.tc.TcUnits;
import net.sched.TcAttrs;
import net.sched.TcOptions;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * {@code ets [bands N] [strict N] [quanta Q1 Q2 ...] [priomap P1 P2 ...]}: the first bands in strict order, the others in
 * turn by their quanta. The bare name is three strict bands.
 *
 * <p>Linux: net/sched/sch_ets.c; tc/q_ets.c
 */
public final class EtsOps implements QdiscOps {
    private static final int MAX_BANDS = 16;
    private static final int PRIORITIES = 16;

    /** Creates the kind. */
    public EtsOps() {}

    @Override
    public String id() {
        return "ets";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        TcOptions in = new TcOptions("ets", args);
        TcAttrs a = new TcAttrs();
        while (in.hasNext()) {
            String word = in.next();
            switch (word) {
                case "bands" -> a.put("bands", in.number("bands", 1, MAX_BANDS));
                case "strict" -> a.put("strict", in.number("strict", 0, MAX_BANDS));
                case "quanta" -> a.put("quanta", quanta(in));
                case "priomap" -> a.put("priomap", priomap(in));
                default ->
                    throw new UserError("What is \"" + word
                            + "\"? Usage: ... ets [bands NUMBER] [strict NUMBER] [quanta Q1 Q2...] [priomap P1 P2...]");
            }
        }
        long[] quanta = a.list("quanta");
        int nq = quanta == null ? 0 : quanta.length;
        int strict = a.get("strict", 0);
        int bands = a.get("bands", args.isEmpty() ? 3 : strict + nq);
        if (bands == 0) {
            throw new UserError("One of \"bands\", \"quanta\" or \"strict\" needs to be specified");
        }
        if (strict + nq > bands || bands > MAX_BANDS) {
            throw new UserError("Not enough total bands to cover all the strict bands and quanta");
        }
        if (args.isEmpty()) {
            a.put("strict", 3L);
        }
        return a.put("bands", (long) bands);
    }

    private static long[] quanta(TcOptions in) {
        List<Long> all = new ArrayList<>();
        while (PrioOps.startsWithDigit(in.peek())) {
            long n = TcUnits.parseSize(in.next());
            if (n <= 0 || n > Integer.MAX_VALUE) {
                throw new UserError("Illegal \"quanta\" element");
            }
            all.add(n);
        }
        return all.stream().mapToLong(Long::longValue).toArray();
    }

    private static long[] priomap(TcOptions in) {
        List<Long> all = new ArrayList<>();
        while (PrioOps.startsWithDigit(in.peek())) {
            all.add(in.number("priomap", 0, MAX_BANDS - 1));
        }
        if (all.size() > PRIORITIES) {
            throw new UserError("\"priomap\" index " + PRIORITIES + " is out of range");
        }
        return all.stream().mapToLong(Long::longValue).toArray();
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Ets(this, devQueue);
    }

    /** One instance. */
    private static final class Ets extends Bands {
        /** State of a band. */
        private static final class Turn extends TurnList.Node {
            final int band;
            /** 0 for a strict band. */
            int quantum;

            long deficit;

            Turn(int band) {
                this.band = band;
            }
        }

        private final int[] prio2band = new int[PRIORITIES];
        private final Turn[] turns = new Turn[MAX_BANDS];
        private final TurnList active = new TurnList();
        private int strict;

        Ets(EtsOps ops, NetdevQueue devQueue) {
            super(ops, devQueue);
            for (int i = 0; i < MAX_BANDS; i++) {
                turns[i] = new Turn(i);
            }
        }

        @Override
        public int init(@Nullable Object opt) {
            return change(opt == null ? new EtsOps().parse(List.of()) : opt);
        }

        @Override
        public int change(@Nullable Object opt) {
            TcAttrs a = TcAttrs.of(opt);
            int bands = a.get("bands", queues.length);
            long[] map = a.list("priomap");
            if (map != null) {
                for (long band : map) {
                    if (band >= bands) {
                        throw new UserError("Error: Not enough bands for priomap");
                    }
                }
            }
            strict = a.get("strict", 0);
            long[] quanta = a.list("quanta");
            active.clear();
            setBands(bands);
            for (int i = 0; i < bands; i++) {
                int at = i - strict;
                turns[i].quantum = at < 0 ? 0 : quanta != null && at < quanta.length ? (int) quanta[at] : pschedMtu();
                if (at >= 0 && queues[i].qlen > 0) {
                    join(turns[i]);
                }
            }
            for (int i = 0; i < PRIORITIES; i++) {
                prio2band[i] = map != null && i < map.length ? (int) map[i] : bands - 1;
            }
            return 0;
        }

        private void join(Turn t) {
            active.addTail(t);
            t.deficit = t.quantum;
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
        public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
            int band = classify(cpu, skb);
            if (band < 0) {
                return refuse(skb, toFree);
            }
            int rc = enqueueChild(cpu, queues[band], skb, toFree);
            if (band >= strict && queues[band].qlen > 0 && !turns[band].active()) {
                join(turns[band]);
            }
            return rc;
        }

        @Override
        @HotPath
        public @Nullable SkBuff dequeue(Cpu cpu) {
            for (int i = 0; i < strict; i++) {
                SkBuff skb = queues[i].dequeuePeeked(cpu);
                if (skb != null) {
                    sentFromChild(skb);
                    return skb;
                }
            }
            for (Turn t = (Turn) active.first(); t != null; t = (Turn) active.first()) {
                Qdisc child = queues[t.band];
                SkBuff skb = child.peek(cpu);
                if (skb == null) {
                    if (child.qlen != 0) {
                        return null; // it holds packets back by itself
                    }
                    ranEmpty(t);
                    continue;
                }
                int len = QdiscSkbCb.pktLen(skb);
                if (len > t.deficit) {
                    t.deficit += t.quantum;
                    active.moveTail(t);
                    continue;
                }
                t.deficit -= len;
                skb = child.dequeuePeeked(cpu);
                if (child.qlen == 0) {
                    active.remove(t);
                }
                if (skb != null) {
                    sentFromChild(skb);
                }
                return skb;
            }
            return null;
        }

        @Override
        public void qlenNotify(Object cl) {
            ranEmpty(turns[(Integer) cl]);
        }

        /** Its child dropped all that it had; it may have said so. */
        private void ranEmpty(Turn t) {
            if (t.active()) {
                active.remove(t);
            }
        }

        @Override
        protected void forget() {
            active.clear();
        }

        @Override
        public void dump(TcPrint p) {
            super.dump(p);
            if (strict > 0) {
                p.num("strict", "strict ", strict, " ");
            }
            if (strict < queues.length) {
                p.openArray("quanta", "quanta ");
                for (int i = strict; i < queues.length; i++) {
                    p.num("", "", turns[i].quantum, " ");
                }
                p.closeArray("");
            }
            p.openArray("priomap", "priomap ");
            for (int band : prio2band) {
                p.num("", "", band, " ");
            }
            p.closeArray("");
        }

        @Override
        public void dump(Object cl, TcPrint p) {
            int quantum = turns[(Integer) cl].quantum;
            if (quantum != 0) {
                p.num("quantum", "quantum ", quantum, " ");
            }
        }
    }
}
