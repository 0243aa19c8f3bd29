package net.sched.act;

import java.util.ArrayList;
import java.util.List;
import net.core.Net;
import net.core.UserError;
import net.core.tc.TcPrint;
import net.sched.TcOptions;
import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;

/**
 * What {@code tc actions} asks of a namespace. Messages are the kernel's.
 *
 * <p>Context: process, rtnl, without a word.
 *
 * <p>Linux: tc_ctl_action(), net/sched/act_api.c; tc/m_action.c, iproute2
 */
public final class TcActionApi {
    private final TcActionTable table;

    /** The actions of {@code net}. */
    public TcActionApi(Net net) {
        table = TcActionTable.of(net);
    }

    /**
     * {@code add|change|replace action KIND ... [index N] [action ...]}: makes them, with a hold that {@code del} gives up.
     *
     * @param replace whether one that is there changes; else it must not be there
     * @throws UserError if a word is wrong or one cannot be; those before it are gone again if they were new
     */
    public void modify(List<String> words, boolean replace) {
        List<TcfExts.Spec> specs = TcfExts.specs(table, new TcActionWords(new TcOptions("action", words)));
        List<TcAction> made = new ArrayList<>();
        boolean done = false;
        try {
            for (TcfExts.Spec s : specs) {
                int before = table.size();
                TcAction a = table.get(s.ops(), s.parms(), false, replace);
                if (table.size() != before) {
                    made.add(a);
                }
                a.list();
            }
            done = true;
        } finally {
            if (!done) {
                made.forEach(a -> table.put(a, false));
            }
        }
    }

    /** Reads {@code action KIND index N [action ...]} and finds them all. */
    private List<TcAction> named(List<String> words) {
        TcActionWords in = new TcActionWords(new TcOptions("action", words));
        List<TcAction> found = new ArrayList<>();
        while (in.hasNext()) {
            if (in.take("action")) {
                continue;
            }
            String kind = in.next();
            if (table.kind(kind) == null) {
                throw new UserError("Error: non existent action: " + kind);
            }
            if (!in.takeAbbreviated("index")) {
                throw new UserError("Error: no index specified action: " + kind);
            }
            TcAction a = table.find(kind, (int) in.u32("index", 0xFFFFFFFFL));
            if (a == null) {
                throw new UserError("Error: TC action with specified index not found.");
            }
            found.add(a);
        }
        if (found.isEmpty()) {
            throw new UserError("Error: no action specified");
        }
        return found;
    }

    /** {@code get action KIND index N}. */
    public void get(List<String> words, TcPrint p, boolean stats) {
        List<TcAction> found = named(words);
        p.openArray("", "");
        total(p, 0);
        print(p, found, stats, 1);
        p.closeArray("");
    }

    /** {@code del action KIND index N}: one that a filter holds stays. */
    public void delete(List<String> words) {
        for (TcAction a : named(words)) {
            if (a.binds() != 0) {
                throw new UserError("Error: Failed to delete TC action.");
            }
            table.put(a, false);
        }
    }

    /** The kind that {@code ls} and {@code flush} name behind {@code action}. */
    private String kind(List<String> words) {
        TcActionWords in = new TcActionWords(new TcOptions("action", words));
        if (!in.take("action") && !in.take("actions") || !in.hasNext()) {
            throw new UserError("usage: tc actions ls|flush action ACTNAME");
        }
        String kind = in.next();
        if (table.kind(kind) == null) {
            throw new UserError("bad action " + kind);
        }
        return kind;
    }

    /** {@code ls action KIND}. */
    public void list(List<String> words, TcPrint p, boolean stats) {
        List<TcAction> all = List.copyOf(table.all(kind(words)));
        p.openArray("", "");
        if (!all.isEmpty()) {
            total(p, all.size());
            print(p, all, stats, 0);
        }
        p.closeArray("");
    }

    private static void total(TcPrint p, int n) {
        p.open("").num("total acts", "total acts ", n, "").nl().close();
    }

    private static void print(TcPrint p, List<TcAction> list, boolean stats, int first) {
        list.forEach(TcAction::list);
        p.open("");
        TcfExts.print(p, list, stats, false, first);
        p.close();
    }

    /** {@code flush action KIND}: up to the first that a filter holds. Returns a warning if there was one, else null. */
    public @Nullable String flush(List<String> words) {
        String kind = kind(words);
        int gone = 0;
        for (TcAction a : table.all(kind)) {
            if (a.binds() != 0) {
                if (gone == 0) {
                    throw new UserError("RTNETLINK answers: " + Errno.text(Errno.EPERM));
                }
                return "Warning: Unable to flush all TC actions.";
            }
            table.put(a, false);
            gone++;
        }
        return null;
    }
}
