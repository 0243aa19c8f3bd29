package net.ipv4.route;

import net.skbuff.HotPath;

/**
 * What a route is asked for, and on return what was chosen: source address and output interface are filled in.
 *
 * <p>Reused: one per CPU and purpose, so a caller reads its results before it calls anything that may route again.
 *
 * <p>Linux: struct flowi4, include/net/flow.h
 */
public final class Flowi4 {
    /** {@link #flags}: the source need not be ours. */
    public static final int FLOWI_FLAG_ANYSRC = 1;
    /** {@link #flags}: the next hop must be the destination's neighbour (raw sockets with a header of their own). */
    public static final int FLOWI_FLAG_KNOWN_NH = 2;

    /** Output interface index wanted or chosen, 0: any. */
    public int oif;
    /** Input interface index; loopback's for locally made packets. */
    public int iif;

    public int mark;
    /** DSCP bits of the type of service, {@code tos & 0xfc}. */
    public int dscp;
    /** RT_SCOPE_xxx: how near the destination must be. */
    public int scope;

    public int proto;
    public int flags;
    public int saddr;
    public int daddr;
    public int sport;
    public int dport;
    /** Hash for multipath when already known, 0: compute. */
    public int multipathHash;
    /** Errno (negative) of a failed lookup, 0 after success. */
    public int error;

    /** Everything zero. */
    public Flowi4() {}

    /** Sets the question; everything not named is zero. Linux: flowi4_init_output(). */
    @HotPath
    public Flowi4 init(
            int oif, int mark, int tos, int scope, int proto, int flags, int daddr, int saddr, int dport, int sport) {
        this.oif = oif;
        this.iif = Route.LOOPBACK_IFINDEX;
        this.mark = mark;
        this.dscp = tos & 0xfc;
        this.scope = scope;
        this.proto = proto;
        this.flags = flags;
        this.daddr = daddr;
        this.saddr = saddr;
        this.dport = dport;
        this.sport = sport;
        this.multipathHash = 0;
        this.error = 0;
        return this;
    }

    /** Copies another flow. */
    @HotPath
    public Flowi4 set(Flowi4 f) {
        init(f.oif, f.mark, f.dscp, f.scope, f.proto, f.flags, f.daddr, f.saddr, f.dport, f.sport);
        iif = f.iif;
        multipathHash = f.multipathHash;
        return this;
    }

    /** Puts the answers of a first lookup into the question of a second. Linux: flowi4_update_output(). */
    @HotPath
    public void updateOutput(int oif, int daddr, int saddr) {
        this.oif = oif;
        this.daddr = daddr;
        this.saddr = saddr;
    }
}
