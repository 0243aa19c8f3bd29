package net.testkit;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.Dev;
import net.core.dev.NetDevice;
import net.core.dev.PacketType;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;

/**
 * Records each packet at each device, as a tap sees it: when, where, and a hash of its bytes. Two runs from one seed must
 * have equal traces. With {@link #keepFrames} the bytes stay too, as text.
 *
 * <p>Context: {@link #func} with a CPU's word; virtual time only, where one thread runs at a time.
 */
public final class PacketTrace extends PacketType implements AutoCloseable {
    private static final int ROOM = 1 << 17;

    private final Kernel kernel;
    private final Arena arena = Arena.ofShared();
    private final long scratch = arena.allocate(ROOM, 8).address();
    private long[] times = new long[1024];
    private long[] hashes = new long[1024];
    private int size;
    private final List<String> texts = new ArrayList<>();
    private boolean keepFrames;

    PacketTrace(Kernel kernel) {
        super(ETH_P_ALL);
        this.kernel = kernel;
        Dev.addPack(kernel, this);
    }

    /** Keeps a line of text for each packet from now on: {@link #lines}. */
    public PacketTrace keepFrames() {
        keepFrames = true;
        return this;
    }

    @Override
    public int func(Cpu cpu, SkBuff skb, NetDevice dev, NetDevice origDev) {
        boolean out = skb.pktType == SkBuff.PACKET_OUTGOING;
        int link = out || !skb.macHeaderWasSet() ? 0 : skb.data - skb.macHeader;
        int len = Math.min(skb.len, ROOM - link);
        if (link > 0) {
            UnsafeApi.copyMemory(skb.macAddress(), scratch, link);
        }
        skb.copyBits(0, scratch + link, len);
        long hash = hash(link + len) * 31 + dev.net.id * 64L + dev.ifindex * 2L + (out ? 1 : 0);
        if (size == times.length) {
            times = Arrays.copyOf(times, size * 2);
            hashes = Arrays.copyOf(hashes, size * 2);
        }
        times[size] = cpu.nowNs();
        hashes[size++] = hash;
        if (keepFrames) {
            texts.add(dev + (out ? " > " : " < ") + PacketText.of(frame(link + len)));
        }
        return 0;
    }

    private byte[] frame(int len) {
        byte[] bytes = new byte[len];
        for (int i = 0; i < len; i++) {
            bytes[i] = UnsafeApi.getByte(scratch + i);
        }
        return bytes;
    }

    private long hash(int len) {
        long h = len;
        int i = 0;
        for (; i + 8 <= len; i += 8) {
            h = (h ^ UnsafeApi.getLong(scratch + i)) * 0x9E3779B97F4A7C15L;
            h ^= h >>> 32;
        }
        for (; i < len; i++) {
            h = (h ^ UnsafeApi.getByte(scratch + i)) * 0x100000001B3L;
        }
        return h;
    }

    /** Packets recorded. */
    public int size() {
        return size;
    }

    /** One number for the whole trace: times and bytes. */
    public long digest() {
        long h = size;
        for (int i = 0; i < size; i++) {
            h = (h ^ times[i]) * 0x9E3779B97F4A7C15L;
            h = (h ^ (h >>> 29) ^ hashes[i]) * 0xBF58476D1CE4E5B9L;
        }
        return h;
    }

    /** The first packet in which two traces differ, or -1. */
    public int firstDifference(PacketTrace other) {
        int n = Math.min(size, other.size);
        for (int i = 0; i < n; i++) {
            if (times[i] != other.times[i] || hashes[i] != other.hashes[i]) {
                return i;
            }
        }
        return size == other.size ? -1 : n;
    }

    /** A packet as a line: number, time, and its text if frames are kept. */
    public String line(int index) {
        if (index >= size) {
            return index + ": none";
        }
        String text = index < texts.size() ? texts.get(index) : Long.toHexString(hashes[index]);
        return index + ": " + times[index] + " ns " + text;
    }

    /** All packets as lines. */
    public List<String> lines() {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            all.add(line(i));
        }
        return all;
    }

    /** Ends the recording; what was recorded stays. */
    @Override
    public void close() {
        Dev.removePack(kernel, this);
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
