package net.ipv4;

import net.core.Cpu;
import net.core.dev.NetDevice;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Parsed options of an IP header. Offsets count from the start of the header; 0: not there.
 *
 * <p>Linux: struct ip_options, include/net/inet_sock.h; net/ipv4/ip_options.c. RFC 791 3.1.
 */
public final class IpOptions {
    public static final int IPOPT_END = 0;
    public static final int IPOPT_NOOP = 1;
    public static final int IPOPT_RR = 7;
    public static final int IPOPT_TIMESTAMP = 68;
    public static final int IPOPT_CIPSO = 134;
    public static final int IPOPT_LSRR = 131;
    public static final int IPOPT_SSRR = 137;
    public static final int IPOPT_RA = 148;
    /** Most bytes of options. */
    public static final int MAX_LENGTH = 40;

    private static final int TS_TSONLY = 0;
    private static final int TS_TSANDADDR = 1;
    private static final int TS_PRESPEC = 3;

    /** The bytes, padded to words; for options to be sent. */
    public final byte[] data;
    /** Their number. */
    public final int optlen;
    /** First hop of a source route to be sent. */
    public int faddr;

    public int srr;
    public int rr;
    public int ts;
    public int routerAlert;
    public boolean isStrictroute;
    /** A source route brought the packet here. */
    public boolean srrIsHit;

    public boolean rrNeedaddr;
    public boolean tsNeedtime;
    public boolean tsNeedaddr;

    IpOptions(byte[] data, int optlen) {
        this.data = data;
        this.optlen = optlen;
    }

    /**
     * Reads and checks options.
     *
     * @param at0 address of the first option byte
     * @param errAt receives the offset, from the header's start, of what is wrong
     * @return null if something is wrong
     *     <p>Linux: __ip_options_compile()
     */
    static @Nullable IpOptions compile(long at0, int length, int[] errAt) {
        IpOptions opt = new IpOptions(new byte[length], length); // allocates: packets with options are rare
        Wire.read(at0, opt.data, 0, length);
        return opt.parse(errAt) ? opt : null;
    }

    /** Options as a program gives them (IP_OPTIONS); null if malformed. Linux: ip_options_get(). */
    public static @Nullable IpOptions forSending(byte[] given, int length) {
        if (length > MAX_LENGTH) {
            return null;
        }
        int padded = length + 3 & ~3;
        byte[] bytes = new byte[padded];
        System.arraycopy(given, 0, bytes, 0, length);
        IpOptions opt = new IpOptions(bytes, padded);
        if (!opt.parse(new int[1])) {
            return null;
        }
        if (opt.srr != 0) {
            // The first hop goes into the destination, the rest move up, the destination comes last.
            int o = opt.srr - IpHdr.LENGTH;
            int len = bytes[o + 1] & 255;
            if ((bytes[o + 2] & 255) != 4 || len < 7 || (len - 3 & 3) != 0) {
                return null;
            }
            opt.faddr = opt.get32(o + 3);
            System.arraycopy(bytes, o + 7, bytes, o + 3, len - 7);
        }
        return opt;
    }

    private int u8(int i) {
        return data[i] & 255;
    }

    private int get32(int i) {
        return u8(i) << 24 | u8(i + 1) << 16 | u8(i + 2) << 8 | u8(i + 3);
    }

    private boolean parse(int[] errAt) {
        int i = 0;
        while (i < optlen) {
            int type = u8(i);
            if (type == IPOPT_END) {
                return true;
            }
            if (type == IPOPT_NOOP) {
                i++;
                continue;
            }
            if (i + 1 >= optlen) {
                return bad(errAt, i);
            }
            int len = u8(i + 1);
            if (len < 2 || i + len > optlen) {
                return bad(errAt, i);
            }
            if (!parseOne(type, i, len, errAt)) {
                return false;
            }
            i += len;
        }
        return true;
    }

    private static boolean bad(int[] errAt, int at) {
        errAt[0] = IpHdr.LENGTH + at;
        return false;
    }

    private boolean parseOne(int type, int i, int len, int[] errAt) {
        switch (type) {
            case IPOPT_SSRR, IPOPT_LSRR -> {
                if (len < 3) {
                    return bad(errAt, i + 1);
                }
                if (u8(i + 2) < 4) {
                    return bad(errAt, i + 2);
                }
                if (srr != 0) {
                    return bad(errAt, i);
                }
                isStrictroute = type == IPOPT_SSRR;
                srr = IpHdr.LENGTH + i;
            }
            case IPOPT_RR -> {
                if (rr != 0) {
                    return bad(errAt, i);
                }
                if (len < 3) {
                    return bad(errAt, i + 1);
                }
                int ptr = u8(i + 2);
                if (ptr < 4) {
                    return bad(errAt, i + 2);
                }
                if (ptr <= len) {
                    if (ptr + 3 > len) {
                        return bad(errAt, i + 2);
                    }
                    rrNeedaddr = true;
                }
                rr = IpHdr.LENGTH + i;
            }
            case IPOPT_TIMESTAMP -> {
                return parseTimestamp(i, len, errAt);
            }
            case IPOPT_RA -> {
                if (len < 4) {
                    return bad(errAt, i + 1);
                }
                if (u8(i + 2) == 0 && u8(i + 3) == 0) {
                    routerAlert = IpHdr.LENGTH + i;
                }
            }
            default -> {}
        }
        return true;
    }

    private boolean parseTimestamp(int i, int len, int[] errAt) {
        if (ts != 0) {
            return bad(errAt, i);
        }
        if (len < 4) {
            return bad(errAt, i + 1);
        }
        int ptr = u8(i + 2);
        if (ptr < 5) {
            return bad(errAt, i + 2);
        }
        int flag = u8(i + 3) & 0xf;
        if (ptr <= len) {
            int need = flag == TS_TSONLY ? 3 : 7;
            if (ptr + need > len) {
                return bad(errAt, i + 2);
            }
            if (flag != TS_TSONLY && flag != TS_TSANDADDR && flag != TS_PRESPEC) {
                return bad(errAt, i + 3);
            }
            tsNeedtime = true;
            tsNeedaddr = flag == TS_TSANDADDR;
        } else if (u8(i + 3) >>> 4 == 15) {
            return bad(errAt, i + 3);
        }
        ts = IpHdr.LENGTH + i;
        return true;
    }

    /**
     * Fills in what a router fills in: its address into a record route, time (and address) into a time stamp; the
     * checksum is computed anew.
     *
     * <p>Linux: ip_forward_options()
     */
    void forward(Cpu cpu, SkBuff skb, NetDevice out, int ourAddr) {
        long iph = skb.networkAddress();
        boolean changed = false;
        if (rrNeedaddr) {
            int ptr = Wire.u8(iph + rr + 2);
            Wire.put32(iph + rr + ptr - 1, ourAddr);
            Wire.put8(iph + rr + 2, ptr + 4);
            changed = true;
        }
        if (tsNeedtime) {
            int ptr = Wire.u8(iph + ts + 2);
            int flag = Wire.u8(iph + ts + 3) & 0xf;
            boolean ours = flag != TS_PRESPEC || Wire.u32(iph + ts + ptr - 1) == ourAddr;
            if (ours) {
                if (tsNeedaddr) {
                    Wire.put32(iph + ts + ptr - 1, ourAddr);
                }
                int skip = flag == TS_TSONLY ? 0 : 4;
                Wire.put32(iph + ts + ptr - 1 + skip, Ipv4Net.inetCurrentTimestamp(cpu));
                Wire.put8(iph + ts + 2, ptr + skip + 4);
                changed = true;
            }
        }
        if (changed) {
            IpHdr.sendCheck(iph);
        }
    }

    /** Writes options to be sent behind a header whose length already counts them. Linux: ip_options_build(). */
    void build(long iph, int daddr) {
        Wire.write(data, 0, iph + IpHdr.LENGTH, optlen);
        if (srr != 0) {
            int len = Wire.u8(iph + srr + 1);
            Wire.put32(iph + srr + len - 4, daddr);
        }
    }

    /**
     * Replaces options that only make sense once by no-ops, in the second and later fragments. Linux:
     * ip_options_fragment().
     */
    static void fragment(long iph, int optlen) {
        long at = iph + IpHdr.LENGTH;
        int i = 0;
        while (i < optlen) {
            int type = Wire.u8(at + i);
            if (type == IPOPT_END) {
                return;
            }
            if (type == IPOPT_NOOP) {
                i++;
                continue;
            }
            int len = i + 1 < optlen ? Wire.u8(at + i + 1) : 0;
            if (len < 2 || i + len > optlen) {
                return;
            }
            if ((type & 0x80) == 0) {
                for (int k = 0; k < len; k++) {
                    Wire.put8(at + i + k, IPOPT_NOOP);
                }
            }
            i += len;
        }
    }

    /**
     * Options for an answer to a packet: its record route and time stamp as they are, its source route reversed. Null
     * if there is nothing to echo. Linux: __ip_options_echo()
     */
    public static @Nullable IpOptions echo(SkBuff skb) {
        IpOptions in = IpSkbCb.opt(skb);
        if (in == null || in.rr == 0 && in.ts == 0 && in.srr == 0) {
            return null;
        }
        byte[] out = new byte[MAX_LENGTH];
        int at = 0;
        int faddr = 0;
        int outSrr = 0;
        for (int o : new int[] {in.rr, in.ts}) {
            if (o != 0) {
                int i = o - IpHdr.LENGTH;
                int len = in.u8(i + 1);
                System.arraycopy(in.data, i, out, at, len);
                at += len;
            }
        }
        if (in.srr != 0) {
            int i = in.srr - IpHdr.LENGTH;
            int hops = Math.min(in.u8(i + 2), in.u8(i + 1) + 1) - 4 >> 2;
            // Hops travelled, newest first: the first becomes the destination, the last is the sender itself.
            if (hops > 0) {
                faddr = in.get32(i + 3 + 4 * (hops - 1));
                int len = 3 + 4 * hops;
                if (at + len <= MAX_LENGTH) {
                    outSrr = IpHdr.LENGTH + at;
                    out[at] = in.data[i];
                    out[at + 1] = (byte) len;
                    out[at + 2] = 4;
                    for (int h = 1; h < hops; h++) {
                        System.arraycopy(in.data, i + 3 + 4 * (hops - 1 - h), out, at + 3 + 4 * (h - 1), 4);
                    }
                    at += len;
                }
            }
        }
        int padded = at + 3 & ~3;
        if (padded == 0 || padded > MAX_LENGTH) {
            return null;
        }
        byte[] exact = new byte[padded];
        System.arraycopy(out, 0, exact, 0, at);
        IpOptions opt = new IpOptions(exact, padded);
        opt.srr = outSrr;
        opt.faddr = outSrr != 0 ? faddr : 0;
        return opt;
    }

    /**
     * Follows a source route that names this host: the next hop becomes the destination. False if the packet is to be
     * dropped. Linux: ip_options_rcv_srr()
     */
    boolean rcvSrr(Cpu cpu, SkBuff skb) {
        long iph = skb.networkAddress();
        int len = Wire.u8(iph + srr + 1);
        int ptr = Wire.u8(iph + srr + 2);
        if (ptr > len || skb.pktType != SkBuff.PACKET_HOST) {
            return ptr > len;
        }
        // Deviation: routers between stopped doing this decades ago (RFC 7126 4.3): we accept only finished routes.
        return false;
    }
}
