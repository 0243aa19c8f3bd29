package net.tcp;

import net.core.Cpu;
import net.ipv4.inet.InetTimewaitSock;
import org.jspecify.annotations.Nullable;

/**
 * What TCP must remember of a closed connection: numbers to acknowledge old segments with, and the time stamp by which
 * it tells them from new ones.
 *
 * <p>Linux: struct tcp_timewait_sock, include/linux/tcp.h
 */
public final class TcpTimewaitSock extends InetTimewaitSock {
    private static final long RECYCLED_JIFFIES = 4L * TcpConst.HZ;

    /** Window to offer, bytes. */
    public final int twRcvWnd;
    /** Offset of our time stamps. */
    public final int twTsOffset;
    /** Next sequence number to send. */
    public final int twSndNxt;
    /** Next sequence number expected. */
    public volatile int twRcvNxt;
    /** Latest time stamp of the peer. */
    public volatile int twTsRecent;
    /** When it came, seconds; 0: never. */
    public volatile int twTsRecentStamp;
    /** When an ACK for an out-of-window segment last went out, jiffies. */
    public volatile int twLastOowAckTime;
    /** When TIME_WAIT proper began, milliseconds. */
    public volatile int twEntryStamp;

    /** Signs what TIME_WAIT answers; null: nothing does. */
    final @Nullable TcpMd5Key twMd5Key;

    private TcpTimewaitSock(TcpSock tp, int substate) {
        super(tp, substate);
        twRcvWscale = tp.rxOpt.rcvWscale;
        twRcvWnd = tp.receiveWindow();
        twTsOffset = tp.tsoffset;
        twUsecTs = tp.tcpUsecTs;
        twSndNxt = tp.sndNxt;
        twRcvNxt = tp.rcvNxt;
        twTsRecent = tp.rxOpt.tsRecent;
        twTsRecentStamp = tp.rxOpt.tsRecentStamp;
        twEntryStamp = tp.timeStampMs();
        twMd5Key = TcpMd5.keyOf(tp);
    }

    /** The remains of a connection. */
    static TcpTimewaitSock of(TcpSock tp, int substate) {
        return new TcpTimewaitSock(tp, substate);
    }

    /** A short wait, as after tcp_fin_timeout, counts as one of those that old kernels recycled early. */
    @Override
    protected void scheduled(Cpu cpu) {
        boolean shortWait = twTimeout <= RECYCLED_JIFFIES;
        TcpNet.of(net).inc(cpu, shortWait ? LinuxMib.TIMEWAITKILLED : LinuxMib.TIMEWAITED);
    }

    @Override
    protected void recycled(Cpu cpu) {
        TcpNet.of(net).inc(cpu, LinuxMib.TIMEWAITRECYCLED);
    }
}
