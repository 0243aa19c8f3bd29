package net.sched.cls;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Ethertypes by name, as tc reads and prints them.
 *
 * <p>Linux: iproute2, lib/ll_proto.c
 */
public final class LlProto {
    private static final Map<String, Integer> BY_NAME = new LinkedHashMap<>();
    private static final Map<Integer, String> BY_ID = new LinkedHashMap<>();

    static {
        name("ip", 0x0800);
        name("arp", 0x0806);
        name("rarp", 0x8035);
        name("ipv6", 0x86DD);
        name("802.1Q", 0x8100);
        name("802.1ad", 0x88A8);
        name("all", TcfFilters.ETH_P_ALL);
        name("loop", 0x0060);
        name("802_3", 0x0001);
        name("802_2", 0x0004);
        name("x25", 0x0805);
        name("ipx", 0x8137);
        name("atalk", 0x809B);
        name("aarp", 0x80F3);
        name("ppp_disc", 0x8863);
        name("ppp_ses", 0x8864);
        name("mpls_uc", 0x8847);
        name("mpls_mc", 0x8848);
        name("tipc", 0x88CA);
        name("profinet", 0x8892);
        name("aoe", 0x88A2);
        name("ethercat", 0x88A4);
        name("teb", 0x6558);
        name("cfm", 0x8902);
        name("LLDP", 0x88CC);
        name("ipv4", 0x0800);
    }

    private LlProto() {}

    private static void name(String name, int id) {
        BY_NAME.putIfAbsent(name.toLowerCase(java.util.Locale.ROOT), id);
        BY_ID.putIfAbsent(id, name);
    }

    /** The ethertype of a name or number, -1 if it is none. Linux: ll_proto_a2n(). */
    public static int parse(String s) {
        Integer id = BY_NAME.get(s.toLowerCase(java.util.Locale.ROOT));
        if (id != null) {
            return id;
        }
        long v = ClsWords.unsigned(s, 0);
        return v < 0 || v > 0xFFFF ? -1 : (int) v;
    }

    /** An ethertype's name, or {@code [number]}. Linux: ll_proto_n2a(). */
    public static String format(int id) {
        String name = BY_ID.get(id);
        return name == null ? "[" + id + "]" : name;
    }
}
