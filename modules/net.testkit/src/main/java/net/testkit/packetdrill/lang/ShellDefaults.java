package net.testkit.packetdrill.lang;

import java.util.ArrayList;
import java.util.List;
import net.testkit.packetdrill.lang.ShellCommand.Assignment;
import net.testkit.packetdrill.lang.ShellCommand.FlushMetrics;
import net.testkit.packetdrill.lang.ShellCommand.Join;
import net.testkit.packetdrill.lang.ShellCommand.Qdisc;
import net.testkit.packetdrill.lang.ShellCommand.SetSysctls;
import net.testkit.packetdrill.lang.ShellCommand.Step;

/**
 * What {@code defaults.sh} does at the head of every script: the settings of a production server, no old metrics, and a
 * FIFO that does not pace.
 */
final class ShellDefaults {
    /** Both suites'. The three words of a buffer size are one value. */
    private static final String COMMON = """
            tcp_rmem=4096 540000 15728640
            tcp_wmem=4096 262144 4194304
            tcp_timestamps=1
            tcp_syn_retries=5
            tcp_synack_retries=5
            tcp_frto=2
            tcp_sack=1
            tcp_dsack=1
            tcp_fack=0
            tcp_reordering=3
            tcp_congestion_control=cubic
            tcp_slow_start_after_idle=0
            tcp_early_retrans=4
            tcp_recovery=1
            tcp_tso_win_divisor=3
            tcp_ecn=0
            tcp_pacing_ss_ratio=200
            tcp_pacing_ca_ratio=120
            tcp_notsent_lowat=4294967295
            tcp_fastopen_key=a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4
            tcp_syncookies=1
            """;

    /** The stand-alone suite's own. */
    private static final String STAND_ALONE = """
            tcp_fastopen=0x70403
            tcp_ecn_option=2
            """;

    /** The kernel tree's own. */
    private static final String KERNEL = """
            tcp_fastopen=0x3
            """;

    private ShellDefaults() {}

    /** @param path as the script wrote it: {@code .../common/defaults.sh} is the stand-alone suite's */
    static List<Step> steps(String path, Join join) {
        List<Assignment> assignments = new ArrayList<>();
        String own = path.endsWith("common/defaults.sh") ? STAND_ALONE : KERNEL;
        for (String line : (COMMON + own).strip().split("\n")) {
            int eq = line.indexOf('=');
            assignments.add(new Assignment("net.ipv4." + line.substring(0, eq), line.substring(eq + 1)));
        }
        return List.of(
                new Step(join, new FlushMetrics(), List.of()),
                new Step(Join.ALWAYS, new SetSysctls(assignments, true, false), List.of()),
                new Step(Join.ALWAYS, new Qdisc("replace", "tun0", "pfifo", List.of()), List.of()));
    }
}
