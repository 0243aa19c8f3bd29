package drivers.tapnic;

import java.lang.foreign.Arena;
import org.agrona.BitUtil;
import org.agrona.UnsafeApi;

/**
 * A ring of descriptors in memory that driver and device share: where a piece of a frame lies, how long it is, what the
 * card shall do with it, and a done bit by which the device gives it back.
 *
 * <pre>
 *  0          8      12      16          18          20        22        24         28         32
 * +----------+------+-------+-----------+-----------+---------+---------+----------+----------+
 * | address  | len  | flags | csumStart | csumOff   | gsoSize | gsoType | frameLen | hdrLen   |
 * +----------+------+-------+-----------+-----------+---------+---------+----------+----------+
 * </pre>
 *
 * <p>A transmitted frame takes one descriptor for its linear part and one for each fragment; the last carries
 * {@link #EOP}, the first the offload words. A receive descriptor posts one empty buffer and is written back with the
 * frame's length and offload words.
 *
 * <p>Context: the producer's index is written by the driver, the done bit by the device with release and read by the
 * driver with acquire; indices run freely and are masked when used.
 */
final class DescriptorRing implements AutoCloseable {
    static final int DESCRIPTOR_LENGTH = 32;

    static final int ADDRESS_OFFSET = 0;
    static final int LEN_OFFSET = 8;
    static final int FLAGS_OFFSET = 12;
    static final int CSUM_START_OFFSET = 16;
    static final int CSUM_OFFSET_OFFSET = 18;
    static final int GSO_SIZE_OFFSET = 20;
    static final int GSO_TYPE_OFFSET = 22;
    static final int FRAME_LEN_OFFSET = 24;
    static final int HDR_LEN_OFFSET = 28;

    /** The device is through with this descriptor. */
    static final int DONE = 1;
    /** The last descriptor of a frame. */
    static final int EOP = 1 << 1;
    /** Transmit: fill in the checksum. Receive: it is still partial. */
    static final int CSUM = 1 << 2;
    /** Receive: the checksum was verified. */
    static final int CSUM_VALID = 1 << 3;
    /** The device could not send the frame. */
    static final int ERROR = 1 << 4;

    final int size;
    private final int mask;
    private final Arena arena = Arena.ofShared();
    private final long base;

    /** @param size how many descriptors: a power of two from 8 to 32768 */
    DescriptorRing(int size) {
        if (!BitUtil.isPowerOfTwo(size) || size < 8 || size > 32768) {
            throw new IllegalArgumentException("ring size " + size + ": want a power of two from 8 to 32768");
        }
        this.size = size;
        mask = size - 1;
        base = arena.allocate((long) size * DESCRIPTOR_LENGTH, 64).address();
    }

    private long at(int index) {
        return base + ((long) (index & mask)) * DESCRIPTOR_LENGTH;
    }

    int slot(int index) {
        return index & mask;
    }

    void post(int index, long address, int len, int flags) {
        long d = at(index);
        UnsafeApi.putLong(d + ADDRESS_OFFSET, address);
        UnsafeApi.putInt(d + LEN_OFFSET, len);
        UnsafeApi.putInt(d + FLAGS_OFFSET, flags);
    }

    void offload(int index, int csumStart, int csumOffset, int gsoType, int gsoSize, int hdrLen) {
        long d = at(index);
        UnsafeApi.putShort(d + CSUM_START_OFFSET, (short) csumStart);
        UnsafeApi.putShort(d + CSUM_OFFSET_OFFSET, (short) csumOffset);
        UnsafeApi.putShort(d + GSO_SIZE_OFFSET, (short) gsoSize);
        UnsafeApi.putShort(d + GSO_TYPE_OFFSET, (short) gsoType);
        UnsafeApi.putInt(d + HDR_LEN_OFFSET, hdrLen);
    }

    void frameLen(int index, int len) {
        UnsafeApi.putInt(at(index) + FRAME_LEN_OFFSET, len);
    }

    long address(int index) {
        return UnsafeApi.getLong(at(index) + ADDRESS_OFFSET);
    }

    int len(int index) {
        return UnsafeApi.getInt(at(index) + LEN_OFFSET);
    }

    int flags(int index) {
        return UnsafeApi.getIntAcquire(null, at(index) + FLAGS_OFFSET);
    }

    boolean done(int index) {
        return (flags(index) & DONE) != 0;
    }

    /** Gives a descriptor back to the driver; everything else in it is written before. */
    void writeBack(int index, int flags) {
        UnsafeApi.putIntRelease(null, at(index) + FLAGS_OFFSET, flags | DONE);
    }

    /** The driver has seen the done bit; the slot may be posted again. */
    void clearDone(int index) {
        UnsafeApi.putInt(at(index) + FLAGS_OFFSET, 0);
    }

    int csumStart(int index) {
        return UnsafeApi.getShort(at(index) + CSUM_START_OFFSET) & 0xffff;
    }

    int csumOffset(int index) {
        return UnsafeApi.getShort(at(index) + CSUM_OFFSET_OFFSET) & 0xffff;
    }

    int gsoSize(int index) {
        return UnsafeApi.getShort(at(index) + GSO_SIZE_OFFSET) & 0xffff;
    }

    int gsoType(int index) {
        return UnsafeApi.getShort(at(index) + GSO_TYPE_OFFSET) & 0xffff;
    }

    int frameLen(int index) {
        return UnsafeApi.getInt(at(index) + FRAME_LEN_OFFSET);
    }

    int hdrLen(int index) {
        return UnsafeApi.getInt(at(index) + HDR_LEN_OFFSET);
    }

    /** Frees the shared memory; the device must be stopped. */
    @Override
    public void close() {
        arena.close();
    }
}
