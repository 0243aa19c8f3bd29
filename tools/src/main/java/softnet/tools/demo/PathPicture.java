package softnet.tools.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import net.core.Softirq;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.core.trace.PathTrace.Context;
import net.core.trace.PathTrace.Step;
import org.jspecify.annotations.Nullable;

/**
 * Draws the steps of a packet as text: a box for each stretch of one context on one CPU, in it the landmark functions in
 * the order in which they ran, indented by layer, with the time since the first.
 */
public final class PathPicture {
    private static final int WIDTH = 92;
    private static final String BOLD = "\u001b[1m";
    private static final String DIM = "\u001b[2m";
    private static final String PLAIN = "\u001b[0m";

    private final boolean colour;

    /** @param colour whether the terminal understands ANSI colours */
    public PathPicture(boolean colour) {
        this.colour = colour;
    }

    /** The picture, line by line. */
    public List<String> draw(List<Step> steps) {
        List<String> lines = new ArrayList<>();
        if (steps.isEmpty()) {
            lines.add("(no landmark was passed)");
            return lines;
        }
        long start = steps.get(0).atNs();
        Step previous = null;
        for (Step step : steps) {
            if (previous == null || !sameStretch(previous, step)) {
                if (previous != null) {
                    lines.add(between(previous, step));
                }
                lines.add(top(step));
            }
            lines.add(row(step, step.atNs() - start));
            previous = step;
        }
        lines.add("  " + "└" + "─".repeat(WIDTH - 3));
        return lines;
    }

    private static boolean sameStretch(Step a, Step b) {
        // Process context holds a CPU only for parts of its way.
        boolean sameCpu = a.cpu() == b.cpu() || a.cpu() < 0 || b.cpu() < 0;
        return a.context() == b.context()
                && a.vector() == b.vector()
                && sameCpu
                && a.thread().equals(b.thread());
    }

    /** What ends one box and leads to the next: who continues, and where. */
    private String between(Step from, Step to) {
        String why;
        if (from.landmark() == Landmark.SK_DATA_READY || to.landmark() == Landmark.TCP_RECVMSG) {
            why = "the reader wakes";
        } else if (to.context() == Context.SOFTIRQ && from.context() == Context.PROCESS) {
            why = "softirqs run as the CPU is given back";
        } else if (to.context() == Context.INTERRUPT) {
            why = "an interrupt";
        } else {
            why = "";
        }
        return "  " + "└" + "─".repeat(8) + (why.isEmpty() ? "" : " " + why + " ")
                + "─".repeat(Math.max(2, WIDTH - 13 - why.length()));
    }

    private String top(Step step) {
        String who = switch (step.context()) {
            case PROCESS -> "process";
            case INTERRUPT -> "interrupt";
            case SOFTIRQ -> "softirq " + vector(step.vector());
        };
        String where = (step.cpu() < 0 ? "" : ", cpu " + step.cpu()) + ", thread " + step.thread();
        String title = " " + who + where + " ";
        return "  ┌─" + (colour ? BOLD + title + PLAIN : title) + "─".repeat(Math.max(2, WIDTH - 4 - title.length()));
    }

    private static String vector(@Nullable Softirq vector) {
        return vector == null ? "" : vector.name();
    }

    private String row(Step step, long ns) {
        Landmark landmark = step.landmark();
        String name = "  ".repeat(depth(landmark.layer())) + landmark.javaName();
        String linux = landmark.linuxName() + "()";
        String size = step.skbLen() < 0 ? "" : String.valueOf(step.skbLen());
        String text = String.format(
                Locale.ROOT,
                "  │ %9s  %-36s %-11s %6s  ",
                time(ns),
                name,
                landmark.layer().title(),
                size);
        return text + (colour ? DIM + linux + PLAIN : linux);
    }

    private static int depth(Landmark.Layer layer) {
        return switch (layer) {
            case SOCKET, TIMER -> 0;
            case TCP -> 1;
            case IP -> 2;
            case NEIGH -> 3;
            case DEV -> 4;
            case QDISC -> 5;
            case DRIVER -> 6;
        };
    }

    static String time(long ns) {
        if (ns < 10_000_000) {
            return String.format(Locale.ROOT, "%.1f us", ns / 1e3);
        }
        return ns < 10_000_000_000L
                ? String.format(Locale.ROOT, "%.1f ms", ns / 1e6)
                : String.format(Locale.ROOT, "%.2f s", ns / 1e9);
    }

    /** The heading over the columns. */
    public static String heading() {
        return String.format("    %9s  %-36s %-11s %6s  %s", "time", "method", "layer", "bytes", "in Linux");
    }

    /**
     * The steps of one packet among all that were recorded: those with a packet of at least {@code least} bytes, and those
     * without one in hand, from {@code first} on until {@code last}.
     */
    public static List<Step> pick(List<PathTrace.Step> all, Landmark first, Landmark last, int least) {
        List<Step> picked = new ArrayList<>();
        for (Step step : all) {
            if (picked.isEmpty() && step.landmark() != first) {
                continue;
            }
            if (step.skbLen() < 0 || step.skbLen() >= least) {
                picked.add(step);
            }
            if (step.landmark() == last) {
                break;
            }
        }
        return picked;
    }
}
