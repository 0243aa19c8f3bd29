package net.testkit;

import drivers.tapnic.VirtioNetHdr;
import drivers.tapnic.Wire;
import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import net.skbuff.Errno;
import org.agrona.UnsafeApi;

/**
 * A wire that damages what passes over it, both ways, from a seed. It stands between a card without offloads and the
 * real wire, so that what it sees are frames as a cable carries them: segmented and with checksums filled in.
 *
 * <p>A frame held back is let go after one to three later ones of its direction.
 */
public final class FaultWire implements Wire {
    private static final int IOVEC_LENGTH = 16;
    private static final int FRAME_ROOM = 128 * 1024;

    private final Wire inner;
    private final Direction out;
    private final Direction in;
    private final Arena arena = Arena.ofShared();
    private final long innerIov = arena.allocate(IOVEC_LENGTH, 16).address();
    private final long outFrame = arena.allocate(FRAME_ROOM, 64).address();
    private final long inIov = arena.allocate(IOVEC_LENGTH, 16).address();
    private final long inFrame = arena.allocate(FRAME_ROOM, 64).address();

    public FaultWire(Wire inner, long seed, FaultPlan.Rates rates) {
        this.inner = inner;
        out = new Direction(new FaultPlan(seed, rates));
        in = new Direction(new FaultPlan(seed ^ 0x9E3779B97F4A7C15L, rates));
    }

    /** What happened to frames sent. */
    public FaultPlan sent() {
        return out.plan;
    }

    /** What happened to frames received. */
    public FaultPlan received() {
        return in.plan;
    }

    @Override
    public int transmit(long iov, int count) {
        int bytes = gather(iov, count, outFrame);
        out.offer(outFrame, bytes);
        for (byte[] frame = out.ready.poll(); frame != null; frame = out.ready.poll()) {
            put(frame, outFrame);
            UnsafeApi.putLong(innerIov, outFrame);
            UnsafeApi.putLong(innerIov + 8, frame.length);
            int rc = inner.transmit(innerIov, 1);
            if (rc < 0) {
                return rc;
            }
        }
        return bytes;
    }

    @Override
    public int receive(long iov, int count) {
        while (in.ready.isEmpty()) {
            UnsafeApi.putLong(inIov, inFrame);
            UnsafeApi.putLong(inIov + 8, FRAME_ROOM);
            int rc = inner.receive(inIov, 1);
            if (rc < 0) {
                return rc;
            }
            in.offer(inFrame, rc);
        }
        byte[] frame = in.ready.poll();
        if (frame == null) {
            return -Errno.EAGAIN;
        }
        put(frame, inFrame);
        return scatter(inFrame, frame.length, iov, count);
    }

    private static int gather(long iov, int count, long to) {
        int at = 0;
        for (int i = 0; i < count; i++) {
            long address = UnsafeApi.getLong(iov + (long) i * IOVEC_LENGTH);
            long len = UnsafeApi.getLong(iov + (long) i * IOVEC_LENGTH + 8);
            UnsafeApi.copyMemory(address, to + at, len);
            at += (int) len;
        }
        return at;
    }

    private static int scatter(long from, int bytes, long iov, int count) {
        int at = 0;
        for (int i = 0; i < count && at < bytes; i++) {
            long address = UnsafeApi.getLong(iov + (long) i * IOVEC_LENGTH);
            long len = Math.min(UnsafeApi.getLong(iov + (long) i * IOVEC_LENGTH + 8), bytes - at);
            UnsafeApi.copyMemory(from + at, address, len);
            at += (int) len;
        }
        return at;
    }

    private static void put(byte[] frame, long to) {
        for (int i = 0; i < frame.length; i++) {
            UnsafeApi.putByte(to + i, frame[i]);
        }
    }

    @Override
    public int fd() {
        return inner.fd();
    }

    @Override
    public void signal(Signal signal) {
        inner.signal(signal);
    }

    @Override
    public void close() {
        inner.close();
        arena.close();
    }

    private static final class Direction {
        final FaultPlan plan;
        final Deque<byte[]> ready = new ArrayDeque<>();
        private final List<Held> held = new ArrayList<>();

        Direction(FaultPlan plan) {
            this.plan = plan;
        }

        void offer(long address, int bytes) {
            if (plan.loses()) {
                return;
            }
            boolean twice = plan.duplicates();
            byte[] frame = new byte[bytes];
            for (int i = 0; i < bytes; i++) {
                frame[i] = UnsafeApi.getByte(address + i);
            }
            int bit = plan.corruptBit(bytes - VirtioNetHdr.LENGTH);
            if (bit >= 0) {
                frame[VirtioNetHdr.LENGTH + 14 + bit / 8] ^= (byte) (1 << (bit & 7));
            }
            int overtakenBy = plan.overtakenBy();
            if (overtakenBy > 0) {
                held.add(new Held(frame, overtakenBy));
            } else {
                pass(frame);
            }
            if (twice) {
                pass(frame);
            }
        }

        private void pass(byte[] frame) {
            ready.add(frame);
            for (Iterator<Held> i = held.iterator(); i.hasNext(); ) {
                Held h = i.next();
                if (--h.left == 0) {
                    ready.add(h.frame);
                    i.remove();
                }
            }
        }
    }

    private static final class Held {
        final byte[] frame;
        int left;

        Held(byte[] frame, int left) {
            this.frame = frame;
            this.left = left;
        }
    }
}
