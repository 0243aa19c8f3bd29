package net.ipv4;

/**
 * An address of a device.
 *
 * <p>Linux: struct in_ifaddr, include/linux/inetdevice.h
 */
public final class InIfaddr {
    public final InDevice dev;
    /** Ours. */
    public final int local;
    /** Ours too, or the peer's on a point-to-point link. */
    public final int address;

    public final int prefixLen;
    /** 0: none. */
    public final int broadcast;
    /** RT_SCOPE_xxx. */
    public final int scope;
    /** Another address of the same network came first. */
    public volatile boolean secondary;
    /** Metric of the network's route. */
    public final int rtPriority;

    InIfaddr(InDevice dev, int local, int address, int prefixLen, int broadcast, int scope) {
        this.dev = dev;
        this.local = local;
        this.address = address;
        this.prefixLen = prefixLen;
        this.broadcast = broadcast;
        this.scope = scope;
        this.rtPriority = 0;
    }

    int mask() {
        return Inet.mask(prefixLen);
    }

    /** Whether an address is in this one's network. Linux: inet_ifa_match(). */
    boolean matches(int addr) {
        return ((addr ^ address) & mask()) == 0;
    }

    @Override
    public String toString() {
        return Inet.text(local) + "/" + prefixLen;
    }
}
