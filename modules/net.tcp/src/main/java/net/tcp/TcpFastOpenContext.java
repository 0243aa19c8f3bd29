package net.tcp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import net.core.Kernel;
import net.skbuff.SipHash;
import org.jspecify.annotations.Nullable;

/**
 * The keys under which a server makes fast open cookies: one, or a second one whose cookies are good as well while keys
 * are changed.
 *
 * <p>A cookie is SipHash-2-4 over the peer's and our address. As text a key is four hexadecimal words, least significant
 * byte first: the sysctl's form; two keys are joined by a comma.
 *
 * <p><b>Context:</b> immutable.
 *
 * <p>Linux: struct tcp_fastopen_context, include/linux/tcp.h; tcp_fastopen_cookie_gen(), net/ipv4/tcp_fastopen.c
 */
final class TcpFastOpenContext {
    /** Bytes of a key. */
    static final int KEY_LENGTH = 16;
    /** Bytes of two. */
    static final int KEY_BUF_LENGTH = 2 * KEY_LENGTH;

    /** What the sysctl says while there are none. */
    static final String NO_KEYS = "00000000-00000000-00000000-00000000";

    private final byte[] keys;
    private final SipHash[] hashes;

    /** {@code keys}: one key's bytes or two's. */
    TcpFastOpenContext(byte[] keys) {
        this.keys = keys.clone();
        hashes = new SipHash[keys.length / KEY_LENGTH];
        ByteBuffer b = ByteBuffer.wrap(this.keys).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < hashes.length; i++) {
            hashes[i] = new SipHash(b.getLong(), b.getLong());
        }
    }

    /** A random key. Linux: tcp_fastopen_init_key_once(). */
    static TcpFastOpenContext random(Kernel kernel) {
        SipHash secret = kernel.bootSecret("tcp fast open");
        int salt = kernel.getRandomU32();
        ByteBuffer b = ByteBuffer.allocate(KEY_LENGTH);
        b.putLong(secret.hash32(salt, 1)).putLong(secret.hash32(salt, 2));
        return new TcpFastOpenContext(b.array());
    }

    /** Number of keys. */
    int count() {
        return hashes.length;
    }

    /** The keys' bytes. */
    byte[] bytes() {
        return keys.clone();
    }

    /** The cookie of a peer. Addresses are host-order ints. */
    TcpFastOpenCookie cookie(int key, int peer, int local) {
        long path = Integer.toUnsignedLong(Integer.reverseBytes(peer)) | (long) Integer.reverseBytes(local) << 32;
        long hash = hashes[key].hash(path);
        byte[] value = new byte[Long.BYTES]; // allocates: a handshake that opens fast
        for (int i = 0; i < value.length; i++) {
            value[i] = (byte) (hash >>> 8 * i);
        }
        return new TcpFastOpenCookie(value, false);
    }

    /** Reads the sysctl's form; null if it is none. */
    static @Nullable TcpFastOpenContext parse(String text) {
        String[] parts = text.split(",", -1);
        if (parts.length > 2) {
            return null;
        }
        ByteBuffer b = ByteBuffer.allocate(parts.length * KEY_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
        for (String part : parts) {
            String[] words = part.trim().split("-", -1);
            if (words.length != 4) {
                return null;
            }
            for (String word : words) {
                try {
                    b.putInt(Integer.parseUnsignedInt(word, 16));
                } catch (NumberFormatException e) {
                    return null;
                }
            }
        }
        return new TcpFastOpenContext(b.array());
    }

    /** The sysctl's form. */
    @Override
    public String toString() {
        ByteBuffer b = ByteBuffer.wrap(keys).order(ByteOrder.LITTLE_ENDIAN);
        StringBuilder s = new StringBuilder();
        for (int i = 0; i < keys.length / 4; i++) {
            s.append(i == 0 ? "" : i % 4 == 0 ? "," : "-").append(String.format("%08x", b.getInt()));
        }
        return s.toString();
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof TcpFastOpenContext c && Arrays.equals(keys, c.keys);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(keys);
    }
}
