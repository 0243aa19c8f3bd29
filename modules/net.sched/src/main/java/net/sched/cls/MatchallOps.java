package net.sched.cls;

import java.util.List;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.QdiscSkbCb;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.TcOptions;
import net.sched.act.TcfExts;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * {@code matchall [classid|flowid CLASS] [action ...]}: one filter that every packet matches.
 *
 * <p>Linux: net/sched/cls_matchall.c
 */
public final class MatchallOps implements TcfProtoOps {
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

    /** The one filter; handle 0 while there is none. */
    private static final class Matchall extends TcfProto {
        private int handle;
        private volatile int classid;
        private boolean skipHw;
        private volatile TcfExts exts = TcfExts.NONE;

        Matchall(int prio, int protocol, int chain) {
            super("matchall", prio, protocol, chain);
        }

        @Override
        @HotPath
        public int classify(Cpu cpu, SkBuff skb) {
            QdiscSkbCb.setTcClassid(skb, classid);
            return exts.exec(cpu, skb);
        }

        @Override
        public int change(int newHandle, List<String> args) {
            TcOptions in = new TcOptions(kind, args);
            int id = classid;
            TcfExts actions = TcfExts.NONE;
            boolean skip = false;
            boolean done = false;
            try {
                while (in.hasNext()) {
                    String word = in.next();
                    if (word.equals("action")) {
                        actions = TcfExts.join(actions, TcfExts.parse(net(), in));
                    } else if (word.equals("flowid") || "classid".startsWith(word)) {
                        id = classid(in.value(word, "a class such as 1:10"));
                    } else if (word.equals("skip_hw")) {
                        skip = true;
                    } else {
                        throw new UserError(
                                "What is \"" + word
                                        + "\"? Usage: ... matchall [skip_sw | skip_hw] [ action ACTION_SPEC ] [ classid CLASSID ]");
                    }
                }
                if (handle != 0 && newHandle != handle) {
                    throw new UserError("Error: Filter already exists");
                }
                done = true;
            } finally {
                if (!done) {
                    actions.destroy();
                }
            }
            TcfExts old = exts;
            classid = id;
            skipHw = skip;
            exts = actions;
            old.destroy();
            handle = newHandle == 0 ? 1 : newHandle;
            return handle;
        }

        private static int classid(String v) {
            long parsed = TcHandle.parseClassid(v);
            if (parsed < 0) {
                throw new UserError("Illegal \"classid\"");
            }
            return (int) parsed;
        }

        @Override
        public boolean delete(int h) {
            if (h != handle) {
                return false;
            }
            handle = 0;
            exts.destroy();
            exts = TcfExts.NONE;
            return true;
        }

        @Override
        public int[] handles() {
            return handle == 0 ? new int[0] : new int[] {handle};
        }

        @Override
        public void dump(int h, TcPrint p, boolean stats) {
            if (classid != 0) {
                p.str("flowid", "flowid ", TcHandle.format(classid), " ");
            }
            p.flag("skip_hw", skipHw, "\n  skip_hw");
            p.bool("not_in_hw", true, "\n  not_in_hw");
            exts.dump(p, stats);
        }
    }
}
