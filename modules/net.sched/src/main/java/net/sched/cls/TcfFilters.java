package net.sched.cls;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.UserError;
import net.core.dev.SchApi;
import net.core.dev.TcfBlock;
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
 * <p>Linux: struct tcf_block, struct tcf_chain, tcf_classify(), tc_new_tfilter(), tc_del_tfilter(), net/sched/cls_api.c
 */
public final class TcfFilters implements TcfBlock {
    /** A classifier for every protocol. */
    public static final int ETH_P_ALL = 3;
    /** The greatest number of a chain. */
    public static final int MAX_CHAIN = 0x0FFFFFFF;

    private static final int MAX_RECLASSIFY = 16;
    private static final int FIRST_AUTO_PRIO = 49152;
    private static final int LOWEST_AUTO = 0x8000;
    private static final TcfProto[] NONE = {};

    /** By number; {@code explicit} if {@code tc chain add} made it, which keeps it without filters. */
    private record Chain(int number, TcfProto[] protos, boolean explicit) {}

    /** What these filters hang on. */
    public final int parent;

    private volatile TcfProto[] first = NONE;
    /** In the order in which they were made. */
    private volatile Chain[] others = {};

    private boolean explicitFirst;
    /** What classifiers of one discipline have in common, by kind. */
    private final Map<String, Object> shared;

    /** No filters yet, on nothing in particular. */
    public TcfFilters() {
        this(0, null);
    }

    /** No filters yet, on {@code parent}; {@code sibling} hangs on another place of the same discipline. */
    public TcfFilters(int parent, @Nullable TcfFilters sibling) {
        this.parent = parent;
        shared = sibling == null ? new HashMap<>() : sibling.shared;
    }

    /** What the classifiers of {@code kind} in this discipline share. */
    @SuppressWarnings("unchecked")
    public <T> T shared(String kind, Supplier<T> make) {
        return (T) shared.computeIfAbsent(kind, k -> make.get());
    }

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
            if (act == TC_ACT_UNSPEC) {
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
        Chain old = other(number);
        boolean explicit = old != null && old.explicit;
        putChain(old, protos.length == 0 && !explicit ? null : new Chain(number, protos, explicit));
    }

    private @Nullable Chain other(int number) {
        for (Chain c : others) {
            if (c.number == number) {
                return c;
            }
        }
        return null;
    }

    private void putChain(@Nullable Chain old, @Nullable Chain made) {
        List<Chain> all = new ArrayList<>(Arrays.asList(others));
        int at = old == null ? all.size() : all.indexOf(old);
        if (old != null) {
            all.remove(at);
        }
        if (made != null) {
            all.add(at, made);
        }
        others = all.toArray(Chain[]::new);
    }

    /** Tells whether there is no filter. */
    public boolean isEmpty() {
        return first.length == 0 && others.length == 0;
    }

    private List<TcfProto> all() {
        List<TcfProto> all = new ArrayList<>(Arrays.asList(first));
        for (Chain c : others) {
            all.addAll(Arrays.asList(c.protos));
        }
        return all;
    }

    @Override
    public boolean refersTo(int classid) {
        return all().stream().anyMatch(tp -> tp.refersTo(classid));
    }

    private @Nullable TcfProto find(int chain, int prio, int protocol) {
        TcfProto[] protos = chain(chain);
        for (TcfProto tp : protos == null ? NONE : protos) {
            if (tp.prio == prio) {
                if (protocol != 0 && protocol != tp.protocol) {
                    throw new UserError("Error: Protocol mismatch for filter with specified priority.");
                }
                return tp;
            }
        }
        return null;
    }

    private static void sameKind(TcfProto tp, @Nullable String kind) {
        if (kind != null && !kind.equals(tp.kind)) {
            throw new UserError("Error: Specified filter kind does not match existing one.");
        }
    }

    /**
     * {@code tc filter add|change|replace}.
     *
     * @param id a preference of 0 has one chosen below all others that were
     * @param args the words after the kind
     * @throws UserError if there can be no such filter, or it is not as {@code verb} says
     */
    public TcfProto modify(Net net, SchApi.Verb verb, FilterId id, List<String> args) {
        if (id.prio() == 0 && verb == SchApi.Verb.CHANGE) {
            throw new UserError("Error: Invalid filter command with priority of zero.");
        }
        int prio = id.prio() == 0 ? autoPrio(id.chain()) : id.prio();
        TcfProto tp = find(id.chain(), prio, id.protocol());
        String kind = id.kind();
        if (tp == null && (kind == null || id.protocol() == 0)) {
            throw new UserError("Error: Filter kind and protocol must be specified.");
        }
        TcfProtoOps ops = ops(net.kernel(), tp != null && kind == null ? tp.kind : Objects.requireNonNull(kind));
        int handle = ops.handle(id.handle(), args);
        boolean there = false;
        if (tp != null) {
            sameKind(tp, kind);
            there = tp.has(handle);
        }
        if (there && verb == SchApi.Verb.ADD) {
            throw new UserError("Error: Filter already exists.");
        }
        if (!there && verb == SchApi.Verb.CHANGE) {
            throw new UserError("Error: Need both RTM_NEWTFILTER and NLM_F_CREATE to create a new filter.");
        }
        List<String> options = ops.options(id.handle(), args);
        if (tp != null) {
            tp.change(handle, options);
            return tp;
        }
        TcfProto made = ops.create(prio, id.protocol(), id.chain());
        made.init(net, this);
        boolean done = false;
        try {
            made.change(handle, options);
            done = true;
        } finally {
            if (!done) {
                made.destroy();
            }
        }
        TcfProto[] old = chain(id.chain());
        List<TcfProto> all = new ArrayList<>(Arrays.asList(old == null ? NONE : old));
        all.add(made);
        all.sort(Comparator.comparingInt(t -> t.prio));
        setChain(id.chain(), all.toArray(TcfProto[]::new));
        return made;
    }

    /** As {@link #modify} with {@code replace}, for a program. */
    public TcfProto change(Net net, int chain, int prio, int protocol, String kind, int handle, List<String> args) {
        String word = handle == 0 ? null : "0x" + Integer.toHexString(handle);
        return modify(net, SchApi.Verb.REPLACE, new FilterId(chain, prio, protocol, kind, word), args);
    }

    /** One below the greatest preferences that were chosen so far. Linux: tcf_auto_prio() */
    private int autoPrio(int chain) {
        TcfProto[] protos = chain(chain);
        for (TcfProto tp : protos == null ? NONE : protos) {
            if (tp.prio >= LOWEST_AUTO) {
                return tp.prio - 1;
            }
        }
        return FIRST_AUTO_PRIO;
    }

    /** Tells whether there is a classifier called {@code kind}. */
    public static boolean isKnown(Kernel kernel, String kind) {
        return kernel.providers(TcfProtoOps.class).stream().anyMatch(o -> o.id().equals(kind));
    }

    private Map<String, TcfProtoOps> kinds(Kernel kernel) {
        return shared("", () -> {
            Map<String, TcfProtoOps> all = new HashMap<>();
            kernel.providers(TcfProtoOps.class).forEach(o -> all.put(o.id(), o));
            return all;
        });
    }

    /** Lets these filters be of a kind that no module provides: for tests of it. */
    public void provide(Kernel kernel, TcfProtoOps kind) {
        kinds(kernel).put(kind.id(), kind);
    }

    private TcfProtoOps ops(Kernel kernel, String kind) {
        TcfProtoOps ops = kinds(kernel).get(kind);
        if (ops == null) {
            throw new UserError("Error: TC classifier not found.");
        }
        return ops;
    }

    /**
     * {@code tc filter del}: one filter, or without a handle all of that preference, or without a preference the whole
     * chain.
     *
     * @throws UserError if there is none such, or it is in use
     */
    public void delete(FilterId id) {
        TcfProto[] protos = chain(id.chain());
        if (id.prio() == 0) {
            if (id.protocol() != 0 || id.handle() != null || id.kind() != null) {
                throw new UserError("Error: Cannot flush filters with protocol, handle or kind set.");
            }
            setChain(id.chain(), NONE);
            destroy(protos);
            return;
        }
        if (protos == null || id.chain() == 0 && protos.length == 0 && !explicitFirst) {
            throw new UserError("Error: Cannot find specified filter chain.");
        }
        TcfProto tp = existing(id);
        delete(tp, ops(tp.net().kernel(), tp.kind).handle(id.handle(), List.of()));
    }

    private void delete(TcfProto tp, int handle) {
        if (handle != 0 && !tp.delete(handle)) {
            throw new UserError("Error: Specified filter handle not found.");
        }
        if (handle == 0 || tp.isEmpty()) {
            TcfProto[] protos = chain(tp.chain);
            setChain(
                    tp.chain,
                    Arrays.stream(protos == null ? NONE : protos)
                            .filter(t -> t != tp)
                            .toArray(TcfProto[]::new));
            tp.destroy();
        }
    }

    /** As {@link #delete(FilterId)}, for a program; without a preference the whole chain. */
    public void delete(int chain, int prio, int handle) {
        FilterId id = new FilterId(chain, prio, 0, null, null);
        if (handle == 0) {
            delete(id);
        } else {
            delete(existing(id), handle);
        }
    }

    /** The instance that {@code id} means. */
    private TcfProto existing(FilterId id) {
        TcfProto tp = find(id.chain(), id.prio(), id.protocol());
        if (tp == null) {
            throw new UserError("Error: Filter with specified priority/protocol not found.");
        }
        sameKind(tp, id.kind());
        return tp;
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

    // ---- chains of their own. Linux: tc_ctl_chain()

    /** {@code tc chain add}. @throws UserError if there is one */
    public void addChain(int number) {
        Chain old = other(number);
        if (number == 0 ? explicitFirst || first.length != 0 : old != null) {
            throw new UserError("Error: Filter chain already exists.");
        }
        if (number == 0) {
            explicitFirst = true;
        } else {
            putChain(null, new Chain(number, NONE, true));
        }
    }

    /** {@code tc chain del}: with all its filters. @throws UserError if there is none */
    public void deleteChain(int number) {
        Chain old = other(number);
        if (number == 0 ? !explicitFirst && first.length == 0 : old == null) {
            throw new UserError("Error: Cannot find specified filter chain.");
        }
        if (number == 0) {
            explicitFirst = false;
        } else {
            putChain(old, null);
        }
        destroy(number == 0 ? first : old == null ? NONE : old.protos);
        if (number == 0) {
            first = NONE;
        }
    }

    /** Numbers of the chains there are. */
    public int[] chains() {
        List<Integer> all = new ArrayList<>();
        if (explicitFirst || first.length != 0) {
            all.add(0);
        }
        for (Chain c : others) {
            all.add(c.number);
        }
        return all.stream().mapToInt(Integer::intValue).toArray();
    }

    /** All filters, each as its chain, preference and handle. */
    public List<int[]> handles() {
        List<int[]> all = new ArrayList<>();
        for (TcfProto tp : all()) {
            for (int h : tp.handles()) {
                all.add(new int[] {tp.chain, tp.prio, h});
            }
        }
        return all;
    }

    // ---- show

    /** All filters as {@code tc filter show} prints those of {@code parent}. */
    public void print(TcPrint p, int parent, boolean stats) {
        print(p, FilterView.all(stats), parent);
    }

    /** Those that {@code v} wants. Linux: tc_dump_tfilter(); print_filter(), iproute2 */
    public void print(TcPrint p, FilterView v) {
        print(p, v, parent);
    }

    private void print(TcPrint p, FilterView v, int at) {
        for (TcfProto tp : all()) {
            if ((v.chain() < 0 || v.chain() == tp.chain)
                    && (v.prio() == 0 || v.prio() == tp.prio)
                    && (v.protocol() == 0 || v.protocol() == tp.protocol)) {
                FilterPrint.all(p, v, at, tp);
            }
        }
    }

    /** One filter. @throws UserError if there is none such */
    public void get(FilterId id, TcPrint p, FilterView v) {
        if (chain(id.chain()) == null) {
            throw new UserError("Error: Cannot find specified filter chain.");
        }
        TcfProto tp = existing(id);
        int handle = ops(tp.net().kernel(), tp.kind).handle(id.handle(), List.of());
        if (!tp.has(handle)) {
            throw new UserError("Error: Specified filter handle not found.");
        }
        FilterPrint.one(p, v, parent, tp, handle);
    }
}
