package net.tcp;

import net.core.Cpu;
import net.ipv4.inet.InetTimewaitSock;

/**
 * What TCP must remember of a closed connection: numbers to acknowledge old segments with, and the time stamp by which
 * it tells them from new ones.
 *
 * <p>Linux: struct tcp_timewait_sock, include/linux/tcp.h
 */
public final class TcpTimewaitSock extends InetTimewaitSock {
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
    }

    /** The remains of a connection. */
    static TcpTimewaitSock of(TcpSock tp, int substate) {
        return new TcpTimewaitSock(tp, substate);
    }

    @Override
    protected void expired(Cpu cpu) {
        TcpNet.of(net).inc(cpu, twKill ? LinuxMib.TIMEWAITKILLED : LinuxMib.TIMEWAITED);
    }
}
