package drivers.tapnic;

import static java.util.Objects.requireNonNull;

import net.core.Cpu;
import net.core.IrqLine;
import net.core.dev.EthHdr;
import net.core.dev.NapiStruct;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.NetdevQueue;
import net.core.dev.RtnlLinkStats;
import net.core.sock.SockTimestamp;
import net.skbuff.HotPath;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbSharedInfo;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * The driver half of one queue pair: fills transmit descriptors, rings the doorbell, returns sent sk_buffs, posts
 * receive buffers and wraps what arrived.
 *
 * <p>Each posted header buffer is the linear part of an sk_buff allocated beforehand; a frame longer than that goes on
 * in posted pages, which become its fragments. Frames up to the copybreak length are copied into a small sk_buff so that
 * the large buffer stays posted.
 *
 * <p>Context: {@link #startXmit} under the queue's tx lock; {@link #poll} as the NAPI owner. Transmit ring: the producer
 * index has the xmit side as its one writer, the consumer index the poll side.
 */
final class TapNicQueue extends NapiStruct implements NetdevQueue.RingSpace {
    /** Linear room of a posted sk_buff: a frame of the standard MTU with VLAN tag fits whole. */
    static final int RX_HEADER_BYTES = 1792;

    static final int RX_PAGE_BYTES = 32768;
    /** Headroom in front of a received frame (NET_SKB_PAD), and 2 bytes so that the IP header is aligned. */
    private static final int RX_RESERVE = 64 + 2;

    private static final int RX_BATCH = 16;
    /** Most descriptors one frame takes: its linear part and 17 fragments. */
    private static final int MAX_TX_DESCRIPTORS = SkbSharedInfo.MAX_SKB_FRAGS + 1;

    private final NetDevice dev;
    final int index;
    final NicPort port;
    private final int copybreak;
    private final int wireFd;
    private final IrqModerator rxModerator;
    private @Nullable Cpu homeCpu;

    // Transmit: xmit side.
    private int txTail;
    private final @Nullable SkBuff[] txSkb; // by slot of the frame's last descriptor
    // Transmit: poll side.
    private volatile int txHead;

    // Receive.
    private int rxNext;
    private int rxPosted;
    private int pageNext;
    private int pagePosted;
    private final @Nullable SkBuff[] rxSkb;
    private final @Nullable Page[] rxPage;

    // Counters of the driver.
    long txBusy;
    long txInterrupts;
    long rxInterrupts;
    long rxCopybreak;
    long rxPagesUsed;
    long rxAllocFailed;
    long rxGso;

    TapNicQueue(NetDevice dev, int index, Wire wire, TapNic.Settings settings) {
        super(dev, NAPI_POLL_WEIGHT);
        this.dev = dev;
        this.index = index;
        copybreak = settings.copybreak();
        Coalescing when = settings.coalescing();
        rxModerator = new IrqModerator(this::rxVector, when.rxUsecs(), when.rxFrames());
        port = new NicPort(
                wire,
                settings.model(),
                settings.txRing(),
                settings.rxRing(),
                settings.pageRing(),
                new IrqModerator(this::txVector, when.txUsecs(), when.txFrames()),
                dev.tx[index]);
        wireFd = wire.fd();
        txSkb = new SkBuff[settings.txRing()];
        rxSkb = new SkBuff[settings.rxRing()];
        rxPage = new Page[settings.pageRing()];
    }

    // Interrupts.

    /** Lets arrivals on the wire interrupt a CPU. */
    void connect(Cpu home, Wire wire) {
        homeCpu = home;
        if (wireFd >= 0) {
            home.requestIrq(wireFd, this::interrupt);
        } else {
            IrqLine line = home.irqLine(this::interrupt);
            wire.signal(line::raise);
        }
    }

    void disconnect() {
        Cpu home = homeCpu;
        if (home != null && wireFd >= 0) {
            home.freeIrq(wireFd);
        }
        homeCpu = null;
    }

    /**
     * Something has arrived on the wire. {@code Deviation:} a card counts frames against {@code rx-frames}, we count
     * edges of the descriptor, each of which is a frame or more; the time bounds what is not counted.
     */
    @HotPath
    private void interrupt(Cpu cpu) {
        rxModerator.event(cpu, 1);
    }

    /** The receive vector's handler: masks itself by the NAPI state, which completion clears. */
    @HotPath
    private void rxVector(Cpu cpu) {
        rxInterrupts++;
        schedule(cpu);
    }

    /** The transmit vector's: the same NAPI instance returns what was sent. */
    @HotPath
    private void txVector(Cpu cpu) {
        txInterrupts++;
        schedule(cpu);
    }

    /** As {@code ethtool -C}. Any context; what is held back already comes at the old time. */
    void coalesce(Coalescing when) {
        rxModerator.set(when.rxUsecs(), when.rxFrames());
        port.txModerator.set(when.txUsecs(), when.txFrames());
    }

    // Transmit.

    @Override
    public int free() {
        return port.tx.size - (txTail - txHead);
    }

    @HotPath
    int startXmit(Cpu cpu, SkBuff skb, NetdevQueue txq, boolean xmitMore) {
        SkbSharedInfo shinfo = skb.shinfo();
        if (free() < shinfo.nrFrags + 1) {
            // The queue was stopped in time unless a caller ignored it.
            txBusy++;
            txq.stop();
            port.doorbell(cpu, txTail);
            return NetDeviceOps.NETDEV_TX_BUSY;
        }
        int first = txTail;
        int last = fill(skb, shinfo, first);
        txSkb[port.tx.slot(last)] = skb;
        txTail = last + 1;
        SockTimestamp.skbTxTimestamp(cpu, skb);
        boolean ring = txq.sentQueue(skb.len, xmitMore);
        txq.maybeStop(this, MAX_TX_DESCRIPTORS, 2 * MAX_TX_DESCRIPTORS);
        if (ring || txq.stopped()) {
            port.doorbell(cpu, txTail);
        }
        return NetDeviceOps.NETDEV_TX_OK;
    }

    @HotPath
    private int fill(SkBuff skb, SkbSharedInfo shinfo, int first) {
        DescriptorRing ring = port.tx;
        int frags = shinfo.nrFrags;
        int flags = skb.ipSummed == SkBuff.CHECKSUM_PARTIAL ? DescriptorRing.CSUM : 0;
        int i = first;
        int linear = skb.headlen();
        ring.post(i, skb.dataAddress(), linear, flags | (frags == 0 ? DescriptorRing.EOP : 0));
        int csumStart = 0;
        int headerBytes = 0;
        if (flags != 0) {
            csumStart = skb.csumStart - skb.data;
            headerBytes = csumStart;
        }
        int gsoType = 0;
        if (shinfo.gsoSize != 0) {
            gsoType = virtioGsoType(shinfo.gsoType);
            int l4 = skb.transportHeader - skb.data;
            headerBytes = (shinfo.gsoType & SkbSharedInfo.SKB_GSO_UDP_L4) != 0
                    ? l4 + 8
                    : l4 + ((UnsafeApi.getByte(skb.transportAddress() + 12) & 0xf0) >> 2);
        }
        ring.offload(first, csumStart, skb.csumOffset, gsoType, shinfo.gsoSize, headerBytes);
        for (int f = 0; f < frags; f++) {
            i++;
            Page page = requireNonNull(shinfo.frag[f]);
            ring.post(
                    i, page.address() + shinfo.fragOff[f], shinfo.fragSize[f], f == frags - 1 ? DescriptorRing.EOP : 0);
        }
        return i;
    }

    private static int virtioGsoType(int gsoType) {
        int type;
        if ((gsoType & SkbSharedInfo.SKB_GSO_TCPV4) != 0) {
            type = VirtioNetHdr.GSO_TCPV4;
        } else if ((gsoType & SkbSharedInfo.SKB_GSO_TCPV6) != 0) {
            type = VirtioNetHdr.GSO_TCPV6;
        } else {
            type = VirtioNetHdr.GSO_UDP_L4;
        }
        return (gsoType & SkbSharedInfo.SKB_GSO_TCP_ECN) != 0 ? type | VirtioNetHdr.GSO_ECN : type;
    }

    /** Returns sent sk_buffs to their pools and tells the byte queue limit. */
    @HotPath
    private void cleanTx(Cpu cpu) {
        int head = txHead;
        int packets = 0;
        int bytes = 0;
        while (port.tx.done(head)) {
            SkBuff skb = txSkb[port.tx.slot(head)];
            if (skb != null) {
                txSkb[port.tx.slot(head)] = null;
                packets++;
                bytes += skb.len;
                skb.consume(cpu);
            }
            port.tx.clearDone(head);
            head++;
        }
        txHead = head;
        if (packets != 0) {
            NetdevQueue txq = dev.tx[index];
            txq.completedQueue(cpu, packets, bytes);
            txq.maybeWake(cpu, this, 2 * MAX_TX_DESCRIPTORS);
        }
    }

    // Receive.

    @Override
    @HotPath
    protected int poll(Cpu cpu, int budget) {
        cleanTx(cpu);
        if (rxPosted - rxNext < port.rx.size || pagePosted - pageNext < port.rxPages.size) {
            refill(cpu); // memory had run out: with an empty ring nothing arrives that would fill it
        }
        int work = 0;
        while (work < budget) {
            int n = port.receive(cpu, Math.min(RX_BATCH, budget - work));
            if (n == 0) {
                break;
            }
            for (int i = port.rxWrittenBack; i > 0; i--) {
                receiveOne(cpu);
            }
            work += n;
            refill(cpu);
        }
        if (work < budget) {
            completeDone(cpu, work);
        }
        return work;
    }

    @HotPath
    private void receiveOne(Cpu cpu) {
        DescriptorRing ring = port.rx;
        int at = rxNext++;
        int slot = ring.slot(at);
        SkBuff posted = requireNonNull(rxSkb[slot]);
        int bytes = ring.frameLen(at);
        int flags = ring.flags(at);
        SkBuff skb = bytes <= copybreak ? copyBreak(cpu, posted, bytes) : null;
        if (skb == null) {
            skb = posted;
            rxSkb[slot] = null;
            int linear = Math.min(bytes, RX_HEADER_BYTES);
            skb.put(linear);
            addPages(skb, bytes - linear);
        }
        if ((flags & DescriptorRing.CSUM_VALID) != 0) {
            skb.ipSummed = SkBuff.CHECKSUM_UNNECESSARY;
        } else if ((flags & DescriptorRing.CSUM) != 0 && !partialChecksum(skb, ring, at)) {
            port.rxErrors++;
            skb.kfree(cpu, SkbDropReason.DEV_HDR);
            return;
        }
        int gsoType = ring.gsoType(at);
        if (gsoType != VirtioNetHdr.GSO_NONE && !segmented(skb, gsoType, ring.gsoSize(at), ring.hdrLen(at))) {
            port.rxErrors++;
            skb.kfree(cpu, SkbDropReason.DEV_HDR);
            return;
        }
        RtnlLinkStats stats = dev.stats(cpu);
        stats.rxPackets++;
        stats.rxBytes += bytes;
        skb.protocol = EthHdr.ethTypeTrans(skb, dev);
        skb.queueMapping = index + 1;
        groReceive(cpu, skb);
    }

    private @Nullable SkBuff copyBreak(Cpu cpu, SkBuff posted, int bytes) {
        SkBuff skb = cpu.allocSkb(RX_RESERVE + bytes);
        if (skb == null) {
            return null;
        }
        skb.reserve(RX_RESERVE);
        UnsafeApi.copyMemory(posted.dataAddress(), skb.tailAddress(), bytes);
        skb.put(bytes);
        rxCopybreak++;
        return skb;
    }

    private void addPages(SkBuff skb, int left) {
        while (left > 0) {
            int slot = port.rxPages.slot(pageNext++);
            Page page = requireNonNull(rxPage[slot]);
            rxPage[slot] = null;
            int n = Math.min(left, page.size());
            skb.addFrag(page, 0, n, page.size());
            rxPagesUsed++;
            left -= n;
        }
    }

    /** The host left the checksum to be filled in: start and place must lie in the linear part. */
    private static boolean partialChecksum(SkBuff skb, DescriptorRing ring, int at) {
        int start = ring.csumStart(at);
        int offset = ring.csumOffset(at);
        if (start + offset + 2 > skb.headlen()) {
            return false;
        }
        skb.ipSummed = SkBuff.CHECKSUM_PARTIAL;
        skb.csumStart = skb.data + start;
        skb.csumOffset = offset;
        return true;
    }

    private boolean segmented(SkBuff skb, int virtioType, int size, int headerBytes) {
        int type = switch (virtioType & ~VirtioNetHdr.GSO_ECN) {
            case VirtioNetHdr.GSO_TCPV4 -> SkbSharedInfo.SKB_GSO_TCPV4;
            case VirtioNetHdr.GSO_TCPV6 -> SkbSharedInfo.SKB_GSO_TCPV6;
            case VirtioNetHdr.GSO_UDP_L4 -> SkbSharedInfo.SKB_GSO_UDP_L4;
            default -> 0;
        };
        if (type == 0 || size == 0) {
            return false;
        }
        if ((virtioType & VirtioNetHdr.GSO_ECN) != 0) {
            type |= SkbSharedInfo.SKB_GSO_TCP_ECN;
        }
        SkbSharedInfo shinfo = skb.shinfo();
        shinfo.gsoSize = size;
        shinfo.gsoType = type | SkbSharedInfo.SKB_GSO_DODGY;
        int payload = skb.len - Math.min(headerBytes, skb.len);
        shinfo.gsoSegs = Math.max(1, (payload + size - 1) / size);
        rxGso++;
        return true;
    }

    /** Posts buffers in the place of those that left. With no memory the ring runs short and the device counts it. */
    @HotPath
    void refill(Cpu cpu) {
        while (rxPosted - rxNext < port.rx.size) {
            int slot = port.rx.slot(rxPosted);
            SkBuff skb = rxSkb[slot];
            if (skb == null) {
                skb = cpu.allocSkb(RX_RESERVE + RX_HEADER_BYTES);
                if (skb == null) {
                    rxAllocFailed++;
                    break;
                }
                skb.reserve(RX_RESERVE);
                rxSkb[slot] = skb;
            }
            port.postRx(skb.dataAddress(), RX_HEADER_BYTES);
            rxPosted++;
        }
        while (pagePosted - pageNext < port.rxPages.size) {
            int slot = port.rxPages.slot(pagePosted);
            Page page = cpu.allocPage(RX_PAGE_BYTES);
            if (page == null) {
                rxAllocFailed++;
                break;
            }
            rxPage[slot] = page;
            port.postPage(page.address(), page.size());
            pagePosted++;
        }
        port.buffersReturned(cpu);
    }

    /** Takes everything back from the device. Context: NAPI disabled, tx stopped. */
    void drain(Cpu cpu) {
        rxModerator.cancel();
        port.reset(cpu);
        for (int i = 0; i < txSkb.length; i++) {
            SkBuff skb = txSkb[i];
            if (skb != null) {
                txSkb[i] = null;
                skb.kfree(cpu, SkbDropReason.DEV_READY);
            }
        }
        txHead = txTail;
        for (int i = 0; i < rxSkb.length; i++) {
            SkBuff skb = rxSkb[i];
            if (skb != null) {
                rxSkb[i] = null;
                skb.consume(cpu);
            }
        }
        for (int i = 0; i < rxPage.length; i++) {
            Page page = rxPage[i];
            if (page != null) {
                rxPage[i] = null;
                page.put(cpu);
            }
        }
        rxNext = rxPosted = port.rxIndexReset();
        pageNext = pagePosted = port.pageIndexReset();
        dev.tx[index].resetQueue(cpu.nowNs());
    }

    /** The driver's and the device's counters of this queue, in the order of {@link TapNic#STAT_NAMES}. */
    void addStats(long[] to) {
        int i = 0;
        to[i++] += port.txPackets;
        to[i++] += port.txBytes;
        to[i++] += port.txErrors;
        to[i++] += port.txDoorbells;
        to[i++] += txInterrupts;
        to[i++] += port.txPauseFrames;
        to[i++] += txBusy;
        to[i++] += port.rxPackets;
        to[i++] += port.rxBytes;
        to[i++] += port.rxErrors;
        to[i++] += port.rxTooShort;
        to[i++] += port.rxNoBuffer;
        to[i++] += port.rxPauseFrames;
        to[i++] += port.rxCrcErrors;
        to[i++] += rxInterrupts;
        to[i++] += rxCopybreak;
        to[i++] += rxGso;
        to[i++] += rxPagesUsed;
        to[i++] += rxAllocFailed;
    }

    void addLinkStats(RtnlLinkStats stats) {
        stats.txErrors += port.txErrors;
        stats.rxErrors += port.rxErrors + port.rxTooShort + port.rxCrcErrors;
        stats.rxCrcErrors += port.rxCrcErrors;
        stats.rxMissedErrors += port.rxNoBuffer;
    }
}
