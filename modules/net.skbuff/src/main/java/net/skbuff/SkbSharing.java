package net.skbuff;

/**
 * Who else looks at a packet: users of this very head, and other heads on the same data, of which some may have promised to
 * look at the payload only.
 *
 * <p>Context: whoever owns the packet; the answers about data change when a clone elsewhere is freed.
 *
 * <p>Linux: skb_shared(), skb_cloned(), skb_header_cloned(), skb_clone_writable(), include/linux/skbuff.h
 */
@HotPath
abstract class SkbSharing extends SkbGeometry {
    SkbSharing(SkbCache home) {
        super(home);
    }

    /** Whether the last clone made of this is still charged to {@code owner}: it has not left the host yet. */
    public final boolean fcloneBusy(SkbOwner owner) {
        SkBuff twin = fclone;
        return twin != null && twin.generation == fcloneGeneration && twin.sk == owner;
    }

    /** Whether another head may read what lies in front of the payload. */
    public final boolean headerCloned() {
        if (!cloned) {
            return false;
        }
        int refs = shinfo().dataref();
        return (refs & SkbSharedInfo.DATAREF_MASK) - (refs >>> SkbSharedInfo.DATAREF_SHIFT) != 1;
    }

    /** Whether another head shares the data now. Linux: skb_cloned(). */
    public final boolean isClonedData() {
        return cloned && (shinfo().dataref() & SkbSharedInfo.DATAREF_MASK) != 1;
    }

    /**
     * Promises that this head will only ever look at the payload, so that a clone may push headers in place. The data
     * must not be shared yet.
     *
     * <p>Linux: __skb_header_release(), include/linux/skbuff.h
     */
    public final void releaseHeader() {
        nohdr = true;
        shinfo().setDataref(1 + (1 << SkbSharedInfo.DATAREF_SHIFT));
    }

    /** What this head's release takes off dataref. */
    final int dataBias() {
        return !cloned ? shinfo().dataref : nohdr ? (1 << SkbSharedInfo.DATAREF_SHIFT) + 1 : 1;
    }

    /** Whether a clone may write its first {@code n} bytes since only the header holder sees them. */
    public final boolean cloneWritable(int n) {
        return !headerCloned() && headroom() + n <= hdrLen;
    }

    final int users() {
        return (int) SkbFree.USERS.getAcquire(this);
    }

    /** Whether somebody else uses this very head. */
    public final boolean shared() {
        return (int) SkbFree.USERS.getAcquire(this) != 1;
    }
}
