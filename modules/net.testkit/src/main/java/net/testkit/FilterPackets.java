package net.testkit;

import java.util.Objects;
import java.util.SplittableRandom;
import net.core.Cpu;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;

/** The packets that {@link FilterContract} tries filters with. */
final class FilterPackets {
    private FilterPackets() {}

    /** A packet of few values, so that filters of few values match: sound, or not. */
    static SkBuff packet(Cpu cpu, NetDevice dev, SplittableRandom r) {
        int room = 32;
        byte[] f = frame(r);
        int linear = r.nextBoolean() ? f.length : r.nextInt(Math.min(14, f.length), f.length + 1);
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(room + linear));
        skb.reserve(room);
        UnsafeApi.setMemory(skb.dataAddress() - room, room, (byte) 0);
        skb.put(linear);
        for (int i = 0; i < linear; i++) {
            UnsafeApi.putByte(skb.dataAddress() + i, f[i]);
        }
        if (linear < f.length) {
            int rest = f.length - linear;
            Page page = Objects.requireNonNull(cpu.allocPage(Math.max(512, rest)));
            for (int i = 0; i < rest; i++) {
                UnsafeApi.putByte(page.address() + i, f[linear + i]);
            }
            skb.addFrag(page, 0, rest, rest);
        }
        skb.dev = dev;
        skb.resetMacHeader();
        skb.protocol = f.length < 14 ? 0 : (f[12] & 0xff) << 8 | f[13] & 0xff;
        skb.setNetworkHeader(14);
        if (r.nextBoolean()) {
            skb.setTransportHeader(34);
        }
        skb.mark = r.nextInt(4);
        skb.priority = r.nextInt(4);
        skb.skbIif = r.nextInt(3);
        skb.cb0 = f.length;
        if (r.nextInt(8) == 0) {
            skb.vlanPresent = true;
            skb.vlanProto = EthHdr.ETH_P_8021Q;
            skb.vlanTci = r.nextInt(4);
        }
        if (f.length >= 14 && r.nextBoolean()) {
            skb.pull(14);
        }
        return skb;
    }

    private static byte[] frame(SplittableRandom r) {
        byte[] f = new byte[r.nextInt(14, 80)];
        if (r.nextInt(10) == 0) {
            r.nextBytes(f);
            return f;
        }
        for (int i = 0; i < f.length; i++) {
            f[i] = (byte) r.nextInt(4);
        }
        int at = 12;
        if (r.nextInt(8) == 0 && f.length > 18) {
            Wires.be16(f, 12, EthHdr.ETH_P_8021Q);
            at = 16;
        }
        int[] types = {EthHdr.ETH_P_IP, EthHdr.ETH_P_IP, EthHdr.ETH_P_IP, EthHdr.ETH_P_ARP, EthHdr.ETH_P_IPV6};
        Wires.be16(f, at, types[r.nextInt(types.length)]);
        int ip = at + 2;
        if (f.length >= ip + 20) {
            f[ip] = (byte) (0x40 | (r.nextInt(10) == 0 ? r.nextInt(16) : 5));
            Wires.be16(f, ip + 6, r.nextInt(6) == 0 ? r.nextInt(0x4000) : 0);
            f[ip + 9] = new byte[] {1, 6, 17}[r.nextInt(3)];
            Wires.be32(f, ip + 12, 10 << 24 | r.nextInt(4));
            Wires.be32(f, ip + 16, 10 << 24 | r.nextInt(4));
        }
        return f;
    }

    /** All bytes of a packet. */
    static byte[] bytes(SkBuff skb) {
        byte[] b = new byte[skb.len];
        long to = UnsafeApi.allocateMemory(Math.max(1, skb.len));
        skb.copyBits(0, to, skb.len);
        for (int i = 0; i < b.length; i++) {
            b[i] = UnsafeApi.getByte(to + i);
        }
        UnsafeApi.freeMemory(to);
        return b;
    }

    /** All that looking must not change. */
    static long[] geometry(SkBuff s) {
        return new long[] {
            s.len,
            s.dataLen,
            s.data,
            s.tail,
            s.head(),
            s.truesize,
            s.macHeader,
            s.networkHeader,
            s.transportHeader,
            s.macLen,
            s.protocol,
            s.mark,
            s.priority,
            s.queueMapping,
            s.skbIif,
            s.vlanTci,
            s.vlanProto,
            s.vlanPresent ? 1 : 0,
            s.tcIndex,
            s.pktType,
            s.cb0,
            s.shinfo().nrFrags,
            s.cloned ? 1 : 0,
        };
    }
}
