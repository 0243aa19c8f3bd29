package net.ipv4;

import net.core.Cpu;
import net.core.Net;
import net.core.sock.Proto;
import net.core.sock.SockConst;
import net.ipv4.inet.InetSock;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;

/**
 * A ping socket ({@code SOCK_DGRAM}, {@code IPPROTO_ICMP}): sends echo requests under an identifier of its own, its
 * "port", and receives the replies to them.
 *
 * <p>Linux: net/ipv4/ping.c
 */
public final class PingSock extends InetSock {
    PingSock(Net net, Proto prot) {
        super(net, prot, SockConst.AF_INET, SockConst.SOCK_DGRAM, Inet.IPPROTO_ICMP);
    }

    @Override
    protected int backlogRcv(Cpu cpu, SkBuff skb) {
        skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
        return 0;
    }
}
