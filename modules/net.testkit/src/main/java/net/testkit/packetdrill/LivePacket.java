package net.testkit.packetdrill;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * An IPv4 packet as bytes with a time stamp, read and rewritten by header offsets. Big GSO packets are packets like any
 * other. {@link #parse} checks the lengths once; after that no accessor leaves the array.
 */
final class LivePacket {
    static final int ICMP = 1;
    static final int TCP = 6;
    static final int UDP = 17;

    static final int KIND_MSS = 2;
    static final int KIND_WSCALE = 3;
    static final int KIND_SACK_OK = 4;
    static final int KIND_SACK = 5;
    static final int KIND_TIMESTAMP = 8;

    final long atNs;
    final ByteBuffer b;
    final int l4;

    private LivePacket(long atNs, byte[] bytes, int l4) {
        this.atNs = atNs;
        this.b = ByteBuffer.wrap(bytes);
        this.l4 = l4;
    }

    /**
     * Looks at a packet's headers.
     *
     * @throws ScriptFailure if it is no whole IPv4 packet of TCP, UDP or ICMP, or a header says more than there is
     */
    static LivePacket parse(long atNs, byte[] bytes) {
        if (bytes.length < 20 || (bytes[0] & 0xf0) != 0x40) {
            throw new ScriptFailure("not an IPv4 packet: " + bytes.length + " bytes, first 0x"
                    + (bytes.length == 0 ? "" : Integer.toHexString(bytes[0] & 0xff)));
        }
        int ihl = (bytes[0] & 15) * 4;
        LivePacket p = new LivePacket(atNs, bytes, ihl);
        if (ihl < 20 || p.totalLength() != bytes.length) {
            throw new ScriptFailure(
                    "IPv4 header of " + ihl + " bytes says " + p.totalLength() + " bytes, there are " + bytes.length);
        }
        int least = switch (p.protocol()) {
            case TCP -> 20;
            case UDP, ICMP -> 8;
            default -> throw new ScriptFailure("packet of IP protocol " + p.protocol());
        };
        if (bytes.length < ihl + least || p.protocol() == TCP && (p.doff() < 5 || ihl + p.doff() * 4 > bytes.length)) {
            throw new ScriptFailure(
                    "packet of IP protocol " + p.protocol() + " with " + bytes.length + " bytes is cut");
        }
        return p;
    }

    LivePacket copy() {
        return new LivePacket(atNs, b.array().clone(), l4);
    }

    byte[] bytes() {
        return b.array();
    }

    // ---- IPv4

    int tos() {
        return b.get(1) & 0xff;
    }

    int ihl() {
        return b.get(0) & 15;
    }

    int totalLength() {
        return b.getShort(2) & 0xffff;
    }

    int ttl() {
        return b.get(8) & 0xff;
    }

    int protocol() {
        return b.get(9) & 0xff;
    }

    int saddr() {
        return b.getInt(12);
    }

    int daddr() {
        return b.getInt(16);
    }

    boolean isTcp() {
        return protocol() == TCP;
    }

    boolean isUdp() {
        return protocol() == UDP;
    }

    boolean isIcmp() {
        return protocol() == ICMP;
    }

    // ---- TCP and UDP

    int sport() {
        return b.getShort(l4) & 0xffff;
    }

    int dport() {
        return b.getShort(l4 + 2) & 0xffff;
    }

    int seq() {
        return b.getInt(l4 + 4);
    }

    void seq(int value) {
        b.putInt(l4 + 4, value);
    }

    int ackSeq() {
        return b.getInt(l4 + 8);
    }

    void ackSeq(int value) {
        b.putInt(l4 + 8, value);
    }

    int doff() {
        return b.get(l4 + 12) >> 4 & 15;
    }

    /** The three bits before AE. */
    int reserved() {
        return b.get(l4 + 12) >> 1 & 7;
    }

    /** As in the language's tree: FIN is 1, AE 0x100. */
    int flags() {
        return b.getShort(l4 + 12) & 0x1ff;
    }

    boolean has(int flag) {
        return (flags() & flag) == flag;
    }

    int window() {
        return b.getShort(l4 + 14) & 0xffff;
    }

    int urgent() {
        return b.getShort(l4 + 18) & 0xffff;
    }

    int optionsFrom() {
        return l4 + 20;
    }

    int payloadFrom() {
        return isTcp() ? l4 + 4 * doff() : l4 + 8;
    }

    int payloadLength() {
        return b.capacity() - payloadFrom();
    }

    boolean payloadIsZero() {
        byte[] all = b.array();
        for (int i = payloadFrom(); i < all.length; i++) {
            if (all[i] != 0) {
                return false;
            }
        }
        return true;
    }

    int optionLength(int at) {
        int kind = b.get(at) & 0xff;
        if (kind <= 1) {
            return 1;
        }
        int len = at + 1 < payloadFrom() ? b.get(at + 1) & 0xff : 0;
        if (len < 2 || at + len > payloadFrom()) {
            throw new ScriptFailure("TCP option of kind " + kind + " with length " + len + " does not fit its header");
        }
        return len;
    }

    /** Offset of the first option of a kind, or -1. */
    int find(int kind) {
        int at = optionsFrom();
        while (at < payloadFrom()) {
            if ((b.get(at) & 0xff) == kind) {
                optionLength(at);
                return at;
            }
            if (b.get(at) == 0) {
                return -1;
            }
            at += optionLength(at);
        }
        return -1;
    }

    /** Adds an offset to both edges of every SACK block. */
    void shiftSack(int offset) {
        int at = find(KIND_SACK);
        if (at < 0) {
            return;
        }
        int end = at + optionLength(at);
        for (int i = at + 2; i + 4 <= end; i += 4) {
            b.putInt(i, b.getInt(i) + offset);
        }
    }

    // ---- checksums

    /** Fills in both checksums. */
    void sum() {
        b.putShort(10, (short) 0);
        b.putShort(10, (short) ipSum());
        int at = sumAt();
        b.putShort(at, (short) 0);
        int sum = l4Sum();
        b.putShort(at, (short) (sum == 0 && isUdp() ? 0xffff : sum));
    }

    /** What is wrong with a checksum, or null. A UDP checksum of 0 is none. */
    @org.jspecify.annotations.Nullable
    String badSum() {
        if (ipSum() != 0) {
            return "bad outbound IP checksum";
        }
        if (isUdp() && b.getShort(sumAt()) == 0) {
            return null;
        }
        return l4Sum() == 0 ? null : "bad outbound " + (isTcp() ? "TCP" : isUdp() ? "UDP" : "ICMP") + " checksum";
    }

    private int sumAt() {
        return l4 + (isTcp() ? 16 : isUdp() ? 6 : 2);
    }

    private int ipSum() {
        return fold(sum(0, l4));
    }

    private int l4Sum() {
        long pseudo = 0;
        int len = b.capacity() - l4;
        if (!isIcmp()) {
            pseudo = (long) (saddr() >>> 16)
                    + (saddr() & 0xffff)
                    + (daddr() >>> 16)
                    + (daddr() & 0xffff)
                    + protocol()
                    + len;
        }
        return fold(pseudo + sum(l4, len));
    }

    private long sum(int from, int len) {
        long sum = 0;
        int i = from;
        for (; i + 1 < from + len; i += 2) {
            sum += b.getShort(i) & 0xffff;
        }
        return i < from + len ? sum + ((b.get(i) & 0xff) << 8) : sum;
    }

    static int fold(long sum) {
        long s = sum;
        while (s >>> 16 != 0) {
            s = (s & 0xffff) + (s >>> 16);
        }
        return (int) ~s & 0xffff;
    }

    /** This packet's headers over {@code length} bytes of payload: a segment made of several. */
    LivePacket withPayload(int length, long atNs) {
        byte[] all = Arrays.copyOf(bytes(), payloadFrom() + length);
        LivePacket p = new LivePacket(atNs, all, l4);
        p.b.putShort(2, (short) all.length);
        return p;
    }
}
