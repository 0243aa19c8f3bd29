package net.ipv4;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.dev.Dev;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.NetdevQueue;
import net.core.sock.Process;
import net.core.sock.SockAddrIn;
import net.core.sock.Syscalls;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import net.skbuff.UserBuf;

/**
 * One host in virtual time with a card {@code eth0} (10.0.0.1/24) whose wire is the test: frames sent are kept, frames
 * received are injected. The peer 10.0.0.2 is a permanent neighbour unless the test says otherwise.
 */
public final class TestHost implements AutoCloseable {
    public static final int ME = 0x0a000001;
    public static final int PEER = 0x0a000002;
    public static final byte[] MY_MAC = {2, 0, 0, 0, 0, 1};
    public static final byte[] PEER_MAC = {2, 0, 0, 0, 0, 2};

    public final Kernel kernel;
    public final Net net;
    public final Nic nic;
    public final Process process;
    public final Syscalls sys;

    public TestHost(String... words) {
        String[] all = Arrays.copyOf(words, words.length + 3);
        all[words.length] = "clock=virtual";
        all[words.length + 1] = "debug";
        all[words.length + 2] = "net.core.default_qdisc=noqueue";
        kernel = Kernel.boot(all);
        net = kernel.initNet();
        nic = new Nic(net, "eth0", MY_MAC);
        Ipv4Admin.addAddress(nic.dev, ME, 24);
        process = new Process(kernel, net);
        sys = process.syscalls();
    }

    public static TestHost withPeer(String... words) {
        TestHost h = new TestHost(words);
        Ipv4Admin.addNeighbour(h.nic.dev, PEER, PEER_MAC);
        return h;
    }

    /** A card whose wire is a list. */
    public static final class Nic implements NetDeviceOps {
        public final NetDevice dev;
        public final ArrayDeque<byte[]> sent = new ArrayDeque<>();
        public final List<Integer> gsoSizes = new ArrayList<>();

        public Nic(Net net, String name, byte[] mac) {
            dev = new NetDevice(net, name, this, 1, 1);
            EthHdr.etherSetup(dev);
            dev.devAddr = mac.clone();
            net.kernel().rtnl().run(() -> {
                dev.register();
                dev.open();
            });
        }

        @Override
        public int ndoStartXmit(Cpu cpu, SkBuff skb, NetDevice d, NetdevQueue txq, boolean xmitMore) {
            byte[] frame = new byte[skb.len];
            skb.copyDatagram(0, new Heap(frame), skb.len);
            sent.add(frame);
            gsoSizes.add(skb.shinfo().gsoSize);
            skb.consume(cpu);
            return NETDEV_TX_OK;
        }
    }

    /** User memory over an array. */
    public static final class Heap implements UserBuf {
        private final byte[] bytes;
        private int at;

        public Heap(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public int remaining() {
            return bytes.length - at;
        }

        @Override
        public int copyIn(long dst, int n) {
            if (n > remaining()) {
                return -Errno.EFAULT;
            }
            Wire.write(bytes, at, dst, n);
            at += n;
            return n;
        }

        @Override
        public int copyOut(long src, int n) {
            if (n > remaining()) {
                return -Errno.EFAULT;
            }
            Wire.read(src, bytes, at, n);
            at += n;
            return n;
        }

        @Override
        public void advance(int n) {
            at += n;
        }

        @Override
        public void revert(int n) {
            at -= n;
        }

        public int position() {
            return at;
        }
    }

    /** Work with a CPU word. */
    public interface Step {
        void with(Cpu cpu);
    }

    public void on(Step s) {
        Cpu cpu = kernel.localBhDisable(0);
        try {
            s.with(cpu);
        } finally {
            cpu.localBhEnable();
        }
    }

    public void sleepMs(long ms) {
        kernel.scheduler().sleep(ms * 1_000_000);
    }

    /** Receives a frame on the card, softirqs included. */
    public void inject(byte[] frame) {
        injectOn(nic, frame);
    }

    public void injectOn(Nic card, byte[] frame) {
        on(cpu -> Dev.netifReceiveSkb(cpu, skb(cpu, card, frame)));
    }

    /** A frame as a driver hands it up. */
    public SkBuff skb(Cpu cpu, Nic card, byte[] frame) {
        SkBuff skb = java.util.Objects.requireNonNull(cpu.allocSkb(frame.length + 64));
        skb.reserve(2);
        long at = skb.tailAddress();
        skb.put(frame.length);
        Wire.write(frame, 0, at, frame.length);
        skb.dev = card.dev;
        skb.protocol = EthHdr.ethTypeTrans(skb, card.dev);
        return skb;
    }

    /** Receives an IP packet from the peer. */
    public void receive(byte[] packet) {
        inject(Frames.ether(MY_MAC, PEER_MAC, 0x0800, packet));
    }

    /** The oldest IP packet sent and not looked at, without its link header; null if none. */
    public byte[] nextPacket() {
        for (byte[] f; (f = nic.sent.poll()) != null; ) {
            if (Frames.u16(f, 12) == 0x0800) {
                return Arrays.copyOfRange(f, 14, f.length);
            }
        }
        return null;
    }

    public long counter(String name) {
        return net.mib().read(name);
    }

    public static SockAddrIn at(int addr, int port) {
        return new SockAddrIn(addr, port);
    }

    @Override
    public void close() {
        process.close();
        kernel.close();
    }
}
