package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import drivers.tapnic.TapNic;
import drivers.tapnic.Wire;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.Dev;
import net.core.dev.NetDevice;
import net.core.dev.PacketType;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;

/** A kernel in virtual time with one card on a wire of the test's. What the card delivers is kept, with its time. */
final class NicRig implements AutoCloseable {
    static final int ETHERTYPE = 0x88b5;

    final Kernel kernel = Kernel.boot("clock=virtual", "seed=7", "debug=1");
    final ScriptedWire wire = new ScriptedWire();
    final NetDevice dev;
    final List<byte[]> received = new ArrayList<>();
    final List<Long> receivedNs = new ArrayList<>();

    NicRig(TapNic.Settings settings) {
        this(settings, null);
    }

    /** @param between stands between the card and {@link #wire}; null: nothing does */
    NicRig(TapNic.Settings settings, Wire between) {
        dev = TapNic.create(
                kernel.initNet(), "eth0", TapNic.macFrom(1), List.of(between == null ? wire : between), settings, true);
        Dev.addPack(kernel, new PacketType(ETHERTYPE) {
            @Override
            public int func(Cpu cpu, SkBuff skb, NetDevice in, NetDevice origDev) {
                byte[] bytes = new byte[skb.len];
                for (int i = 0; i < skb.headlen(); i++) {
                    bytes[i] = UnsafeApi.getByte(skb.dataAddress() + i);
                }
                received.add(bytes);
                receivedNs.add(kernel.clock().nanoTime());
                skb.consume(cpu);
                return 0;
            }
        });
        assertThat(dev.open()).isZero();
    }

    byte[] frame(int payload, int seed) {
        byte[] frame = new byte[14 + payload];
        new Random(seed).nextBytes(frame);
        System.arraycopy(dev.devAddr, 0, frame, 0, 6);
        frame[6] = 2;
        frame[12] = (byte) (ETHERTYPE >> 8);
        frame[13] = (byte) ETHERTYPE;
        return frame;
    }

    /** Lets virtual time pass. */
    void pass(long ns) {
        kernel.threads().start("pass", () -> kernel.scheduler().sleep(ns));
        kernel.threads().joinAll();
    }

    void send(byte[] frame) {
        kernel.threads().start("sender", () -> {
            Cpu cpu = kernel.localBhDisable(0);
            SkBuff skb = cpu.allocSkb(64 + frame.length);
            skb.reserve(64);
            skb.put(frame.length);
            for (int i = 0; i < frame.length; i++) {
                UnsafeApi.putByte(skb.dataAddress() + i, frame[i]);
            }
            skb.dev = dev;
            skb.protocol = ETHERTYPE;
            skb.resetMacHeader();
            skb.networkHeader = skb.data + 14;
            Dev.devQueueXmit(cpu, skb);
            cpu.localBhEnable();
        });
        kernel.threads().joinAll();
    }

    /** Lets the byte queue limit, which learns, grow out of the way: a megabyte from the first completion on. */
    void withoutByteLimit() {
        dev.tx[0].dql.minLimit = 1 << 20;
        send(frame(46, 0));
        pass(100_000_000);
        wire.sent.clear();
    }

    long stat(String name) {
        return dev.ops
                .ethtoolStats(dev)[Arrays.asList(dev.ops.ethtoolStatNames(dev)).indexOf(name)];
    }

    /** Checks that nothing is left behind. */
    @Override
    public void close() {
        dev.unregister();
        assertThat(kernel.memory().outstandingSkbs()).isZero();
        assertThat(kernel.memory().outstandingPages()).isZero();
        kernel.close();
    }
}
