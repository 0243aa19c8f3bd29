package net.core.dev;

import java.util.Objects;
import net.core.Cpu;
import net.skbuff.Checksum;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.SkbSharedInfo;
import org.agrona.UnsafeApi;

/** Builds and reads the frames of the tests: Ethernet, IPv4, TCP or UDP. */
public final class Frames {
    public static final int HEADERS = 14 + 20 + 20;

    private Frames() {}

    /** A TCP frame to send: data at the link header, headers set, payload of {@code len} bytes counting from {@code seq}. */
    public static SkBuff tcp(Cpu cpu, NetDevice dev, int saddr, int daddr, int sport, int dport, int seq, int len) {
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(64 + HEADERS + len));
        skb.reserve(64);
        fill(skb, dev, saddr, daddr, sport, dport, seq, 20 + 20 + len);
        int tail = skb.put(len);
        for (int i = 0; i < len; i++) {
            UnsafeApi.putByte(skb.head() + tail + i, (byte) (seq + i));
        }
        return skb;
    }

    /** As {@link #tcp} with all payload in fragments of at most {@code fragBytes}. */
    public static SkBuff tcpFrags(Cpu cpu, NetDevice dev, int seq, int len, int fragBytes) {
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(64 + HEADERS));
        skb.reserve(64);
        fill(skb, dev, 0x0a000001, 0x0a000002, 1000, 2000, seq, 20 + 20 + len);
        addFrags(cpu, skb, seq, len, fragBytes);
        return skb;
    }

    /** Appends payload in fragments. */
    public static void addFrags(Cpu cpu, SkBuff skb, int seq, int len, int fragBytes) {
        for (int at = 0; at < len; ) {
            int n = Math.min(fragBytes, len - at);
            Page page = Objects.requireNonNull(cpu.allocPage(n + 7));
            for (int i = 0; i < n; i++) {
                UnsafeApi.putByte(page.address() + 7 + i, (byte) (seq + at + i));
            }
            skb.addFrag(page, 7, n, n + 7);
            at += n;
        }
    }

    private static void fill(
            SkBuff skb, NetDevice dev, int saddr, int daddr, int sport, int dport, int seq, int totLen) {
        skb.dev = dev;
        skb.protocol = EthHdr.ETH_P_IP;
        skb.put(HEADERS);
        long a = skb.dataAddress();
        UnsafeApi.setMemory(a, HEADERS, (byte) 0);
        EthHdr.putAddr(a, new byte[] {2, 0, 0, 0, 0, 2});
        EthHdr.putAddr(a + 6, new byte[] {2, 0, 0, 0, 0, 1});
        EthHdr.setType(a, EthHdr.ETH_P_IP);
        long ip = a + 14;
        UnsafeApi.putByte(ip, (byte) 0x45);
        EthHdr.putBe16(ip + 2, totLen);
        UnsafeApi.putByte(ip + 8, (byte) 64);
        UnsafeApi.putByte(ip + 9, (byte) 6);
        put32(ip + 12, saddr);
        put32(ip + 16, daddr);
        EthHdr.putBe16(ip + 10, Checksum.ipFast(ip, 5));
        long th = ip + 20;
        EthHdr.putBe16(th, sport);
        EthHdr.putBe16(th + 2, dport);
        put32(th + 4, seq);
        UnsafeApi.putByte(th + 12, (byte) 0x50);
        UnsafeApi.putByte(th + 13, (byte) 0x10);
        skb.resetMacHeader();
        skb.setNetworkHeader(14);
        skb.setTransportHeader(34);
    }

    public static void put32(long a, int v) {
        EthHdr.putBe16(a, v >>> 16);
        EthHdr.putBe16(a + 2, v & 0xffff);
    }

    public static int seq(SkBuff skb) {
        return EthHdr.be32(skb.transportAddress() + 4);
    }

    /** Makes it a GSO packet with its checksum to be done. */
    public static SkBuff gso(SkBuff skb, int mss) {
        SkbSharedInfo info = skb.shinfo();
        int payload = skb.len - HEADERS;
        info.gsoSize = mss;
        info.gsoSegs = (payload + mss - 1) / mss;
        info.gsoType = SkbSharedInfo.SKB_GSO_TCPV4;
        partial(skb);
        return skb;
    }

    /** Leaves the checksum to the device. */
    public static SkBuff partial(SkBuff skb) {
        long ip = skb.networkAddress();
        int pseudo = Checksum.tcpUdpNofold(EthHdr.be32(ip + 12), EthHdr.be32(ip + 16), skb.len - 34, 6, 0);
        skb.ipSummed = SkBuff.CHECKSUM_PARTIAL;
        skb.csumStart = skb.transportHeader;
        skb.csumOffset = 16;
        EthHdr.putBe16(skb.transportAddress() + 16, Checksum.fold(pseudo) ^ 0xffff);
        return skb;
    }

    /** True if the TCP checksum over all bytes is right. */
    public static boolean checksumRight(SkBuff skb) {
        long ip = skb.networkAddress();
        int off = skb.transportOffset();
        int len = skb.len - off;
        int sum = skb.checksum(off, len, Checksum.tcpUdpNofold(EthHdr.be32(ip + 12), EthHdr.be32(ip + 16), len, 6, 0));
        return Checksum.fold(sum) == 0;
    }

    /** All bytes from data on. */
    public static byte[] bytes(SkBuff skb, int from) {
        byte[] b = new byte[skb.len - from];
        java.nio.ByteBuffer direct = java.nio.ByteBuffer.allocateDirect(Math.max(1, b.length));
        skb.copyBits(from, new org.agrona.concurrent.UnsafeBuffer(direct).addressOffset(), b.length);
        direct.get(0, b);
        return b;
    }

    /** A frame as a driver hands it up: data at the network header. */
    public static SkBuff received(
            Cpu cpu, NetDevice dev, int saddr, int daddr, int sport, int dport, int seq, int len) {
        SkBuff skb = tcp(cpu, dev, saddr, daddr, sport, dport, seq, len);
        skb.networkHeader = -1;
        skb.transportHeader = -1;
        skb.protocol = EthHdr.ethTypeTrans(skb, dev);
        return skb;
    }
}
