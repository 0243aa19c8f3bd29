package net.core.dev;

import net.core.tc.TcPrint;

/**
 * The counters that every qdisc and class has, as read at one moment.
 *
 * <p>Linux: struct gnet_stats_basic, struct gnet_stats_queue
 */
public final class QdiscStats {
    /** Bytes that went through. */
    public long bytes;
    /** Packets that went through; a GSO packet counts as its segments. */
    public long packets;
    /** Packets dropped. */
    public long drops;
    /** Times a limit held a packet back. */
    public long overlimits;
    /** Packets the driver sent back. */
    public long requeues;
    /** Bytes held. */
    public long backlog;
    /** Packets held. */
    public int qlen;

    /** All zero. */
    public QdiscStats() {}

    /** Takes the counters of a qdisc over. */
    public QdiscStats of(Qdisc q) {
        bytes = q.currentBytes();
        packets = q.currentPackets();
        drops = q.currentDrops();
        overlimits = q.currentOverlimits();
        requeues = q.currentRequeues();
        backlog = q.currentBacklog();
        qlen = q.currentQlen();
        return this;
    }

    /** The two lines of {@code tc -s}. Linux: print_tcstats2_attr(). */
    public void print(TcPrint p) {
        print(p, " ");
    }

    /** As {@link #print(TcPrint)}, each line behind {@code prefix}. */
    public void print(TcPrint p, String prefix) {
        p.num("bytes", prefix + "Sent ", bytes, " bytes");
        p.num("packets", " ", packets, " pkt");
        p.num("drops", " (dropped ", drops, ", ");
        p.num("overlimits", "overlimits ", overlimits, " ");
        p.num("requeues", "requeues ", requeues, ") ").nl();
        p.size("backlog", prefix + "backlog ", backlog, "");
        p.num("qlen", " ", qlen, "p");
        if (!p.isJson()) {
            p.num("requeues", " requeues ", requeues, "");
        }
        p.nl();
    }
}
