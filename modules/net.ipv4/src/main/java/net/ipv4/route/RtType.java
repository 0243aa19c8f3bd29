package net.ipv4.route;

import net.skbuff.Errno;

/**
 * Kinds of routes and scopes of destinations, with Linux's values.
 *
 * <p>Linux: RTN_*, RT_SCOPE_*, RT_TABLE_*, RTPROT_*, include/uapi/linux/rtnetlink.h; fib_props
 */
public final class RtType {
    public static final int RTN_UNSPEC = 0;
    /** Gateway or direct. */
    public static final int RTN_UNICAST = 1;
    /** Accept locally. */
    public static final int RTN_LOCAL = 2;

    public static final int RTN_BROADCAST = 3;
    public static final int RTN_ANYCAST = 4;
    public static final int RTN_MULTICAST = 5;
    /** Drop silently. */
    public static final int RTN_BLACKHOLE = 6;
    /** Answer "host unreachable". */
    public static final int RTN_UNREACHABLE = 7;
    /** Answer "administratively prohibited". */
    public static final int RTN_PROHIBIT = 8;
    /** Not in this table. */
    public static final int RTN_THROW = 9;

    public static final int RT_SCOPE_UNIVERSE = 0;
    public static final int RT_SCOPE_SITE = 200;
    public static final int RT_SCOPE_LINK = 253;
    public static final int RT_SCOPE_HOST = 254;
    public static final int RT_SCOPE_NOWHERE = 255;

    public static final int RT_TABLE_DEFAULT = 253;
    public static final int RT_TABLE_MAIN = 254;
    public static final int RT_TABLE_LOCAL = 255;

    public static final int RTPROT_KERNEL = 2;
    public static final int RTPROT_BOOT = 3;
    public static final int RTPROT_STATIC = 4;

    private static final int[] ERRORS = {
        0, 0, 0, 0, 0, 0, -Errno.EINVAL, -Errno.EHOSTUNREACH, -Errno.EACCES, -Errno.EAGAIN
    };
    private static final int[] SCOPES = {
        RT_SCOPE_NOWHERE,
        RT_SCOPE_UNIVERSE,
        RT_SCOPE_HOST,
        RT_SCOPE_LINK,
        RT_SCOPE_LINK,
        RT_SCOPE_UNIVERSE,
        RT_SCOPE_UNIVERSE,
        RT_SCOPE_UNIVERSE,
        RT_SCOPE_UNIVERSE,
        RT_SCOPE_UNIVERSE
    };
    private static final String[] NAMES = {
        "unspec",
        "unicast",
        "local",
        "broadcast",
        "anycast",
        "multicast",
        "blackhole",
        "unreachable",
        "prohibit",
        "throw"
    };

    private RtType() {}

    /** What a lookup that ends at such a route returns: 0 or a negative errno. */
    public static int error(int type) {
        return ERRORS[type];
    }

    /** Narrowest scope that a route of this kind may have. */
    public static int scope(int type) {
        return SCOPES[type];
    }

    public static String name(int type) {
        return NAMES[type];
    }

    /** The kind by iproute2's name, -1 if it is none. */
    public static int byName(String name) {
        for (int i = 1; i < NAMES.length; i++) {
            if (NAMES[i].equals(name)) {
                return i;
            }
        }
        return -1;
    }

    /** Name of a scope as iproute2 prints it. */
    public static String scopeName(int scope) {
        return switch (scope) {
            case RT_SCOPE_UNIVERSE -> "global";
            case RT_SCOPE_SITE -> "site";
            case RT_SCOPE_LINK -> "link";
            case RT_SCOPE_HOST -> "host";
            case RT_SCOPE_NOWHERE -> "nowhere";
            default -> Integer.toString(scope);
        };
    }
}
