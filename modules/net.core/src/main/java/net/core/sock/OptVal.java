package net.core.sock;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The value of a socket option or ioctl on its way in or out: bytes in native order as a C program would pass them, or
 * an object where the kernel has a large struct (TCP_INFO).
 *
 * <p>Linux: sockptr_t optval, int optlen
 */
public final class OptVal {
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.nativeOrder());
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

    /** In: the value given. Out: its capacity bounds what is returned. */
    public byte[] data;

    /** Bytes of {@link #data} that are valid: {@code optlen}. */
    public int len;

    /** Structured value, where an option has one. */
    public @Nullable Object object;

    public OptVal(byte[] data) {
        this.data = data;
        this.len = data.length;
    }

    /** Room for {@code capacity} bytes of answer. */
    public OptVal(int capacity) {
        this(new byte[capacity]);
    }

    public static OptVal ofInt(int value) {
        return new OptVal(4).setInt(value);
    }

    public static OptVal ofLong(long value) {
        return new OptVal(8).setLong(value);
    }

    /** Two ints, as struct linger or struct sock_txtime. */
    public static OptVal ofInts(int first, int second) {
        OptVal v = new OptVal(8);
        INT.set(v.data, 0, first);
        INT.set(v.data, 4, second);
        return v;
    }

    /** A struct timeval of 64-bit seconds and microseconds, rounded down. */
    public static OptVal ofTimevalNs(long ns) {
        OptVal v = new OptVal(16);
        LONG.set(v.data, 0, ns / 1_000_000_000L);
        LONG.set(v.data, 8, ns % 1_000_000_000L / 1_000);
        return v;
    }

    public static OptVal ofString(String text) {
        return new OptVal(text.getBytes(StandardCharsets.US_ASCII));
    }

    public static OptVal ofObject(Object object) {
        OptVal v = new OptVal(0);
        v.object = object;
        return v;
    }

    /** The int at the start; the caller has checked {@link #len}. */
    public int getInt() {
        return (int) INT.get(data, 0);
    }

    public int getInt(int byteOffset) {
        return (int) INT.get(data, byteOffset);
    }

    public long getLong() {
        return (long) LONG.get(data, 0);
    }

    public long getLong(int byteOffset) {
        return (long) LONG.get(data, byteOffset);
    }

    /** The text up to the first NUL. */
    public String getString() {
        int n = 0;
        while (n < len && data[n] != 0) {
            n++;
        }
        return new String(data, 0, n, StandardCharsets.US_ASCII);
    }

    /** Answers an int; truncated, as Linux does, if the caller left less room. */
    public OptVal setInt(int value) {
        ensure(4);
        INT.set(data, 0, value);
        len = Math.min(len, 4);
        return this;
    }

    public OptVal setInts(int... values) {
        ensure(4 * values.length);
        for (int i = 0; i < values.length; i++) {
            INT.set(data, 4 * i, values[i]);
        }
        len = Math.min(len, 4 * values.length);
        return this;
    }

    public OptVal setLong(long value) {
        ensure(8);
        LONG.set(data, 0, value);
        len = Math.min(len, 8);
        return this;
    }

    public OptVal setLongs(long first, long second) {
        ensure(16);
        LONG.set(data, 0, first);
        LONG.set(data, 8, second);
        len = Math.min(len, 16);
        return this;
    }

    public OptVal setString(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        ensure(bytes.length);
        System.arraycopy(bytes, 0, data, 0, bytes.length);
        len = Math.min(len, bytes.length);
        return this;
    }

    public OptVal setObject(Object value) {
        object = value;
        return this;
    }

    private void ensure(int bytes) {
        if (data.length < bytes) {
            data = java.util.Arrays.copyOf(data, bytes);
        }
    }
}
