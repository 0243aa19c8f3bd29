package net.testkit.packetdrill.lang;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import net.testkit.packetdrill.lang.ShellCommand.Assignment;
import net.testkit.packetdrill.lang.ShellCommand.Grep;
import net.testkit.packetdrill.lang.ShellCommand.Join;
import net.testkit.packetdrill.lang.ShellCommand.SetSysctls;
import net.testkit.packetdrill.lang.ShellCommand.Step;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShellParserTest {
    private static List<Step> steps(String text) throws CodeException {
        return ShellParser.parse(new Command(5, text));
    }

    private static ShellCommand one(String text) throws CodeException {
        List<Step> steps = steps(text);
        assertThat(steps).hasSize(1);
        return steps.get(0).command();
    }

    @Test
    void shouldReadSysctlsInEveryForm() throws CodeException {
        SetSysctls ecn = new SetSysctls(List.of(new Assignment("net.ipv4.tcp_ecn", "1")), false, false);
        assertThat(one("sysctl -q net.ipv4.tcp_ecn=1")).isEqualTo(ecn);
        assertThat(one("/sbin/sysctl -q -w net/ipv4/tcp_ecn=1  # why")).isEqualTo(ecn);
        assertThat(one("echo 1 > /proc/sys/net/ipv4/tcp_ecn")).isEqualTo(ecn);
        assertThat(one("sysctl -e -q net.ipv4.tcp_ecn=1 2>/dev/null"))
                .isEqualTo(new SetSysctls(ecn.assignments(), true, false));
        assertThat(one("sysctl -q net.ipv4.tcp_rmem=\"4096 32768 $((32*1024*1024))\""))
                .isEqualTo(new SetSysctls(
                        List.of(new Assignment("net.ipv4.tcp_rmem", "4096 32768 33554432")), false, false));
        assertThat(one("../common/set_sysctls.py \\\n /proc/sys/net/ipv4/tcp_sack=0 \\\n /proc/sys/net/ipv4/tcp_ecn=1"))
                .isEqualTo(new SetSysctls(
                        List.of(new Assignment("net.ipv4.tcp_sack", "0"), new Assignment("net.ipv4.tcp_ecn", "1")),
                        false,
                        true));
        assertThat(one("sysctl -n net.ipv4.tcp_ecn")).isEqualTo(new ShellCommand.ShowSysctl("net.ipv4.tcp_ecn", true));
        assertThat(one("/tmp/sysctl_restore_${PPID}.sh")).isEqualTo(new ShellCommand.RestoreSysctls());
        assertThat(one("sysctl_restore_all.py")).isEqualTo(new ShellCommand.RestoreSysctls());
    }

    @Test
    void shouldWriteOutTheDefaultsOfBothSuites() throws CodeException {
        assertThat(defaults("../../common/defaults.sh")).containsEntry("net.ipv4.tcp_fastopen", "0x70403");
        assertThat(defaults("./defaults.sh"))
                .containsEntry("net.ipv4.tcp_fastopen", "0x3")
                .containsEntry("net.ipv4.tcp_rmem", "4096 540000 15728640")
                .doesNotContainKey("net.ipv4.tcp_ecn_option")
                .hasSize(22);
    }

    private static Map<String, String> defaults(String script) throws CodeException {
        List<Step> steps = steps(script);
        assertThat(steps.get(0).command()).isEqualTo(new ShellCommand.FlushMetrics());
        assertThat(steps.get(2).command()).isEqualTo(new ShellCommand.Qdisc("replace", "tun0", "pfifo", List.of()));
        return ((SetSysctls) steps.get(1).command())
                .assignments().stream().collect(Collectors.toMap(Assignment::name, Assignment::value));
    }

    @Test
    void shouldReadQueueingDisciplinesRoutesLinksAndOffloads() throws CodeException {
        assertThat(steps("tc qdisc del dev tun0 root 2>/dev/null ; tc qdisc add dev tun0 root pfifo limit 0"))
                .extracting(Step::command)
                .containsExactly(
                        new ShellCommand.Qdisc("delete", "tun0", null, List.of()),
                        new ShellCommand.Qdisc("add", "tun0", "pfifo", List.of("limit", "0")));
        assertThat(one("ip route change 192.0.2.1 via 192.168.0.2 dev tun0 advmss 600 mtu lock 640 initcwnd 11"))
                .isEqualTo(new ShellCommand.Route(
                        false,
                        "change",
                        "192.0.2.1",
                        Map.of("via", "192.168.0.2", "dev", "tun0", "advmss", "600", "mtu", "640", "initcwnd", "11"),
                        List.of("mtu")));
        assertThat(one("ip link set dev tun0 mtu 9000")).isEqualTo(new ShellCommand.LinkMtu("tun0", 9000));
        assertThat(one("ethtool -K tun0 tso off gso on"))
                .isEqualTo(new ShellCommand.Offloads("tun0", Map.of("tso", false, "gso", true)));
        assertThat(one("ip tcp_metrics flush all &> /dev/null")).isEqualTo(new ShellCommand.FlushMetrics());
    }

    @Test
    void shouldReadCountersFilesAndModuleParameters() throws CodeException {
        assertThat(steps("nstat | grep TcpExtOutOfWindowIcmps > /dev/null"))
                .containsExactly(new Step(
                        Join.ALWAYS,
                        new ShellCommand.Nstat(false, false, List.of()),
                        List.of(new Grep("TcpExtOutOfWindowIcmps", false))));
        assertThat(one("nstat -n")).isEqualTo(new ShellCommand.Nstat(true, false, List.of()));
        assertThat(one("nstat -asz TcpExtTCPTimeouts"))
                .isEqualTo(new ShellCommand.Nstat(false, true, List.of("TcpExtTCPTimeouts")));
        assertThat(steps("grep \" 0A \" /proc/net/tcp /proc/net/tcp6 | grep -v \":1F90\""))
                .containsExactly(new Step(
                        Join.ALWAYS,
                        new ShellCommand.ShowFiles(List.of("/proc/net/tcp", "/proc/net/tcp6")),
                        List.of(new Grep(" 0A ", false), new Grep(":1F90", true))));
        assertThat(one("echo 3 > /sys/module/tcp_cubic/parameters/hystart_detect"))
                .isEqualTo(new ShellCommand.ModuleParameter("tcp_cubic", "hystart_detect", "3"));
        assertThat(one("/bin/dd bs=1 count=5 if=/dev/zero of=/tmp/testfile status=none"))
                .isEqualTo(new ShellCommand.MakeFile("/tmp/testfile", 5));
        assertThat(one("/bin/rm -f /tmp/testfile")).isEqualTo(new ShellCommand.RemoveFile("/tmp/testfile"));
        assertThat(one("sleep 0.5")).isEqualTo(new ShellCommand.Sleep(500_000));
    }

    @Test
    void shouldKeepHowCommandsHangTogether() throws CodeException {
        assertThat(steps("true && false || echo a 'b c'\ntrue"))
                .extracting(Step::join)
                .containsExactly(Join.ALWAYS, Join.AND, Join.OR, Join.ALWAYS);
        assertThat(steps("true || echo a 'b c'").get(1).command()).isEqualTo(new ShellCommand.Say(true, "a b c"));
        assertThat(steps("# nothing\n")).isEmpty();
    }

    @Test
    void shouldFilterLinesAsGrepDoes() {
        assertThat(new Grep("a.c", false).passes("xabcx")).isTrue();
        assertThat(new Grep("a.c", true).passes("xabcx")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "reboot",
                "ip netns add x",
                "tc filter add dev tun0",
                "echo x > /etc/passwd",
                "sysctl -q",
                "set_sysctls.py tcp_ecn",
                "nstat | awk 1",
                "ethtool -k tun0",
                "ip link set dev tun0 mtu many",
            })
    void shouldRefuseWhatItDoesNotKnow(String text) {
        assertThatThrownBy(() -> steps(text))
                .isInstanceOfSatisfying(
                        CodeException.class, e -> assertThat(e.line()).isEqualTo(5));
    }
}
