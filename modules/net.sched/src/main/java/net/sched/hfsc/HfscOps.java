package net.sched.hfsc;

import java.util.List;
import net.core.UserError;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.sched.TcGrammar;
import net.sched.TcOptions;
import org.jspecify.annotations.Nullable;

/**
 * {@code hfsc [default MINOR]}; {@code tc class add ... hfsc [[rt SC] [ls SC] | [sc SC]] [ul SC]}, where SC is {@code [m1
 * RATE d TIME] m2 RATE} or {@code [[umax BYTES] dmax TIME] rate RATE}.
 *
 * <p>{@code Deviation:} while there is no class at all packets go through one queue, so that the bare name can be used;
 * Linux puts them into a class that never sends.
 *
 * <p>Linux: net/sched/sch_hfsc.c; tc/q_hfsc.c
 */
public final class HfscOps implements QdiscOps {
    static final String USAGE = "Usage: ... hfsc [ [ rt SC ] [ ls SC ] | [ sc SC ] ] [ ul SC ]"
            + " with SC := [ [ m1 BPS ] d SEC ] m2 BPS or [ [ umax BYTE ] dmax SEC ] rate BPS";

    private static final TcGrammar GRAMMAR = TcGrammar.of("hfsc").hexNumber("default");
    private static final long US = 1_000;
    private static final long US_PER_SEC = 1_000_000;

    /** Creates the kind. */
    public HfscOps() {}

    @Override
    public String id() {
        return "hfsc";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        return GRAMMAR.read(args);
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Hfsc(this, devQueue);
    }

    /** A class's curves: those that were given. */
    record Curves(
            @Nullable ServiceCurve rt,
            @Nullable ServiceCurve ls,
            @Nullable ServiceCurve ul) {}

    /** Reads a class's curves. @throws UserError in one line */
    static Curves parseClass(List<String> words) {
        ServiceCurve rt = null;
        ServiceCurve ls = null;
        ServiceCurve ul = null;
        TcOptions in = new TcOptions("hfsc", words);
        while (in.hasNext()) {
            String word = in.next();
            switch (word) {
                case "rt" -> rt = curve(in, word);
                case "ls" -> ls = curve(in, word);
                case "ul" -> ul = curve(in, word);
                case "sc" -> {
                    rt = curve(in, word);
                    ls = rt;
                }
                default -> throw new UserError("HFSC: What is \"" + word + "\" ? " + USAGE);
            }
        }
        if (words.isEmpty()) {
            throw new UserError("HFSC: no parameters given. " + USAGE);
        }
        if (ul != null && ls == null) {
            throw new UserError("HFSC: Upper-limit Service Curve without Link-Share Service Curve. " + USAGE);
        }
        return new Curves(rt, ls, ul);
    }

    private static ServiceCurve curve(TcOptions in, String name) {
        String word = in.peek();
        boolean slopes = word.equals("m1") || word.equals("d") || word.equals("m2");
        ServiceCurve sc = slopes ? slopes(in, name) : work(in, name);
        if (sc.m1 == 0 && sc.m2 == 0) {
            throw new UserError("HFSC: Service Curve has two zero slopes");
        }
        return sc;
    }

    private static ServiceCurve slopes(TcOptions in, String name) {
        long m1 = take(in, "m1") ? in.rate("m1") : 0;
        long d = take(in, "d") ? in.time("d") : 0;
        if (!take(in, "m2")) {
            throw new UserError("HFSC: Illegal \"" + name + "\": m2 is missing. " + USAGE);
        }
        return new ServiceCurve(m1, d, in.rate("m2"));
    }

    /** A packet of so much, so soon, at a rate. Linux: hfsc_get_sc2(), iproute2 */
    private static ServiceCurve work(TcOptions in, String name) {
        long umax = take(in, "umax") ? in.size("umax") : 0;
        long dmaxUs = take(in, "dmax") ? in.time("dmax") / US : 0;
        if (!take(in, "rate")) {
            throw new UserError("HFSC: Illegal \"" + name + "\". " + USAGE);
        }
        long rate = in.rate("rate");
        if (umax != 0 && dmaxUs == 0) {
            throw new UserError("HFSC: umax given but dmax is zero.");
        }
        if (dmaxUs != 0) {
            long m1 = (umax * US_PER_SEC + dmaxUs - 1) / dmaxUs;
            if (m1 > rate) {
                return new ServiceCurve(m1, dmaxUs * US, rate);
            }
        }
        long wait = rate == 0 ? 0 : Math.max(0, dmaxUs - umax * US_PER_SEC / rate);
        return new ServiceCurve(0, wait * US, rate);
    }

    private static boolean take(TcOptions in, String word) {
        if (!in.peek().equals(word)) {
            return false;
        }
        in.next();
        return true;
    }
}
