package drivers.tapnic;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * The argument of the interface ioctls: a name of at most 15 bytes and a union whose meaning the request decides.
 *
 * <p>Linux: struct ifreq, include/uapi/linux/if.h; 40 bytes on 64-bit machines
 */
final class IfReq implements AutoCloseable {
    static final int LENGTH = 40;
    private static final int NAME_LENGTH = 16;
    private static final ValueLayout.OfInt BIG_ENDIAN_INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment segment = arena.allocate(LENGTH, 8);

    IfReq(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
        if (bytes.length == 0 || bytes.length >= NAME_LENGTH) {
            throw new net.core.UserError("interface name '" + name + "': want 1 to 15 characters");
        }
        MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
    }

    long address() {
        return segment.address();
    }

    String name() {
        return segment.getString(0, StandardCharsets.US_ASCII);
    }

    void flags(int flags) {
        segment.set(ValueLayout.JAVA_SHORT, NAME_LENGTH, (short) flags);
    }

    int flags() {
        return segment.get(ValueLayout.JAVA_SHORT, NAME_LENGTH) & 0xffff;
    }

    void value(int value) {
        segment.set(ValueLayout.JAVA_INT, NAME_LENGTH, value);
    }

    int value() {
        return segment.get(ValueLayout.JAVA_INT, NAME_LENGTH);
    }

    /** Fills the union with a sockaddr_in of AF_INET, port 0. */
    void inetAddress(int address) {
        segment.asSlice(NAME_LENGTH).fill((byte) 0);
        segment.set(ValueLayout.JAVA_SHORT, NAME_LENGTH, (short) 2);
        segment.set(BIG_ENDIAN_INT, NAME_LENGTH + 4, address);
    }

    @Override
    public void close() {
        arena.close();
    }
}
