package net.ipv4;
import net.core.Cpu;
import net.core.dev.GroList;
import net.core.dev.NapiGroCb;
import net.core.dev.OffloadCallbacks;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;
final class UdpOffload implements OffloadCallbacks {
    @Override public @Nullable SkBuff gsoSegment(Cpu cpu, SkBuff skb, long features) { return null; }
    @Override public @Nullable SkBuff groReceive(Cpu cpu, GroList held, SkBuff skb) { NapiGroCb.orFlush(skb, 1); return null; }
    @Override public int groComplete(Cpu cpu, SkBuff skb, int nhoff) { return 0; }
}
