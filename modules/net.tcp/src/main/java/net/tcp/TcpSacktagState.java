package net.tcp;

import net.skbuff.HotPath;

/**
 * What one ACK's SACK blocks did to the retransmit queue.
 *
 * <p>Context: the CPU's word; one per CPU, valid during one {@link TcpAck#tcpAck}.
 *
 * <p>Linux: struct tcp_sacktag_state.
 */
final class TcpSacktagState {
    /** Send time of the first, and of the last, newly SACKed segment that was never retransmitted, us; 0: none. */
    long firstSackt;

    long lastSackt;
    /** Lowest sequence number that was delivered out of order without a retransmission. */
    int reord;
    /** Segments newly delivered: SACKed, or proven duplicates by D-SACK. */
    int sackDelivered;
    /** Bytes newly delivered, in order or not. */
    int deliveredBytes;
    /** {@code TcpAck.FLAG_*} gathered on the way. */
    int flag;
    /** MSS at the time of the ACK. */
    int mssNow;

    @HotPath
    void reset() {
        firstSackt = 0;
        lastSackt = 0;
        reord = 0;
        sackDelivered = 0;
        deliveredBytes = 0;
        flag = 0;
        mssNow = 0;
    }
}
