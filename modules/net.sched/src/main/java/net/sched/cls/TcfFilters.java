package net.sched.cls;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.UserError;
import net.core.dev.EthHdr;
import net.core.dev.TcfBlock;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * The filters of one qdisc, class or hook: chains of classifiers, each in the order of their preferences. Chain 0 is
 * asked; an action may send a packet on to another chain or back to the beginning.
 *
 * <p>Context: {@link #classify} by holders of a CPU's word, any number at once; changes under rtnl replace whole arrays.
 *
 * <p>Linux: struct tcf_block, struct tcf_chain, tcf_classify(), net/sched/cls_api.c
 */
public final class TcfFilters implements TcfBlock {
    /** A classifier for every protocol. */
    public static final int ETH_P_ALL = 3;

    private static final int MAX_RECLASSIFY = 16;
    private static final int FIRST_AUTO_PRIO = 49152;
    private static final TcfProto[] NONE = {};

    /** By number. */
    private record Chain(int number, TcfProto[] protos) {}

    private volatile TcfProto[] first = NONE;
    private volatile Chain[] others = {};

    /** No filters yet. */
    public TcfFilters() {}

    @Override
    @HotPath
    public int classify(Cpu cpu, SkBuff skb) {
        int proto = skb.vlanPresent ? skb.vlanProto : skb.protocol;
        TcfProto[] chain = first;
        int rounds = 0;
        for (int i = 0; i < chain.length; i++) {
            TcfProto tp = chain[i];
            if (tp.protocol != proto && tp.protocol != ETH_P_ALL) {
                continue;
            }
            int act = tp.classify(cpu, skb);
            if (act == TC_ACT_UNSPEC || act == TC_ACT_PIPE) {
                continue;
            }
            boolean jump = (act & TC_ACT_GOTO_CHAIN) != 0 && act > 0;
            if (!jump && act != TC_ACT_RECLASSIFY) {
                return act;
            }
            TcfProto[] next = jump ? chain(act & ~TC_ACT_GOTO_CHAIN) : first;
            if (next == null) {
                return TC_ACT_UNSPEC; // no filter in that chain
            }
            if (++rounds > MAX_RECLASSIFY) {
                cpu.sd.tcDropReason = SkbDropReason.TC_RECLASSIFY_LOOP;
                return TC_ACT_SHOT;
            }
            chain = next;
            i = -1;
            proto = skb.vlanPresent ? skb.vlanProto : skb.protocol;
        }
        return TC_ACT_UNSPEC;
    }

    private TcfProto @Nullable [] chain(int number) {
        if (number == 0) {
            return first;
        }
        for (Chain c : others) {
            if (c.number == number) {
                return c.protos;
            }
        }
        return null;
    }

    private void setChain(int number, TcfProto[] protos) {
        if (number == 0) {
            first = protos;
            return;
        }
        List<Chain> all = new ArrayList<>(Arrays.asList(others));
        all.removeIf(c -> c.number == number);
        if (protos.length != 0) {
            all.add(new Chain(number, protos));
        }
        all.sort(Comparator.comparingInt(Chain::number));
        others = all.toArray(Chain[]::new);
    }

    /** Tells whether there is no filter. */
    public boolean isEmpty() {
        return first.length == 0 && others.length == 0;
    }

    private @Nullable TcfProto find(int chain, int prio) {
        TcfProto[] protos = chain(chain);
        for (TcfProto tp : protos == null ? NONE : protos) {
            if (tp.prio == prio) {
                return tp;
            }
        }
        return null;
    }

    /**
     * {@code tc filter add|change}: adds a filter, or changes the one called {@code handle}.
     *
     * @param prio preference, 0 to have one chosen below all others
     * @param protocol ethertype or {@link #ETH_P_ALL}
     * @param handle 0 to have one chosen
     * @throws UserError if there can be no such filter
     */
    public TcfProto change(Net net, int chain, int prio, int protocol, String kind, int handle, List<String> args) {
        int at = prio == 0 ? autoPrio(chain) : prio;
        TcfProto tp = find(chain, at);
        if (tp != null) {
            if (!tp.kind.equals(kind) || tp.protocol != protocol) {
                throw new UserError("Error: Specified filter kind or protocol does not match existing one");
            }
            tp.change(handle, args);
            return tp;
        }
        TcfProto made = ops(net.kernel(), kind).create(at, protocol, chain);
        made.init(net);
        made.change(handle, args);
        TcfProto[] old = chain(chain);
        List<TcfProto> all = new ArrayList<>(Arrays.asList(old == null ? NONE : old));
        all.add(made);
        all.sort(Comparator.comparingInt(t -> t.prio));
        setChain(chain, all.toArray(TcfProto[]::new));
        return made;
    }

    private int autoPrio(int chain) {
        TcfProto[] protos = chain(chain);
        return protos == null || protos.length == 0 ? FIRST_AUTO_PRIO : protos[0].prio - 1;
    }

    private static TcfProtoOps ops(Kernel kernel, String kind) {
        List<String> known = new ArrayList<>();
        for (TcfProtoOps o : kernel.providers(TcfProtoOps.class)) {
            if (o.id().equals(kind)) {
                return o;
            }
            known.add(o.id());
        }
        throw new UserError("Unknown filter \"" + kind + "\", hence option is unparsable: known are "
                + String.join(", ", known.stream().sorted().toList()));
    }

    /**
     * {@code tc filter del}: one filter, or with handle 0 all of that preference, or with preference 0 the whole chain.
     *
     * @throws UserError if there is none such
     */
    public void delete(int chain, int prio, int handle) {
        if (prio == 0) {
            TcfProto[] gone = chain(chain);
            setChain(chain, NONE);
            destroy(gone);
            return;
        }
        TcfProto tp = find(chain, prio);
        if (tp == null) {
            throw new UserError("Error: Filter with specified priority/protocol not found");
        }
        if (handle != 0 && !tp.delete(handle)) {
            throw new UserError("Error: Specified filter handle not found");
        }
        if (handle == 0 || tp.handles().length == 0) {
            TcfProto[] protos = chain(chain);
            setChain(
                    chain,
                    Arrays.stream(protos == null ? NONE : protos)
                            .filter(t -> t != tp)
                            .toArray(TcfProto[]::new));
            tp.destroy();
        }
    }

    private static void destroy(TcfProto @Nullable [] protos) {
        for (TcfProto tp : protos == null ? NONE : protos) {
            tp.destroy();
        }
    }

    /** Takes all filters out of force and gives their actions up. */
    @Override
    public void destroy() {
        TcfProto[] gone = first;
        Chain[] goneOthers = others;
        first = NONE;
        others = new Chain[0];
        destroy(gone);
        for (Chain c : goneOthers) {
            destroy(c.protos);
        }
    }

    /** All filters as {@code tc filter show} prints those of {@code parent}. Linux: print_filter(), iproute2 */
    public void print(TcPrint p, int parent, boolean stats) {
        for (TcfProto tp : first) {
            print(p, parent, tp, stats);
        }
        for (Chain c : others) {
            for (TcfProto tp : c.protos) {
                print(p, parent, tp, stats);
            }
        }
    }

    private static void print(TcPrint p, int parent, TcfProto tp, boolean stats) {
        head(p, parent, tp);
        p.nl().close();
        for (int h : tp.handles()) {
            head(p, parent, tp);
            p.open("options");
            p.hex("handle", "handle ", h & 0xFFFFFFFFL, " ");
            tp.dump(h, p, stats);
            p.close().nl().close();
        }
    }

    private static void head(TcPrint p, int parent, TcfProto tp) {
        p.open("").text("filter ");
        p.str("parent", "parent ", TcHandle.format(parent), " ");
        p.str("protocol", "protocol ", protocolName(tp.protocol), " ");
        p.num("pref", "pref ", tp.prio, " ");
        p.str("kind", "", tp.kind, " ");
        p.num("chain", "chain ", tp.chain, " ");
    }

    private static String protocolName(int protocol) {
        return switch (protocol) {
            case ETH_P_ALL -> "all";
            case EthHdr.ETH_P_IP -> "ip";
            case EthHdr.ETH_P_IPV6 -> "ipv6";
            case 0x0806 -> "arp";
            case 0x8100 -> "802.1Q";
            default -> "[" + protocol + "]";
        };
    }
}
