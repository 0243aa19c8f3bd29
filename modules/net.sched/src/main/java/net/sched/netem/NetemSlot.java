package net.sched.netem;

import net.core.tc.TcPrint;
import net.core.tc.TcUnits;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * Slots: packets leave in bursts, as over a medium that is granted from time to time.
 *
 * <p>Linux: struct tc_netem_slot, get_slot_next()
 */
final class NetemSlot {
    long minDelay;
    long maxDelay;
    int maxPackets = Integer.MAX_VALUE;
    long maxBytes = Long.MAX_VALUE;
    long distDelay;
    long distJitter;

    @Nullable
    NetemDist dist;

    /** When the next slot begins; 0 without slots. */
    long next;

    private int packetsLeft;
    private long bytesLeft;

    void start(long now) {
        packetsLeft = maxPackets;
        bytesLeft = maxBytes;
        next = (minDelay | maxDelay | distJitter | distDelay) != 0 ? now : 0;
    }

    @HotPath
    void advance(long now, NetemRandom r) {
        long delay = distDelay == 0
                ? minDelay + (r.next() * (maxDelay - minDelay) >>> 32)
                : NetemDist.draw(distDelay, distJitter, r.next(), dist);
        next = now + delay;
        packetsLeft = maxPackets;
        bytesLeft = maxBytes;
    }

    /** A packet leaves in this slot. */
    @HotPath
    void use(int bytes, long now, NetemRandom r) {
        if (next != 0 && (--packetsLeft <= 0 || (bytesLeft -= bytes) <= 0)) {
            advance(now, r);
        }
    }

    void dump(TcPrint p) {
        if (next == 0) {
            return;
        }
        p.open("slot");
        if (distDelay != 0) {
            time(p, "distribution-delay", " slot distribution ", distDelay);
            time(p, "distribution-jitter", " ", distJitter);
        } else {
            time(p, "min-delay", " slot ", minDelay);
            time(p, "max-delay", " ", maxDelay);
        }
        if (maxPackets != Integer.MAX_VALUE) {
            p.num("packets", " packets ", maxPackets, "");
        }
        if (maxBytes != Long.MAX_VALUE) {
            p.num("bytes", " bytes ", maxBytes, "");
        }
        p.close();
    }

    /** Seconds in JSON. */
    private static void time(TcPrint p, String key, String before, long ns) {
        if (p.isJson()) {
            p.real(key, "", ns / 1e9, "");
        } else {
            p.text(before + TcUnits.timeNs(ns));
        }
    }
}
