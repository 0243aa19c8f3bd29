package net.sched.cls;

import java.util.List;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.QdiscSkbCb;
import net.core.dev.TcfBlock;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.TcOptions;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * {@code matchall [classid|flowid CLASS]}: one filter that every packet matches.
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

        Matchall(int prio, int protocol, int chain) {
            super("matchall", prio, protocol, chain);
        }

        @Override
        @HotPath
        public int classify(Cpu cpu, SkBuff skb) {
            QdiscSkbCb.setTcClassid(skb, classid);
            return TcfBlock.TC_ACT_OK;
        }

        @Override
        public int change(int newHandle, List<String> args) {
            TcOptions in = new TcOptions(kind, args);
            int id = classid;
            while (in.hasNext()) {
                String word = in.next();
                if (!word.equals("classid") && !word.equals("flowid")) {
                    throw new UserError("What is \"" + word + "\"? Usage: ... matchall [ classid CLASSID ]");
                }
                String v = in.value(word, "a class such as 1:10");
                long parsed = TcHandle.parseClassid(v);
                if (parsed < 0) {
                    throw new UserError("Illegal \"classid\"");
                }
                id = (int) parsed;
            }
            if (handle != 0 && newHandle != handle) {
                throw new UserError("Error: Filter already exists");
            }
            classid = id;
            handle = newHandle == 0 ? 1 : newHandle;
            return handle;
        }

        @Override
        public boolean delete(int h) {
            if (h != handle) {
                return false;
            }
            handle = 0;
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
            p.bool("not_in_hw", true, "");
        }
    }
}
