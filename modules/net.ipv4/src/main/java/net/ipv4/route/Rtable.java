package net.ipv4.route;

import net.core.Cpu;
import net.core.Net;
import net.core.dev.NetDevice;
import net.core.neigh.DstEntry;
import net.core.sock.Sock;
import net.ipv4.IpForward;
import net.ipv4.IpInput;
import net.ipv4.IpOutput;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * An IPv4 route ready for use: which way in, which way out, which gateway.
 *
 * <p>Its two functions are numbers and not subclasses, so that the calls stay direct.
 *
 * <p><b>Context:</b> set before publication; afterwards only an exception changes MTU and gateway.
 *
 * <p>Linux: struct rtable, include/net/route.h
 */
public final class Rtable extends DstEntry {
    public static final int RTCF_NOTIFY = 0x00010000;
    /** A router sent us here. */
    public static final int RTCF_REDIRECTED = 0x00040000;
    /** The sender should be told of a better gateway. */
    public static final int RTCF_DOREDIRECT = 0x01000000;

    public static final int RTCF_BROADCAST = 0x10000000;
    public static final int RTCF_MULTICAST = 0x20000000;
    /** For this host. */
    public static final int RTCF_LOCAL = 0x80000000;

    static final int OUT_IP_OUTPUT = 0;
    static final int OUT_MC_OUTPUT = 1;
    static final int OUT_BUG = 2;
    static final int OUT_DISCARD = 3;
    static final int IN_DISCARD = 0;
    static final int IN_LOCAL_DELIVER = 1;
    static final int IN_FORWARD = 2;
    static final int IN_ERROR = 3;

    /** Generation of the routing tables this was made from. */
    public int rtGenid;
    /** {@code RTCF_*}. */
    public volatile int rtFlags;
    /** {@code RTN_*}. */
    public int rtType;

    public boolean rtIsInput;
    public volatile boolean rtUsesGateway;
    /** Input interface index; 0 when it is to be taken from the packet. */
    public int rtIif;
    /** The gateway, if {@link #rtUsesGateway}. */
    public volatile int rtGw4;
    /** Path MTU learned, 0: none. */
    public volatile int rtPmtu;

    public volatile boolean rtMtuLocked;
    /** When what was learned is forgotten, jiffies; 0: never. */
    public volatile long expires;

    int outputKind = OUT_IP_OUTPUT;
    int inputKind = IN_DISCARD;
    private int metricLocks;

    Rtable(NetDevice dev, Ipv4DstOps ops, int flags, int type) {
        super(dev, ops);
        rtFlags = flags;
        rtType = type;
        rtGenid = ops.genid(dev.net);
        if ((flags & RTCF_LOCAL) != 0) {
            inputKind = IN_LOCAL_DELIVER;
        }
    }

    void setMetricLocks(int bits) {
        metricLocks = bits;
    }

    @Override
    public boolean metricLocked(int rtax) {
        return (metricLocks & 1 << rtax) != 0 || rtax == RTAX_MTU && rtMtuLocked;
    }

    @HotPath
    @Override
    public int input(Cpu cpu, SkBuff skb) {
        return switch (inputKind) {
            case IN_LOCAL_DELIVER -> IpInput.ipLocalDeliver(cpu, skb);
            case IN_FORWARD -> IpForward.ipForward(cpu, skb);
            case IN_ERROR -> Route.ipError(cpu, skb);
            default -> {
                skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
                yield 0;
            }
        };
    }

    @HotPath
    @Override
    public int output(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb) {
        return switch (outputKind) {
            case OUT_IP_OUTPUT -> IpOutput.ipOutput(cpu, net, sk, skb);
            case OUT_MC_OUTPUT -> IpOutput.ipMcOutput(cpu, net, sk, skb);
            default -> {
                skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
                yield 0;
            }
        };
    }

    /** The address to resolve on the link. Linux: rt_nexthop(). */
    @HotPath
    public int nexthop(int daddr) {
        return rtUsesGateway ? rtGw4 : daddr;
    }

    public boolean isBroadcast() {
        return (rtFlags & RTCF_BROADCAST) != 0;
    }

    public boolean isMulticast() {
        return (rtFlags & RTCF_MULTICAST) != 0;
    }

    public boolean isLocal() {
        return (rtFlags & RTCF_LOCAL) != 0;
    }

    @Override
    public String toString() {
        return "rt[" + RtType.name(rtType) + " dev " + dev.name()
                + (rtUsesGateway ? " via " + net.ipv4.Inet.text(rtGw4) : "") + "]";
    }
}
