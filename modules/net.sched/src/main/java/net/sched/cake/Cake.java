package net.sched.cake;

import net.core.Cpu;
import net.core.dev.EthHdr;
import net.core.dev.FlowDissector;
import net.core.dev.FlowKeys;
import net.core.dev.Gso;
import net.core.dev.NetXmit;
import net.core.dev.NetdevFeatures;
import net.core.dev.NetdevQueue;
import net.core.dev.QdiscSkbCb;
import net.core.dev.TcfBlock;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.InetEcn;
import net.sched.QdiscWatchdog;
import net.sched.SchedQdisc;
import net.sched.TcAttrs;
import net.sched.fair.FlowList;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * The whole of cake: a shaper without bursts; tins by DSCP, each a share; in a tin flows by deficit round robin, hosts
 * alike whatever their number of flows; each flow under COBALT.
 *
 * <p>A packet's arrival is in its cbl0, its size on the link in cb2.
 *
 * <p>{@code Deviation:} the fattest flow is found by a walk over those that hold packets instead of a heap. There is no
 * conntrack, so {@code nat} changes nothing.
 *
 * <p>Context: the tree's lock.
 *
 * <p>Linux: net/sched/sch_cake.c. Høiland-Jørgensen, Täht, Morton, Piece of CAKE, 2018
 */
final class Cake extends SchedQdisc {
    private static final long NSEC_PER_SEC = 1_000_000_000L;
    private static final long RECONFIG_NS = 250_000_000L;
    private static final int MIN_BUFFER = 4 << 20;
    private static final byte TCP = 6;
    private static final byte UDP = 17;

    final CakeOverhead link = new CakeOverhead();
    private final QdiscWatchdog watchdog = new QdiscWatchdog(this);
    private final FlowKeys keys = new FlowKeys();
    private final long secret;
    private final int salt;

    CakeTin[] tins = {};
    int[] tinOrder = {0};
    private byte[] tinIndex = new byte[64];
    int diffserv = -1;
    int flowMode = CakeMode.TRIPLE;
    long rateBps;
    boolean autorate;
    boolean ingress;
    boolean nat;
    boolean wash;
    boolean splitGso = true;
    int ackFilter;
    long rttNs = 100_000_000;
    long configLimit;
    int fwmark;

    private long rateNs;
    private int rateShift;
    private long timeNextPacket;
    private long failsafeNextPacket;
    private int curTin;
    /** One of the decaying flows is looked at in each dequeue. */
    private boolean lookAtDecaying;

    long bufferUsed;
    long bufferMaxUsed;
    long bufferLimit;

    private long avgPacketInterval;
    private long lastPacketTime;
    private long windowBegin;
    private long windowBytes;
    long peakBandwidth;
    private long lastReconfig;

    Cake(CakeOps ops, NetdevQueue devQueue) {
        super(ops, devQueue, 0);
        limit = 10240;
        secret = devQueue.dev.kernel().bootSecret("cake").hash(1, 2, 3);
        salt = (int) (secret >>> 32);
    }

    // ---- options

    @Override
    public boolean takesFilters() {
        return true;
    }

    @Override
    public int init(@Nullable Object opt) {
        long now = devQueue.dev.kernel().clock().nanoTime();
        timeNextPacket = now;
        failsafeNextPacket = now;
        lastPacketTime = now;
        windowBegin = now;
        return change(opt);
    }

    @Override
    public int change(@Nullable Object opt) {
        TcAttrs a = TcAttrs.of(opt);
        rateBps = a.get("bandwidth", rateBps);
        autorate = a.get("autorate", autorate);
        ingress = a.get("ingress", ingress);
        nat = a.get("nat", nat);
        wash = a.get("wash", wash);
        splitGso = a.get("split-gso", splitGso);
        ackFilter = a.get("ack-filter", ackFilter);
        rttNs = a.get("rtt", rttNs);
        configLimit = a.get("memlimit", configLimit);
        fwmark = (int) a.get("fwmark", (long) fwmark);
        link.raw = a.get("raw", link.raw);
        link.overhead = a.get("overhead", link.overhead);
        link.mpu = a.get("mpu", link.mpu);
        link.atm = a.get("atm", link.atm);
        int newFlowMode = a.get("flow", flowMode);
        int newDiffserv = a.get("diffserv", Math.max(diffserv, CakeMode.DIFFSERV3));
        if (newFlowMode != flowMode || newDiffserv != diffserv) {
            reshape(newDiffserv, newFlowMode);
        }
        reconfigure();
        return 0;
    }

    /** Other tins or other flows. What is held leaves first, by one queue. */
    private void reshape(int newDiffserv, int newFlowMode) {
        CakeTin[] old = tins;
        SkBuffHead held = new SkBuffHead();
        for (CakeTin t : old) {
            for (CakeFlow f : t.flows) {
                held.spliceTail(f.queue);
            }
        }
        diffserv = newDiffserv;
        flowMode = newFlowMode;
        tins = new CakeTin[CakeMode.tins(newDiffserv)];
        for (int i = 0; i < tins.length; i++) {
            tins[i] = new CakeTin();
        }
        tinOrder = CakeMode.order(newDiffserv);
        tinIndex = CakeMode.map(newDiffserv);
        curTin = 0;
        bufferUsed = 0;
        CakeTin t = tins[0];
        for (SkBuff skb = held.dequeue(); skb != null; skb = held.dequeue()) {
            link(t, t.flows[0], skb, QdiscSkbCb.pktLen(skb));
            enlist(t, t.flows[0]);
        }
    }

    /** Rates and targets of the tins. Linux: cake_reconfigure(), cake_config_diffserv4() and its like. */
    private void reconfigure() {
        int mtu = pschedMtu();
        long target = Math.max(rttNs / 20, 1000);
        long r = rateBps;
        switch (diffserv) {
            case CakeMode.DIFFSERV3 -> {
                share(0, r, 1024, mtu, target);
                share(1, r >> 4, 1024 >> 4, mtu, target);
                share(2, r >> 2, 1024 >> 2, mtu, target);
            }
            case CakeMode.DIFFSERV4 -> {
                share(0, r, 1024, mtu, target);
                share(1, r >> 4, 1024 >> 4, mtu, target);
                share(2, r >> 1, 1024 >> 1, mtu, target);
                share(3, r >> 2, 1024 >> 2, mtu, target);
            }
            case CakeMode.BESTEFFORT -> share(0, r, 65535, mtu, target);
            default -> {
                int quantum = 256;
                for (int i = 0; i < 8; i++) {
                    share(i, r, Math.max(1, quantum), mtu, target);
                    r = r * 7 >> 3;
                    quantum = quantum * 7 >> 3;
                }
            }
        }
        CakeTin whole = new CakeTin(0);
        whole.setRate(rateBps, mtu, target, rttNs);
        rateNs = whole.rateNs;
        rateShift = whole.rateShift;
        if (configLimit != 0) {
            bufferLimit = configLimit;
        } else if (rateBps != 0) {
            bufferLimit = Math.max(rateBps * (rttNs / 1000) / 250_000, MIN_BUFFER);
        } else {
            bufferLimit = Long.MAX_VALUE;
        }
        bufferLimit = Math.min(bufferLimit, Math.max((long) limit * mtu, configLimit));
    }

    private void share(int tin, long rate, int quantum, int mtu, long target) {
        tins[tin].setRate(rate, mtu, target, rttNs);
        tins[tin].tinQuantum = quantum;
    }

    // ---- which tin, which flow

    /** The tin by mark, class or DSCP; washes the DSCP if so told. Linux: cake_select_tin(). */
    @HotPath
    private CakeTin selectTin(SkBuff skb) {
        int ds = InetEcn.dsfield(skb);
        int dscp = ds < 0 ? 0 : ds >> 2;
        if (wash && dscp != 0) {
            InetEcn.setDsfield(skb, ds & 3);
        }
        if (tins.length == 1) {
            return tins[0];
        }
        int mark = fwmark == 0 ? 0 : (skb.mark & fwmark) >>> Integer.numberOfTrailingZeros(fwmark);
        if (mark > 0 && mark <= tins.length) {
            return tins[tinOrder[mark - 1]];
        }
        int min = TcHandle.minor(skb.priority);
        if (handle != 0 && TcHandle.major(skb.priority) == handle && min > 0 && min <= tins.length) {
            return tins[tinOrder[min - 1]];
        }
        return tins[tinIndex[dscp]];
    }

    /** A host's hash under this qdisc's secret. */
    private int host(long address, int end) {
        long x = (address ^ secret) * 0x9E3779B97F4A7C15L + end;
        x = (x ^ x >>> 32) * 0xD6E8FEB86659FD93L;
        return (int) (x >>> 32);
    }

    /**
     * By the packet's hash, which is under the kernel's secret, and its addresses; or as a filter's {@code chosen} class
     * says: its minor number is the flow, its major number the host. Linux: cake_classify(), cake_hash().
     */
    @HotPath
    private CakeFlow classify(Cpu cpu, CakeTin t, SkBuff skb, int chosen) {
        if (flowMode == CakeMode.FLOW_NONE) {
            return t.select(0, 0, 0, flowMode);
        }
        int flowOverride = TcHandle.minor(chosen) <= CakeTin.QUEUES ? TcHandle.minor(chosen) : 0;
        int hostOverride = chosen >>> 16 <= CakeTin.QUEUES ? chosen >>> 16 : 0;
        if (flowOverride != 0 && hostOverride != 0) {
            return t.select(flowOverride - 1, host(hostOverride, 0), host(hostOverride, 1), flowMode);
        }
        int src;
        int dst;
        long ip = skb.networkAddress();
        if (skb.protocol == EthHdr.ETH_P_IP
                && skb.networkHeader >= 0
                && skb.networkHeader + 20 <= skb.tail
                && (UnsafeApi.getByte(ip + 9) == TCP || UnsafeApi.getByte(ip + 9) == UDP)) {
            src = host(UnsafeApi.getInt(ip + 12), 0);
            dst = host(UnsafeApi.getInt(ip + 16), 1);
        } else {
            FlowKeys k = keys;
            FlowDissector.dissect(cpu, skb, k);
            src = host(k.srcLo ^ k.srcHi * 31, 0);
            dst = host(k.dstLo ^ k.dstHi * 31, 1);
        }
        if (hostOverride != 0) {
            src = host(hostOverride, 0);
            dst = host(hostOverride, 1);
        }
        int flow;
        if (flowOverride != 0) {
            flow = flowOverride - 1;
        } else if ((flowMode & CakeMode.FLOWS) != 0) {
            flow = FlowDissector.getHash(cpu, skb) ^ salt;
        } else {
            flow = (flowMode & CakeMode.SRC_IP) != 0 ? src : 0;
            flow ^= (flowMode & CakeMode.DST_IP) != 0 ? dst : 0;
        }
        return t.select(flow, src, dst, flowMode);
    }

    // ---- in

    @Override
    @HotPath
    public int enqueue(Cpu cpu, SkBuff skb, SkBuffHead toFree) {
        int act = tcfClassify(cpu, skb);
        if (act != TcfBlock.TC_ACT_UNSPEC && act != TcfBlock.TC_ACT_OK) {
            return taken(act, skb, toFree);
        }
        CakeTin t = selectTin(skb);
        int chosen = act == TcfBlock.TC_ACT_OK ? QdiscSkbCb.tcClassid(skb) : 0;
        CakeFlow f = classify(cpu, t, skb, chosen);
        long now = cpu.nowNs();
        boolean wasEmpty = qlen == 0;
        wakeShaper(cpu, t, now);
        int len = QdiscSkbCb.pktLen(skb);
        t.maxSkblen = Math.max(t.maxSkblen, len);
        if (splitGso && skb.isGso() && split(cpu, t, f, skb, now)) {
            // the segments are in
        } else {
            skb.cbl0 = now;
            skb.cb2 = link.of(skb);
            link(t, f, skb, len);
            qlen++;
            backlog += len;
            t.packets++;
            t.bytes += len;
            windowBytes += len;
            if (ackFilter != 0) {
                dropAck(cpu, t, f, now);
            }
        }
        if (autorate) {
            estimate(now);
        } else {
            windowBytes = 0;
            lastPacketTime = now;
        }
        enlist(t, f);
        bufferMaxUsed = Math.max(bufferMaxUsed, bufferUsed);
        return bufferUsed <= bufferLimit ? NetXmit.NET_XMIT_SUCCESS : overlimit(f, len, now, wasEmpty, toFree);
    }

    private void link(CakeTin t, CakeFlow f, SkBuff skb, int len) {
        f.queue.addTail(skb);
        skb.cb3 = skb.truesize;
        bufferUsed += skb.truesize;
        f.backlog += len;
        t.tinBacklog += len;
    }

    private void unlink(CakeTin t, CakeFlow f, SkBuff skb) {
        f.queue.unlink(skb);
        int len = QdiscSkbCb.pktLen(skb);
        bufferUsed -= skb.cb3;
        f.backlog -= len;
        t.tinBacklog -= len;
        qlen--;
        backlog -= len;
    }

    /** After a pause the schedule starts now, not in the past. */
    private void wakeShaper(Cpu cpu, CakeTin t, long now) {
        if (t.tinBacklog != 0) {
            return;
        }
        t.timeNextPacket = Math.max(t.timeNextPacket, now);
        if (qlen == 0) {
            if (timeNextPacket < now) {
                failsafeNextPacket = now;
                timeNextPacket = now;
            } else if (timeNextPacket > now && failsafeNextPacket > now) {
                overlimits++;
                watchdog.scheduleNs(cpu, Math.min(timeNextPacket, failsafeNextPacket));
            }
        }
    }

    /** Splits a GSO packet, so that others get between; false if it could not be. */
    private boolean split(Cpu cpu, CakeTin t, CakeFlow f, SkBuff skb, long now) {
        SkBuff segs = Gso.skbGsoSegment(cpu, skb, devQueue.dev.features & ~NetdevFeatures.NETIF_F_GSO_MASK, true);
        if (segs == null || segs == skb) {
            return false;
        }
        int n = 0;
        int bytes = 0;
        for (SkBuff s = segs; s != null; ) {
            SkBuff next = s.next;
            s.next = null;
            QdiscSkbCb.setPktLen(s, s.len);
            s.cbl0 = now;
            s.cb2 = link.of(s);
            link(t, f, s, s.len);
            n++;
            bytes += s.len;
            s = next;
        }
        qlen += n;
        backlog += bytes;
        t.packets += n;
        t.bytes += bytes;
        windowBytes += bytes;
        treeReduceBacklog(1 - n, QdiscSkbCb.pktLen(skb) - bytes);
        skb.consume(cpu);
        return true;
    }

    private void dropAck(Cpu cpu, CakeTin t, CakeFlow f, long now) {
        SkBuff ack = CakeAckFilter.find(f.queue, ackFilter == 2);
        if (ack == null) {
            return;
        }
        int len = QdiscSkbCb.pktLen(ack);
        unlink(t, f, ack);
        t.ackDrops++;
        if (ingress) {
            advance(t, ack, now, true);
        }
        treeReduceBacklog(1, len);
        dequeueDrop(cpu, ack, SkbDropReason.QDISC_DROP);
    }

    /** The flow has packets: into the rounds. */
    private void enlist(CakeTin t, CakeFlow f) {
        switch (f.set) {
            case CakeFlow.NONE, CakeFlow.DECAYING -> {
                if (f.set == CakeFlow.NONE) {
                    t.newFlows.addTail(f);
                } else {
                    t.decayingCount--;
                    t.decayingFlows.moveTail(f, t.newFlows);
                }
                f.set = CakeFlow.SPARSE;
                t.sparseCount++;
                f.deficit = t.quantum(f, flowMode, random());
            }
            case CakeFlow.SPARSE_WAIT -> {
                f.set = CakeFlow.BULK;
                t.sparseCount--;
                t.bulkCount++;
                t.countHosts(f, flowMode, 1);
            }
            default -> {
                // in its place
            }
        }
    }

    /**
     * Drops until the memory suffices. A parent takes CN for a sign that this queue has been active before: what is left
     * of a GSO packet in a queue {@code wasEmpty} is answered with success.
     */
    private int overlimit(CakeFlow f, int len, long now, boolean wasEmpty, SkBuffHead toFree) {
        int n = qlen;
        int bytes = backlog;
        boolean same = false;
        while (bufferUsed > bufferLimit && qlen > 0) {
            same |= dropFattest(now, toFree) == f;
        }
        if (same && (!wasEmpty || qlen == 0)) {
            treeReduceBacklog(n - qlen - 1, bytes - backlog - len);
            return NetXmit.NET_XMIT_CN;
        }
        treeReduceBacklog(n - qlen, bytes - backlog);
        return NetXmit.NET_XMIT_SUCCESS;
    }

    /** Drops the head of the longest queue. Linux: cake_drop(). */
    private @Nullable CakeFlow dropFattest(long now, SkBuffHead toFree) {
        CakeTin tin = null;
        CakeFlow fat = null;
        for (CakeTin t : tins) {
            for (int round = 0; round < 2; round++) {
                FlowList list = round == 0 ? t.newFlows : t.oldFlows;
                for (FlowList.Node n = list.first(); n != null; n = list.after(n)) {
                    CakeFlow f = (CakeFlow) n;
                    if (fat == null || f.backlog > fat.backlog) {
                        fat = f;
                        tin = t;
                    }
                }
            }
        }
        SkBuff skb = fat == null ? null : fat.queue.peek();
        if (fat == null || tin == null || skb == null) {
            return null;
        }
        if (tin.cobalt.queueFull(fat, now)) {
            tin.unresponsiveCount++;
        }
        unlink(tin, fat, skb);
        fat.dropped++;
        tin.dropped++;
        drops++;
        if (ingress) {
            advance(tin, skb, now, true);
        }
        toFree.addTail(skb);
        return fat;
    }

    /** The rate that comes in, for a link whose own is not known. */
    private void estimate(long now) {
        long interval = Math.min(now - lastPacketTime, NSEC_PER_SEC);
        avgPacketInterval = ewma(avgPacketInterval, interval, interval > avgPacketInterval ? 2 : 8);
        lastPacketTime = now;
        if (interval <= avgPacketInterval || now <= windowBegin) {
            return;
        }
        long b = windowBytes * NSEC_PER_SEC / (now - windowBegin);
        peakBandwidth = ewma(peakBandwidth, b, b > peakBandwidth ? 2 : 8);
        windowBytes = 0;
        windowBegin = now;
        if (now - lastReconfig > RECONFIG_NS) {
            rateBps = peakBandwidth * 15 >> 4;
            lastReconfig = now;
            reconfigure();
        }
    }

    private static long ewma(long avg, long sample, int shift) {
        return avg - (avg >> shift) + (sample >> shift);
    }

    // ---- out

    /** Charges a packet to its tin and to the whole; returns its size on the link. Linux: cake_advance_shaper(). */
    @HotPath
    private int advance(CakeTin t, SkBuff skb, long now, boolean drop) {
        int len = skb.cb2;
        if (rateNs != 0) {
            long tinDur = len * t.rateNs >> t.rateShift;
            long globalDur = len * rateNs >> rateShift;
            if (t.timeNextPacket < now) {
                t.timeNextPacket += tinDur;
            } else if (t.timeNextPacket < now + tinDur) {
                t.timeNextPacket = now + tinDur;
            }
            timeNextPacket += globalDur;
            if (!drop) {
                failsafeNextPacket += globalDur + (globalDur >> 1);
            }
        }
        return len;
    }

    @Override
    @HotPath
    public @Nullable SkBuff dequeue(Cpu cpu) {
        long now = cpu.nowNs();
        lookAtDecaying = true;
        while (qlen != 0) {
            if (timeNextPacket > now && failsafeNextPacket > now) {
                overlimits++;
                watchdog.scheduleNs(cpu, Math.min(timeNextPacket, failsafeNextPacket));
                return null;
            }
            CakeTin t = rateNs == 0 ? nextTinByDeficit() : nextTinByTime(now);
            if (t == null) {
                return null;
            }
            SkBuff skb = serve(cpu, t, now);
            if (skb != null) {
                sent(cpu, t, skb, now);
                return skb;
            }
        }
        return null;
    }

    private @Nullable CakeTin nextTinByDeficit() {
        CakeTin t = tins[curTin];
        boolean wrapped = false;
        boolean empty = true;
        while (t.tinDeficit < 0 || !t.hasWork()) {
            if (t.tinDeficit <= 0) {
                t.tinDeficit += t.tinQuantum;
            }
            empty &= !t.hasWork();
            if (++curTin >= tins.length) {
                curTin = 0;
                if (wrapped && empty) {
                    return null; // what is counted is in the hands of peek
                }
                wrapped = true;
            }
            t = tins[curTin];
        }
        return t;
    }

    /** The most urgent tin that is on time, else the one that is due first. */
    private @Nullable CakeTin nextTinByTime(long now) {
        CakeTin best = null;
        long bestTime = Long.MAX_VALUE;
        for (CakeTin t : tins) {
            if (t.hasWork()) {
                long wait = t.timeNextPacket - now;
                if (wait <= 0 || wait <= bestTime) {
                    bestTime = wait;
                    best = t;
                }
            }
        }
        return best;
    }

    /** One pass over a tin's rounds; null if the flow that had its turn was empty. */
    private @Nullable SkBuff serve(Cpu cpu, CakeTin t, long now) {
        while (true) {
            FlowList list = lookAtDecaying ? t.decayingFlows : t.newFlows;
            if (list.isEmpty()) {
                list = !t.newFlows.isEmpty() ? t.newFlows : t.oldFlows.isEmpty() ? t.decayingFlows : t.oldFlows;
            }
            CakeFlow f = (CakeFlow) list.first();
            if (f == null) {
                return null;
            }
            lookAtDecaying = false;
            if (f.deficit <= 0) {
                nextRound(t, f, list);
                continue;
            }
            while (true) {
                SkBuff skb = f.queue.peek();
                if (skb == null) {
                    rest(t, f, list, now);
                    return null;
                }
                unlink(t, f, skb);
                int verdict = t.cobalt.shouldDrop(f, now, skb, ingress ? t.bulkCount : 0, f.pDrop != 0 ? random() : 0);
                // A last packet goes: there is nothing behind it to speed up.
                if (verdict == Cobalt.PASS || f.queue.isEmpty()) {
                    t.ecnMark += f.ecnMarked ? 1 : 0;
                    int len = advance(t, skb, now, false);
                    f.deficit -= len;
                    t.tinDeficit -= len;
                    return skb;
                }
                dropHead(cpu, t, f, skb, now, verdict);
                if (ingress) {
                    break;
                }
            }
        }
    }

    private void dropHead(Cpu cpu, CakeTin t, CakeFlow f, SkBuff skb, long now, int verdict) {
        if (ingress) {
            int len = advance(t, skb, now, true);
            f.deficit -= len;
            t.tinDeficit -= len;
        }
        f.dropped++;
        t.dropped++;
        treeReduceBacklog(1, QdiscSkbCb.pktLen(skb));
        dequeueDrop(cpu, skb, verdict == Cobalt.FLOOD ? SkbDropReason.CAKE_FLOOD : SkbDropReason.QDISC_CONGESTED);
    }

    /** Its deficit is used up: to the end of the bulk round. */
    private void nextRound(CakeTin t, CakeFlow f, FlowList list) {
        if (f.set == CakeFlow.SPARSE) {
            if (!f.queue.isEmpty()) {
                t.sparseCount--;
                t.bulkCount++;
                t.countHosts(f, flowMode, 1);
                f.set = CakeFlow.BULK;
            } else {
                f.set = CakeFlow.SPARSE_WAIT;
            }
        }
        f.deficit += t.quantum(f, flowMode, random());
        list.moveTail(f, t.oldFlows);
    }

    /** It is empty: decays until its AQM is at rest, then leaves. */
    private void rest(CakeTin t, CakeFlow f, FlowList list, long now) {
        if (t.cobalt.queueEmpty(f, now)) {
            t.unresponsiveCount--;
        }
        switch (f.set) {
            case CakeFlow.BULK -> {
                t.bulkCount--;
                t.countHosts(f, flowMode, -1);
            }
            case CakeFlow.DECAYING -> t.decayingCount--;
            default -> t.sparseCount--;
        }
        if (f.pDrop != 0 || f.count != 0 || now < f.dropNextNs) {
            list.moveTail(f, t.decayingFlows);
            t.decayingCount++;
            f.set = CakeFlow.DECAYING;
        } else {
            list.remove(f);
            f.set = CakeFlow.NONE;
        }
    }

    private void sent(Cpu cpu, CakeTin t, SkBuff skb, long now) {
        bstatsUpdate(skb);
        long delay = now - skb.cbl0;
        t.avgeDelay = ewma(t.avgeDelay, delay, 8);
        t.peakDelay = ewma(t.peakDelay, delay, delay > t.peakDelay ? 2 : 8);
        t.baseDelay = ewma(t.baseDelay, delay, delay < t.baseDelay ? 2 : 8);
        if (timeNextPacket > now && qlen != 0) {
            watchdog.scheduleNs(cpu, Math.min(timeNextPacket, failsafeNextPacket));
        } else if (qlen == 0) {
            for (CakeTin each : tins) {
                if (each.decayingCount != 0) {
                    watchdog.scheduleNs(cpu, now + each.cobalt.targetNs);
                    break;
                }
            }
        }
    }

    @Override
    public void takeAll(Cpu cpu, SkBuffHead to) {
        for (CakeTin t : tins) {
            for (CakeFlow f : t.flows) {
                to.spliceTail(f.queue);
                FlowList on = f.on;
                if (on != null) {
                    on.remove(f);
                }
                f.set = CakeFlow.NONE;
                f.backlog = 0;
                f.pDrop = 0;
                f.codelInit();
            }
            t.clear();
        }
        bufferUsed = 0;
        watchdog.cancel();
    }

    @Override
    public void trim(Cpu cpu) {
        int n = qlen;
        int bytes = backlog;
        SkBuffHead toFree = new SkBuffHead();
        while (bufferUsed > bufferLimit && dropFattest(cpu.nowNs(), toFree) != null) {
            toFree.purge(cpu, SkbDropReason.QDISC_OVERLIMIT);
        }
        treeReduceBacklog(n - qlen, bytes - backlog);
    }

    @Override
    public void destroy(Cpu cpu) {
        watchdog.cancel();
    }

    @Override
    public void dump(TcPrint p) {
        CakeDump.options(this, p);
    }

    @Override
    public void dumpStats(TcPrint p) {
        CakeDump.stats(this, p);
    }
}
