package net.tcp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The attributes of SCM_TIMESTAMPING_OPT_STATS: each a length and a type of two bytes, then a number of the size that the
 * kernel gives it, filled up to four bytes. The ordinal is the type.
 *
 * <p>Linux: TCP_NLA_*, include/uapi/linux/tcp.h
 */
public enum TcpNla {
    PAD(0),
    BUSY(8),
    RWND_LIMITED(8),
    SNDBUF_LIMITED(8),
    DATA_SEGS_OUT(8),
    TOTAL_RETRANS(8),
    PACING_RATE(8),
    DELIVERY_RATE(8),
    SND_CWND(4),
    REORDERING(4),
    MIN_RTT(4),
    RECUR_RETRANS(1),
    DELIVERY_RATE_APP_LMT(1),
    SNDQ_SIZE(4),
    CA_STATE(1),
    SND_SSTHRESH(4),
    DELIVERED(4),
    DELIVERED_CE(4),
    BYTES_SENT(8),
    BYTES_RETRANS(8),
    DSACK_DUPS(4),
    REORD_SEEN(4),
    SRTT(4),
    TIMEOUT_REHASH(2),
    BYTES_NOTSENT(4),
    EDT(8),
    TTL(1),
    REHASH(4);

    private static final int HEADER = 4;
    private static final TcpNla[] ALL = values();

    private final int bytes;

    TcpNla(int bytes) {
        this.bytes = bytes;
    }

    /** Room that all of them take. */
    static ByteBuffer room() {
        int all = 0;
        for (TcpNla a : ALL) {
            all += HEADER + a.bytes + 3 & ~3;
        }
        return ByteBuffer.allocate(all).order(ByteOrder.nativeOrder());
    }

    /** Appends this attribute. Linux: nla_put() */
    void put(ByteBuffer to, long value) {
        to.putShort((short) (HEADER + bytes)).putShort((short) ordinal());
        switch (bytes) {
            case 1 -> to.put((byte) value);
            case 2 -> to.putShort((short) value);
            case 4 -> to.putInt((int) value);
            default -> to.putLong(value);
        }
        while ((to.position() & 3) != 0) {
            to.put((byte) 0);
        }
    }

    /** The attributes by name, unsigned, in their order; unknown ones are passed over, a broken length ends the reading. */
    public static Map<String, Long> decode(byte[] attributes) {
        ByteBuffer b = ByteBuffer.wrap(attributes).order(ByteOrder.nativeOrder());
        Map<String, Long> all = new LinkedHashMap<>();
        int at = 0;
        while (at + HEADER <= attributes.length) {
            int length = b.getShort(at) & 0xffff;
            int type = b.getShort(at + 2) & 0x3fff;
            if (length < HEADER || at + length > attributes.length) {
                break;
            }
            if (type < ALL.length && ALL[type].bytes == length - HEADER && type != 0) {
                int from = at + HEADER;
                long value = switch (length - HEADER) {
                    case 1 -> b.get(from) & 0xff;
                    case 2 -> b.getShort(from) & 0xffff;
                    case 4 -> b.getInt(from) & 0xffff_ffffL;
                    default -> b.getLong(from);
                };
                all.put(ALL[type].name(), value);
            }
            at += length + 3 & ~3;
        }
        return all;
    }
}
