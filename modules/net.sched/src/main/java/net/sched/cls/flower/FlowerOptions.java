package net.sched.cls.flower;

import net.core.Net;
import net.core.UserError;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceTable;
import net.core.tc.TcHandle;
import net.sched.cls.ClsWords;
import net.sched.cls.Filter;
import net.sched.cls.IpPrefix;
import net.sched.cls.LlProto;
import net.sched.cls.TcfFilters;
import org.jspecify.annotations.Nullable;

/**
 * What the words of one flower filter say, as key and mask. Close it unless the filter was made.
 *
 * <p>{@code Deviation:} conntrack, MPLS, PPPoE, L2TP, IPsec, CFM and tunnel keys are refused: there is no such traffic
 * here.
 *
 * <p>Linux: flower_parse_opt(), iproute2; fl_set_key(), net/sched/cls_flower.c
 */
final class FlowerOptions implements AutoCloseable {
    static final String USAGE = "Usage: ... flower [ MATCH-LIST ] [ verbose ] [ skip_sw | skip_hw ]"
            + " [ action ACTION-SPEC ] [ classid CLASSID ] where MATCH-LIST is of indev DEV-NAME, num_of_vlans N,"
            + " [c]vlan_id VID, [c]vlan_prio PRIORITY, [c]vlan_ethtype ETH-TYPE, dst_mac|src_mac MASKED-LLADDR,"
            + " ip_proto IP-PROTO, ip_tos MASKED-TOS, ip_ttl MASKED-TTL, dst_ip|src_ip PREFIX,"
            + " dst_port|src_port PORT[-PORT], tcp_flags MASKED-FLAGS, type|code MASKED-NUMBER,"
            + " arp_tip|arp_sip PREFIX, arp_op request|reply, arp_tha|arp_sha MASKED-LLADDR, ip_flags IP-FLAGS";

    private static final String ELSEWHERE = "ct_state ct_zone ct_mark ct_label l2_miss mpls mpls_label mpls_tc"
            + " mpls_bos mpls_ttl l2tpv3_sid spi pppoe_sid ppp_proto enc_dst_ip enc_src_ip enc_key_id enc_dst_port"
            + " enc_tos enc_ttl geneve_opts vxlan_opts erspan_opts gtp_opts pfcp_opts enc_flags cfm";
    private static final int FIRST_HW_TC = 0xFFE0;

    final long[] key = new long[FlowerKey.WORDS];
    final long[] mask = new long[FlowerKey.WORDS];
    int sportMin;
    int sportMax = 0xFFFF;
    int dportMin;
    int dportMax = 0xFFFF;
    boolean skipHw;

    @Nullable
    NetDevice indev;

    final Filter.Builder filter;

    private final Net net;
    private final int tcProto;
    private final int parent;
    /** Ethertype that the words stand behind. */
    private int ethType;

    private int vlanType;
    private int vlans;
    private int ipProto = 0xFF;

    FlowerOptions(Net net, int protocol, int parent, java.util.List<String> args) {
        this.net = net;
        tcProto = protocol;
        ethType = protocol;
        this.parent = parent;
        filter = new Filter.Builder(net);
        boolean done = false;
        try {
            read(new ClsWords("flower", args));
            finish();
            done = true;
        } finally {
            if (!done) {
                filter.close();
            }
        }
    }

    @Override
    public void close() {
        filter.close();
    }

    /** A field, whole. */
    private void set(int word, int shift, long value, long ones) {
        set(word, shift, ones, value, ones);
    }

    /** A field of {@code ones} of which {@code m} counts; the value is kept whole, to be shown. */
    private void set(int word, int shift, long ones, long value, long m) {
        key[word] = key[word] & ~(ones << shift) | (value & ones) << shift;
        mask[word] = mask[word] & ~(ones << shift) | m << shift;
    }

    private void has(long bit) {
        set(FlowerKey.META, 0, bit, bit);
    }

    private void read(ClsWords in) {
        while (in.more()) {
            String word = in.next();
            if (ClsWords.matches(word, "hw_tc")) {
                long tc = in.number("hw_tc", 0, 32);
                if (tc > 15) {
                    throw new UserError("TC index exceeds max range");
                }
                filter.classid(TcHandle.make(parent, (int) tc + FIRST_HW_TC));
            } else if (word.equals("indev")) {
                indev(in.next());
            } else if (ClsWords.matches(word, "ip_flags")) {
                ipFlags(in.next());
            } else if (ClsWords.matches(word, "skip_hw")) {
                skipHw = true;
            } else if (ClsWords.matches(word, "skip_sw")) {
                throw ClsWords.noOffload();
            } else if (!ClsWords.matches(word, "verbose") && !vlan(word, in) && !layers(word, in)) {
                if (word.equals("police") || !filter.read(word, in)) {
                    throw unknown(word);
                }
            }
        }
    }

    private static UserError unknown(String word) {
        for (String w : ELSEWHERE.split(" ")) {
            if (w.equals(word)) {
                return new UserError("Error: flower: no packet here has what \"" + word + "\" asks for");
            }
        }
        return ClsWords.unknown(word, USAGE);
    }

    private void indev(String name) {
        indev = NetDeviceTable.of(net).byName(name);
        if (indev == null) {
            throw new UserError("Error: Interface name not found.");
        }
        set(FlowerKey.META, FlowerKey.IIF_SHIFT, indev.ifindex, 0xFFFFFFFFL);
    }

    private void ipFlags(String words) {
        for (String w : words.split("/")) {
            boolean no = w.startsWith("no");
            long bit = switch (no ? w.substring(2) : w) {
                case "frag" -> FlowerKey.FRAGMENT;
                case "firstfrag" -> FlowerKey.FIRST_FRAGMENT;
                default -> throw ClsWords.illegal("ip_flags");
            };
            set(FlowerKey.META, 0, no ? 0 : bit, bit);
        }
    }

    // ---- tags

    private static boolean isVlan(int type) {
        return type == EthHdr.ETH_P_8021Q || type == EthHdr.ETH_P_8021AD;
    }

    private void needVlan(boolean ok, String word, boolean inner) {
        if (!ok) {
            throw new UserError("Can't set \"" + word + "\" if " + (inner ? "inner vlan " : "")
                    + "ethertype isn't 802.1Q or 802.1AD and num_of_vlans is " + (inner ? "less than 2" : "0"));
        }
    }

    private boolean vlan(String word, ClsWords in) {
        if (word.equals("num_of_vlans")) {
            vlans = (int) in.number(word, 10, 8);
            set(FlowerKey.TYPE, FlowerKey.VLANS_SHIFT, vlans, 0xFF);
            return true;
        }
        boolean inner = word.startsWith("c");
        boolean ok = inner ? isVlan(vlanType) || vlans > 1 : isVlan(tcProto) || vlans > 0;
        int at = inner ? FlowerKey.CVLAN : FlowerKey.VLAN;
        switch (inner ? word.substring(1) : word) {
            case "vlan_id" -> {
                needVlan(ok, word, inner);
                set(at, 0, in.number(word, 10, 12), 0xFFF);
            }
            case "vlan_prio" -> {
                needVlan(ok, word, inner);
                set(at, FlowerKey.VLAN_PRIO_SHIFT, in.number(word, 10, 3), 7);
            }
            case "vlan_ethtype" -> {
                needVlan(ok, word, inner);
                int type = LlProto.parse(in.next());
                if (type < 0) {
                    throw new UserError("Error: argument is wrong: invalid vlan_ethtype");
                }
                set(at, FlowerKey.VLAN_TYPE_SHIFT, type, 0xFFFF);
                ethType = type;
                if (!inner) {
                    vlanType = type;
                }
            }
            default -> {
                return false;
            }
        }
        has(inner ? FlowerKey.HAS_CVLAN : FlowerKey.HAS_VLAN);
        return true;
    }

    /** The ethertype behind all tags, as far as the words name it, and the tags' own. */
    private void finish() {
        if (tcProto == TcfFilters.ETH_P_ALL) {
            return;
        }
        if (!isVlan(tcProto) && vlans == 0) {
            set(FlowerKey.TYPE, 0, tcProto, 0xFFFF);
            return;
        }
        set(FlowerKey.VLAN, FlowerKey.TPID_SHIFT, tcProto, 0xFFFF);
        has(FlowerKey.HAS_VLAN);
        boolean typeGiven = (mask[FlowerKey.VLAN] >>> FlowerKey.VLAN_TYPE_SHIFT) != 0;
        boolean innerGiven = (mask[FlowerKey.CVLAN] >>> FlowerKey.VLAN_TYPE_SHIFT) != 0;
        if (isVlan(vlanType)) {
            set(FlowerKey.CVLAN, FlowerKey.TPID_SHIFT, vlanType, 0xFFFF);
            has(FlowerKey.HAS_CVLAN);
        }
        if (innerGiven || typeGiven && !isVlan(vlanType)) {
            set(FlowerKey.TYPE, 0, ethType, 0xFFFF);
        }
    }

    // ---- headers

    private boolean layers(String word, ClsWords in) {
        if (ClsWords.matches(word, "dst_mac")) {
            mac(in.next(), FlowerKey.ETH_DST, "dst_mac");
            has(FlowerKey.HAS_ETH);
        } else if (ClsWords.matches(word, "src_mac")) {
            mac(in.next(), FlowerKey.ETH_SRC, "src_mac");
            has(FlowerKey.HAS_ETH);
        } else if (ClsWords.matches(word, "ip_proto")) {
            ipProto(in.next());
        } else if (ClsWords.matches(word, "ip_tos")) {
            tosTtl(in.next(), FlowerKey.TOS_SHIFT, "ip_tos");
        } else if (ClsWords.matches(word, "ip_ttl")) {
            tosTtl(in.next(), FlowerKey.TTL_SHIFT, "ip_ttl");
        } else if (ClsWords.matches(word, "dst_ip")) {
            address(in.next(), false, "dst_ip");
        } else if (ClsWords.matches(word, "src_ip")) {
            address(in.next(), true, "src_ip");
        } else if (ClsWords.matches(word, "dst_port")) {
            port(in.next(), false, "dst_port");
        } else if (ClsWords.matches(word, "src_port")) {
            port(in.next(), true, "src_port");
        } else if (ClsWords.matches(word, "tcp_flags")) {
            tcpFlags(in.next());
        } else if (ClsWords.matches(word, "type")) {
            icmp(in.next(), FlowerKey.ICMP_TYPE_SHIFT, "icmp type");
        } else if (ClsWords.matches(word, "code")) {
            icmp(in.next(), 0, "icmp code");
        } else if (ClsWords.matches(word, "arp_tip")) {
            arpAddress(in.next(), 0, "arp_tip");
        } else if (ClsWords.matches(word, "arp_sip")) {
            arpAddress(in.next(), 32, "arp_sip");
        } else if (ClsWords.matches(word, "arp_op")) {
            arpOp(in.next());
        } else if (ClsWords.matches(word, "arp_tha")) {
            mac(in.next(), FlowerKey.ARP_THA, "arp_tha");
            has(FlowerKey.HAS_ARP);
        } else if (ClsWords.matches(word, "arp_sha")) {
            mac(in.next(), FlowerKey.ARP_SHA, "arp_sha");
            has(FlowerKey.HAS_ARP);
        } else {
            return false;
        }
        return true;
    }

    /** What stands in front of the slash, and behind it or null. */
    private static @Nullable String[] masked(String s) {
        int slash = s.indexOf('/');
        return slash < 0
                ? new @Nullable String[] {s, null}
                : new String[] {s.substring(0, slash), s.substring(slash + 1)};
    }

    private static long parsed(@Nullable String s, int base, int bits, String what) {
        long v = s == null ? -1 : ClsWords.unsigned(s, base);
        if (v < 0 || v >>> bits != 0) {
            throw ClsWords.illegal(what);
        }
        return v;
    }

    private static long mac48(@Nullable String s, String what) {
        try {
            return EthHdr.addr48(EthHdr.parseAddr(s == null ? "" : s));
        } catch (UserError e) {
            throw new UserError("Illegal \"" + what + "\"", e);
        }
    }

    private void mac(String s, int word, String what) {
        @Nullable String[] m = masked(s);
        long value = mac48(m[0], what);
        long bits = m[1] == null ? 48 : ClsWords.unsigned(m[1], 10);
        if (bits > 48) {
            throw ClsWords.illegal(what);
        }
        long ones = bits < 0 ? mac48(m[1], what) : -1L << 48 - bits & 0xFFFFFFFFFFFFL;
        set(word, 0, 0xFFFFFFFFFFFFL, value, ones);
    }

    private void ipProto(String s) {
        if (ethType != EthHdr.ETH_P_IP && ethType != EthHdr.ETH_P_IPV6) {
            throw new UserError("Illegal \"eth_type\" for ip proto");
        }
        boolean v4 = ethType == EthHdr.ETH_P_IP;
        if (ClsWords.matches(s, "tcp")) {
            ipProto = 6;
        } else if (ClsWords.matches(s, "udp")) {
            ipProto = 17;
        } else if (ClsWords.matches(s, "sctp")) {
            ipProto = 132;
        } else if (ClsWords.matches(s, "icmp") && v4) {
            ipProto = 1;
        } else if (ClsWords.matches(s, "icmpv6") && !v4) {
            ipProto = 58;
        } else if (ClsWords.matches(s, "icmpv6")) {
            throw new UserError("Illegal \"eth_type\" for ip proto");
        } else if (s.equals("esp") || s.equals("ah") || s.equals("l2tp")) {
            ipProto = s.equals("esp") ? 50 : s.equals("ah") ? 51 : 115;
        } else {
            ipProto = (int) parsed(s, 16, 8, "ip_proto");
        }
        set(FlowerKey.TYPE, FlowerKey.IP_PROTO_SHIFT, ipProto, 0xFF);
        has(v4 ? FlowerKey.HAS_IPV4 : FlowerKey.HAS_IPV6);
    }

    private void tosTtl(String s, int shift, String what) {
        @Nullable String[] m = masked(s);
        long v = m[0] == null ? -1 : ClsWords.unsigned(m[0], 10);
        if (v < 0 || v > 0xFF) {
            v = parsed(m[0], 16, 8, what);
        }
        set(FlowerKey.TYPE, shift, 0xFF, v, m[1] == null ? 0xFF : parsed(m[1], 16, 8, what));
        if (ethType == EthHdr.ETH_P_IP || ethType == EthHdr.ETH_P_IPV6) {
            has(ethType == EthHdr.ETH_P_IP ? FlowerKey.HAS_IPV4 : FlowerKey.HAS_IPV6);
        }
    }

    private void address(String s, boolean source, String what) {
        IpPrefix p = IpPrefix.parse(s);
        if (p == null || ethType != EthHdr.ETH_P_IP && ethType != EthHdr.ETH_P_IPV6) {
            throw ClsWords.illegal(what);
        }
        if (p.v6() != (ethType == EthHdr.ETH_P_IPV6)) {
            throw new UserError("Illegal \"eth_type\" for ip address");
        }
        if (p.v6()) {
            int at = FlowerKey.IPV6 + (source ? 0 : 2);
            set(at, 0, -1L, p.hi(), p.maskHi());
            set(at + 1, 0, -1L, p.lo(), p.maskLo());
            has(FlowerKey.HAS_IPV6);
        } else {
            set(FlowerKey.IPV4, source ? 32 : 0, 0xFFFFFFFFL, p.lo(), p.mask4() & 0xFFFFFFFFL);
            has(FlowerKey.HAS_IPV4);
        }
    }

    private void port(String s, boolean source, String what) {
        if (ipProto != 6 && ipProto != 17 && ipProto != 132) {
            throw ClsWords.illegal(what);
        }
        int dash = s.indexOf('-');
        if (dash >= 0) {
            int min = (int) parsed(s.substring(0, dash), 10, 16, what);
            int max = (int) parsed(s.substring(dash + 1), 10, 16, what);
            if (max <= min) {
                throw new UserError("max value should be greater than min value");
            }
            if (source) {
                sportMin = min;
                sportMax = max;
            } else {
                dportMin = min;
                dportMax = max;
            }
        } else {
            @Nullable String[] m = masked(s);
            int shift = source ? FlowerKey.SPORT_SHIFT : FlowerKey.DPORT_SHIFT;
            long v = parsed(m[0], m[1] == null ? 10 : 0, 16, what);
            set(FlowerKey.L4, shift, 0xFFFF, v, m[1] == null ? 0xFFFF : parsed(m[1], 0, 16, what));
        }
        has(FlowerKey.HAS_PORTS);
    }

    private void tcpFlags(String s) {
        @Nullable String[] m = masked(s);
        long v = parsed(m[0], 16, 12, "tcp_flags");
        long ones = m[1] == null ? 0xFFF : parsed(m[1], 16, 12, "tcp_flags");
        if (ipProto == 6) { // the kernel drops it otherwise
            set(FlowerKey.L4, FlowerKey.TCP_FLAGS_SHIFT, 0xFFF, v, ones);
            has(FlowerKey.HAS_TCP);
        }
    }

    private void icmp(String s, int shift, String what) {
        boolean ok = ethType == EthHdr.ETH_P_IP && ipProto == 1 || ethType == EthHdr.ETH_P_IPV6 && ipProto == 58;
        if (!ok) {
            throw ClsWords.illegal(what);
        }
        @Nullable String[] m = masked(s);
        set(FlowerKey.L4, shift, 0xFF, parsed(m[0], 10, 8, what), m[1] == null ? 0xFF : parsed(m[1], 10, 8, what));
        has(FlowerKey.HAS_ICMP);
    }

    private boolean isArp() {
        return ethType == EthHdr.ETH_P_ARP || ethType == 0x8035;
    }

    private void arpAddress(String s, int shift, String what) {
        IpPrefix p = IpPrefix.parse(s);
        if (p == null || p.v6() || !isArp()) {
            throw ClsWords.illegal(what);
        }
        set(FlowerKey.ARP_IP, shift, 0xFFFFFFFFL, p.lo(), p.mask4() & 0xFFFFFFFFL);
        has(FlowerKey.HAS_ARP);
    }

    private void arpOp(String s) {
        @Nullable String[] m = masked(s);
        long op = "request".equals(m[0]) ? 1 : "reply".equals(m[0]) ? 2 : parsed(m[0], 10, 8, "arp_op");
        if (op > 2 || !isArp()) {
            throw ClsWords.illegal("arp_op");
        }
        long ones = m[1] == null ? 0xFF : parsed(m[1], 10, 8, "arp_op");
        set(FlowerKey.ARP_SHA, FlowerKey.ARP_OP_SHIFT, 0xFF, op, ones);
        has(FlowerKey.HAS_ARP);
    }
}
