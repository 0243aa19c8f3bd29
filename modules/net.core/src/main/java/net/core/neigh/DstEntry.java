package net.core.neigh;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.Cpu;
import net.core.Net;
import net.core.dev.NetDevice;
import net.core.sock.Sock;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDst;
import org.jspecify.annotations.Nullable;

/**
 * A resolved route: where a packet goes next and by which functions.
 *
 * <p>Entries are cached in next hops, sockets and packets and are never counted: {@code obsolete} makes a holder look
 * again and the garbage collector frees. {@code Deviation:} Linux counts references; here only the device must learn
 * that it is going away, which {@link #devPut} does.
 *
 * <p>Context: fields are set before publication; {@code obsolete} and metrics may change at any time.
 *
 * <p>Linux: struct dst_entry, include/net/dst.h
 */
public abstract class DstEntry implements SkbDst {
    /** Never checked again. */
    public static final int DST_OBSOLETE_NONE = 0;
    /** Unusable. */
    public static final int DST_OBSOLETE_DEAD = 2;
    /** Holders must call {@link #check}. */
    public static final int DST_OBSOLETE_FORCE_CHK = -1;
    /** Device or table is going. */
    public static final int DST_OBSOLETE_KILL = -2;

    /** Flag: not in a cache. */
    public static final int DST_NOCOUNT = 0x0020;
    /** Flag: made for the broadcast or IPsec paths; skip policy checks. */
    public static final int DST_NOPOLICY = 0x0004;

    /** Index of the path MTU, bytes; 0: the device's. */
    public static final int RTAX_MTU = 0;
    /** Largest window to advertise, bytes. */
    public static final int RTAX_WINDOW = 1;
    /** Smoothed RTT, ms. */
    public static final int RTAX_RTT = 2;
    /** RTT variance, ms. */
    public static final int RTAX_RTTVAR = 3;
    /** Slow start threshold, segments. */
    public static final int RTAX_SSTHRESH = 4;
    /** Largest congestion window, segments. */
    public static final int RTAX_CWND = 5;
    /** MSS to advertise, bytes. */
    public static final int RTAX_ADVMSS = 6;
    /** Initial reordering, segments. */
    public static final int RTAX_REORDERING = 7;
    /** Hop limit. */
    public static final int RTAX_HOPLIMIT = 8;
    /** Initial congestion window, segments. */
    public static final int RTAX_INITCWND = 9;
    /** Feature bits. */
    public static final int RTAX_FEATURES = 10;
    /** Smallest RTO, ms. */
    public static final int RTAX_RTO_MIN = 11;
    /** Initial receive window, segments. */
    public static final int RTAX_INITRWND = 12;
    /** Quick ACK for the whole connection. */
    public static final int RTAX_QUICKACK = 13;
    /** Congestion control key; the name is in {@link #ccName}. */
    public static final int RTAX_CC_ALGO = 14;
    /** Fast opens need no cookie. */
    public static final int RTAX_FASTOPEN_NO_COOKIE = 15;
    /** Number of metrics. */
    public static final int RTAX_COUNT = 16;

    private static final int[] NO_METRICS = new int[RTAX_COUNT];
    private static final VarHandle DEV;

    static {
        try {
            DEV = MethodHandles.lookup().findVarHandle(DstEntry.class, "dev", NetDevice.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Output device. Replaced once, by a blackhole, when it is unregistered. */
    public NetDevice dev;
    /** The family's operations. */
    public final DstOps ops;
    /** One of {@code DST_OBSOLETE_*}. */
    public volatile int obsolete;
    /** {@code DST_*} flags. */
    public int flags;
    /** Positive errno that a packet routed here fails with; 0 for a good route. */
    public int error;
    /** Room for headers below the network header beyond the device's, bytes. */
    public int headerLen;
    /** Room for trailers, bytes. */
    public int trailerLen;
    /** Realms, for classifiers: of the destination in the lower half, of the source in the upper; 0: none. */
    public int tclassid;
    /** Time stamp of last use, jiffies. */
    public long lastuse;
    /** Congestion control named by the route. */
    public @Nullable String ccName;

    private int[] metrics = NO_METRICS;

    /** Creates a route over {@code dev}. */
    protected DstEntry(NetDevice dev, DstOps ops) {
        this.dev = dev;
        this.ops = ops;
        this.obsolete = DST_OBSOLETE_FORCE_CHK;
    }

    /** Delivers a received packet where this route leads; takes it over. Linux: dst_input(). */
    public abstract int input(Cpu cpu, SkBuff skb);

    /** Sends a packet along this route; takes it over. Linux: dst_output(). */
    public abstract int output(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb);

    /** Returns this if still valid for a holder who remembers {@code cookie}, else null. Linux: dst_check(). */
    @HotPath
    public final @Nullable DstEntry check(int cookie) {
        return obsolete == DST_OBSOLETE_NONE ? this : ops.check(this, cookie);
    }

    /** MTU of the path, bytes. */
    @HotPath
    public final int mtu() {
        return ops.mtu(this);
    }

    /** MSS to advertise, bytes. */
    public final int advmss() {
        int advmss = metrics[RTAX_ADVMSS];
        return advmss != 0 ? advmss : ops.defaultAdvmss(this);
    }

    /** A metric, 0 when the route does not set it. Linux: dst_metric_raw(). */
    @HotPath
    public final int metric(int rtax) {
        return metrics[rtax];
    }

    /** Tells whether the route pins a metric against learning. */
    public boolean metricLocked(int rtax) {
        return false;
    }

    /** Sets a metric; the array is private to this entry from then on. */
    public final void setMetric(int rtax, int value) {
        if (metrics == NO_METRICS) {
            metrics = new int[RTAX_COUNT];
        }
        metrics[rtax] = value;
    }

    /** Shares a route's metrics array; it is copied on the first change made here. */
    public final void initMetrics(int[] shared) {
        metrics = shared.length == RTAX_COUNT ? shared.clone() : NO_METRICS;
    }

    /** The neighbour a packet to {@code key} should use. */
    public final @Nullable Neighbour neighLookup(Cpu cpu, @Nullable SkBuff skb, long keyHi, long keyLo) {
        return ops.neighLookup(cpu, this, skb, keyHi, keyLo);
    }

    /** Makes holders look again. */
    public final void kill() {
        obsolete = DST_OBSOLETE_DEAD;
    }

    /** The device goes away: packets still holding this entry fall into {@code blackhole}. Linux: dst_dev_put(). */
    public final void devPut(NetDevice blackhole) {
        obsolete = DST_OBSOLETE_DEAD;
        DEV.setRelease(this, blackhole);
    }
}
