package net.sched.act;

import java.util.List;
import net.core.Net;
import net.core.UserError;
import net.core.dev.TcfBlock;

/**
 * {@code pedit [ex] munge FIELD CMD [munge ...] [CONTROL] [index N]}: writes into a packet. Checksums are {@code csum}'s.
 *
 * <p>Linux: tc/m_pedit.c, iproute2
 */
public final class PeditOps implements TcActionOps {
    private static final String USAGE = "Usage: ... pedit [ex] munge ip|ip6|tcp|udp|eth FIELD "
            + "set V|add V|invert|clear|decrement [retain BITS] | munge offset N u8|u16|u32 ... [CONTROL]";

    /** Its settings. */
    static final class Parms extends TcActionParms {
        List<PeditKey> keys = List.of();
    }

    /** Creates the kind. */
    public PeditOps() {}

    @Override
    public String id() {
        return "pedit";
    }

    @Override
    public TcActionParms parse(TcActionWords in) {
        Parms p = new Parms();
        PeditWords words = new PeditWords(in, in.takeAbbreviated("ex"));
        if (in.peek().isEmpty()) {
            throw new UserError(USAGE);
        }
        while (in.takeAbbreviated("munge")) {
            words.munge();
        }
        p.keys = List.copyOf(words.keys());
        p.control = TcControl.parseOr(in, TcfBlock.TC_ACT_OK);
        in.index(p);
        return p;
    }

    @Override
    public TcAction create(Net net, int index) {
        return new Pedit(this, net, index);
    }
}
