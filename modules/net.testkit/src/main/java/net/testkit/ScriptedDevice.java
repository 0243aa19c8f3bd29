package net.testkit;

import java.util.ArrayDeque;
import java.util.Deque;
import net.core.Cpu;
import net.core.Net;
import net.core.dev.Dev;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.NetdevQueue;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;
import org.jspecify.annotations.Nullable;

/**
 * A device whose wire is in a test's hands: keeps what the stack sends, gives it what the test injects. Without offloads,
 * so that frames are whole; every frame sent is checked by {@link PacketCheck}.
 *
 * <p>Context: {@link #receive} in process context without a CPU; transmit as any device.
 */
public final class ScriptedDevice implements NetDeviceOps {
    /** A frame that the stack sent, and when. */
    public record Sent(long atNs, byte[] frame) {
        @Override
        public String toString() {
            return atNs + " ns " + PacketText.of(frame);
        }
    }

    /** What {@link Sent} frames go to. */
    @FunctionalInterface
    public interface Wire {
        void transmit(Cpu cpu, byte[] frame);
    }

    public final NetDevice dev;
    /** Frames sent and not yet looked at. */
    public final Deque<Sent> sent = new ArrayDeque<>();

    private Wire wire = (cpu, frame) -> sent.add(new Sent(cpu.nowNs(), frame));
    private @Nullable AssertionError bad;

    private ScriptedDevice(Net net, String name, byte[] mac) {
        dev = new NetDevice(net, name, this, 1, 1);
        EthHdr.etherSetup(dev);
        dev.devAddr = mac.clone();
    }

    /** A registered device, down, with a hardware address. */
    public static ScriptedDevice create(Net net, String name, byte[] mac) {
        ScriptedDevice d = new ScriptedDevice(net, name, mac);
        d.dev.register();
        return d;
    }

    /** Sends frames elsewhere than to {@link #sent}. */
    public void wire(Wire other) {
        wire = other;
    }

    @Override
    public int ndoStartXmit(Cpu cpu, SkBuff skb, NetDevice device, NetdevQueue txq, boolean xmitMore) {
        byte[] frame = bytes(skb);
        try {
            PacketCheck.frame(frame);
        } catch (AssertionError e) {
            bad = bad == null ? e : bad;
        }
        skb.consume(cpu);
        wire.transmit(cpu, frame);
        return NETDEV_TX_OK;
    }

    private static byte[] bytes(SkBuff skb) {
        byte[] frame = new byte[skb.len];
        net.skbuff.UserBytes to = new net.skbuff.UserBytes();
        skb.copyDatagram(0, to.wrap(frame, 0, frame.length), frame.length);
        return frame;
    }

    /**
     * A frame arrives, as from a driver's poll, with a mark to know it by. Throws what {@link PacketCheck} had to say of
     * frames sent before.
     *
     * @return false if there was no memory for it
     */
    public boolean receive(byte[] frame, int mark) {
        Cpu cpu = dev.kernel().localBhDisable(0);
        boolean built;
        try {
            SkBuff skb = build(cpu, frame);
            built = skb != null;
            if (skb != null) {
                skb.mark = mark;
                Dev.netifReceiveSkb(cpu, skb);
            }
        } finally {
            cpu.localBhEnable();
        }
        throwBad();
        return built;
    }

    /** As {@link #receive(byte[], int)} without a mark. */
    public void receive(byte[] frame) {
        receive(frame, 0);
    }

    /** The packet of a frame, ready for {@link Dev#netifReceiveSkb}; null without memory. */
    public @Nullable SkBuff build(Cpu cpu, byte[] frame) {
        SkBuff skb = cpu.allocSkb(frame.length + 80);
        if (skb == null) {
            return null;
        }
        skb.reserve(66); // the network header is aligned
        skb.put(frame.length);
        UnsafeApi.copyMemory(frame, UnsafeApi.arrayBaseOffset(byte[].class), null, skb.dataAddress(), frame.length);
        skb.protocol = EthHdr.ethTypeTrans(skb, dev);
        return skb;
    }

    /** Throws if a frame sent so far was malformed. */
    public void throwBad() {
        AssertionError e = bad;
        bad = null;
        if (e != null) {
            throw e;
        }
    }

    @Override
    public String driverName() {
        return "scripted";
    }
}
