package net.sched.cls;

import net.core.tc.TcHandle;
import net.core.tc.TcPrint;

/**
 * The part of a filter's lines that all kinds have in common.
 *
 * <p>Linux: print_filter(), iproute2
 */
final class FilterPrint {
    private FilterPrint() {}

    /** An instance, then its filters; {@code at} is what they hang on. */
    static void all(TcPrint p, FilterView v, int at, TcfProto tp) {
        head(p, v, at, tp);
        p.nl().close();
        for (int h : tp.handles()) {
            one(p, v, at, tp, h);
        }
    }

    /** One filter. */
    static void one(TcPrint p, FilterView v, int at, TcfProto tp, int handle) {
        head(p, v, at, tp);
        p.open("options");
        tp.dump(handle, p, v.stats());
        p.close().nl().close();
    }

    private static void head(TcPrint p, FilterView v, int at, TcfProto tp) {
        p.open("").text("filter ");
        place(p, v, at);
        if (v.protocol() == 0) {
            p.str("protocol", "protocol ", LlProto.format(tp.protocol), " ");
        }
        if (v.prio() == 0) {
            p.num("pref", "pref ", tp.prio, " ");
        }
        p.str("kind", "", tp.kind, " ");
        if (v.chain() < 0) {
            p.num("chain", "chain ", tp.chain, " ");
        }
    }

    /** Device and parent, as far as they were not asked for. */
    static void place(TcPrint p, FilterView v, int at) {
        if (v.dev() != null) {
            p.str("dev", "dev ", v.dev(), " ");
        }
        if (v.parent() == at && at != 0) {
            return;
        }
        switch (at) {
            case TcfApi.INGRESS -> p.bool("ingress", true, "ingress ");
            case TcfApi.EGRESS -> p.bool("egress", true, "egress ");
            default -> p.str("parent", "parent ", TcHandle.format(at), " ");
        }
    }
}
