package drivers.tapnic;

/**
 * The time a frame takes on a physical wire that the TAP does not have: line rate with preamble, inter-frame gap and
 * CRC, a delay before the card reports completion, whether pause frames are honoured and whether frames carry a check
 * sequence. With rate 0 and delay 0 a frame completes within its doorbell.
 *
 * @param bitsPerSecond line rate; 0: unlimited
 * @param completionDelayNs from the last bit to the write-back
 * @param pause whether IEEE 802.3x pause frames stop the transmitter and a short receive ring sends them
 * @param overheadBytes what a frame occupies beside its own bytes, {@value #OVERHEAD_BYTES} by the standard
 * @param fcs whether frames are padded and carry a CRC-32, which the card appends and checks; a {@link FcsWire} is then at
 *     the other end. Without offloads only: what carries one is a frame as the cable has it
 */
public record WireModel(long bitsPerSecond, long completionDelayNs, boolean pause, int overheadBytes, boolean fcs) {
    /** 7 bytes of preamble, 1 of start delimiter, 4 of CRC, 12 of inter-frame gap. */
    public static final int OVERHEAD_BYTES = 24;

    /** Without CRC: what a frame is padded to. */
    public static final int MIN_FRAME_BYTES = 60;

    /** One pause quantum is this many bit times. RFC-less: IEEE 802.3 annex 31B. */
    public static final int PAUSE_QUANTUM_BITS = 512;

    public static final WireModel NONE = new WireModel(0, 0, false);

    public WireModel {
        if (bitsPerSecond < 0 || completionDelayNs < 0 || overheadBytes < 0) {
            throw new IllegalArgumentException("wire model: rate, delay and overhead cannot be negative");
        }
    }

    /** With the standard's overhead and without check sequences. */
    public WireModel(long bitsPerSecond, long completionDelayNs, boolean pause) {
        this(bitsPerSecond, completionDelayNs, pause, OVERHEAD_BYTES, false);
    }

    public boolean immediate() {
        return bitsPerSecond == 0 && completionDelayNs == 0;
    }

    /** How long a frame occupies the wire. A segmentation offload counts each of its segments' overheads. */
    public long serializationNs(int frameBytes, int gsoSize, int headerBytes) {
        if (bitsPerSecond == 0) {
            return 0;
        }
        long bytes;
        if (gsoSize > 0 && frameBytes > headerBytes) {
            int payload = frameBytes - headerBytes;
            int segments = (payload + gsoSize - 1) / gsoSize;
            bytes = payload + (long) segments * (headerBytes + overheadBytes);
        } else {
            bytes = Math.max(frameBytes, MIN_FRAME_BYTES) + (long) overheadBytes;
        }
        return (bytes * 8 * 1_000_000_000L) / bitsPerSecond;
    }

    public long pauseNs(int quanta) {
        return bitsPerSecond == 0 ? 0 : (long) quanta * PAUSE_QUANTUM_BITS * 1_000_000_000L / bitsPerSecond;
    }
}
