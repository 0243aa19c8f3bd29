package net.testkit;

import org.agrona.UnsafeApi;

/** Frames as byte arrays at one side, arrays of {@code struct iovec} at the other. */
public final class IoVec {
    private static final int LENGTH = 16;

    private IoVec() {}

    /** All bytes that an array of {@code count} vectors covers. */
    public static byte[] gather(long iov, int count) {
        int bytes = 0;
        for (int i = 0; i < count; i++) {
            bytes += (int) UnsafeApi.getLong(iov + (long) i * LENGTH + 8);
        }
        byte[] frame = new byte[bytes];
        int at = 0;
        for (int i = 0; i < count; i++) {
            long address = UnsafeApi.getLong(iov + (long) i * LENGTH);
            int len = (int) UnsafeApi.getLong(iov + (long) i * LENGTH + 8);
            for (int k = 0; k < len; k++) {
                frame[at++] = UnsafeApi.getByte(address + k);
            }
        }
        return frame;
    }

    /** Fills the vectors in their order. @return bytes that found room */
    public static int scatter(byte[] frame, long iov, int count) {
        int at = 0;
        for (int i = 0; i < count && at < frame.length; i++) {
            long address = UnsafeApi.getLong(iov + (long) i * LENGTH);
            int len = (int) Math.min(UnsafeApi.getLong(iov + (long) i * LENGTH + 8), frame.length - at);
            for (int k = 0; k < len; k++) {
                UnsafeApi.putByte(address + k, frame[at++]);
            }
        }
        return at;
    }
}
