package net.ipv4;

import net.core.Cpu;
import net.core.Net;
import net.core.sock.Proto;
import net.core.sock.SockConst;
import net.ipv4.inet.InetSock;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;

/**
 * A raw socket: sees every packet of its protocol with the IP header, and may make the header itself.
 *
 * <p>Linux: struct raw_sock, include/net/raw.h
 */
public final class RawSock extends InetSock {
    /** ICMP_FILTER: types not wanted, as bits. */
    volatile int icmpFilter;

    RawSock(Net net, Proto prot, int protocol) {
        super(net, prot, SockConst.AF_INET, SockConst.SOCK_RAW, protocol);
    }

    @Override
    protected int backlogRcv(Cpu cpu, SkBuff skb) {
        skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
        return 0;
    }
}
