package net.sched.cls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import net.core.UserError;
import net.core.tc.TcPrint;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The u32 classifier: keys, tables, links, offsets, and what tc says about them. */
class U32Test {
    private static final int A = 10 << 24 | 1;
    private static final int B = 10 << 24 | 2;

    /** A selector and, independently of the classifier, what it means. */
    private record Selector(String words, long val, long mask, int bits, int off) {
        /** 1: matches, 0: does not, -1: lies beyond the packet. The word of four bytes around the field must be there. */
        int in(byte[] frame) {
            int word = 14 + (off & ~3);
            if (word < -40 || word + 4 > frame.length) {
                return -1;
            }
            int shift = bits == 8 ? 24 - 8 * (off & 3) : bits == 16 ? (off & 3) == 0 ? 16 : 0 : 0;
            long field = ClsLab.get32(frame, word) >>> shift & (bits == 32 ? 0xFFFFFFFFL : (1L << bits) - 1);
            return ((field ^ val) & mask) == 0 ? 1 : 0;
        }
    }

    private static Selector selector(SplittableRandom random) {
        int bits = 8 << random.nextInt(3);
        int step = bits / 8;
        int off = (random.nextInt(40 / step) - 8 / step) * step;
        long mask =
                random.nextInt(4) == 0 ? 0 : random.nextLong() & 0x03030303L & (bits == 32 ? -1L : (1L << bits) - 1);
        long val = random.nextLong() & mask;
        String words = "match u" + bits + " 0x" + Long.toHexString(val) + " 0x" + Long.toHexString(mask) + " at " + off;
        return new Selector(words, val, mask, bits, off);
    }

    /** Random filters against random packets, linear or not, sent or received, cut short anywhere: as the naive matcher. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void shouldAgreeWithNaiveMatcher(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int matched = 0;
        try (ClsLab lab = new ClsLab()) {
            List<List<Selector>> all = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                List<Selector> one = new ArrayList<>();
                StringBuilder words = new StringBuilder("add pref 5 u32");
                for (int k = random.nextInt(1, 4); k > 0; k--) {
                    Selector s = selector(random);
                    one.add(s);
                    words.append(' ').append(s.words);
                }
                try {
                    lab.tc(words + " flowid 1:" + Integer.toHexString(all.size() + 1));
                    all.add(one);
                } catch (UserError e) {
                    assertThat(e).hasMessage("Illegal \"match\""); // two keys over one field contradict each other
                }
            }
            for (int i = 0; i < 3000; i++) {
                byte[] frame = ClsLab.fewValues(random, random.nextInt(14, 64));
                int expected = ClsLab.NOTHING;
                search:
                for (int f = 0; f < all.size(); f++) {
                    boolean ok = true;
                    for (Selector s : inKeyOrder(all.get(f))) {
                        int in = s.in(frame);
                        if (in < 0) {
                            break search; // nothing matches any more
                        }
                        if (in == 0) {
                            ok = false;
                            break;
                        }
                    }
                    if (ok) {
                        expected = 0x10000 | f + 1;
                        break;
                    }
                }
                int got = lab.classify(frame, random.nextInt(frame.length + 1), random.nextBoolean(), s -> {});
                assertThat(got)
                        .as("seed %d, packet %s", seed, Arrays.toString(frame))
                        .isEqualTo(expected);
                matched += got == ClsLab.NOTHING ? 0 : 1;
            }
        }
        assertThat(matched).as("packets that matched").isBetween(100, 2990);
    }

    /** Keys over the same word are compared as one, where the first of them stands. */
    private static List<Selector> inKeyOrder(List<Selector> selectors) {
        List<Selector> sorted = new ArrayList<>();
        for (Selector s : selectors) {
            if (!sorted.contains(s)) {
                selectors.stream().filter(o -> (o.off & ~3) == (s.off & ~3)).forEach(sorted::add);
            }
        }
        return sorted;
    }

    /** A table of 256 buckets by the last byte of the source is a list of 256 filters. */
    @Test
    void shouldHashIntoTables() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 5 protocol ip handle 2: u32 divisor 256");
            for (int i = 0; i < 256; i++) {
                lab.tc("add pref 5 protocol ip u32 ht 2:" + Integer.toHexString(i) + ": match ip src 10.0.0." + i
                        + " flowid 1:" + Integer.toHexString(i + 1));
            }
            lab.tc(
                    "add pref 5 protocol ip u32 ht 800:: match ip src 10.0.0.0/24 hashkey mask 0x000000ff at 12 link 2:");
            lab.tc("add pref 5 protocol ip u32 match u32 0 0 flowid 1:fff");
            for (int i = 0; i < 256; i++) {
                assertThat(lab.classify(ClsLab.udp(10 << 24 | i, B, 1, 2))).isEqualTo(0x10000 | i + 1);
            }
            assertThat(lab.classify(ClsLab.udp(11 << 24, B, 1, 2))).isEqualTo(0x10fff);
            lab.tc("del pref 5 handle 2:7b:800 u32");
            assertThat(lab.classify(ClsLab.udp(10 << 24 | 0x7b, B, 1, 2)))
                    .as("on after the link")
                    .isEqualTo(0x10fff);
        }
    }

    /** {@code sample} computes the bucket that the hash key will name. */
    @Test
    void shouldPutSamplesWhereTheHashLooks() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 1 protocol ip handle 1: u32 divisor 16");
            lab.tc("add pref 1 protocol ip u32 match u8 0 0 hashkey mask 0x0000ff00 at 16 link 1:");
            lab.tc("add pref 1 protocol ip u32 sample u8 0x25 0xff at 18 divisor 16 match u8 0 0 ht 1: flowid 1:5");
            assertThat(lab.show(false)).contains("fh 1:5:800 ");
            assertThat(lab.classify(ClsLab.udp(A, 0x0a002501, 1, 2))).isEqualTo(0x10005);
            assertThat(lab.classify(ClsLab.udp(A, 0x0a003501, 1, 2)))
                    .as("same bucket")
                    .isEqualTo(0x10005);
            assertThat(lab.classify(ClsLab.udp(A, 0x0a002601, 1, 2))).isEqualTo(ClsLab.NOTHING);
        }
    }

    /** A link by the header length finds the ports behind any number of options. */
    @Test
    void shouldFollowTheHeaderLength() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 1 protocol ip handle 1: u32 divisor 1");
            lab.tc("add pref 1 protocol ip u32 ht 1: match udp dst 53 0xffff flowid 1:53");
            lab.tc(
                    "add pref 1 protocol ip u32 ht 800: match ip protocol 17 0xff offset at 0 mask 0f00 shift 6 link 1:");
            lab.tc("add pref 2 protocol ip handle 3: u32 divisor 1");
            lab.tc("add pref 2 protocol ip u32 ht 3: match u16 80 0xffff at 2 flowid 1:80");
            lab.tc(
                    "add pref 2 protocol ip u32 ht 801: match ip protocol 6 0xff offset at 0 mask 0f00 shift 6 eat link 3:");
            for (int ihl = 5; ihl <= 15; ihl++) {
                assertThat(lab.classify(ClsLab.ipv4(ihl, 17, A, B, ClsLab.ports(9, 53, 8))))
                        .isEqualTo(0x10053);
                assertThat(lab.classify(ClsLab.ipv4(ihl, 17, A, B, ClsLab.ports(53, 9, 8))))
                        .isEqualTo(ClsLab.NOTHING);
                assertThat(lab.classify(ClsLab.ipv4(ihl, 6, A, B, ClsLab.ports(9, 80, 20))))
                        .isEqualTo(0x10080);
                byte[] cut = Arrays.copyOf(ClsLab.ipv4(ihl, 17, A, B, ClsLab.ports(9, 53, 8)), 14 + ihl * 4 + 2);
                assertThat(lab.classify(cut)).as("port not there").isEqualTo(ClsLab.NOTHING);
            }
        }
    }

    /** A chain of links deeper than eight ends without an answer, also one that leads to itself. */
    @Test
    void shouldEndInALoop() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 1 handle 1: u32 divisor 1");
            lab.tc("add pref 1 u32 ht 1: match u8 0 0 link 1:");
            lab.tc("add pref 1 u32 ht 800: match u8 0 0 link 1:");
            lab.tc("add pref 1 u32 match u8 0 0 flowid 1:1");
            assertThat(lab.classify(ClsLab.udp(A, B, 1, 2))).isEqualTo(ClsLab.NOTHING);
        }
    }

    /** Names of fields stand for their places. */
    @Test
    void shouldKnowFieldsByName() {
        String[][] cases = {
            {"match ip src 10.0.0.1", "1"},
            {"match ip src 10.0.0.2", ""},
            {"match ip dst 10.0.0.0/30", "1"},
            {"match ip protocol 6 0xff", "1"},
            {"match ip protocol 17 0xff", ""},
            {"match ip sport 1000 0xffff", "1"},
            {"match ip dport 80 0xffff", "1"},
            {"match ip dport 81 0xffff", ""},
            {"match ip tos 0x00 0xff", "1"},
            {"match ip ihl 5 0xf", "1"},
            {"match ip ihl 6 0xf", ""},
            {"match ip nofrag", "1"},
            {"match ip df", ""},
            {"match ip mf", ""},
            {"match ip firstfrag", ""},
            {"match ether dst 02:00:00:00:00:01", "1"},
            {"match ether src 02:00:00:00:00:02", "1"},
            {"match ether src 02:00:00:00:00:01", ""},
            {"match u8 0x50 0xff at 23", "1"},
            {"match u16 0x0050 0xffff at 22", "1"},
            {"match u32 0x0a000001 0xffffffff at 12", "1"},
            {"match tcp src 1000 0xffff", ""}, // without an offset the next header is the IP header itself
        };
        byte[] packet = ClsLab.tcp(A, B, 1000, 80, 2);
        for (String[] c : cases) {
            try (ClsLab lab = new ClsLab()) {
                lab.tc("add pref 1 protocol ip u32 " + c[0] + " flowid 1:1");
                assertThat(lab.classify(packet)).as(c[0]).isEqualTo(c[1].isEmpty() ? ClsLab.NOTHING : 0x10001);
                assertThat(lab.classify(packet, 20, true, s -> {})).as(c[0]).isEqualTo(c[1].isEmpty() ? -1 : 0x10001);
            }
        }
    }

    /** A mark has to match under its mask; the device it came by has to be the one. */
    @Test
    void shouldCompareMarkAndDevice() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 1 u32 match mark 0x5 0xf match u8 0 0 flowid 1:1");
            lab.tc("add pref 2 u32 match u8 0 0 indev lab0 flowid 1:2");
            byte[] p = ClsLab.udp(A, B, 1, 2);
            assertThat(lab.classify(p, 42, false, s -> s.mark = 0x15)).isEqualTo(0x10001);
            assertThat(lab.classify(p, 42, false, s -> s.mark = 0x16)).isEqualTo(ClsLab.NOTHING);
            assertThat(lab.classify(p, 42, false, s -> s.skbIif = lab.dev.ifindex))
                    .isEqualTo(0x10002);
        }
    }

    /** Text as iproute2 6.1 shows it for the same lines on Linux 6.18. */
    @Test
    void shouldPrintAsIproute2() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 5 protocol ip u32 match ip src 10.0.0.0/8 match ip dport 80 0xffff flowid 1:10");
            lab.tc("add pref 5 protocol ip handle 2: u32 divisor 256");
            lab.tc("add pref 5 protocol ip u32 ht 2:7b: match ip src 10.0.0.123 flowid 1:11");
            lab.tc("add pref 5 protocol ip u32 ht 800:: match ip src 1.2.0.0/16 hashkey mask 0x000000ff at 12 link 2:");
            lab.tc("add pref 5 protocol ip u32 match tcp dst 22 0xffff offset at 0 mask 0f00 shift 6 eat link 2:");
            lab.tc("add pref 6 u32 match u8 0 0 at -14 flowid 1:10");
            assertThat(lab.show(false)).isEqualTo("""
                    filter parent 1: protocol ip pref 5 u32 chain 0\s
                    filter parent 1: protocol ip pref 5 u32 chain 0 fh 2: ht divisor 256\s
                    filter parent 1: protocol ip pref 5 u32 chain 0 fh 2:7b:800 order 2048 key ht 2 bkt 7b *flowid 1:11 not_in_hw\s
                      match 0a00007b/ffffffff at 12
                    filter parent 1: protocol ip pref 5 u32 chain 0 fh 800: ht divisor 1\s
                    filter parent 1: protocol ip pref 5 u32 chain 0 fh 800::800 order 2048 key ht 800 bkt 0 *flowid 1:10 not_in_hw\s
                      match 0a000000/ff000000 at 12
                      match 00000050/0000ffff at 20
                    filter parent 1: protocol ip pref 5 u32 chain 0 fh 800::801 order 2049 key ht 800 bkt 0 link 2: not_in_hw\s
                      match 01020000/ffff0000 at 12
                        hash mask 000000ff at 12\s
                    filter parent 1: protocol ip pref 5 u32 chain 0 fh 800::802 order 2050 key ht 800 bkt 0 link 2: not_in_hw\s
                      match 00000016/0000ffff at nexthdr+0
                        offset 0f00>>6 at 0  eat\s
                    filter parent 1: protocol all pref 6 u32 chain 0\s
                    filter parent 1: protocol all pref 6 u32 chain 0 fh 801: ht divisor 1\s
                    filter parent 1: protocol all pref 6 u32 chain 0 fh 801::800 order 2048 key ht 801 bkt 0 *flowid 1:10 not_in_hw\s
                      match 00000000/00000000 at -16
                    """);
        }
    }

    /** With {@code -s} each filter says how often it was asked and matched, and each key. */
    @Test
    void shouldCountHits() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 1 protocol ip u32 match ip src 10.0.0.1 match ip dport 80 0xffff flowid 1:1");
            lab.classify(ClsLab.udp(A, B, 1, 80));
            lab.classify(ClsLab.udp(A, B, 1, 81));
            lab.classify(ClsLab.udp(B, B, 1, 80));
            assertThat(lab.show(true)).endsWith("""
                    flowid 1:1 not_in_hw (rule hit 3 success 1)
                      match 0a000001/ffffffff at 12 (success 2 )\s
                      match 00000050/0000ffff at 20 (success 1 )\s
                    """);
            TcPrint json = new TcPrint(true);
            lab.filters.print(json, 0x10000, true);
            assertThat(json.toString()).contains("""
                    "options":{"fh":"800::800","order":2048,"key_ht":"800","bkt":"0","flowid":"1:1","not_in_hw":true,\
                    "rule_hit":3,"success":1,\
                    "match":{"value":"a000001","mask":"ffffffff","offmask":"","off":12},"success":2,""");
        }
    }

    /** The complaints of tc and of the kernel, word by word. */
    @Test
    void shouldRefuseAsLinux() {
        try (ClsLab lab = new ClsLab()) {
            lab.tc("add pref 5 protocol ip handle 2: u32 divisor 16");
            lab.tc("add pref 5 protocol ip u32 match u8 0 0 link 2:");
            lab.tc("add pref 6 protocol ip u32 match u8 0 0 flowid 1:1");
            String[][] cases = {
                {"add pref 5 u32 match u8 0 0", "Error: Protocol mismatch for filter with specified priority."},
                {"add pref 5 protocol ip handle 800::800 u32 match u8 0 0", "Error: Filter already exists."},
                {
                    "change pref 5 protocol ip handle 800::900 u32 match u8 0 0",
                    "Error: Need both RTM_NEWTFILTER and NLM_F_CREATE to create a new filter."
                },
                {"change protocol ip u32 match u8 0 0", "Error: Invalid filter command with priority of zero."},
                {"add pref 5 protocol ip matchall", "Error: Specified filter kind does not match existing one."},
                {"add pref 9 protocol ip nonsuch", "Error: TC classifier not found."},
                {"add pref 5 protocol ip u32 flowid 1:10", "Error: cls_u32: Selector not specified."},
                {"add pref 5 protocol ip u32 match ip foo 1", "Illegal \"match\""},
                {"add pref 5 protocol ip u32 match u8 0 0 at", "Command line is not complete. Try option \"help\""},
                {"add pref 5 protocol ip u32 match u8 0x100 0xff", "Illegal \"match\""},
                {"add pref 5 protocol ip u32 match u32 1 1 at 2", "Illegal \"match\""},
                {"add pref 5 protocol ip u32 match u8 0 0 flowid zz", "Illegal \"classid\""},
                {"add pref 5 protocol ip u32 match u8 0 0 link 3:", "Error: cls_u32: Link hash table not found."},
                {"add pref 5 protocol ip u32 match u8 0 0 link 800:", "Error: cls_u32: Not linking to root node."},
                {"add pref 5 protocol ip u32 match u8 0 0 ht 9:", "Error: cls_u32: Specified hash table not found."},
                {
                    "add pref 5 protocol ip u32 match u8 0 0 ht 2:70:",
                    "Error: cls_u32: Specified hash table buckets exceed configured value."
                },
                {
                    "add pref 5 protocol ip handle 3::1 u32 match u8 0 0",
                    "Error: cls_u32: Handle specified hash table address mismatch."
                },
                {"replace pref 5 protocol ip handle 2: u32 divisor 16", "Error: cls_u32: Key node id cannot be zero."},
                {"add pref 5 protocol ip handle 3: u32 divisor 15", "Illegal \"divisor\""},
                {"del pref 5 handle 2: u32", "Error: cls_u32: Can not delete in-use filter."},
                {"del pref 5 handle 800: u32", "Error: cls_u32: Not allowed to delete root node."},
                {"del pref 5 handle 800::999 u32", "Error: Specified filter handle not found."},
                {"del pref 7", "Error: Filter with specified priority/protocol not found."},
                {"del protocol ip", "Error: Cannot flush filters with protocol, handle or kind set."},
                {"del chain 3 pref 1", "Error: Cannot find specified filter chain."},
                {"add pref 5 protocol ip handle x u32 match u8 0 0", "Illegal filter ID"},
                {"add pref 5 protocol ip u32 match u8 0 0 skip_sw", "RTNETLINK answers: Operation not supported"},
            };
            String before = lab.show(false);
            for (String[] c : cases) {
                assertThatThrownBy(() -> lab.tc(c[0]))
                        .as(c[0])
                        .isInstanceOf(UserError.class)
                        .hasMessage(c[1]);
            }
            assertThat(lab.show(false)).as("nothing was changed").isEqualTo(before);
        }
    }

    /** A change keeps the keys and gives another end; the last filter takes its preference along. */
    @Test
    void shouldChangeAndDelete() {
        try (ClsLab lab = new ClsLab()) {
            byte[] p = ClsLab.udp(A, B, 1, 2);
            lab.tc("add pref 1 protocol ip u32 match ip src 10.0.0.1 flowid 1:1");
            lab.tc("change pref 1 protocol ip handle 800::800 u32 flowid 1:2");
            assertThat(lab.classify(p)).isEqualTo(0x10002);
            lab.tc("replace pref 1 protocol ip handle 800::800 u32 match ip src 9.9.9.9 flowid 1:3");
            assertThat(lab.classify(p)).as("keys stay").isEqualTo(0x10003);
            assertThat(lab.filters.refersTo(0x10003)).isTrue();
            lab.tc("del pref 1 handle 800::800 u32");
            assertThat(lab.classify(p)).isEqualTo(ClsLab.NOTHING);
            assertThat(lab.filters.isEmpty()).isTrue();
            assertThat(lab.filters.refersTo(0x10003)).isFalse();
        }
    }

    /** What an action says goes: continue asks the next filter, drop ends it. */
    @Test
    void shouldDoActions() {
        try (ClsLab lab = new ClsLab()) {
            byte[] p = ClsLab.udp(A, B, 1, 2);
            lab.tc("add pref 1 protocol ip u32 match u8 0 0 flowid 1:1 action continue");
            lab.tc("add pref 1 protocol ip u32 match ip dport 2 0xffff action drop");
            lab.tc("add pref 2 protocol ip u32 match u8 0 0 flowid 1:2");
            assertThat(lab.classify(p)).isEqualTo(-100 - net.core.dev.TcfBlock.TC_ACT_SHOT);
            assertThat(lab.classify(ClsLab.udp(A, B, 1, 3))).isEqualTo(0x10002);
            assertThat(lab.show(false)).contains("terminal flowid not_in_hw ");
        }
    }
}
