package net.core.netfilter;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import net.core.Cpu;
import net.core.Net;
import net.core.PerNet;
import net.core.dev.NetDevice;
import net.core.sock.Sock;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * A namespace's hook functions and the walk of a packet through them.
 *
 * <p>The arrays are immutable: registration replaces one, the packet path reads it once. An empty hook costs one load
 * and a compare.
 *
 * <p>Context: {@link #nfHook} in softirq or process context with a CPU word; registration in process context.
 *
 * <p>Linux: nf_hook_slow(), net/netfilter/core.c
 */
public final class NfHooks {
    /** Protocol family IPv4. */
    public static final int NFPROTO_IPV4 = 2;
    /** Protocol family IPv6. */
    public static final int NFPROTO_IPV6 = 10;

    /** Just arrived, before the routing decision. */
    public static final int NF_INET_PRE_ROUTING = 0;
    /** For this host. */
    public static final int NF_INET_LOCAL_IN = 1;
    /** For another host. */
    public static final int NF_INET_FORWARD = 2;
    /** Made here, before it leaves the routing code. */
    public static final int NF_INET_LOCAL_OUT = 3;
    /** About to leave. */
    public static final int NF_INET_POST_ROUTING = 4;
    /** How many hooks a family has. */
    public static final int NF_INET_NUMHOOKS = 5;

    /** The packet is freed. */
    public static final int NF_DROP = 0;
    /** On to the next function. */
    public static final int NF_ACCEPT = 1;
    /** The function keeps the packet. */
    public static final int NF_STOLEN = 2;
    /** To the queue handler. */
    public static final int NF_QUEUE = 3;
    /** Call the same function again. */
    public static final int NF_REPEAT = 4;
    /** Low byte of a verdict. */
    public static final int NF_VERDICT_MASK = 0xff;
    /** NF_QUEUE: let the packet pass when nobody listens. */
    public static final int NF_VERDICT_FLAG_QUEUE_BYPASS = 0x8000;

    private static final int MAX_REPEATS = 64;
    private static final int FAMILIES = 2;
    private static final NfHookOps[] EMPTY = {};

    /** Where a namespace keeps its hooks. */
    public static final PerNet<NfHooks> HOOKS = new PerNet<>();

    private final Net net;
    /** By family index * NF_INET_NUMHOOKS + hook; elements are replaced, never changed. */
    private volatile NfHookOps[][] hooks;

    private volatile @Nullable NfQueueHandler queueHandler;
    /** Verdicts of the slow path by hook and verdict; written by word holders, a reader sums. Approximate across CPUs. */
    private final long[][] verdictsByCpu;

    /** Creates the empty hooks of {@code net}. */
    public NfHooks(Net net) {
        this.net = net;
        NfHookOps[][] h = new NfHookOps[FAMILIES * NF_INET_NUMHOOKS][];
        Arrays.fill(h, EMPTY);
        hooks = h;
        verdictsByCpu = new long[net.kernel().cpus()][NF_INET_NUMHOOKS * 8];
    }

    /** The hooks of {@code net}. */
    @HotPath
    public static NfHooks of(Net net) {
        return HOOKS.get(net);
    }

    /** A drop verdict that makes {@link #nfHook} return {@code -errno}. */
    public static int dropErr(int errno) {
        return errno << 16 | NF_DROP;
    }

    /** A queue verdict for queue {@code num}. */
    public static int queueNr(int num) {
        return num << 16 | NF_QUEUE;
    }

    private static int slot(int pf, int hooknum) {
        return (pf == NFPROTO_IPV4 ? 0 : NF_INET_NUMHOOKS) + hooknum;
    }

    /** Registers a function; equal priorities keep the order of registration. Linux: nf_register_net_hook(). */
    public synchronized void register(NfHookOps ops) {
        if (ops.hooknum() < 0 || ops.hooknum() >= NF_INET_NUMHOOKS) {
            throw new IllegalArgumentException("no such hook: " + ops.hooknum());
        }
        int slot = slot(ops.pf(), ops.hooknum());
        List<NfHookOps> list = new ArrayList<>(Arrays.asList(hooks[slot]));
        list.add(ops);
        list.sort(Comparator.comparingInt(NfHookOps::priority));
        replace(slot, list);
    }

    /** Removes a function; packets already inside the chain may still meet it. Linux: nf_unregister_net_hook(). */
    public synchronized void unregister(NfHookOps ops) {
        int slot = slot(ops.pf(), ops.hooknum());
        List<NfHookOps> list = new ArrayList<>(Arrays.asList(hooks[slot]));
        list.remove(ops);
        replace(slot, list);
    }

    private void replace(int slot, List<NfHookOps> list) {
        NfHookOps[][] copy = hooks.clone();
        copy[slot] = list.toArray(EMPTY);
        hooks = copy;
    }

    /** Sets who gets NF_QUEUE packets. */
    public void setQueueHandler(@Nullable NfQueueHandler handler) {
        queueHandler = handler;
    }

    /** The registered functions, in the order they run, for tools. */
    public List<NfHookOps> describe(int pf, int hooknum) {
        return List.of(hooks[slot(pf, hooknum)]);
    }

    /** How many packets got {@code verdict} at {@code hooknum} from a non-empty hook. */
    public long verdicts(int hooknum, int verdict) {
        long sum = 0;
        for (long[] v : verdictsByCpu) {
            sum += v[hooknum * 8 + verdict];
        }
        return sum;
    }

    /** Tells whether any function hangs at this hook. */
    @HotPath
    public boolean isActive(int pf, int hooknum) {
        return hooks[slot(pf, hooknum)].length != 0;
    }

    /**
     * Runs the functions of a hook and then {@code okfn}; takes over {@code skb}.
     *
     * @return what {@code okfn} returned, 0 if the packet was stolen or queued, or a negative errno if it was dropped
     *     <p>Linux: NF_HOOK(), include/linux/netfilter.h
     */
    @HotPath
    public int nfHook(
            Cpu cpu,
            int pf,
            int hooknum,
            @Nullable Sock sk,
            SkBuff skb,
            @Nullable NetDevice in,
            @Nullable NetDevice out,
            NfOkFn okfn) {
        NfHookOps[] entries = hooks[slot(pf, hooknum)];
        if (entries.length == 0) {
            return okfn.ok(cpu, net, sk, skb);
        }
        return nfHookSlow(cpu, entries, pf, hooknum, sk, skb, in, out, okfn);
    }

    /** {@link #nfHook} on the hooks of {@code net}. */
    @HotPath
    public static int nfHook(
            Cpu cpu,
            int pf,
            int hooknum,
            Net net,
            @Nullable Sock sk,
            SkBuff skb,
            @Nullable NetDevice in,
            @Nullable NetDevice out,
            NfOkFn okfn) {
        return HOOKS.get(net).nfHook(cpu, pf, hooknum, sk, skb, in, out, okfn);
    }

    private int nfHookSlow(
            Cpu cpu,
            NfHookOps[] entries,
            int pf,
            int hooknum,
            @Nullable Sock sk,
            SkBuff skb,
            @Nullable NetDevice in,
            @Nullable NetDevice out,
            NfOkFn okfn) {
        NfHookState[] pool = cpu.sd.nfStates;
        int depth = cpu.sd.nfDepth;
        NfHookState state =
                depth < pool.length ? pool[depth] : new NfHookState(); // allocates: nested deeper than ever seen
        cpu.sd.nfDepth = depth + 1;
        int err;
        try {
            state.set(hooknum, pf, in, out, sk, net, okfn);
            err = iterate(cpu, entries, 0, skb, state);
        } finally {
            cpu.sd.nfDepth = depth;
        }
        return err == 1 ? okfn.ok(cpu, net, sk, skb) : err;
    }

    /** Returns 1 when all accepted, 0 when the packet is gone without an error, or a negative errno when dropped. */
    private int iterate(Cpu cpu, NfHookOps[] entries, int from, SkBuff skb, NfHookState state) {
        long[] counts = verdictsByCpu[cpu.id];
        int repeats = 0;
        for (int i = from; i < entries.length; i++) {
            int verdict = entries[i].hook().hook(cpu, skb, state);
            switch (verdict & NF_VERDICT_MASK) {
                case NF_ACCEPT -> repeats = 0;
                case NF_REPEAT -> {
                    counts[state.hook * 8 + NF_REPEAT]++;
                    if (++repeats > MAX_REPEATS) {
                        skb.kfree(cpu, SkbDropReason.NETFILTER_DROP);
                        counts[state.hook * 8 + NF_DROP]++;
                        return -Errno.EPERM;
                    }
                    i--;
                }
                case NF_STOLEN -> {
                    counts[state.hook * 8 + NF_STOLEN]++;
                    return 0;
                }
                case NF_QUEUE -> {
                    counts[state.hook * 8 + NF_QUEUE]++;
                    int err = queue(cpu, skb, state, i, verdict);
                    if (err != 1) {
                        return err;
                    }
                }
                default -> {
                    counts[state.hook * 8 + NF_DROP]++;
                    skb.kfree(cpu, SkbDropReason.NETFILTER_DROP);
                    int err = verdict >>> 16;
                    return err == 0 ? -Errno.EPERM : -err;
                }
            }
        }
        counts[state.hook * 8 + NF_ACCEPT]++;
        return 1;
    }

    /** Returns 1 when the packet goes on (nobody listens and bypass is allowed), else 0 or a negative errno. */
    private int queue(Cpu cpu, SkBuff skb, NfHookState state, int index, int verdict) {
        NfQueueHandler handler = queueHandler;
        if (handler == null && (verdict & NF_VERDICT_FLAG_QUEUE_BYPASS) != 0) {
            return 1;
        }
        int err = -Errno.ESRCH;
        if (handler != null) {
            // allocates: a queued packet goes to user space and back, which costs more
            err = handler.outfn(cpu, new NfQueueHandler.NfQueueEntry(skb, state.copy(), index), verdict >>> 16);
        }
        if (err < 0) {
            skb.kfree(cpu, SkbDropReason.NETFILTER_DROP);
            return err;
        }
        return 0;
    }

    /**
     * Puts a queued packet back where it left, with the verdict of user space.
     *
     * <p>Context: a CPU word is held.
     *
     * <p>Linux: nf_reinject(), net/netfilter/nfnetlink_queue.c
     */
    public int reinject(Cpu cpu, NfQueueHandler.NfQueueEntry entry, int verdict) {
        NfHookState state = entry.state();
        NfHookOps[] entries = hooks[slot(state.pf, state.hook)];
        int next = entry.hookIndex() + 1;
        switch (verdict & NF_VERDICT_MASK) {
            case NF_ACCEPT -> {}
            case NF_REPEAT -> next--;
            case NF_STOLEN -> {
                return 0;
            }
            default -> {
                entry.skb().kfree(cpu, SkbDropReason.NETFILTER_DROP);
                return 0;
            }
        }
        int err = iterate(cpu, entries, Math.min(next, entries.length), entry.skb(), state);
        NfOkFn okfn = state.okfn;
        return err == 1 && okfn != null ? okfn.ok(cpu, net, state.sk, entry.skb()) : err;
    }
}
