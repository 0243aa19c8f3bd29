package net.tcp;

import net.core.Kernel;
import net.skbuff.SipHash;

/**
 * Decides what a SYN cookie says: a sequence number from which the final ACK of a handshake proves that we sent the
 * SYN-ACK, with the peer's MSS in it, and a time stamp whose low bits carry the options. Nothing is stored between. What
 * to do with a proven handshake is {@code TcpV4}'s.
 *
 * <pre>
 *  sequence number  =  hash0 + peer's ISN + (minutes &lt;&lt; 24) + ((hash1(minutes) + MSS index) mod 2^24)
 *
 *  time stamp, low 6 bits:   5    4     3..0
 *                          +-----+----+-----------------------+
 *                          | ECN |SACK| window shift, 15: none|
 *                          +-----+----+-----------------------+
 * </pre>
 *
 * <p>Context: immutable after construction; any thread. RFC 4987 3.6.
 *
 * <p>Linux: net/ipv4/syncookies.c
 */
public final class SynCookies {
    /** Minutes for which a cookie is good. */
    static final int MAX_AGE_MINUTES = 2;

    private static final int COOKIE_BITS = 24;
    private static final int COOKIE_MASK = (1 << COOKIE_BITS) - 1;
    private static final long MINUTE_NS = 60_000_000_000L;

    private static final int TS_BITS = 6;
    private static final int TS_MASK = (1 << TS_BITS) - 1;
    private static final int TS_WSCALE_MASK = 0xf;
    private static final int TS_SACK = 1 << 4;
    private static final int TS_ECN = 1 << 5;

    /** The values of MSS that a cookie can tell apart: default, tunnels with PPPoE, PPPoE, Ethernet. */
    private static final int[] MSS_TABLE = {536, 1300, 1440, 1460};

    private final SipHash hash0;
    private final SipHash hash1;

    /** Cookies under two secrets of this kernel. */
    public SynCookies(Kernel kernel) {
        hash0 = kernel.bootSecret("syncookie0");
        hash1 = kernel.bootSecret("syncookie1");
    }

    private static int minutes(long nowNs) {
        return (int) (nowNs / MINUTE_NS);
    }

    private static int hash(SipHash with, int saddr, int daddr, int sport, int dport, int count) {
        return (int) with.hash32(saddr, daddr, sport << 16 | dport & 0xffff, count);
    }

    /** The index of the largest MSS in the table that is not above a peer's. */
    static int mssIndex(int mss) {
        int index = MSS_TABLE.length - 1;
        while (index > 0 && mss < MSS_TABLE[index]) {
            index--;
        }
        return index;
    }

    /** The MSS that a cookie made for {@code mss} will give back. */
    public static int roundMss(int mss) {
        return MSS_TABLE[mssIndex(mss)];
    }

    /**
     * Our initial sequence number for a SYN whose request is not kept.
     *
     * <p>Linux: __cookie_v4_init_sequence()
     *
     * @param saddr the peer's address, host order
     * @param peerIsn sequence number of its SYN
     */
    public int initSequence(int saddr, int daddr, int sport, int dport, int peerIsn, int mss, long nowNs) {
        int count = minutes(nowNs);
        return hash(hash0, saddr, daddr, sport, dport, 0)
                + peerIsn
                + (count << COOKIE_BITS)
                + (hash(hash1, saddr, daddr, sport, dport, count) + mssIndex(mss) & COOKIE_MASK);
    }

    /**
     * The MSS in a cookie, or 0 if it is none of ours or too old.
     *
     * <p>Linux: __cookie_v4_check()
     *
     * @param cookie acknowledgment number less one
     * @param peerIsn sequence number less one
     */
    public int check(int saddr, int daddr, int sport, int dport, int peerIsn, int cookie, long nowNs) {
        int count = minutes(nowNs);
        int rest = cookie - hash(hash0, saddr, daddr, sport, dport, 0) - peerIsn;
        int age = count - (rest >>> COOKIE_BITS) & 0xff;
        if (age >= MAX_AGE_MINUTES) {
            return 0;
        }
        int index = rest - hash(hash1, saddr, daddr, sport, dport, count - age) & COOKIE_MASK;
        return index < MSS_TABLE.length ? MSS_TABLE[index] : 0;
    }

    /**
     * The time stamp of a SYN-ACK, at most the present one, with the options in its low bits.
     *
     * <p>Linux: cookie_init_timestamp()
     *
     * @param now the time stamp that would be sent otherwise, offset not yet added
     * @param sndWscale the peer's window shift, negative: it offered none
     */
    public static int encodeTimestamp(int now, int sndWscale, boolean sack, boolean ecn) {
        int options = sndWscale < 0 ? TS_WSCALE_MASK : sndWscale;
        options |= sack ? TS_SACK : 0;
        options |= ecn ? TS_ECN : 0;
        int ts = now & ~TS_MASK | options;
        return ts - now > 0 ? ts - (1 << TS_BITS) : ts;
    }

    /**
     * Reads the options back from the echo in {@code opt.rcvTsecr} (offset already taken off) into {@code opt}.
     *
     * <p>Linux: cookie_timestamp_decode()
     *
     * @return false if they are not what we allow, so that the cookie is none of ours
     */
    public static boolean decodeTimestamp(
            TcpOptionsReceived opt, boolean timestampsOn, boolean sackOn, boolean scalingOn) {
        if (!opt.sawTstamp) {
            opt.tstampOk = false;
            opt.sackOk = 0;
            opt.wscaleOk = false;
            opt.sndWscale = 0;
            return true;
        }
        if (!timestampsOn) {
            return false;
        }
        int options = opt.rcvTsecr & TS_MASK;
        opt.tstampOk = true;
        opt.sackOk = (options & TS_SACK) != 0 ? TcpOptionsReceived.TCP_SACK_SEEN : 0;
        if (opt.sackOk != 0 && !sackOn) {
            return false;
        }
        int shift = options & TS_WSCALE_MASK;
        if (shift == TS_WSCALE_MASK) {
            opt.wscaleOk = false;
            return true;
        }
        opt.wscaleOk = true;
        opt.sndWscale = shift;
        return scalingOn;
    }

    /** Whether the SYN's ECN offer is in the echoed time stamp. Linux: cookie_ecn_ok() */
    public static boolean ecnOk(TcpOptionsReceived opt) {
        return opt.sawTstamp && (opt.rcvTsecr & TS_ECN) != 0;
    }
}
