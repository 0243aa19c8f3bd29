package net.sched.act;

import java.util.concurrent.atomic.AtomicLong;
import net.core.Cpu;
import net.core.Net;
import net.core.UserError;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * {@code [gact] CONTROL [random netrand|determ CONTROL N] [index N]}: says where a packet goes, and one in N, or every Nth,
 * elsewhere.
 *
 * <p>Linux: net/sched/act_gact.c; tc/m_gact.c, iproute2
 */
public final class GactOps implements TcActionOps {
    private static final String USAGE = "Usage: ... gact <ACTION> [random <netrand|determ> <ACTION> <VAL>] [index N]";
    private static final int MAX_VAL = 10_000;

    /** Which of the packets go the other way. */
    private enum Random {
        NONE,
        NETRAND,
        DETERM
    }

    /** Its settings; replaced as a whole. */
    private static final class Parms extends TcActionParms {
        Random random = Random.NONE;
        int otherControl;
        int val;
    }

    /** Creates the kind. */
    public GactOps() {}

    @Override
    public String id() {
        return "gact";
    }

    @Override
    public TcActionParms parse(TcActionWords in) {
        Parms p = new Parms();
        if (!"index".startsWith(in.peek())) {
            if (!TcControl.isControl(in.peek())) {
                throw new UserError("Bad action type " + in.peek() + ". " + USAGE);
            }
            p.control = TcControl.parse(in);
            if (in.takeAbbreviated("random")) {
                random(in, p);
            }
        } else if (in.peek().isEmpty()) {
            throw new UserError(USAGE);
        }
        in.index(p);
        return p;
    }

    private static void random(TcActionWords in, Parms p) {
        if (in.takeAbbreviated("netrand")) {
            p.random = Random.NETRAND;
        } else if (in.takeAbbreviated("determ")) {
            p.random = Random.DETERM;
        } else {
            throw new UserError("Illegal \"random type\"");
        }
        p.otherControl = TcControl.parse(in);
        if (TcControl.is(p.otherControl, TcfBlock.TC_ACT_GOTO_CHAIN)) {
            throw new UserError("Error: goto chain not allowed on fallback.");
        }
        p.val = (int) in.u32("probability val", MAX_VAL);
    }

    @Override
    public TcAction create(Net net, int index) {
        return new Gact(this, net, index);
    }

    private static final class Gact extends TcAction {
        private final AtomicLong seen = new AtomicLong();
        private volatile @Nullable Parms random;

        Gact(TcActionOps ops, Net net, int index) {
            super(ops, net, index);
        }

        @Override
        @HotPath
        protected int act(Cpu cpu, SkBuff skb) {
            Parms r = random;
            int rc = r == null ? control : pick(cpu, r);
            if (rc == TcfBlock.TC_ACT_SHOT) {
                countDrop(cpu);
            }
            return rc;
        }

        /** Linux: gact_net_rand(), gact_determ() */
        private int pick(Cpu cpu, Parms r) {
            boolean other = r.random == Random.NETRAND
                    ? cpu.kernel().getRandomBelow(r.val) == 0
                    : seen.incrementAndGet() % r.val == 0;
            return other ? r.otherControl : control;
        }

        @Override
        protected void change(TcActionParms parms, boolean created) {
            Parms p = (Parms) parms;
            if (p.random != Random.NONE) {
                p.val = Math.max(1, p.val);
                random = p;
            }
            super.change(p, created); // as in Linux, a change without random keeps the one it had
        }

        @Override
        protected void dump(TcPrint p, boolean stats) {
            Parms r = random;
            p.str("kind", "", "gact", " ");
            TcControl.print(p, "action ", control, "");
            p.open("prob").nl();
            p.str(
                    "random_type",
                    "\t random type ",
                    r == null ? "none" : r.random == Random.NETRAND ? "netrand" : "determ",
                    "");
            TcControl.print(p, " ", r == null ? TcfBlock.TC_ACT_OK : r.otherControl, " ");
            p.num("val", "val ", r == null ? 0 : r.val, "");
            p.close().nl();
            dumpHolders(p, "\t ", stats);
            p.nl();
        }
    }
}
