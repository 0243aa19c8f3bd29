package net.testkit.packetdrill;

import java.nio.ByteBuffer;
import net.tcp.TcpInfo;

/** Reads the kernel's struct tcp_info. Linux: include/uapi/linux/tcp.h */
final class LinuxTcpInfo {
    private LinuxTcpInfo() {}

    /** @param b in native order, at least {@link TcpInfo#LENGTH} bytes, zeros where the kernel wrote nothing */
    static TcpInfo decode(ByteBuffer b) {
        TcpInfo i = new TcpInfo();
        i.state = b.get() & 0xff;
        i.caState = b.get() & 0xff;
        i.retransmits = b.get() & 0xff;
        i.probes = b.get() & 0xff;
        i.backoff = b.get() & 0xff;
        i.options = b.get() & 0xff;
        int scales = b.get() & 0xff;
        i.sndWscale = scales & 15;
        i.rcvWscale = scales >> 4;
        int bits = b.get() & 0xff;
        i.deliveryRateAppLimited = (bits & 1) != 0;
        i.fastopenClientFail = bits >> 1 & 3;
        i.rto = b.getInt();
        i.ato = b.getInt();
        i.sndMss = b.getInt();
        i.rcvMss = b.getInt();
        i.unacked = b.getInt();
        i.sacked = b.getInt();
        i.lost = b.getInt();
        i.retrans = b.getInt();
        b.getInt(); // fackets: no longer kept
        i.lastDataSent = b.getInt();
        b.getInt(); // last_ack_sent: never kept
        i.lastDataRecv = b.getInt();
        i.lastAckRecv = b.getInt();
        path(i, b);
        counts(i, b);
        return i;
    }

    private static void path(TcpInfo i, ByteBuffer b) {
        i.pmtu = b.getInt();
        i.rcvSsthresh = b.getInt();
        i.rtt = b.getInt();
        i.rttvar = b.getInt();
        i.sndSsthresh = b.getInt();
        i.sndCwnd = b.getInt();
        i.advmss = b.getInt();
        i.reordering = b.getInt();
        i.rcvRtt = b.getInt();
        i.rcvSpace = b.getInt();
        i.totalRetrans = b.getInt();
        i.pacingRate = b.getLong();
        i.maxPacingRate = b.getLong();
    }

    private static void counts(TcpInfo i, ByteBuffer b) {
        i.bytesAcked = b.getLong();
        i.bytesReceived = b.getLong();
        i.segsOut = b.getInt();
        i.segsIn = b.getInt();
        i.notsentBytes = b.getInt();
        i.minRtt = b.getInt();
        i.dataSegsIn = b.getInt();
        i.dataSegsOut = b.getInt();
        i.deliveryRate = b.getLong();
        i.busyTime = b.getLong();
        i.rwndLimited = b.getLong();
        i.sndbufLimited = b.getLong();
        i.delivered = b.getInt();
        i.deliveredCe = b.getInt();
        i.bytesSent = b.getLong();
        i.bytesRetrans = b.getLong();
        i.dsackDups = b.getInt();
        i.reordSeen = b.getInt();
        i.rcvOoopack = b.getInt();
        i.sndWnd = b.getInt();
        i.rcvWnd = b.getInt();
        i.rehash = b.getInt();
        i.totalRto = b.getShort() & 0xffff;
        i.totalRtoRecoveries = b.getShort() & 0xffff;
        i.totalRtoTime = b.getInt();
    }
}
