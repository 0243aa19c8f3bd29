package drivers.tapnic;

import java.lang.foreign.Arena;
import org.agrona.UnsafeApi;

/**
 * The far card of a modelled wire: what comes from ours has its frame check sequence checked and taken off before the
 * TAP gets it, a damaged frame is dropped and counted; what goes to ours is padded to Ethernet's least length and gets
 * one. Whatever damages frames stands between the two cards.
 *
 * <p>Context: as a {@link Wire}; the counter has the transmitting side as its writer.
 */
public final class FcsWire implements Wire {
    private static final int IOVEC_LENGTH = 16;
    private static final int FRAME_ROOM = 128 * 1024;

    private final Wire inner;
    private final Arena arena = Arena.ofShared();
    private final long outIov = arena.allocate(IOVEC_LENGTH, 16).address();
    private final long inIov = arena.allocate(2L * IOVEC_LENGTH, 16).address();
    private final long outFrame = arena.allocate(FRAME_ROOM, 64).address();
    private final long inFrame = arena.allocate(FRAME_ROOM, 64).address();
    private long crcErrors;

    public FcsWire(Wire inner) {
        this.inner = inner;
    }

    /** Frames from our card that arrived damaged. Any context. */
    public long crcErrors() {
        return crcErrors;
    }

    @Override
    public int transmit(long iov, int count) {
        int bytes = 0;
        for (int i = 0; i < count; i++) {
            long len = UnsafeApi.getLong(iov + (long) i * IOVEC_LENGTH + 8);
            UnsafeApi.copyMemory(UnsafeApi.getLong(iov + (long) i * IOVEC_LENGTH), outFrame + bytes, len);
            bytes += (int) len;
        }
        int frame = bytes - VirtioNetHdr.LENGTH - Fcs.LENGTH;
        UnsafeApi.putLong(outIov, outFrame + VirtioNetHdr.LENGTH);
        UnsafeApi.putLong(outIov + 8, frame + Fcs.LENGTH);
        if (frame < 14 || Fcs.of(outIov, 0, frame) != Fcs.received(outIov, 0, frame)) {
            crcErrors++;
            return bytes; // our card has sent it; it cannot know
        }
        UnsafeApi.putLong(outIov, outFrame);
        UnsafeApi.putLong(outIov + 8, VirtioNetHdr.LENGTH + frame);
        int rc = inner.transmit(outIov, 1);
        return rc < 0 ? rc : bytes;
    }

    @Override
    public int receive(long iov, int count) {
        UnsafeApi.putLong(inIov, inFrame);
        UnsafeApi.putLong(inIov + 8, FRAME_ROOM - WireModel.MIN_FRAME_BYTES);
        int rc = inner.receive(inIov, 1);
        if (rc < VirtioNetHdr.LENGTH) {
            return rc;
        }
        int frame = rc - VirtioNetHdr.LENGTH;
        if (frame < WireModel.MIN_FRAME_BYTES) {
            UnsafeApi.setMemory(inFrame + rc, WireModel.MIN_FRAME_BYTES - frame, (byte) 0);
            frame = WireModel.MIN_FRAME_BYTES;
        }
        UnsafeApi.putLong(inIov, inFrame + VirtioNetHdr.LENGTH);
        UnsafeApi.putLong(inIov + 8, frame);
        Fcs.put(inFrame + VirtioNetHdr.LENGTH + frame, Fcs.of(inIov, 0, frame));
        int bytes = VirtioNetHdr.LENGTH + frame + Fcs.LENGTH;
        int at = 0;
        for (int i = 0; i < count && at < bytes; i++) {
            long n = Math.min(UnsafeApi.getLong(iov + (long) i * IOVEC_LENGTH + 8), bytes - at);
            UnsafeApi.copyMemory(inFrame + at, UnsafeApi.getLong(iov + (long) i * IOVEC_LENGTH), n);
            at += (int) n;
        }
        return at;
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
