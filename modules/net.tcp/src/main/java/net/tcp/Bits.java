package net.tcp;

import java.nio.ByteOrder;
import org.agrona.UnsafeApi;
import org.agrona.concurrent.UnsafeBuffer;

/** Network-order reads and writes. */
final class Bits {
    private Bits() {}

    static int be16(UnsafeBuffer b, int offset) {
        return b.getShort(offset, ByteOrder.BIG_ENDIAN) & 0xffff;
    }

    static void be16(UnsafeBuffer b, int offset, int value) {
        b.putShort(offset, (short) value, ByteOrder.BIG_ENDIAN);
    }

    static int be32(UnsafeBuffer b, int offset) {
        return b.getInt(offset, ByteOrder.BIG_ENDIAN);
    }

    static void be32(UnsafeBuffer b, int offset, int value) {
        b.putInt(offset, value, ByteOrder.BIG_ENDIAN);
    }

    /** Writes without a buffer: the caller knows that the bytes are there. */
    static void putBe16(long address, int value) {
        UnsafeApi.putShort(address, Short.reverseBytes((short) value));
    }

    static void putBe32(long address, int value) {
        UnsafeApi.putInt(address, Integer.reverseBytes(value));
    }

    static int getBe16(long address) {
        return Short.reverseBytes(UnsafeApi.getShort(address)) & 0xffff;
    }

    static int getBe32(long address) {
        return Integer.reverseBytes(UnsafeApi.getInt(address));
    }
}
