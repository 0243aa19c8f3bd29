package net.sched.cls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import net.core.UserError;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import org.junit.jupiter.api.Test;

/** The flower classifier: what it prints, refuses, and does beside matching, for which see {@link FlowerOracleTest}. */
class FlowerTest {
    private static final int A = 10 << 24 | 1;
    private static final int B = 10 << 24 | 2;

    /** Text and JSON by iproute2's print functions. */
    @Test
    void shouldPrintAsIproute2() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 1 protocol ip flower dst_mac 02:00:00:00:00:01 src_mac 02:00:00:00:00:02/40 ip_proto tcp"
                    + " ip_tos 0x10/0xfc ip_ttl 64 dst_ip 10.0.0.0/8 src_ip 10.0.0.1 dst_port 80 src_port 1024-2048"
                    + " tcp_flags 0x2/0x12 ip_flags nofrag indev lab0 classid 1:10");
            lab.tc("add pref 1 protocol ip flower ip_proto icmp type 8 code 0/15 skip_hw flowid 1:11");
            lab.tc("add pref 2 protocol ipv6 flower ip_proto icmpv6 type 128 src_ip 2001:db8::/33 dst_ip ::1");
            lab.tc("add pref 3 protocol arp flower arp_op request arp_tip 10.0.0.1 arp_sip 10.0.0.0/24"
                    + " arp_sha 02:00:00:00:00:02 arp_tha 00:00:00:00:00:00/ff:00:00:00:00:ff action drop");
            lab.tc(
                    "add pref 4 protocol 802.1Q flower vlan_id 7 vlan_prio 3 vlan_ethtype ipv4 ip_proto udp dst_port 53/0xfff0");
            lab.tc("add pref 5 flower src_mac 02:00:00:00:00:02 hw_tc 2");
            assertThat(lab.show(false)).isEqualTo("""
                    filter parent 1: protocol ip pref 1 flower chain 0\s
                    filter parent 1: protocol ip pref 1 flower chain 0 handle 0x1 classid 1:10\s
                      indev lab0
                      dst_mac 02:00:00:00:00:01
                      src_mac 02:00:00:00:00:02/40
                      eth_type ipv4
                      ip_proto tcp
                      ip_tos 16/0xfc
                      ip_ttl 64
                      dst_ip 10.0.0.0/8
                      src_ip 10.0.0.1
                      dst_port 80
                      src_port 1024-2048
                      tcp_flags 0x2/12
                      ip_flags nofrag
                      not_in_hw
                    filter parent 1: protocol ip pref 1 flower chain 0 handle 0x2 classid 1:11\s
                      eth_type ipv4
                      ip_proto icmp
                      icmp_type 8
                      icmp_code 0/15
                      skip_hw
                      not_in_hw
                    filter parent 1: protocol ipv6 pref 2 flower chain 0\s
                    filter parent 1: protocol ipv6 pref 2 flower chain 0 handle 0x1\s
                      eth_type ipv6
                      ip_proto icmpv6
                      dst_ip ::1
                      src_ip 2001:db8::/33
                      icmp_type 128
                      not_in_hw
                    filter parent 1: protocol arp pref 3 flower chain 0\s
                    filter parent 1: protocol arp pref 3 flower chain 0 handle 0x1\s
                      eth_type arp
                      arp_sip 10.0.0.0/24
                      arp_tip 10.0.0.1
                      arp_op request
                      arp_sha 02:00:00:00:00:02
                      arp_tha 00:00:00:00:00:00/ff:00:00:00:00:ff
                      not_in_hw
                    \taction order 1: gact action drop
                    \t random type none pass val 0
                    \t index 1 ref 1 bind 1

                    filter parent 1: protocol 802.1Q pref 4 flower chain 0\s
                    filter parent 1: protocol 802.1Q pref 4 flower chain 0 handle 0x1\s
                      vlan_id 7
                      vlan_prio 3
                      vlan_ethtype ip
                      eth_type ipv4
                      ip_proto udp
                      dst_port 53/0xfff0
                      not_in_hw
                    filter parent 1: protocol all pref 5 flower chain 0\s
                    filter parent 1: protocol all pref 5 flower chain 0 handle 0x1 hw_tc 2\s
                      src_mac 02:00:00:00:00:02
                      not_in_hw
                    """);
            TcPrint json = new TcPrint(true);
            lab.filters.print(json, FilterView.all(false));
            assertThat(json.toString()).contains("""
                    "options":{"handle":1,"classid":"1:10","indev":"lab0","keys":{"dst_mac":"02:00:00:00:00:01",\
                    "src_mac":"02:00:00:00:00:02/40","eth_type":"ipv4","ip_proto":"tcp","ip_tos":16,"ip_tos_mask":"fc",\
                    "ip_ttl":64,"dst_ip":"10.0.0.0/8","src_ip":"10.0.0.1","dst_port":80,\
                    "src_port":{"start":1024,"end":2048},"tcp_flags":"0x2/12","ip_flags":{"frag":false}},\
                    "not_in_hw":true}""");
        }
    }

    /** The complaints of tc and of the kernel. */
    @Test
    void shouldRefuseAsLinux() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 1 protocol ip flower dst_ip 10.0.0.1");
            String[][] cases = {
                {"add pref 1 protocol ip flower dst_ip 10.0.0.1", "RTNETLINK answers: File exists"},
                {"add pref 1 protocol ip handle 1 flower dst_ip 10.0.0.2", "Error: Filter already exists."},
                {"add pref 2 flower ip_proto tcp", "Illegal \"eth_type\" for ip proto"},
                {"add pref 2 protocol ip flower ip_proto icmpv6", "Illegal \"eth_type\" for ip proto"},
                {"add pref 2 protocol ip flower ip_proto zz", "Illegal \"ip_proto\""},
                {"add pref 2 protocol ip flower dst_port 80", "Illegal \"dst_port\""},
                {
                    "add pref 2 protocol ip flower ip_proto tcp dst_port 90-80",
                    "max value should be greater than min value"
                },
                {"add pref 2 protocol ip flower ip_proto tcp dst_port 70000", "Illegal \"dst_port\""},
                {"add pref 2 protocol ip flower dst_ip 2001:db8::1", "Illegal \"eth_type\" for ip address"},
                {"add pref 2 flower dst_ip 10.0.0.1", "Illegal \"dst_ip\""},
                {"add pref 2 protocol ip flower dst_ip 10.0.0.1/33", "Illegal \"dst_ip\""},
                {"add pref 2 protocol ip flower dst_mac 1:2:3", "Illegal \"dst_mac\""},
                {"add pref 2 protocol ip flower type 8", "Illegal \"icmp type\""},
                {"add pref 2 protocol ip flower arp_op request", "Illegal \"arp_op\""},
                {"add pref 2 protocol ip flower ip_proto tcp tcp_flags 0x1000", "Illegal \"tcp_flags\""},
                {
                    "add pref 2 protocol ip flower vlan_id 5",
                    "Can't set \"vlan_id\" if ethertype isn't 802.1Q or 802.1AD and num_of_vlans is 0"
                },
                {"add pref 2 protocol 802.1Q flower vlan_id 4096", "Illegal \"vlan_id\""},
                {"add pref 2 protocol ip flower ip_flags foo", "Illegal \"ip_flags\""},
                {"add pref 2 flower skip_sw", "RTNETLINK answers: Operation not supported"},
                {"add pref 2 flower indev nosuch", "Error: Interface name not found."},
                {"add pref 2 flower classid zz", "Illegal \"classid\""},
                {"add pref 2 handle zz flower", "Illegal \"handle\""},
                {"add pref 2 flower ct_state +trk", "Error: flower: no packet here has what \"ct_state\" asks for"},
                {"del pref 1 handle 2 flower", "Error: Specified filter handle not found."},
            };
            String before = lab.show(false);
            for (String[] c : cases) {
                assertThatThrownBy(() -> lab.tc(c[0]))
                        .as(c[0])
                        .isInstanceOf(UserError.class)
                        .hasMessage(c[1]);
            }
            assertThatThrownBy(() -> lab.tc("add pref 2 flower foo"))
                    .hasMessageStartingWith("What is \"foo\"? Usage: ... flower [ MATCH-LIST ]");
            assertThat(lab.show(false)).as("nothing was changed").isEqualTo(before);
        }
    }

    /** A change gives a filter other fields under the same handle, and its mask keeps its turn. */
    @Test
    void shouldChangeInPlace() {
        try (ClsLab lab = new ClsLab()) {
            byte[] p = ClsLab.udp(A, B, 1, 2);
            lab.tc("add pref 1 protocol ip flower src_ip 10.0.0.1 classid 1:1");
            lab.tc("add pref 1 protocol ip flower dst_ip 10.0.0.2 classid 1:2");
            assertThat(lab.classify(p)).isEqualTo(0x10001);
            lab.tc("change pref 1 protocol ip handle 1 flower src_ip 10.0.0.1 classid 1:3");
            assertThat(lab.classify(p)).as("still first").isEqualTo(0x10003);
            lab.tc("change pref 1 protocol ip handle 1 flower src_ip 10.0.0.9 classid 1:3");
            assertThat(lab.classify(p)).isEqualTo(0x10002);
            lab.tc("del pref 1 handle 2 flower");
            assertThat(lab.classify(p)).isEqualTo(ClsLab.NOTHING);
            lab.tc("del pref 1 handle 1 flower");
            assertThat(lab.filters.isEmpty()).isTrue();
        }
    }

    /** Ten thousand filters of one mask: each packet finds its own. */
    @Test
    void shouldFindOneOfMany() {
        try (ClsLab lab = new ClsLab()) {
            for (int i = 0; i < 10_000; i++) {
                lab.tc("add pref 1 protocol ip flower src_ip 10.1." + i / 100 + "." + i % 100 + " classid 1:"
                        + Integer.toHexString(i + 1));
            }
            for (int i = 0; i < 10_000; i += 7) {
                int src = 10 << 24 | 1 << 16 | i / 100 << 8 | i % 100;
                assertThat(lab.classify(ClsLab.udp(src, B, 1, 2))).isEqualTo(0x10000 | i + 1);
            }
            assertThat(lab.classify(ClsLab.udp(A, B, 1, 2))).isEqualTo(ClsLab.NOTHING);
        }
    }

    /** An action that says continue asks the next preference, and no other mask of this one. */
    @Test
    void shouldGoOnWithTheNextPreference() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 1 protocol ip flower src_ip 10.0.0.1 action continue");
            lab.tc("add pref 1 protocol ip flower dst_ip 10.0.0.2 action drop");
            lab.tc("add pref 2 protocol ip flower classid 1:7");
            assertThat(lab.classify(ClsLab.udp(A, B, 1, 2))).isEqualTo(0x10007);
            assertThat(lab.classify(ClsLab.udp(B, B, 1, 2))).isEqualTo(-100 - TcfBlock.TC_ACT_SHOT);
        }
    }

    /** A tag beside the packet, as the hardware leaves it, is as good as one in it. */
    @Test
    void shouldReadTagsBesideThePacket() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc(
                    "add pref 1 protocol 802.1Q flower vlan_id 7 vlan_prio 3 vlan_ethtype ipv4 src_ip 10.0.0.1 classid 1:1");
            lab.tc("add pref 2 protocol 802.1ad flower vlan_ethtype 802.1q cvlan_id 9 cvlan_ethtype ip classid 1:2");
            byte[] p = ClsLab.udp(A, B, 1, 2);
            int got = lab.classify(p, 20, false, s -> {
                s.vlanPresent = true;
                s.vlanProto = 0x8100;
                s.vlanTci = 3 << 13 | 7;
            });
            assertThat(got).isEqualTo(0x10001);
            byte[] twice = new byte[p.length + 8];
            System.arraycopy(p, 0, twice, 0, 12);
            ClsLab.put32(twice, 12, 0x88A80001);
            ClsLab.put32(twice, 16, 0x81000009);
            System.arraycopy(p, 12, twice, 20, p.length - 12);
            assertThat(lab.classify(twice)).isEqualTo(0x10002);
            assertThat(lab.classify(Arrays.copyOf(twice, 19))).isEqualTo(ClsLab.NOTHING);
        }
    }

    /** IPv6 with extension headers; a fragment has no ports. */
    @Test
    void shouldReadIpv6() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 1 protocol ipv6 flower ip_proto udp dst_port 53 src_ip 2001:db8::/32 classid 1:1");
            byte[] p = new byte[14 + 40 + 8 + 8];
            ClsLab.put16(p, 12, 0x86DD);
            p[14] = 0x60;
            p[20] = 0; // hop by hop
            ClsLab.put32(p, 22, 0x20010db8);
            p[54] = 17;
            ClsLab.put16(p, 64, 53);
            assertThat(lab.classify(p)).isEqualTo(0x10001);
            p[20] = 44; // a fragment header in the same place
            assertThat(lab.classify(p)).isEqualTo(ClsLab.NOTHING);
            p[20] = 0;
            p[22] = 0x30;
            assertThat(lab.classify(p)).isEqualTo(ClsLab.NOTHING);
        }
    }
}
