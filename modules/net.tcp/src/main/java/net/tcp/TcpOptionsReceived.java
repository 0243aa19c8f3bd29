package net.tcp;

import org.jspecify.annotations.Nullable;

/**
 * What the options of a peer's segments said, and what the two ends agreed on.
 *
 * <p>A connection has one; handshakes use a per-CPU temporary one.
 *
 * <p>Linux: struct tcp_options_received, include/linux/tcp.h
 */
public final class TcpOptionsReceived {
    /** {@link #sackOk} bit: SACK was permitted. */
    public static final int TCP_SACK_SEEN = 1;

    /** {@link #sackOk} bit: the peer has sent a D-SACK. */
    public static final int TCP_DSACK_SEEN = 1 << 2;

    /** Time (seconds of the stack's clock) at which {@link #tsRecent} was stored, for ageing (PAWS). */
    public int tsRecentStamp;

    /** Time stamp to echo next. */
    public int tsRecent;

    /** Time stamp value of the segment being looked at. */
    public int rcvTsval;

    /** Time stamp echo reply of the segment being looked at, our offset already taken off. */
    public int rcvTsecr;

    /** The segment being looked at carried a time stamp. */
    public boolean sawTstamp;

    /** Time stamps were agreed in the handshake. */
    public boolean tstampOk;

    /** A D-SACK is to be sent. */
    public boolean dsack;

    /** Window scaling was agreed in the handshake. */
    public boolean wscaleOk;

    /** SACK state: {@link #TCP_SACK_SEEN}, {@link #TCP_DSACK_SEEN}; 0 without SACK. */
    public int sackOk;

    /** Shift of the windows that the peer advertises. */
    public int sndWscale;

    /** Shift of the windows that we advertise. */
    public int rcvWscale;

    /** Number of SACK blocks to send. */
    public int numSacks;

    /** MSS that the user asked for (TCP_MAXSEG), 0 for none. */
    public int userMss;

    /** Largest MSS, negotiated in the handshake. */
    public int mssClamp;

    /** Offset of the AccECN option from the header of the segment being looked at; 0: none. */
    public int accecn;

    /** Fast open option of a SYN or SYN-ACK; null without one. */
    @Nullable
    TcpFastOpenCookie fastopen;

    /** Forgets everything, for a new handshake. */
    public void clear() {
        tsRecentStamp = 0;
        tsRecent = 0;
        rcvTsval = 0;
        rcvTsecr = 0;
        sawTstamp = false;
        accecn = 0;
        userMss = 0;
        mssClamp = 0;
        rcvWscale = 0;
        clearHandshake();
    }

    /** Forgets what a peer offered, not the own window scale, which an own SYN repeats; Linux: tcp_clear_options(), include/net/tcp.h. */
    public void clearHandshake() {
        tstampOk = false;
        sackOk = 0;
        wscaleOk = false;
        sndWscale = 0;
        dsack = false;
        numSacks = 0;
        fastopen = null;
    }

    /** Takes over every field of another one. */
    public void set(TcpOptionsReceived from) {
        tsRecentStamp = from.tsRecentStamp;
        tsRecent = from.tsRecent;
        rcvTsval = from.rcvTsval;
        rcvTsecr = from.rcvTsecr;
        sawTstamp = from.sawTstamp;
        accecn = from.accecn;
        tstampOk = from.tstampOk;
        dsack = from.dsack;
        wscaleOk = from.wscaleOk;
        sackOk = from.sackOk;
        sndWscale = from.sndWscale;
        rcvWscale = from.rcvWscale;
        numSacks = from.numSacks;
        userMss = from.userMss;
        mssClamp = from.mssClamp;
        fastopen = from.fastopen;
    }
}
