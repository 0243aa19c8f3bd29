package softnet.tools;

import static org.assertj.core.api.Assertions.assertThat;

import drivers.veth.Veth;
import java.util.List;
import java.util.stream.Stream;
import net.core.Kernel;
import net.sched.act.TcActionTable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code tc filter} and {@code tc chain}: lines and answers as iproute2 6.1 gave them on Linux 6.18. */
class TcFilterTest {
    private Kernel kernel;

    @BeforeEach
    void boot() {
        kernel = Kernel.boot("clock=virtual", "debug");
        Veth.create(kernel.initNet(), "d0", kernel.initNet(), "d1").open();
        done("qdisc add dev d0 root handle 1: htb default 10");
        done("class add dev d0 parent 1: classid 1:1 htb rate 10mbit");
        done("class add dev d0 parent 1:1 classid 1:10 htb rate 1mbit");
        done("class add dev d0 parent 1:1 classid 1:11 htb rate 1mbit");
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

    private void refused(String line, int status, String message) {
        assertThat(tc(line)).as(line).isEqualTo(ControlAnswer.failed(status, message));
    }

    private String shown(String line) {
        ControlAnswer a = tc(line);
        assertThat(a.status()).as("%s: %s", line, a.text()).isZero();
        return a.text();
    }

    /** What was asked for by name is left out of the lines. */
    @Test
    void shouldLeaveOutWhatWasAskedFor() {
        done("filter add dev d0 parent 1: protocol ip prio 5 u32 match ip src 10.0.0.0/8 flowid 1:10");
        done("filter add dev d0 parent 1:1 protocol all prio 6 u32 match u8 0 0 flowid 1:11");
        String key = "800::800 order 2048 key ht 800 bkt 0 *flowid 1:10 not_in_hw \n  match 0a000000/ff000000 at 12\n";
        assertThat(shown("filter show dev d0")).isEqualTo("""
                filter parent 1: protocol ip pref 5 u32 chain 0\s
                filter parent 1: protocol ip pref 5 u32 chain 0 fh 800: ht divisor 1\s
                filter parent 1: protocol ip pref 5 u32 chain 0 fh\s""" + key);
        assertThat(shown("filter show dev d0 parent 1: pref 5 protocol ip chain 0"))
                .isEqualTo("""
                filter u32\s
                filter u32 fh 800: ht divisor 1\s
                filter u32 fh\s""" + key);
        assertThat(shown("filter show dev d0 parent 1:1")).startsWith("filter protocol all pref 6 u32 chain 0 \n");
        assertThat(shown("filter get dev d0 parent 1: prio 5 protocol ip handle 800::800 u32"))
                .isEqualTo("filter parent 1: protocol ip pref 5 u32 chain 0 fh " + key);
        assertThat(shown("-p filter show dev d0")).endsWith("\n  match IP src 10.0.0.0/8\n");
        assertThat(shown("-j filter show dev d0")).isEqualTo("""
                [{"parent":"1:","protocol":"ip","pref":5,"kind":"u32","chain":0},\
                {"parent":"1:","protocol":"ip","pref":5,"kind":"u32","chain":0,"options":{"fh":"800:","ht_divisor":1}},\
                {"parent":"1:","protocol":"ip","pref":5,"kind":"u32","chain":0,"options":{"fh":"800::800","order":2048,\
                "key_ht":"800","bkt":"0","flowid":"1:10","not_in_hw":true,\
                "match":{"value":"a000000","mask":"ff000000","offmask":"","off":12}}}]
                """);
        assertThat(shown("filter show dev d0 root")).isEmpty();
        assertThat(shown("filter show")).isEmpty();
        assertThat(shown("filter help")).startsWith("Usage: tc filter [ add | del |");
    }

    /** Preferences that are not given count down from 49152. */
    @Test
    void shouldChoosePreferences() {
        done("filter add dev d0 prio 5 protocol ip u32 match u8 0 0 flowid 1:10");
        done("filter add dev d0 protocol ip u32 match u8 0 0 flowid 1:10");
        done("filter add dev d0 protocol arp u32 match u8 0 0 flowid 1:10");
        List<String> prefs = shown("filter show dev d0")
                .lines()
                .filter(l -> l.endsWith("chain 0 "))
                .map(l -> l.replaceAll(".*(protocol \\S+ pref \\d+) .*", "$1"))
                .toList();
        assertThat(prefs).containsExactly("protocol ip pref 5", "protocol arp pref 49151", "protocol ip pref 49152");
        done("filter del dev d0 prio 49151");
        done("filter del dev d0");
        assertThat(shown("filter show dev d0")).isEmpty();
    }

    /** A class that a filter leads into cannot go, until the filter is gone. */
    @Test
    void shouldKeepClassesThatFiltersChoose() {
        done("filter add dev d0 parent 1: protocol ip prio 5 u32 match u8 0 0 flowid 1:10");
        done("filter add dev d0 parent 1:1 protocol ip prio 5 u32 match u8 0 0 flowid 1:11");
        refused("class del dev d0 classid 1:10", 2, "Error: HTB class in use.");
        refused("class del dev d0 classid 1:11", 2, "Error: HTB class in use.");
        done("filter del dev d0 parent 1:1");
        done("class del dev d0 classid 1:11");
        done("filter del dev d0 prio 5");
        done("class del dev d0 classid 1:10");
    }

    /** Filters at the hooks of clsact are shown by the hook's name, those of ingress by its handle. */
    @Test
    void shouldShowHooks() {
        done("qdisc add dev d1 clsact");
        done("filter add dev d1 egress protocol ip u32 match u8 0 0 flowid 1:1");
        assertThat(shown("filter show dev d1 egress")).startsWith("filter protocol ip pref 49152 u32 chain 0 \n");
        assertThat(shown("filter show dev d1 ingress")).isEmpty();
        assertThat(shown("filter get dev d1 egress prio 49152 protocol ip handle 800::800 u32"))
                .startsWith("filter egress protocol ip pref 49152 ");
        done("qdisc add dev d0 ingress");
        done("filter add dev d0 ingress protocol ip u32 match u8 0 0 flowid 1:1");
        assertThat(shown("filter show dev d0 ingress")).startsWith("filter parent ffff: protocol ip pref 49152 ");
        assertThat(shown("filter show dev d0 parent ffff:")).startsWith("filter protocol ip pref 49152 u32 ");
    }

    /** Filters go with what they hang on, and give their actions up. */
    @Test
    void shouldGoWithTheirQdisc() {
        TcActionTable actions = TcActionTable.of(kernel.initNet());
        String filter = " protocol ip prio 5 u32 match u8 0 0 action drop";
        done("qdisc add dev d0 parent 1:10 handle 10: prio");
        for (String at : List.of("parent 1:", "parent 1:1", "parent 1:11", "parent 10:")) {
            done("filter add dev d0 " + at + filter);
        }
        done("qdisc add dev d0 clsact");
        done("filter add dev d0 ingress" + filter);
        done("filter add dev d0 egress" + filter);
        assertThat(actions.all("gact")).hasSize(6);
        done("class del dev d0 classid 1:11");
        assertThat(actions.all("gact")).hasSize(5);
        done("qdisc replace dev d0 parent 1:10 handle 11: pfifo");
        assertThat(actions.all("gact")).hasSize(4);
        done("qdisc del dev d0 clsact");
        assertThat(actions.all("gact")).hasSize(2);
        done("qdisc del dev d0 root");
        assertThat(actions.all("gact")).isEmpty();
    }

    /** Chains are there with their first filter, or when they are asked for. */
    @Test
    void shouldKeepChains() {
        done("filter add dev d0 parent 1: chain 5 prio 1 protocol ip u32 match u8 0 0 flowid 1:10");
        done("chain add dev d0 parent 1: chain 7");
        assertThat(shown("chain show dev d0")).isEqualTo("chain parent 1: chain 5 \nchain parent 1: chain 7 \n");
        assertThat(shown("-j chain show dev d0 parent 1:")).isEqualTo("[{\"chain\":5},{\"chain\":7}]\n");
        assertThat(shown("filter show dev d0 chain 5")).startsWith("filter parent 1: protocol ip pref 1 u32 \n");
        refused("chain add dev d0 parent 1: chain 5", 2, "Error: Filter chain already exists.");
        refused("chain del dev d0 parent 1: chain 8", 2, "Error: Cannot find specified filter chain.");
        refused("filter del dev d0 parent 1: chain 8 prio 1", 2, "Error: Cannot find specified filter chain.");
        done("chain del dev d0 parent 1: chain 7");
        done("filter del dev d0 chain 5 prio 1");
        assertThat(shown("chain show dev d0")).isEmpty();
    }

    /** The complaints of tc, and of the kernel about the place. */
    @Test
    void shouldRefuseAsTc() {
        String u32 = " protocol ip prio 5 u32 match u8 0 0 flowid 1:10";
        refused("filter add dev d0 parent 2:" + u32, 2, "Error: Parent Qdisc doesn't exists.");
        refused("filter add dev d0 root" + u32, 2, "Error: Parent Qdisc doesn't exists.");
        refused("filter add dev d0 ingress" + u32, 2, "Error: Parent Qdisc doesn't exists.");
        refused("filter add dev d0 parent 1:99" + u32, 2, "Error: Specified class doesn't exist.");
        refused("filter add dev nosuch" + u32, 1, "Cannot find device \"nosuch\"");
        refused("filter add dev d0 prio 99999 u32", 2, "Error: argument \"99999\" is wrong: invalid priority value");
        refused("filter add dev d0 protocol xyz u32", 2, "Error: argument \"xyz\" is wrong: invalid protocol");
        refused("filter add dev d0 prio 9 prio 8", 2, "Error: duplicate \"priority\": \"8\" is the second value.");
        refused("filter add dev d0 parent 1: ingress", 2, "Error: \"ingress\" is duplicate parent ID");
        refused(
                "filter add dev d0 prio 5 nonsuch flowid 1:1",
                1,
                "Unknown filter \"nonsuch\", hence option \"flowid\" is unparsable");
        refused("filter add dev d0 prio 5 nonsuch", 2, "Error: TC classifier not found.");
        refused("filter del dev d0 prio 5 handle 800::800", 2, "Must specify filter type when using \"handle\"");
        refused("filter show dev d0 foo", 2, "What is \"foo\"? Try \"tc filter help\"");
        refused("filter bla", 2, "Command \"bla\" is unknown, try \"tc filter help\".");
        refused("filter get dev d0 parent 1: prio 6 u32", 2, "Must specify filter protocol");
        refused("filter get dev d0 parent 1: protocol ip u32", 2, "Must specify filter priority");
        refused("filter get dev d0 parent 1: prio 5 protocol ip u32", 2, "Must specify filter \"handle\"");
        done("qdisc add dev d1 root handle 2: pfifo");
        refused("filter add dev d1" + u32, 2, "Error: Qdisc not classful.");
        done("qdisc replace dev d1 root handle 3: prio");
        refused("filter add dev d1 parent 3:1" + u32, 2, "Error: Class doesn't support blocks.");
        for (String kind : List.of("drr", "qfq", "multiq", "ets bands 3", "fq_codel", "sfq", "cake", "hfsc", "sfb")) {
            done("qdisc replace dev d1 root " + kind);
            done("filter add dev d1" + u32);
        }
    }
}
