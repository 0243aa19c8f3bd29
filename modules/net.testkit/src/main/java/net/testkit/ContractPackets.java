package net.testkit;

import java.util.Objects;
import net.core.Cpu;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.QdiscSkbCb;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;

/** The packets that the contracts of queueing disciplines send. */
final class ContractPackets {
    private ContractPackets() {}

    /** UDP in IPv4 in Ethernet, capable of ECN. */
    static SkBuff udp(Cpu cpu, NetDevice dev, int flow, int len, int priority, int mark) {
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(len + 32));
        skb.reserve(32);
        skb.put(len);
        UnsafeApi.setMemory(skb.dataAddress(), len, (byte) 0);
        header(skb.dataAddress() + EthHdr.ETH_HLEN, len - EthHdr.ETH_HLEN, flow);
        skb.dev = dev;
        skb.protocol = EthHdr.ETH_P_IP;
        skb.resetMacHeader();
        skb.setNetworkHeader(EthHdr.ETH_HLEN);
        skb.mark = mark;
        skb.hash = (flow + 1) * 0x61C88647;
        skb.l4Hash = true;
        skb.priority = priority;
        QdiscSkbCb.setPktLen(skb, len);
        return skb;
    }

    private static void header(long ip, int len, int flow) {
        UnsafeApi.setMemory(ip, 28, (byte) 0);
        put16(ip, 0x4502);
        put16(ip + 2, len);
        put16(ip + 6, 0x4000);
        put16(ip + 8, 64 << 8 | 17);
        put16(ip + 12, 10 << 8);
        put16(ip + 14, flow + 1);
        put16(ip + 16, 10 << 8);
        put16(ip + 18, 0x101);
        put16(ip + 20, 1000 + flow);
        put16(ip + 22, 9);
        put16(ip + 24, len - 20);
        int sum = 0;
        for (int i = 0; i < 20; i += 2) {
            sum += (UnsafeApi.getByte(ip + i) & 0xff) << 8 | UnsafeApi.getByte(ip + i + 1) & 0xff;
        }
        put16(ip + 10, ~((sum & 0xffff) + (sum >> 16)));
    }

    private static void put16(long a, int v) {
        UnsafeApi.putByte(a, (byte) (v >> 8));
        UnsafeApi.putByte(a + 1, (byte) v);
    }
}
