package net.sched.cls;

import java.util.List;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * {@code matchall [classid|flowid CLASS] [action ...]}: one filter that every packet matches.
 *
 * <p>{@code Deviation:} {@code replace} changes the filter; Linux answers that it exists.
 *
 * <p>Linux: net/sched/cls_matchall.c; tc/f_matchall.c
 */
public final class MatchallOps implements TcfProtoOps {
    private static final String USAGE =
            "Usage: ... matchall [ skip_sw | skip_hw ] [ action ACTION_SPEC ] [ classid CLASSID ]";

    /** Creates the kind. */
    public MatchallOps() {}

    @Override
    public String id() {
        return "matchall";
    }

    @Override
    public TcfProto create(int prio, int protocol, int chain) {
        return new Matchall(prio, protocol, chain);
    }

    /** The one filter. */
    private static final class Matchall extends TcfProto {
        private int handle;
        private boolean skipHw;
        private volatile @Nullable Filter filter;
        private final HitCounts hits = new HitCounts();

        Matchall(int prio, int protocol, int chain) {
            super("matchall", prio, protocol, chain);
        }

        @Override
        protected void attached() {
            hits.size(1, net().kernel().cpus());
        }

        @Override
        @HotPath
        public int classify(Cpu cpu, SkBuff skb) {
            Filter f = filter;
            if (f == null) {
                return TcfBlock.TC_ACT_UNSPEC;
            }
            hits.inc(cpu, 0);
            return f.take(cpu, skb);
        }

        @Override
        public int change(int newHandle, List<String> args) {
            ClsWords in = new ClsWords(kind, args);
            Filter old = filter;
            boolean noHw = false;
            try (Filter.Builder b = new Filter.Builder(net())) {
                while (in.more()) {
                    String word = in.next();
                    if (word.equals("skip_sw")) {
                        throw ClsWords.noOffload();
                    }
                    if (word.equals("skip_hw")) {
                        noHw = true;
                    } else if (word.equals("police") || !b.read(word, in)) {
                        throw ClsWords.unknown(word, USAGE);
                    }
                }
                if (old != null && newHandle != handle) {
                    throw new UserError("RTNETLINK answers: " + Errno.text(Errno.EEXIST));
                }
                if (old != null) {
                    b.from(old);
                }
                filter = b.build();
            }
            skipHw = noHw;
            if (old != null) {
                old.exts.destroy();
            }
            handle = newHandle == 0 ? 1 : newHandle;
            return handle;
        }

        @Override
        public boolean delete(int h) {
            Filter old = filter;
            if (old == null || h != handle) {
                return false;
            }
            filter = null;
            old.exts.destroy();
            return true;
        }

        @Override
        public int[] handles() {
            return filter == null ? new int[0] : new int[] {handle};
        }

        @Override
        public boolean refersTo(int classid) {
            Filter f = filter;
            return f != null && f.classid == classid;
        }

        @Override
        public void dump(int h, TcPrint p, boolean stats) {
            Filter f = filter == null ? Filter.NONE : filter;
            p.value("handle", h & 0xFFFFFFFFL, "handle 0x" + Integer.toHexString(h) + " ");
            f.printClass(p, "flowid");
            p.flag("skip_hw", skipHw, "\n  skip_hw");
            p.bool("not_in_hw", true, "\n  not_in_hw");
            if (stats) {
                p.num("rule_hit", " (rule hit ", hits.sum(0), ")");
            }
            f.exts.dump(p, stats);
        }
    }
}
