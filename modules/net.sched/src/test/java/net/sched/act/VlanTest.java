package net.sched.act;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import net.core.UserError;
import net.core.dev.Dev;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code vlan} and the tags in packets. */
@Timeout(60)
class VlanTest {
    private static final String ADDRS = "020000000001" + "020000000002";

    private static String head(SkBuff skb, int n) {
        byte[] b = new byte[n];
        for (int i = 0; i < n; i++) {
            b[i] = UnsafeApi.getByte(skb.dataAddress() + i);
        }
        return HexFormat.of().formatHex(b);
    }

    private static NetDevice recorder(ActionLab lab, String name, List<String> out, int n) {
        return lab.device(name, (cpu, skb, d, txq, more) -> {
            out.add(head(skb, n));
            skb.consume(cpu);
            return NetDeviceOps.NETDEV_TX_OK;
        });
    }

    private static void put(SkBuff skb, String hex) {
        byte[] b = HexFormat.of().parseHex(hex);
        for (int i = 0; i < b.length; i++) {
            UnsafeApi.putByte(skb.dataAddress() + i, b[i]);
        }
    }

    private static void send(ActionLab lab, NetDevice dev, String header) {
        lab.inCpu(cpu -> {
            SkBuff skb = ActionLab.frame(cpu, dev, 64);
            put(skb, header);
            skb.protocol = Integer.parseInt(header.substring(24, 28), 16);
            Dev.devQueueXmit(cpu, skb);
        });
    }

    private static void receive(ActionLab lab, NetDevice dev, String header) {
        lab.inCpu(cpu -> {
            SkBuff skb = ActionLab.frame(cpu, dev, 64);
            put(skb, header);
            skb.protocol = EthHdr.ethTypeTrans(skb, dev);
            Dev.netifReceiveSkb(cpu, skb);
        });
    }

    /** A tag, and a tag over a tag, stand in the bytes when the device gets the packet. */
    @Test
    void shouldPushWhatGoesOut() {
        try (ActionLab lab = new ActionLab()) {
            List<String> out = new ArrayList<>();
            NetDevice dev = recorder(lab, "eth0", out, 22);
            lab.filter(dev, ActionLab.OUT, "action vlan push id 5 priority 3");
            send(lab, dev, ADDRS + "0800" + "45b80001");
            assertThat(out).containsExactly(ADDRS + "8100" + "6005" + "0800" + "45b80001");
            out.clear();
            NetDevice two = recorder(lab, "eth1", out, 26);
            lab.filter(two, ActionLab.OUT, "action vlan push id 5 action vlan push protocol 802.1ad id 0xfff");
            send(lab, two, ADDRS + "0800" + "45b80001");
            assertThat(out).containsExactly(ADDRS + "88a8" + "0fff" + "8100" + "0005" + "0800" + "45b80001");
        }
    }

    /** A tagged frame is untagged on its way in: filters see what it carries, the protocols get it if it is theirs. */
    @Test
    void shouldTakeTagsOffWhatComesIn() {
        try (ActionLab lab = new ActionLab()) {
            List<String> seen = new ArrayList<>();
            NetDevice dev = recorder(lab, "eth0", new ArrayList<>(), 14);
            dev.rxHandler = (cpu, skb) -> {
                seen.add(Integer.toHexString(skb.protocol) + " " + skb.vlanPresent + " " + (skb.vlanTci & 0xFFF) + " "
                        + head(skb, 4));
                skb.consume(cpu);
                return NetDevice.RxHandler.RX_HANDLER_CONSUMED;
            };
            receive(lab, dev, ADDRS + "8100" + "6005" + "0800" + "45b80001");
            assertThat(seen).containsExactly("800 true 5 45b80001");
            seen.clear();
            lab.filter(dev, ActionLab.IN, "action vlan pop");
            receive(lab, dev, ADDRS + "8100" + "6005" + "0800" + "45b80001");
            receive(lab, dev, ADDRS + "88a8" + "0006" + "8100" + "0005" + "0800" + "45b80001");
            assertThat(seen).containsExactly("800 false 0 45b80001", "800 true 5 45b80001");
        }
    }

    /** With a tag for another VLAN it is not for this host. */
    @Test
    void shouldNotDeliverOtherVlans() {
        try (ActionLab lab = new ActionLab()) {
            NetDevice dev = recorder(lab, "eth0", new ArrayList<>(), 14);
            int[] types = new int[2];
            Dev.addPack(lab.kernel, new net.core.dev.PacketType(0x88B5) {
                @Override
                public int func(net.core.Cpu cpu, SkBuff skb, NetDevice d, NetDevice orig) {
                    types[skb.pktType == SkBuff.PACKET_OTHERHOST ? 1 : 0]++;
                    assertThat(skb.vlanPresent).isFalse();
                    skb.consume(cpu);
                    return 0;
                }
            });
            String addrs = EthHdr.format(dev.devAddr).replace(":", "") + "020000000002";
            receive(lab, dev, addrs + "8100" + "2000" + "88b5");
            receive(lab, dev, addrs + "8100" + "2001" + "88b5");
            assertThat(types).containsExactly(1, 1);
        }
    }

    /** From one device to another, in and out, the tag changed: none is left behind in a field. */
    @Test
    void shouldModifyAndForward() {
        try (ActionLab lab = new ActionLab()) {
            List<String> out = new ArrayList<>();
            NetDevice a = recorder(lab, "eth0", new ArrayList<>(), 14);
            recorder(lab, "eth1", out, 22);
            lab.filter(a, ActionLab.IN, "action vlan modify id 9 action mirred egress redirect dev eth1");
            receive(lab, a, ADDRS + "8100" + "6005" + "0800" + "45b80001");
            receive(lab, a, ADDRS + "0800" + "45b80001" + "00000000");
            assertThat(out)
                    .containsExactly(
                            ADDRS + "8100" + "6009" + "0800" + "45b80001", ADDRS + "0800" + "45b80001" + "00000000");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "vlan",
                "vlan push",
                "vlan pop id 5",
                "vlan push pop",
                "vlan push id 4096",
                "vlan push id 5 priority 8",
                "vlan push protocol ip id 5",
                "vlan push_eth dst_mac 02:00:00:00:00:01",
                "vlan index 99",
            })
    void shouldRefuseInOneLine(String words) {
        try (ActionLab lab = new ActionLab()) {
            assertThatThrownBy(() -> lab.exts(words))
                    .isInstanceOf(UserError.class)
                    .hasMessageNotContaining("\n");
            assertThat(TcActionTable.of(lab.net).all("vlan")).isEmpty();
        }
    }

    @Test
    void shouldPrintAsTc() {
        try (ActionLab lab = new ActionLab()) {
            TcfExts exts = lab.exts("vlan push id 5 priority 3 action vlan pop pass "
                    + "action vlan push_eth dst_mac 02:00:00:00:00:01 src_mac 02:00:00:00:00:02");
            assertThat(ActionLab.text(exts, false)).isEqualTo("""

                            \taction order 1: vlan  push id 5 protocol 802.1Q priority 3 pipe
                            \t index 1 ref 1 bind 1

                            \taction order 2: vlan  pop pass
                            \t index 2 ref 1 bind 1

                            \taction order 3: vlan  push_eth dst_mac 02:00:00:00:00:01 src_mac 02:00:00:00:00:02 pipe
                            \t index 3 ref 1 bind 1
                            """);
        }
    }
}
