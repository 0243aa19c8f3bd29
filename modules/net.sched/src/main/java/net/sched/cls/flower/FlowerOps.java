package net.sched.cls.flower;

import net.sched.cls.TcfProto;
import net.sched.cls.TcfProtoOps;

/**
 * {@code flower}: fields of the headers, each with a mask or a range.
 *
 * <p>Linux: net/sched/cls_flower.c; tc/f_flower.c
 */
public final class FlowerOps implements TcfProtoOps {
    /** Creates the kind. */
    public FlowerOps() {}

    @Override
    public String id() {
        return "flower";
    }

    @Override
    public TcfProto create(int prio, int protocol, int chain) {
        return new Flower(prio, protocol, chain);
    }
}
