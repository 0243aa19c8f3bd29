package net.sched.netem;

import net.core.Cpu;
import net.core.dev.Gso;
import net.core.dev.NetXmit;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.dev.QdiscClassOps;
import net.core.dev.QdiscSkbCb;
import net.core.sock.Sock;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.core.tc.TcUnits;
import net.sched.InetEcn;
import net.sched.QdiscWatchdog;
import net.sched.SchedQdisc;
import net.sched.TcAttrs;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbOwner;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * A wire with faults: each packet gets a time to send when it comes and waits for it, unless it is lost first. What is
 * due may go through a child discipline.
 *
 * <p>Context: the tree's lock.
 *
 * <p>Linux: net/sched/sch_netem.c
 */
final class Netem extends SchedQdisc implements QdiscClassOps {
    private final QdiscWatchdog watchdog = new QdiscWatchdog(this);
    private final NetemFifo fifo = new NetemFifo();
    private final NetemRandom random = new NetemRandom(0);
    private final NetemLoss loss = new NetemLoss();
    private final NetemSlot slot = new NetemSlot();
    private final NetemRandom.Correlated delayCor = new NetemRandom.Correlated();
    private final NetemRandom.Correlated dupCor = new NetemRandom.Correlated();
    private final NetemRandom.Correlated reorderCor = new NetemRandom.Correlated();
    private final NetemRandom.Correlated corruptCor = new NetemRandom.Correlated();
    private @Nullable Qdisc child;
    private @Nullable NetemDist dist;

    private long seed;
    private long latencyNs;
    private long jitterNs;
    private double duplicateP;
    private double reorderP;
    private double corruptP;
    private long duplicate;
    private long reorder;
    private long corrupt;
    private boolean ecn;
    private int gap;
    private int counter;
    private long rate;
    private int packetOverhead;
    private int cellSize;
    private int cellOverhead;

    private final SkBuffHead toFreeAtDequeue = new SkBuffHead();

    Netem(NetemOps ops, NetdevQueue devQueue) {
        super(ops, devQueue, 0);
        limit = 1000;
    }

    @Override
    public int init(@Nullable Object opt) {
        seed = (long) random() << 32 | random() & 0xffffffffL;
        random.seed(seed);
        return change(opt);
    }

    @Override
    public int change(@Nullable Object opt) {
        TcAttrs a = TcAttrs.of(opt);
        limit = a.get("limit", limit);
        latencyNs = a.get("delay", 0L);
        jitterNs = a.get("jitter", 0L);
        delayCor.set(a.get("delay_corr", 0.0));
        dist = a.has("distribution") ? NetemDist.of(a.get("distribution", "")) : null;
        duplicateP = a.get("duplicate", 0.0);
        duplicate = NetemRandom.scale(duplicateP);
        dupCor.set(a.get("duplicate_corr", 0.0));
        reorderP = a.get("reorder", 0.0);
        reorder = NetemRandom.scale(reorderP);
        reorderCor.set(a.get("reorder_corr", 0.0));
        corruptP = a.get("corrupt", 0.0);
        corrupt = NetemRandom.scale(corruptP);
        corruptCor.set(a.get("corrupt_corr", 0.0));
        gap = a.get("gap", reorderP > 0 ? 1 : 0);
        if (gap > 0 && reorderP == 0) {
            reorder = 0xffffffffL; // "every Nth packet", as before there was a probability
            reorderP = 1;
        }
        counter = 0;
        ecn = a.get("ecn", false);
        loss.model = NetemLoss.Model.valueOf(a.get("model", "RANDOM"));
        loss.probability = a.get("loss", 0.0);
        loss.correlation.set(a.get("loss_corr", 0.0));
        if (a.has("loss_p")) {
            System.arraycopy(a.reals("loss_p"), 0, loss.p, 0, loss.p.length);
        }
        loss.compile();
        rate = a.get("rate", 0L);
        packetOverhead = a.get("overhead", 0);
        cellSize = a.get("cellsize", 0);
        cellOverhead = a.get("celloverhead", 0);
        slot.minDelay = a.get("slot_min", 0L);
        slot.maxDelay = a.get("slot_max", 0L);
        slot.distDelay = a.get("slot_delay", 0L);
        slot.distJitter = a.get("slot_jitter", 0L);
        slot.dist = a.has("slot_dist") ? NetemDist.of(a.get("slot_dist", "")) : null;
        slot.maxPackets = a.get("packets", Integer.MAX_VALUE);
        slot.maxBytes = a.get("bytes", Long.MAX_VALUE);
        slot.start(devQueue.dev.kernel().clock().nanoTime());
        if (a.has("seed")) {
            seed = a.get("seed", 0L);
            random.seed(seed);
        }
        return 0;
    }

    // ---- in

    @Override
    @HotPath
    public int enqueue(Cpu cpu, SkBuff first, SkBuffHead toFree) {
        SkBuff skb = first;
        int count = 1;
        if (duplicate != 0 && duplicate >= dupCor.next(random)) {
            count++;
        }
        if (loss.lost(random)) {
            if (ecn && InetEcn.setCe(skb)) {
                overlimits++;
            } else {
                count--;
            }
        }
        if (count == 0) {
            qdiscDrop(skb, toFree);
            return NetXmit.NET_XMIT_SUCCESS | NetXmit.NET_XMIT_BYPASS;
        }
        if ((latencyNs | jitterNs | rate) != 0) {
            orphanPartial(skb);
        }
        SkBuff twin = count > 1 ? skb.clone(cpu) : null;
        if (corrupt != 0 && corrupt >= corruptCor.next(random)) {
            skb = corrupt(cpu, skb, toFree);
            if (skb == null) {
                free(twin, toFree);
                return NetXmit.NET_XMIT_DROP;
            }
        }
        if (fifo.len() >= limit) {
            free(twin, toFree);
            return qdiscDrop(skb, toFree);
        }
        if (twin != null) {
            again(cpu, twin, toFree);
        }
        place(cpu, skb);
        return NetXmit.NET_XMIT_SUCCESS;
    }

    /**
     * Its time on the wire is not the sender's memory any more. It still knows its socket, so that a discipline behind
     * this one sees the same flow. Linux: skb_orphan_partial()
     */
    private static void orphanPartial(SkBuff skb) {
        SkbOwner owner = skb.sk;
        skb.orphan();
        if (owner instanceof Sock) {
            skb.sk = owner;
        }
    }

    private static void free(@Nullable SkBuff skb, SkBuffHead toFree) {
        if (skb != null) {
            toFree.addTail(skb);
        }
    }

    /** A duplicate goes in at the top of the tree, whose accounts expect one packet for one; it has no duplicate itself. */
    private void again(Cpu cpu, SkBuff twin, SkBuffHead toFree) {
        Qdisc root = this;
        for (Qdisc p = parentQdisc; p != null; p = p.parentQdisc) {
            root = p;
        }
        long saved = duplicate;
        duplicate = 0;
        root.enqueue(cpu, twin, toFree);
        duplicate = saved;
    }

    /**
     * Turns one bit over; null if the packet could not be made writable and is gone.
     *
     * <p>{@code Deviation:} of a GSO packet the whole is hit, in its headers, where Linux splits it and hits one segment.
     */
    private @Nullable SkBuff corrupt(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
        boolean summed = skb.isGso() || skb.ipSummed != SkBuff.CHECKSUM_PARTIAL;
        if (skb.unclone(cpu) != 0 || !summed && Gso.skbChecksumHelp(cpu, skb) != 0) {
            qdiscDrop(skb, toFree);
            return null;
        }
        int n = skb.headlen();
        if (n > 0) {
            long at = skb.dataAddress() + (random.next() * n >>> 32);
            UnsafeApi.putByte(at, (byte) (UnsafeApi.getByte(at) ^ 1 << (random.next() & 7)));
        }
        return skb;
    }

    /** Gives it a time and a place. */
    private void place(Cpu cpu, SkBuff skb) {
        long now = cpu.nowNs();
        qstatsAdd(skb);
        if (gap != 0 && counter >= gap - 1 && reorder >= reorderCor.next(random)) {
            // One of so many goes at once, before those that wait.
            skb.cbl0 = now;
            counter = 0;
            q.addHead(skb);
            requeues++;
            return;
        }
        long delay = NetemDist.draw(latencyNs, jitterNs, jitterNs == 0 ? 0 : delayCor.next(random), dist);
        long from = now;
        if (rate != 0) {
            // It follows the last one; its delay ran while that was sent.
            from = fifo.lastTime(q.tail == null ? now : q.tail.cbl0);
            if (fifo.len() == 0 && q.tail == null) {
                from = now;
            } else {
                delay = Math.max(0, delay - (from - now));
            }
            delay += wireNs(QdiscSkbCb.pktLen(skb));
        }
        skb.cbl0 = from + delay;
        counter++;
        fifo.add(skb);
    }

    /** Time on the wire. Linux: packet_time_ns(). */
    private long wireNs(int pktLen) {
        long len = (long) pktLen + packetOverhead;
        if (cellSize != 0) {
            long cells = (len + cellSize - 1) / cellSize;
            len = cells * (cellSize + cellOverhead);
        }
        return len * 1_000_000_000L / rate;
    }

    // ---- out

    @Override
    @HotPath
    public @Nullable SkBuff dequeue(Cpu cpu) {
        while (true) {
            SkBuff skb = q.dequeue();
            if (skb != null) {
                return deliver(skb);
            }
            Qdisc c = child;
            skb = fifo.peek();
            if (skb == null) {
                return c == null ? null : fromChild(cpu, c);
            }
            long now = cpu.nowNs();
            if (slot.next != 0 && slot.next < skb.cbl0) {
                slot.advance(now, random);
            }
            if (skb.cbl0 > now || slot.next > now) {
                SkBuff ready = c == null ? null : fromChild(cpu, c);
                if (ready == null) {
                    watchdog.scheduleNs(cpu, Math.max(skb.cbl0, slot.next));
                }
                return ready;
            }
            fifo.remove(skb);
            slot.use(QdiscSkbCb.pktLen(skb), now, random);
            if (c == null) {
                return deliver(skb);
            }
            intoChild(cpu, c, skb);
        }
    }

    private SkBuff deliver(SkBuff skb) {
        qstatsSub(skb);
        bstatsUpdate(skb);
        return skb;
    }

    private @Nullable SkBuff fromChild(Cpu cpu, Qdisc c) {
        SkBuff skb = c.dequeuePeeked(cpu);
        return skb == null ? null : deliver(skb);
    }

    private void intoChild(Cpu cpu, Qdisc c, SkBuff skb) {
        int len = QdiscSkbCb.pktLen(skb);
        int rc = c.enqueue(cpu, skb, toFreeAtDequeue);
        toFreeAtDequeue.purge(cpu, SkbDropReason.QDISC_DROP);
        if (rc != NetXmit.NET_XMIT_SUCCESS) {
            drops += NetXmit.dropCount(rc);
            qlen--;
            backlog -= len;
            treeReduceBacklog(1, len);
        }
    }

    @Override
    public void takeAll(Cpu cpu, SkBuffHead to) {
        Qdisc c = child;
        if (c != null) {
            c.handOver(cpu, to);
        }
        to.spliceTail(q);
        for (SkBuff skb = fifo.peek(); skb != null; skb = fifo.peek()) {
            fifo.remove(skb);
            to.addTail(skb);
        }
        watchdog.cancel();
    }

    @Override
    public void destroy(Cpu cpu) {
        watchdog.cancel();
        Qdisc c = child;
        if (c != null) {
            c.dropFilters();
            c.destroy(cpu);
        }
    }

    // ---- the one class

    @Override
    public QdiscClassOps classOps() {
        return this;
    }

    @Override
    public @Nullable Object find(int classid) {
        return TcHandle.minor(classid) == 1 ? this : null;
    }

    @Override
    public @Nullable Qdisc leaf(Object cl) {
        return child;
    }

    @Override
    public @Nullable Qdisc graft(Object cl, Qdisc newChild) {
        Qdisc old = child;
        child = newChild;
        return old;
    }

    @Override
    public void walk(Visitor visitor) {
        visitor.visit(this);
    }

    @Override
    public int classid(Object cl) {
        return TcHandle.make(handle, 1);
    }

    // ---- shown

    static void percent(TcPrint p, String key, String before, double share) {
        if (p.isJson()) {
            p.real(key, "", share, "");
        } else {
            p.text(before + TcUnits.general(share * 100, 6) + "%");
        }
    }

    static void correlation(TcPrint p, NetemRandom.Correlated c) {
        if (c.rho != 0) {
            percent(p, "correlation", " ", c.share());
        } else if (p.isJson()) {
            p.num("correlation", "", 0, "");
        }
    }

    private static void fault(TcPrint p, String name, double share, NetemRandom.Correlated c) {
        if (share > 0) {
            p.open(name);
            percent(p, name, " " + name + " ", share);
            correlation(p, c);
            p.close();
        }
    }

    @Override
    public void dump(TcPrint p) {
        p.num("limit", "limit ", limit, "");
        slot.dump(p);
        if (latencyNs != 0) {
            p.open("delay");
            if (p.isJson()) {
                p.real("delay", "", latencyNs / 1e9, "").real("jitter", "", jitterNs / 1e9, "");
            } else {
                p.text(" delay " + TcUnits.timeNs(latencyNs));
                p.text(jitterNs != 0 ? "  " + TcUnits.timeNs(jitterNs) : "");
            }
            correlation(p, delayCor);
            p.close();
        }
        loss.dump(p);
        fault(p, "duplicate", duplicateP, dupCor);
        fault(p, "reorder", reorderP, reorderCor);
        fault(p, "corrupt", corruptP, corruptCor);
        if (rate != 0) {
            p.open("rate");
            p.rate("rate", " rate ", rate, "");
            number(p, "packetoverhead", packetOverhead);
            number(p, "cellsize", cellSize);
            number(p, "celloverhead", cellOverhead);
            p.close();
        }
        p.bool("ecn", ecn, ecn ? " ecn " : "");
        p.unsigned("seed", " seed ", seed);
        number(p, "gap", gap);
    }

    /** Always in JSON; as text only if it is not 0. */
    private static void number(TcPrint p, String key, int v) {
        p.value(key, v, v != 0 ? " " + key + " " + v : "");
    }
}
