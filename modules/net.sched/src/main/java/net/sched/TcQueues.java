package net.sched;

import java.util.ArrayList;
import java.util.List;
import net.core.UserError;
import net.core.dev.NetDevice;
import net.core.dev.TrafficClasses;
import net.core.tc.TcPrint;
import org.jspecify.annotations.Nullable;

/**
 * {@code num_tc N map P0 P1 ... queues COUNT@OFFSET ...}, which mqprio and taprio have in common.
 *
 * <p>Linux: struct tc_mqprio_qopt; mqprio_validate_qopt(), net/sched/sch_mqprio_lib.c
 */
public final class TcQueues {
    /** Bits of a priority: 0 to 15. */
    private static final int PRIORITIES = TrafficClasses.MAX;

    /** By priority, its class. */
    private int[] map;

    private boolean mapGiven;
    private int numTc;
    private int[] count = {};
    private int[] offset = {};

    /** With the map that counts if none is given; {@code numTc} 0: not given either. */
    public TcQueues(int numTc, int... map) {
        this.numTc = numTc;
        this.map = map.clone();
    }

    /** Reads one of the three options, if {@code word} is one. */
    public boolean read(String word, TcOptions in) {
        switch (word) {
            case "num_tc" -> numTc = (int) in.number("num_tc", 0, 255);
            case "map" -> {
                map = new int[PRIORITIES];
                mapGiven = true;
                for (int i = 0; i < PRIORITIES && isNumber(in.peek()); i++) {
                    map[i] = (int) in.number("map", 0, 255);
                }
            }
            case "queues" -> queues(in);
            default -> {
                return false;
            }
        }
        return true;
    }

    /** Tells whether a word is a plain number: lists end at the first that is none. */
    public static boolean isNumber(String word) {
        return !word.isEmpty() && word.chars().allMatch(c -> c >= '0' && c <= '9');
    }

    private void queues(TcOptions in) {
        List<int[]> pairs = new ArrayList<>();
        while (pairs.size() < TrafficClasses.MAX && in.peek().matches("\\d{1,5}@\\d{1,5}")) {
            String[] pair = in.next().split("@");
            pairs.add(new int[] {Integer.parseInt(pair[0]), Integer.parseInt(pair[1])});
        }
        if (pairs.isEmpty()) {
            throw new UserError("Illegal \"queues\": wants COUNT@OFFSET, got \"" + in.peek() + "\"");
        }
        count = pairs.stream().mapToInt(p -> p[0]).toArray();
        offset = pairs.stream().mapToInt(p -> p[1]).toArray();
    }

    /** Number of classes that was given, 0 if none was. */
    public int numTc() {
        return numTc;
    }

    /** Tells whether queues were given. */
    public boolean hasQueues() {
        return count.length > 0;
    }

    /** As many classes as there are queues, {@code most} at most, and the queues dealt out evenly. */
    public void spread(NetDevice dev, int most) {
        int n = dev.tx.length;
        numTc = numTc == 0 ? Math.min(n, most) : numTc;
        count = new int[numTc];
        offset = new int[numTc];
        for (int tc = 0, at = 0; tc < numTc; tc++) {
            count[tc] = (tc + 1) * n / numTc - tc * n / numTc;
            offset[tc] = at;
            at += count[tc];
        }
        for (int i = 0; i < map.length && !mapGiven; i++) {
            map[i] = Math.min(map[i], numTc - 1);
        }
    }

    /** What was given, for a device. @throws UserError if it does not fit */
    public TrafficClasses validate(NetDevice dev) {
        if (numTc > TrafficClasses.MAX) {
            throw new UserError("Error: Number of traffic classes is outside valid range");
        }
        if (count.length > numTc) {
            throw new UserError(
                    "queues count/offset pair count " + count.length + " can not be higher than given num_tc " + numTc);
        }
        for (int i = 0; i < map.length; i++) {
            if (map[i] >= numTc) {
                throw new UserError("Error: Invalid traffic class in priority to traffic class mapping: priority " + i
                        + " has class " + map[i]);
            }
        }
        for (int tc = 0; tc < numTc; tc++) {
            if (tc >= count.length || count[tc] == 0) {
                throw new UserError("Error: No queues for TC " + tc);
            }
            int end = offset[tc] + count[tc];
            if (end > dev.tx.length) {
                throw new UserError("Error: Queues " + count[tc] + "@" + offset[tc] + " for TC " + tc + " exceed the "
                        + dev.tx.length + " TX queues available");
            }
            for (int other = 0; other < tc; other++) {
                if (offset[tc] < offset[other] + count[other] && offset[other] < end) {
                    throw new UserError("Error: TC " + tc + " queues " + count[tc] + "@" + offset[tc]
                            + " overlap with TC " + other + " queues " + count[other] + "@" + offset[other]);
                }
            }
        }
        return new TrafficClasses(map, count, offset);
    }

    /** {@code tc 3 map 2 2 1 ...}: number and map, as both print them; {@code before} and {@code after} each class. */
    public static void dumpMap(TrafficClasses tcs, TcPrint p, String before, String after) {
        p.num("tc", "tc ", tcs.size(), " ");
        p.openArray("map", "map" + (before.isEmpty() ? " " : ""));
        for (int i = 0; i < PRIORITIES; i++) {
            p.num("", before, tcs.tcOf(i), after);
        }
        p.closeArray("");
    }

    /** Makes a device's classes {@code mine}, or takes them back if they are {@code mine} still. */
    public static void set(NetDevice dev, @Nullable TrafficClasses mine, boolean on) {
        if (on) {
            dev.trafficClasses = mine;
        } else if (dev.trafficClasses == mine) {
            dev.trafficClasses = null;
        }
    }
}
