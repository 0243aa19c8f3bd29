package net.tcp;

import java.nio.ByteOrder;
import java.security.DigestException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Objects;
import net.core.Cpu;
import net.core.Kernel;
import net.ipv4.Inet;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.UserBuf;
import org.agrona.UnsafeApi;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * The signature of a segment: MD5 over a pseudo header, the header without options and with a checksum of 0, the data, and
 * the secret.
 *
 * <p>The JDK's digest works on arrays, so that bytes outside the heap pass through one: nothing is allocated per segment.
 *
 * <p><b>Context:</b> one per CPU that ever signed, under its word.
 *
 * <p>RFC 2385 2.0. Linux: tcp_v4_md5_hash_hdr(), tcp_v4_md5_hash_skb(), net/ipv4/tcp_ipv4.c
 */
@SuppressWarnings("NullAway") // a null base means an absolute address
final class TcpMd5Hash implements UserBuf {
    /** Bytes of a signature. */
    static final int LENGTH = 16;

    private static final long ARRAY = UnsafeApi.arrayBaseOffset(byte[].class);
    private static final int PSEUDO = 12;
    private static final int CHUNK = 4096;

    private final MessageDigest md5;
    private final byte[] staging = new byte[CHUNK];
    private final UnsafeBuffer head = new UnsafeBuffer(staging);
    private final byte[] digest = new byte[LENGTH];

    private TcpMd5Hash(MessageDigest md5) {
        this.md5 = md5;
    }

    /** Made by {@link #prepare}, which published a key after it. */
    @HotPath
    private static TcpMd5Hash of(Cpu cpu) {
        return Objects.requireNonNull(TcpPcpu.of(cpu).md5);
    }

    /**
     * Makes the digests of all CPUs, before the first key; false if this JDK has no such algorithm.
     *
     * <p><b>Context:</b> process. Linux: tcp_md5_alloc_sigpool()
     */
    static boolean prepare(Kernel kernel) {
        for (int i = 0; i < kernel.cpus(); i++) {
            TcpPcpu pcpu = TcpPcpu.of(kernel.cpu(i));
            if (pcpu.md5 == null) {
                try {
                    pcpu.md5 = new TcpMd5Hash(MessageDigest.getInstance("MD5")); // allocates: once per CPU
                } catch (NoSuchAlgorithmException e) {
                    return false; // a JDK of restricted algorithms
                }
            }
        }
        return true;
    }

    /** Signs the segment whose header starts the packet, at {@code to}. */
    @HotPath
    static void sign(Cpu cpu, TcpMd5Key key, int saddr, int daddr, SkBuff skb, long to) {
        TcpMd5Hash hash = of(cpu);
        hash.compute(key, saddr, daddr, skb);
        UnsafeApi.copyMemory(hash.digest, ARRAY, null, to, LENGTH);
    }

    /** Does the segment whose header starts the packet have its signature at {@code at}? */
    @HotPath
    static boolean matches(Cpu cpu, TcpMd5Key key, int saddr, int daddr, SkBuff skb, long at) {
        TcpMd5Hash hash = of(cpu);
        hash.compute(key, saddr, daddr, skb);
        int differs = 0; // always all of it: how long it takes must not tell how much was right
        for (int i = 0; i < LENGTH; i++) {
            differs |= hash.digest[i] ^ UnsafeApi.getByte(at + i);
        }
        return differs == 0;
    }

    private void compute(TcpMd5Key key, int saddr, int daddr, SkBuff skb) {
        long th = skb.transportAddress();
        int length = skb.len - skb.transportOffset();
        head.putInt(0, saddr, ByteOrder.BIG_ENDIAN);
        head.putInt(4, daddr, ByteOrder.BIG_ENDIAN);
        head.putInt(8, Inet.IPPROTO_TCP << 16 | length & 0xffff, ByteOrder.BIG_ENDIAN);
        UnsafeApi.copyMemory(null, th, staging, ARRAY + PSEUDO, TcpHdr.LENGTH);
        head.putShort(PSEUDO + TcpHdr.CHECK_OFFSET, (short) 0);
        md5.update(staging, 0, PSEUDO + TcpHdr.LENGTH);
        int hdrLen = TcpHdr.lengthAt(th);
        if (skb.copyDatagram(skb.transportOffset() + hdrLen, this, length - hdrLen) != 0) {
            throw new IllegalStateException("segment of " + skb.len + " bytes ends before its length");
        }
        byte[] secret = key.secret;
        md5.update(secret, 0, secret.length);
        try {
            md5.digest(digest, 0, LENGTH);
        } catch (DigestException e) {
            throw new IllegalStateException(e); // there is room
        }
    }

    // ---- the data comes piece by piece

    @Override
    public int remaining() {
        return Integer.MAX_VALUE;
    }

    @Override
    public int copyIn(long dst, int n) {
        throw new UnsupportedOperationException("only takes bytes");
    }

    @Override
    @HotPath
    public int copyOut(long src, int n) {
        for (int done = 0; done < n; ) {
            int k = Math.min(n - done, CHUNK);
            UnsafeApi.copyMemory(null, src + done, staging, ARRAY, k);
            md5.update(staging, 0, k);
            done += k;
        }
        return n;
    }

    @Override
    public void advance(int n) {}

    @Override
    public void revert(int n) {}
}
