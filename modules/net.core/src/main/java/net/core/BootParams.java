package net.core;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The kernel command line: {@code name=value} words. A name with a dot is a sysctl, in force from the start in every
 * namespace; the others are:
 *
 * <pre>
 *   cpus=N            CPUs (default: the machine's, at most 64; 1 in virtual time)
 *   clock=live|virtual
 *   seed=N            of everything random in virtual time (default 1)
 *   debug             assertions, allocation sites in leak reports
 *   memory=SIZE       limit of packet memory (default 1G), with k, M or G
 *   waitspin=N        spins of a waiter before it parks (default 200; 0 on one core)
 *   standin=on|off    whether a thread that waits for packets may stand in for an idle CPU's worker (default on)
 *   leakcheck=on|off  whether a leak found at close throws (default on)
 * </pre>
 */
public final class BootParams {
    /** More CPUs than this make no sense for a role that wants a core. */
    public static final int MAX_CPUS = 64;

    int cpus;
    boolean virtual;
    long seed = 1;
    boolean debug;
    long memoryLimit = 1L << 30;
    int waitSpin = Runtime.getRuntime().availableProcessors() > 1 ? 200 : 0;
    boolean leakCheck = true;
    boolean standIn = true;

    @Nullable
    ModuleLayer layer;

    final Map<String, String> sysctls = new LinkedHashMap<>();

    /** Defaults. */
    public BootParams() {}

    /**
     * Parses boot words.
     *
     * @throws UserError for a word that nobody knows
     */
    public static BootParams parse(String... words) {
        BootParams params = new BootParams();
        for (String word : words) {
            params.word(word);
        }
        return params;
    }

    /** Adds one word. */
    public BootParams word(String word) {
        int eq = word.indexOf('=');
        String name = eq < 0 ? word : word.substring(0, eq);
        String value = eq < 0 ? "" : word.substring(eq + 1);
        if (name.indexOf('.') >= 0) {
            if (eq < 0) {
                throw new UserError("boot word " + word + ": a sysctl needs a value, as in " + word + "=1");
            }
            sysctls.put(name, value);
            return this;
        }
        switch (name) {
            case "cpus" -> cpus = (int) number(word, value, 1, MAX_CPUS);
            case "clock" -> virtual = choice(word, value, "live", "virtual") == 1;
            case "seed" -> seed = number(word, value, Long.MIN_VALUE, Long.MAX_VALUE);
            case "debug" -> debug = eq < 0 || choice(word, value, "0", "1") == 1;
            case "memory" -> memoryLimit = size(word, value);
            case "waitspin" -> waitSpin = (int) number(word, value, 0, 1_000_000);
            case "standin" -> standIn = choice(word, value, "off", "on") == 1;
            case "leakcheck" -> leakCheck = choice(word, value, "off", "on") == 1;
            default ->
                throw new UserError(
                        "boot word " + word
                                + ": unknown; known are cpus, clock, seed, debug, memory, waitspin, standin, leakcheck and sysctls");
        }
        return this;
    }

    /** The layer that third-party modules were loaded in; null for none. */
    public BootParams modules(@Nullable ModuleLayer layer) {
        this.layer = layer;
        return this;
    }

    private static long number(String word, String value, long min, long max) {
        try {
            long n = Long.parseLong(value);
            if (n >= min && n <= max) {
                return n;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new UserError("boot word " + word + ": wants a number from " + min + " to " + max);
    }

    private static int choice(String word, String value, String zero, String one) {
        if (value.equals(zero)) {
            return 0;
        }
        if (value.equals(one)) {
            return 1;
        }
        throw new UserError("boot word " + word + ": wants " + zero + " or " + one);
    }

    private static long size(String word, String value) {
        long unit = 1;
        String digits = value;
        if (!value.isEmpty()) {
            int shift = "kMG".indexOf(value.charAt(value.length() - 1));
            if (shift >= 0) {
                unit = 1L << (10 * (shift + 1));
                digits = value.substring(0, value.length() - 1);
            }
        }
        return number(word, digits, 1, Long.MAX_VALUE / unit) * unit;
    }
}
