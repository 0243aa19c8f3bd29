package net.tcp;

import static net.tcp.TcpConst.MAX_TCP_OPTION_SPACE;
import static net.tcp.TcpConst.TCPOLEN_MD5SIG_ALIGNED;
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
    /** Where the digest stands, bytes from the start of the options. */
    static final int MD5_AT = 4;

    /** Two bytes that padding may carry: padding as such (the bit above them tells it apart), or the end of an option. */
    private static final int PADDING = 1 << 16 | TCPOPT_NOP << 8 | TCPOPT_NOP;

    private int options;
    private int mss;
    private int wscale;
    private int numSackBlocks;
    private int tsval;
    private int tsecr;
    private @Nullable TcpFastOpenCookie fastopen;
    /** Fields of the AccECN option; -1: no option. */
    private int accecnFields = -1;
    /** Bytes received by codepoint, which the option tells; null: none yet. */
    private int @Nullable [] ecnBytes;

    /** Signs the segment; null: nothing does. The caller signs, once all else is written. */
    private @Nullable TcpMd5Key md5;

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
        accecnFields = -1;
        ecnBytes = null;
        md5 = null;
    }

    /** The key that the segment must be signed with, its digest being the first option's at {@link #MD5_AT}. */
    @HotPath
    @Nullable
    TcpMd5Key md5() {
        return md5;
    }

    /** Options of a SYN; returns their bytes. Linux: tcp_syn_options(). */
    int synOptions(TcpSock tp, SkBuff skb) {
        clear();
        int remaining = MAX_TCP_OPTION_SPACE - TCPOLEN_MSS_ALIGNED;
        mss = TcpMss.advertiseMss(tp);
        TcpSysctl sysctl = tp.sysctl;
        md5 = TcpMd5.keyOf(tp);
        if (md5 != null) {
            remaining -= TCPOLEN_MD5SIG_ALIGNED;
        } else if (sysctl.tcpTimestamps != 0) { // no room for both beside SACK blocks
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
        // Both open at once: our SYN-ACK needs the option, our SYN did not.
        if ((TcpSkbCb.tcpFlags(skb) & TcpSkbCb.TCPHDR_ACK) != 0
                && TcpAccEcn.on(tp)
                && sysctl.tcpEcnOption != 0
                && remaining >= TcpAccEcnOption.BASE) {
            remaining -= takeAccecn(fitAccecn(0, remaining, synackSaving(), 0));
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
    int synackOptions(
            TcpRequestSock req,
            int mss,
            SkBuff skb,
            @Nullable TcpMd5Key key,
            @Nullable TcpFastOpenCookie foc,
            int ecnOption) {
        clear();
        int remaining = MAX_TCP_OPTION_SPACE - TCPOLEN_MSS_ALIGNED;
        this.mss = mss;
        md5 = key;
        if (key != null) {
            remaining -= TCPOLEN_MD5SIG_ALIGNED;
            if (!req.synCookie) {
                req.tstampOk &= !req.sackOk; // SACK blocks have no room beside both
            }
        }
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
        if (req.accecnOk && ecnOption != 0 && req.numTimeout < 1 && remaining >= TcpAccEcnOption.BASE) {
            remaining -= takeAccecn(fitAccecn(0, remaining, synackSaving(), 0));
        }
        return MAX_TCP_OPTION_SPACE - remaining;
    }

    /** Options of every other segment; returns their bytes. Linux: tcp_established_options(). */
    @HotPath
    int establishedOptions(TcpSock tp, @Nullable SkBuff skb) {
        clear();
        md5 = TcpMd5.keyOf(tp);
        int size = md5 == null ? 0 : TCPOLEN_MD5SIG_ALIGNED;
        TcpOptionsReceived rx = tp.rxOpt;
        if (rx.tstampOk) {
            options |= OPTION_TS;
            tsval = skb == null ? 0 : TcpSkbCb.timestampTs(tp.tcpUsecTs, skb) + tp.tsoffset;
            tsecr = rx.tsRecent;
            size += TCPOLEN_TSTAMP_ALIGNED;
        }
        numSackBlocks = sackBlocks(rx, size);
        TcpAccEcn a = tp.accEcn;
        if (a != null && sendsAccecn(tp, a)) {
            ecnBytes = a.receivedEcnBytes;
            int room = MAX_TCP_OPTION_SPACE - size - sackSize(numSackBlocks);
            size += takeAccecn(fitAccecn(a.minlen, room, numSackBlocks > 0 ? 2 : 0, numSackBlocks));
        }
        return size + sackSize(numSackBlocks);
    }

    /** Does the next segment carry an AccECN option, if there is room? */
    private static boolean sendsAccecn(TcpSock tp, TcpAccEcn a) {
        int setting = tp.sysctl.tcpEcnOption;
        return TcpAccEcn.on(tp)
                && setting != 0
                && a.sawOpt != TcpAccEcn.OPT_NOT_SEEN
                && (a.failMode & TcpAccEcn.OPT_FAIL_SEND) == 0
                && (setting >= 2 || a.optDemand != 0 || a.beacon(tp));
    }

    /** How many bytes of padding around other options of a SYN-ACK can hold the end of an AccECN option. */
    private int synackSaving() {
        if ((options & (OPTION_SACK_ADVERTISE | OPTION_TS)) == OPTION_SACK_ADVERTISE) {
            return 2;
        }
        return (options & OPTION_WSCALE) != 0 ? 1 : 0;
    }

    /** Takes an AccECN option's fields and SACK blocks over; bytes of the option. */
    private int takeAccecn(int fit) {
        accecnFields = fitFields(fit);
        numSackBlocks = fitBlocks(fit);
        return fitSize(fit);
    }

    private static int fitFields(int fit) {
        return (fit & 0xff) - 1;
    }

    private static int fitBlocks(int fit) {
        return fit >> 8 & 0xff;
    }

    private static int fitSize(int fit) {
        return fit >> 16;
    }

    /**
     * Chooses the number of fields of an AccECN option: as many as fit, at least {@code required}; for these a third or
     * fourth SACK block gives way.
     *
     * @param saving bytes of others' padding that can hold the option's end
     * @return fields + 1 (0: no option), SACK blocks, and bytes that the option adds, as {@link #fitFields} and so on
     *     take it apart
     *     <p>Linux: tcp_options_fit_accecn(), net/ipv4/tcp_output.c
     */
    @HotPath
    private static int fitAccecn(int required, int remaining, int saving, int sackBlocks) {
        int room = remaining;
        int blocks = sackBlocks;
        int fields = TcpAccEcnOption.NUMFIELDS;
        while (fields >= required) {
            int size = TcpAccEcnOption.BASE + fields * TcpAccEcnOption.PERFIELD;
            int aligned = (size & 3) > saving ? size + 3 & ~3 : size & ~3;
            if (room >= aligned) {
                return aligned << 16 | blocks << 8 | fields + 1;
            }
            if (fields == required && blocks > 2 && required > 0) {
                blocks--;
                room += TCPOLEN_SACK_PERBLOCK;
                fields = TcpAccEcnOption.NUMFIELDS;
            } else {
                fields--;
            }
        }
        return sackBlocks << 8;
    }

    /** Bytes of the options of a connection's segments now, without building them. */
    @HotPath
    static int establishedSize(TcpSock tp) {
        TcpOptionsReceived rx = tp.rxOpt;
        int stamp = rx.tstampOk ? TCPOLEN_TSTAMP_ALIGNED : 0;
        if (TcpMd5.keyOf(tp) != null) {
            stamp += TCPOLEN_MD5SIG_ALIGNED;
        }
        int blocks = sackBlocks(rx, stamp);
        TcpAccEcn a = tp.accEcn;
        if (a == null || !sendsAccecn(tp, a)) {
            return stamp + sackSize(blocks);
        }
        int fit = fitAccecn(a.minlen, MAX_TCP_OPTION_SPACE - stamp - sackSize(blocks), blocks > 0 ? 2 : 0, blocks);
        return stamp + sackSize(fitBlocks(fit)) + fitSize(fit);
    }

    private static int sackBlocks(TcpOptionsReceived rx, int before) {
        int sacks = rx.numSacks + (rx.dsack ? 1 : 0);
        return Math.min(sacks, (MAX_TCP_OPTION_SPACE - before - TCPOLEN_SACK_BASE_ALIGNED) / TCPOLEN_SACK_PERBLOCK);
    }

    private static int sackSize(int blocks) {
        return blocks == 0 ? 0 : TCPOLEN_SACK_BASE_ALIGNED + blocks * TCPOLEN_SACK_PERBLOCK;
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
        if (md5 != null) {
            word(b, at, TcpMd5.WORD);
            at += TCPOLEN_MD5SIG_ALIGNED;
        }
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
        int spare = PADDING;
        if (accecnFields >= 0) {
            at = writeAccecn(b, at, tp);
            spare = accecnSpare();
        }
        if ((todo & OPTION_SACK_ADVERTISE) != 0) {
            at = word(b, at, spare << 16 | TCPOPT_SACK_PERM << 8 | TCPOLEN_SACK_PERM);
            spare = PADDING;
        }
        if ((todo & OPTION_WSCALE) != 0) {
            int high = TCPOPT_NOP;
            if (spare != PADDING && (spare & 0xff) == TCPOPT_NOP) { // one byte: it fits here
                high = spare >> 8;
                spare = PADDING;
            }
            at = word(b, at, high << 24 | TCPOPT_WINDOW << 16 | TCPOLEN_WINDOW << 8 | wscale);
        }
        if (numSackBlocks != 0 && tp != null) {
            at = writeSackBlocks(b, at, tp, spare);
        } else if (spare != PADDING) {
            at = word(b, at, spare << 16 | PADDING & 0xffff);
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

    /** All of an AccECN option but what may go into padding. */
    private int writeAccecn(UnsafeBuffer b, int from, @Nullable TcpSock tp) {
        int e1b = bytesOf(TcpAccEcn.ECT_1);
        int ceb = bytesOf(TcpAccEcn.CE);
        int at = from;
        int length = TcpAccEcnOption.BASE + accecnFields * TcpAccEcnOption.PERFIELD;
        if (accecnFields > 0) {
            at = word(b, at, TcpConst.TCPOPT_ACCECN1 << 24 | length << 16 | e1b >> 8 & 0xffff);
        }
        if (accecnFields > 1) {
            at = word(b, at, e1b << 24 | ceb & 0xffffff);
        }
        if (accecnFields > 2) {
            at = word(b, at, bytesOf(TcpAccEcn.ECT_0) << 8 | TCPOPT_NOP);
        }
        TcpAccEcn a = tp == null || ecnBytes == null ? null : tp.accEcn;
        if (a != null && tp != null) {
            a.minlen = 0;
            a.optTstampUs = tp.tcpMstamp;
            if (a.optDemand > 0) {
                a.optDemand--;
            }
        }
        return at;
    }

    /** What is left over of it: two bytes, or one and a NOP, or two NOPs. */
    private int accecnSpare() {
        return switch (accecnFields) {
            case 0 -> TcpConst.TCPOPT_ACCECN1 << 8 | TcpAccEcnOption.BASE;
            case 1 -> (bytesOf(TcpAccEcn.ECT_1) & 0xff) << 8 | TCPOPT_NOP;
            default -> PADDING;
        };
    }

    private int bytesOf(int ecn) {
        int[] bytes = ecnBytes;
        return (bytes == null ? 0 : bytes[ecn - 1]) + TcpAccEcnOption.offsetOf(ecn);
    }

    private int writeSackBlocks(UnsafeBuffer b, int from, TcpSock tp, int spare) {
        int at = word(
                b, from, spare << 16 | TCPOPT_SACK << 8 | TCPOLEN_SACK_BASE + numSackBlocks * TCPOLEN_SACK_PERBLOCK);
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
        return at;
    }

    private static int word(UnsafeBuffer b, int at, int value) {
        b.putInt(at, value, ByteOrder.BIG_ENDIAN);
        return at + 4;
    }
}
