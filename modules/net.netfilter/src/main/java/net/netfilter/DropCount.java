package net.netfilter;

import java.util.ArrayList;
import java.util.List;
import net.core.Cpu;
import net.core.Net;
import net.core.PerNet;
import net.core.netfilter.NfHookOps;
import net.core.netfilter.NfHookState;
import net.core.netfilter.NfHooks;
import net.core.netfilter.NfModule;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * The example of a netfilter module: drops or counts IPv4 packets by protocol and port, at any of the five hooks, as boot
 * words or sysctls ask.
 *
 * <pre>
 *   net.netfilter.dropcount.pre_routing="drop udp dport 9, count tcp"
 *   net.netfilter.dropcount.local_in=drop:icmp
 * </pre>
 *
 * <p>Hooks: pre_routing, local_in, forward, local_out, post_routing. An empty value takes the function off its hook, so
 * that the packet path skips it.
 *
 * <p>Context: {@link #hook} with a CPU word; the rest in process context.
 */
public final class DropCount implements NfModule {
    private static final PerNet<DropCount[]> PER_NET = new PerNet<>();
    private static final String[] HOOKS = {"pre_routing", "local_in", "forward", "local_out", "post_routing"};

    private volatile DropRule[] rules = {};
    private @Nullable NfHookOps ops;

    /** Created by ServiceLoader, and once per namespace and hook. */
    public DropCount() {}

    @Override
    public String name() {
        return "dropcount";
    }

    @Override
    public void init(Net net, NfHooks hooks) {
        DropCount[] all = new DropCount[NfHooks.NF_INET_NUMHOOKS];
        for (int i = 0; i < all.length; i++) {
            DropCount one = new DropCount();
            all[i] = one;
            int hook = i;
            String name = "net.netfilter.dropcount." + HOOKS[i];
            String set = net.sysctl()
                    .registerString(
                            name,
                            "",
                            v -> readable(name, v, net),
                            "rules",
                            e -> one.set(net, hooks, hook, name, e.text()))
                    .value;
            one.set(net, hooks, hook, name, set);
        }
        PER_NET.set(net, all);
    }

    /** Throws the parser's own line, which says more than "no". */
    private static boolean readable(String name, String rules, Net net) {
        DropRule.parse(name, rules, net.kernel().cpus());
        return true;
    }

    private synchronized void set(Net net, NfHooks hooks, int hook, String name, String text) {
        List<DropRule> parsed = DropRule.parse(name, text, net.kernel().cpus());
        rules = parsed.toArray(new DropRule[0]);
        NfHookOps old = ops;
        if (parsed.isEmpty() && old != null) {
            hooks.unregister(old);
            ops = null;
        } else if (!parsed.isEmpty() && old == null) {
            NfHookOps o =
                    new NfHookOps(name(), NfHooks.NFPROTO_IPV4, hook, NfHookOps.NF_IP_PRI_FILTER, this::hook, null);
            ops = o;
            hooks.register(o);
        }
    }

    @Override
    public void exit(Net net, NfHooks hooks) {
        for (DropCount one : PER_NET.get(net)) {
            one.rules = new DropRule[0];
            NfHookOps o = one.ops;
            if (o != null) {
                hooks.unregister(o);
                one.ops = null;
            }
        }
    }

    @HotPath
    private int hook(Cpu cpu, SkBuff skb, NfHookState state) {
        for (DropRule r : rules) {
            if (r.matches(cpu, skb) && r.drops()) {
                return NfHooks.NF_DROP;
            }
        }
        return NfHooks.NF_ACCEPT;
    }

    /** The rules in force at a hook of {@code net}, with their counters. */
    public static List<DropRule> rules(Net net, int hook) {
        return new ArrayList<>(List.of(PER_NET.get(net)[hook].rules));
    }
}
