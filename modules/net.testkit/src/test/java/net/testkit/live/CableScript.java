package net.testkit.live;

import drivers.tapnic.VirtioNetHdr;
import drivers.tapnic.Wire;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import net.skbuff.Errno;
import net.testkit.IoVec;

/**
 * A cable on which a scenario decides frame by frame what comes out at the other end: nothing, the frame, others.
 *
 * <p>Context: a direction by one thread at a time; the scenario's rule is called under this object's monitor.
 */
final class CableScript implements Wire {
    private static final int ROOM = 1 << 17;

    /** A TCP segment on the cable. Offsets are those of a frame behind its virtio header. */
    record Seg(boolean fromDut, byte[] frame) {
        private static final int IP = VirtioNetHdr.LENGTH + 14;
        private static final int TCP = IP + 20;
        static final int FIN = 1;
        static final int SYN = 2;
        static final int RST = 4;
        static final int ACK = 16;

        static boolean isTcp(byte[] frame) {
            return frame.length >= TCP + 20
                    && frame[VirtioNetHdr.LENGTH + 12] == 8
                    && frame[VirtioNetHdr.LENGTH + 13] == 0
                    && frame[IP] == 0x45
                    && frame[IP + 9] == 6;
        }

        boolean has(int flag) {
            return (frame[TCP + 13] & flag) != 0;
        }

        int payload() {
            int total = (frame[IP + 2] & 255) << 8 | frame[IP + 3] & 255;
            return total - 20 - ((frame[TCP + 12] & 0xf0) >> 2);
        }

        boolean isData() {
            return payload() > 0;
        }

        int seq() {
            return (frame[TCP + 4] & 255) << 24
                    | (frame[TCP + 5] & 255) << 16
                    | (frame[TCP + 6] & 255) << 8
                    | frame[TCP + 7] & 255;
        }

        /** One bit of its last byte is another. */
        byte[] damaged() {
            byte[] copy = frame.clone();
            copy[copy.length - 1] ^= 4;
            return copy;
        }
    }

    /** What comes out for a segment that goes in. */
    @FunctionalInterface
    interface Rule {
        List<byte[]> out(Seg seg);
    }

    private final Wire inner;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment out = vector();
    private final MemorySegment in = vector();
    private final Deque<byte[]> toDut = new ArrayDeque<>();
    private Rule rule = s -> List.of(s.frame());

    CableScript(Wire inner) {
        this.inner = inner;
    }

    private MemorySegment vector() {
        MemorySegment vector = arena.allocate(16, 16);
        vector.set(ValueLayout.JAVA_LONG, 0, arena.allocate(ROOM, 64).address());
        return vector;
    }

    synchronized void rule(Rule next) {
        rule = next;
    }

    private synchronized List<byte[]> passed(boolean fromDut, byte[] frame) {
        return Seg.isTcp(frame) ? rule.out(new Seg(fromDut, frame)) : List.of(frame);
    }

    @Override
    public int transmit(long iov, int count) {
        byte[] frame = IoVec.gather(iov, count);
        for (byte[] f : passed(true, frame)) {
            out.set(ValueLayout.JAVA_LONG, 8, f.length);
            IoVec.scatter(f, out.address(), 1);
            int unused = inner.transmit(out.address(), 1);
        }
        return frame.length;
    }

    @Override
    public int receive(long iov, int count) {
        while (toDut.isEmpty()) {
            in.set(ValueLayout.JAVA_LONG, 8, ROOM);
            int rc = inner.receive(in.address(), 1);
            if (rc < 0) {
                return rc;
            }
            in.set(ValueLayout.JAVA_LONG, 8, rc);
            toDut.addAll(passed(false, IoVec.gather(in.address(), 1)));
        }
        byte[] frame = toDut.poll();
        return frame == null ? -Errno.EAGAIN : IoVec.scatter(frame, iov, count);
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
}
