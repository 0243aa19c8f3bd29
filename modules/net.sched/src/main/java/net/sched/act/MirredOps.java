package net.sched.act;

import net.core.Net;
import net.core.UserError;
import net.core.dev.NetDeviceTable;
import net.core.dev.TcfBlock;

/**
 * {@code mirred ingress|egress redirect|mirror dev DEV [CONTROL] [index N]}: sends packets, or copies of them, to another
 * device, out of it or as if they came in there.
 *
 * <p>Linux: tc/m_mirred.c, iproute2
 */
public final class MirredOps implements TcActionOps {
    private static final String USAGE = "Usage: mirred <ingress|egress> <mirror|redirect> [index INDEX] dev DEVICENAME";

    /** Its settings. */
    static final class Parms extends TcActionParms {
        boolean ingress;
        boolean redirect;
        /** Direction and kind were given, not only an index. */
        boolean given;
        /** Empty if none was given. */
        String dev = "";
    }

    /** Creates the kind. */
    public MirredOps() {}

    @Override
    public String id() {
        return "mirred";
    }

    @Override
    public TcActionParms parse(TcActionWords in) {
        Parms p = new Parms();
        in.index(p);
        if (in.takeAbbreviated("ingress")) {
            p.ingress = true;
        } else if (!in.takeAbbreviated("egress")) {
            if (p.index != 0) {
                return p;
            }
            throw new UserError("mirred option not supported " + in.peek() + ". " + USAGE);
        }
        p.given = true;
        if (in.takeAbbreviated("redirect")) {
            p.redirect = true;
            p.control = TcfBlock.TC_ACT_STOLEN;
        } else if (in.takeAbbreviated("mirror")) {
            p.control = TcfBlock.TC_ACT_PIPE;
        } else {
            throw new UserError("was expecting mirror or redirect (" + in.peek() + "). " + USAGE);
        }
        if (p.index == 0) {
            in.index(p);
        }
        if (in.takeAbbreviated("dev")) {
            p.dev = in.next();
        }
        if (!p.redirect) {
            p.control = TcControl.parseOr(in, TcfBlock.TC_ACT_PIPE);
        }
        if (p.index == 0) {
            in.index(p);
        }
        return p;
    }

    @Override
    public TcAction create(Net net, int index) {
        return new Mirred(this, net, index, NetDeviceTable.of(net));
    }
}
