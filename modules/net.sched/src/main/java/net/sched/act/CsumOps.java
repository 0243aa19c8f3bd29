package net.sched.act;

import net.core.Cpu;
import net.core.Net;
import net.core.UserError;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * {@code csum ip4h|icmp|igmp|tcp|udp|udplite [and ...] [CONTROL]}: computes checksums anew, behind {@code pedit}.
 *
 * <p>{@code Deviation:} no SCTP.
 *
 * <p>Linux: net/sched/act_csum.c; tc/m_csum.c, iproute2
 */
public final class CsumOps implements TcActionOps {
    private static final String USAGE = "Usage: ... csum <UPDATE>: ip4h | icmp | igmp | tcp | udp | udplite [and ...]";
    /** Names as shown, by bit of {@link CsumUpdate}. */
    private static final String[] SHOWN = {"iph", "icmp", "igmp", "tcp", "udp", "udplite"};

    /** Its settings. */
    private static final class Parms extends TcActionParms {
        int update;
    }

    /** Creates the kind. */
    public CsumOps() {}

    @Override
    public String id() {
        return "csum";
    }

    @Override
    public TcActionParms parse(TcActionWords in) {
        Parms p = new Parms();
        if (!in.peek().equals("index")) {
            while (target(in, p)) {
                // One after the other.
            }
            if (p.update == 0) {
                throw new UserError("Illegal csum construct, empty <UPDATE> list. " + USAGE);
            }
            p.control = TcControl.parseOr(in, TcfBlock.TC_ACT_OK);
        }
        in.index(p);
        return p;
    }

    private static boolean target(TcActionWords in, Parms p) {
        int bit = 0;
        if (in.takeAbbreviated("iph") || in.takeAbbreviated("ip4h") || in.takeAbbreviated("ipv4h")) {
            bit = CsumUpdate.IPV4HDR;
        } else if (in.takeAbbreviated("icmp")) {
            bit = CsumUpdate.ICMP;
        } else if (in.takeAbbreviated("igmp")) {
            bit = CsumUpdate.IGMP;
        } else if (in.takeAbbreviated("tcp")) {
            bit = CsumUpdate.TCP;
        } else if (in.takeAbbreviated("udp")) {
            bit = CsumUpdate.UDP;
        } else if (in.takeAbbreviated("udplite")) {
            bit = CsumUpdate.UDPLITE;
        } else if (!in.takeAbbreviated("and") && !in.takeAbbreviated("or") && !in.take("+")) {
            return false;
        }
        p.update |= bit;
        return true;
    }

    @Override
    public TcAction create(Net net, int index) {
        return new Csum(this, net, index);
    }

    private static final class Csum extends TcAction {
        private volatile int update;

        Csum(TcActionOps ops, Net net, int index) {
            super(ops, net, index);
        }

        @Override
        protected void change(TcActionParms p, boolean created) {
            update = ((Parms) p).update;
            super.change(p, created);
        }

        @Override
        @HotPath
        protected int act(Cpu cpu, SkBuff skb) {
            int rc = control;
            if (rc == TcfBlock.TC_ACT_SHOT || !CsumUpdate.update(cpu, skb, update)) {
                countDrop(cpu);
                return TcfBlock.TC_ACT_SHOT;
            }
            return rc;
        }

        @Override
        protected void dump(TcPrint p, boolean stats) {
            StringBuilder names = new StringBuilder();
            for (int i = 0; i < SHOWN.length; i++) {
                if ((update & 1 << i) != 0) {
                    names.append(names.isEmpty() ? "" : ", ").append(SHOWN[i]);
                }
            }
            p.str("kind", "", "csum", " ");
            p.str("csum", "(", names.isEmpty() ? "?empty" : names.toString(), ") ");
            TcControl.print(p, "action ", control, "\n");
            dumpHolders(p, "\t", stats);
            p.nl();
        }
    }
}
