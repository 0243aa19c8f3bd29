package net.core.netfilter;

import net.core.Cpu;
import net.skbuff.SkBuff;

/** A hook function: looks at a packet and gives a verdict. */
@FunctionalInterface
public interface NfHookFn {
    /**
     * Judges one packet.
     *
     * @return {@link NfHooks#NF_ACCEPT}, {@link NfHooks#NF_DROP} (the caller frees), {@link NfHooks#NF_STOLEN} (this
     *     function took the packet), {@link NfHooks#NF_QUEUE} or {@link NfHooks#NF_REPEAT}; the upper 16 bits carry a
     *     positive errno for NF_DROP ({@link NfHooks#dropErr(int)}) or the queue number for NF_QUEUE
     */
    int hook(Cpu cpu, SkBuff skb, NfHookState state);
}
