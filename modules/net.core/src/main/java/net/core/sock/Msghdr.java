package net.core.sock;

import net.skbuff.UserBuf;
import org.jspecify.annotations.Nullable;

/**
 * What sendmsg and recvmsg carry between a program and a protocol: the user memory, the peer's name, flags and control
 * messages. Reusable: {@link #reset} before each call.
 *
 * <p>Context: belongs to the calling thread for the length of the call.
 *
 * <p>Linux: struct msghdr, include/linux/socket.h
 */
public final class Msghdr {
    /** Source of a send, destination of a receive; advanced as bytes move. */
    public @Nullable UserBuf iter;

    /**
     * Send: the destination, or null for a connected socket. Receive: an object of the family's address class to fill,
     * or null if the caller doesn't care; a protocol that fills it sets {@link #nameSet}.
     */
    public @Nullable SockAddr name;

    /** A receive filled {@link #name}. */
    public boolean nameSet;

    /** MSG_xxx: of the request on the way in, of the result (MSG_TRUNC, MSG_OOB, ...) on the way out. */
    public int flags;

    /** First of the control messages. */
    public @Nullable Cmsg control;

    /** Receive: the caller wants control messages. */
    public boolean wantControl;

    /** MSG_ZEROCOPY: the completion that send's pages report to; or null. */
    public net.skbuff.@Nullable UbufInfo ubuf;

    /** Receive: set by the protocol when it wants SCM_INQ appended (TCP_INQ); bytes in the queue. */
    public int inq;

    public boolean getInq;

    /** Receive stamp of the last byte read from a stream, nanoseconds since 1970; 0: none. */
    public long rxStampNs;

    /** Negative errno of a helper that answered null instead of a packet. */
    public int err;

    public Msghdr reset(@Nullable UserBuf iter, @Nullable SockAddr name, int flags) {
        this.iter = iter;
        this.name = name;
        this.nameSet = false;
        this.flags = flags;
        this.control = null;
        this.wantControl = false;
        this.ubuf = null;
        this.inq = 0;
        this.getInq = false;
        this.rxStampNs = 0;
        return this;
    }

    /** Appends a control message to what the program will see; MSG_CTRUNC if it gave no room for any. Linux: put_cmsg() */
    public void putCmsg(int level, int type, long value) {
        putCmsg(level, type, value, 0, null);
    }

    public void putCmsg(int level, int type, long value, long value2, @Nullable Object object) {
        if (wantControl) {
            addCmsg(new Cmsg(level, type, value, value2, object));
        } else {
            flags |= SockConst.MSG_CTRUNC;
        }
    }

    /** Appends a control message whatever {@link #wantControl} says: for building a send. */
    public Msghdr addCmsg(Cmsg cmsg) {
        Cmsg last = control;
        if (last == null) {
            control = cmsg;
        } else {
            while (last.next != null) {
                last = last.next;
            }
            last.next = cmsg;
        }
        return this;
    }

    /** The first control message of this level and type, or null. */
    public @Nullable Cmsg cmsg(int level, int type) {
        for (Cmsg c = control; c != null; c = c.next) {
            if (c.level == level && c.type == type) {
                return c;
            }
        }
        return null;
    }

    /** Bytes left to move. */
    public int dataLeft() {
        return iter == null ? 0 : iter.remaining();
    }
}
