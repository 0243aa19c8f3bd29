package net.tcp;

import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Flyweight over a TCP header.
 *
 * <pre>
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |          Source Port          |       Destination Port        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                        Sequence Number                        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                    Acknowledgment Number                      |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Data |     |A|C|E|U|A|P|R|S|F|                               |
 * | Offset| Rsv |E|W|C|R|C|S|S|Y|I|            Window             |
 * |       |     | |R|E|G|K|H|T|N|N|                               |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |           Checksum            |         Urgent Pointer        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                           [Options]                           |
 * </pre>
 *
 * <p>RFC 9293 3.1. All values are in host order.
 */
public final class TcpHdr {
    /** Bytes of the header without options. */
    public static final int LENGTH = 20;

    /** Bytes of the longest header. */
    public static final int MAX_LENGTH = 60;

    public static final int SOURCE_OFFSET = 0;
    public static final int DEST_OFFSET = 2;
    public static final int SEQ_OFFSET = 4;
    public static final int ACK_SEQ_OFFSET = 8;
    public static final int FLAGS_OFFSET = 12;
    public static final int WINDOW_OFFSET = 14;
    public static final int CHECK_OFFSET = 16;
    public static final int URG_PTR_OFFSET = 18;

    /** Bits of {@link #flags()}, as in the header's fourteenth byte. */
    public static final int FIN = 0x01,
            SYN = 0x02,
            RST = 0x04,
            PSH = 0x08,
            ACK = 0x10,
            URG = 0x20,
            ECE = 0x40,
            CWR = 0x80;

    /** The bit of AccECN, first of the thirteenth byte's reserved ones. */
    public static final int AE = 0x100;

    private final UnsafeBuffer buffer = new UnsafeBuffer(0, 0);
    private long address;

    /** A header not yet wrapped around anything. */
    public TcpHdr() {}

    /** Wraps the twenty bytes at an address; the caller has checked that they are there. */
    @HotPath
    public TcpHdr wrap(long address) {
        this.address = address;
        buffer.wrap(address, LENGTH);
        return this;
    }

    /** Wraps the header at a packet's transport offset. */
    @HotPath
    public TcpHdr wrap(SkBuff skb) {
        return wrap(skb.transportAddress());
    }

    /** Address of the first byte. */
    public long address() {
        return address;
    }

    public int source() {
        return Bits.be16(buffer, SOURCE_OFFSET);
    }

    public void source(int port) {
        Bits.be16(buffer, SOURCE_OFFSET, port);
    }

    public int dest() {
        return Bits.be16(buffer, DEST_OFFSET);
    }

    public void dest(int port) {
        Bits.be16(buffer, DEST_OFFSET, port);
    }

    public int seq() {
        return Bits.be32(buffer, SEQ_OFFSET);
    }

    public void seq(int seq) {
        Bits.be32(buffer, SEQ_OFFSET, seq);
    }

    public int ackSeq() {
        return Bits.be32(buffer, ACK_SEQ_OFFSET);
    }

    public void ackSeq(int seq) {
        Bits.be32(buffer, ACK_SEQ_OFFSET, seq);
    }

    /** The three bits between data offset and AE, which nobody uses. */
    public int reserved() {
        return flagWord() >>> 25 & 7;
    }

    /** The word of data offset, flags and window; what header prediction compares. */
    public int flagWord() {
        return Bits.be32(buffer, FLAGS_OFFSET);
    }

    /** Sets data offset, flags (with {@link #AE}) and window at once. */
    public void flagWord(int headerBytes, int flags, int window) {
        Bits.be32(buffer, FLAGS_OFFSET, headerBytes / 4 << 28 | (flags & 0x1ff) << 16 | window & 0xffff);
    }

    /** Data offset in words. */
    public int doff() {
        return buffer.getByte(FLAGS_OFFSET) >> 4 & 0xf;
    }

    /** Length of the header in bytes, options included. */
    public int headerLength() {
        return doff() * 4;
    }

    /** Length in bytes of the header at an address, for code that has no flyweight at hand. */
    @HotPath
    public static int lengthAt(long address) {
        return (UnsafeApi.getByte(address + FLAGS_OFFSET) >> 4 & 0xf) * 4;
    }

    /** The eight classic flag bits. */
    public int flags() {
        return buffer.getByte(FLAGS_OFFSET + 1) & 0xff;
    }

    /** Replaces the eight classic flag bits. */
    public void flags(int flags) {
        buffer.putByte(FLAGS_OFFSET + 1, (byte) flags);
    }

    public boolean fin() {
        return (flags() & FIN) != 0;
    }

    public boolean syn() {
        return (flags() & SYN) != 0;
    }

    public boolean rst() {
        return (flags() & RST) != 0;
    }

    public boolean psh() {
        return (flags() & PSH) != 0;
    }

    public boolean ack() {
        return (flags() & ACK) != 0;
    }

    public boolean urg() {
        return (flags() & URG) != 0;
    }

    public boolean ece() {
        return (flags() & ECE) != 0;
    }

    public boolean cwr() {
        return (flags() & CWR) != 0;
    }

    public boolean ae() {
        return (buffer.getByte(FLAGS_OFFSET) & 1) != 0;
    }

    /** Window as on the wire, unscaled. */
    public int window() {
        return Bits.be16(buffer, WINDOW_OFFSET);
    }

    public void window(int window) {
        Bits.be16(buffer, WINDOW_OFFSET, window);
    }

    /** Checksum field, as a host-order number. */
    public int check() {
        return Bits.be16(buffer, CHECK_OFFSET);
    }

    public void check(int sum) {
        Bits.be16(buffer, CHECK_OFFSET, sum);
    }

    public int urgPtr() {
        return Bits.be16(buffer, URG_PTR_OFFSET);
    }

    public void urgPtr(int pointer) {
        Bits.be16(buffer, URG_PTR_OFFSET, pointer);
    }

    @Override
    public String toString() {
        StringBuilder s = new StringBuilder(64);
        s.append(source()).append(" > ").append(dest()).append(' ');
        String names = "FSRP.UEW";
        for (int i = 0; i < 8; i++) {
            if ((flags() & 1 << i) != 0) {
                s.append(names.charAt(i));
            }
        }
        return s.append(" seq ")
                .append(Integer.toUnsignedString(seq()))
                .append(" ack ")
                .append(Integer.toUnsignedString(ackSeq()))
                .append(" win ")
                .append(window())
                .toString();
    }
}
