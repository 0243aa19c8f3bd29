package net.testkit;

import drivers.tapnic.VirtioNetHdr;
import drivers.tapnic.Wire;
import java.lang.foreign.Arena;
import net.skbuff.Errno;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * A wire that damages what passes over it, both ways, from a seed. It stands between a card without offloads and the
 * real wire, so that what it sees are frames as a cable carries them: segmented and with checksums filled in.
 *
 * <p>Without delay frames pass within the card's own calls, which also suits virtual time. With delay or jitter a
 * {@link FaultLine} moves them in real time, and the card hears of arrivals by {@link Wire.Signal}.
 */
public final class FaultWire implements Wire {
    private static final int IOVEC_LENGTH = 16;
    private static final int FRAME_ROOM = 128 * 1024;
    private static final long OTHER_DIRECTION = 0x9E3779B97F4A7C15L;

    private final Wire inner;
    private final FaultLink out;
    private final FaultLink in;
    private final @Nullable FaultLine line;
    private final Arena arena = Arena.ofShared();
    private final long innerIov = arena.allocate(IOVEC_LENGTH, 16).address();
    private final long outFrame = arena.allocate(FRAME_ROOM, 64).address();
    private final long inIov = arena.allocate(IOVEC_LENGTH, 16).address();
    private final long inFrame = arena.allocate(FRAME_ROOM, 64).address();

    public FaultWire(Wire inner, long seed, FaultPlan.Rates rates) {
        this(inner, seed, rates, new FaultPlan(seed, rates).delays());
    }

    private FaultWire(Wire inner, long seed, FaultPlan.Rates rates, boolean timed) {
        this.inner = inner;
        out = new FaultLink(new FaultPlan(seed, rates), VirtioNetHdr.LENGTH);
        in = new FaultLink(new FaultPlan(seed ^ OTHER_DIRECTION, rates), VirtioNetHdr.LENGTH);
        line = timed ? FaultLine.start(inner, out, in) : null;
    }

    /** One that takes frames' time into its hands even if the first plan has no delay, for {@link #program}. */
    public static FaultWire timed(Wire inner) {
        return new FaultWire(inner, 1, FaultPlan.Rates.NONE, true);
    }

    /** Another seed and other rates from now on; what is on its way is gone. Timed wires only. */
    public void program(long seed, FaultPlan.Rates rates) {
        if (line == null) {
            throw new IllegalStateException("a wire without delay keeps its plan");
        }
        line.program(new FaultPlan(seed, rates), new FaultPlan(seed ^ OTHER_DIRECTION, rates));
    }

    /** What happened to frames sent. */
    public FaultPlan sent() {
        return out.plan();
    }

    /** What happened to frames received. */
    public FaultPlan received() {
        return in.plan();
    }

    @Override
    public int transmit(long iov, int count) {
        byte[] sent = IoVec.gather(iov, count);
        int bytes = sent.length;
        if (line != null) {
            line.send(sent);
            return bytes;
        }
        out.offer(sent, 0);
        for (byte[] frame = out.poll(0); frame != null; frame = out.poll(0)) {
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
        byte[] frame = line != null ? line.arrived() : in.poll(0);
        while (frame == null && line == null) {
            UnsafeApi.putLong(inIov, inFrame);
            UnsafeApi.putLong(inIov + 8, FRAME_ROOM);
            int rc = inner.receive(inIov, 1);
            if (rc < 0) {
                return rc;
            }
            byte[] got = new byte[rc];
            get(got, inFrame);
            in.offer(got, 0);
            frame = in.poll(0);
        }
        if (frame == null) {
            return -Errno.EAGAIN;
        }
        return IoVec.scatter(frame, iov, count);
    }

    static void put(byte[] frame, long to) {
        for (int i = 0; i < frame.length; i++) {
            UnsafeApi.putByte(to + i, frame[i]);
        }
    }

    static void get(byte[] frame, long from) {
        for (int i = 0; i < frame.length; i++) {
            frame[i] = UnsafeApi.getByte(from + i);
        }
    }

    @Override
    public int fd() {
        return line != null ? -1 : inner.fd();
    }

    @Override
    public void signal(Signal signal) {
        if (line != null) {
            line.signal(signal);
        } else {
            inner.signal(signal);
        }
    }

    @Override
    public void close() {
        if (line != null) {
            line.close();
        }
        inner.close();
        arena.close();
    }
}
