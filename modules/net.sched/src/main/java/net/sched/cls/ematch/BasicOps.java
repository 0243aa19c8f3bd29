package net.sched.cls.ematch;

import java.util.List;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.sched.cls.ClsWords;
import net.sched.cls.Filter;
import net.sched.cls.FilterList;
import net.sched.cls.HitCounts;
import net.sched.cls.TcfProto;
import net.sched.cls.TcfProtoOps;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * {@code basic [match EXPR]}: packets for which an expression holds; the newest filter is asked first.
 *
 * <p>Linux: net/sched/cls_basic.c; tc/f_basic.c
 */
public final class BasicOps implements TcfProtoOps {
    private static final String USAGE =
            "Usage: ... basic [ match EMATCH_TREE ] [ action ACTION_SPEC ] [ classid CLASSID ]";

    /** Creates the kind. */
    public BasicOps() {}

    @Override
    public String id() {
        return "basic";
    }

    @Override
    public TcfProto create(int prio, int protocol, int chain) {
        return new Basic(prio, protocol, chain);
    }

    @Override
    public int handle(@Nullable String word, List<String> args) {
        long h = word == null ? 0 : ClsWords.unsigned(word, 0);
        if (h < 0) {
            throw new UserError("Illegal handle \"" + word + "\", must be numeric.");
        }
        return (int) h;
    }

    /** One filter; without an expression all packets match. */
    private static final class Expression extends FilterList.Entry {
        static final int LOOKED = 0;
        static final int HIT = 1;

        final @Nullable EmatchTree tree;
        final HitCounts hits;

        Expression(int handle, Filter filter, @Nullable EmatchTree tree, HitCounts hits) {
            super(handle, filter);
            this.tree = tree;
            this.hits = hits;
        }
    }

    /** All filters of a preference. */
    private static final class Basic extends FilterList {
        Basic(int prio, int protocol, int chain) {
            super("basic", prio, protocol, chain);
        }

        @Override
        @HotPath
        public int classify(Cpu cpu, SkBuff skb) {
            for (Entry e : entries()) {
                Expression x = (Expression) e;
                x.hits.inc(cpu, Expression.LOOKED);
                if (x.tree != null && !x.tree.match(cpu, skb)) {
                    continue;
                }
                x.hits.inc(cpu, Expression.HIT);
                int act = x.filter.take(cpu, skb);
                if (act != TcfBlock.TC_ACT_UNSPEC) {
                    return act;
                }
            }
            return TcfBlock.TC_ACT_UNSPEC;
        }

        @Override
        public int change(int handle, List<String> args) {
            if (args.isEmpty()) {
                throw invalid();
            }
            Entry old = find(handle);
            EmatchTree tree = null;
            try (Filter.Builder b = new Filter.Builder(net())) {
                ClsWords in = new ClsWords(kind, args);
                while (in.more()) {
                    String word = in.next();
                    if (ClsWords.matches(word, "match")) {
                        tree = EmatchParser.parse(in);
                    } else if (!b.read(word, in)) {
                        throw ClsWords.unknown(word, USAGE);
                    }
                }
                HitCounts hits = old instanceof Expression x
                        ? x.hits
                        : new HitCounts().size(2, net().kernel().cpus());
                if (old != null) {
                    b.from(old.filter);
                }
                int h = handle == 0 ? freeHandle() : handle;
                put(new Expression(h, b.build(), tree, hits), old, true);
                return h;
            }
        }

        @Override
        public void dump(int handle, TcPrint p, boolean stats) {
            if (!(find(handle) instanceof Expression x)) {
                return;
            }
            String hex = Integer.toHexString(handle);
            p.word("handle", hex, "handle 0x" + hex + " ");
            x.filter.printClass(p, "flowid");
            if (x.tree != null) {
                x.tree.print(p);
            }
            x.filter.exts.dump(p, stats);
        }
    }
}
