package net.ipv4;
import net.core.Cpu;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
final class PingTable {
    static PingTable of(Ipv4Net v4) { return v4.ping; }
    int pingRcv(Cpu cpu, SkBuff skb) { skb.kfree(cpu, SkbDropReason.NO_SOCKET); return 0; }
    void pingErr(Cpu cpu, SkBuff skb, int info) {}
}
