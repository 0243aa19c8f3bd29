package net.sched.act;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.core.Net;
import net.core.PerNet;
import net.core.UserError;
import net.core.dev.TcfBlock;
import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;

/**
 * A namespace's actions, by kind and number, and the kinds there are.
 *
 * <p>Context: rtnl.
 *
 * <p>Linux: struct tc_action_net, tcf_idr_check_alloc(), tcf_action_init(), net/sched/act_api.c
 */
public final class TcActionTable {
    static final PerNet<TcActionTable> SLOT = new PerNet<>();

    private final Net net;
    private final Map<String, TcActionOps> kinds;
    private final Map<String, TreeMap<Long, TcAction>> instances = new HashMap<>();

    TcActionTable(Net net, Map<String, TcActionOps> kinds) {
        this.net = net;
        this.kinds = kinds;
    }

    /** The table of {@code net}. */
    public static TcActionTable of(Net net) {
        return SLOT.get(net);
    }

    /** The kind called {@code id}, or null. */
    public @Nullable TcActionOps kind(String id) {
        return kinds.get(id);
    }

    /** Names of all kinds. */
    public List<String> kindNames() {
        return kinds.keySet().stream().sorted().toList();
    }

    /** The instance of that number, or null. */
    public @Nullable TcAction find(String kind, int index) {
        TreeMap<Long, TcAction> of = instances.get(kind);
        return of == null ? null : of.get(index & 0xFFFFFFFFL);
    }

    /** All instances of a kind, by number. */
    public Collection<TcAction> all(String kind) {
        TreeMap<Long, TcAction> of = instances.get(kind);
        return of == null ? List.of() : List.copyOf(of.values());
    }

    /**
     * Makes an instance and holds it, or, for a filter, binds the one that has this number already, as it is.
     *
     * @param bind for a filter
     * @param replace one that is there takes the settings over; else it must not be there, unless {@code bind}
     * @throws UserError if it cannot be
     */
    public TcAction get(TcActionOps ops, TcActionParms p, boolean bind, boolean replace) {
        if (!bind && TcControl.is(p.control, TcfBlock.TC_ACT_GOTO_CHAIN)) {
            throw new UserError("Error: can't goto NULL proto/chain.");
        }
        TcAction old = p.index == 0 ? null : find(ops.id(), p.index);
        if (old != null) {
            if (!bind && !replace) {
                throw new UserError("RTNETLINK answers: " + Errno.text(Errno.EEXIST));
            }
            if (!bind) {
                old.apply(p, false);
            } else {
                old.hold(true);
            }
            return old;
        }
        TcAction made = ops.create(net, p.index != 0 ? p.index : freeIndex(ops.id()));
        made.apply(p, true);
        made.hold(bind);
        instances.computeIfAbsent(ops.id(), k -> new TreeMap<>()).put(made.index & 0xFFFFFFFFL, made);
        return made;
    }

    private int freeIndex(String kind) {
        TreeMap<Long, TcAction> of = instances.get(kind);
        long index = 1;
        while (of != null && of.containsKey(index)) {
            index++;
        }
        return (int) index;
    }

    /** How many instances there are. */
    int size() {
        int n = 0;
        for (TreeMap<Long, TcAction> of : instances.values()) {
            n += of.size();
        }
        return n;
    }

    /** Gives up a hold that {@link #get} gave. */
    public void put(TcAction a, boolean bind) {
        if (a.drop(bind)) {
            TreeMap<Long, TcAction> of = instances.get(a.ops.id());
            if (of != null) {
                of.remove(a.index & 0xFFFFFFFFL);
            }
            a.released();
        }
    }
}
