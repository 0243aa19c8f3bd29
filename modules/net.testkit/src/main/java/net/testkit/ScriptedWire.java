package net.testkit;

import drivers.tapnic.VirtioNetHdr;
import drivers.tapnic.Wire;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import net.skbuff.Errno;
import org.agrona.UnsafeApi;

/** A wire in a test's hands: keeps what is sent, gives what the test put in. Frames carry their virtio header. */
public final class ScriptedWire implements Wire {
    public final List<byte[]> sent = new ArrayList<>();
    public final Deque<byte[]> arriving = new ArrayDeque<>();
    private Signal signal = () -> {};

    @Override
    public int transmit(long iov, int count) {
        int total = 0;
        for (int i = 0; i < count; i++) {
            total += (int) UnsafeApi.getLong(iov + 16L * i + 8);
        }
        byte[] frame = new byte[total];
        int at = 0;
        for (int i = 0; i < count; i++) {
            long address = UnsafeApi.getLong(iov + 16L * i);
            int len = (int) UnsafeApi.getLong(iov + 16L * i + 8);
            for (int b = 0; b < len; b++) {
                frame[at++] = UnsafeApi.getByte(address + b);
            }
        }
        sent.add(frame);
        return total;
    }

    @Override
    public int receive(long iov, int count) {
        byte[] frame = arriving.poll();
        if (frame == null) {
            return -Errno.EAGAIN;
        }
        int at = 0;
        for (int i = 0; i < count && at < frame.length; i++) {
            long address = UnsafeApi.getLong(iov + 16L * i);
            int len = (int) UnsafeApi.getLong(iov + 16L * i + 8);
            for (int b = 0; b < len && at < frame.length; b++) {
                UnsafeApi.putByte(address + b, frame[at++]);
            }
        }
        return at;
    }

    @Override
    public void signal(Signal signal) {
        this.signal = signal;
    }

    /** A frame without offload words arrives. */
    public void arrive(byte[] frame) {
        arrive(new byte[VirtioNetHdr.LENGTH], frame);
    }

    public void arrive(byte[] header, byte[] frame) {
        byte[] both = new byte[header.length + frame.length];
        System.arraycopy(header, 0, both, 0, header.length);
        System.arraycopy(frame, 0, both, header.length, frame.length);
        arriving.add(both);
        signal.arrived();
    }
}
