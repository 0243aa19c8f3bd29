package drivers.tapnic;

import java.nio.ByteOrder;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * The header that stands before each frame on a TAP opened with {@code IFF_VNET_HDR}: what a card's descriptor says of
 * checksum and segmentation, in {@value #LENGTH} bytes of the host's byte order.
 *
 * <pre>
 *  0      1        2        4         6            8              10
 * +------+---------+--------+---------+------------+--------------+
 * |flags |gso_type |hdr_len |gso_size | csum_start | csum_offset  |
 * +------+---------+--------+---------+------------+--------------+
 * </pre>
 *
 * <p>Offsets count from the frame's first byte. Context: a flyweight has one user, the holder of its queue.
 *
 * <p>Linux: struct virtio_net_hdr, include/uapi/linux/virtio_net.h
 */
public final class VirtioNetHdr {
    public static final int LENGTH = 10;

    public static final int FLAGS_OFFSET = 0;
    public static final int GSO_TYPE_OFFSET = 1;
    public static final int HDR_LEN_OFFSET = 2;
    public static final int GSO_SIZE_OFFSET = 4;
    public static final int CSUM_START_OFFSET = 6;
    public static final int CSUM_OFFSET_OFFSET = 8;

    /** The checksum from csum_start on is still to be filled in; the place holds the pseudo-header sum. */
    public static final int F_NEEDS_CSUM = 1;
    /** The checksum was verified on the way. */
    public static final int F_DATA_VALID = 2;

    public static final int GSO_NONE = 0;
    public static final int GSO_TCPV4 = 1;
    public static final int GSO_UDP = 3;
    public static final int GSO_TCPV6 = 4;
    public static final int GSO_UDP_L4 = 5;
    /** A bit beside the type: the segment carries CWR. */
    public static final int GSO_ECN = 0x80;

    private final UnsafeBuffer buffer = new UnsafeBuffer(0, 0);

    /** Lays this flyweight over the {@value #LENGTH} bytes at an address. */
    public VirtioNetHdr wrap(long address) {
        buffer.wrap(address, LENGTH);
        return this;
    }

    public int flags() {
        return buffer.getByte(FLAGS_OFFSET) & 0xff;
    }

    public int gsoType() {
        return buffer.getByte(GSO_TYPE_OFFSET) & 0xff;
    }

    public int hdrLen() {
        return u16(HDR_LEN_OFFSET);
    }

    public int gsoSize() {
        return u16(GSO_SIZE_OFFSET);
    }

    public int csumStart() {
        return u16(CSUM_START_OFFSET);
    }

    public int csumOffset() {
        return u16(CSUM_OFFSET_OFFSET);
    }

    public VirtioNetHdr clear() {
        buffer.putLong(0, 0L);
        buffer.putShort(CSUM_OFFSET_OFFSET, (short) 0);
        return this;
    }

    public VirtioNetHdr flags(int flags) {
        buffer.putByte(FLAGS_OFFSET, (byte) flags);
        return this;
    }

    public VirtioNetHdr gso(int type, int size, int headerBytes) {
        buffer.putByte(GSO_TYPE_OFFSET, (byte) type);
        buffer.putShort(GSO_SIZE_OFFSET, (short) size, ByteOrder.nativeOrder());
        buffer.putShort(HDR_LEN_OFFSET, (short) headerBytes, ByteOrder.nativeOrder());
        return this;
    }

    public VirtioNetHdr csum(int start, int offset) {
        buffer.putShort(CSUM_START_OFFSET, (short) start, ByteOrder.nativeOrder());
        buffer.putShort(CSUM_OFFSET_OFFSET, (short) offset, ByteOrder.nativeOrder());
        return this;
    }

    private int u16(int offset) {
        return buffer.getShort(offset, ByteOrder.nativeOrder()) & 0xffff;
    }
}
