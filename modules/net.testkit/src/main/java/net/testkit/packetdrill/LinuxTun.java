package net.testkit.packetdrill;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import net.core.UserError;
import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;

/**
 * A TUN of the machine: IP packets, each after a header that says what is left of its checksum and how it is to be
 * segmented. Offloads are on, so that what TCP hands down is seen whole, as on Softnet's.
 *
 * <p>Context: {@link #read} on the reader's thread, {@link #write} on the script's.
 *
 * <p>Linux: drivers/net/tun.c, seen from user space; struct virtio_net_hdr
 */
final class LinuxTun implements AutoCloseable {
    private static final int O_RDWR = 2;
    private static final int O_NONBLOCK = 0x800;
    private static final int O_CLOEXEC = 0x80000;
    private static final long TUNSETIFF = 0x400454caL;
    private static final long TUNSETOFFLOAD = 0x400454d0L;
    private static final int IFF_TUN_NO_PI_VNET_HDR = 0x0001 | 0x1000 | 0x4000;
    /** Checksums, IPv4 and IPv6 segments, with ECN. */
    private static final int TUN_F_ALL_TCP = 0x01 | 0x02 | 0x04 | 0x08;

    private static final int HEADER = 10;
    /** What the driver leaves before a packet. */
    private static final int HEADROOM = 64;

    private static final int F_NEEDS_CSUM = 1;
    private static final int GSO_TCPV4 = 1;
    private static final int ROOM = 1 << 17;
    private static final int POLLIN = 1;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment in = arena.allocate(ROOM, 16);
    private final MemorySegment out = arena.allocate(ROOM, 16);
    private final MemorySegment pollFd = arena.allocate(8, 8);
    private final int fd;

    LinuxTun(String name) {
        MemorySegment path = arena.allocateFrom("/dev/net/tun", StandardCharsets.US_ASCII);
        fd = (int) check(LibC.OPEN.call(path.address(), O_RDWR | O_NONBLOCK | O_CLOEXEC), "/dev/net/tun");
        MemorySegment request = arena.allocate(40, 8);
        request.setString(0, name, StandardCharsets.US_ASCII);
        request.set(ValueLayout.JAVA_SHORT, 16, (short) IFF_TUN_NO_PI_VNET_HDR);
        check(LibC.IOCTL.call(fd, TUNSETIFF, request.address()), "TUN '" + name + "'");
        check(LibC.IOCTL.call(fd, TUNSETOFFLOAD, TUN_F_ALL_TCP), "offloads of TUN '" + name + "'");
        pollFd.set(ValueLayout.JAVA_INT, 0, fd);
        pollFd.set(ValueLayout.JAVA_SHORT, 4, (short) POLLIN);
    }

    private static long check(long result, String what) {
        if (result < 0) {
            throw new UserError(what + ": " + Errno.name((int) -result) + " (" + Errno.text((int) -result) + ")");
        }
        return result;
    }

    /** Waits for something to read. @return whether there is */
    boolean ready(int timeoutMs) {
        return LibC.POLL.call(pollFd.address(), 1, timeoutMs) > 0;
    }

    /** The next packet the machine sent, with its checksum complete; null if there is none. */
    byte @Nullable [] read() {
        int n = (int) LibC.READ.call(fd, in.address(), ROOM);
        if (n < HEADER) {
            return null;
        }
        byte[] bytes = in.asSlice(HEADER, n - HEADER).toArray(ValueLayout.JAVA_BYTE);
        if ((in.get(ValueLayout.JAVA_BYTE, 0) & F_NEEDS_CSUM) != 0) {
            int start = in.get(ValueLayout.JAVA_SHORT, 6) & 0xffff;
            int at = start + (in.get(ValueLayout.JAVA_SHORT, 8) & 0xffff);
            long sum = 0;
            for (int i = start; i < bytes.length; i++) {
                sum += (i - start & 1) == 0 ? (bytes[i] & 0xff) << 8 : bytes[i] & 0xff;
            }
            int folded = LivePacket.fold(sum);
            bytes[at] = (byte) (folded >> 8);
            bytes[at + 1] = (byte) folded;
        }
        return bytes;
    }

    /** A packet arrives. @param gsoSize 0, or the segment size of which it was merged */
    void write(LivePacket packet, int gsoSize) {
        byte[] bytes = packet.bytes();
        out.asSlice(0, HEADER).fill((byte) 0);
        MemorySegment.copy(bytes, 0, out, ValueLayout.JAVA_BYTE, HEADER, bytes.length);
        if (gsoSize > 0 && packet.isTcp() && packet.payloadLength() > gsoSize) {
            out.set(ValueLayout.JAVA_BYTE, 0, (byte) F_NEEDS_CSUM);
            out.set(ValueLayout.JAVA_BYTE, 1, (byte) GSO_TCPV4);
            // What is to lie in the packet's head: as much as there would be without segmentation.
            out.set(ValueLayout.JAVA_SHORT, 2, (short) TunTruesize.linear(HEADROOM, bytes.length));
            out.set(ValueLayout.JAVA_SHORT, 4, (short) gsoSize);
            out.set(ValueLayout.JAVA_SHORT, 6, (short) packet.l4);
            out.set(ValueLayout.JAVA_SHORT, 8, (short) 16);
        }
        check(LibC.WRITE.call(fd, out.address(), HEADER + bytes.length), "write to the TUN");
    }

    /** After the last read and write. */
    @Override
    public void close() {
        LibC.CLOSE.call(fd);
        arena.close();
    }
}
