package net.testkit;

/** Numbers in network byte order in byte arrays, and the Internet checksum in its plainest form: the tests' reference. */
final class Wires {
    private Wires() {}

    static int u8(byte[] b, int at) {
        return b[at] & 0xff;
    }

    static int be16(byte[] b, int at) {
        return (b[at] & 0xff) << 8 | b[at + 1] & 0xff;
    }

    static int be32(byte[] b, int at) {
        return be16(b, at) << 16 | be16(b, at + 2);
    }

    static void be16(byte[] b, int at, int value) {
        b[at] = (byte) (value >>> 8);
        b[at + 1] = (byte) value;
    }

    static void be32(byte[] b, int at, int value) {
        be16(b, at, value >>> 16);
        be16(b, at + 2, value);
    }

    /** Sum of the 16-bit words, an odd last byte padded; not yet folded. RFC 1071. */
    static long sum(byte[] b, int off, int len) {
        long sum = 0;
        int i = off;
        for (; i + 1 < off + len; i += 2) {
            sum += be16(b, i);
        }
        if (i < off + len) {
            sum += (b[i] & 0xff) << 8;
        }
        return sum;
    }

    /** The complement of the folded sum: what goes into a checksum field. */
    static int fold(long sum) {
        long s = sum;
        while (s >>> 16 != 0) {
            s = (s & 0xffff) + (s >>> 16);
        }
        return (int) ~s & 0xffff;
    }

    /** The sum of TCP's and UDP's pseudo header. */
    static long pseudo(int saddr, int daddr, int protocol, int len) {
        return (long) (saddr >>> 16) + (saddr & 0xffff) + (daddr >>> 16) + (daddr & 0xffff) + protocol + len;
    }

    static String address(int a) {
        return (a >>> 24) + "." + (a >>> 16 & 255) + "." + (a >>> 8 & 255) + "." + (a & 255);
    }
}
