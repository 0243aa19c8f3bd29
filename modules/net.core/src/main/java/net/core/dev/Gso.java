package net.core.dev;

import net.core.Cpu;
import net.skbuff.Checksum;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbSharedInfo;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * Software segmentation and checksum for devices that lack them.
 *
 * <p>Linux: net/core/gso.c, skb_checksum_help() in net/core/dev.c
 */
public final class Gso {
    private static final int UDP_HLEN = 8;

    private Gso() {}

    /**
     * Splits a GSO packet whose data starts at the link header. {@code skb} stays the caller's.
     *
     * @return the segments, {@code skb} itself if it may pass whole, or null on failure
     *     <p>Linux: __skb_gso_segment()
     */
    public static @Nullable SkBuff skbGsoSegment(Cpu cpu, SkBuff skb, long features, boolean txPath) {
        boolean needCheck = txPath
                ? skb.ipSummed != SkBuff.CHECKSUM_PARTIAL && skb.ipSummed != SkBuff.CHECKSUM_UNNECESSARY
                : skb.ipSummed == SkBuff.CHECKSUM_NONE;
        if (needCheck && skb.cowHead(cpu, 0) < 0) {
            return null;
        }
        SkbGsoCb.setMacOffset(skb, skb.headroom());
        SkbGsoCb.setEncapLevel(skb, 0);
        skb.resetMacHeader();
        skb.resetMacLen();
        return skbMacGsoSegment(cpu, skb, features);
    }

    /** Hands the packet to the protocol of its ethertype, data at the network header. Linux: skb_mac_gso_segment(). */
    private static @Nullable SkBuff skbMacGsoSegment(Cpu cpu, SkBuff skb, long features) {
        OffloadCallbacks ptype = cpu.sd.globals().offloadFor(skb.protocol);
        int depth = skb.networkHeader - skb.data;
        if (ptype == null || depth < 0 || depth > skb.headlen()) {
            return null;
        }
        int mac = skb.data;
        skb.pull(depth);
        SkBuff segs = ptype.gsoSegment(cpu, skb, features);
        skb.push(skb.data - mac);
        return segs;
    }

    /** Length of the transport header as far as GSO needs it, bytes. Linux: skb_gso_transport_seglen() less gso_size. */
    @HotPath
    public static int transportHeaderLen(SkBuff skb) {
        int type = skb.shinfo().gsoType;
        if ((type & (SkbSharedInfo.SKB_GSO_TCPV4 | SkbSharedInfo.SKB_GSO_TCPV6)) != 0) {
            return (UnsafeApi.getByte(skb.transportAddress() + 12) >> 2) & 0x3c;
        }
        return (type & (SkbSharedInfo.SKB_GSO_UDP_L4 | SkbSharedInfo.SKB_GSO_UDP)) != 0 ? UDP_HLEN : 0;
    }

    /** Length of a segment from the network header on, bytes. Linux: skb_gso_network_seglen(). */
    @HotPath
    public static int networkSeglen(SkBuff skb) {
        return skb.transportHeader - skb.networkHeader + transportHeaderLen(skb) + skb.shinfo().gsoSize;
    }

    /** Tells whether every segment fits {@code mtu}. Linux: skb_gso_validate_network_len(). */
    @HotPath
    public static boolean validateNetworkLen(SkBuff skb, int mtu) {
        return networkSeglen(skb) <= mtu;
    }

    /** Tells whether every segment with its link header fits {@code len}. Linux: skb_gso_validate_mac_len(). */
    public static boolean validateMacLen(SkBuff skb, int len) {
        return skb.networkHeader - skb.macHeader + networkSeglen(skb) <= len;
    }

    /**
     * Finishes a segment's checksum: the sum of the payload is known, {@code res} is the pseudo header's and transport
     * header's part. Returns the folded value to store.
     *
     * <p>Linux: gso_make_checksum()
     */
    @HotPath
    public static int makeChecksum(SkBuff skb, int res) {
        int start = skb.transportHeader;
        int plen = SkbGsoCb.csumStart(skb) - start;
        int partial = SkbGsoCb.csum(skb);
        SkbGsoCb.setCsum(skb, res);
        SkbGsoCb.setCsumStart(skb, start);
        return Checksum.fold(Checksum.partial(skb.head() + start, plen, partial));
    }

    /**
     * Computes the checksum a packet still lacks. Returns 0 or a negative errno.
     *
     * <p>Linux: skb_checksum_help(), net/core/dev.c
     */
    public static int skbChecksumHelp(Cpu cpu, SkBuff skb) {
        if (skb.ipSummed == SkBuff.CHECKSUM_COMPLETE) {
            skb.ipSummed = SkBuff.CHECKSUM_NONE;
            return 0;
        }
        if (skb.shinfo().gsoSize != 0) {
            return -Errno.EINVAL;
        }
        int offset = skb.checksumStartOffset();
        if (offset < 0 || offset >= skb.headlen() || offset + skb.csumOffset + 2 > skb.headlen()) {
            return -Errno.EINVAL;
        }
        int csum = skb.checksum(offset, skb.len - offset, 0);
        int err = skb.ensureWritable(cpu, offset + skb.csumOffset + 2);
        if (err != 0) {
            return err;
        }
        int folded = Checksum.fold(csum);
        EthHdr.putBe16(skb.dataAddress() + offset + skb.csumOffset, folded == 0 ? 0xffff : folded);
        skb.ipSummed = SkBuff.CHECKSUM_NONE;
        return 0;
    }
}
