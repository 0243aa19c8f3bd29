package net.testkit.packetdrill;

import java.util.List;
import net.core.sock.Cmsg;
import net.core.sock.Msghdr;
import net.core.sock.SockExtendedErr;
import net.testkit.packetdrill.lang.Expr;
import org.jspecify.annotations.Nullable;

/** Control messages: those a send carries, and those a receive must have, in order and none besides. */
final class CmsgCheck {
    private final ScriptWorld world;

    CmsgCheck(ScriptWorld world) {
        this.world = world;
    }

    /** Gives a message the script's control messages. */
    static void fill(Msghdr msg, List<Expr.Cmsg> control) {
        for (Expr.Cmsg c : control) {
            msg.addCmsg(new Cmsg(
                    (int) Args.value(c.level(), "cmsg_level"),
                    (int) Args.value(c.type(), "cmsg_type"),
                    Args.value(c.data(), "cmsg_data")));
        }
    }

    void check(List<Expr.Cmsg> want, @Nullable Cmsg first) {
        Cmsg actual = first;
        for (int i = 0; i < want.size(); i++) {
            if (actual == null) {
                throw new ScriptFailure("received only " + i + " cmsgs, expected " + want.size());
            }
            check(i, want.get(i), actual);
            actual = actual.next;
        }
        if (actual != null) {
            throw new ScriptFailure("received more than " + want.size() + " cmsgs: " + actual);
        }
    }

    private void check(int i, Expr.Cmsg want, Cmsg actual) {
        same("level in cmsg " + i, Args.value(want.level(), "cmsg_level"), actual.level);
        same("type in cmsg " + i, Args.value(want.type(), "cmsg_type"), actual.type);
        switch (want.data()) {
            case Expr.Timestamping t -> timestamp(i, t, actual.value);
            case Expr.ExtendedErr e when actual.object instanceof SockExtendedErr a -> extendedErr(i, e, a);
            case Expr.ExtendedErr e -> throw new ScriptFailure("no extended err in cmsg " + i);
            case Expr.Braces b -> StatsCheck.check(i, b.items(), actual, world.settings.toleranceUsecs());
            case Expr.Array a -> StatsCheck.check(i, a.items(), actual, world.settings.toleranceUsecs());
            default -> same("data in cmsg " + i, (int) Args.value(want.data(), "cmsg_data"), (int) actual.value);
        }
    }

    private static void same(String what, long expected, long actual) {
        if (expected != actual) {
            throw new ScriptFailure("Bad " + what + ": expected " + expected + " actual " + actual);
        }
    }

    private void timestamp(int i, Expr.Timestamping want, long actualNs) {
        if (want.sec() == 0 && want.nsec() == 0) {
            return;
        }
        long expected = want.sec() * 1_000_000 + want.nsec() / 1000;
        long actual = (actualNs - world.startRealNs()) / 1000;
        if (Math.abs(expected - actual) > world.settings.toleranceUsecs()) {
            throw new ScriptFailure(
                    "Bad timestamp in scm_timestamping " + i + ": expected " + expected + " actual " + actual + " us");
        }
    }

    private static void extendedErr(int i, Expr.ExtendedErr want, SockExtendedErr actual) {
        String in = " in extended err " + i;
        unsigned("errno" + in, want.errno(), actual.errno);
        unsigned("origin" + in, want.origin(), actual.origin);
        unsigned("type" + in, want.type(), actual.type);
        unsigned("code" + in, want.code(), actual.code);
        unsigned("info" + in, want.info(), actual.info);
        unsigned("data" + in, want.data(), actual.data);
    }

    private static void unsigned(String what, Expr want, int actual) {
        same(what, Args.value(want, what) & 0xffffffffL, actual & 0xffffffffL);
    }
}
