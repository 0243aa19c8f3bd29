package net.sched.cls.flower;

import java.util.Locale;
import net.core.dev.EthHdr;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.cls.IpPrefix;
import net.sched.cls.LlProto;

/**
 * Prints a flower filter as tc does.
 *
 * <p>Linux: fl_dump_key(); flower_print_opt(), iproute2
 */
final class FlowerDump {
    private static final int FIRST_HW_TC = 0xFFE0;

    private final FlowerFilter f;
    private final TcPrint p;

    private FlowerDump(FlowerFilter f, TcPrint p) {
        this.f = f;
        this.p = p;
    }

    static void print(FlowerFilter f, TcPrint p, boolean stats) {
        p.value("handle", f.handle & 0xFFFFFFFFL, "handle 0x" + Integer.toHexString(f.handle) + " ");
        int tc = TcHandle.minor(f.filter.classid) - FIRST_HW_TC;
        if (tc >= 0 && tc < 16) {
            p.num("hw_tc", "hw_tc ", tc, " ");
        } else {
            f.filter.printClass(p, "classid");
        }
        if (f.indev != null) {
            p.nl().str("indev", "  indev ", f.indev.name(), "");
        }
        p.open("keys");
        FlowerDump d = new FlowerDump(f, p);
        d.link();
        d.network();
        d.transport();
        d.arp();
        d.flags();
        p.close();
        p.flag("skip_hw", f.skipHw, "\n  skip_hw");
        p.bool("not_in_hw", true, "\n  not_in_hw");
        f.filter.exts.dump(p, stats);
    }

    private long key(int word, int shift, long ones) {
        return f.given[word] >>> shift & ones;
    }

    private long mask(int word, int shift, long ones) {
        return f.mask[word] >>> shift & ones;
    }

    private void named(String name, String value) {
        p.str(name, "\n  " + name + " ", value, "");
    }

    private void number(String name, int word, int shift, long ones) {
        if (mask(word, shift, ones) != 0) {
            p.num(name, "\n  " + name + " ", key(word, shift, ones), "");
        }
    }

    private void vlan(String prefix, int word) {
        number(prefix + "vlan_id", word, 0, 0xFFF);
        number(prefix + "vlan_prio", word, FlowerKey.VLAN_PRIO_SHIFT, 7);
        if (mask(word, FlowerKey.VLAN_TYPE_SHIFT, 0xFFFF) != 0) {
            named(prefix + "vlan_ethtype", LlProto.format((int) key(word, FlowerKey.VLAN_TYPE_SHIFT, 0xFFFF)));
        }
    }

    private void link() {
        number("num_of_vlans", FlowerKey.TYPE, FlowerKey.VLANS_SHIFT, 0xFF);
        vlan("", FlowerKey.VLAN);
        vlan("c", FlowerKey.CVLAN);
        mac("dst_mac", FlowerKey.ETH_DST);
        mac("src_mac", FlowerKey.ETH_SRC);
        if (mask(FlowerKey.TYPE, 0, 0xFFFF) != 0) {
            int type = (int) key(FlowerKey.TYPE, 0, 0xFFFF);
            named(
                    "eth_type",
                    switch (type) {
                        case EthHdr.ETH_P_IP -> "ipv4";
                        case EthHdr.ETH_P_IPV6 -> "ipv6";
                        case EthHdr.ETH_P_ARP -> "arp";
                        case 0x8035 -> "rarp";
                        default -> String.format(Locale.ROOT, "%04x", type);
                    });
        }
    }

    private static String mac48(long v) {
        byte[] b = new byte[EthHdr.ETH_ALEN];
        for (int i = 0; i < b.length; i++) {
            b[i] = (byte) (v >>> 40 - 8 * i);
        }
        return EthHdr.format(b);
    }

    private void mac(String name, int word) {
        long ones = mask(word, 0, 0xFFFFFFFFFFFFL);
        if (ones == 0) {
            return;
        }
        int bits = Long.bitCount(ones);
        String m = "";
        if (ones != (-1L << 48 - bits & 0xFFFFFFFFFFFFL)) {
            m = "/" + mac48(ones);
        } else if (bits < 48) {
            m = "/" + bits;
        }
        named(name, mac48(key(word, 0, 0xFFFFFFFFFFFFL)) + m);
    }

    private void network() {
        if (mask(FlowerKey.TYPE, FlowerKey.IP_PROTO_SHIFT, 0xFF) != 0) {
            int proto = (int) key(FlowerKey.TYPE, FlowerKey.IP_PROTO_SHIFT, 0xFF);
            named(
                    "ip_proto",
                    switch (proto) {
                        case 1 -> "icmp";
                        case 6 -> "tcp";
                        case 17 -> "udp";
                        case 50 -> "esp";
                        case 51 -> "ah";
                        case 58 -> "icmpv6";
                        case 115 -> "l2tp";
                        case 132 -> "sctp";
                        default -> String.format(Locale.ROOT, "%02x", proto);
                    });
        }
        hexMasked("ip_tos", FlowerKey.TYPE, FlowerKey.TOS_SHIFT, 0xFF);
        hexMasked("ip_ttl", FlowerKey.TYPE, FlowerKey.TTL_SHIFT, 0xFF);
        address("dst_ip", 0, FlowerKey.IPV6 + 2);
        address("src_ip", 32, FlowerKey.IPV6);
    }

    private void hexMasked(String name, int word, int shift, long ones) {
        long m = mask(word, shift, ones);
        if (m != 0) {
            p.num(name, "\n  " + name + " ", key(word, shift, ones), "");
            if (m != ones) {
                p.word(name + "_mask", Long.toHexString(m), "/0x" + Long.toHexString(m));
            }
        }
    }

    private void address(String name, int shift4, int word6) {
        ip4(name, FlowerKey.IPV4, shift4);
        int bits = Long.bitCount(f.mask[word6]) + Long.bitCount(f.mask[word6 + 1]);
        if (bits != 0) {
            named(name, IpPrefix.format6(f.given[word6], f.given[word6 + 1]) + (bits < 128 ? "/" + bits : ""));
        }
    }

    private void ip4(String name, int word, int shift) {
        int bits = Long.bitCount(mask(word, shift, 0xFFFFFFFFL));
        if (bits != 0) {
            named(name, IpPrefix.format4((int) key(word, shift, 0xFFFFFFFFL)) + (bits < 32 ? "/" + bits : ""));
        }
    }

    private void transport() {
        hexMasked("dst_port", FlowerKey.L4, FlowerKey.DPORT_SHIFT, 0xFFFF);
        hexMasked("src_port", FlowerKey.L4, FlowerKey.SPORT_SHIFT, 0xFFFF);
        range("dst_port", f.dportRange(), f.dportMin, f.dportMax);
        range("src_port", f.sportRange(), f.sportMin, f.sportMax);
        long flags = mask(FlowerKey.L4, FlowerKey.TCP_FLAGS_SHIFT, 0xFFF);
        if (flags != 0) {
            String v = "0x" + Long.toHexString(key(FlowerKey.L4, FlowerKey.TCP_FLAGS_SHIFT, 0xFFF));
            named("tcp_flags", v + "/" + Long.toHexString(flags));
        }
        decimalMasked("icmp_type", FlowerKey.L4, FlowerKey.ICMP_TYPE_SHIFT);
        decimalMasked("icmp_code", FlowerKey.L4, 0);
    }

    private void range(String name, boolean there, int min, int max) {
        if (!there) {
            return;
        }
        if (p.isJson()) {
            p.open(name).num("start", "", min, "").num("end", "", max, "").close();
        } else {
            named(name, min + "-" + max);
        }
    }

    private void decimalMasked(String name, int word, int shift) {
        long m = mask(word, shift, 0xFF);
        if (m != 0) {
            named(name, key(word, shift, 0xFF) + (m == 0xFF ? "" : "/" + m));
        }
    }

    private void arp() {
        ip4("arp_sip", FlowerKey.ARP_IP, 32);
        ip4("arp_tip", FlowerKey.ARP_IP, 0);
        long m = mask(FlowerKey.ARP_SHA, FlowerKey.ARP_OP_SHIFT, 0xFF);
        if (m != 0) {
            long op = key(FlowerKey.ARP_SHA, FlowerKey.ARP_OP_SHIFT, 0xFF);
            String name = m != 0xFF ? op + "/" + m : op == 1 ? "request" : op == 2 ? "reply" : Long.toString(op);
            named("arp_op", name);
        }
        mac("arp_sha", FlowerKey.ARP_SHA);
        mac("arp_tha", FlowerKey.ARP_THA);
    }

    private void flags() {
        long m = f.mask[FlowerKey.META] & (FlowerKey.FRAGMENT | FlowerKey.FIRST_FRAGMENT);
        if (m == 0) {
            return;
        }
        p.text("\n  ip_flags ").open("ip_flags");
        flag("frag", FlowerKey.FRAGMENT, "");
        flag("firstfrag", FlowerKey.FIRST_FRAGMENT, (m & FlowerKey.FRAGMENT) != 0 ? "/" : "");
        p.close();
    }

    private void flag(String name, long bit, String before) {
        if ((f.mask[FlowerKey.META] & bit) != 0) {
            boolean on = (f.given[FlowerKey.META] & bit) != 0;
            p.bool(name, on, before + (on ? "" : "no") + name);
        }
    }
}
