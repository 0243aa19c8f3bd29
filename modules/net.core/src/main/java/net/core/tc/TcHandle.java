package net.core.tc;

/**
 * Handles {@code major:minor} of qdiscs and classes, hexadecimal, in an int.
 *
 * <p>Linux: TC_H_MAKE() and its like, include/uapi/linux/pkt_sched.h; get_tc_classid(), iproute2
 */
public final class TcHandle {
    /** No handle given. */
    public static final int UNSPEC = 0;
    /** The device's root. */
    public static final int ROOT = 0xFFFFFFFF;
    /** The ingress hook. */
    public static final int INGRESS = 0xFFFFFFF1;
    /** Handle of what sits at the ingress hook. */
    public static final int INGRESS_MAJOR = 0xFFFF0000;

    private TcHandle() {}

    /** The part that names the qdisc. */
    public static int major(int h) {
        return h & 0xFFFF0000;
    }

    /** The part that names the class. */
    public static int minor(int h) {
        return h & 0xFFFF;
    }

    /** A class of the qdisc {@code major}. */
    public static int make(int major, int minor) {
        return major & 0xFFFF0000 | minor & 0xFFFF;
    }

    /** Reads {@code 1:}, {@code 1:10}, {@code :10}, {@code root}; returns -2 if it is none. Linux: get_tc_classid(). */
    public static long parseClassid(String s) {
        if (s.equals("root")) {
            return ROOT & 0xFFFFFFFFL;
        }
        if (s.equals("none")) {
            return UNSPEC;
        }
        int colon = s.indexOf(':');
        if (colon < 0) {
            return hex(s, 0xFFFFFFFFL);
        }
        long maj = colon == 0 ? 0 : hex(s.substring(0, colon), 0xFFFF);
        long min = colon == s.length() - 1 ? 0 : hex(s.substring(colon + 1), 0xFFFF);
        return maj < 0 || min < 0 ? -2 : maj << 16 | min;
    }

    /** Reads a qdisc's handle, {@code 1:} or {@code 1}; returns -2 if it is none. Linux: get_qdisc_handle(). */
    public static long parseQdisc(String s) {
        if (s.equals("none")) {
            return UNSPEC;
        }
        long maj = hex(s.endsWith(":") ? s.substring(0, s.length() - 1) : s, 0xFFFF);
        return maj < 0 ? -2 : maj << 16;
    }

    private static long hex(String s, long max) {
        try {
            long v = Long.parseLong(s, 16);
            return v < 0 || v > max ? -2 : v;
        } catch (NumberFormatException e) {
            return -2;
        }
    }

    /** {@code 1:}, {@code 1:10}, {@code :10}, {@code root}. Linux: print_tc_classid(). */
    public static String format(int h) {
        if (h == ROOT) {
            return "root";
        }
        if (h == UNSPEC) {
            return "none";
        }
        StringBuilder b = new StringBuilder(10);
        if (major(h) != 0) {
            b.append(Integer.toHexString(h >>> 16));
        }
        b.append(':');
        if (minor(h) != 0) {
            b.append(Integer.toHexString(minor(h)));
        }
        return b.toString();
    }
}
