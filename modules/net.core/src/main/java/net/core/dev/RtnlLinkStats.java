package net.core.dev;

/**
 * A device's counters on one CPU, and, summed, what {@code ip -s link} shows.
 *
 * <p>Context: plain longs written by the holder of the CPU's word; readers sum over CPUs and may be a little behind.
 *
 * <p>Linux: struct rtnl_link_stats64, struct pcpu_sw_netstats
 */
public final class RtnlLinkStats {
    /** Packets received. */
    public long rxPackets;
    /** Bytes received. */
    public long rxBytes;
    /** Bad packets. */
    public long rxErrors;
    /** Dropped on receive for want of memory or room. */
    public long rxDropped;
    /** Received, but no protocol wanted it or the device is down. */
    public long rxNohandler;
    /** Too long or too short. */
    public long rxLengthErrors;
    /** Ring overrun. */
    public long rxOverErrors;
    /** Bad checksum of the frame. */
    public long rxCrcErrors;
    /** Missed for want of buffers. */
    public long rxMissedErrors;
    /** Multicast received. */
    public long multicast;
    /** Packets sent. */
    public long txPackets;
    /** Bytes sent. */
    public long txBytes;
    /** Transmit problems. */
    public long txErrors;
    /** Dropped on transmit. */
    public long txDropped;
    /** Carrier lost. */
    public long txCarrierErrors;
    // Keeps two CPUs' counters off one cache line.
    long pad0, pad1, pad2, pad3, pad4, pad5, pad6, pad7;

    /** Creates zeroed counters. */
    public RtnlLinkStats() {}

    /** Adds {@code o} to this. */
    public void add(RtnlLinkStats o) {
        rxPackets += o.rxPackets;
        rxBytes += o.rxBytes;
        rxErrors += o.rxErrors;
        rxDropped += o.rxDropped;
        rxNohandler += o.rxNohandler;
        rxLengthErrors += o.rxLengthErrors;
        rxOverErrors += o.rxOverErrors;
        rxCrcErrors += o.rxCrcErrors;
        rxMissedErrors += o.rxMissedErrors;
        multicast += o.multicast;
        txPackets += o.txPackets;
        txBytes += o.txBytes;
        txErrors += o.txErrors;
        txDropped += o.txDropped;
        txCarrierErrors += o.txCarrierErrors;
    }
}
