package net.core.dev;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;

/**
 * The filters at a device's way in or way out, without a queue, and what went through. Null in the device while there are
 * none, so that a packet pays one load.
 *
 * <p>Context: {@link #pass} by holders of a CPU's word, any number at once, without a lock.
 *
 * <p>Linux: struct mini_Qdisc, tc_run(), net/core/dev.c
 */
public final class TcHook {
    /** The packet goes on. */
    static final int PASS = 0;
    /** The packet was dropped. */
    static final int DROPPED = 1;
    /** The packet is somebody else's now, or done with. */
    static final int TAKEN = 2;

    private static final int MAX_NEST = 4;
    private static final int STRIDE = 16;
    private static final int BYTES = 1;
    private static final int DROPS = 2;

    private final TcfBlock block;
    private final boolean ingress;
    /** Packets, bytes, drops by CPU; each written by the holder of that CPU's word. */
    private final long[] counters;

    /** A hook for one direction of a device, to be put into {@link NetDevice#tcIngress} or {@link NetDevice#tcEgress}. */
    public TcHook(TcfBlock block, boolean ingress, int cpus) {
        this.block = block;
        this.ingress = ingress;
        counters = new long[STRIDE * (cpus + 1)];
    }

    /**
     * Asks the filters: {@link #PASS} if the packet goes on, else it is gone, {@link #DROPPED} or {@link #TAKEN}.
     *
     * <p>Linux: sch_handle_ingress(), sch_handle_egress()
     */
    @HotPath
    int pass(Cpu cpu, SkBuff skb) {
        int at = STRIDE * (cpu.id + 1);
        int segs = skb.shinfo().gsoSegs;
        counters[at] += segs == 0 ? 1 : segs;
        counters[at + BYTES] += QdiscSkbCb.pktLen(skb);
        skb.tcAtIngress = ingress;
        cpu.sd.tcDropReason = null;
        switch (block.classify(cpu, skb)) {
            case TcfBlock.TC_ACT_SHOT -> {
                counters[at + DROPS]++;
                SkbDropReason why = cpu.sd.tcDropReason;
                skb.kfree(cpu, why != null ? why : ingress ? SkbDropReason.TC_INGRESS : SkbDropReason.TC_EGRESS);
                return DROPPED;
            }
            case TcfBlock.TC_ACT_STOLEN, TcfBlock.TC_ACT_QUEUED, TcfBlock.TC_ACT_TRAP -> {
                skb.consume(cpu);
                return TAKEN;
            }
            case TcfBlock.TC_ACT_CONSUMED -> {
                return TAKEN;
            }
            case TcfBlock.TC_ACT_REDIRECT -> {
                redirect(cpu, skb);
                return TAKEN;
            }
            case TcfBlock.TC_ACT_OK -> {
                skb.tcIndex = QdiscSkbCb.tcClassid(skb) & 0xFFFF;
                return PASS;
            }
            default -> {
                return PASS;
            }
        }
    }

    /** Sends the packet by the device that a filter has put into its dev. Linux: skb_do_redirect(), net/core/filter.c */
    private void redirect(Cpu cpu, SkBuff skb) {
        if (cpu.sd.mirredNest >= MAX_NEST) {
            skb.kfree(cpu, ingress ? SkbDropReason.TC_INGRESS : SkbDropReason.TC_EGRESS);
            return;
        }
        if (ingress) {
            int mac = skb.macLen;
            skb.push(mac);
            skb.postpushRcsum(skb.dataAddress(), mac);
        }
        skb.redirected = true;
        skb.fromIngress = ingress;
        cpu.sd.mirredNest++;
        DevXmit.devQueueXmit(cpu, skb);
        cpu.sd.mirredNest--;
    }

    private long sum(int counter) {
        long n = 0;
        for (int i = 0; i < counters.length; i += STRIDE) {
            n += counters[i + counter];
        }
        return n;
    }

    /** Packets that came by, a GSO packet as its segments. */
    public long packets() {
        return sum(0);
    }

    /** Their bytes. */
    public long bytes() {
        return sum(BYTES);
    }

    /** Packets that filters dropped. */
    public long drops() {
        return sum(DROPS);
    }
}
