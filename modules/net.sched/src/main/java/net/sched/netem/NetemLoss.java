package net.sched.netem;

import net.core.tc.TcPrint;
import net.skbuff.HotPath;

/**
 * Which packets are lost: at random, by a Markov chain of four states, or by the Gilbert-Elliott model.
 *
 * <p>Linux: loss_event(), net/sched/sch_netem.c. Salsano, Ludovici, Ordine, Giannuzzi, Definition of a general and
 * intuitive loss model for packet networks, 2009
 */
final class NetemLoss {
    enum Model {
        /** Each alike, with correlation. */
        RANDOM,
        /** Gap and burst, in each of which packets are received or lost. */
        STATE,
        /** Good and bad, each with a share of losses. */
        GEMODEL
    }

    private static final int TX_IN_GAP = 1;
    private static final int TX_IN_BURST = 2;
    private static final int LOST_IN_GAP = 3;
    private static final int LOST_IN_BURST = 4;
    private static final int GOOD = TX_IN_GAP;
    private static final int BAD = TX_IN_BURST;

    Model model = Model.RANDOM;
    /** Of {@link Model#RANDOM}. */
    double probability;

    final NetemRandom.Correlated correlation = new NetemRandom.Correlated();
    /** p13 p31 p32 p23 p14, or p r 1-h 1-k. */
    final double[] p = new double[5];

    private final long[] a = new long[5];
    private long loss;
    private int state = TX_IN_GAP;

    /** After a change of the numbers. */
    void compile() {
        loss = NetemRandom.scale(probability);
        for (int i = 0; i < p.length; i++) {
            a[i] = NetemRandom.scale(p[i]);
        }
        state = TX_IN_GAP;
    }

    /** Decides over the next packet. */
    @HotPath
    boolean lost(NetemRandom r) {
        return switch (model) {
            case RANDOM -> loss != 0 && loss >= correlation.next(r);
            case STATE -> fourStates(r.next());
            case GEMODEL -> gilbertElliott(r);
        };
    }

    private boolean fourStates(long rnd) {
        long p13 = a[0];
        long p31 = a[1];
        long p32 = a[2];
        long p23 = a[3];
        long p14 = a[4];
        switch (state) {
            case TX_IN_GAP -> {
                if (rnd < p14) {
                    state = LOST_IN_GAP;
                    return true;
                }
                if (rnd < p13 + p14) {
                    state = LOST_IN_BURST;
                    return true;
                }
            }
            case TX_IN_BURST -> {
                if (rnd < p23) {
                    state = LOST_IN_BURST;
                    return true;
                }
            }
            case LOST_IN_BURST -> {
                if (rnd < p32) {
                    state = TX_IN_BURST;
                } else if (rnd < p31 + p32) {
                    state = TX_IN_GAP;
                } else {
                    return true;
                }
            }
            default -> state = TX_IN_GAP;
        }
        return false;
    }

    private boolean gilbertElliott(NetemRandom r) {
        if (state == GOOD) {
            if (r.next() < a[0]) {
                state = BAD;
            }
            return r.next() < a[3];
        }
        if (r.next() < a[1]) {
            state = GOOD;
        }
        return r.next() < a[2];
    }

    void dump(TcPrint p1) {
        switch (model) {
            case RANDOM -> {
                if (probability > 0) {
                    p1.open("loss-random");
                    Netem.percent(p1, "loss", " loss ", probability);
                    Netem.correlation(p1, correlation);
                    p1.close();
                }
            }
            case STATE -> {
                p1.open("loss-state");
                String[] names = {"p13", "p31", "p32", "p23", "p14"};
                for (int i = 0; i < names.length; i++) {
                    Netem.percent(p1, names[i], (i == 0 ? " loss state " : " ") + names[i] + " ", p[i]);
                }
                p1.close();
            }
            case GEMODEL -> {
                p1.open("loss-gemodel");
                String[] names = {"p", "r", "1-h", "1-k"};
                for (int i = 0; i < names.length; i++) {
                    Netem.percent(p1, names[i], (i == 0 ? " loss gemodel " : " ") + names[i] + " ", p[i]);
                }
                p1.close();
            }
        }
    }
}
