package softnet.tools.iperf;

import java.nio.ByteBuffer;

/**
 * What one stream has moved. For UDP also the header of its datagrams (seconds, microseconds and a counter of 32 or 64
 * bits, in network order), and what a receiver makes of them: loss from gaps in the counter, jitter as RFC 3550 has it.
 *
 * <p>Context: the thread of its test.
 */
public final class IperfStats {
    /** As both ends count. */
    public final int id;
    /** Whether the server sends. */
    public final boolean sender;

    /** UDP: the highest counter sent or seen. */
    public long packets;
    /** UDP: gaps, less those that late datagrams have filled. */
    public long lost;
    /** UDP: datagrams that came late. */
    public long late;
    /** UDP: {@link #packets} when the omitted seconds ended. */
    public long omittedPackets;
    /** UDP: {@link #lost} then. */
    public long omittedLost;
    /** UDP: smoothed difference of transit times. */
    public double jitterSeconds;

    private long bytes;
    private long totalRetransmits;
    private long retransmitsBefore;
    private long startNs;
    private long endNs;
    private double lastTransit;
    private boolean first = true;

    /** A stream that starts at {@code nowNs}. */
    public IperfStats(int id, boolean sender, long nowNs) {
        this.id = id;
        this.sender = sender;
        startNs = nowNs;
        endNs = nowNs;
    }

    /** Counts bytes moved. */
    public void moved(int count) {
        bytes += count;
    }

    /** Bytes that count. */
    public long bytes() {
        return bytes;
    }

    /** Forgets what was moved so far: the omitted seconds have passed. */
    public void omitted(long nowNs, long retransmits) {
        bytes = 0;
        startNs = nowNs;
        omittedPackets = packets;
        omittedLost = lost;
        jitterSeconds = 0;
        retransmitsBefore = retransmits;
    }

    /** The stream ends; {@code retransmits} is the connection's total. */
    public void ended(long nowNs, long retransmits) {
        endNs = nowNs;
        totalRetransmits = retransmits;
    }

    /** Retransmitted segments that count. */
    public long retransmits() {
        return totalRetransmits - retransmitsBefore;
    }

    /** How long it ran. */
    public double seconds() {
        return (endNs - startNs) / 1e9;
    }

    /** Writes the next datagram's header at the start of {@code to}. */
    public void header(ByteBuffer to, boolean counter64, long nowNs) {
        packets++;
        to.putInt(0, (int) (nowNs / 1_000_000_000L));
        to.putInt(4, (int) (nowNs % 1_000_000_000L / 1_000));
        if (counter64) {
            to.putLong(8, packets);
        } else {
            to.putInt(8, (int) packets);
        }
    }

    /** Reads a datagram's header; false for one that is too short. */
    public boolean arrived(ByteBuffer datagram, int length, boolean counter64, long nowNs) {
        if (length < (counter64 ? 16 : 12)) {
            return false;
        }
        bytes += length;
        double sent = datagram.getInt(0) + datagram.getInt(4) / 1e6;
        long counter = counter64 ? datagram.getLong(8) : datagram.getInt(8) & 0xffffffffL;
        if (counter > packets) {
            lost += counter - packets - 1;
            packets = counter;
        } else {
            late++;
            lost = Math.max(0, lost - 1);
        }
        double transit = nowNs / 1e9 - sent;
        if (!first) {
            jitterSeconds += (Math.abs(transit - lastTransit) - jitterSeconds) / 16;
        }
        first = false;
        lastTransit = transit;
        return true;
    }
}
