package net.tcp;

import static net.tcp.TcpConst.TCPOLEN_EXP_FASTOPEN_BASE;
import static net.tcp.TcpConst.TCPOLEN_FASTOPEN_BASE;
import static net.tcp.TcpConst.TCPOLEN_MSS;
import static net.tcp.TcpConst.TCPOLEN_SACK_BASE;
import static net.tcp.TcpConst.TCPOLEN_SACK_PERBLOCK;
import static net.tcp.TcpConst.TCPOLEN_SACK_PERM;
import static net.tcp.TcpConst.TCPOLEN_TIMESTAMP;
import static net.tcp.TcpConst.TCPOLEN_TSTAMP_ALIGNED;
import static net.tcp.TcpConst.TCPOLEN_WINDOW;
import static net.tcp.TcpConst.TCPOPT_EOL;
import static net.tcp.TcpConst.TCPOPT_EXP;
import static net.tcp.TcpConst.TCPOPT_FASTOPEN;
import static net.tcp.TcpConst.TCPOPT_FASTOPEN_MAGIC;
import static net.tcp.TcpConst.TCPOPT_MSS;
import static net.tcp.TcpConst.TCPOPT_NOP;
import static net.tcp.TcpConst.TCPOPT_SACK;
import static net.tcp.TcpConst.TCPOPT_SACK_PERM;
import static net.tcp.TcpConst.TCPOPT_TIMESTAMP;
import static net.tcp.TcpConst.TCPOPT_WINDOW;
import static net.tcp.TcpConst.TCP_MAX_WSCALE;
import static net.tcp.TcpConst.TCP_NUM_SACKS;

import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;

/**
 * Reads the options of a received segment. Nothing a peer can write there fails: an option with an impossible length
 * ends the reading.
 *
 * <p>The header's length was checked on the way in ({@code doff} words are there, linear), so that reading stays inside.
 *
 * <p>RFC 9293 3.2, 7323, 2018. Linux: tcp_parse_options(), net/ipv4/tcp_input.c.
 */
@HotPath
public final class TcpParseOptions {
    private static final int TSTAMP_ALIGNED_WORD =
            TCPOPT_NOP << 24 | TCPOPT_NOP << 16 | TCPOPT_TIMESTAMP << 8 | TCPOLEN_TIMESTAMP;

    private TcpParseOptions() {}

    private static int u8(long address) {
        return UnsafeApi.getByte(address) & 0xff;
    }

    private static int be16(long address) {
        return Short.reverseBytes(UnsafeApi.getShort(address)) & 0xffff;
    }

    private static int be32(long address) {
        return Integer.reverseBytes(UnsafeApi.getInt(address));
    }

    /**
     * Reads all options of a segment into {@code opt}. Time stamps are taken as they are on the wire. The offset of a
     * SACK option goes to the control block ({@code TcpSkbCb.sacked}).
     *
     * @param estab the handshake is over: {@code opt} says what was agreed, and options of SYNs are ignored
     */
    public static void tcpParseOptions(TcpSysctl sysctl, SkBuff skb, TcpHdr th, TcpOptionsReceived opt, boolean estab) {
        long base = th.address();
        long at = base + TcpHdr.LENGTH;
        int left = th.headerLength() - TcpHdr.LENGTH;
        boolean syn = th.syn();
        opt.sawTstamp = false;
        opt.accecn = 0;
        if (!estab) {
            opt.fastopen = null;
        }
        while (left > 0) {
            int kind = u8(at);
            if (kind == TCPOPT_EOL) {
                return;
            }
            if (kind == TCPOPT_NOP) {
                at++;
                left--;
                continue;
            }
            if (left < 2) {
                return;
            }
            int size = u8(at + 1);
            if (size < 2 || size > left) {
                return; // silly, or truncated
            }
            switch (kind) {
                case TCPOPT_MSS -> {
                    if (size == TCPOLEN_MSS && syn && !estab) {
                        mss(opt, be16(at + 2));
                    }
                }
                case TCPOPT_WINDOW -> {
                    if (size == TCPOLEN_WINDOW && syn && !estab && sysctl.tcpWindowScaling != 0) {
                        opt.wscaleOk = true;
                        opt.sndWscale = Math.min(u8(at + 2), TCP_MAX_WSCALE); // RFC 7323 2.3
                    }
                }
                case TCPOPT_TIMESTAMP -> {
                    if (size == TCPOLEN_TIMESTAMP && (estab ? opt.tstampOk : sysctl.tcpTimestamps != 0)) {
                        opt.sawTstamp = true;
                        opt.rcvTsval = be32(at + 2);
                        opt.rcvTsecr = be32(at + 6);
                    }
                }
                case TCPOPT_SACK_PERM -> {
                    if (size == TCPOLEN_SACK_PERM && syn && !estab && sysctl.tcpSack != 0) {
                        opt.sackOk = TcpOptionsReceived.TCP_SACK_SEEN;
                        opt.dsack = false;
                        opt.numSacks = 0;
                    }
                }
                case TCPOPT_SACK -> {
                    if (size >= TCPOLEN_SACK_BASE + TCPOLEN_SACK_PERBLOCK
                            && (size - TCPOLEN_SACK_BASE) % TCPOLEN_SACK_PERBLOCK == 0
                            && opt.sackOk != 0) {
                        TcpSkbCb.sacked(skb, (int) (at - base));
                    }
                }
                case TcpConst.TCPOPT_ACCECN0, TcpConst.TCPOPT_ACCECN1 -> opt.accecn = (int) (at - base);
                case TCPOPT_FASTOPEN -> {
                    if (syn && !estab) {
                        fastopen(opt, at + TCPOLEN_FASTOPEN_BASE, size - TCPOLEN_FASTOPEN_BASE, false);
                    }
                }
                case TCPOPT_EXP -> {
                    if (syn && !estab && size >= TCPOLEN_EXP_FASTOPEN_BASE && be16(at + 2) == TCPOPT_FASTOPEN_MAGIC) {
                        fastopen(opt, at + TCPOLEN_EXP_FASTOPEN_BASE, size - TCPOLEN_EXP_FASTOPEN_BASE, true);
                    }
                }
                default -> {}
            }
            at += size;
            left -= size;
        }
    }

    /** A cookie's length is even. Linux: tcp_parse_fastopen_option(). */
    private static void fastopen(TcpOptionsReceived opt, long at, int length, boolean exp) {
        if ((length & 1) != 0) {
            return;
        }
        if (length == 0) {
            opt.fastopen = TcpFastOpenCookie.request(exp);
        } else if (length >= TcpFastOpenCookie.MIN_LENGTH && length <= TcpFastOpenCookie.MAX_LENGTH) {
            byte[] value = new byte[length]; // allocates: a handshake that opens fast
            for (int i = 0; i < length; i++) {
                value[i] = UnsafeApi.getByte(at + i);
            }
            opt.fastopen = new TcpFastOpenCookie(value, exp);
        } else {
            opt.fastopen = null;
        }
    }

    private static void mss(TcpOptionsReceived opt, int announced) {
        if (announced != 0) {
            opt.mssClamp = opt.userMss != 0 && opt.userMss < announced ? opt.userMss : announced;
        }
    }

    /** Reads a time stamp that stands alone at the front, the usual case; false if it does not. */
    static boolean tcpParseAlignedTimestamp(TcpSock tp, TcpHdr th) {
        long at = th.address() + TcpHdr.LENGTH;
        if (be32(at) != TSTAMP_ALIGNED_WORD) {
            return false;
        }
        tp.rxOpt.sawTstamp = true;
        tp.rxOpt.rcvTsval = be32(at + 4);
        int echo = be32(at + 8);
        tp.rxOpt.rcvTsecr = echo != 0 ? echo - tp.tsoffset : 0;
        return true;
    }

    /** Reads the options of an established connection's segment; false if there are none. Linux: tcp_fast_parse_options(). */
    static boolean tcpFastParseOptions(TcpSysctl sysctl, SkBuff skb, TcpHdr th, TcpSock tp) {
        int length = th.headerLength();
        if (length == TcpHdr.LENGTH) {
            tp.rxOpt.sawTstamp = false;
            tp.rxOpt.accecn = 0;
            return false;
        }
        if (tp.rxOpt.tstampOk && length == TcpHdr.LENGTH + TCPOLEN_TSTAMP_ALIGNED && tcpParseAlignedTimestamp(tp, th)) {
            tp.rxOpt.accecn = 0;
            return true;
        }
        tcpParseOptions(sysctl, skb, th, tp.rxOpt, true);
        if (tp.rxOpt.sawTstamp && tp.rxOpt.rcvTsecr != 0) {
            tp.rxOpt.rcvTsecr -= tp.tsoffset;
        }
        return true;
    }

    /** Copies the SACK blocks at {@code offset} from the transport header, as {@code {start, end}} pairs; returns their number. */
    static int readSackBlocks(SkBuff skb, int offset, int[] to) {
        long at = skb.transportAddress() + offset;
        int blocks = Math.min(TCP_NUM_SACKS, u8(at + 1) - TCPOLEN_SACK_BASE >> 3);
        at += TCPOLEN_SACK_BASE;
        for (int i = 0; i < 2 * blocks; i++) {
            to[i] = be32(at + 4L * i);
        }
        return blocks;
    }

    /** The announced MSS of a SYN, or the default. Linux: tcp_parse_mss_option(). */
    static int tcpParseMssOption(TcpHdr th, int userMss) {
        long at = th.address() + TcpHdr.LENGTH;
        int left = th.headerLength() - TcpHdr.LENGTH;
        while (left > 0) {
            int kind = u8(at);
            if (kind == TCPOPT_EOL) {
                return 0;
            }
            if (kind == TCPOPT_NOP) {
                at++;
                left--;
                continue;
            }
            if (left < 2) {
                return 0;
            }
            int size = u8(at + 1);
            if (size < 2 || size > left) {
                return 0;
            }
            if (kind == TCPOPT_MSS && size == TCPOLEN_MSS) {
                int mss = be16(at + 2);
                return mss != 0 && userMss != 0 && userMss < mss ? userMss : mss;
            }
            at += size;
            left -= size;
        }
        return 0;
    }
}
