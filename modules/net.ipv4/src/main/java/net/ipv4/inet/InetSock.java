package net.ipv4.inet;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.Net;
import net.core.neigh.DstEntry;
import net.core.sock.Proto;
import net.core.sock.Sock;
import net.core.sock.SockFlag;
import net.ipv4.IpCork;
import net.ipv4.IpMulticast;
import net.ipv4.IpOptions;
import net.ipv4.Ipv4Net;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * What every socket of the Internet family has: source address and port for the headers it sends, type of service, time
 * to live, options, and the settings of level {@code SOL_IP}.
 *
 * <p>Of the identity in {@code SockCommon}, {@code rcvSaddr} is what the socket is bound to and {@code num} the local
 * port; {@link #saddr} is what it sends from.
 *
 * <p><b>Context:</b> written under the socket lock; single words, so senders without the lock read them as they are.
 *
 * <p>Linux: struct inet_sock, include/net/inet_sock.h
 */
public abstract class InetSock extends Sock {
    /** {@link #cmsgFlags}: IP_PKTINFO. */
    public static final int IP_CMSG_PKTINFO = 1;
    /** IP_RECVTTL. */
    public static final int IP_CMSG_TTL = 1 << 1;
    /** IP_RECVTOS. */
    public static final int IP_CMSG_TOS = 1 << 2;
    /** IP_RECVOPTS. */
    public static final int IP_CMSG_RECVOPTS = 1 << 3;
    /** IP_RETOPTS. */
    public static final int IP_CMSG_RETOPTS = 1 << 4;
    /** IP_PASSSEC. */
    public static final int IP_CMSG_PASSSEC = 1 << 5;
    /** IP_ORIGDSTADDR. */
    public static final int IP_CMSG_ORIGDSTADDR = 1 << 6;
    /** IP_CHECKSUM. */
    public static final int IP_CMSG_CHECKSUM = 1 << 7;
    /** IP_RECVFRAGSIZE. */
    public static final int IP_CMSG_RECVFRAGSIZE = 1 << 8;

    /** {@link #pmtudisc}: never set DF. */
    public static final int IP_PMTUDISC_DONT = 0;
    /** Set DF unless the route says otherwise. */
    public static final int IP_PMTUDISC_WANT = 1;
    /** Always set DF. */
    public static final int IP_PMTUDISC_DO = 2;
    /** Set DF and ignore the path MTU. */
    public static final int IP_PMTUDISC_PROBE = 3;
    /** Use the interface MTU, don't set DF, ignore ICMP. */
    public static final int IP_PMTUDISC_INTERFACE = 4;
    /** As INTERFACE, but fragment. */
    public static final int IP_PMTUDISC_OMIT = 5;

    private static final VarHandle INET_ID;

    static {
        try {
            INET_ID = MethodHandles.lookup().findVarHandle(InetSock.class, "inetId", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Address to send from; 0 until bound or connected. */
    public volatile int saddr;
    /** Source port of the headers; 0 before binding. */
    public volatile int sport;
    /** Type of service of what is sent. */
    public volatile int tos;
    /** Time to live, -1: the route's or the sysctl's. */
    public volatile int ucTtl = -1;
    /** IP_MINTTL: packets with less are dropped. */
    public volatile int minTtl;
    /** Type of service of the SYN or of the last datagram (IP_RECVTOS of TCP). */
    public int rcvTos;
    /** One of {@code IP_PMTUDISC_*}. */
    public volatile int pmtudisc;
    /** {@code IP_CMSG_*} wanted with received packets. */
    public volatile int cmsgFlags;

    public volatile boolean recverr;
    public volatile boolean recverrRfc4884;
    public volatile boolean hdrincl;
    public volatile boolean freebind;
    public volatile boolean transparent;
    public volatile boolean nodefrag;
    public volatile boolean isIcsk;
    public volatile boolean bindAddressNoPort;
    /** Set while a connect without a route is being deferred (TCP fast open). */
    public volatile boolean deferConnect;

    public volatile boolean mcLoop = true;
    public volatile boolean mcAll = true;
    public volatile int mcTtl = 1;
    public volatile int mcIndex;
    public volatile int mcAddr;
    /** IP_UNICAST_IF. */
    public volatile int ucIndex;
    /** IP_LOCAL_PORT_RANGE: high half last, low half first port; 0 for the namespace's. */
    public volatile int localPortRange;

    /** Options of every packet sent; replaced, never changed. */
    public volatile @Nullable IpOptions inetOpt;
    /** Data waiting for more (MSG_MORE, UDP_CORK). */
    public @Nullable IpCork cork;
    /** Memberships; replaced, never changed. */
    public volatile IpMulticast.@Nullable Membership mcList;
    /** The SO_REUSEPORT group this socket shares packets with. */
    public volatile @Nullable SockReuseport reuseportCb;

    private int inetId;

    protected InetSock(Net net, Proto prot, int family, int type, int protocol) {
        super(net, prot, family, type, protocol);
        Ipv4Net v4 = Ipv4Net.of(net);
        pmtudisc = v4.sysctlNoPmtuDisc() != 0 ? IP_PMTUDISC_DONT : IP_PMTUDISC_WANT;
        inetId = net.kernel().getRandomU32();
    }

    /** Takes {@code segs} identifiers from the socket's own counter and returns the first. Any context. */
    @HotPath
    public final int nextIds(int segs) {
        return (int) INET_ID.getAndAdd(this, segs) & 0xffff;
    }

    /** Starts the identifier counter, at connect. */
    public final void inetId(int first) {
        INET_ID.setOpaque(this, first);
    }

    /** What a child takes over from its listener. */
    public void inetCloneFrom(InetSock parent) {
        tos = parent.tos;
        ucTtl = parent.ucTtl;
        minTtl = parent.minTtl;
        pmtudisc = parent.pmtudisc;
        cmsgFlags = parent.cmsgFlags;
        recverr = parent.recverr;
        recverrRfc4884 = parent.recverrRfc4884;
        freebind = parent.freebind;
        transparent = parent.transparent;
        isIcsk = parent.isIcsk;
        bindAddressNoPort = parent.bindAddressNoPort;
        mcLoop = parent.mcLoop;
        mcAll = parent.mcAll;
        mcTtl = parent.mcTtl;
        ucIndex = parent.ucIndex;
        localPortRange = parent.localPortRange;
    }

    /** Time to live for a route. Linux: ip_select_ttl(). */
    @HotPath
    public final int selectTtl(DstEntry dst) {
        int ttl = ucTtl;
        return ttl >= 0 ? ttl : Ipv4Net.of(net).dstHoplimit(dst);
    }

    /** Whether to set "don't fragment" on a route. Linux: ip_dont_fragment(). */
    @HotPath
    public final boolean dontFragment(DstEntry dst) {
        int p = pmtudisc;
        return p == IP_PMTUDISC_DO || p == IP_PMTUDISC_WANT && !dst.metricLocked(DstEntry.RTAX_MTU);
    }

    /** Whether messages about a smaller path MTU are to be believed. Linux: ip_sk_accept_pmtu(). */
    public final boolean acceptPmtu() {
        int p = pmtudisc;
        return p != IP_PMTUDISC_INTERFACE && p != IP_PMTUDISC_OMIT;
    }

    /** Whether the path MTU binds what is sent. Linux: ip_sk_use_pmtu(). */
    public final boolean usePmtu() {
        return pmtudisc < IP_PMTUDISC_PROBE;
    }

    /** Whether too long packets may be fragmented here. Linux: ip_sk_ignore_df(). */
    public final boolean ignoreDf() {
        int p = pmtudisc;
        return p < IP_PMTUDISC_DO || p == IP_PMTUDISC_OMIT;
    }

    /** Routing scope that SO_DONTROUTE asks for. */
    public final boolean localRoute() {
        return flag(SockFlag.LOCALROUTE);
    }

    /** Whether this socket may bind addresses that aren't local. Linux: inet_can_nonlocal_bind(). */
    public final boolean canNonlocalBind() {
        return freebind || transparent || Ipv4Net.of(net).sysctlIpNonlocalBind() != 0;
    }

    /** Whether a packet that came in by {@code dif} may be for a socket bound to {@link #boundDevIf}. */
    @HotPath
    public static boolean boundDevMatch(int boundDevIf, int dif) {
        return boundDevIf == 0 || boundDevIf == dif;
    }
}
