package net.tcp;

import net.ipv4.inet.InetConnectionSock;
import net.ipv4.inet.InetRequestSock;
import net.ipv4.inet.RequestSockOps;

/**
 * A TCP connection being opened from outside: what the SYN said and what our SYN-ACK answered.
 *
 * <p>Linux: struct tcp_request_sock, include/linux/tcp.h
 */
public final class TcpRequestSock extends InetRequestSock {
    /** Sequence number of the peer's SYN. */
    public int rcvIsn;
    /** Sequence number of our SYN-ACK. */
    public int sntIsn;
    /** Next sequence number expected: {@link #rcvIsn} + 1, more with data in the SYN. */
    public int rcvNxt;
    /** When the SYN-ACK went out, microseconds; 0: not yet, or a cookie. */
    public long sntSynackUs;
    /** First and last time stamp value sent, offset included. */
    public int sntTsvalFirst, sntTsvalLast;
    /** Offset of our time stamps. */
    public int tsOff;
    /** Time stamps are in microseconds. */
    public boolean usecTs;
    /** Window of the SYN-ACK, bytes. */
    public int rskRcvWnd;
    /** Largest window to offer. */
    public int rskWindowClamp;
    /** Flow hash of the child. */
    public int txhash;
    /** Type of service of the SYN. */
    public int synTos;
    /** Accurate ECN was asked for, and we may. */
    public boolean accecnOk;
    /** IP-ECN codepoints of the SYN, and of our SYN-ACK. */
    public byte synEctRcv, synEctSnt;
    /** What AccECN option has come, {@code TcpAccEcn.OPT_*_SEEN}. */
    public byte sawAccecnOpt;
    /** When an ACK for an out-of-window segment last went out, jiffies. */
    public int lastOowAckTime;

    /** A request of a listener; Linux: inet_reqsk_alloc(). */
    public TcpRequestSock(RequestSockOps ops, InetConnectionSock listener) {
        super(ops, listener);
        net = listener.net;
        family = listener.family;
        prot = listener.prot;
    }

    /** Window of the SYN-ACK as the peer saw it. Linux: tcp_synack_window(). */
    public int synackWindow() {
        return Math.min(rskRcvWnd, 65535);
    }
}
