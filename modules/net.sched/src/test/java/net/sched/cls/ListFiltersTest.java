package net.sched.cls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.Set;
import net.core.UserError;
import net.core.dev.NetDevice;
import net.core.neigh.DstEntry;
import net.core.neigh.DstOps;
import net.skbuff.SkBuff;
import org.junit.jupiter.api.Test;

/** The classifiers fw, route, basic and flow. */
class ListFiltersTest {
    private static final int A = 10 << 24 | 1;
    private static final int B = 10 << 24 | 2;
    private static final byte[] UDP = ClsLab.udp(A, B, 1000, 53);

    private static int marked(ClsLab lab, int mark) {
        return lab.classify(UDP, UDP.length, false, s -> s.mark = mark);
    }

    // ---- fw

    /** The handle is the mark, under the mask of the preference. */
    @Test
    void shouldMatchMarks() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 1 handle 5 fw classid 1:5");
            lab.tc("add pref 1 handle 0x10006 fw classid 1:6");
            lab.tc("add pref 2 handle 1/0xf fw flowid 1:1");
            lab.tc("add pref 2 handle 2/0xf fw classid 1:2 indev lab0");
            assertThat(marked(lab, 5)).isEqualTo(0x10005);
            assertThat(marked(lab, 0x10006)).isEqualTo(0x10006);
            assertThat(marked(lab, 6)).isEqualTo(ClsLab.NOTHING);
            assertThat(marked(lab, 0xFF1)).isEqualTo(0x10001);
            assertThat(marked(lab, 2)).as("came by no device").isEqualTo(ClsLab.NOTHING);
            assertThat(lab.show(false)).isEqualTo("""
                    filter parent 1: protocol all pref 1 fw chain 0\s
                    filter parent 1: protocol all pref 1 fw chain 0 handle 0x5 classid 1:5\s
                    filter parent 1: protocol all pref 1 fw chain 0 handle 0x10006 classid 1:6\s
                    filter parent 1: protocol all pref 2 fw chain 0\s
                    filter parent 1: protocol all pref 2 fw chain 0 handle 0x1/0xf classid 1:1\s
                    filter parent 1: protocol all pref 2 fw chain 0 handle 0x2/0xf classid 1:2 input dev lab0\s
                    """);
            lab.tc("change pref 1 handle 5 fw classid 1:7");
            assertThat(marked(lab, 5)).isEqualTo(0x10007);
            lab.tc("del pref 1 handle 5 fw");
            assertThat(marked(lab, 5)).isEqualTo(ClsLab.NOTHING);
            for (String bad : new String[] {"add pref 2 handle 3/0xff fw classid 1:1", "add pref 3 fw classid 1:1"}) {
                assertThatThrownBy(() -> lab.tc(bad)).hasMessage("RTNETLINK answers: Invalid argument");
            }
            assertThatThrownBy(() -> lab.tc("add pref 3 handle 1/z fw classid 1:1"))
                    .hasMessage("Illegal \"handle\" mask");
        }
    }

    /** Without any option the mark itself is the class. */
    @Test
    void shouldTakeMarksForClasses() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 1 fw");
            assertThat(marked(lab, 0x10003)).isEqualTo(0x10003);
            assertThat(marked(lab, 4)).isEqualTo(4);
            assertThat(marked(lab, 0x20003)).as("another qdisc's").isEqualTo(ClsLab.NOTHING);
            assertThat(marked(lab, 0)).isEqualTo(ClsLab.NOTHING);
        }
    }

    // ---- route

    /** A route of these realms. */
    private static DstEntry dst(ClsLab lab, int from, int to) {
        DstOps none = null;
        DstEntry d = new DstEntry(lab.dev, none) {
            @Override
            public int input(net.core.Cpu cpu, SkBuff skb) {
                throw new AssertionError();
            }

            @Override
            public int output(net.core.Cpu cpu, net.core.Net net, net.core.sock.Sock sk, SkBuff skb) {
                throw new AssertionError();
            }
        };
        d.tclassid = from << 16 | to;
        return d;
    }

    private static int routed(ClsLab lab, int from, int to, int iif) {
        return lab.classify(UDP, UDP.length, false, s -> {
            s.dst = dst(lab, from, to);
            s.skbIif = iif;
        });
    }

    /** A destination comes before none, a source before a device before neither, as Linux documents. */
    @Test
    void shouldMatchRealmsByRank() {
        try (ClsLab lab = new ClsLab()) {
            NetDevice dev = lab.dev;
            lab.tc("add pref 1 route from 3 classid 1:3");
            lab.tc("add pref 1 route fromif lab0 classid 1:4");
            lab.tc("add pref 1 route to 7 classid 1:7");
            lab.tc("add pref 1 route to 7 from 3 classid 1:73");
            lab.tc("add pref 1 route to 7 fromif lab0 classid 1:74");
            assertThat(routed(lab, 3, 7, 0)).isEqualTo(0x10073);
            assertThat(routed(lab, 2, 7, dev.ifindex)).isEqualTo(0x10074);
            assertThat(routed(lab, 2, 7, 0)).isEqualTo(0x10007);
            assertThat(routed(lab, 3, 8, dev.ifindex)).isEqualTo(0x10003);
            assertThat(routed(lab, 2, 8, dev.ifindex)).isEqualTo(0x10004);
            assertThat(routed(lab, 2, 8, 0)).isEqualTo(ClsLab.NOTHING);
            assertThat(lab.classify(UDP)).as("no route").isEqualTo(ClsLab.NOTHING);
            assertThat(lab.show(false)).startsWith("""
                    filter parent 1: protocol all pref 1 route chain 0\s
                    filter parent 1: protocol all pref 1 route chain 0 fh 0x00030007 flowid 1:73 to 7 from 3\s
                    """).contains("route chain 0 fh 0xffff0007 flowid 1:7 to 7 \n");
            assertThatThrownBy(() -> lab.tc("add pref 1 route to 7 classid 1:1"))
                    .hasMessage("RTNETLINK answers: File exists");
            assertThatThrownBy(() -> lab.tc("add pref 1 route to 256 classid 1:1"))
                    .hasMessage("RTNETLINK answers: Invalid argument");
            assertThatThrownBy(() -> lab.tc("add pref 1 route to x")).hasMessage("Illegal \"to\"");
            lab.tc("del pref 1 handle 0x00030007 route");
            assertThat(routed(lab, 3, 7, 0)).isEqualTo(0x10007);
        }
    }

    // ---- basic

    private static boolean holds(ClsLab lab, String expression, byte[] frame) {
        lab.tc("add pref 1 basic match " + expression + " flowid 1:1");
        int got = lab.classify(frame, frame.length, false, s -> {
            s.setTransportHeader(34);
            s.mark = 0x18;
            s.priority = 6;
        });
        lab.tc("del pref 1");
        return got == 0x10001;
    }

    /** Each match against a packet that is known; and what the operators mean, which is neither C's nor Java's. */
    @Test
    void shouldEvaluateExpressions() {
        String[][] cases = {
            {"cmp(u8 at 9 layer 1 eq 17)", "1"},
            {"cmp(u8 at 9 eq 6)", ""},
            {"cmp(u16 at 2 layer 2 eq 53)", "1"},
            {"cmp(u16 at 2 layer transport gt 52)", "1"},
            {"cmp(u16 at 2 layer t lt 53)", ""},
            {"cmp(u16 at 2 layer 2 trans eq 0x3500)", "1"},
            {"cmp(u32 at 12 mask 0xff000000 eq 0x0a000000)", "1"},
            {"cmp(u32 at 12 gt 0xf0000000)", ""},
            {"cmp(u16 at 12 layer link eq 0x0800)", "1"},
            {"cmp(u8 at 200 eq 0)", ""},
            {"not cmp(u8 at 200 eq 0)", "1"},
            {"u32(u32 0x0a000001 0xffffffff at 12)", "1"},
            {"u32(u16 0x0035 0xffff at 22)", "1"},
            {"u32(u8 0x11 0xff at 9)", "1"},
            {"u32(u8 0x12 0xff at 9)", ""},
            {"u32(u8 0x11 0xff at nexthdr+9)", "1"},
            {"nbyte(\"\\x0a\\000\\x00\\1\" at 12 layer 1)", "1"},
            {"nbyte(\"abc\" at 12)", ""},
            {"nbyte(\"\\x00\" at 41)", ""},
            {"meta(nf_mark eq 24)", "1"},
            {"meta(fwmark gt 24)", ""},
            {"meta(nf_mark mask 0x10 eq 16)", "1"},
            {"meta(nf_mark shift 3 eq 3)", "1"},
            {"meta(priority lt 7)", "1"},
            {"meta(pkt_len eq 42)", "1"},
            {"meta(dev eq \"lab0\")", "1"},
            {"meta(dev shift 1 eq \"lab\")", "1"},
            {"meta(dev eq \"lab1\")", ""},
            {"meta(protocol eq 0x0008)", "1"},
            {"meta(24 eq nf_mark)", "1"},
            {"meta(sk_family eq 2)", ""},
            {"meta(priority eq 6) and meta(nf_mark eq 24)", "1"},
            {"meta(priority eq 5) and meta(nf_mark eq 24)", ""},
            {"meta(priority eq 5) or meta(nf_mark eq 24)", "1"},
            {"not meta(priority eq 5)", "1"},
            {"not ( meta(priority eq 6) and meta(nf_mark eq 25) )", "1"},
            // From the left: the first true before an or ends the row.
            {"meta(priority eq 6) or meta(priority eq 6) and meta(priority eq 5)", "1"},
            {"( meta(priority eq 6) or meta(priority eq 6) ) and meta(priority eq 5)", ""},
            // And the first false before an and.
            {"meta(priority eq 5) and meta(priority eq 6) or meta(priority eq 6)", ""},
            {"( meta(priority eq 5) and meta(priority eq 6) ) or meta(priority eq 6)", "1"},
        };
        try (ClsLab lab = new ClsLab()) {
            for (String[] c : cases) {
                assertThat(holds(lab, c[0], UDP)).as(c[0]).isEqualTo(!c[1].isEmpty());
            }
        }
    }

    /** The newest filter is asked first; without an expression all packets match. */
    @Test
    void shouldAskNewestFirst() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 1 basic flowid 1:1");
            lab.tc("add pref 1 basic match u32(u8 0x11 0xff at 9) flowid 1:2");
            assertThat(lab.classify(UDP)).isEqualTo(0x10002);
            lab.tc("change pref 1 handle 2 basic match u32(u8 0x06 0xff at 9)");
            assertThat(lab.classify(UDP)).isEqualTo(0x10001);
            assertThat(lab.classify(ClsLab.tcp(A, B, 1, 2, 2)))
                    .as("keeps its class")
                    .isEqualTo(0x10002);
        }
    }

    /** Expressions as iproute2 prints them, indented by parentheses. */
    @Test
    void shouldPrintExpressions() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 1 protocol ip basic match cmp(u16 at 3 layer 2 mask 0xff00 gt 20)"
                    + " and ( meta(nf_mark mask 0xf eq 24) or not nbyte(\"ab\\n\" at 12 layer 1) )"
                    + " and u32(u16 0x1122 0xffff at nexthdr+4) classid 1:1");
            assertThat(lab.show(false)).isEqualTo("""
                    filter parent 1: protocol ip pref 1 basic chain 0\s
                    filter parent 1: protocol ip pref 1 basic chain 0 handle 0x1 flowid 1:1\s
                      cmp(u16 at 3 layer 2 mask 0xff00 gt 20)
                      AND (
                        meta(nf_mark mask 0x0000000f eq 24)
                        OR NOT nbyte(61 62 0a "ab." at 12 layer 1)
                      ) AND u32(11220000/ffff0000 at nexthdr+4)

                    """);
        }
    }

    @Test
    void shouldRefuseBadExpressions() {
        String[] bad = {
            "cmp(u24 at 0 eq 1)",
            "cmp(u8 eq 1)",
            "cmp(u8 at 0 ne 1)",
            "u32(u8 0x100 0xff at 0)",
            "u32(u32 1 1 at 2)",
            "nbyte(\"\" at 0)",
            "nbyte(\"a\")",
            "meta(foo eq 1)",
            "meta(nf_mark eq \"x\")",
            "meta(1 eq \"x\")",
            "cmp(u8 at 0 eq 1",
            "( cmp(u8 at 0 eq 1)",
            "and",
            "not",
            "cmp",
            "nbyte(\"a at 0)",
            "cmp(u8 at 0 eq 1) and",
            "cmp(u8 at 0 layer 3 eq 1)",
        };
        try (ClsLab lab = new ClsLab()) {
            for (String b : bad) {
                assertThatThrownBy(() -> lab.tc("add pref 1 basic match " + b))
                        .as(b)
                        .isInstanceOf(UserError.class)
                        .hasMessageStartingWith("Illegal \"ematch\"");
            }
            assertThatThrownBy(() -> lab.tc("add pref 1 basic match ipt(foo)"))
                    .hasMessageStartingWith("Unknown ematch \"ipt\"");
            assertThat(lab.filters.isEmpty()).isTrue();
        }
    }

    // ---- flow

    /** A map takes a key, masks, shifts and adds; the class counts from the base class. */
    @Test
    void shouldMapKeys() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 1 protocol ip handle 1 flow map key dst and 0xff addend -1 baseclass 1:10");
            assertThat(lab.classify(UDP)).isEqualTo(0x10011);
            lab.tc("replace pref 1 protocol ip handle 1 flow map key proto-dst rshift 1 and 0xff or 0x100 addend 0");
            assertThat(lab.classify(UDP)).isEqualTo(0x10010 + ((53 | 0x100) >> 1));
            lab.tc("change pref 1 protocol ip handle 1 flow key mark and 0xffffffff rshift 0 divisor 3");
            assertThat(marked(lab, 5)).isEqualTo(0x10012);
            lab.tc("add pref 2 handle 2 flow map key src addend -10.0.0.0");
            lab.tc("del pref 1");
            assertThat(lab.classify(UDP)).as("base class 1:1 by default").isEqualTo(0x10002);
            lab.tc("del pref 2");
            lab.tc("add pref 2 protocol 802.1Q handle 2 flow map key vlan-tag");
            byte[] tagged = new byte[UDP.length + 4];
            System.arraycopy(UDP, 0, tagged, 0, 12);
            ClsLab.put32(tagged, 12, 0x81000007);
            System.arraycopy(UDP, 12, tagged, 16, UDP.length - 12);
            assertThat(lab.classify(tagged)).isEqualTo(0x10008);
        }
    }

    /** A hash spreads sources over all classes, and sends one source to one class, until it is perturbed. */
    @Test
    void shouldHashKeys() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 1 protocol ip handle 1 flow hash keys src,dst,proto-dst divisor 16 perturb 10");
            int[] count = new int[16];
            Set<Integer> moved = new HashSet<>();
            int[] first = new int[1000];
            for (int i = 0; i < 1000; i++) {
                first[i] = lab.classify(ClsLab.udp(A + i, B, 1, 2));
                assertThat(lab.classify(ClsLab.udp(A + i, B, 9, 2)))
                        .as("source port is no key")
                        .isEqualTo(first[i]);
                count[first[i] - 0x10001]++;
            }
            assertThat(java.util.Arrays.stream(count)).allMatch(n -> n > 30 && n < 100);
            lab.kernel.scheduler().sleep(10_001_000_000L);
            for (int i = 0; i < 1000; i++) {
                if (lab.classify(ClsLab.udp(A + i, B, 1, 2)) != first[i]) {
                    moved.add(i);
                }
            }
            assertThat(moved.size()).isBetween(850, 1000);
        }
    }

    @Test
    void shouldPrintAndRefuseFlow() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 1 protocol ip handle 1 flow hash keys proto-src,src,dst divisor 1024 perturb 5");
            lab.tc(
                    "add pref 2 handle 0x22 flow map key mark and 0xff xor 0x3 rshift 2 addend 4 baseclass 1:7 action drop");
            assertThat(lab.show(false)).isEqualTo("""
                    filter parent 1: protocol ip pref 1 flow chain 0\s
                    filter parent 1: protocol ip pref 1 flow chain 0 handle 0x1 hash keys src,dst,proto-src divisor 1024 baseclass 1:1 perturb 5sec\s
                    filter parent 1: protocol all pref 2 flow chain 0\s
                    filter parent 1: protocol all pref 2 flow chain 0 handle 0x22 map keys mark and 0x000000ff xor 0x00000003 rshift 2 addend 0x4 baseclass 1:7\s

                    \taction order 1: gact action drop
                    \t random type none pass val 0
                    \t index 1 ref 1 bind 1

                    """);
            String[][] bad = {
                {"add pref 3 flow map key mark", "RTNETLINK answers: Invalid argument"},
                {"add pref 3 handle 1 flow map", "RTNETLINK answers: Invalid argument"},
                {"add pref 3 handle 1 flow map key mark perturb 5", "RTNETLINK answers: Invalid argument"},
                {"add pref 3 handle 1 flow map keys mark,src", "Invalid mode \"map\" for multiple keys"},
                {"add pref 3 handle 1 flow map key foo", "Unknown flow key \"foo\""},
                {"add pref 3 handle 1 flow map key mark baseclass 1:", "Illegal \"baseclass\""},
                {"add pref 3 handle 1 flow map key mark and zz", "Illegal \"mask\""},
            };
            for (String[] c : bad) {
                assertThatThrownBy(() -> lab.tc(c[0]))
                        .as(c[0])
                        .isInstanceOf(UserError.class)
                        .hasMessage(c[1]);
            }
        }
    }
}
