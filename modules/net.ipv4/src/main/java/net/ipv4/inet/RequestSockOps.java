package net.ipv4.inet;

import net.core.Cpu;
import net.core.sock.Sock;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;

/**
 * What a protocol does with its half-open connections.
 *
 * <p>Context: softirq, or process context with a CPU word.
 *
 * <p>Linux: struct request_sock_ops
 */
public abstract class RequestSockOps {
    /** Address family. */
    public final int family;

    protected RequestSockOps(int family) {
        this.family = family;
    }

    /** Sends the SYN-ACK again; 0 or a negative errno. */
    public abstract int rtxSynAck(Cpu cpu, Sock listener, RequestSock req);

    /** Answers a segment that isn't the awaited one. */
    public abstract void sendAck(Cpu cpu, Sock sk, SkBuff skb, RequestSock req);

    /** Refuses. */
    public abstract void sendReset(Cpu cpu, Sock sk, SkBuff skb, SkbDropReason reason);

    /** The mini-socket is gone for good. */
    public void destructor(RequestSock req) {}

    /** The SYN-ACK timer fired (statistics). */
    public void synAckTimeout(Cpu cpu, RequestSock req) {}
}
