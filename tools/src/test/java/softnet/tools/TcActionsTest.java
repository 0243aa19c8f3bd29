package softnet.tools;

import static org.assertj.core.api.Assertions.assertThat;

import drivers.veth.Veth;
import java.util.Objects;
import java.util.stream.Stream;
import net.core.Kernel;
import net.core.dev.NetDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code tc actions}, and actions of filters: lines and answers as iproute2 6.1 gave them on Linux 6.18, which has mirred. */
class TcActionsTest {
    private Kernel kernel;

    @BeforeEach
    void boot() {
        kernel = Kernel.boot("clock=virtual", "debug");
        NetDevice v0 = Veth.create(kernel.initNet(), "v0", kernel.initNet(), "v1");
        v0.open();
        Objects.requireNonNull(Veth.peerOf(v0)).open();
    }

    @AfterEach
    void end() {
        kernel.close();
    }

    private ControlAnswer tc(String line) {
        return TcRequest.answer(
                kernel,
                Stream.concat(Stream.of("tc"), TcWords.split(line).stream()).toList());
    }

    private void done(String line) {
        assertThat(tc(line)).as(line).isEqualTo(new ControlAnswer(0, ""));
    }

    private void refused(String line, String message) {
        assertThat(tc(line)).as(line).isEqualTo(ControlAnswer.failed(2, message));
    }

    private String shown(String line) {
        ControlAnswer a = tc(line);
        assertThat(a.status()).as("%s: %s", line, a.text()).isZero();
        return a.text();
    }

    @Test
    void shouldListWhatWasAdded() {
        done("actions add action mirred egress redirect dev lo index 5");
        done("actions add action mirred egress mirror dev v0 continue");
        assertThat(shown("actions ls action mirred")).isEqualTo("""
                total acts 2

                \taction order 0: mirred (Egress Mirror to device v0) continue
                \tindex 1 ref 1 bind 0
                \tnot_in_hw
                \tused_hw_stats disabled

                \taction order 1: mirred (Egress Redirect to device lo) stolen
                \tindex 5 ref 1 bind 0
                \tnot_in_hw
                \tused_hw_stats disabled
                """);
        assertThat(shown("-j actions ls action mirred")).isEqualTo("""
                [{"total acts":2},{"actions":[{"order":0,"kind":"mirred","mirred_action":"mirror","direction":"egress",\
                "to_dev":"v0","control_action":{"type":"continue"},"index":1,"ref":1,"bind":0,"not_in_hw":true,\
                "used_hw_stats":["disabled"]},{"order":1,"kind":"mirred","mirred_action":"redirect","direction":"egress",\
                "to_dev":"lo","control_action":{"type":"stolen"},"index":5,"ref":1,"bind":0,"not_in_hw":true,\
                "used_hw_stats":["disabled"]}]}]
                """);
        kernel.scheduler().sleep(20_000_000);
        assertThat(shown("-s -j actions get action mirred index 5")).isEqualTo("""
                [{"total acts":0},{"actions":[{"order":1,"kind":"mirred","mirred_action":"redirect","direction":"egress",\
                "to_dev":"lo","control_action":{"type":"stolen"},"index":5,"ref":1,"bind":0,"installed":0,"last_used":0,\
                "stats":{"bytes":0,"packets":0,"drops":0,"overlimits":0,"requeues":0,"backlog":0,"qlen":0},\
                "not_in_hw":true,"used_hw_stats":["disabled"]}]}]
                """);
        assertThat(shown("-s actions get action mirred index 5")).isEqualTo("""
                total acts 0

                \taction order 1: mirred (Egress Redirect to device lo) stolen
                \tindex 5 ref 1 bind 0 installed 0 sec used 0 sec
                \tAction statistics:
                \tSent 0 bytes 0 pkt (dropped 0, overlimits 0 requeues 0)\s
                \tbacklog 0b 0p requeues 0
                \tnot_in_hw
                \tused_hw_stats disabled
                """);
        done("actions flush action mirred");
        assertThat(shown("actions ls action mirred")).isEmpty();
        assertThat(shown("-j actions ls action mirred")).isEqualTo("[]\n");
    }

    /** A filter binds an instance that is there; one of its own goes with it, the other stays until it is deleted. */
    @Test
    void shouldShareWithFilters() {
        done("actions add action mirred egress redirect dev lo index 5");
        done("actions add action mirred egress mirror dev v0 continue");
        done("qdisc add dev v0 clsact");
        done("filter add dev v0 ingress protocol all prio 10 matchall action mirred index 5");
        done("filter add dev v0 ingress protocol all prio 11 matchall action mirred egress mirror dev lo "
                + "action mirred ingress redirect dev v0");
        assertThat(shown("filter show dev v0 ingress")).isEqualTo("""
                filter protocol all pref 10 matchall chain 0\s
                filter protocol all pref 10 matchall chain 0 handle 0x1\s
                  not_in_hw
                \taction order 1: mirred (Egress Redirect to device lo) stolen
                \tindex 5 ref 2 bind 1
                \tused_hw_stats disabled

                filter protocol all pref 11 matchall chain 0\s
                filter protocol all pref 11 matchall chain 0 handle 0x1\s
                  not_in_hw
                \taction order 1: mirred (Egress Mirror to device lo) pipe
                \tindex 2 ref 1 bind 1

                \taction order 2: mirred (Ingress Redirect to device v0) stolen
                \tindex 3 ref 1 bind 1

                """);
        refused("actions del action mirred index 5", "Error: Failed to delete TC action.");
        assertThat(shown("actions flush action mirred")).isEqualTo("Warning: Unable to flush all TC actions.\n");
        refused("actions flush action mirred", "RTNETLINK answers: Operation not permitted");
        done("filter del dev v0 ingress");
        assertThat(shown("actions ls action mirred"))
                .startsWith("total acts 1\n")
                .contains("index 5 ref 1 bind 0\n");
        done("actions del action mirred index 5");
        done("qdisc del dev v0 clsact");
    }

    /** What a qdisc's filters hold goes with it. */
    @Test
    void shouldLetGoWithTheQdisc() {
        done("qdisc add dev v0 clsact");
        done("filter add dev v0 egress matchall action police rate 1mbit burst 10k");
        done("qdisc add dev v0 root handle 1: htb");
        done("class add dev v0 parent 1: classid 1:1 htb rate 10mbit");
        done("filter add dev v0 parent 1: matchall flowid 1:1 action police rate 1mbit burst 10k");
        assertThat(shown("actions ls action police")).startsWith("total acts 2\n");
        done("qdisc del dev v0 clsact");
        assertThat(shown("actions ls action police")).startsWith("total acts 1\n");
        done("qdisc del dev v0 root");
        assertThat(shown("actions ls action police")).isEmpty();
    }

    @Test
    void shouldChangeOrReplace() {
        done("actions replace action mirred egress mirror dev v0 index 5");
        done("actions change action mirred ingress redirect dev v1 index 5");
        assertThat(shown("actions ls action mirred")).contains("(Ingress Redirect to device v1) stolen");
        done("actions add action gact drop random determ pass 10 index 3 action police mtu 1500 drop index 3");
        assertThat(shown("actions ls action gact")).contains("random type determ pass val 10\n");
        done("actions del action gact index 3 action police index 3");
        assertThat(shown("actions ls action gact")).isEmpty();
    }

    /** In the words of tc and the kernel, one line; nothing is left of a list that fails at its end. */
    @Test
    void shouldRefuse() {
        done("actions add action mirred egress redirect dev lo index 5");
        refused("actions add action mirred egress redirect dev lo index 5", "RTNETLINK answers: File exists");
        refused(
                "actions add action mirred egress redirect dev lo index 6 action mirred egress mirror dev lo index 5",
                "RTNETLINK answers: File exists");
        refused("actions get action mirred index 6", "Error: TC action with specified index not found.");
        refused("actions del action mirred index 6", "Error: TC action with specified index not found.");
        refused("actions get action mirred", "Error: no index specified action: mirred");
        refused("actions get action nix index 1", "Error: non existent action: nix");
        refused("actions ls action nix", "bad action nix");
        refused("actions ls", "usage: tc actions ls|flush action ACTNAME");
        refused("actions add action gact goto chain 4", "Error: can't goto NULL proto/chain.");
        refused("actions add action mirred egress redirect dev nix", "Cannot find device \"nix\"");
        refused("actions add action", "bad action empty 1");
        refused("actions blah", "Command \"blah\" is unknown, try \"tc actions help\".");
        refused("qdisc flush", "Command \"flush\" is unknown, try \"tc qdisc help\".");
        assertThat(shown("actions help")).startsWith("Usage: tc [-s] [-j] actions");
    }
}
