package net.sched.act;

import net.core.Net;
import net.core.UserError;
import net.core.dev.TcfBlock;

/**
 * {@code police [rate R burst B [peakrate R mtu B] | pkts_rate N pkts_burst N] [mtu B] [avrate R] [CONTROL |
 * conform-exceed EXCEED[/CONFORM]] [overhead N] [mpu N] [linklayer L] [index N]}: lets a rate by and does something else with
 * the rest.
 *
 * <p>Linux: tc/m_police.c, iproute2
 */
public final class PoliceOps implements TcActionOps {
    private static final long U32 = 0xFFFFFFFFL;

    /** Its settings. */
    static final class Parms extends TcActionParms {
        long rate;
        long burst;
        long mtu;
        long mpu;
        long peakrate;
        long avrate;
        long pktsRate;
        long pktsBurst;
        int overhead;
        boolean atm;
        boolean conformGiven;
        int conform = TcfBlock.TC_ACT_OK;

        Parms() {
            control = TcfBlock.TC_ACT_RECLASSIFY;
        }

        boolean hasLimit() {
            return rate != 0 || avrate != 0 || mtu != 0 || pktsRate != 0;
        }
    }

    /** Creates the kind. */
    public PoliceOps() {}

    @Override
    public String id() {
        return "police";
    }

    @Override
    public TcActionParms parse(TcActionWords in) {
        Parms p = new Parms();
        boolean any = false;
        while (in.hasNext() && option(in, p)) {
            any = true;
        }
        check(p, any);
        return p;
    }

    private static boolean option(TcActionWords in, Parms p) {
        if (in.takeAbbreviated("index")) {
            p.index = (int) in.u32("index", U32);
        } else if (in.takeAbbreviated("burst") || in.take("buffer") || in.take("maxburst")) {
            once("buffer/burst", p.burst);
            p.burst = size(in, "buffer");
        } else if (in.take("mtu") || in.take("minburst")) {
            once("mtu/minburst", p.mtu);
            p.mtu = size(in, "mtu");
        } else if (in.take("mpu")) {
            once("mpu", p.mpu);
            p.mpu = in.size("mpu");
        } else if (in.take("rate")) {
            once("rate", p.rate);
            p.rate = in.rate("rate");
        } else if (in.take("avrate")) {
            once("avrate", p.avrate);
            p.avrate = in.rate("avrate");
        } else if (in.takeAbbreviated("peakrate")) {
            once("peakrate", p.peakrate);
            p.peakrate = in.rate("peakrate");
        } else if (in.take("conform-exceed")) {
            conformExceed(in, p);
        } else if (TcControl.isControl(in.peek())) {
            p.control = TcControl.parse(in);
        } else {
            return moreOption(in, p);
        }
        return true;
    }

    private static boolean moreOption(TcActionWords in, Parms p) {
        if (in.takeAbbreviated("overhead")) {
            p.overhead = (int) in.u32("overhead", 0xFFFF);
        } else if (in.takeAbbreviated("linklayer")) {
            String layer = in.next();
            if (!layer.equals("ethernet") && !layer.equals("atm") && !layer.equals("adsl")) {
                throw TcActionWords.invalid(layer, "linklayer");
            }
            p.atm = !layer.equals("ethernet");
        } else if (in.takeAbbreviated("pkts_rate")) {
            once("pkts_rate", p.pktsRate);
            p.pktsRate = in.u32("pkts_rate", Long.MAX_VALUE);
        } else if (in.takeAbbreviated("pkts_burst")) {
            once("pkts_burst", p.pktsBurst);
            p.pktsBurst = in.u32("pkts_burst", Long.MAX_VALUE);
        } else {
            return false;
        }
        return true;
    }

    /** Bytes, with the size of a cell of Linux's rate table behind a slash, which nobody needs here. */
    private static long size(TcActionWords in, String what) {
        String word = in.next();
        int slash = word.indexOf('/');
        return TcActionWords.size(what, slash < 0 ? word : word.substring(0, slash));
    }

    private static void once(String what, long v) {
        if (v != 0) {
            throw new UserError("Error: duplicate \"" + what + "\": it was given before.");
        }
    }

    /** {@code drop/pass}, or {@code drop / pass}. Linux: parse_action_control_slash() */
    private static void conformExceed(TcActionWords in, Parms p) {
        String word = in.peek();
        int slash = word.indexOf('/');
        if (slash > 0) {
            in.next();
            p.control = control(word.substring(0, slash));
            p.conform = control(word.substring(slash + 1));
            p.conformGiven = true;
            return;
        }
        p.control = TcControl.parse(in);
        if (in.take("/")) {
            p.conform = TcControl.parse(in);
            p.conformGiven = true;
        }
    }

    private static int control(String word) {
        return TcControl.parse(new TcActionWords(new net.sched.TcOptions("police", java.util.List.of(word))));
    }

    private static void check(Parms p, boolean any) {
        if (!any || !p.hasLimit() && p.index == 0) {
            throw new UserError("'rate' or 'avrate' or 'mtu' or 'pkts_rate' MUST be specified.");
        }
        if (p.rate != 0 && p.avrate != 0) {
            throw new UserError("police: 'rate' and 'avrate' are not allowed in same action.");
        }
        if (p.rate != 0 && p.burst == 0) {
            throw new UserError("'burst' requires 'rate'.");
        }
        if (p.pktsRate != 0 && p.pktsBurst == 0) {
            throw new UserError("'pkts_burst' requires 'pkts_rate'.");
        }
        if (p.pktsRate != 0 && p.rate != 0) {
            throw new UserError("'rate' and 'pkts_rate' are not allowed in same action.");
        }
        if (p.peakrate != 0 && p.rate == 0) {
            throw new UserError("'peakrate' requires 'rate'.");
        }
        if (p.peakrate != 0 && p.mtu == 0) {
            throw new UserError("'mtu' is required, if 'peakrate' is requested.");
        }
        if (TcControl.is(p.conform, TcfBlock.TC_ACT_GOTO_CHAIN)) {
            throw new UserError("Error: goto chain not allowed on fallback.");
        }
    }

    @Override
    public TcAction create(Net net, int index) {
        return new Police(this, net, index);
    }
}
