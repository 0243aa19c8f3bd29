package net.sched.cls.u32;

import java.util.List;
import net.core.UserError;
import net.sched.cls.ClsWords;
import net.sched.cls.TcfProto;
import net.sched.cls.TcfProtoOps;
import org.jspecify.annotations.Nullable;

/**
 * {@code u32}: any words of the packet, masked, in hash tables that lead to each other.
 *
 * <p>Linux: net/sched/cls_u32.c; tc/f_u32.c
 */
public final class U32Ops implements TcfProtoOps {
    /** Creates the kind. */
    public U32Ops() {}

    @Override
    public String id() {
        return "u32";
    }

    @Override
    public TcfProto create(int prio, int protocol, int chain) {
        return new U32(prio, protocol, chain);
    }

    @Override
    public int handle(@Nullable String word, List<String> args) {
        long h = word == null ? 0 : U32Handle.parse(word);
        if (h < 0) {
            throw new UserError("Illegal filter ID");
        }
        int at = args.indexOf("order");
        if (at < 0) {
            return (int) h;
        }
        long order = at + 1 < args.size() ? ClsWords.unsigned(args.get(at + 1), 0) : -1;
        if (order < 0) {
            throw ClsWords.illegal("order");
        }
        if (order != 0 && U32Handle.node((int) h) != 0 && order != U32Handle.node((int) h)) {
            throw new UserError("\"order\" contradicts \"handle\"");
        }
        return (int) (h | order);
    }
}
