package net.sched.cls;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * An address of either family with a length, as in {@code 10.0.0.0/8}. An IPv4 address is in the lower half of {@code lo}.
 *
 * <p>Linux: get_prefix(), iproute2
 */
public record IpPrefix(boolean v6, long hi, long lo, int bits) {
    /** Reads one; null if it is none. {@code any}, {@code all} and {@code default} are IPv4's 0/0. */
    public static @Nullable IpPrefix parse(String s) {
        if (s.equals("any") || s.equals("all") || s.equals("default")) {
            return new IpPrefix(false, 0, 0, 0);
        }
        int slash = s.indexOf('/');
        String addr = slash < 0 ? s : s.substring(0, slash);
        boolean v6 = addr.indexOf(':') >= 0;
        int bits = slash < 0 ? (v6 ? 128 : 32) : length(s.substring(slash + 1), v6);
        if (bits < 0) {
            return null;
        }
        return v6 ? six(addr, bits) : four(addr, bits);
    }

    private static int length(String s, boolean v6) {
        long n = ClsWords.unsigned(s, 0);
        if (n >= 0) {
            return n <= (v6 ? 128 : 32) ? (int) n : -1;
        }
        IpPrefix mask = v6 ? null : four(s, 32);
        if (mask == null) {
            return -1;
        }
        int ones = Integer.bitCount((int) mask.lo);
        return ones == 0 || (int) mask.lo == -1 << 32 - ones ? ones : -1;
    }

    private static @Nullable IpPrefix four(String s, int bits) {
        String[] parts = s.split("\\.", -1);
        if (parts.length > 4) {
            return null;
        }
        long v = 0;
        for (int i = 0; i < 4; i++) {
            long part = i < parts.length ? ClsWords.unsigned(parts[i], 0) : 0;
            if (part < 0 || part > 255) {
                return null;
            }
            v = v << 8 | part;
        }
        return new IpPrefix(false, 0, v, bits);
    }

    private static @Nullable IpPrefix six(String s, int bits) {
        try {
            ByteBuffer b = ByteBuffer.wrap(InetAddress.ofLiteral(s).getAddress());
            return b.remaining() == 16 ? new IpPrefix(true, b.getLong(0), b.getLong(8), bits) : null;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** The mask of IPv4: {@code bits} ones. */
    public int mask4() {
        return bits == 0 ? 0 : -1 << 32 - bits;
    }

    /** The upper half of an IPv6 mask. */
    public long maskHi() {
        return bits == 0 ? 0 : bits >= 64 ? -1L : -1L << 64 - bits;
    }

    /** The lower half of an IPv6 mask. */
    public long maskLo() {
        return bits <= 64 ? 0 : bits == 128 ? -1L : -1L << 128 - bits;
    }

    /** {@code 10.0.0.1}. */
    public static String format4(int addr) {
        return (addr >>> 24) + "." + (addr >>> 16 & 255) + "." + (addr >>> 8 & 255) + "." + (addr & 255);
    }

    /** An IPv6 address as inet_ntop() writes it: the longest run of zeros is left out. */
    public static String format6(long hi, long lo) {
        int[] w = new int[8];
        for (int i = 0; i < 4; i++) {
            w[i] = (int) (hi >>> 48 - 16 * i) & 0xffff;
            w[i + 4] = (int) (lo >>> 48 - 16 * i) & 0xffff;
        }
        int best = -1;
        int len = 1;
        for (int i = 0; i < 8; i++) {
            int j = i;
            while (j < 8 && w[j] == 0) {
                j++;
            }
            if (j - i > len) {
                best = i;
                len = j - i;
            }
        }
        StringBuilder b = new StringBuilder(40);
        for (int i = 0; i < 8; i++) {
            if (i == best) {
                b.append("::");
                i += len - 1;
                continue;
            }
            if (!b.isEmpty() && b.charAt(b.length() - 1) != ':') {
                b.append(':');
            }
            b.append(Integer.toHexString(w[i]));
        }
        return b.toString();
    }
}
