package net.core.sock;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import net.core.Net;
import org.jspecify.annotations.Nullable;

/**
 * The program's half of a socket: between its {@link File} and its {@link Sock}.
 *
 * <p><b>Context:</b> {@link #state} under the socket lock; {@link #flags} atomically by anyone.
 *
 * <p>Linux: struct socket, include/linux/net.h
 */
public final class Socket {
    // States of a socket, as connect and accept see it.
    public static final int SS_FREE = 0;
    public static final int SS_UNCONNECTED = 1;
    public static final int SS_CONNECTING = 2;
    public static final int SS_CONNECTED = 3;
    public static final int SS_DISCONNECTING = 4;

    /** {@link #flags}: a writer or poller met a full buffer and wants to hear of room. */
    public static final int SOCK_NOSPACE = 1 << 2;

    public static final int SOCK_PASSCRED = 1 << 3;

    /** Zero-copy is possible: SO_ZEROCOPY may be set. */
    public static final int SOCK_SUPPORT_ZC = 1 << 5;

    /** The protocol wants setsockopt of SOL_SOCKET itself. */
    public static final int SOCK_CUSTOM_SOCKOPT = 1 << 6;

    private static final VarHandle FLAGS;

    static {
        try {
            FLAGS = MethodHandles.lookup().findVarHandle(Socket.class, "flags", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    public final Net net;
    public final short type;
    public volatile byte state = SS_UNCONNECTED;
    private volatile int flags;

    /** Null only while the family creates the socket. */
    public @Nullable ProtoOps ops;

    /** Null until created and once released. */
    public volatile @Nullable Sock sk;

    /** The open file; null for a socket of the kernel's own. */
    public @Nullable File file;

    public Socket(Net net, int type) {
        this.net = net;
        this.type = (short) type;
    }

    public boolean testFlag(int flag) {
        return (flags & flag) != 0;
    }

    public void setFlag(int flag) {
        if ((flags & flag) == 0) {
            FLAGS.getAndBitwiseOr(this, flag);
        }
    }

    public void clearFlag(int flag) {
        if ((flags & flag) != 0) {
            FLAGS.getAndBitwiseAnd(this, ~flag);
        }
    }

    /** The operations of a socket that has been created. */
    public ProtoOps ops() {
        return java.util.Objects.requireNonNull(ops);
    }
}
