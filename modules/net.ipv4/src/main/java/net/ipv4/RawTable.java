package net.ipv4;
import net.core.Cpu;
import net.skbuff.SkBuff;
final class RawTable {
    boolean isEmpty() { return true; }
    boolean localDeliver(Cpu cpu, SkBuff skb, int protocol) { return false; }
    void icmpError(Cpu cpu, SkBuff skb, int protocol, int info) {}
}
