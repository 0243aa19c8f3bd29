package net.core.packet;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.UserError;
import net.core.dev.Dev;
import net.core.dev.DevGlobals;
import net.core.dev.NetDevice;
import net.core.dev.PacketType;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.agrona.concurrent.ringbuffer.ManyToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.RingBufferDescriptor;
import org.jspecify.annotations.Nullable;

/**
 * Captures packets just above the drivers, both directions, into a pcapng file.
 *
 * <p>The tap copies at most {@code snaplen} bytes of each packet into a ring and returns. Live, a thread of its own takes
 * them to the file; in virtual time they are written at once, so that the file does not depend on thread timing. A full
 * ring drops the copy and counts it, never the packet.
 *
 * <p>Context: {@link #func} with a CPU word; {@link #open} and {@link #close} in process context.
 *
 * <p>Linux: tpacket_rcv(), net/packet/af_packet.c
 */
public final class PacketTap extends PacketType implements AutoCloseable {
    /** Bytes kept of a packet unless said otherwise. */
    public static final int DEFAULT_SNAPLEN = 262_144;

    private static final int RING_BYTES = 8 << 20;
    private static final int MSG_PACKET = 1;
    private static final int MSG_INTERFACE = 2;
    // Message layout.
    private static final int TS_OFFSET = 0;
    private static final int IFACE_OFFSET = 8;
    private static final int DIR_OFFSET = 12;
    private static final int ORIG_LEN_OFFSET = 16;
    private static final int DATA_OFFSET = 20;
    private static final long WRITER_IDLE_NS = 1_000_000;

    private final Kernel kernel;
    private final @Nullable Net net;
    private final PcapFilter filter;
    private final int snaplen;
    private final Path file;
    private final PcapngWriter writer;
    private final ByteBuffer memory;
    private final ManyToOneRingBuffer ring;
    private final @Nullable Thread thread;
    private final long epochOffsetNs;
    private final ByteBuffer view;
    private final org.agrona.concurrent.MessageHandler handler = this::message;

    /** Seen devices by interface number; grows under the monitor. */
    private volatile NetDevice[] interfaces = {};

    private volatile boolean stopping;
    private volatile boolean closed;
    private volatile @Nullable IOException failure;
    private final AtomicLong captured = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();

    private PacketTap(
            Kernel kernel, @Nullable Net net, @Nullable NetDevice dev, Path file, int snaplen, PcapFilter filter)
            throws IOException {
        super(ETH_P_ALL, dev);
        this.kernel = kernel;
        this.net = net;
        this.filter = filter;
        this.snaplen = snaplen;
        this.file = file;
        this.memory = ByteBuffer.allocateDirect(RING_BYTES + RingBufferDescriptor.TRAILER_LENGTH);
        this.ring = new ManyToOneRingBuffer(new UnsafeBuffer(memory));
        this.view = memory.duplicate();
        this.writer = new PcapngWriter(FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING));
        this.epochOffsetNs = kernel.isVirtual()
                ? 0
                : System.currentTimeMillis() * 1_000_000 - kernel.clock().nanoTime();
        this.thread = kernel.isVirtual() ? null : new Thread(this::writeLoop, "pcap");
    }

    /**
     * Starts a capture.
     *
     * @param net only this namespace's devices; null for all
     * @param dev only this device; null for all
     * @param snaplen bytes kept of each packet
     * @throws UserError if the file cannot be written
     */
    public static PacketTap open(
            Kernel kernel, @Nullable Net net, @Nullable NetDevice dev, Path file, int snaplen, PcapFilter filter) {
        try {
            int snap = snaplen <= 0 ? DEFAULT_SNAPLEN : Math.min(snaplen, DEFAULT_SNAPLEN);
            PacketTap tap = new PacketTap(kernel, net, dev, file, snap, filter);
            Thread t = tap.thread;
            if (t != null) {
                t.setDaemon(true);
                t.start();
            }
            Dev.addPack(kernel, tap);
            return tap;
        } catch (IOException e) {
            throw new UserError("cannot write capture file " + file + ": " + UserError.why(e), e);
        }
    }

    // ---- the tap

    @Override
    @HotPath
    public int func(Cpu cpu, SkBuff skb, NetDevice d, NetDevice origDev) {
        if (net != null && d.net != net) {
            return 0;
        }
        boolean out = skb.pktType == SkBuff.PACKET_OUTGOING;
        // Received: data is at the network header, with the link header in front of it.
        int link = out || !skb.macHeaderWasSet() ? 0 : skb.data - skb.macHeader;
        int netOff = out && skb.networkHeader >= 0 ? skb.networkOffset() : 0;
        if (!filter.matches(skb, netOff)) {
            return 0;
        }
        int orig = skb.len + link;
        int len = Math.min(orig, snaplen);
        int iface = interfaceOf(d);
        int at = ring.tryClaim(MSG_PACKET, DATA_OFFSET + len);
        if (at < 0) {
            dropped.incrementAndGet();
            return 0;
        }
        UnsafeBuffer b = (UnsafeBuffer) ring.buffer();
        b.putLong(at + TS_OFFSET, cpu.nowNs() + epochOffsetNs);
        b.putInt(at + IFACE_OFFSET, iface);
        b.putInt(at + DIR_OFFSET, out ? PcapngWriter.OUTBOUND : PcapngWriter.INBOUND);
        b.putInt(at + ORIG_LEN_OFFSET, orig);
        long to = b.addressOffset() + at + DATA_OFFSET;
        int fromLink = Math.min(link, len);
        if (fromLink > 0) {
            org.agrona.UnsafeApi.copyMemory(skb.macAddress(), to, fromLink);
        }
        if (len > fromLink) {
            skb.copyBits(0, to + fromLink, len - fromLink);
        }
        ring.commit(at);
        captured.incrementAndGet();
        if (thread == null) {
            drainRing();
        }
        return 0;
    }

    @HotPath
    private int interfaceOf(NetDevice d) {
        NetDevice[] known = interfaces;
        for (int i = 0; i < known.length; i++) {
            if (known[i] == d) {
                return i;
            }
        }
        return addInterface(d);
    }

    /** First packet of a device: its interface block goes ahead of it. */
    private synchronized int addInterface(NetDevice d) {
        NetDevice[] known = interfaces;
        for (int i = 0; i < known.length; i++) {
            if (known[i] == d) {
                return i;
            }
        }
        byte[] name = (d.name() + "\0" + d.net.name()).getBytes(StandardCharsets.UTF_8);
        UnsafeBuffer src = new UnsafeBuffer(name);
        while (!ring.write(MSG_INTERFACE, src, 0, name.length)) {
            Thread.onSpinWait();
        }
        NetDevice[] more = Arrays.copyOf(known, known.length + 1);
        more[known.length] = d;
        interfaces = more;
        return known.length;
    }

    // ---- the writer

    /** Goes on after a failure: the tap must find room in the ring. */
    private void writeLoop() {
        while (!stopping) {
            if (drainRing() == 0) {
                flush();
                LockSupport.parkNanos(WRITER_IDLE_NS);
            }
        }
    }

    private void flush() {
        if (failure == null) {
            try {
                writer.flush();
            } catch (IOException e) {
                failure = e;
            }
        }
    }

    private int drainRing() {
        return ring.read(handler);
    }

    private void message(int type, MutableDirectBuffer b, int index, int length) {
        if (failure != null) {
            return;
        }
        try {
            if (type == MSG_INTERFACE) {
                byte[] bytes = new byte[length];
                b.getBytes(index, bytes);
                String[] names = new String(bytes, StandardCharsets.UTF_8).split("\0", 2);
                writer.writeInterface(names[0], "namespace " + names[1], snaplen);
                return;
            }
            view.limit(index + length).position(index + DATA_OFFSET);
            writer.writePacket(
                    b.getInt(index + IFACE_OFFSET),
                    b.getLong(index + TS_OFFSET),
                    b.getInt(index + DIR_OFFSET),
                    view,
                    b.getInt(index + ORIG_LEN_OFFSET));
        } catch (IOException e) {
            failure = e;
        }
    }

    /** Packets copied. */
    public long captured() {
        return captured.get();
    }

    /** Packets not copied because the ring was full. */
    public long dropped() {
        return dropped.get();
    }

    /** Whether the file could not be written: from then on packets are only counted. */
    public boolean failed() {
        return failure != null;
    }

    /**
     * Ends the capture; every packet copied so far is in the file then.
     *
     * @throws UserError if the file could not be written to its end
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        Dev.removePack(kernel, this);
        DevGlobals.of(kernel).synchronizeNet();
        stopping = true;
        Thread t = thread;
        boolean interrupted = false;
        while (t != null && t.isAlive()) {
            LockSupport.unpark(t);
            try {
                t.join(10);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        drainRing();
        try {
            writer.close();
        } catch (IOException e) {
            failure = e;
        }
        IOException f = failure;
        if (f != null) {
            throw new UserError("capture file " + file + " is incomplete: " + UserError.why(f), f);
        }
    }
}
