package net.sched;

import net.core.Cpu;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscSkbCb;
import net.core.dev.SchGeneric;
import net.core.dev.TcfBlock;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;

/**
 * What our disciplines share: emptying is written once, as {@link #takeAll}, and serves reset and hand-over; accounts of
 * packets that join or leave queues other than {@link #q}; the change of a number of packets seen by the parents.
 *
 * <p>Context: the tree's lock.
 */
public abstract class SchedQdisc extends Qdisc {
    private final SkBuffHead scratch = new SkBuffHead();

    /** Creates an instance for {@code devQueue}. */
    protected SchedQdisc(QdiscOps ops, NetdevQueue devQueue, int flags) {
        super(ops, devQueue, flags);
    }

    /** Moves all packets held, however far in the future they are, and forgets all state of flows and timers. */
    @Override
    public abstract void takeAll(Cpu cpu, SkBuffHead to);

    @Override
    public final void reset(Cpu cpu) {
        takeAll(cpu, scratch);
        scratch.purge(cpu, SkbDropReason.QUEUE_PURGE);
        qlen = 0;
        backlog = 0;
    }

    /** Counts a packet in. */
    @HotPath
    protected final void qstatsAdd(SkBuff skb) {
        qlen++;
        backlog += QdiscSkbCb.pktLen(skb);
    }

    /** Counts a packet out, sent or dropped. */
    @HotPath
    protected final void qstatsSub(SkBuff skb) {
        qlen--;
        backlog -= QdiscSkbCb.pktLen(skb);
    }

    /**
     * Enqueue's answer to a packet that a filter's action took out of the way, {@code act} being neither UNSPEC nor OK:
     * freed, unless the action owns it. A stolen one is no drop.
     */
    @HotPath
    protected final int taken(int act, SkBuff skb, SkBuffHead toFree) {
        switch (act) {
            case TcfBlock.TC_ACT_CONSUMED -> {
                return NetXmit.NET_XMIT_SUCCESS | NetXmit.NET_XMIT_STOLEN;
            }
            case TcfBlock.TC_ACT_STOLEN, TcfBlock.TC_ACT_QUEUED, TcfBlock.TC_ACT_TRAP -> {
                toFree.addTail(skb);
                return NetXmit.NET_XMIT_SUCCESS | NetXmit.NET_XMIT_STOLEN;
            }
            default -> {
                qdiscDrop(skb, toFree);
                return NetXmit.NET_XMIT_SUCCESS | NetXmit.NET_XMIT_BYPASS;
            }
        }
    }

    /** Longest frame of the device, bytes. Linux: psched_mtu(). */
    protected final int pschedMtu() {
        return devQueue.dev.mtu + devQueue.dev.hardHeaderLen;
    }

    /** A child of {@code kind} for class {@code classid}, with its defaults. */
    protected final Qdisc child(int classid, String kind) {
        Qdisc c = SchGeneric.createChild(this, classid, kind);
        if (c == null) {
            throw new IllegalStateException("no qdisc " + kind + " to put under " + id());
        }
        return c;
    }

    /** A random number of 32 bits; from the seed in virtual time. */
    @HotPath
    protected final int random() {
        return devQueue.dev.kernel().getRandomU32();
    }
}
