package net.testkit;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.QdiscSkbCb;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.sched.cls.TcfProto;
import net.sched.cls.TcfProtoOps;
import net.skbuff.SkBuff;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** All classifiers keep the contract, and the contract notices one that does not. */
class FilterContractTest {
    static Stream<Arguments> kinds() {
        return Stream.of(
                        new String[] {"pref 1 matchall classid 1:1"},
                        new String[] {
                            "pref 1 protocol ip handle 800::800 u32 match ip src 10.0.0.1 match ip dport 2 0xffff flowid 1:1",
                            "pref 1 protocol ip handle 800::801 u32 match u8 2 0xff at 40 flowid 1:2",
                            "pref 1 protocol ip handle 800::802 u32 match u16 1 1 at -2 match mark 1 1 flowid 1:3",
                        },
                        new String[] {
                            "pref 1 protocol ip handle 1: u32 divisor 4",
                            "pref 1 protocol ip handle 1:1:1 u32 ht 1:1: match u32 0 0 at nexthdr+0 flowid 1:1",
                            "pref 1 protocol ip handle 1:2:1 u32 ht 1:2: match udp dst 1 0xffff flowid 1:2",
                            "pref 1 protocol ip handle 800::1 u32 match u8 0 0 offset at 0 mask 0f00 shift 6"
                                    + " hashkey mask 3 at 12 link 1: flowid 1:3",
                        },
                        new String[] {
                            "pref 1 protocol ip handle 1 flower src_ip 10.0.0.1 classid 1:1",
                            "pref 1 protocol ip handle 2 flower ip_proto udp dst_port 257-1000 classid 1:2",
                            "pref 1 protocol ip handle 3 flower ip_proto tcp src_port 258 tcp_flags 1/1 classid 1:3",
                            "pref 1 protocol ip handle 4 flower ip_flags frag classid 1:4",
                        },
                        new String[] {
                            "pref 1 protocol 802.1Q handle 1 flower vlan_id 1 vlan_ethtype ip dst_ip 10.0.0.0/30 classid 1:1"
                        },
                        new String[] {"pref 1 handle 1 flower dst_mac 00:00:00:00:00:00/fc:fc:fc:fc:fc:fc classid 1:1"},
                        new String[] {"pref 1 handle 1/3 fw classid 1:1", "pref 1 handle 2/3 fw classid 1:2"},
                        new String[] {
                            "pref 1 handle 1 basic match cmp(u8 at 9 eq 17) and not meta(nf_mark eq 2) classid 1:1",
                            "pref 1 handle 2 basic match nbyte(\"\\x01\\x02\" at 20 layer 1) or u32(u8 1 0xff at 30) classid 1:2",
                        },
                        new String[] {"pref 1 handle 1 flow hash keys src,dst,proto,proto-src,proto-dst,mark divisor 16"
                        },
                        new String[] {"pref 1 protocol ip handle 1 flow map key dst and 0x3 baseclass 1:1"})
                .map(lines -> Arguments.of((Object) lines));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void shouldKeepTheContract(String[] lines) {
        for (long seed = 1; seed <= 3; seed++) {
            FilterContract.verify(seed, lines);
        }
        FilterContract.verifyAllocation(lines);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void shouldChangeWhileACpuLooks(String[] lines) {
        FilterContract.verifyChanges(1, lines);
    }

    /** Route needs a packet with a destination; here it must only not mind that there is none. */
    @Test
    void shouldNoticePacketsThatNeverMatch() {
        assertThatThrownBy(() -> FilterContract.verify(1, "pref 1 route to 3 classid 1:1"))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("no packet matched");
    }

    /** What a bad classifier does, by its mode. */
    private static final class Bad extends TcfProto {
        private final String mode;
        private int handle;
        private int turn;

        Bad(String mode, int prio, int protocol, int chain) {
            super("bad", prio, protocol, chain);
            this.mode = mode;
        }

        @Override
        public int classify(Cpu cpu, SkBuff skb) {
            switch (mode) {
                case "mark" -> skb.mark++;
                case "pull" -> skb.mayPull(cpu, Math.min(skb.len, skb.headlen() + 1));
                case "moody" -> QdiscSkbCb.setTcClassid(skb, turn++);
                case "shot" -> {
                    return TcfBlock.TC_ACT_SHOT;
                }
                case "throw" -> throw new IllegalStateException("cut short");
                default -> {
                    // Sound so far.
                }
            }
            return handle == 0 && !mode.equals("immortal") ? TcfBlock.TC_ACT_UNSPEC : TcfBlock.TC_ACT_OK;
        }

        @Override
        public int change(int h, java.util.List<String> args) {
            if (args.contains("nosuchword") && !mode.equals("anyword")) {
                throw new net.core.UserError("What is \"nosuchword\"?");
            }
            handle = 1;
            return handle;
        }

        @Override
        public boolean delete(int h) {
            handle = 0;
            return h == 1;
        }

        @Override
        public int[] handles() {
            return handle == 0 ? new int[0] : new int[] {handle};
        }

        @Override
        public void dump(int h, TcPrint p, boolean stats) {}
    }

    /** The contract sees what each of these does wrong. */
    @ParameterizedTest
    @org.junit.jupiter.params.provider.CsvSource({
        "mark, geometry or marks",
        "pull, geometry or marks",
        "moody, second look",
        "shot, answers 2",
        "throw, cut short",
        "anyword, takes any word",
        "none, takes no action",
    })
    void shouldNoticeBadOnes(String mode, String complaint) {
        TcfProtoOps ops = new TcfProtoOps() {
            @Override
            public String id() {
                return "bad";
            }

            @Override
            public TcfProto create(int prio, int protocol, int chain) {
                return new Bad(mode, prio, protocol, chain);
            }
        };
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            assertThatThrownBy(() -> FilterContract.verify(kernel, 1, ops, "pref 1 bad"))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining(complaint);
        }
    }
}
