package net.sched.aqm;

import java.util.List;
import net.core.UserError;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.sched.TcAttrs;
import net.sched.TcOptions;
import org.jspecify.annotations.Nullable;

/**
 * {@code dualpi2 [limit 10000] [memlimit BYTES] [target 15ms] [tupdate 16ms] [alpha 0.16] [beta 3.2] [coupling_factor 2]
 * [step_thresh 1ms | step_thresh N packets] [min_qlen_step 0] [drop_on_overload|overflow] [drop_enqueue|drop_dequeue]
 * [split_gso|no_split_gso] [l4s_ect|any_ect] [classic_protection 10%]}.
 *
 * <p>Linux: net/sched/sch_dualpi2.c, since 6.17. RFC 9332
 */
public final class DualPi2Ops implements QdiscOps {
    /** Creates the kind. */
    public DualPi2Ops() {}

    @Override
    public String id() {
        return "dualpi2";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        TcAttrs a = new TcAttrs();
        TcOptions in = new TcOptions("dualpi2", args);
        while (in.hasNext()) {
            String w = in.next();
            switch (w) {
                case "limit" -> a.put(w, in.number(w, 1, Integer.MAX_VALUE));
                case "memlimit" -> a.put(w, in.size(w));
                case "target" -> a.put(w, in.time(w));
                case "tupdate" -> a.put(w, Math.max(1000, in.time(w)));
                case "alpha", "beta" -> a.put(w, hertz(in, w));
                case "coupling_factor" -> a.put(w, in.number(w, 1, 255));
                case "step_thresh" -> step(in, a);
                case "min_qlen_step" -> a.put(w, in.number(w, 0, Integer.MAX_VALUE));
                case "drop_on_overload" -> a.put("drop_overload", 1L);
                case "overflow" -> a.put("drop_overload", 0L);
                case "drop_enqueue" -> a.put("drop_early", 1L);
                case "drop_dequeue" -> a.put("drop_early", 0L);
                case "split_gso" -> a.put("split_gso", 1L);
                case "no_split_gso" -> a.put("split_gso", 0L);
                case "l4s_ect" -> a.put("ecn_mask", 1L);
                case "any_ect" -> a.put("ecn_mask", 3L);
                case "classic_protection" -> a.put(w, Math.round(in.percent(w) * 100));
                default ->
                    throw new UserError("What is \"" + w + "\"? Usage: ... dualpi2 [ limit PACKETS ] [ memlimit BYTES ]"
                            + " [ coupling_factor NUMBER ] [ step_thresh TIME|PACKETS ] [ min_qlen_step PACKETS ]"
                            + " [ drop_on_overload | overflow ] [ drop_enqueue | drop_dequeue ]"
                            + " [ classic_protection PERCENTAGE ] [ split_gso | no_split_gso ] [ l4s_ect | any_ect ]"
                            + " [ target TIME ] [ tupdate TIME ] [ alpha ALPHA ] [ beta BETA ]");
            }
        }
        return a;
    }

    private static double hertz(TcOptions in, String w) {
        String v = in.value(w, "a frequency in Hz");
        try {
            double hz = Double.parseDouble(v);
            if (hz > 0 && hz <= 1e6) {
                return hz;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new UserError("qdisc dualpi2: " + w + " wants a frequency in Hz, got \"" + v + "\"");
    }

    private static void step(TcOptions in, TcAttrs a) {
        String v = in.peek();
        String number = v.endsWith("p") ? v.substring(0, v.length() - 1) : "";
        if (number.isEmpty() || !number.chars().allMatch(Character::isDigit)) {
            a.put("step_ns", in.time("step_thresh"));
            return;
        }
        in.next();
        a.put("step_packets", Long.parseLong(number));
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new DualPi2(this, devQueue);
    }
}
