package net.tcp;

import static net.tcp.TcpConst.MAX_TCP_OPTION_SPACE;
import static net.tcp.TcpConst.TCPOLEN_MSS;
import static net.tcp.TcpConst.TCPOLEN_MSS_ALIGNED;
import static net.tcp.TcpConst.TCPOLEN_SACKPERM_ALIGNED;
import static net.tcp.TcpConst.TCPOLEN_SACK_BASE;
import static net.tcp.TcpConst.TCPOLEN_SACK_BASE_ALIGNED;
import static net.tcp.TcpConst.TCPOLEN_SACK_PERBLOCK;
import static net.tcp.TcpConst.TCPOLEN_SACK_PERM;
import static net.tcp.TcpConst.TCPOLEN_TIMESTAMP;
import static net.tcp.TcpConst.TCPOLEN_TSTAMP_ALIGNED;
import static net.tcp.TcpConst.TCPOLEN_WINDOW;
import static net.tcp.TcpConst.TCPOLEN_WSCALE_ALIGNED;
import static net.tcp.TcpConst.TCPOPT_MSS;
import static net.tcp.TcpConst.TCPOPT_NOP;
import static net.tcp.TcpConst.TCPOPT_SACK;
import static net.tcp.TcpConst.TCPOPT_SACK_PERM;
import static net.tcp.TcpConst.TCPOPT_TIMESTAMP;
import static net.tcp.TcpConst.TCPOPT_WINDOW;

import java.nio.ByteOrder;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Which options a segment gets, how many bytes they take, and how they look on the wire.
 *
 * <p>The order is the kernel's, since middleboxes and fingerprints know it: MSS, SACK permitted joined with the time
 * stamp (or NOPs), window scale, SACK blocks.
 *
 * <p><b>Context:</b> one per CPU, used between sizing and writing one segment.
 *
 * <p>Linux: struct tcp_out_options, tcp_options_write(), net/ipv4/tcp_output.c
 */
public final class TcpOutOptions {
    private static final int OPTION_SACK_ADVERTISE = 1;
    private static final int OPTION_TS = 2;
    private static final int OPTION_WSCALE = 8;

    private int options;
    private int mss;
    private int wscale;
    private int numSackBlocks;
    private int tsval;
    private int tsecr;
    private @Nullable TcpFastOpenCookie fastopen;
    private final UnsafeBuffer buffer = new UnsafeBuffer(0, 0);

    TcpOutOptions() {}

    private void clear() {
        options = 0;
        mss = 0;
        wscale = 0;
        numSackBlocks = 0;
        tsval = 0;
        tsecr = 0;
        fastopen = null;
    }

    /** Options of a SYN; returns their bytes. Linux: tcp_syn_options(). */
    int synOptions(TcpSock tp, SkBuff skb) {
        clear();
        int remaining = MAX_TCP_OPTION_SPACE - TCPOLEN_MSS_ALIGNED;
        mss = TcpMss.advertiseMss(tp);
        TcpSysctl sysctl = tp.sysctl;
        if (sysctl.tcpTimestamps != 0) {
            options |= OPTION_TS;
            tsval = TcpSkbCb.timestampTs(tp.tcpUsecTs, skb) + tp.tsoffset;
            tsecr = tp.rxOpt.tsRecent;
            remaining -= TCPOLEN_TSTAMP_ALIGNED;
        }
        if (sysctl.tcpWindowScaling != 0) {
            options |= OPTION_WSCALE;
            wscale = tp.rxOpt.rcvWscale;
            remaining -= TCPOLEN_WSCALE_ALIGNED;
        }
        if (sysctl.tcpSack != 0) {
            options |= OPTION_SACK_ADVERTISE;
            if ((options & OPTION_TS) == 0) {
                remaining -= TCPOLEN_SACKPERM_ALIGNED;
            }
        }
        TcpFastOpenRequest fo = tp.fastopenReq;
        if (fo != null) {
            remaining = fastopen(fo.cookie, remaining);
            if (fastopen != null) {
                tp.synFastopen = true;
                tp.synFastopenExp = fastopen.exp();
            }
        }
        return MAX_TCP_OPTION_SPACE - remaining;
    }

    /** Adds a fast open option if there is room; returns what room is left then. */
    private int fastopen(@Nullable TcpFastOpenCookie cookie, int remaining) {
        if (cookie == null) {
            return remaining;
        }
        int need = cookie.optionLength() + 3 & ~3;
        if (remaining < need) {
            return remaining;
        }
        fastopen = cookie;
        return remaining - need;
    }

    /** Options of a SYN-ACK; returns their bytes. Linux: tcp_synack_options(). */
    int synackOptions(TcpRequestSock req, int mss, SkBuff skb, @Nullable TcpFastOpenCookie foc) {
        clear();
        int remaining = MAX_TCP_OPTION_SPACE - TCPOLEN_MSS_ALIGNED;
        this.mss = mss;
        if (req.wscaleOk) {
            options |= OPTION_WSCALE;
            wscale = req.rcvWscale;
            remaining -= TCPOLEN_WSCALE_ALIGNED;
        }
        if (req.tstampOk) {
            options |= OPTION_TS;
            tsval = TcpSkbCb.timestampTs(req.usecTs, skb) + req.tsOff;
            tsecr = req.tsRecent;
            remaining -= TCPOLEN_TSTAMP_ALIGNED;
        }
        if (req.sackOk) {
            options |= OPTION_SACK_ADVERTISE;
            if (!req.tstampOk) {
                remaining -= TCPOLEN_SACKPERM_ALIGNED;
            }
        }
        remaining = fastopen(foc, remaining);
        return MAX_TCP_OPTION_SPACE - remaining;
    }

    /** Options of every other segment; returns their bytes. Linux: tcp_established_options(). */
    @HotPath
    int establishedOptions(TcpSock tp, @Nullable SkBuff skb) {
        clear();
        int size = 0;
        TcpOptionsReceived rx = tp.rxOpt;
        if (rx.tstampOk) {
            options |= OPTION_TS;
            tsval = skb == null ? 0 : TcpSkbCb.timestampTs(tp.tcpUsecTs, skb) + tp.tsoffset;
            tsecr = rx.tsRecent;
            size += TCPOLEN_TSTAMP_ALIGNED;
        }
        int sacks = rx.numSacks + (rx.dsack ? 1 : 0);
        if (sacks != 0) {
            int room = MAX_TCP_OPTION_SPACE - size - TCPOLEN_SACK_BASE_ALIGNED;
            numSackBlocks = Math.min(sacks, room / TCPOLEN_SACK_PERBLOCK);
            size += TCPOLEN_SACK_BASE_ALIGNED + numSackBlocks * TCPOLEN_SACK_PERBLOCK;
        }
        return size;
    }

    /** Bytes of the options of a connection's segments now, without building them. */
    @HotPath
    static int establishedSize(TcpSock tp) {
        TcpOptionsReceived rx = tp.rxOpt;
        int size = rx.tstampOk ? TCPOLEN_TSTAMP_ALIGNED : 0;
        int sacks = rx.numSacks + (rx.dsack ? 1 : 0);
        if (sacks != 0) {
            int room = MAX_TCP_OPTION_SPACE - size - TCPOLEN_SACK_BASE_ALIGNED;
            size += TCPOLEN_SACK_BASE_ALIGNED + Math.min(sacks, room / TCPOLEN_SACK_PERBLOCK) * TCPOLEN_SACK_PERBLOCK;
        }
        return size;
    }

    /**
     * Writes the options behind a header; {@code tp} is null for a SYN-ACK. {@code length} is what sizing returned.
     *
     * <p>Linux: tcp_options_write(), net/ipv4/tcp_output.c
     */
    @HotPath
    void write(long address, int length, @Nullable TcpSock tp) {
        if (length == 0) {
            return;
        }
        UnsafeBuffer b = buffer;
        b.wrap(address, length);
        int at = 0;
        int todo = options;
        if (mss != 0) {
            at = word(b, at, TCPOPT_MSS << 24 | TCPOLEN_MSS << 16 | mss);
        }
        if ((todo & OPTION_TS) != 0) {
            if ((todo & OPTION_SACK_ADVERTISE) != 0) {
                at = word(
                        b,
                        at,
                        TCPOPT_SACK_PERM << 24 | TCPOLEN_SACK_PERM << 16 | TCPOPT_TIMESTAMP << 8 | TCPOLEN_TIMESTAMP);
                todo &= ~OPTION_SACK_ADVERTISE;
            } else {
                at = word(b, at, TCPOPT_NOP << 24 | TCPOPT_NOP << 16 | TCPOPT_TIMESTAMP << 8 | TCPOLEN_TIMESTAMP);
            }
            at = word(b, at, tsval);
            at = word(b, at, tsecr);
        }
        if ((todo & OPTION_SACK_ADVERTISE) != 0) {
            at = word(b, at, TCPOPT_NOP << 24 | TCPOPT_NOP << 16 | TCPOPT_SACK_PERM << 8 | TCPOLEN_SACK_PERM);
        }
        if ((todo & OPTION_WSCALE) != 0) {
            at = word(b, at, TCPOPT_NOP << 24 | TCPOPT_WINDOW << 16 | TCPOLEN_WINDOW << 8 | wscale);
        }
        if (numSackBlocks != 0 && tp != null) {
            writeSackBlocks(b, at, tp);
        }
        if (fastopen != null) {
            writeFastopen(b, at, fastopen);
        }
    }

    private static void writeFastopen(UnsafeBuffer b, int from, TcpFastOpenCookie cookie) {
        int length = cookie.optionLength();
        int at = from;
        if (cookie.exp()) {
            at = word(b, at, TcpConst.TCPOPT_EXP << 24 | length << 16 | TcpConst.TCPOPT_FASTOPEN_MAGIC);
        } else {
            b.putByte(at++, (byte) TcpConst.TCPOPT_FASTOPEN);
            b.putByte(at++, (byte) length);
        }
        for (int i = 0; i < cookie.length(); i++) {
            b.putByte(at++, cookie.value()[i]);
        }
        while ((at - from & 3) != 0) {
            b.putByte(at++, (byte) TCPOPT_NOP);
        }
    }

    private void writeSackBlocks(UnsafeBuffer b, int from, TcpSock tp) {
        int at = word(
                b,
                from,
                TCPOPT_NOP << 24
                        | TCPOPT_NOP << 16
                        | TCPOPT_SACK << 8
                        | TCPOLEN_SACK_BASE + numSackBlocks * TCPOLEN_SACK_PERBLOCK);
        int left = numSackBlocks;
        if (tp.rxOpt.dsack) {
            at = word(b, at, tp.duplicateSackStart);
            at = word(b, at, tp.duplicateSackEnd);
            left--;
            tp.rxOpt.dsack = false;
        }
        for (int i = 0; i < left; i++) {
            at = word(b, at, tp.selectiveAcks[2 * i]);
            at = word(b, at, tp.selectiveAcks[2 * i + 1]);
        }
    }

    private static int word(UnsafeBuffer b, int at, int value) {
        b.putInt(at, value, ByteOrder.BIG_ENDIAN);
        return at + 4;
    }
}
