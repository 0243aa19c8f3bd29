package net.sched.taprio;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.core.UserError;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.dev.TrafficClasses;
import net.sched.TcOptions;
import net.sched.TcQueues;
import org.jspecify.annotations.Nullable;

/**
 * {@code taprio clockid CLOCK_TAI num_tc N map P0 P1 ... queues COUNT@OFFSET ... base-time NS sched-entry S MASK NS ...
 * [cycle-time NS] [cycle-time-extension NS] [max-sdu BYTES ...] [flags 0x1 txtime-delay NS]}: the gates of traffic classes
 * open and close by a schedule, and a packet goes only if it is off the wire before its gate closes. With flags 0x1 packets
 * get a transmit time instead, for etf below.
 *
 * <p>{@code Deviation:} {@code speed RATE}, 10 Gbit/s unless given, is how fast the link is, which Linux asks the driver. The
 * bare name, which tc refuses, has all gates open, and classes and queues as a bare mqprio.
 *
 * <p>Linux: net/sched/sch_taprio.c; tc/q_taprio.c
 */
public final class TaprioOps implements QdiscOps {
    private static final String USAGE = "Usage: ... taprio clockid CLOCKID [num_tc NUMBER] [map P0 P1 ...]"
            + " [queues COUNT@OFFSET ...] [ [sched-entry cmd gate-mask interval] ... ] [base-time time]"
            + " [cycle-time time] [cycle-time-extension time] [max-sdu SDU0 ...] [flags 0x1] [txtime-delay delay]"
            + " [speed RATE]";
    private static final int[] DEFAULT_MAP = {0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 1, 1, 3, 3, 3, 3};
    static final long DEFAULT_SPEED = 10_000_000_000L / 8;
    private static final long U32 = 0xFFFFFFFFL;

    /** What a person asked for. */
    static final class Options {
        TcQueues queues = new TcQueues(0, new int[TrafficClasses.MAX]);
        final List<Character> commands = new ArrayList<>();
        final List<Integer> masks = new ArrayList<>();
        final List<Long> intervals = new ArrayList<>();
        String clock = "";
        long base;
        long cycle;
        long extension;
        int flags = -1;
        long txtimeDelay;
        /** 0: not given. */
        long speed;

        int[] maxSdu = {};

        TaprioSchedule schedule(int tcs) {
            char[] c = new char[masks.size()];
            for (int i = 0; i < c.length; i++) {
                c[i] = commands.get(i);
            }
            return new TaprioSchedule(
                    c,
                    masks.stream().mapToInt(Integer::intValue).toArray(),
                    intervals.stream().mapToLong(Long::longValue).toArray(),
                    base,
                    cycle,
                    extension,
                    tcs);
        }
    }

    /** Creates the kind. */
    public TaprioOps() {}

    @Override
    public String id() {
        return "taprio";
    }

    @Override
    public @Nullable Object parse(List<String> args) {
        Options o = new Options();
        if (args.isEmpty()) {
            return bare(o);
        }
        TcOptions in = new TcOptions("taprio", args);
        while (in.hasNext()) {
            String word = in.next();
            if (!o.queues.read(word, in)) {
                option(o, word, in);
            }
        }
        if (o.flags == -1) {
            o.flags = 0;
        }
        if (o.txtimeDelay != 0 && o.flags == 0) {
            throw new UserError("Error: txtime-delay can only be set when txtime-assist mode is enabled");
        }
        if (o.masks.isEmpty()) {
            throw new UserError("Error: There should be at least one entry in the schedule");
        }
        return o;
    }

    /** All gates open. */
    static Options bare(Options o) {
        o.queues = new TcQueues(0, DEFAULT_MAP);
        o.clock = "TAI";
        o.flags = 0;
        o.commands.add('S');
        o.masks.add(0xFF);
        o.intervals.add(1_000_000L);
        return o;
    }

    private static void option(Options o, String word, TcOptions in) {
        switch (word) {
            case "sched-entry" -> entry(o, in);
            case "base-time" -> o.base = in.number(word, Long.MIN_VALUE / 8, TaprioSchedule.NEVER / 2);
            case "cycle-time" -> o.cycle = in.number(word, 1, TaprioSchedule.NEVER / 4);
            case "cycle-time-extension" -> o.extension = in.number(word, 0, TaprioSchedule.NEVER / 4);
            case "clockid" -> o.clock = clock(in.value(word, "a clock"));
            case "flags" -> {
                o.flags = (int) in.number(word, 0, U32);
                if ((o.flags & ~1) != 0) {
                    throw new UserError("Error: Device does not support taprio offload: flags is 0x0 or 0x1");
                }
            }
            case "txtime-delay" -> o.txtimeDelay = in.number(word, 0, U32);
            case "speed" -> o.speed = Math.max(1, in.rate(word));
            case "max-sdu" -> {
                int[] sdu = new int[TrafficClasses.MAX];
                int n = 0;
                while (n < sdu.length && TcQueues.isNumber(in.peek())) {
                    sdu[n++] = (int) in.number(word, 0, Integer.MAX_VALUE);
                }
                o.maxSdu = Arrays.copyOf(sdu, n);
            }
            default -> throw new UserError("Unknown argument \"" + word + "\". " + USAGE);
        }
    }

    private static void entry(Options o, TcOptions in) {
        String cmd = in.value("sched-entry", "<cmd> <gate mask> <interval>");
        String mask = in.value("sched-entry", "<cmd> <gate mask> <interval>");
        String hex = mask.startsWith("0x") ? mask.substring(2) : mask;
        if (!cmd.matches("[SHR]") || !hex.matches("[0-9a-fA-F]{1,8}")) {
            throw new UserError("Usage: ... taprio ... sched-entry <cmd> <gate mask> <interval>");
        }
        long interval = in.number("sched-entry", 0, U32);
        if (interval == 0) {
            throw new UserError("Error: Interval can never be 0 for sched-entry");
        }
        o.commands.add(cmd.charAt(0));
        o.masks.add((int) Long.parseLong(hex, 16));
        o.intervals.add(interval);
    }

    private static String clock(String word) {
        String name = word.startsWith("CLOCK_") ? word.substring("CLOCK_".length()) : word;
        if (!List.of("TAI", "REALTIME", "MONOTONIC", "BOOTTIME").contains(name)) {
            throw new UserError("taprio: illegal value for \"clockid\": \"" + word
                    + "\". It must be a valid SYS-V id (i.e. CLOCK_TAI)");
        }
        return name;
    }

    @Override
    public Qdisc create(NetdevQueue devQueue) {
        return new Taprio(this, devQueue);
    }
}
