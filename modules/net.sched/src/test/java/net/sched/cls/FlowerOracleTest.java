package net.sched.cls;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Flower against a naive matcher, which knows a packet by what it was made of and never reads its bytes: random filters
 * of random masks, random packets, also tagged, with options, fragments, cut short and not linear.
 */
class FlowerOracleTest {
    /** What a packet was made of. */
    private static final class Pkt {
        long dmac;
        long smac;
        int vid = -1;
        int prio;
        int src;
        int dst;
        int proto;
        int sport;
        int dport;
        int flags;
        int tos;
        int ttl;
        int icmpType;
        int icmpCode;
        /** 0: whole, 1: first fragment, 2: a later one. */
        int frag;

        int ihl = 5;
        boolean arp;
        int op;
        int len;

        int l3() {
            return vid >= 0 ? 18 : 14;
        }

        boolean hasIp() {
            return !arp && len >= l3() + 20;
        }

        /** Header bytes of the transport that are there. */
        int l4() {
            return hasIp() ? len - l3() - ihl * 4 : -1;
        }

        boolean hasPorts() {
            return (proto == 6 || proto == 17) && (frag != 0 ? hasIp() : l4() >= 4);
        }

        boolean hasFlags() {
            return proto == 6 && (frag != 0 ? hasIp() : l4() >= 20);
        }

        boolean hasIcmp() {
            return proto == 1 && (frag != 0 ? hasIp() : l4() >= 8);
        }

        /** A field of the transport header: 0 in fragments. */
        int t(int v) {
            return frag != 0 ? 0 : v;
        }

        byte[] bytes(SplittableRandom random) {
            byte[] l4 = new byte[20];
            if (proto == 1) {
                l4[0] = (byte) icmpType;
                l4[1] = (byte) icmpCode;
            } else {
                ClsLab.put16(l4, 0, sport);
                ClsLab.put16(l4, 2, dport);
                l4[12] = 0x50;
                l4[13] = (byte) flags;
            }
            byte[] f = ClsLab.ipv4(ihl, proto, src, dst, l4);
            f[15] = (byte) tos;
            f[22] = (byte) ttl;
            ClsLab.put16(f, 20, frag == 1 ? 0x2000 : frag == 2 ? 0x0010 : 0);
            if (arp) {
                f = new byte[14 + 28];
                ClsLab.put16(f, 12, 0x0806);
                ClsLab.put32(f, 14, 0x00010800);
                ClsLab.put32(f, 18, 0x06040000 | op);
                mac(f, 22, smac);
                ClsLab.put32(f, 28, src);
                mac(f, 32, dmac);
                ClsLab.put32(f, 38, dst);
            }
            mac(f, 0, dmac);
            mac(f, 6, smac);
            if (vid >= 0) {
                byte[] tagged = new byte[f.length + 4];
                System.arraycopy(f, 0, tagged, 0, 12);
                ClsLab.put16(tagged, 12, 0x8100);
                ClsLab.put16(tagged, 14, prio << 13 | vid);
                System.arraycopy(f, 12, tagged, 16, f.length - 12);
                f = tagged;
            }
            len = random.nextInt(5) == 0 ? random.nextInt(20, f.length + 1) : f.length;
            return Arrays.copyOf(f, len);
        }

        private static void mac(byte[] f, int at, long mac) {
            ClsLab.put16(f, at, (int) (mac >>> 32));
            ClsLab.put32(f, at + 2, (int) mac);
        }
    }

    private static Pkt packet(SplittableRandom r, boolean arp, boolean tagged) {
        Pkt p = new Pkt();
        p.dmac = 0x020000000000L | r.nextInt(3);
        p.smac = 0x020000000000L | r.nextInt(3);
        p.src = 10 << 24 | r.nextInt(3) << 16 | r.nextInt(3);
        p.dst = 10 << 24 | r.nextInt(3) << 16 | r.nextInt(3);
        p.proto = new int[] {6, 17, 1}[r.nextInt(3)];
        p.sport = r.nextInt(4);
        p.dport = 100 + r.nextInt(8);
        p.flags = r.nextInt(64);
        p.tos = r.nextInt(8);
        p.ttl = 60 + r.nextInt(5);
        p.icmpType = r.nextInt(3);
        p.icmpCode = r.nextInt(3);
        p.frag = r.nextInt(6) == 0 ? r.nextInt(1, 3) : 0;
        p.ihl = 5 + r.nextInt(3);
        p.arp = arp;
        p.op = 1 + r.nextInt(2);
        if (tagged) {
            p.vid = r.nextInt(4);
            p.prio = r.nextInt(3);
        }
        return p;
    }

    /** A field of a filter: its word with a value, and what that means. */
    private record Field(String mask, IntFunction<String> words, IntFunction<Predicate<Pkt>> means) {}

    private static int ones(int bits) {
        return bits == 0 ? 0 : -1 << 32 - bits;
    }

    private static String ip(int addr) {
        return IpPrefix.format4(addr);
    }

    private static String mac(long v) {
        return "02:00:00:00:00:0" + v;
    }

    private static List<Field> ethernet(SplittableRandom r) {
        int bits = new int[] {48, 47, 40}[r.nextInt(3)];
        long m = -1L << 48 - bits;
        return List.of(
                new Field(
                        "d" + bits,
                        v -> "dst_mac " + mac(v % 3) + "/" + bits,
                        v -> p -> ((p.dmac ^ 0x020000000000L ^ v % 3) & m & 0xFFFFFFFFFFFFL) == 0),
                new Field("s", v -> "src_mac " + mac(v % 3), v -> p -> p.smac == (0x020000000000L | v % 3)));
    }

    private static List<Field> ip(SplittableRandom r) {
        List<Field> all = new ArrayList<>(ethernet(r));
        int s = new int[] {32, 16, 8, 31}[r.nextInt(4)];
        int d = new int[] {32, 16, 24}[r.nextInt(3)];
        int tos = r.nextInt(1, 8);
        IntFunction<Integer> addr = v -> 10 << 24 | v % 3 << 16 | v / 3 % 3;
        all.add(new Field(
                "S" + s,
                v -> "src_ip " + ip(addr.apply(v)) + "/" + s,
                v -> p -> p.hasIp() && ((p.src ^ addr.apply(v)) & ones(s)) == 0));
        all.add(new Field(
                "D" + d,
                v -> "dst_ip " + ip(addr.apply(v)) + "/" + d,
                v -> p -> p.hasIp() && ((p.dst ^ addr.apply(v)) & ones(d)) == 0));
        all.add(new Field(
                "t" + tos, v -> "ip_tos " + v % 8 + "/" + tos, v -> p -> p.hasIp() && ((p.tos ^ v) & tos & 7) == 0));
        all.add(new Field("T", v -> "ip_ttl " + (60 + v % 5), v -> p -> p.hasIp() && p.ttl == 60 + v % 5));
        all.add(new Field(
                "f",
                v -> "ip_flags " + (v % 2 == 0 ? "frag" : "nofrag"),
                v -> p -> (p.hasIp() && p.frag != 0) == (v % 2 == 0)));
        switch (r.nextInt(4)) {
            case 0 ->
                all.add(new Field(
                        "p",
                        v -> "ip_proto " + (v % 2 == 0 ? "tcp" : "udp") + " src_port " + v % 4,
                        v -> p -> p.proto == (v % 2 == 0 ? 6 : 17) && p.hasPorts() && p.t(p.sport) == v % 4));
            case 1 ->
                all.add(new Field(
                        "r",
                        v -> "ip_proto udp dst_port " + (100 + v % 5) + "-" + (102 + v % 5),
                        v -> p -> p.proto == 17
                                && p.hasPorts()
                                && p.t(p.dport) >= 100 + v % 5
                                && p.t(p.dport) <= 102 + v % 5));
            case 2 -> {
                int m = r.nextInt(1, 64);
                all.add(new Field(
                        "F" + m,
                        v -> "ip_proto tcp tcp_flags 0x" + Integer.toHexString(v % 64) + "/0x" + Integer.toHexString(m),
                        v -> p -> p.hasFlags() && ((p.t(p.flags) ^ v) & m & 63) == 0));
            }
            default ->
                all.add(new Field(
                        "i",
                        v -> "ip_proto icmp type " + v % 3 + " code " + v / 3 % 3,
                        v -> p -> p.hasIcmp() && p.t(p.icmpType) == v % 3 && p.t(p.icmpCode) == v / 3 % 3));
        }
        return all;
    }

    private static List<Field> arp(SplittableRandom r) {
        List<Field> all = new ArrayList<>(ethernet(r));
        IntFunction<Integer> addr = v -> 10 << 24 | v % 3 << 16 | v / 3 % 3;
        all.add(new Field("S", v -> "arp_sip " + ip(addr.apply(v)), v -> p -> p.len >= 42 && p.src == addr.apply(v)));
        all.add(new Field(
                "D",
                v -> "arp_tip " + ip(addr.apply(v)) + "/16",
                v -> p -> p.len >= 42 && ((p.dst ^ addr.apply(v)) & ones(16)) == 0));
        all.add(new Field(
                "o", v -> "arp_op " + (v % 2 == 0 ? "request" : "reply"), v -> p -> p.len >= 42 && p.op == 1 + v % 2));
        all.add(new Field(
                "h", v -> "arp_sha " + mac(v % 3), v -> p -> p.len >= 42 && p.smac == (0x020000000000L | v % 3)));
        return all;
    }

    private static List<Field> tagged(SplittableRandom r) {
        List<Field> all = new ArrayList<>();
        all.add(new Field("v", v -> "vlan_id " + v % 4, v -> p -> p.vid == v % 4));
        all.add(new Field("w", v -> "vlan_prio " + v % 3, v -> p -> p.prio == v % 3));
        for (Field f : ip(r)) {
            all.add(new Field("4" + f.mask, v -> "vlan_ethtype ipv4 " + f.words.apply(v), f.means));
        }
        return all;
    }

    private record Made(int classid, int order, Predicate<Pkt> means) {}

    @ParameterizedTest
    @ValueSource(strings = {"ip 1", "ip 2", "ip 3", "ip 4", "ip 5", "ip 6", "arp 7", "arp 8", "802.1Q 9", "802.1Q 10"})
    void shouldAgreeWithNaiveMatcher(String protocolAndSeed) {
        String protocol = protocolAndSeed.split(" ")[0];
        long seed = Long.parseLong(protocolAndSeed.split(" ")[1]);
        SplittableRandom random = new SplittableRandom(seed);
        int matched = 0;
        try (ClsLab lab = new ClsLab()) {
            List<Made> all = new ArrayList<>();
            List<String> masks = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                List<Field> of = switch (protocol) {
                    case "ip" -> ip(random);
                    case "arp" -> arp(random);
                    default -> tagged(random);
                };
                List<Field> chosen = new ArrayList<>(of);
                while (chosen.size() > 1 + i % 3) {
                    chosen.remove(random.nextInt(chosen.size()));
                }
                StringBuilder mask = new StringBuilder();
                chosen.forEach(f -> mask.append(f.mask));
                if (!masks.contains(mask.toString())) {
                    masks.add(mask.toString());
                }
                int order = masks.indexOf(mask.toString());
                for (int k = 0; k < 3; k++) {
                    StringBuilder words = new StringBuilder("add pref 1 protocol " + protocol + " flower");
                    Predicate<Pkt> means = p -> true;
                    for (Field f : chosen) {
                        int v = random.nextInt(10000);
                        words.append(' ').append(f.words.apply(v));
                        means = means.and(f.means.apply(v));
                    }
                    int id = 0x10000 | all.size() + 1;
                    try {
                        lab.tc(words + " classid 1:" + Integer.toHexString(id & 0xffff));
                        all.add(new Made(id, order, means));
                    } catch (net.core.UserError e) {
                        assertThat(e).as("%s", words).hasMessage("RTNETLINK answers: File exists");
                    }
                }
            }
            for (int i = 0; i < 4000; i++) {
                Pkt p = packet(random, protocol.equals("arp"), protocol.equals("802.1Q"));
                byte[] frame = p.bytes(random);
                int expected = ClsLab.NOTHING;
                int best = Integer.MAX_VALUE;
                for (Made m : all) {
                    if (m.order < best && m.means.test(p)) {
                        best = m.order;
                        expected = m.classid;
                    }
                }
                int got = lab.classify(frame, random.nextInt(frame.length + 1), random.nextBoolean(), s -> {});
                assertThat(got)
                        .as(() -> "seed " + seed + ", packet " + Arrays.toString(frame) + "\n" + lab.show(false))
                        .isEqualTo(expected);
                matched += got == ClsLab.NOTHING ? 0 : 1;
            }
            // Half of them go, in any order: the others stay.
            for (int i = 0; i < all.size(); i++) {
                if (random.nextBoolean()) {
                    lab.tc("del pref 1 handle " + (i + 1) + " flower");
                    all.set(i, new Made(0, 0, p -> false));
                }
            }
            for (int i = 0; i < 1000; i++) {
                Pkt p = packet(random, protocol.equals("arp"), protocol.equals("802.1Q"));
                byte[] frame = p.bytes(random);
                boolean any = all.stream().anyMatch(m -> m.means.test(p));
                int got = lab.classify(frame);
                assertThat(got != ClsLab.NOTHING).as("seed %d", seed).isEqualTo(any);
                assertThat(all.stream().anyMatch(m -> m.classid == got) || !any).isTrue();
            }
        }
        assertThat(matched).as("packets that matched").isBetween(400, 4000);
    }
}
