package net.core.sock;

import org.jspecify.annotations.Nullable;

/**
 * One control message of a {@link Msghdr}: level, type and a value that is a number, two numbers (timestamps in
 * nanoseconds, or address and interface) or an object.
 *
 * <p>{@code Deviation:} Linux marshals them into one buffer of {@code msg_controllen} bytes and truncates; here they are
 * a short list: MSG_CTRUNC says that there was no room for any.
 *
 * <p>Linux: struct cmsghdr, put_cmsg(), net/core/scm.c
 */
public final class Cmsg {
    public final int level;
    public final int type;
    public final long value;
    public final long value2;
    public final @Nullable Object object;

    /** Next of the same message. */
    public @Nullable Cmsg next;

    public Cmsg(int level, int type, long value, long value2, @Nullable Object object) {
        this.level = level;
        this.type = type;
        this.value = value;
        this.value2 = value2;
        this.object = object;
    }

    public Cmsg(int level, int type, long value) {
        this(level, type, value, 0, null);
    }

    @Override
    public String toString() {
        return "cmsg " + level + "/" + type + "=" + (object != null ? object : value);
    }
}
