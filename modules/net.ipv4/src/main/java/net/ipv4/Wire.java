package net.ipv4;

import java.nio.ByteOrder;
import net.skbuff.HotPath;
import org.agrona.UnsafeApi;

/**
 * Network-order reads and writes of packet bytes by address, for the header accessors of this module.
 *
 * <p>Nothing is checked here: whoever calls has made sure that the bytes are there ({@code skb.mayPull}).
 *
 * <p>{@code Deviation:} the headers of this module are read by static accessors over an address and not by flyweight
 * objects: IP input calls ICMP, which calls IP output on the same CPU, so a flyweight kept per CPU would be wrapped
 * around another packet in the middle of its use, and one per call allocates.
 */
public final class Wire {
    private static final boolean SWAP = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

    private Wire() {}

    @HotPath
    public static int u8(long address) {
        return UnsafeApi.getByte(address) & 0xff;
    }

    @HotPath
    public static int u16(long address) {
        short v = UnsafeApi.getShort(address);
        return (SWAP ? Short.reverseBytes(v) : v) & 0xffff;
    }

    @HotPath
    public static int u32(long address) {
        int v = UnsafeApi.getInt(address);
        return SWAP ? Integer.reverseBytes(v) : v;
    }

    @HotPath
    public static void put8(long address, int value) {
        UnsafeApi.putByte(address, (byte) value);
    }

    @HotPath
    public static void put16(long address, int value) {
        UnsafeApi.putShort(address, SWAP ? Short.reverseBytes((short) value) : (short) value);
    }

    @HotPath
    public static void put32(long address, int value) {
        UnsafeApi.putInt(address, SWAP ? Integer.reverseBytes(value) : value);
    }

    /** Copies bytes of a packet to another place of packet memory; the ranges don't overlap. */
    @HotPath
    public static void copy(long from, long to, int length) {
        UnsafeApi.copyMemory(from, to, length);
    }

    /** Fills with zeroes. */
    @HotPath
    public static void zero(long address, int length) {
        UnsafeApi.setMemory(address, length, (byte) 0);
    }

    /** Copies packet bytes to the heap. */
    public static void read(long from, byte[] to, int offset, int length) {
        for (int i = 0; i < length; i++) {
            to[offset + i] = UnsafeApi.getByte(from + i);
        }
    }

    /** Copies heap bytes into the packet. */
    public static void write(byte[] from, int offset, long to, int length) {
        for (int i = 0; i < length; i++) {
            UnsafeApi.putByte(to + i, from[offset + i]);
        }
    }
}
