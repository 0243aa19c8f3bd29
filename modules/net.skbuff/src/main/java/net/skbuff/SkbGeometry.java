package net.skbuff;

import org.jspecify.annotations.Nullable;

/**
 * Where a packet's bytes and headers lie, and how a layer moves over them: nothing is copied. The picture is {@link
 * SkBuff}'s.
 *
 * <p>Moving a pointer past its neighbour is a bug and throws.
 *
 * <p>Context: whoever owns the packet.
 *
 * <p>Linux: skb_push(), skb_pull(), skb_put(), skb_reserve(), skb_fill_page_desc(), include/linux/skbuff.h
 */
@HotPath
abstract class SkbGeometry extends SkbFields {
    SkbGeometry(SkbCache home) {
        super(home);
    }

    // ================================================================ geometry

    /** Address of the first byte of headroom. */
    public final long head() {
        return headAddress;
    }

    public final long dataAddress() {
        return headAddress + data;
    }

    public final long tailAddress() {
        return headAddress + tail;
    }

    public final int headroom() {
        return data;
    }

    /** Room behind the linear bytes; 0 if bytes in fragments follow. */
    public final int tailroom() {
        return dataLen != 0 ? 0 : end - tail;
    }

    /** Room behind the linear bytes whatever follows them. */
    public final int linearTailroom() {
        return end - tail;
    }

    /** Length of the linear part. */
    public final int headlen() {
        return len - dataLen;
    }

    public final boolean isNonlinear() {
        return dataLen != 0;
    }

    public final SkbSharedInfo shinfo() {
        SkbSharedInfo info = shinfo;
        if (info == null) {
            throw new IllegalStateException("packet is free");
        }
        return info;
    }

    @Nullable
    final SkbSharedInfo shinfoOrNull() {
        return shinfo;
    }

    /** Sets headroom aside in an empty packet. */
    public final void reserve(int n) {
        if (n < 0 ? data + n < 0 : tail + n > end) {
            throw over("reserve", n);
        }
        data += n;
        tail += n;
    }

    /** Appends {@code n} bytes to the linear part; returns the offset of the first. */
    public final int put(int n) {
        int old = tail;
        if (n < 0 || n > end - old || dataLen != 0) {
            throw over("put", n);
        }
        tail = old + n;
        len += n;
        return old;
    }

    /** Puts {@code n} bytes in front; returns the new data offset. */
    public final int push(int n) {
        if (n < 0 || n > data) {
            throw over("push", n);
        }
        len += n;
        return data -= n;
    }

    /** Takes {@code n} bytes off the front, which must be linear ({@link SkBuff#mayPull}); returns the new data offset. */
    public final int pull(int n) {
        if (n < 0 || n > len - dataLen) {
            throw over("pull", n);
        }
        len -= n;
        return data += n;
    }

    /** Cuts a linear packet to {@code newLen}; does nothing if it is shorter. */
    public final void trim(int newLen) {
        if (newLen >= len) {
            return;
        }
        if (newLen < 0 || dataLen != 0) {
            throw over("trim", newLen);
        }
        len = newLen;
        tail = data + newLen;
    }

    final IllegalStateException over(String what, int n) {
        return new IllegalStateException(what + "(" + n + ") leaves the packet: " + this);
    }

    // ================================================================ headers

    public final void resetMacHeader() {
        macHeader = data;
    }

    public final void setMacHeader(int offFromData) {
        macHeader = data + offFromData;
    }

    public final void resetNetworkHeader() {
        networkHeader = data;
    }

    public final void setNetworkHeader(int offFromData) {
        networkHeader = data + offFromData;
    }

    public final void resetTransportHeader() {
        transportHeader = data;
    }

    public final void setTransportHeader(int offFromData) {
        transportHeader = data + offFromData;
    }

    public final void resetMacLen() {
        macLen = networkHeader - macHeader;
    }

    public final void resetInnerHeaders() {
        innerMacHeader = macHeader;
        innerNetworkHeader = networkHeader;
        innerTransportHeader = transportHeader;
    }

    public final void setInnerNetworkHeader(int offFromData) {
        innerNetworkHeader = data + offFromData;
    }

    public final void setInnerTransportHeader(int offFromData) {
        innerTransportHeader = data + offFromData;
    }

    public final boolean macHeaderWasSet() {
        return macHeader >= 0;
    }

    public final boolean transportHeaderWasSet() {
        return transportHeader >= 0;
    }

    public final long macAddress() {
        return headAddress + macHeader;
    }

    public final long networkAddress() {
        return headAddress + networkHeader;
    }

    public final long transportAddress() {
        return headAddress + transportHeader;
    }

    public final long innerNetworkAddress() {
        return headAddress + innerNetworkHeader;
    }

    public final long innerTransportAddress() {
        return headAddress + innerTransportHeader;
    }

    /** Network header's place relative to data; negative once it was pulled. */
    public final int networkOffset() {
        return networkHeader - data;
    }

    public final int transportOffset() {
        return transportHeader - data;
    }

    public final int innerNetworkOffset() {
        return innerNetworkHeader - data;
    }

    public final int innerTransportOffset() {
        return innerTransportHeader - data;
    }

    public final int macOffset() {
        return macHeader - data;
    }

    public final int networkHeaderLen() {
        return transportHeader - networkHeader;
    }

    /** Place where the checksum of {@link SkBuff#CHECKSUM_PARTIAL} begins, relative to data. */
    public final int checksumStartOffset() {
        return csumStart - data;
    }

    /** The bytes moved by {@code delta} within the page: so do all header offsets. */
    final void shiftHeaders(int delta) {
        macHeader = shifted(macHeader, delta);
        networkHeader = shifted(networkHeader, delta);
        transportHeader = shifted(transportHeader, delta);
        innerMacHeader = shifted(innerMacHeader, delta);
        innerNetworkHeader = shifted(innerNetworkHeader, delta);
        innerTransportHeader = shifted(innerTransportHeader, delta);
        if (ipSummed == SkBuff.CHECKSUM_PARTIAL) {
            csumStart += delta;
        }
    }

    private static int shifted(int offset, int delta) {
        return offset < 0 ? -1 : Math.max(offset + delta, -1);
    }

    // ================================================================ fragments

    /** Appends bytes of a page; takes over the caller's reference. The limit of 17 is the caller's to mind. */
    public final void addFrag(Page p, int off, int fragLen, int fragTruesize) {
        SkbSharedInfo info = shinfo();
        int i = info.nrFrags;
        if (i >= SkBuff.MAX_SKB_FRAGS || fragLen < 0 || off < 0 || fragLen > p.size - off) {
            throw over("addFrag", fragLen);
        }
        info.setFrag(i, p, off, fragLen);
        info.nrFrags = i + 1;
        len += fragLen;
        dataLen += fragLen;
        truesize += fragTruesize;
    }

    /** Whether bytes at {@code off} of {@code p} would continue the last fragment. */
    public final boolean canCoalesce(Page p, int off) {
        SkbSharedInfo info = shinfo();
        int last = info.nrFrags - 1;
        return last >= 0
                && info.ubuf == null
                && info.frag[last] == p
                && info.fragOff[last] + info.fragSize[last] == off;
    }

    /** Lengthens the last fragment by bytes that {@link #canCoalesce} allowed. No reference changes hands. */
    public final void coalesceFrag(int n, int moreTruesize) {
        SkbSharedInfo info = shinfo();
        info.fragSize[info.nrFrags - 1] += n;
        len += n;
        dataLen += n;
        truesize += moreTruesize;
    }

    public final boolean hasFragList() {
        return shinfo().fragList != null;
    }

    // ---- segmentation

    public final boolean isGso() {
        return shinfo().gsoSize != 0;
    }

    public final boolean isGsoTcp() {
        return (shinfo().gsoType & (SkbSharedInfo.SKB_GSO_TCPV4 | SkbSharedInfo.SKB_GSO_TCPV6)) != 0;
    }

    public final void gsoReset() {
        SkbSharedInfo info = shinfo();
        info.gsoSize = 0;
        info.gsoSegs = 0;
        info.gsoType = 0;
    }
}
