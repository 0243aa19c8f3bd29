package net.core.dev;

import net.core.Cpu;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * A receiver of packets of one ethertype, or, with {@link #ETH_P_ALL}, a tap that sees everything both ways.
 *
 * <p>Linux: struct packet_type
 */
public abstract class PacketType {
    /** Every protocol: this is a tap. */
    public static final int ETH_P_ALL = 0x0003;

    /** Ethertype, host order, or {@link #ETH_P_ALL}. */
    public final int type;
    /** Only packets of this device; null: of all devices of the kernel. */
    public final @Nullable NetDevice dev;
    /** A tap's wish not to see what this host sends. */
    public boolean ignoreOutgoing;

    /** A receiver of {@code type} on every device. */
    protected PacketType(int type) {
        this(type, null);
    }

    /** A receiver of {@code type} on {@code dev}. */
    protected PacketType(int type, @Nullable NetDevice dev) {
        this.type = type;
        this.dev = dev;
    }

    /**
     * Receives a packet.
     *
     * <p>A protocol takes {@code skb} over. A tap only looks: {@code skb.data} is at the network header when it came in
     * and at the link header when it goes out ({@code pktType} PACKET_OUTGOING); it must neither change, keep nor free
     * it, but may clone. {@code Deviation:} Linux hands a tap a reference it must drop.
     *
     * @param origDev the device it first came in on, below bonds and bridges
     */
    public abstract int func(Cpu cpu, SkBuff skb, NetDevice dev, NetDevice origDev);
}
