package net.sched.aqm;

import net.core.Cpu;
import net.core.dev.QdiscSkbCb;
import net.sched.InetEcn;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Controlled Delay: drops from the head while packets have been staying longer than a target for a whole interval, and
 * the more often the longer that lasts.
 *
 * <p>A packet's arrival is in its cbl0. Counts what it drops for the owner's accounts.
 *
 * <p>{@code Deviation:} exact nanoseconds and square roots, where Linux has units of 1.024 us and Newton's steps.
 *
 * <p>Context: the tree's lock.
 *
 * <p>Linux: include/net/codel_impl.h. RFC 8289
 */
public final class Codel {
    /** No threshold. */
    public static final long DISABLED = Long.MAX_VALUE;

    /** Where packets come from and go to. */
    public interface Host {
        /** Takes the head of the queue that {@code state} belongs to, with all accounts but drops; null if empty. */
        @Nullable
        SkBuff codelDequeue(CodelState state);

        /** Bytes left in that queue. */
        int codelBacklog(CodelState state);

        /** Frees a packet and counts the drop. */
        void codelDrop(Cpu cpu, SkBuff skb);
    }

    /** Acceptable standing delay. */
    public long targetNs = 5_000_000;
    /** A round trip in the worst case. */
    public long intervalNs = 100_000_000;
    /** Marks all packets that stay longer. */
    public long ceThresholdNs = DISABLED;
    /** With a mask other than 0 only packets whose DS field matches are marked by the threshold. */
    public int ceThresholdSelector;
    /** See {@link #ceThresholdSelector}. */
    public int ceThresholdMask;
    /** A queue of so many bytes is no queue. */
    public int mtu;
    /** Marks instead of dropping what can carry a mark. */
    public boolean ecn;

    /** Largest packet seen, bytes. */
    public int maxPacket;
    /** Packets marked instead of dropped. */
    public long ecnMark;
    /** Packets marked by the threshold. */
    public long ceMark;
    /** Packets dropped since the owner last took the counts. */
    public int dropCount;
    /** Their bytes. */
    public int dropLen;

    /** With the defaults. */
    public Codel() {}

    /** Notes when a packet arrived. */
    @HotPath
    public static void setEnqueueTime(SkBuff skb, long nowNs) {
        skb.cbl0 = nowNs;
    }

    private long controlLaw(long t, int count) {
        return t + (long) (intervalNs / Math.sqrt(count));
    }

    @HotPath
    private boolean shouldDrop(@Nullable SkBuff skb, CodelState s, Host host, long now) {
        if (skb == null) {
            s.firstAboveNs = 0;
            return false;
        }
        s.ldelayNs = now - skb.cbl0;
        int len = QdiscSkbCb.pktLen(skb);
        if (len > maxPacket) {
            maxPacket = len;
        }
        if (s.ldelayNs < targetNs || host.codelBacklog(s) <= mtu) {
            s.firstAboveNs = 0;
            return false;
        }
        if (s.firstAboveNs == 0) {
            s.firstAboveNs = now + intervalNs;
            return false;
        }
        return now - s.firstAboveNs > 0;
    }

    private void drop(Cpu cpu, Host host, SkBuff skb) {
        dropLen += QdiscSkbCb.pktLen(skb);
        dropCount++;
        host.codelDrop(cpu, skb);
    }

    private boolean mark(SkBuff skb) {
        if (!ecn || !InetEcn.setCe(skb)) {
            return false;
        }
        ecnMark++;
        return true;
    }

    /** The packet to send next, or null if the queue is empty, dropping on the way. Linux: codel_dequeue(). */
    @HotPath
    public @Nullable SkBuff dequeue(Cpu cpu, Host host, CodelState s, long now) {
        SkBuff skb = host.codelDequeue(s);
        if (skb == null) {
            s.dropping = false;
            return null;
        }
        boolean drop = shouldDrop(skb, s, host, now);
        if (s.dropping) {
            skb = drop ? whileDropping(cpu, host, s, now, skb) : leave(s, skb);
        } else if (drop) {
            skb = startDropping(cpu, host, s, now, skb);
        }
        if (skb != null && s.ldelayNs > ceThresholdNs && thresholdApplies(skb) && InetEcn.setCe(skb)) {
            ceMark++;
        }
        return skb;
    }

    private boolean thresholdApplies(SkBuff skb) {
        return ceThresholdMask == 0 || (InetEcn.dsfield(skb) & ceThresholdMask) == ceThresholdSelector;
    }

    private static SkBuff leave(CodelState s, SkBuff skb) {
        s.dropping = false;
        return skb;
    }

    /** RFC 8289 5.5: drops as long as the schedule says so and the delay stays. */
    private @Nullable SkBuff whileDropping(Cpu cpu, Host host, CodelState s, long now, SkBuff first) {
        SkBuff skb = first;
        while (skb != null && s.dropping && now - s.dropNextNs >= 0) {
            s.count++;
            if (mark(skb)) {
                s.dropNextNs = controlLaw(s.dropNextNs, s.count);
                break;
            }
            drop(cpu, host, skb);
            skb = host.codelDequeue(s);
            if (shouldDrop(skb, s, host, now)) {
                s.dropNextNs = controlLaw(s.dropNextNs, s.count);
            } else {
                s.dropping = false;
            }
        }
        return skb;
    }

    /** RFC 8289 5.5: the delay was too long for an interval. Starts where the last dropping state left off if recent. */
    private @Nullable SkBuff startDropping(Cpu cpu, Host host, CodelState s, long now, SkBuff first) {
        SkBuff skb = first;
        if (!mark(skb)) {
            drop(cpu, host, skb);
            skb = host.codelDequeue(s);
            shouldDrop(skb, s, host, now);
        }
        s.dropping = true;
        int delta = s.count - s.lastCount;
        s.count = delta > 1 && now - s.dropNextNs < 16 * intervalNs ? delta : 1;
        s.lastCount = s.count;
        s.dropNextNs = controlLaw(now, s.count);
        return skb;
    }
}
