package net.tcp;

import static net.tcp.TcpAccEcn.CE;
import static net.tcp.TcpAccEcn.ECT_0;
import static net.tcp.TcpAccEcn.ECT_1;

import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;

/**
 * The AccECN option: up to three 24-bit counts of payload bytes, by the codepoint with which they came.
 *
 * <pre>
 *   kind 174 | length | ECT(1) bytes | CE bytes | ECT(0) bytes      order 1, which we send
 *   kind 172 | length | ECT(0) bytes | CE bytes | ECT(1) bytes      order 0
 * </pre>
 *
 * <p>Fields at the end may be left out. The two ECT counts start at 1, so that a middlebox that writes zeros shows.
 *
 * <p>RFC 9768 3.2.3. Linux: include/net/tcp_ecn.h; tcp_accecn_process_option(), net/ipv4/tcp_input.c
 */
final class TcpAccEcnOption {
    /** Bytes before the fields, of each, number of them, of all. */
    static final int BASE = 2, PERFIELD = 3, NUMFIELDS = 3, MAXSIZE = BASE + NUMFIELDS * PERFIELD;

    private static final int[][] ORDER = {{ECT_0, CE, ECT_1}, {ECT_1, CE, ECT_0}};

    private TcpAccEcnOption() {}

    private static int be24(long at) {
        return (UnsafeApi.getByte(at) & 0xff) << 16
                | (UnsafeApi.getByte(at + 1) & 0xff) << 8
                | UnsafeApi.getByte(at + 2) & 0xff;
    }

    /** Which field, counted from 1, of the option that we send tells of a codepoint; 0: none does. */
    @HotPath
    static int fieldOf(int ecn) {
        return switch (ecn) {
            case ECT_1 -> 1;
            case CE -> 2;
            case ECT_0 -> 3;
            default -> 0;
        };
    }

    /** With what a count starts. */
    @HotPath
    static int offsetOf(int ecn) {
        return ecn == ECT_0 || ecn == ECT_1 ? 1 : 0;
    }

    /** Looks at a connection's first option: one of {@code TcpAccEcn.OPT_*_SEEN}. Linux: tcp_accecn_option_init(). */
    static int init(SkBuff skb, int offset) {
        long at = skb.transportAddress() + offset;
        int length = (UnsafeApi.getByte(at + 1) & 0xff) - BASE;
        if (length < PERFIELD) {
            return TcpAccEcn.OPT_EMPTY_SEEN;
        }
        boolean zeroed = be24(at + BASE) == 0 || length >= PERFIELD * NUMFIELDS && be24(at + BASE + 2 * PERFIELD) == 0;
        return zeroed ? TcpAccEcn.OPT_FAIL_SEEN : TcpAccEcn.OPT_COUNTER_SEEN;
    }

    /**
     * Takes the counts of an ACK over; without an option credits its bytes to the codepoint that grew last.
     *
     * @return whether the counts can be used
     * <p>Linux: tcp_accecn_process_option()
     */
    static boolean process(TcpSock tp, TcpAccEcn a, SkBuff skb, int deliveredBytes, boolean slowPath) {
        if ((a.failMode & TcpAccEcn.OPT_FAIL_RECV) != 0) {
            return false;
        }
        int estimate = a.estEcnfield;
        if (!slowPath || tp.rxOpt.accecn == 0) {
            if (a.sawOpt == TcpAccEcn.OPT_NOT_SEEN) {
                if (tp.bytesSent >= (1 << 23) - 1) { // too late: the counts may have wrapped
                    a.sawOption(TcpAccEcn.OPT_FAIL_SEEN);
                }
                return false;
            }
            if (estimate != 0) {
                a.deliveredEcnBytes[estimate - 1] += deliveredBytes;
            }
            return estimate != 0;
        }
        if (a.sawOpt < TcpAccEcn.OPT_COUNTER_SEEN) {
            a.sawOption(init(skb, tp.rxOpt.accecn));
        }
        return counts(a, skb.transportAddress() + tp.rxOpt.accecn, estimate);
    }

    private static boolean counts(TcpAccEcn a, long option, int estimate) {
        int[] order = ORDER[(UnsafeApi.getByte(option) & 0xff) == TcpConst.TCPOPT_ACCECN1 ? 1 : 0];
        int left = (UnsafeApi.getByte(option + 1) & 0xff) - BASE;
        long at = option + BASE;
        boolean valid = estimate != 0;
        boolean ambiguous = false;
        boolean changed = false;
        for (int i = 0; i < NUMFIELDS && left >= PERFIELD; i++) {
            int ecn = order[i];
            int delta = (be24(at) - offsetOf(ecn) - a.deliveredEcnBytes[ecn - 1]) << 8 >> 8;
            a.deliveredEcnBytes[ecn - 1] += delta;
            if (delta < 0) {
                valid = false;
                ambiguous = true;
            }
            if (delta != 0 && ecn != estimate) {
                if (!changed) {
                    a.estEcnfield = ecn;
                    changed = true;
                } else {
                    valid = false;
                    ambiguous = true;
                }
            }
            left -= PERFIELD;
            at += PERFIELD;
        }
        if (ambiguous) {
            a.estEcnfield = 0;
        }
        return valid;
    }
}
