package net.ipv4;

import net.core.Kernel;
import net.core.sock.SockConst;
import net.ipv4.inet.InetDgramOps;
import net.ipv4.inet.InetFamily;
import net.ipv4.inet.InetProtosw;

/**
 * Registers the kinds of socket that this module has: UDP, ping, raw.
 *
 * <p>Linux: inetsw_array, net/ipv4/af_inet.c
 */
final class DatagramProtos {
    private DatagramProtos() {}

    static void register(Kernel kernel, InetFamily family) {
        InetDgramOps ops = new InetDgramOps();
        family.register(new InetProtosw(SockConst.SOCK_DGRAM, Inet.IPPROTO_UDP, new UdpProto(kernel), ops, 0));
        family.register(new InetProtosw(
                SockConst.SOCK_DGRAM, Inet.IPPROTO_ICMP, new PingProto(kernel), ops, InetProtosw.INET_PROTOSW_REUSE));
        family.register(
                new InetProtosw(SockConst.SOCK_RAW, 0, new RawProto(kernel), ops, InetProtosw.INET_PROTOSW_REUSE));
    }
}
