package net.sched.act;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Objects;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.EthHdr;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.skbuff.SkBuff;
import net.skbuff.SkbSharedInfo;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code pedit}, {@code csum} and {@code skbedit} on packets of known bytes. */
@Timeout(60)
class EditTest {
    private static final int ETH = 14;

    /** A frame: Ethernet, IPv4 of 20 bytes, TCP or UDP with good checksums, payload 1, 2, 3 .... */
    private static byte[] packet(boolean tcp, int payload) {
        int hdr = tcp ? 20 : 8;
        ByteBuffer b = ByteBuffer.allocate(ETH + 20 + hdr + payload);
        b.put(HexFormat.of().parseHex("0200000000010200000000020800"));
        b.put((byte) 0x45)
                .put((byte) 0xB8)
                .putShort((short) (20 + hdr + payload))
                .putShort((short) 7);
        b.putShort((short) 0x4000).put((byte) 64).put((byte) (tcp ? 6 : 17)).putShort((short) 0);
        b.putInt(0x0A000001).putInt(0x0A000002);
        b.putShort((short) 1234).putShort((short) 80);
        if (tcp) {
            b.putInt(1)
                    .putInt(2)
                    .put((byte) 0x50)
                    .put((byte) 0x18)
                    .putShort((short) 500)
                    .putInt(0);
        } else {
            b.putShort((short) (8 + payload)).putShort((short) 0);
        }
        for (int i = 0; i < payload; i++) {
            b.put((byte) (i + 1));
        }
        byte[] p = b.array();
        put16(p, ETH + 10, sum(p, ETH, 20, 0));
        put16(p, ETH + 20 + (tcp ? 16 : 6), transportSum(p));
        return p;
    }

    private static void put16(byte[] p, int at, int v) {
        p[at] = (byte) (v >> 8);
        p[at + 1] = (byte) v;
    }

    private static int u16(byte[] p, int at) {
        return (p[at] & 0xFF) << 8 | p[at + 1] & 0xFF;
    }

    /** RFC 1071, word by word. */
    private static int sum(byte[] p, int from, int len, long start) {
        long s = start;
        for (int i = 0; i < len; i += 2) {
            s += (p[from + i] & 0xFF) << 8 | (i + 1 < len ? p[from + i + 1] & 0xFF : 0);
        }
        while (s >> 16 != 0) {
            s = (s & 0xFFFF) + (s >> 16);
        }
        return (int) ~s & 0xFFFF;
    }

    private static int transportSum(byte[] p) {
        int len = p.length - ETH - 20;
        long pseudo =
                u16(p, ETH + 12) + u16(p, ETH + 14) + u16(p, ETH + 16) + u16(p, ETH + 18) + (p[ETH + 9] & 0xFF) + len;
        return sum(p, ETH + 20, len, pseudo);
    }

    /** What a list makes of a packet at the way out, its data shared with a clone that must not see it. */
    private static byte[] edit(ActionLab lab, TcfExts exts, byte[] p, int split) {
        byte[] out = new byte[p.length];
        lab.inCpu(cpu -> {
            SkBuff skb = skb(cpu, lab, p, split);
            SkBuff other = Objects.requireNonNull(skb.clone(cpu));
            assertThat(exts.exec(cpu, skb)).isNotEqualTo(TcfBlock.TC_ACT_SHOT);
            copy(skb, out);
            byte[] untouched = new byte[p.length];
            copy(other, untouched);
            assertThat(untouched).isEqualTo(p);
            skb.consume(cpu);
            other.consume(cpu);
        });
        return out;
    }

    private static void copy(SkBuff skb, byte[] to) {
        long buf = UnsafeApi.allocateMemory(to.length);
        try {
            assertThat(skb.copyBits(0, buf, to.length)).isZero();
            for (int i = 0; i < to.length; i++) {
                to[i] = UnsafeApi.getByte(buf + i);
            }
        } finally {
            UnsafeApi.freeMemory(buf);
        }
    }

    /** The first {@code split} bytes linear, the rest in a fragment. */
    private static SkBuff skb(Cpu cpu, ActionLab lab, byte[] p, int split) {
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(p.length + 64));
        skb.reserve(64);
        skb.put(split);
        for (int i = 0; i < split; i++) {
            UnsafeApi.putByte(skb.dataAddress() + i, p[i]);
        }
        if (split < p.length) {
            SkBuff rest = Objects.requireNonNull(cpu.allocSkb(p.length));
            rest.put(p.length - split);
            for (int i = split; i < p.length; i++) {
                UnsafeApi.putByte(rest.dataAddress() + i - split, p[i]);
            }
            skb.shinfo().fragList = rest;
            skb.len += rest.len;
            skb.dataLen += rest.len;
            skb.truesize += rest.truesize;
        }
        skb.dev = lab.net.devices.loopback();
        skb.protocol = EthHdr.ETH_P_IP;
        skb.resetMacHeader();
        skb.setNetworkHeader(ETH);
        skb.setTransportHeader(ETH + 20);
        skb.cb0 = p.length;
        return skb;
    }

    /** pedit alone breaks the sums, as in Linux; csum behind it mends them, whole packets or in pieces, odd or even. */
    @ParameterizedTest
    @CsvSource({
        "pedit ex munge ip dst set 192.168.1.77 pipe, csum ip and tcp and udp",
        "pedit ex munge ip src set 1.2.3.4 munge tcp dport set 8080 munge udp dport set 53 pipe, csum ip4h tcp udp",
        "pedit munge ip src set 172.16.0.1 munge ip dport set 443 pipe, csum iph tcp udp",
        "pedit ex munge ip ttl decrement pipe, csum ip4h",
        "pedit ex munge ip tos set 0x20 retain 0xfc pipe, csum ip4h",
        "pedit munge offset 12 u32 set 0x01020304 pipe, csum iph + tcp + udp",
    })
    void shouldLeaveValidPacketsWithCsum(String pedit, String csum) {
        try (ActionLab lab = new ActionLab()) {
            for (boolean tcp : new boolean[] {true, false}) {
                for (int payload : new int[] {0, 1, 100, 1399}) {
                    byte[] p = packet(tcp, payload);
                    byte[] broken = edit(lab, lab.exts(pedit), p, p.length);
                    assertThat(broken).isNotEqualTo(p);
                    assertThat(sum(broken, ETH, 20, 0) == 0 && transportSum(broken) == 0)
                            .isFalse();
                    for (int split : new int[] {p.length, ETH, ETH + 22}) {
                        byte[] good = edit(lab, lab.exts(pedit + " action " + csum), p, split);
                        assertThat(sum(good, ETH, 20, 0)).isZero();
                        assertThat(transportSum(good)).isZero();
                    }
                }
            }
        }
    }

    /** Behind a tag in the bytes, as behind the inner one of two: sums as without. */
    @Test
    void shouldSumBehindATag() {
        try (ActionLab lab = new ActionLab()) {
            byte[] p = packet(true, 33);
            byte[] tagged = new byte[p.length + 4];
            System.arraycopy(p, 0, tagged, 0, 12);
            System.arraycopy(HexFormat.of().parseHex("81000007"), 0, tagged, 12, 4);
            System.arraycopy(p, 12, tagged, 16, p.length - 12);
            put16(tagged, ETH + 4 + 10, 0xBAD);
            put16(tagged, ETH + 4 + 20 + 16, 0xBAD);
            TcfExts exts = lab.exts("csum ip and tcp");
            byte[] out = new byte[tagged.length];
            lab.inCpu(cpu -> {
                SkBuff skb = skb(cpu, lab, tagged, ETH + 2);
                skb.protocol = EthHdr.ETH_P_8021Q;
                assertThat(exts.exec(cpu, skb)).isEqualTo(TcfBlock.TC_ACT_OK);
                assertThat(skb.networkOffset()).isEqualTo(ETH);
                assertThat(skb.len).isEqualTo(tagged.length);
                copy(skb, out);
                skb.consume(cpu);
            });
            byte[] plain = new byte[p.length];
            System.arraycopy(out, 0, plain, 0, 12);
            System.arraycopy(out, 16, plain, 12, p.length - 12);
            assertThat(plain).isEqualTo(p);
        }
    }

    /** Numbers that come round to the packet, or to its front, when added up in 32 bits: they lie outside. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "pedit munge offset 0x7ffffffc u32 set 1",
                "pedit munge offset -0x80000000 u32 set 1",
                "pedit munge offset 0 u32 at 0x7fffffff ff 0 set 1",
                "pedit munge offset 0 u32 at 0x7ffffff1 ff 0 set 1",
                "pedit munge offset 0 u32 at 0x80000000 ff 0 set 1",
                "pedit munge offset 0x7ffffffc u32 at 1 fc 0 set 1",
                "pedit munge offset 0x7fffffec u32 set 1",
            })
    void shouldNotMungeFarOutside(String words) {
        try (ActionLab lab = new ActionLab()) {
            byte[] p = packet(true, 20);
            TcfExts exts = lab.exts(words);
            assertThat(edit(lab, exts, p, p.length)).isEqualTo(p);
            assertThat(ActionLab.text(exts, true)).contains("overlimits 1 ");
        }
    }

    /** Each command, on bytes that it must and must not touch. */
    @ParameterizedTest
    @CsvSource({
        "pedit munge ip ttl set 9, 22, 09",
        "pedit munge ip tos clear, 15, 00",
        "pedit munge ip tos invert, 15, 47",
        "pedit munge ip tos preserve, 15, b8",
        "pedit munge ip tos set 0xff retain 0x03, 15, bb",
        "pedit ex munge ip ttl add 3, 22, 43",
        "pedit ex munge ip ttl decrement, 22, 3f",
        "pedit ex munge tcp sport set 0xabcd, 34, abcd",
        "pedit ex munge tcp dport add 0xff, 36, 014f",
        "pedit ex munge tcp flags set 0x10, 47, 10",
        "pedit ex munge eth dst set 0a:0b:0c:0d:0e:0f, 0, 0a0b0c0d0e0f",
        "pedit ex munge eth src set 0a:0b:0c:0d:0e:0f, 6, 0a0b0c0d0e0f",
        "pedit ex munge eth type set 0x86dd, 12, 86dd",
        "pedit munge offset 16 u32 set 0x01020304 retain 0xffff, 30, 0a000304",
        "pedit munge offset 5 u8 set 0xaa, 18, 00aa",
        "pedit munge offset 2 u16 set 0xbeef, 14, 45b8beef",
        "pedit munge offset -14 u8 set 0, 0, 00",
        "pedit munge offset 0 u8 at 0 offmask 0f shift 0 set 0x77, 14, 45b8",
        "pedit munge offset 4 u8 at 3 0x0c 0 set 0x77, 30, 77",
    })
    void shouldMungeTheNamedBytes(String words, int at, String hex) {
        try (ActionLab lab = new ActionLab()) {
            byte[] p = packet(true, 20);
            byte[] out = edit(lab, lab.exts(words), p, p.length);
            byte[] want = HexFormat.of().parseHex(hex);
            assertThat(java.util.Arrays.copyOfRange(out, at, at + want.length)).isEqualTo(want);
            int changed = 0;
            for (int i = 0; i < p.length; i++) {
                changed += out[i] == p[i] ? 0 : 1;
            }
            assertThat(changed).isLessThanOrEqualTo(Math.max(want.length, 1));
        }
    }

    /** A key for a header that is not there, or past the end, is counted; the packet goes on. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "pedit ex munge udp dport set 5 pipe",
                "pedit munge offset 4000 u8 set 1 pipe",
                "pedit munge offset -400 u32 set 1 pipe",
            })
    void shouldCountKeysThatDoNotFit(String words) {
        try (ActionLab lab = new ActionLab()) {
            TcfExts exts = lab.exts(words);
            byte[] p = packet(true, 20);
            assertThat(edit(lab, exts, p, p.length)).isEqualTo(p);
            assertThat(exts.get(0).overlimits()).isOne();
        }
    }

    /** What the device or GSO will sum stays theirs: only the pseudo header is new. */
    @Test
    void shouldKeepPartialSumsPartial() {
        try (ActionLab lab = new ActionLab()) {
            TcfExts exts = lab.exts("pedit ex munge ip dst set 9.8.7.6 pipe action csum ip4h tcp pipe");
            byte[] p = packet(true, 100);
            lab.inCpu(cpu -> {
                SkBuff skb = skb(cpu, lab, p, p.length);
                skb.ipSummed = SkBuff.CHECKSUM_PARTIAL;
                skb.csumStart = skb.transportHeader;
                skb.csumOffset = 16;
                exts.exec(cpu, skb);
                assertThat(skb.ipSummed).isEqualTo(SkBuff.CHECKSUM_PARTIAL);
                byte[] out = new byte[p.length];
                copy(skb, out);
                // As a card does: the sum from csumStart on, with the pseudo header's in the field.
                put16(out, ETH + 36, sum(out, ETH + 20, 120, 0));
                assertThat(transportSum(out)).isZero();
                skb.consume(cpu);
            });
        }
    }

    /** A packet that is no GSO packet may still name a kind of one: its sum is summed in full. */
    @Test
    void shouldSumWhatOnlyLooksLikeGso() {
        try (ActionLab lab = new ActionLab()) {
            TcfExts exts = lab.exts("csum tcp pipe");
            byte[] p = packet(true, 0);
            put16(p, ETH + 20 + 16, 0);
            lab.inCpu(cpu -> {
                SkBuff skb = skb(cpu, lab, p, p.length);
                skb.shinfo().gsoType = SkbSharedInfo.SKB_GSO_TCPV4;
                exts.exec(cpu, skb);
                byte[] out = new byte[p.length];
                copy(skb, out);
                assertThat(transportSum(out)).isZero();
                skb.consume(cpu);
            });
        }
    }

    @Test
    void shouldNotSumWhatIsTooShort() {
        try (ActionLab lab = new ActionLab()) {
            TcfExts exts = lab.exts("csum tcp pipe");
            byte[] p = packet(true, 0);
            put16(p, ETH + 2, 900);
            lab.inCpu(cpu -> {
                SkBuff skb = skb(cpu, lab, p, p.length);
                assertThat(exts.exec(cpu, skb)).isEqualTo(TcfBlock.TC_ACT_SHOT);
                skb.consume(cpu);
            });
            assertThat(exts.get(0).drops()).isOne();
        }
    }

    @Test
    void shouldSetWhatGoesWithThePacket() {
        try (ActionLab lab = new ActionLab()) {
            TcfExts exts = lab.exts("skbedit priority 1:10 mark 0x0f/0xff ptype multicast inheritdsfield");
            TcfExts plain = lab.exts("skbedit priority 1:10 mark 7");
            byte[] p = packet(true, 0);
            lab.inCpu(cpu -> {
                SkBuff skb = skb(cpu, lab, p, p.length);
                skb.mark = 0xABCD;
                exts.exec(cpu, skb);
                assertThat(skb.mark).isEqualTo(0xAB0F);
                assertThat(skb.pktType).isEqualTo(SkBuff.PACKET_MULTICAST);
                assertThat(skb.priority).isEqualTo(0xB8 >> 2);
                plain.exec(cpu, skb);
                assertThat(skb.mark).isEqualTo(7);
                assertThat(skb.priority).isEqualTo(0x10010);
                skb.consume(cpu);
            });
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "pedit munge tcp dport set 5",
                "pedit munge ip ttl decrement",
                "pedit ex munge ip colour set 5",
                "pedit ex munge ip tos decrement",
                "pedit munge offset 3 u16 set 5",
                "pedit munge offset 2 u32 set 5",
                "pedit munge ip ttl set 256",
                "pedit munge ip dst set host",
                "pedit munge ip ttl",
                "pedit pass",
                "csum",
                "csum pass",
                "skbedit",
                "skbedit mark x",
                "skbedit ptype odd",
            })
    void shouldRefuseInOneLine(String words) {
        try (ActionLab lab = new ActionLab()) {
            assertThatThrownBy(() -> lab.exts(words))
                    .isInstanceOf(UserError.class)
                    .hasMessageNotContaining("\n");
        }
    }

    @Test
    void shouldPrintAsTc() {
        try (ActionLab lab = new ActionLab()) {
            TcfExts exts = lab.exts("pedit ex munge ip dst set 10.1.2.3 munge tcp dport add 1 pipe "
                    + "action csum ip4h and tcp pipe action skbedit queue_mapping 2 priority 1:1 mark 5/0xff ptype host "
                    + "action pedit munge ip ttl set 9");
            assertThat(ActionLab.text(exts, false)).isEqualTo("""

                            \taction order 1:  pedit action pipe keys 2
                             \t index 1 ref 1 bind 1
                            \t key #0  at ipv4+16: val 0a010203 mask 00000000
                            \t key #1  at tcp+0: add 00000001 mask ffff0000

                            \taction order 2: csum (iph, tcp) action pipe
                            \tindex 1 ref 1 bind 1

                            \taction order 3: skbedit queue_mapping 2 priority 1:1 mark 5/0xff ptype host pipe
                            \t index 1 ref 1 bind 1

                            \taction order 4:  pedit action pass keys 1
                             \t index 2 ref 1 bind 1
                            \t key #0  at 8: val 09000000 mask 00ffffff
                            """);
            TcPrint json = new TcPrint(true);
            lab.exts("pedit index 2").dump(json.open(""), false);
            assertThat(json.close().toString())
                    .contains(
                            "\"nkeys\":1,\"index\":2,\"ref\":2,\"bind\":2,\"keys\":[{\"htype\":\"network\",\"offset\":8,"
                                    + "\"cmd\":\"set\",\"val\":\"9000000\",\"mask\":\"ffffff\"}]");
        }
    }
}
