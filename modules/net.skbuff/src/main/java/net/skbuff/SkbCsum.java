package net.skbuff;

/**
 * The state of a packet's checksum as it goes up the stack.
 *
 * <p>Linux: __skb_checksum_complete(), skb_postpull_rcsum(), pskb_trim_rcsum_slow(), net/core/skbuff.c
 */
@HotPath
final class SkbCsum {
    /** A packet up to this long is summed at once rather than while it is copied to the program. */
    private static final int CHECKSUM_BREAK = 76;

    private SkbCsum() {}

    static int validate(SkBuff skb, int pseudo, boolean complete) {
        skb.csumValid = false;
        if (skb.csumUnnecessary()) {
            skb.decrChecksumUnnecessary();
            return 0;
        }
        if (skb.ipSummed == SkBuff.CHECKSUM_COMPLETE && Checksum.fold(Checksum.add(pseudo, skb.csum)) == 0) {
            skb.csumValid = true;
            return 0;
        }
        skb.csum = pseudo;
        if (complete || skb.len <= CHECKSUM_BREAK) {
            int bad = complete(skb, skb.len);
            skb.csumValid = bad == 0;
            return bad;
        }
        return 0;
    }

    static int complete(SkBuff skb, int n) {
        int whole = skb.checksum(0, n, 0);
        int bad = Checksum.fold(Checksum.add(skb.csum, whole));
        if (!skb.shared()) {
            if (n == skb.len) {
                skb.csum = whole;
                skb.ipSummed = SkBuff.CHECKSUM_COMPLETE;
                skb.csumCompleteSw = true;
            }
            skb.csumValid = bad == 0;
        }
        return bad;
    }

    static void postpull(SkBuff skb, long address, int n) {
        if (skb.ipSummed == SkBuff.CHECKSUM_COMPLETE) {
            skb.csum = Checksum.sub(skb.csum, Checksum.partial(address, n, 0));
        } else if (skb.ipSummed == SkBuff.CHECKSUM_PARTIAL && skb.checksumStartOffset() < 0) {
            skb.ipSummed = SkBuff.CHECKSUM_NONE;
        }
    }

    /** The bytes from {@code newLen} on are about to go. */
    static void beforeTrim(SkBuff skb, int newLen) {
        if (skb.ipSummed == SkBuff.CHECKSUM_COMPLETE) {
            int gone = skb.checksum(newLen, skb.len - newLen, 0);
            skb.csum = Checksum.blockSub(skb.csum, gone, newLen);
        } else if (skb.ipSummed == SkBuff.CHECKSUM_PARTIAL) {
            int end = skb.checksumStartOffset() + skb.csumOffset + 2;
            if (end > newLen) {
                skb.ipSummed = SkBuff.CHECKSUM_NONE;
            }
        }
    }

    /**
     * From {@code off} to the end goes to the program. {@link SkBuff#csum} holds the pseudo header's sum. Linux sums
     * while it copies; here the sum is proved first when the packet is small enough for the cache, which all are.
     */
    static int copyAndChecksumDatagram(SkBuff skb, int off, UserBuf to) {
        int n = skb.len - off;
        if (!skb.csumUnnecessary() && complete(skb, skb.len) != 0) {
            return -Errno.EINVAL;
        }
        return skb.copyDatagram(off, to, Math.min(n, to.remaining()));
    }
}
