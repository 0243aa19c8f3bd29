package drivers.tapnic;

import java.lang.foreign.Arena;
import net.core.Cpu;
import net.core.dev.NetdevQueue;
import net.core.time.HrTimer;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import org.agrona.UnsafeApi;

/**
 * The device half of one queue pair: what the silicon of a network card does. It knows descriptors, a doorbell and a
 * vector, and nothing of sk_buffs. "DMA" is a gathered write to the {@link Wire} and a scattered read from it.
 *
 * <p>Transmit: a doorbell publishes the producer index; each frame's descriptors are gathered behind one
 * {@link VirtioNetHdr} and written. Without a {@link WireModel} the frame completes at once; with one, frames leave at
 * line rate from a timer and complete after its delay. Receive: a frame is scattered over one posted header buffer and
 * as many posted pages as it needs; with no header buffer posted it is taken off the wire and dropped.
 *
 * <p>Context: transmit side under the queue's tx lock or from the wire timer; receive side by the NAPI owner. Both hold
 * a CPU's word.
 */
final class NicPort implements AutoCloseable {
    private static final int IOVEC_LENGTH = 16;
    /** Header, linear part, fragments, padding, check sequence. */
    private static final int MAX_IOVECS = 4 + 32;
    /** A frame of 64 KiB needs two pages of 32 KiB behind its header buffer, a misaligned one three. */
    static final int MAX_PAGES_PER_FRAME = 3;

    private static final int SCRAP_BYTES = 128 * 1024;
    private static final int ETH_P_PAUSE = 0x8808;
    private static final int ETH_HLEN = 14;

    final DescriptorRing tx;
    final DescriptorRing rx;
    final DescriptorRing rxPages;
    private final Wire wire;
    private final WireModel model;
    private final Arena arena = Arena.ofShared();
    private final long txIov;
    private final long rxIov;
    private final long txHdrAddress;
    /** Zeros to pad with, then room for a check sequence. */
    private final long trailer;

    private final long rxHdrAddress;
    private final long scrap;
    private final VirtioNetHdr txHdr = new VirtioNetHdr();
    private final VirtioNetHdr rxHdr = new VirtioNetHdr();

    // Transmit side.
    private int txTail; // producer index as of the last doorbell
    private int txHead; // next descriptor to send
    private int txDone; // next descriptor to write back
    private long wireFreeNs;
    private long pausedUntilNs;
    private final long[] completionNs; // by slot of a frame's last descriptor
    private final WireTimer wireTimer = new WireTimer();
    final IrqModerator txModerator;
    private final NetdevQueue txq;

    // Receive side.
    private int rxTail; // posted up to here
    private int rxHead; // next header buffer to fill
    private int pageTail;
    private int pageHead;
    private boolean pauseSent;
    /** Of the last {@link #receive}: descriptors given to the driver. */
    int rxWrittenBack;

    // Counters, as `ethtool -S` shows them: one writer each.
    long txPackets;
    long txBytes;
    long txErrors;
    long txDoorbells;
    long txPauseFrames;
    long rxPackets;
    long rxBytes;
    long rxNoBuffer;
    long rxErrors;
    long rxPauseFrames;
    long rxTooShort;
    long rxCrcErrors;
    int lastTxErrno;

    NicPort(
            Wire wire,
            WireModel model,
            int txSize,
            int rxSize,
            int pageRingSize,
            IrqModerator txModerator,
            NetdevQueue txq) {
        this.wire = wire;
        this.txq = txq;
        this.model = model;
        this.txModerator = txModerator;
        tx = new DescriptorRing(txSize);
        rx = new DescriptorRing(rxSize);
        rxPages = new DescriptorRing(pageRingSize);
        completionNs = new long[txSize];
        txIov = arena.allocate((long) MAX_IOVECS * IOVEC_LENGTH, 64).address();
        rxIov = arena.allocate((long) MAX_IOVECS * IOVEC_LENGTH, 64).address();
        txHdrAddress = arena.allocate(64, 64).address();
        trailer = arena.allocate(WireModel.MIN_FRAME_BYTES + Fcs.LENGTH, 64).address();
        rxHdrAddress = arena.allocate(64, 64).address();
        scrap = arena.allocate(SCRAP_BYTES, 64).address();
        txHdr.wrap(txHdrAddress).clear();
        rxHdr.wrap(rxHdrAddress).clear();
        iov(txIov, 0, txHdrAddress, VirtioNetHdr.LENGTH);
        iov(rxIov, 0, rxHdrAddress, VirtioNetHdr.LENGTH);
    }

    private static void iov(long array, int index, long address, int len) {
        UnsafeApi.putLong(array + (long) index * IOVEC_LENGTH, address);
        UnsafeApi.putLong(array + (long) index * IOVEC_LENGTH + 8, len);
    }

    /** Descriptors handed to the device and not yet written back. */
    int txOutstanding() {
        return txTail - txDone;
    }

    /**
     * The driver's PIO write: descriptors up to {@code tail} are the device's now. Sends what the wire takes at once and
     * raises the transmit interrupt when anything completed.
     */
    @HotPath
    void doorbell(Cpu cpu, int tail) {
        txDoorbells++;
        txTail = tail;
        pump(cpu);
    }

    private void pump(Cpu cpu) {
        if (model.immediate() && pausedUntilNs == 0) {
            int completed = 0;
            while (txHead != txTail) {
                int last = sendFrame(txHead);
                writeBackTo(last);
                txHead = last + 1;
                completed++;
            }
            if (completed != 0) {
                txModerator.event(cpu, completed);
            }
            return;
        }
        pumpAtLineRate(cpu);
    }

    private void pumpAtLineRate(Cpu cpu) {
        long now = cpu.nowNs();
        if (pausedUntilNs != 0 && now - pausedUntilNs >= 0) {
            pausedUntilNs = 0;
        }
        int completed = 0;
        while (txDone != txHead) {
            int last = lastOf(txDone);
            if (now - completionNs[tx.slot(last)] < 0) {
                break;
            }
            writeBackTo(last);
            completed++;
        }
        while (txHead != txTail && pausedUntilNs == 0 && now - wireFreeNs >= 0) {
            int first = txHead;
            int last = sendFrame(first);
            long busy = model.serializationNs(tx.frameLen(first), tx.gsoSize(first), tx.hdrLen(first));
            wireFreeNs = Math.max(wireFreeNs, now - 1_000_000) + busy;
            completionNs[tx.slot(last)] = wireFreeNs + model.completionDelayNs();
            txHead = last + 1;
        }
        long next = Long.MAX_VALUE;
        if (txDone != txHead) {
            next = completionNs[tx.slot(lastOf(txDone))];
        }
        if (txHead != txTail) {
            next = Math.min(next, pausedUntilNs != 0 ? pausedUntilNs : wireFreeNs);
        }
        if (next != Long.MAX_VALUE) {
            wireTimer.start(cpu, Math.max(next, now + 1));
        }
        if (completed != 0) {
            txModerator.event(cpu, completed);
        }
    }

    private int lastOf(int first) {
        int i = first;
        while ((tx.flags(i) & DescriptorRing.EOP) == 0) {
            i++;
        }
        return i;
    }

    private void writeBackTo(int last) {
        for (; txDone != last + 1; txDone++) {
            tx.writeBack(txDone, tx.flags(txDone));
        }
    }

    /** Gathers the frame that begins at a descriptor, writes it and returns the index of its last descriptor. */
    @HotPath
    private int sendFrame(int first) {
        int n = 1;
        int i = first;
        int flags;
        int bytes = 0;
        while (true) {
            flags = tx.flags(i);
            int len = tx.len(i);
            iov(txIov, n++, tx.address(i), len);
            bytes += len;
            if ((flags & DescriptorRing.EOP) != 0) {
                break;
            }
            i++;
        }
        int firstFlags = tx.flags(first);
        if ((firstFlags & DescriptorRing.CSUM) != 0) {
            txHdr.flags(VirtioNetHdr.F_NEEDS_CSUM).csum(tx.csumStart(first), tx.csumOffset(first));
        } else {
            txHdr.flags(0).csum(0, 0);
        }
        txHdr.gso(tx.gsoType(first), tx.gsoSize(first), tx.hdrLen(first));
        if (model.fcs()) {
            n = seal(n, bytes);
        }
        int rc = wire.transmit(txIov, n);
        tx.frameLen(first, bytes);
        if (rc < 0) {
            txErrors++;
            lastTxErrno = -rc;
        } else {
            txPackets++;
            txBytes += bytes;
        }
        return i;
    }

    /** Pads the frame in {@link #txIov} and puts its check sequence behind it. Returns the vector's new length. */
    private int seal(int count, int bytes) {
        int n = count;
        int padding = Math.max(0, WireModel.MIN_FRAME_BYTES - bytes);
        if (padding > 0) {
            iov(txIov, n++, trailer, padding);
        }
        Fcs.put(trailer + WireModel.MIN_FRAME_BYTES, Fcs.of(txIov, 1, bytes + padding));
        iov(txIov, n++, trailer + WireModel.MIN_FRAME_BYTES, Fcs.LENGTH);
        return n;
    }

    /** The driver posts an empty header buffer. */
    void postRx(long address, int len) {
        rx.post(rxTail++, address, len, 0);
    }

    /** The driver posts an empty page. */
    void postPage(long address, int len) {
        rxPages.post(pageTail++, address, len, 0);
    }

    /** After {@link #reset}: where the driver's own receive index stands. */
    int rxIndexReset() {
        return rxTail;
    }

    /** As {@link #rxIndexReset}, for pages. */
    int pageIndexReset() {
        return pageTail;
    }

    int rxPosted() {
        return rxTail - rxHead;
    }

    int pagesPosted() {
        return pageTail - pageHead;
    }

    /**
     * Takes frames off the wire into posted buffers and writes their descriptors back. Frames that end in the card
     * (damaged, pause, no buffer) count as taken, so that a wire full of them neither looks empty nor exceeds a budget.
     *
     * @return how many were taken, 0 only when the wire is empty or dead; {@link #rxWrittenBack} of them are the driver's
     */
    @HotPath
    int receive(Cpu cpu, int max) {
        rxWrittenBack = 0;
        int taken = 0;
        while (taken < max) {
            if (rxHead == rxTail || pagesPosted() < MAX_PAGES_PER_FRAME) {
                if (!dropForWantOfBuffer(cpu)) {
                    break;
                }
                taken++;
                continue;
            }
            int n = 1;
            int headerBytes = rx.len(rxHead);
            iov(rxIov, n++, rx.address(rxHead), headerBytes);
            for (int p = 0; p < MAX_PAGES_PER_FRAME; p++) {
                iov(rxIov, n++, rxPages.address(pageHead + p), rxPages.len(pageHead + p));
            }
            int rc = wire.receive(rxIov, n);
            if (rc < 0 && !survives(rc)) {
                break;
            }
            taken++;
            if (rc >= 0) {
                arrived(cpu, rc - VirtioNetHdr.LENGTH, headerBytes);
            }
        }
        return taken;
    }

    /** Whether an error cost one frame (the host could not describe it) and others may be waiting. */
    private boolean survives(int rc) {
        if (rc == -Errno.EAGAIN) {
            return false;
        }
        rxErrors++;
        return rc == -Errno.EINVAL || rc == -Errno.EMSGSIZE;
    }

    private void arrived(Cpu cpu, int wireBytes, int headerBytes) {
        int bytes = wireBytes;
        if (model.fcs()) {
            bytes -= Fcs.LENGTH;
            if (bytes >= ETH_HLEN && Fcs.of(rxIov, 1, bytes) != Fcs.received(rxIov, 1, bytes)) {
                rxCrcErrors++;
                return;
            }
        }
        if (bytes < ETH_HLEN) {
            rxTooShort++;
            return;
        }
        rxPackets++;
        rxBytes += bytes;
        if (isPause(rx.address(rxHead), bytes)) {
            pauseReceived(cpu, rx.address(rxHead));
            return;
        }
        for (int left = bytes - headerBytes; left > 0; pageHead++) {
            int len = rxPages.len(pageHead);
            rxPages.writeBack(pageHead, 0);
            left -= len;
        }
        writeBackRx(bytes);
        rxWrittenBack++;
    }

    private void writeBackRx(int bytes) {
        int hdrFlags = rxHdr.flags();
        int flags = 0;
        if ((hdrFlags & VirtioNetHdr.F_NEEDS_CSUM) != 0) {
            flags |= DescriptorRing.CSUM;
        } else if ((hdrFlags & VirtioNetHdr.F_DATA_VALID) != 0) {
            flags |= DescriptorRing.CSUM_VALID;
        }
        rx.offload(rxHead, rxHdr.csumStart(), rxHdr.csumOffset(), rxHdr.gsoType(), rxHdr.gsoSize(), rxHdr.hdrLen());
        rx.frameLen(rxHead, bytes);
        rx.writeBack(rxHead, flags);
        rxHead++;
    }

    private boolean dropForWantOfBuffer(Cpu cpu) {
        iov(rxIov, 1, scrap, SCRAP_BYTES);
        int rc = wire.receive(rxIov, 2);
        if (rc < 0) {
            return survives(rc);
        }
        rxNoBuffer++;
        if (model.pause() && !pauseSent) {
            pauseSent = true;
            sendPause(cpu, 0xffff);
        }
        return true;
    }

    private static boolean isPause(long frame, int bytes) {
        return bytes >= 18
                && UnsafeApi.getByte(frame + 12) == (byte) (ETH_P_PAUSE >> 8)
                && UnsafeApi.getByte(frame + 13) == (byte) ETH_P_PAUSE
                && UnsafeApi.getByte(frame + 14) == 0
                && UnsafeApi.getByte(frame + 15) == 1;
    }

    /** MAC control frames end in the card; they never reach the driver. */
    private void pauseReceived(Cpu cpu, long frame) {
        rxPauseFrames++;
        if (!model.pause()) {
            return;
        }
        int quanta = ((UnsafeApi.getByte(frame + 16) & 0xff) << 8) | (UnsafeApi.getByte(frame + 17) & 0xff);
        txq.txLock(cpu);
        pausedUntilNs = quanta == 0 ? 0 : cpu.nowNs() + Math.max(1, model.pauseNs(quanta));
        pumpAtLineRate(cpu);
        txq.txUnlock();
    }

    /** The driver refilled the ring: a peer that was paused may go on. */
    void buffersReturned(Cpu cpu) {
        if (pauseSent && rxPosted() > rx.size / 2) {
            pauseSent = false;
            sendPause(cpu, 0);
        }
    }

    private void sendPause(Cpu cpu, int quanta) {
        UnsafeApi.setMemory(scrap, WireModel.MIN_FRAME_BYTES, (byte) 0);
        long dst = 0x0180C2000001L;
        for (int i = 0; i < 6; i++) {
            UnsafeApi.putByte(scrap + i, (byte) (dst >>> (40 - 8 * i)));
        }
        UnsafeApi.putByte(scrap + 6, (byte) 2);
        UnsafeApi.putByte(scrap + 12, (byte) (ETH_P_PAUSE >> 8));
        UnsafeApi.putByte(scrap + 13, (byte) ETH_P_PAUSE);
        UnsafeApi.putByte(scrap + 15, (byte) 1);
        UnsafeApi.putByte(scrap + 16, (byte) (quanta >> 8));
        UnsafeApi.putByte(scrap + 17, (byte) quanta);
        txq.txLock(cpu); // header and vector are the transmit side's, which may be busy on another CPU
        txHdr.clear();
        iov(txIov, 1, scrap, WireModel.MIN_FRAME_BYTES);
        int n = model.fcs() ? seal(2, WireModel.MIN_FRAME_BYTES) : 2;
        if (wire.transmit(txIov, n) >= 0) {
            txPauseFrames++;
        }
        txq.txUnlock();
    }

    /** Forgets what is in flight; the driver frees its side. The device is idle afterwards. */
    void reset(Cpu cpu) {
        txq.txLock(cpu); // a timer's callback may be under way: it finds nothing more to do
        wireTimer.cancel();
        txModerator.cancel();
        txDone = txHead = txTail;
        pausedUntilNs = 0;
        wireFreeNs = 0;
        txq.txUnlock();
        rxHead = rxTail;
        pageHead = pageTail;
        pauseSent = false;
    }

    @Override
    public void close() {
        tx.close();
        rx.close();
        rxPages.close();
        arena.close();
    }

    private final class WireTimer extends HrTimer {
        @Override
        protected void expire(Cpu cpu, long nowNs) {
            txq.txLock(cpu);
            pumpAtLineRate(cpu);
            txq.txUnlock();
        }
    }
}
