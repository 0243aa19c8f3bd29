package net.core.neigh;

/**
 * Settings of address resolution on one device; defaults are the kernel's, names in comments are the sysctl's under
 * {@code net.ipv4.neigh.DEV}.
 *
 * <p>Linux: struct neigh_parms, arp_tbl in net/ipv4/arp.c
 */
public final class NeighParms {
    /** Reachable this long after a confirmation, jiffies, before randomisation; base_reachable_time_ms. */
    public volatile int baseReachableTime = 30_000;
    /** The randomised value in force: 1/2 to 3/2 of the base. */
    public volatile int reachableTime = 30_000;
    /** Between solicitations, jiffies; retrans_time_ms. */
    public volatile int retransTime = 1000;
    /** Unused this long, a stale entry may go, jiffies; gc_stale_time. */
    public volatile int gcStaletime = 60_000;
    /** From DELAY to the first probe, jiffies; delay_first_probe_time. */
    public volatile int delayProbeTime = 5000;
    /** Bytes of truesize that may wait for an address; unres_qlen_bytes. */
    public volatile int queueLenBytes = 212_992;
    /** Unicast probes; ucast_solicit. */
    public volatile int ucastProbes = 3;
    /** Broadcast solicitations; mcast_solicit. */
    public volatile int mcastProbes = 3;
    /** Broadcast probes after failed unicast ones; mcast_resolicit. */
    public volatile int mcastReprobes = 0;
    /** Probes by user space; app_solicit. */
    public volatile int appProbes = 0;
    /** A new address is not believed sooner than this after the last, jiffies; locktime. */
    public volatile int locktime = 1000;

    /** The defaults. */
    public NeighParms() {}

    /** A copy, for a new device. */
    public NeighParms copy() {
        NeighParms p = new NeighParms();
        p.baseReachableTime = baseReachableTime;
        p.reachableTime = reachableTime;
        p.retransTime = retransTime;
        p.gcStaletime = gcStaletime;
        p.delayProbeTime = delayProbeTime;
        p.queueLenBytes = queueLenBytes;
        p.ucastProbes = ucastProbes;
        p.mcastProbes = mcastProbes;
        p.mcastReprobes = mcastReprobes;
        p.appProbes = appProbes;
        p.locktime = locktime;
        return p;
    }

    /** 1/2 to 3/2 of {@code base}, by a random number. Linux: neigh_rand_reach_time(). */
    static int randReachTime(int base, int random) {
        return base == 0 ? 0 : Integer.remainderUnsigned(random, base) + (base >> 1);
    }

    int maxProbes(int state) {
        return ucastProbes + appProbes + ((state & Neighbour.NUD_PROBE) != 0 ? mcastReprobes : mcastProbes);
    }
}
