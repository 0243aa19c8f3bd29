package net.testkit.packetdrill;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import net.core.sock.Cmsg;
import net.core.sock.Msghdr;
import net.core.sock.SockConst;
import net.core.sock.SockExtendedErr;
import org.jspecify.annotations.Nullable;

/**
 * A struct msghdr of a 64-bit machine in native memory, and the control messages that scripts know.
 *
 * <p>Linux: struct user_msghdr, struct cmsghdr, include/linux/socket.h; struct sock_extended_err; enum TCP_NLA_xxx
 */
final class LinuxMsg {
    private static final int LENGTH = 56;
    private static final int CONTROL_ROOM = 4096;
    private static final int CONTROL_OFFSET = 32;
    private static final int CONTROL_LENGTH_OFFSET = 40;
    private static final int FLAGS_OFFSET = 48;
    private static final int CMSG_HEADER = 16;
    private static final int SOL_IP = 0;
    private static final int IP_RECVERR = 11;
    private static final int SCM_TIMESTAMPING = 37;

    private final MemorySegment header;
    private final MemorySegment control;

    LinuxMsg(LinuxCalls calls, @Nullable MemorySegment name, long iov, int iovCount, boolean wantControl) {
        header = calls.allocate(LENGTH);
        control = calls.allocate(CONTROL_ROOM);
        if (name != null) {
            header.set(ValueLayout.JAVA_LONG, 0, name.address());
            header.set(ValueLayout.JAVA_INT, 8, (int) name.byteSize());
        }
        header.set(ValueLayout.JAVA_LONG, 16, iov);
        header.set(ValueLayout.JAVA_LONG, 24, iovCount);
        if (wantControl) {
            room(CONTROL_ROOM);
        }
    }

    private void room(long bytes) {
        header.set(ValueLayout.JAVA_LONG, CONTROL_OFFSET, control.address());
        header.set(ValueLayout.JAVA_LONG, CONTROL_LENGTH_OFFSET, bytes);
    }

    long address() {
        return header.address();
    }

    /** Takes over the control messages of a send: an int each. */
    void control(Msghdr msg) {
        long at = 0;
        for (Cmsg c = msg.control; c != null; c = c.next) {
            control.set(ValueLayout.JAVA_LONG, at, CMSG_HEADER + 4);
            control.set(ValueLayout.JAVA_INT, at + 8, c.level);
            control.set(ValueLayout.JAVA_INT, at + 12, c.type);
            control.set(ValueLayout.JAVA_INT, at + CMSG_HEADER, (int) c.value);
            at += CMSG_HEADER + 8;
        }
        if (at > 0) {
            room(at);
        }
    }

    /** Gives a message what the kernel filled in. */
    void received(Msghdr msg) {
        msg.flags = header.get(ValueLayout.JAVA_INT, FLAGS_OFFSET);
        long end = msg.wantControl ? header.get(ValueLayout.JAVA_LONG, CONTROL_LENGTH_OFFSET) : 0;
        long at = 0;
        while (at + CMSG_HEADER <= end) {
            long length = control.get(ValueLayout.JAVA_LONG, at);
            int level = control.get(ValueLayout.JAVA_INT, at + 8);
            int type = control.get(ValueLayout.JAVA_INT, at + 12);
            ByteBuffer data = control.asSlice(at + CMSG_HEADER, length - CMSG_HEADER)
                    .asByteBuffer()
                    .order(ByteOrder.nativeOrder());
            msg.addCmsg(cmsg(level, type, data));
            at += length + 7 & ~7L;
        }
    }

    private static Cmsg cmsg(int level, int type, ByteBuffer data) {
        if (level == SOL_IP && type == IP_RECVERR) {
            return new Cmsg(level, type, 0, 0, extendedErr(data));
        }
        if (level == SockConst.SOL_SOCKET && type == SCM_TIMESTAMPING) {
            return new Cmsg(level, type, data.getLong(0) * 1_000_000_000L + data.getLong(8));
        }
        if (level == SockConst.SOL_SOCKET && type == SockConst.SCM_TIMESTAMPING_OPT_STATS) {
            byte[] attributes = new byte[data.remaining()];
            data.get(attributes);
            return new Cmsg(level, type, 0, 0, attributes);
        }
        return new Cmsg(level, type, data.remaining() >= 4 ? data.getInt(0) : data.get(0) & 0xff);
    }

    private static SockExtendedErr extendedErr(ByteBuffer data) {
        SockExtendedErr e = new SockExtendedErr();
        e.errno = data.getInt(0);
        e.origin = data.get(4) & 0xff;
        e.type = data.get(5) & 0xff;
        e.code = data.get(6) & 0xff;
        e.info = data.getInt(8);
        e.data = data.getInt(12);
        return e;
    }
}
