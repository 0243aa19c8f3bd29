package net.tcp;

/**
 * What one ACK told, for {@link TcpCongestionOps#pktsAcked}: packets newly acknowledged or SACKed, the RTT of the
 * youngest of them and the packets in flight when it was sent. Reused for each ACK: read it, don't keep it.
 *
 * <p>Linux: struct ack_sample.
 */
public final class AckSample {
    /** Packets this ACK took off the retransmit queue. */
    public int pktsAcked;
    /** RTT in microseconds, or -1 if this ACK gave no valid one. */
    public int rttUs;
    /** Packets in flight at the time the sampled packet was sent. */
    public int inFlight;
}
