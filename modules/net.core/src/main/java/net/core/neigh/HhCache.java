package net.core.neigh;

import net.core.dev.EthHdr;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;

/**
 * A neighbour's Ethernet header, built once and copied in front of each packet.
 *
 * <p>Immutable and replaced as a whole: {@code Deviation:} Linux guards it with a sequence lock.
 *
 * <p>Linux: struct hh_cache
 */
public final class HhCache {
    private final long first8;
    private final int next4;
    private final short last2;

    /** Builds the header for {@code dest} from {@code source}. */
    public HhCache(byte[] dest, byte[] source, int type) {
        byte[] b = new byte[16];
        System.arraycopy(dest, 0, b, 0, EthHdr.ETH_ALEN);
        System.arraycopy(source, 0, b, EthHdr.SOURCE_OFFSET, EthHdr.ETH_ALEN);
        b[12] = (byte) (type >> 8);
        b[13] = (byte) type;
        java.nio.ByteBuffer buf = java.nio.ByteBuffer.wrap(b).order(java.nio.ByteOrder.nativeOrder());
        first8 = buf.getLong(0);
        next4 = buf.getInt(8);
        last2 = buf.getShort(12);
    }

    /** Pushes the header; there are 14 bytes of headroom. */
    @HotPath
    public void push(SkBuff skb) {
        skb.push(EthHdr.ETH_HLEN);
        long a = skb.dataAddress();
        UnsafeApi.putLong(a, first8);
        UnsafeApi.putInt(a + 8, next4);
        UnsafeApi.putShort(a + 12, last2);
    }
}
