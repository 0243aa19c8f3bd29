package net.sched.band;

import java.util.Arrays;
import java.util.List;
import net.core.Cpu;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscStats;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.ClassfulQdisc;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import org.jspecify.annotations.Nullable;

/**
 * A fixed number of classes, band 0 as {@code X:1} and so on, each with a discipline and without settings of its own.
 *
 * <p>Context: the tree's lock.
 */
abstract class Bands extends ClassfulQdisc {
    /** Of band 0 and up; as many as there are bands. */
    Qdisc[] queues = {};
    /** Bands that a change took away, until their packets are dropped. */
    private Qdisc[] gone = {};

    Bands(QdiscOps ops, NetdevQueue devQueue) {
        super(ops, devQueue, 0);
    }

    /** The band of a packet, or -1 if an action has decided on it. */
    abstract int classify(Cpu cpu, SkBuff skb);

    @Override
    @HotPath
    public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
        int band = classify(cpu, skb);
        return band < 0 ? refuse(skb, toFree) : enqueueChild(cpu, queues[band], skb, toFree);
    }

    /** The class that filters or, with {@code byPriority}, the packet's priority names; -1 none, -2 sealed. */
    @HotPath
    final int chosenBand(Cpu cpu, SkBuff skb) {
        unasked();
        net.core.dev.TcfBlock f = filters;
        if (f == null) {
            return -1;
        }
        if (ask(cpu, f, skb)) {
            return TcHandle.minor(net.core.dev.QdiscSkbCb.tcClassid(skb));
        }
        return sealed() ? -2 : -1;
    }

    /** Makes it {@code n} bands; new ones are pfifos, what those that go hold is dropped. */
    final void setBands(int n) {
        Qdisc[] old = queues;
        Qdisc[] now = Arrays.copyOf(old, n);
        for (int i = old.length; i < n; i++) {
            now[i] = child(TcHandle.make(handle, i + 1), "pfifo");
        }
        queues = now;
        if (old.length > n) {
            gone = Arrays.copyOfRange(old, n, old.length);
        }
    }

    /** After a change: packets of bands that are no more. */
    @Override
    public void trim(Cpu cpu) {
        for (Qdisc c : gone) {
            destroyChild(cpu, c);
        }
        gone = new Qdisc[0];
    }

    @Override
    protected final List<Qdisc> children() {
        return Arrays.asList(queues);
    }

    @Override
    public final @Nullable Object find(int classid) {
        int band = TcHandle.minor(classid) - 1;
        return band >= 0 && band < queues.length ? band : null; // allocates: configuration
    }

    @Override
    public final Qdisc leaf(Object cl) {
        return queues[(Integer) cl];
    }

    @Override
    public final Qdisc graft(Object cl, Qdisc child) {
        Qdisc old = queues[(Integer) cl];
        queues[(Integer) cl] = child;
        return old;
    }

    @Override
    public final void walk(Visitor visitor) {
        for (int i = 0; i < queues.length; i++) {
            if (!visitor.visit(i)) {
                return;
            }
        }
    }

    @Override
    public final int classid(Object cl) {
        return TcHandle.make(handle, (Integer) cl + 1);
    }

    @Override
    public void stats(Object cl, QdiscStats to) {
        to.of(queues[(Integer) cl]);
    }

    @Override
    public void dump(TcPrint p) {
        p.num("bands", "bands ", queues.length, " ");
    }
}
