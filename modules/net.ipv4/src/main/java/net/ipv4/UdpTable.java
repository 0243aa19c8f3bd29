package net.ipv4;
import net.core.Cpu;
import net.core.Kernel;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
final class UdpTable implements InetProtocol {
    static UdpTable install(Kernel k) { return new UdpTable(); }
    @Override public int handler(Cpu cpu, SkBuff skb) { skb.kfree(cpu, SkbDropReason.NO_SOCKET); return 0; }
}
