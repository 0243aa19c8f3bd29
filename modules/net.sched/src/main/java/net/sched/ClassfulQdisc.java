package net.sched;

import java.util.ArrayList;
import java.util.List;
import net.core.Cpu;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscClassOps;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscSkbCb;
import net.core.dev.TcfBlock;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;

/**
 * What classful disciplines share: asking filters, feeding a child, giving out what children hold, dropping a child.
 *
 * <p>Context: the tree's lock.
 */
public abstract class ClassfulQdisc extends SchedQdisc implements QdiscClassOps {
    private static final int CONSUMED = -1;

    private final SkBuffHead purged = new SkBuffHead();
    /** What enqueue answers when the last {@link #ask} chose no class. */
    private int verdict;
    /** An action decided on the packet asked about last. */
    private boolean sealed;

    /** Creates an instance for {@code devQueue}. */
    protected ClassfulQdisc(QdiscOps ops, NetdevQueue devQueue, int flags) {
        super(ops, devQueue, flags);
    }

    @Override
    public final QdiscClassOps classOps() {
        return this;
    }

    @Override
    public boolean takesFilters() {
        return true;
    }

    /** All disciplines under this one. */
    protected abstract List<Qdisc> children();

    /**
     * Asks filters for a class: true if they chose one, in {@link QdiscSkbCb#tcClassid}. Else {@link #sealed} tells
     * whether the packet's fate is sealed, by {@link #refuse}.
     */
    @HotPath
    protected final boolean ask(Cpu cpu, TcfBlock block, SkBuff skb) {
        int act = block.classify(cpu, skb);
        verdict = NetXmit.NET_XMIT_SUCCESS | NetXmit.NET_XMIT_BYPASS;
        sealed = false;
        switch (act) {
            case TcfBlock.TC_ACT_UNSPEC -> {
                return false;
            }
            case TcfBlock.TC_ACT_STOLEN, TcfBlock.TC_ACT_QUEUED, TcfBlock.TC_ACT_TRAP -> {
                verdict = NetXmit.NET_XMIT_SUCCESS | NetXmit.NET_XMIT_STOLEN;
                sealed = true;
                return false;
            }
            case TcfBlock.TC_ACT_CONSUMED -> {
                verdict = CONSUMED;
                sealed = true;
                return false;
            }
            case TcfBlock.TC_ACT_SHOT -> {
                sealed = true;
                return false;
            }
            default -> {
                return true;
            }
        }
    }

    /** Before a classification: no verdict yet. */
    @HotPath
    protected final void unasked() {
        verdict = NetXmit.NET_XMIT_SUCCESS | NetXmit.NET_XMIT_BYPASS;
        sealed = false;
    }

    /** After {@link #ask}: an action decided that the packet goes into no class. */
    @HotPath
    protected final boolean sealed() {
        return sealed;
    }

    /** Enqueue's answer to a packet without a class: dropped, unless an action has it. */
    @HotPath
    protected final int refuse(SkBuff skb, SkBuffHead toFree) {
        if (verdict == CONSUMED) {
            return NetXmit.NET_XMIT_SUCCESS | NetXmit.NET_XMIT_STOLEN;
        }
        if ((verdict & NetXmit.NET_XMIT_BYPASS) != 0) {
            drops++;
        }
        toFree.addTail(skb);
        return verdict;
    }

    /** Gives a packet to a child and keeps this discipline's accounts; any answer but success is the caller's to return. */
    @HotPath
    protected final int enqueueChild(Cpu cpu, Qdisc child, SkBuff skb, SkBuffHead toFree) {
        int len = QdiscSkbCb.pktLen(skb);
        int rc = child.enqueue(cpu, skb, toFree);
        if (rc == NetXmit.NET_XMIT_SUCCESS) {
            qlen++;
            backlog += len;
        } else {
            drops += NetXmit.dropCount(rc);
        }
        return rc;
    }

    /** Counts a packet out that a child gave. */
    @HotPath
    protected final void sentFromChild(SkBuff skb) {
        qstatsSub(skb);
        bstatsUpdate(skb);
    }

    /** Segments' worth of packets. */
    @HotPath
    protected static int segs(SkBuff skb) {
        int segs = skb.shinfo().gsoSegs;
        return skb.shinfo().gsoSize != 0 && segs > 0 ? segs : 1;
    }

    /** Drops what a child holds, and tells everybody above it. Linux: qdisc_purge_queue(). */
    protected final void purgeChild(Cpu cpu, Qdisc child) {
        int n = child.qlen;
        int bytes = child.backlog;
        child.handOver(cpu, purged);
        purged.purge(cpu, SkbDropReason.QUEUE_PURGE);
        child.treeReduceBacklog(n, bytes);
    }

    /** Takes a child out of the tree for good. */
    protected final void destroyChild(Cpu cpu, Qdisc child) {
        purgeChild(cpu, child);
        child.dropFilters();
        child.destroy(cpu);
    }

    @Override
    public void takeAll(Cpu cpu, SkBuffHead to) {
        to.spliceTail(q);
        for (Qdisc child : new ArrayList<>(children())) {
            child.handOver(cpu, to);
        }
        qlen = 0;
        backlog = 0;
        forget();
    }

    /** Everything was taken out: no class is active, no timer armed. */
    protected abstract void forget();

    @Override
    public void destroy(Cpu cpu) {
        for (Qdisc child : children()) {
            child.dropFilters();
            child.destroy(cpu);
        }
    }
}
