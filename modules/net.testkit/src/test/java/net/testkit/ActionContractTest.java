package net.testkit;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** All kinds of actions keep the contract, with several settings. */
@Timeout(120)
class ActionContractTest {
    private static final long SEED = 20261;

    static Stream<String> all() {
        return Stream.of(
                "pass",
                "drop random netrand pass 3",
                "police rate 1mbit burst 10k conform-exceed drop/pipe",
                "police pkts_rate 100 pkts_burst 5 mtu 600 pipe",
                "police rate 1mbit burst 10k peakrate 2mbit mtu 1500 reclassify",
                "police avrate 1mbit drop",
                "mirred egress redirect dev c1",
                "mirred egress mirror dev c1",
                "mirred ingress redirect dev c1",
                "mirred ingress mirror dev c1 drop",
                "skbedit priority 1:1 mark 1/0xff inheritdsfield",
                "pedit ex munge ip dst set 1.2.3.4 munge tcp dport add 1 munge udp sport set 9 pipe "
                        + "action csum ip4h and tcp and udp pipe",
                "pedit munge offset 8 u8 at 0 0f 2 set 1 munge offset -14 u16 set 5 munge offset 100 u32 invert",
                "pedit ex munge eth src set 02:02:02:02:02:02 munge ip ttl decrement",
                "csum ip4h and tcp and udp and icmp and igmp and udplite",
                "vlan push id 5 priority 3",
                "vlan push id 5 action vlan push protocol 802.1ad id 6 action vlan pop",
                "vlan pop",
                "vlan modify id 7",
                "vlan pop action mirred egress redirect dev c1");
    }

    @ParameterizedTest
    @MethodSource("all")
    void shouldKeepTheContract(String words) {
        ActionContract.verify(words, SEED);
    }

    @ParameterizedTest
    @MethodSource("all")
    void shouldNotAllocate(String words) {
        ActionContract.verifyAllocation(words);
    }

    /** The contract names what it tried. */
    @Test
    void shouldSayWhatFailed() {
        assertThatThrownBy(() -> ActionContract.verify("gact nonsense", SEED))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("gact nonsense")
                .hasMessageContaining("parse");
    }
}
