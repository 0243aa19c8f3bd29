package net.sched.act;

import java.util.ArrayList;
import java.util.List;
import net.core.Cpu;
import net.core.Net;
import net.core.UserError;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.sched.TcOptions;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * The actions of one filter, in their order. Never changes: a filter that is changed gets another, and then
 * {@link #destroy}s the old one.
 *
 * <p>Context: {@link #exec} by holders of a CPU's word; all else as {@link TcAction}.
 *
 * <p>Linux: struct tcf_exts, tcf_action_exec(), net/sched/act_api.c; parse_action(), iproute2
 */
public final class TcfExts {
    /** Greatest number of actions in a list. */
    public static final int MAX_ACTIONS = 32;

    /** No actions. */
    public static final TcfExts NONE = new TcfExts(null, new TcAction[0]);

    private static final int MAX_REPEAT = 32;

    private final @Nullable TcActionTable table;
    private final TcAction[] actions;

    private TcfExts(@Nullable TcActionTable table, TcAction[] actions) {
        this.table = table;
        this.actions = actions;
    }

    // ---- words

    /** What the words of a list said, before anything is made of them. */
    record Spec(TcActionOps ops, TcActionParms parms) {}

    /**
     * Reads a filter's actions, {@code in} being behind the first word {@code action}, and binds them. Ends before
     * {@code flowid} or {@code classid}, else at the end of the words.
     *
     * @throws UserError if a word is wrong or an action cannot be; nothing is held then
     */
    public static TcfExts parse(Net net, TcOptions in) {
        TcActionTable table = TcActionTable.of(net);
        List<Spec> specs = specs(table, new TcActionWords(in));
        return new TcfExts(table, bind(table, specs));
    }

    /** The old form {@code police ...} of u32, fw, route, basic and flower; {@code in} is behind the word. */
    public static TcfExts parsePolice(Net net, TcOptions in) {
        TcActionTable table = TcActionTable.of(net);
        Spec spec = spec(table, "police", new TcActionWords(in));
        return new TcfExts(table, bind(table, List.of(spec)));
    }

    /** Several lists as one, for a filter with {@code police} before {@code action}; takes over what the two hold. */
    public static TcfExts join(TcfExts a, TcfExts b) {
        if (a.isEmpty()) {
            return b;
        }
        TcAction[] all = java.util.Arrays.copyOf(a.actions, a.actions.length + b.actions.length);
        System.arraycopy(b.actions, 0, all, a.actions.length, b.actions.length);
        return new TcfExts(a.table, all);
    }

    private static TcAction[] bind(TcActionTable table, List<Spec> specs) {
        TcAction[] made = new TcAction[specs.size()];
        int n = 0;
        try {
            for (Spec s : specs) {
                made[n] = table.get(s.ops, s.parms, true, false);
                n++;
            }
        } finally {
            if (n != made.length) {
                while (n > 0) {
                    table.put(made[--n], true);
                }
            }
        }
        return made;
    }

    /** Reads {@code KIND ... [action KIND ...]...}. */
    static List<Spec> specs(TcActionTable table, TcActionWords in) {
        List<Spec> specs = new ArrayList<>();
        boolean wanted = true;
        while (in.hasNext() && !in.peek().equals("flowid") && !in.peek().equals("classid")) {
            if (in.take("action")) {
                wanted = true;
                continue;
            }
            specs.add(spec(table, TcControl.isControl(in.peek()) ? "gact" : in.next(), in));
            wanted = false;
            if (specs.size() > MAX_ACTIONS) {
                throw new UserError("Error: Too many actions, at most " + MAX_ACTIONS);
            }
        }
        if (wanted) {
            throw new UserError("bad action empty 1");
        }
        return specs;
    }

    private static Spec spec(TcActionTable table, String kind, TcActionWords in) {
        TcActionOps ops = table.kind(kind);
        if (ops == null) {
            String more = in.hasNext() ? ", hence option \"" + in.peek() + "\" is unparsable" : "";
            throw new UserError(
                    "Unknown action \"" + kind + "\"" + more + ": known are " + String.join(", ", table.kindNames()));
        }
        TcActionParms p = ops.parse(in);
        if (in.take("cookie")) {
            String hex = in.next();
            if (hex.length() > 32 || hex.length() % 2 != 0 || !hex.matches("[0-9a-fA-F]+")) {
                throw TcActionWords.invalid(hex, "cookie must be a hex string of at most 32 digits");
            }
            p.cookie = hex.toLowerCase(java.util.Locale.ROOT);
        }
        return new Spec(ops, p);
    }

    // ---- packets

    /** Tells whether there is no action. */
    @HotPath
    public boolean isEmpty() {
        return actions.length == 0;
    }

    /** How many actions there are. */
    public int size() {
        return actions.length;
    }

    /** The action at a place, from 0. */
    public TcAction get(int i) {
        return actions[i];
    }

    /**
     * Does all actions, until one of them says otherwise. A filter calls it with its class in
     * {@link net.core.dev.QdiscSkbCb#tcClassid} and returns what it returns.
     *
     * @return {@code TC_ACT_*}: {@link TcfBlock#TC_ACT_OK} if there are none or the last said pipe,
     *     {@link TcfBlock#TC_ACT_UNSPEC} for the next filter
     */
    @HotPath
    public int exec(Cpu cpu, SkBuff skb) {
        TcAction[] list = actions;
        if (list.length == 0) {
            return TcfBlock.TC_ACT_OK;
        }
        if (skb.tcSkipClassify) { // comes back from an ifb
            skb.tcSkipClassify = false;
            return TcfBlock.TC_ACT_OK;
        }
        int jumps = 0;
        int repeats = 0;
        int rc = TcfBlock.TC_ACT_OK;
        for (int i = 0; i < list.length; i++) {
            rc = list[i].run(cpu, skb);
            if (rc == TcfBlock.TC_ACT_PIPE) {
                repeats = 0;
                continue;
            }
            if (rc == TcControl.TC_ACT_REPEAT) {
                if (++repeats == MAX_REPEAT) {
                    return TcfBlock.TC_ACT_OK;
                }
                i--;
                continue;
            }
            if (!TcControl.is(rc, TcControl.TC_ACT_JUMP)) {
                return rc;
            }
            int to = rc & TcControl.EXT_VAL_MASK;
            if (to == 0 || to >= list.length || ++jumps == MAX_ACTIONS) {
                return TcfBlock.TC_ACT_OK;
            }
            i = to - 1;
        }
        return rc == TcfBlock.TC_ACT_PIPE ? TcfBlock.TC_ACT_OK : rc;
    }

    // ---- rtnl

    /** Gives the actions up: the filter is gone, or has others. */
    public void destroy() {
        if (table != null) {
            for (TcAction a : actions) {
                table.put(a, true);
            }
        }
    }

    /** Prints the list as {@code tc filter show} does behind a filter's own options; nothing if there is none. */
    public void dump(TcPrint p, boolean stats) {
        if (actions.length != 0) {
            print(p, List.of(actions), stats, true, 1);
        }
    }

    /** Prints actions in a list, numbered from {@code first}. Linux: tc_dump_action(), iproute2 */
    static void print(TcPrint p, List<TcAction> list, boolean stats, boolean bound, int first) {
        p.openArray("actions", "");
        int order = first;
        for (TcAction a : list) {
            p.open("").nl().num("order", "\taction order ", order++, ": ");
            a.print(p, stats, bound);
            p.close();
        }
        p.closeArray("");
    }
}
