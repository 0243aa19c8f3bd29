package net.sched.cls.ematch;

import net.core.Cpu;
import net.core.dev.FlowDissector;
import net.core.neigh.DstEntry;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * What the flow classifier hashes or maps, in Linux's order.
 *
 * <p>{@code Deviation:} a packet without addresses has in their place a number of its socket, or of its route, that stays
 * the same for each of these but is not their address in memory. There is no conntrack: its keys are the packet's own.
 * Sockets have no owner: {@code sk-uid} and {@code sk-gid} are 0.
 *
 * <p>Linux: FLOW_KEY_*, flow_key_get(), net/sched/cls_flow.c
 */
enum FlowKey {
    SRC("src"),
    DST("dst"),
    PROTO("proto"),
    PROTO_SRC("proto-src"),
    PROTO_DST("proto-dst"),
    IIF("iif"),
    PRIORITY("priority"),
    MARK("mark"),
    NFCT("nfct"),
    NFCT_SRC("nfct-src"),
    NFCT_DST("nfct-dst"),
    NFCT_PROTO_SRC("nfct-proto-src"),
    NFCT_PROTO_DST("nfct-proto-dst"),
    RT_CLASSID("rt-classid"),
    SK_UID("sk-uid"),
    SK_GID("sk-gid"),
    VLAN_TAG("vlan-tag"),
    RXHASH("rxhash");

    final String word;

    FlowKey(String word) {
        this.word = word;
    }

    /** By its name or the beginning of it, or null. */
    static @Nullable FlowKey of(String word) {
        for (FlowKey k : values()) {
            if (net.sched.cls.ClsWords.matches(word, k.word)) {
                return k;
            }
        }
        return null;
    }

    /** Tells whether the packet's headers are needed. */
    boolean isOfHeaders() {
        return ordinal() <= PROTO_DST.ordinal()
                || ordinal() >= NFCT_SRC.ordinal() && ordinal() <= NFCT_PROTO_DST.ordinal();
    }

    /** The key of a packet whose headers are in {@code h}. */
    @HotPath
    int of(Cpu cpu, SkBuff skb, FlowHeaders h) {
        return switch (this) {
            case SRC, NFCT_SRC -> h.src != 0 ? h.src : id(skb.sk);
            case DST, NFCT_DST -> h.dst != 0 ? h.dst : id(skb.dst) ^ protocol(skb);
            case PROTO -> h.proto;
            case PROTO_SRC, NFCT_PROTO_SRC -> h.ports != 0 ? h.ports >>> 16 : id(skb.sk);
            case PROTO_DST, NFCT_PROTO_DST -> h.ports != 0 ? h.ports & 0xFFFF : id(skb.dst) ^ protocol(skb);
            case IIF -> skb.skbIif;
            case PRIORITY -> skb.priority;
            case MARK -> skb.mark;
            case NFCT -> id(skb.nfct);
            case RT_CLASSID -> skb.dst instanceof DstEntry d ? d.tclassid : 0;
            case SK_UID, SK_GID -> 0;
            case VLAN_TAG -> skb.vlanPresent ? skb.vlanTci & 0xFFF : h.vlan;
            case RXHASH -> FlowDissector.getHash(cpu, skb);
        };
    }

    private static int id(@Nullable Object o) {
        return o == null ? 0 : System.identityHashCode(o);
    }

    private static int protocol(SkBuff skb) {
        return skb.vlanPresent ? skb.vlanProto : skb.protocol;
    }
}
