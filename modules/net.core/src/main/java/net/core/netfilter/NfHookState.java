package net.core.netfilter;

import net.core.Net;
import net.core.dev.NetDevice;
import net.core.sock.Sock;
import org.jspecify.annotations.Nullable;

/**
 * Where a packet stands while hook functions look at it.
 *
 * <p>Context: one per nesting level and CPU, reused: a hook function must not keep it. A queued packet gets a copy.
 *
 * <p>Linux: struct nf_hook_state
 */
public final class NfHookState {
    /** One of the five hook numbers. */
    public int hook;
    /** Protocol family, {@link NfHooks#NFPROTO_IPV4}. */
    public int pf;
    /** Device the packet came in on. */
    public @Nullable NetDevice in;
    /** Device the packet leaves by. */
    public @Nullable NetDevice out;
    /** Socket the packet belongs to on its way out. */
    public @Nullable Sock sk;
    /** Namespace; null only before first use. */
    public @Nullable Net net;
    /** Continuation after the last accepting function. */
    public @Nullable NfOkFn okfn;

    /** Creates an empty state. */
    public NfHookState() {}

    void set(
            int hook,
            int pf,
            @Nullable NetDevice in,
            @Nullable NetDevice out,
            @Nullable Sock sk,
            Net net,
            NfOkFn okfn) {
        this.hook = hook;
        this.pf = pf;
        this.in = in;
        this.out = out;
        this.sk = sk;
        this.net = net;
        this.okfn = okfn;
    }

    NfHookState copy() {
        NfHookState s = new NfHookState();
        s.hook = hook;
        s.pf = pf;
        s.in = in;
        s.out = out;
        s.sk = sk;
        s.net = net;
        s.okfn = okfn;
        return s;
    }
}
