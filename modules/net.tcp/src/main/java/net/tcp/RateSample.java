package net.tcp;

/**
 * One delivery-rate sample: how many packets were delivered over which interval, taken from one flight of packets.
 * Reused for each ACK: read it, don't keep it.
 *
 * <p>Linux: struct rate_sample; draft-cheng-iccrg-delivery-rate-estimation.
 */
public final class RateSample {
    /** Time of the delivery that the sampled packet was sent after, us; 0 if no packet gave a sample. */
    public long priorMstamp;
    /** {@code tp.delivered} at {@link #priorMstamp}. */
    public int priorDelivered;
    /** {@code tp.deliveredCe} at {@link #priorMstamp}. */
    public int priorDeliveredCe;
    /** {@code tp.lost} when the sampled packet was sent. */
    public int priorLost;
    /** Packets marked lost over the interval. */
    public int lost;
    /** Packets in flight when the sampled packet was sent, itself included; 0: no sample. */
    public int txInFlight;
    /** Packets delivered over the interval, -1 if there is no sample. */
    public int delivered;
    /** Packets delivered with an ECN mark over the interval. */
    public int deliveredCe;
    /** Length of the interval, us; negative if there is no valid sample. */
    public long intervalUs;
    /** Length of the send phase of the interval, us. */
    public int sndIntervalUs;
    /** Length of the ACK phase of the interval, us. */
    public int rcvIntervalUs;
    /** RTT of the last (S)ACKed packet, us, or -1. */
    public long rttUs;
    /** Packets newly marked lost by this ACK. */
    public int losses;
    /** Packets newly delivered by this ACK. */
    public int ackedSacked;
    /** Packets in flight before this ACK. */
    public int priorInFlight;
    /** End sequence of the most recently sent packet among those delivered. */
    public int lastEndSeq;
    /** Was the sampled packet sent while the application had no more to send? */
    public boolean isAppLimited;
    /** Was the sampled packet a retransmission? */
    public boolean isRetrans;
    /** Does this ACK echo a congestion mark? */
    public boolean isEce;
    /** Does this ACK answer a loss probe that was a retransmission? */
    public boolean isAckingTlpRetrans;
    /** May the receiver have delayed this ACK? */
    public boolean isAckDelayed;

    /** Makes it ready for the next ACK. */
    public void reset() {
        priorMstamp = 0;
        priorDelivered = 0;
        priorDeliveredCe = 0;
        delivered = 0;
        deliveredCe = 0;
        intervalUs = 0;
        sndIntervalUs = 0;
        rcvIntervalUs = 0;
        rttUs = 0;
        losses = 0;
        ackedSacked = 0;
        priorInFlight = 0;
        lastEndSeq = 0;
        isAppLimited = false;
        isRetrans = false;
        isEce = false;
        isAckingTlpRetrans = false;
        priorLost = 0;
        lost = 0;
        txInFlight = 0;
        isAckDelayed = false;
    }
}
