package drivers.tapnic;

import net.skbuff.HotPath;
import org.agrona.UnsafeApi;

/**
 * The frame check sequence of Ethernet: CRC-32 over a frame's pieces, sent least significant byte first.
 *
 * <p>Bytewise by table, about 2 ns a byte: only modelled wires have one. {@link java.util.zip.CRC32} is faster, but takes
 * arrays and ByteBuffers, and the pieces are addresses.
 *
 * <p>IEEE 802.3 3.2.9
 */
final class Fcs {
    static final int LENGTH = 4;

    private static final int IOVEC_LENGTH = 16;
    private static final int[] TABLE = table();

    private Fcs() {}

    private static int[] table() {
        int[] table = new int[256];
        for (int i = 0; i < 256; i++) {
            int c = i;
            for (int k = 0; k < 8; k++) {
                c = (c & 1) != 0 ? c >>> 1 ^ 0xEDB88320 : c >>> 1;
            }
            table[i] = c;
        }
        return table;
    }

    /**
     * Of the first {@code bytes} that a vector's entries from {@code first} on hold.
     *
     * @param iov address of an array of {@code struct iovec}
     */
    @HotPath
    static int of(long iov, int first, int bytes) {
        int crc = -1;
        int left = bytes;
        for (int i = first; left > 0; i++) {
            long address = UnsafeApi.getLong(iov + (long) i * IOVEC_LENGTH);
            int n = Math.min(left, (int) UnsafeApi.getLong(iov + (long) i * IOVEC_LENGTH + 8));
            for (int b = 0; b < n; b++) {
                crc = crc >>> 8 ^ TABLE[(crc ^ UnsafeApi.getByte(address + b)) & 0xff];
            }
            left -= n;
        }
        return ~crc;
    }

    /** The four bytes that follow {@code bytes} bytes of frame. */
    @HotPath
    static int received(long iov, int first, int bytes) {
        int fcs = 0;
        int entry = first;
        long skip = bytes;
        for (int k = 0; k < LENGTH; k++, skip++) {
            long len = UnsafeApi.getLong(iov + (long) entry * IOVEC_LENGTH + 8);
            while (skip >= len) {
                skip -= len;
                len = UnsafeApi.getLong(iov + (long) ++entry * IOVEC_LENGTH + 8);
            }
            long address = UnsafeApi.getLong(iov + (long) entry * IOVEC_LENGTH);
            fcs |= (UnsafeApi.getByte(address + skip) & 0xff) << 8 * k;
        }
        return fcs;
    }

    static void put(long address, int fcs) {
        for (int k = 0; k < LENGTH; k++) {
            UnsafeApi.putByte(address + k, (byte) (fcs >>> 8 * k));
        }
    }
}
