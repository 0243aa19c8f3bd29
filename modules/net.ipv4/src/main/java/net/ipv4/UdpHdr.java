package net.ipv4;

import net.skbuff.HotPath;

/**
 * The UDP header, read and written in place by address.
 *
 * <pre>
 *  0      7 8     15 16    23 24    31
 * +--------+--------+--------+--------+
 * |      Source     |   Destination   |
 * |       Port      |      Port       |
 * +--------+--------+--------+--------+
 * |      Length     |    Checksum     |
 * +--------+--------+--------+--------+
 * </pre>
 *
 * <p>RFC 768. Linux: struct udphdr
 */
public final class UdpHdr {
    public static final int LENGTH = 8;
    public static final int SOURCE_OFFSET = 0;
    public static final int DEST_OFFSET = 2;
    public static final int LEN_OFFSET = 4;
    public static final int CHECK_OFFSET = 6;

    private UdpHdr() {}

    @HotPath
    public static int source(long uh) {
        return Wire.u16(uh);
    }

    @HotPath
    public static void source(long uh, int port) {
        Wire.put16(uh, port);
    }

    @HotPath
    public static int dest(long uh) {
        return Wire.u16(uh + DEST_OFFSET);
    }

    @HotPath
    public static void dest(long uh, int port) {
        Wire.put16(uh + DEST_OFFSET, port);
    }

    @HotPath
    public static int len(long uh) {
        return Wire.u16(uh + LEN_OFFSET);
    }

    @HotPath
    public static void len(long uh, int bytes) {
        Wire.put16(uh + LEN_OFFSET, bytes);
    }

    @HotPath
    public static int check(long uh) {
        return Wire.u16(uh + CHECK_OFFSET);
    }

    @HotPath
    public static void check(long uh, int check) {
        Wire.put16(uh + CHECK_OFFSET, check);
    }
}
