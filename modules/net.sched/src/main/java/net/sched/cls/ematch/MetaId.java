package net.sched.cls.ematch;

import net.core.Cpu;
import net.core.dev.NetDevice;
import net.core.neigh.DstEntry;
import net.core.sock.Sock;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * What {@code meta} can ask about a packet that is not in its bytes.
 *
 * <p>{@code Deviation:} no load averages, and of sockets only what is here.
 *
 * <p>Linux: struct meta_ops, net/sched/em_meta.c; meta_table, tc/em_meta.c
 */
enum MetaId {
    RANDOM("random"),
    DEV("dev"),
    PRIORITY("priority"),
    PROTOCOL("protocol"),
    PKT_TYPE("pkt_type"),
    PKT_LEN("pkt_len"),
    DATA_LEN("data_len"),
    MAC_LEN("mac_len"),
    NF_MARK("nf_mark"),
    TC_INDEX("tc_index"),
    RT_CLASSID("rt_classid"),
    RT_IIF("rt_iif"),
    VLAN("vlan"),
    SK_FAMILY("sk_family"),
    SK_STATE("sk_state"),
    SK_REUSE("sk_reuse"),
    SK_BIND_IF("sk_bind_if"),
    SK_SHUTDOWN("sk_shutdown"),
    SK_RCVBUF("sk_rcvbuf"),
    SK_RMEM("sk_rmem"),
    SK_WMEM_QUEUE("sk_wmem_queue"),
    SK_FWD_ALLOC("sk_fwd_alloc"),
    SK_SNDBUF("sk_sndbuf");

    /** A packet that does not have it. */
    static final long ABSENT = Long.MIN_VALUE;

    private static final int ETH_P_8021Q = 0x8100;

    final String word;

    MetaId(String word) {
        this.word = word;
    }

    static @Nullable MetaId of(String word) {
        if (word.equals("fwmark")) {
            return NF_MARK;
        }
        for (MetaId id : values()) {
            if (id.word.equals(word)) {
                return id;
            }
        }
        return null;
    }

    /** Tells whether it is a name as well as a number. */
    boolean isName() {
        return this == DEV || this == SK_BIND_IF;
    }

    /** The number, or {@link #ABSENT}. */
    @HotPath
    long of(Cpu cpu, SkBuff skb) {
        return switch (this) {
            case RANDOM -> cpu.kernel().getRandomU32() & 0xFFFFFFFFL;
            case DEV -> skb.dev instanceof NetDevice d ? d.ifindex : ABSENT;
            case PRIORITY -> skb.priority & 0xFFFFFFFFL;
            // In network order, as on a machine that stores the lowest byte first.
            case PROTOCOL -> Short.reverseBytes((short) (skb.vlanPresent ? skb.vlanProto : skb.protocol)) & 0xFFFF;
            case PKT_TYPE -> skb.pktType;
            case PKT_LEN -> skb.len;
            case DATA_LEN -> skb.dataLen;
            case MAC_LEN -> skb.macLen;
            case NF_MARK -> skb.mark & 0xFFFFFFFFL;
            case TC_INDEX -> skb.tcIndex & 0xFFFF;
            case RT_CLASSID -> skb.dst instanceof DstEntry d ? d.tclassid & 0xFFFFFFFFL : ABSENT;
            case RT_IIF -> skb.dst == null ? ABSENT : skb.skbIif;
            case VLAN -> vlan(skb);
            default -> skb.sk instanceof Sock sk ? ofSock(sk) : ABSENT;
        };
    }

    private static long vlan(SkBuff skb) {
        if (skb.vlanPresent) {
            return skb.vlanTci;
        }
        if (skb.protocol != ETH_P_8021Q || skb.networkHeader < 0) {
            return ABSENT;
        }
        int tci = net.sched.cls.SkbBytes.u16(skb, skb.networkOffset());
        return tci < 0 ? ABSENT : tci;
    }

    @HotPath
    private long ofSock(Sock sk) {
        return switch (this) {
            case SK_FAMILY -> sk.family;
            case SK_STATE -> sk.state;
            case SK_REUSE -> sk.reuse ? 1 : 0;
            case SK_BIND_IF -> sk.boundDevIf;
            case SK_SHUTDOWN -> sk.shutdown;
            case SK_RCVBUF -> sk.rcvbuf;
            case SK_RMEM -> sk.rmemAlloc();
            case SK_WMEM_QUEUE -> sk.wmemQueued;
            case SK_FWD_ALLOC -> sk.forwardAlloc;
            case SK_SNDBUF -> sk.sndbuf;
            default -> ABSENT;
        };
    }

    /** The name of the device it is about, or null. */
    @HotPath
    @Nullable
    String nameOf(SkBuff skb) {
        if (this == DEV) {
            return skb.dev instanceof NetDevice d ? d.name() : null;
        }
        if (skb.sk instanceof Sock sk) {
            NetDevice d = sk.boundDevIf == 0 ? null : sk.net.devices.byIndex(sk.boundDevIf);
            return d == null ? "any" : d.name();
        }
        return null;
    }
}
