package net.sched.cake;

import net.core.dev.EthHdr;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * Finds an ACK in a queue that says nothing which a later one of its connection, at the tail, does not say too. At least
 * one of two in a row stays, unless aggressive; nothing with data, unknown options or flags goes.
 *
 * <p>Linux: cake_ack_filter(), net/sched/sch_cake.c
 */
final class CakeAckFilter {
    private static final int FIN_SYN_RST_PSH_URG = 0x2f;
    private static final int SYN = 0x02;
    private static final int ACK = 0x10;
    private static final int ECE_CWR = 0xc0;
    private static final int NS_AND_RESERVED = 0x0f;
    private static final int OPT_NOP = 1;
    private static final int OPT_SACK = 5;
    private static final int OPT_TIMESTAMP = 8;

    private CakeAckFilter() {}

    private static int u8(long a) {
        return UnsafeApi.getByte(a) & 0xff;
    }

    private static int be16(long a) {
        return u8(a) << 8 | u8(a + 1);
    }

    private static int be32(long a) {
        return be16(a) << 16 | be16(a + 2);
    }

    /** Offset of the TCP header from the network header, 0 if there is none in the linear part. */
    private static int tcpOffset(SkBuff skb) {
        int room = skb.networkHeader < 0 ? 0 : skb.tail - skb.networkHeader;
        long ip = skb.networkAddress();
        int off;
        if (skb.protocol == EthHdr.ETH_P_IP && room >= 40) {
            boolean fragment = (be16(ip + 6) & 0x3fff) != 0;
            off = u8(ip + 9) == 6 && !fragment ? (u8(ip) & 15) * 4 : 0;
        } else {
            off = skb.protocol == EthHdr.ETH_P_IPV6 && room >= 60 && u8(ip + 6) == 6 ? 40 : 0;
        }
        return off != 0 && off + 20 <= room && off + hlen(ip + off) <= room ? off : 0;
    }

    private static int hlen(long tcp) {
        return (u8(tcp + 12) >> 4) * 4;
    }

    private static int payload(SkBuff skb, int off) {
        long ip = skb.networkAddress();
        int total = skb.protocol == EthHdr.ETH_P_IP ? be16(ip + 2) : be16(ip + 4) + 40;
        return total - off - hlen(ip + off);
    }

    private static boolean sameFlow(SkBuff a, SkBuff b, int off) {
        if (a.protocol != b.protocol) {
            return false;
        }
        long x = a.networkAddress();
        long y = b.networkAddress();
        int at = a.protocol == EthHdr.ETH_P_IP ? 12 : 8;
        int n = a.protocol == EthHdr.ETH_P_IP ? 8 : 32;
        for (int i = at; i < at + n; i += 4) {
            if (be32(x + i) != be32(y + i)) {
                return false;
            }
        }
        return be32(x + off) == be32(y + off);
    }

    /** The ACK to remove from {@code queue}, whose tail has just come; null if none. */
    @HotPath
    static @Nullable SkBuff find(SkBuffHead queue, boolean aggressive) {
        SkBuff tail = queue.tail;
        if (tail == null || queue.head == tail) {
            return null;
        }
        int off = tcpOffset(tail);
        if (off == 0) {
            return null;
        }
        long tcp = tail.networkAddress() + off;
        if ((u8(tcp + 13) & (ACK | SYN)) != ACK) {
            return null;
        }
        SkBuff found = null;
        for (SkBuff s = queue.head; s != null && s != tail; s = s.next) {
            int o = tcpOffset(s);
            if (o != off || !sameFlow(s, tail, off)) {
                continue;
            }
            long old = s.networkAddress() + o;
            if (payload(s, o) != 0 || !mayDrop(old, tcp)) {
                continue;
            }
            if (found == null) {
                found = s;
            } else {
                return found; // a second one: the older may go
            }
        }
        if (found == null || !aggressive || found.next != tail) {
            return null;
        }
        // The only one: it may go if the marks that it carries are in the newer one too.
        int flags = u8(found.networkAddress() + off + 13);
        return (flags & ECE_CWR) == (u8(tcp + 13) & ECE_CWR) ? found : null;
    }

    /** Is all that the old header says in the new one? */
    private static boolean mayDrop(long old, long tcp) {
        int flags = u8(old + 13);
        if ((u8(old + 12) & NS_AND_RESERVED) != 0 || (flags & (ACK | FIN_SYN_RST_PSH_URG)) != ACK) {
            return false;
        }
        int newer = be32(tcp + 8) - be32(old + 8);
        if (newer < 0) {
            return false;
        }
        // Options: one pass over the old ones.
        int end = hlen(old);
        int sacked = 0;
        int at = 20;
        while (at < end) {
            int kind = u8(old + at);
            if (kind == 0) {
                break;
            }
            if (kind == OPT_NOP) {
                at++;
                continue;
            }
            int len = at + 1 < end ? u8(old + at + 1) : 0;
            if (len < 2 || at + len > end) {
                return false;
            }
            if (kind == OPT_TIMESTAMP && len == 10) {
                long ts = option(tcp, OPT_TIMESTAMP);
                if (ts == 0 || be32(ts + 2) - be32(old + at + 2) < 0 || be32(ts + 6) - be32(old + at + 6) < 0) {
                    return false;
                }
            } else if (kind == OPT_SACK) {
                for (int b = at + 2; b + 8 <= at + len; b += 8) {
                    if (!covered(tcp, be32(old + b), be32(old + b + 4))) {
                        return false;
                    }
                    sacked += be32(old + b + 4) - be32(old + b);
                }
            } else {
                return false;
            }
            at += len;
        }
        // A duplicate ACK counts for itself, unless the newer one has more to say.
        return newer > 0 || sackedBytes(tcp) > sacked;
    }

    /** Address of an option of the header, 0 if it has none. */
    private static long option(long tcp, int wanted) {
        int end = hlen(tcp);
        int at = 20;
        while (at < end) {
            int kind = u8(tcp + at);
            if (kind == 0) {
                break;
            }
            int len = kind == OPT_NOP ? 1 : at + 1 < end ? u8(tcp + at + 1) : 0;
            if (len < 1 || at + len > end || kind != OPT_NOP && len < 2) {
                break;
            }
            if (kind == wanted) {
                return tcp + at;
            }
            at += len;
        }
        return 0;
    }

    private static boolean covered(long tcp, int from, int to) {
        if (be32(tcp + 8) - to >= 0) {
            return true;
        }
        long sack = option(tcp, OPT_SACK);
        if (sack == 0) {
            return false;
        }
        for (int b = 2; b + 8 <= u8(sack + 1); b += 8) {
            if (from - be32(sack + b) >= 0 && be32(sack + b + 4) - to >= 0) {
                return true;
            }
        }
        return false;
    }

    private static int sackedBytes(long tcp) {
        long sack = option(tcp, OPT_SACK);
        int n = 0;
        if (sack != 0) {
            for (int b = 2; b + 8 <= u8(sack + 1); b += 8) {
                n += be32(sack + b + 4) - be32(sack + b);
            }
        }
        return n;
    }
}
