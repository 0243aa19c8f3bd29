package net.core.sock;

import org.jspecify.annotations.Nullable;

/**
 * Why a packet is in the error queue: an ICMP error, a transmit timestamp, a zero-copy completion.
 *
 * <p>Linux: struct sock_extended_err, include/uapi/linux/errqueue.h
 */
public final class SockExtendedErr {
    public static final int SO_EE_ORIGIN_NONE = 0;
    public static final int SO_EE_ORIGIN_LOCAL = 1;
    public static final int SO_EE_ORIGIN_ICMP = 2;
    public static final int SO_EE_ORIGIN_ICMP6 = 3;
    public static final int SO_EE_ORIGIN_TIMESTAMPING = 4;
    public static final int SO_EE_ORIGIN_ZEROCOPY = 5;
    public static final int SO_EE_ORIGIN_TXTIME = 6;

    /** {@link #code} of a zero-copy completion: the bytes were copied after all. */
    public static final int SO_EE_CODE_ZEROCOPY_COPIED = 1;

    public int errno;
    public int origin;
    public int type;
    public int code;
    public int info;
    public int data;

    /** Who sent the ICMP error. */
    public @Nullable SockAddr offender;

    /** Where the packet that failed was going, for {@link Msghdr#name}. */
    public @Nullable SockAddr dest;

    /** What SOF_TIMESTAMPING_OPT_STATS adds: netlink attributes; or null. */
    public byte @Nullable [] stats;

    @Override
    public String toString() {
        return "errno " + errno + " origin " + origin + " type " + type + " code " + code + " info " + info + " data "
                + data;
    }
}
