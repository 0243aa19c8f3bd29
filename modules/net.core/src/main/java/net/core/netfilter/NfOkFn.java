package net.core.netfilter;

import net.core.Cpu;
import net.core.Net;
import net.core.sock.Sock;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/** What happens to a packet that every hook function accepted. Instances are constants, never capturing lambdas. */
@FunctionalInterface
public interface NfOkFn {
    /** Takes over {@code skb}; returns 0 or a negative errno. */
    int ok(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb);
}
