package net.core.tc;

import java.util.Locale;

/**
 * Rates, sizes and times as tc reads and prints them. Readers return -1 for what is none.
 *
 * <p>Linux: iproute2, tc/tc_util.c, lib/utils_math.c
 */
public final class TcUnits {
    private static final String[] RATE_UNITS = {"", "K", "M", "G", "T"};

    private TcUnits() {}

    /** Where the number ends and the unit begins; 0 if there is no number. */
    private static int numberEnd(String s) {
        int end = 0;
        while (end < s.length() && (Character.isDigit(s.charAt(end)) || s.charAt(end) == '.')) {
            end++;
        }
        // An exponent, unless it is a unit that begins with e.
        if (end > 0 && end + 1 < s.length() && s.charAt(end) == 'e' && Character.isDigit(s.charAt(end + 1))) {
            end++;
            while (end < s.length() && Character.isDigit(s.charAt(end))) {
                end++;
            }
        }
        return end;
    }

    private static double number(String s, int end) {
        try {
            return end == 0 ? -1 : Double.parseDouble(s.substring(0, end));
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    private static long scaled(double number, double unit) {
        double v = number * unit;
        return number < 0 || unit < 0 || v > Long.MAX_VALUE / 2.0 ? -1 : (long) v;
    }

    /**
     * Bytes per second from {@code 1mbit}, {@code 10kbps}, {@code 1.5gibit}; a bare number is in bits per second.
     * Linux: get_rate64().
     */
    public static long parseRate(String text) {
        String s = text.toLowerCase(Locale.ROOT);
        int end = numberEnd(s);
        String unit = s.substring(end);
        double factor;
        if (unit.isEmpty()) {
            factor = 1 / 8.0;
        } else if (unit.endsWith("bit")) {
            factor = prefix(unit.substring(0, unit.length() - 3)) / 8;
        } else if (unit.endsWith("bps")) {
            factor = prefix(unit.substring(0, unit.length() - 3));
        } else {
            factor = -1;
        }
        return scaled(number(s, end), factor);
    }

    private static double prefix(String p) {
        return switch (p) {
            case "" -> 1;
            case "k" -> 1e3;
            case "m" -> 1e6;
            case "g" -> 1e9;
            case "t" -> 1e12;
            case "ki" -> 1024.0;
            case "mi" -> 1024.0 * 1024;
            case "gi" -> 1024.0 * 1024 * 1024;
            case "ti" -> 1024.0 * 1024 * 1024 * 1024;
            default -> -8e30;
        };
    }

    /** Bytes from {@code 64kb}, {@code 1500}, {@code 1mbit}: units are powers of 1024. Linux: get_size64(). */
    public static long parseSize(String text) {
        String s = text.toLowerCase(Locale.ROOT);
        int end = numberEnd(s);
        double unit = switch (s.substring(end)) {
            case "", "b" -> 1;
            case "k", "kb" -> 1024;
            case "m", "mb" -> 1024 * 1024;
            case "g", "gb" -> 1024 * 1024 * 1024;
            case "kbit" -> 1024 / 8.0;
            case "mbit" -> 1024 * 1024 / 8.0;
            case "gbit" -> 1024 * 1024 * 1024 / 8.0;
            default -> -1;
        };
        return scaled(number(s, end), unit);
    }

    /** Nanoseconds from {@code 5ms}, {@code 1.5s}; a bare number is in microseconds. Linux: get_time(). */
    public static long parseTime(String text) {
        return time(text, 1e3);
    }

    /** Nanoseconds; a bare number is in nanoseconds. Linux: get_time64(). */
    public static long parseTime64(String text) {
        return time(text, 1);
    }

    private static long time(String text, double bare) {
        String s = text.toLowerCase(Locale.ROOT);
        int end = numberEnd(s);
        double unit = switch (s.substring(end)) {
            case "" -> bare;
            case "s", "sec", "secs" -> 1e9;
            case "ms", "msec", "msecs" -> 1e6;
            case "us", "usec", "usecs" -> 1e3;
            case "ns", "nsec", "nsecs" -> 1;
            default -> -1;
        };
        double n = number(s, end);
        double v = n * unit;
        return n < 0 || unit < 0 || v > Long.MAX_VALUE / 2.0 ? -1 : Math.round(v);
    }

    /** A share from 0 to 1 of {@code 10%} or {@code 0.5%}; -1 if it is none. Linux: parse_percent(). */
    public static double parsePercent(String text) {
        int end = numberEnd(text);
        if (end == 0 || !(text.substring(end).equals("%") || end == text.length())) {
            return -1;
        }
        double n = number(text, end);
        return n > 100 ? -1 : n / 100;
    }

    /** {@code 10Mbit}. Linux: print_rate(). */
    public static String rate(long bytesPerSec) {
        double bits = bytesPerSec * 8.0;
        if (bits < 9e18) {
            long r = bytesPerSec * 8;
            int i = 0;
            while (i < RATE_UNITS.length - 1 && r >= 1000 && (r % 1000 == 0 || r >= 1_000_000)) {
                r /= 1000;
                i++;
            }
            return r + RATE_UNITS[i] + "bit";
        }
        return String.format(Locale.ROOT, "%.0fTbit", bits / 1e12);
    }

    /** {@code 32Mb}, {@code 15Kb}, {@code 1600b}. Linux: print_size(). */
    public static String size(long bytes) {
        double mb = Math.rint(bytes / 1048576.0);
        if (bytes >= 1048576 && Math.abs(1048576 * mb - bytes) < 1024) {
            return general(mb, 6) + "Mb";
        }
        double kb = Math.rint(bytes / 1024.0);
        if (bytes >= 1024 && Math.abs(1024 * kb - bytes) < 16) {
            return general(kb, 6) + "Kb";
        }
        return bytes + "b";
    }

    /** {@code 5ms}, of microseconds. Linux: sprint_time(). */
    public static String timeUs(long us) {
        if (us >= 1_000_000) {
            return general(us / 1e6, 3) + "s";
        }
        return us >= 1000 ? general(us / 1e3, 3) + "ms" : us + "us";
    }

    /** {@code 5ms}, of nanoseconds. Linux: sprint_time64(). */
    public static String timeNs(long ns) {
        if (ns >= 1_000_000_000) {
            return general(ns / 1e9, 3) + "s";
        }
        if (ns >= 1_000_000) {
            return general(ns / 1e6, 3) + "ms";
        }
        return ns >= 1000 ? general(ns / 1e3, 3) + "us" : ns + "ns";
    }

    /** As C's {@code %.Ng}. */
    public static String general(double v, int digits) {
        if (v == 0) {
            return "0";
        }
        java.math.BigDecimal d =
                new java.math.BigDecimal(v).round(new java.math.MathContext(digits, java.math.RoundingMode.HALF_EVEN));
        int exponent = d.precision() - d.scale() - 1;
        if (exponent < -4 || exponent >= digits) {
            String m = d.movePointLeft(exponent).stripTrailingZeros().toPlainString();
            return m + "e" + (exponent < 0 ? "-" : "+") + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
        }
        return d.stripTrailingZeros().toPlainString();
    }
}
