package net.sched.netem;

import java.util.List;
import net.core.UserError;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.sched.TcAttrs;
import net.sched.TcOptions;
import org.jspecify.annotations.Nullable;

/**
 * {@code netem [limit 1000] [delay TIME [JITTER [CORRELATION]]] [distribution NAME] [loss [random] P [CORRELATION] | loss
 * state P13 [P31 [P32 [P23 [P14]]]] | loss gemodel P [R [1-H [1-K]]]] [ecn] [duplicate P [CORR]] [corrupt P [CORR]]
 * [reorder P [CORR] [gap N]] [rate RATE [OVERHEAD [CELLSIZE [CELLOVERHEAD]]]] [slot MIN [MAX] | slot distribution NAME
 * DELAY JITTER] [packets N] [bytes N] [seed N]}. Without options it passes packets on.
 *
 * <p>Linux: net/sched/sch_netem.c; iproute2, tc/q_netem.c
 */
public final class NetemOps implements QdiscOps {
    private static final String USAGE = "Usage: ... netem [ limit PACKETS ] [ delay TIME [ JITTER [ CORRELATION ] ] ]"
            + " [ distribution {uniform|normal|pareto|paretonormal} ] [ corrupt PERCENT [ CORRELATION ] ]"
            + " [ duplicate PERCENT [ CORRELATION ] ] [ loss random PERCENT [ CORRELATION ] ]"
            + " [ loss state P13 [ P31 [ P32 [ P23 P14 ] ] ] ] [ loss gemodel PERCENT [ R [ 1-H [ 1-K ] ] ] ] [ ecn ]"
            + " [ reorder PERCENT [ CORRELATION ] [ gap DISTANCE ] ]"
            + " [ rate RATE [ PACKETOVERHEAD [ CELLSIZE [ CELLOVERHEAD ] ] ] ]"
            + " [ slot MIN_DELAY [ MAX_DELAY ] [ packets MAX_PACKETS ] [ bytes MAX_BYTES ] ]"
            + " [ slot distribution NAME DELAY JITTER ] [ seed SEED ]";

    /** Creates the kind. */
    public NetemOps() {}

    @Override
    public String id() {
        return "netem";
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Netem(this, devQueue);
    }

    private static boolean number(TcOptions in) {
        String s = in.peek();
        return !s.isEmpty() && Character.isDigit(s.charAt(0));
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        TcAttrs a = new TcAttrs();
        TcOptions in = new TcOptions("netem", args);
        while (in.hasNext()) {
            String w = in.next();
            switch (w) {
                case "limit" -> a.put(w, in.number(w, 1, Integer.MAX_VALUE));
                case "delay", "latency" -> delay(in, a);
                case "loss", "drop" -> loss(in, a);
                case "duplicate", "corrupt", "reorder" -> {
                    a.put(w, in.percent(w));
                    a.put(w + "_corr", number(in) ? in.percent(w) : 0.0);
                }
                case "ecn" -> a.put(w, 1L);
                case "gap" -> a.put(w, in.number(w, 0, Integer.MAX_VALUE));
                case "distribution" -> {
                    String name = in.value(w, "a name");
                    NetemDist.of(name);
                    a.put(w, name);
                }
                case "rate" -> rate(in, a);
                case "slot" -> slot(in, a);
                case "packets" -> a.put(w, in.number(w, 0, Integer.MAX_VALUE));
                case "bytes" -> a.put(w, in.size(w));
                case "seed" -> a.put(w, in.number(w, 0, Long.MAX_VALUE));
                default -> throw new UserError("What is \"" + w + "\"? " + USAGE);
            }
        }
        if (a.has("reorder") && !a.has("delay")) {
            throw new UserError("reordering not possible without specifying some delay");
        }
        if (a.has("ecn") && !a.has("loss")) {
            throw new UserError("ecn requested without loss model");
        }
        if (a.has("distribution") && a.get("jitter", 0L) == 0) {
            throw new UserError("distribution specified but no latency and jitter values");
        }
        return a;
    }

    private static void delay(TcOptions in, TcAttrs a) {
        a.put("delay", in.time("delay")).put("jitter", 0L).put("delay_corr", 0.0);
        if (number(in)) {
            a.put("jitter", in.time("delay"));
            if (number(in)) {
                a.put("delay_corr", in.percent("delay"));
            }
        }
    }

    private static void loss(TcOptions in, TcAttrs a) {
        if (number(in) || in.peek().equals("random")) {
            if (!number(in)) {
                in.next();
            }
            a.put("model", "RANDOM").put("loss", in.percent("loss"));
            a.put("loss_corr", number(in) ? in.percent("loss") : 0.0);
            return;
        }
        String model = in.value("loss", "random, state or gemodel");
        double[] p = new double[5];
        switch (model) {
            case "state" -> {
                p[0] = in.percent("loss state");
                p[1] = number(in) ? in.percent("loss state") : 1 - p[0];
                p[2] = number(in) ? in.percent("loss state") : 0;
                p[3] = number(in) ? in.percent("loss state") : 1;
                p[4] = number(in) ? in.percent("loss state") : 0;
            }
            case "gemodel" -> {
                p[0] = in.percent("loss gemodel");
                p[1] = number(in) ? in.percent("loss gemodel") : 1 - p[0];
                p[2] = number(in) ? in.percent("loss gemodel") : 1;
                p[3] = number(in) ? in.percent("loss gemodel") : 0;
            }
            default -> throw new UserError("What is \"" + model + "\"? " + USAGE);
        }
        a.put("model", model.equals("state") ? "STATE" : "GEMODEL")
                .put("loss", 0.0)
                .put("loss_p", p);
    }

    private static void rate(TcOptions in, TcAttrs a) {
        a.put("rate", in.rate("rate")).put("overhead", 0L).put("cellsize", 0L).put("celloverhead", 0L);
        String[] more = {"overhead", "cellsize", "celloverhead"};
        for (String w : more) {
            if (!number(in) && !in.peek().startsWith("-")) {
                return;
            }
            a.put(w, in.number("rate", w.equals("cellsize") ? 0 : -65536, 1 << 20));
        }
    }

    private static void slot(TcOptions in, TcAttrs a) {
        if (number(in)) {
            long min = in.time("slot");
            long max = number(in) ? in.time("slot") : min;
            if (max < min) {
                throw new UserError("slot min must not be greater than max");
            }
            a.put("slot_min", min).put("slot_max", max);
            return;
        }
        String w = in.value("slot", "a time or distribution");
        if (!w.equals("distribution")) {
            throw new UserError("What is \"" + w + "\"? " + USAGE);
        }
        String name = in.value("slot distribution", "a name");
        NetemDist.of(name);
        a.put("slot_dist", name).put("slot_delay", in.time("slot")).put("slot_jitter", in.time("slot"));
    }
}
