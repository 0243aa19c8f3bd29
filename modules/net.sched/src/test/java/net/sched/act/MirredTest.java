package net.sched.act;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import net.core.UserError;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.Qdisc;
import net.core.dev.SchApi;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.act.ActionLab.Wire;
import net.sched.cls.FilterId;
import net.sched.cls.TcfApi;
import net.sched.cls.TcfFilters;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code mirred} at the hooks: every packet is somewhere once, loops end. Closing the kernel finds what leaks. */
@Timeout(60)
class MirredTest {
    /** In here, out there: with its link header, and not seen by the protocols here. */
    @Test
    void shouldRedirectWhatComesIn() {
        try (ActionLab lab = new ActionLab()) {
            Wire a = lab.wire("eth0");
            Wire b = lab.wire("eth1");
            lab.filter(a.dev, ActionLab.IN, "action mirred egress redirect dev eth1");
            for (int i = 0; i < 10; i++) {
                lab.receive(a.dev, 100 + i);
            }
            assertThat(a.in).isEmpty();
            assertThat(b.out).containsExactly(100, 101, 102, 103, 104, 105, 106, 107, 108, 109);
            TcAction action = TcActionTable.of(lab.net).all("mirred").iterator().next();
            assertThat(action.packets()).isEqualTo(10);
            assertThat(action.overlimits()).isZero();
        }
    }

    /** The four directions, mirrored: the original goes its way, a copy comes by there too. */
    @Test
    void shouldMirrorInAllDirections() {
        try (ActionLab lab = new ActionLab()) {
            Wire a = lab.wire("eth0");
            Wire b = lab.wire("eth1");
            lab.filter(a.dev, ActionLab.IN, "action mirred egress mirror dev eth1");
            lab.filter(a.dev, ActionLab.OUT, "action mirred egress mirror dev eth1");
            lab.receive(a.dev, 100);
            lab.send(a.dev, 200);
            assertThat(a.in).containsExactly(86);
            assertThat(a.out).containsExactly(200);
            assertThat(b.out).containsExactly(100, 200);
            Wire c = lab.wire("eth2");
            lab.filter(c.dev, ActionLab.IN, "action mirred ingress mirror dev eth1");
            lab.filter(c.dev, ActionLab.OUT, "action mirred ingress mirror dev eth1");
            lab.receive(c.dev, 300);
            lab.send(c.dev, 400);
            lab.sleep(1_000_000);
            assertThat(c.in).containsExactly(286);
            assertThat(c.out).containsExactly(400);
            assertThat(b.in).containsExactly(286, 386);
        }
    }

    /** Out here redirected: not sent here; as if it came in there. */
    @Test
    void shouldRedirectWhatGoesOut() {
        try (ActionLab lab = new ActionLab()) {
            Wire a = lab.wire("eth0");
            Wire b = lab.wire("eth1");
            lab.filter(a.dev, ActionLab.OUT, "action mirred ingress redirect dev eth1");
            lab.send(a.dev, 100);
            lab.sleep(1_000_000);
            assertThat(a.out).isEmpty();
            assertThat(b.in).containsExactly(86);
        }
    }

    /** A list goes on behind a mirror, with the filter after it if the list says so. */
    @Test
    void shouldGoOnBehindAMirror() {
        try (ActionLab lab = new ActionLab()) {
            Wire a = lab.wire("eth0");
            Wire b = lab.wire("eth1");
            Wire c = lab.wire("eth2");
            lab.filter(a.dev, ActionLab.OUT, "action drop");
            lab.filter(
                    a.dev,
                    ActionLab.OUT,
                    "action mirred egress mirror dev eth1 action mirred egress mirror dev eth2 continue");
            lab.send(a.dev, 100);
            assertThat(a.out).isEmpty();
            assertThat(b.out).containsExactly(100);
            assertThat(c.out).containsExactly(100);
        }
    }

    /** Redirected to itself: cut where actions nest too deep. */
    @Test
    void shouldCutNestedLoops() {
        try (ActionLab lab = new ActionLab()) {
            Wire a = lab.wire("eth0");
            lab.filter(a.dev, ActionLab.OUT, "action mirred egress redirect dev eth0");
            lab.send(a.dev, 100);
            assertThat(a.out).isEmpty();
            TcAction action = TcActionTable.of(lab.net).all("mirred").iterator().next();
            assertThat(action.packets()).isEqualTo(Mirred.NEST_LIMIT + 1);
        }
    }

    /** A filter of a qdisc runs under the root lock: a packet that comes back to that qdisc is dropped, not waited for. */
    @Test
    void shouldNotEnterAQdiscFromItsOwnFilter() {
        try (ActionLab lab = new ActionLab()) {
            Wire a = lab.wire("eth0");
            Wire b = lab.wire("eth1");
            for (NetDevice dev : List.of(a.dev, b.dev)) {
                SchApi.modify(dev, SchApi.Verb.ADD, Qdisc.TC_H_ROOT, TcHandle.make(0x10000, 0), "prio", List.of());
            }
            String[] targets = {"eth1", "eth0"};
            for (NetDevice dev : List.of(a.dev, b.dev)) {
                String[] words = {"action", "mirred", "egress", "mirror", "dev", targets[dev == a.dev ? 0 : 1]};
                TcfApi.modify(
                        dev,
                        SchApi.Verb.ADD,
                        0,
                        new FilterId(0, 1, TcfFilters.ETH_P_ALL, "matchall", null),
                        List.of(words));
            }
            lab.send(a.dev, 100);
            assertThat(a.out).containsExactly(100);
            assertThat(b.out).containsExactly(100);
        }
    }

    /** Out, in, out, in, each time through the backlog: cut after so many turns; two mirrors do not multiply for ever. */
    @Test
    void shouldCutLoopsThroughTheBacklog() {
        try (ActionLab lab = new ActionLab()) {
            Wire a = lab.wire("eth0");
            lab.filter(a.dev, ActionLab.OUT, "action mirred ingress redirect dev eth0");
            lab.filter(a.dev, ActionLab.IN, "action mirred egress redirect dev eth0");
            lab.send(a.dev, 100);
            lab.sleep(1_000_000_000);
            assertThat(a.out).isEmpty();
            assertThat(a.in).isEmpty();
            TcAction action = TcActionTable.of(lab.net).all("mirred").iterator().next();
            assertThat(action.packets()).isEqualTo(Mirred.TURN_LIMIT + 1);
        }
    }

    /** A target that is down takes nothing: a redirected packet is lost, a mirrored one goes its way; both are counted. */
    @Test
    void shouldNotSendByADeviceThatIsDownOrGone() {
        try (ActionLab lab = new ActionLab()) {
            Wire a = lab.wire("eth0");
            Wire b = lab.wire("eth1");
            lab.filter(a.dev, ActionLab.OUT, "action mirred egress mirror dev eth1");
            lab.filter(a.dev, ActionLab.IN, "action mirred egress redirect dev eth1");
            b.dev.close();
            lab.send(a.dev, 100);
            lab.receive(a.dev, 100);
            assertThat(a.out).containsExactly(100);
            assertThat(a.in).isEmpty();
            assertThat(b.out).isEmpty();
            for (TcAction action : TcActionTable.of(lab.net).all("mirred")) {
                assertThat(action.overlimits()).isOne();
            }
            b.dev.unregister();
            lab.send(a.dev, 100);
            assertThat(a.out).containsExactly(100, 100);
            TcAction first = TcActionTable.of(lab.net).all("mirred").iterator().next();
            assertThat(first.overlimits()).isEqualTo(2);
        }
    }

    @Test
    void shouldRefuseInOneLine() {
        try (ActionLab lab = new ActionLab()) {
            assertThatThrownBy(() -> lab.exts("mirred egress redirect dev eth9"))
                    .isInstanceOf(UserError.class)
                    .hasMessage("Cannot find device \"eth9\"");
            assertThatThrownBy(() -> lab.exts("mirred egress bounce dev lo")).isInstanceOf(UserError.class);
            assertThatThrownBy(() -> lab.exts("mirred index 4"))
                    .isInstanceOf(UserError.class)
                    .hasMessage("Error: Must specify device or block.");
            assertThat(TcActionTable.of(lab.net).all("mirred")).isEmpty();
        }
    }

    /** A change that says only which: refused, and the target stays. */
    @Test
    void shouldNotChangeByNumberAlone() {
        try (ActionLab lab = new ActionLab()) {
            TcActionApi api = new TcActionApi(lab.net);
            api.modify(List.of("action", "mirred", "ingress", "redirect", "dev", "lo", "index", "4"), false);
            assertThatThrownBy(() -> api.modify(List.of("action", "mirred", "index", "4"), true))
                    .isInstanceOf(UserError.class)
                    .hasMessage("Error: Unknown mirred option.");
            TcPrint p = new TcPrint(false);
            api.get(List.of("action", "mirred", "index", "4"), p, false);
            assertThat(p.toString()).contains("(Ingress Redirect to device lo) stolen");
            assertThat(lab.exts("mirred index 4").size()).isOne();
        }
    }

    @Test
    void shouldPrintAsTc() {
        try (ActionLab lab = new ActionLab()) {
            TcfExts exts =
                    lab.exts("mirred ingress redirect dev lo action mirred egress mirror dev lo continue index 7");
            assertThat(ActionLab.text(exts, false)).isEqualTo("""

                            \taction order 1: mirred (Ingress Redirect to device lo) stolen
                            \tindex 1 ref 1 bind 1

                            \taction order 2: mirred (Egress Mirror to device lo) continue
                            \tindex 7 ref 1 bind 1
                            """);
        }
    }

    /** Bytes of the link header go with a packet that moves. */
    @Test
    void shouldKeepTheLinkHeader() {
        try (ActionLab lab = new ActionLab()) {
            List<Integer> types = new ArrayList<>();
            Wire a = lab.wire("eth0");
            NetDevice b = lab.device("eth1", (cpu, skb, d, txq, more) -> {
                types.add(EthHdr.type(skb.dataAddress()));
                skb.consume(cpu);
                return NetDeviceOps.NETDEV_TX_OK;
            });
            lab.filter(a.dev, ActionLab.IN, "action mirred egress redirect dev eth1");
            lab.receive(a.dev, 64);
            assertThat(b.isUp()).isTrue();
            assertThat(types).containsExactly(EthHdr.ETH_P_IP);
        }
    }
}
