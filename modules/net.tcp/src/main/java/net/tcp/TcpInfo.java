package net.tcp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import net.core.sock.OptVal;
import net.core.sock.TcpStates;

/**
 * What TCP_INFO tells about a connection: every field of the kernel's structure, in its order and units.
 *
 * <p><b>Context:</b> {@link #read} under the socket lock; a plain object afterwards.
 *
 * <p>Linux: struct tcp_info, include/uapi/linux/tcp.h; tcp_get_info(), net/ipv4/tcp.c
 */
public final class TcpInfo {
    /** Bits of {@link #options}. */
    public static final int TCPI_OPT_TIMESTAMPS = 1,
            TCPI_OPT_SACK = 2,
            TCPI_OPT_WSCALE = 4,
            TCPI_OPT_ECN = 8,
            TCPI_OPT_ECN_SEEN = 16,
            TCPI_OPT_SYN_DATA = 32,
            TCPI_OPT_USEC_TS = 64,
            TCPI_OPT_TFO_CHILD = 128;

    /** Bytes of the structure as encoded here. */
    public static final int LENGTH = 280;

    public int state;
    public int caState;
    public int retransmits;
    public int probes;
    public int backoff;
    public int options;
    public int sndWscale;
    public int rcvWscale;
    public boolean deliveryRateAppLimited;
    public int fastopenClientFail;
    /** Microseconds. */
    public int rto;
    /** Microseconds. */
    public int ato;

    public int sndMss;
    public int rcvMss;
    public int unacked;
    public int sacked;
    public int lost;
    public int retrans;
    /** Milliseconds ago. */
    public int lastDataSent;
    /** Milliseconds ago. */
    public int lastDataRecv;
    /** Milliseconds ago. */
    public int lastAckRecv;

    public int pmtu;
    public int rcvSsthresh;
    /** Microseconds. */
    public int rtt;
    /** Microseconds. */
    public int rttvar;

    public int sndSsthresh;
    public int sndCwnd;
    public int advmss;
    public int reordering;
    /** Microseconds. */
    public int rcvRtt;

    public int rcvSpace;
    public int totalRetrans;
    /** Bytes a second; -1: no limit. */
    public long pacingRate;
    /** Bytes a second; -1: no limit. */
    public long maxPacingRate;

    public long bytesAcked;
    public long bytesReceived;
    public int segsOut;
    public int segsIn;
    public int notsentBytes;
    /** Microseconds. */
    public int minRtt;

    public int dataSegsIn;
    public int dataSegsOut;
    /** Bytes a second. */
    public long deliveryRate;
    /** Microseconds. */
    public long busyTime;
    /** Microseconds. */
    public long rwndLimited;
    /** Microseconds. */
    public long sndbufLimited;

    public int delivered;
    public int deliveredCe;
    public long bytesSent;
    public long bytesRetrans;
    public int dsackDups;
    public int reordSeen;
    public int rcvOoopack;
    public int sndWnd;
    public int rcvWnd;
    public int rehash;
    public int totalRto;
    public int totalRtoRecoveries;
    /** Milliseconds. */
    public int totalRtoTime;
    /** Segments received with congestion-experienced marks. */
    public int receivedCe;
    /** Bytes that the peer received with ECT(1), ECT(0), CE. */
    public int deliveredE1Bytes, deliveredE0Bytes, deliveredCeBytes;
    /** Bytes received with them. */
    public int receivedE1Bytes, receivedE0Bytes, receivedCeBytes;
    /** Why accurate ECN is not trusted, and what options have come. */
    public int accecnFailMode, accecnOptSeen;
    /** Name of the congestion control; not part of the kernel's structure. */
    public String congestionControl = "";

    /** An empty one. */
    public TcpInfo() {}

    /** Fills this from a connection. Linux: tcp_get_info(). */
    public void read(TcpSock tp) {
        state = tp.state;
        congestionControl = TcpCong.name(tp);
        reordering = tp.reordering;
        sndCwnd = tp.sndCwnd;
        rates(tp);
        if (state == TcpStates.TCP_LISTEN) {
            unacked = tp.ackBacklog; // as Linux: the accept queue and its bound
            sacked = tp.maxAckBacklog;
            return;
        }
        caState = tp.icskCaState;
        retransmits = tp.icskRetransmits;
        probes = tp.icskProbesOut;
        backoff = tp.icskBackoff;
        options(tp);
        rto = tp.icskRto * 1000;
        ato = tp.icskAckAto * 1000;
        sndMss = tp.mssCache;
        rcvMss = tp.icskAckRcvMss;
        unacked = tp.packetsOut;
        sacked = tp.sackedOut;
        lost = tp.lostOut;
        retrans = tp.retransOut;
        int now = (int) tp.kernel().clock().jiffies();
        lastDataSent = now - tp.lsndtime;
        lastDataRecv = now - (int) tp.icskAckLrcvtime;
        lastAckRecv = now - tp.rcvTstamp;
        pmtu = tp.icskPmtuCookie;
        rcvSsthresh = tp.rcvSsthresh;
        rtt = tp.srttUs >> 3;
        rttvar = tp.mdevUs >> 2;
        sndSsthresh = tp.sndSsthresh;
        advmss = tp.advmss;
        rcvRtt = tp.rcvRttEstRttUs >> 3;
        rcvSpace = tp.rcvqSpaceSpace;
        totalRetrans = tp.totalRetrans;
        counts(tp, now);
    }

    private void rates(TcpSock tp) {
        pacingRate = tp.pacingRate == Long.MAX_VALUE ? -1 : tp.pacingRate;
        maxPacingRate = tp.maxPacingRate == Long.MAX_VALUE ? -1 : tp.maxPacingRate;
    }

    private void options(TcpSock tp) {
        TcpOptionsReceived rx = tp.rxOpt;
        int o = rx.tstampOk ? TCPI_OPT_TIMESTAMPS : 0;
        o |= tp.isSack() ? TCPI_OPT_SACK : 0;
        if (rx.wscaleOk) {
            o |= TCPI_OPT_WSCALE;
            sndWscale = rx.sndWscale;
            rcvWscale = rx.rcvWscale;
        }
        o |= (tp.ecnFlags & TcpConst.TCP_ECN_MODE_ANY) != 0 ? TCPI_OPT_ECN : 0;
        o |= (tp.ecnFlags & TcpConst.TCP_ECN_SEEN) != 0 ? TCPI_OPT_ECN_SEEN : 0;
        o |= tp.synDataAcked ? TCPI_OPT_SYN_DATA : 0;
        o |= tp.tcpUsecTs ? TCPI_OPT_USEC_TS : 0;
        o |= tp.synFastopenChild ? TCPI_OPT_TFO_CHILD : 0;
        options = o;
        deliveryRateAppLimited = tp.rateAppLimited;
        fastopenClientFail = tp.fastopenClientFail;
    }

    private void counts(TcpSock tp, int now) {
        bytesAcked = tp.bytesAcked;
        bytesReceived = tp.bytesReceived;
        notsentBytes = Math.max(0, tp.writeSeq - tp.sndNxt);
        segsOut = tp.segsOut;
        segsIn = tp.segsIn;
        minRtt = tp.rttMin.get();
        dataSegsIn = tp.dataSegsIn;
        dataSegsOut = tp.dataSegsOut;
        if (tp.rateDelivered != 0 && tp.rateIntervalUs != 0) {
            deliveryRate = (long) tp.rateDelivered * tp.mssCache * 1_000_000L / tp.rateIntervalUs;
        }
        long busy = tp.chronoStatBusy;
        long rwnd = tp.chronoStatRwndLimited;
        long sndbuf = tp.chronoStatSndbufLimited;
        int running = now - tp.chronoStart;
        switch (tp.chronoType) {
            case TcpConst.TCP_CHRONO_BUSY -> busy += running;
            case TcpConst.TCP_CHRONO_RWND_LIMITED -> rwnd += running;
            case TcpConst.TCP_CHRONO_SNDBUF_LIMITED -> sndbuf += running;
            default -> {}
        }
        busyTime = (busy + rwnd + sndbuf) * 1000;
        rwndLimited = rwnd * 1000;
        sndbufLimited = sndbuf * 1000;
        delivered = tp.delivered;
        deliveredCe = tp.deliveredCe;
        TcpAccEcn a = tp.accEcn;
        if (a != null) {
            receivedCe = tp.receivedCe;
            deliveredE1Bytes = a.deliveredEcnBytes[TcpAccEcn.ECT_1 - 1];
            deliveredE0Bytes = a.deliveredEcnBytes[TcpAccEcn.ECT_0 - 1];
            deliveredCeBytes = a.deliveredEcnBytes[TcpAccEcn.CE - 1];
            receivedE1Bytes = a.receivedEcnBytes[TcpAccEcn.ECT_1 - 1];
            receivedE0Bytes = a.receivedEcnBytes[TcpAccEcn.ECT_0 - 1];
            receivedCeBytes = a.receivedEcnBytes[TcpAccEcn.CE - 1];
            accecnFailMode = a.failMode;
            accecnOptSeen = a.sawOpt;
        }
        bytesSent = tp.bytesSent;
        bytesRetrans = tp.bytesRetrans;
        dsackDups = tp.dsackDups;
        reordSeen = tp.reordSeen;
        rcvOoopack = tp.rcvOoopack;
        sndWnd = tp.sndWnd;
        rcvWnd = tp.rcvWnd;
        rehash = tp.timeoutRehash;
        totalRto = tp.totalRto;
        totalRtoRecoveries = tp.totalRtoRecoveries;
        totalRtoTime = tp.totalRtoTime;
        if (tp.rtoStamp != 0) {
            totalRtoTime += (int) (tp.kernel().clock().nanoTime() / 1_000_000) - tp.rtoStamp;
        }
    }

    /** Writes the kernel's structure in native order, cut to what the caller has room for. */
    void encode(OptVal out) {
        ByteBuffer b = ByteBuffer.allocate(LENGTH).order(ByteOrder.nativeOrder());
        b.put((byte) state).put((byte) caState).put((byte) retransmits).put((byte) probes);
        b.put((byte) backoff).put((byte) options);
        b.put((byte) (sndWscale | rcvWscale << 4));
        b.put((byte) ((deliveryRateAppLimited ? 1 : 0) | fastopenClientFail << 1));
        b.putInt(rto).putInt(ato).putInt(sndMss).putInt(rcvMss);
        b.putInt(unacked).putInt(sacked).putInt(lost).putInt(retrans).putInt(0);
        b.putInt(lastDataSent).putInt(0).putInt(lastDataRecv).putInt(lastAckRecv);
        b.putInt(pmtu)
                .putInt(rcvSsthresh)
                .putInt(rtt)
                .putInt(rttvar)
                .putInt(sndSsthresh)
                .putInt(sndCwnd);
        b.putInt(advmss).putInt(reordering).putInt(rcvRtt).putInt(rcvSpace).putInt(totalRetrans);
        b.putLong(pacingRate).putLong(maxPacingRate).putLong(bytesAcked).putLong(bytesReceived);
        b.putInt(segsOut).putInt(segsIn).putInt(notsentBytes).putInt(minRtt);
        b.putInt(dataSegsIn).putInt(dataSegsOut).putLong(deliveryRate);
        b.putLong(busyTime).putLong(rwndLimited).putLong(sndbufLimited);
        b.putInt(delivered).putInt(deliveredCe).putLong(bytesSent).putLong(bytesRetrans);
        b.putInt(dsackDups)
                .putInt(reordSeen)
                .putInt(rcvOoopack)
                .putInt(sndWnd)
                .putInt(rcvWnd)
                .putInt(rehash);
        b.putShort((short) totalRto).putShort((short) totalRtoRecoveries).putInt(totalRtoTime);
        b.putInt(receivedCe).putInt(deliveredE1Bytes).putInt(deliveredE0Bytes).putInt(deliveredCeBytes);
        b.putInt(receivedE1Bytes).putInt(receivedE0Bytes).putInt(receivedCeBytes);
        b.putShort((short) accecnFailMode).putShort((short) accecnOptSeen);
        int n = Math.min(out.len, b.position());
        System.arraycopy(b.array(), 0, out.data, 0, Math.min(n, out.data.length));
        out.len = n;
    }
}
