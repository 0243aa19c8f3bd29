package net.testkit.packetdrill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Puts bugs into the stack, one at a time: each must make scripts of ours fail, or the scripts prove nothing. The long
 * version runs all scripts on each; else those of the areas that have to notice.
 */
class JudgeIsStrictTest {
    private static final List<DeliberateBug> BUGS = List.of(
            new DeliberateBug(
                    List.of("validation"),
                    "off by one in window checks: a byte behind the window is taken",
                    "TcpValidate",
                    "TcpSeq.after(seq, windowEnd)",
                    "TcpSeq.after(seq, windowEnd + 1)"),
            new DeliberateBug(
                    List.of("send"),
                    "missing PSH: the end of a write is not marked",
                    "TcpSendmsg",
                    "TcpSkbCb.orTcpFlags(skb, TCPHDR_PSH);",
                    "TcpSkbCb.orTcpFlags(skb, 0);"),
            new DeliberateBug(
                    List.of("sack"),
                    "wrong SACK order: a block that grows stays where it was",
                    "TcpSackOut",
                    "moveFirst(sp, i, sp[2 * i], sp[2 * i + 1]);",
                    ""),
            new DeliberateBug(
                    List.of("paws", "timestamps"),
                    "no PAWS: an old time stamp is as good as a new one",
                    "TcpPaws",
                    "return opt.tsRecent - opt.rcvTsval <= window",
                    "return opt.tsRecent - opt.rcvTsval <= Integer.MAX_VALUE"),
            new DeliberateBug(
                    List.of("retransmit"),
                    "wrong RTO backoff: by half instead of doubling",
                    "TcpTimer",
                    "Math.min(tp.icskRto << 1, rtoMax(tp))",
                    "Math.min(tp.icskRto + (tp.icskRto >> 1), rtoMax(tp))"),
            new DeliberateBug(
                    List.of("ack", "close"),
                    "delayed ACK too late: by half of its delay",
                    "TcpOutput",
                    "long timeout = now + ato;",
                    "long timeout = now + ato + (ato >> 1);"),
            new DeliberateBug(
                    List.of("congestion", "retransmit"),
                    "ssthresh wrong: three quarters of the window instead of half",
                    "cong/Reno",
                    "Math.max(tp.sndCwnd >> 1, 2)",
                    "Math.max(tp.sndCwnd * 3 >> 2, 2)"),
            new DeliberateBug(
                    List.of("prr", "recovery"),
                    "no PRR: recovery begins with the reduced window at once",
                    "TcpPrr",
                    "tp.setSndCwnd(inFlight + sndcnt);",
                    "tp.setSndCwnd(tp.sndSsthresh);"),
            new DeliberateBug(
                    List.of("validation"),
                    "challenge ACK missing: counted and not sent",
                    "TcpChallenge",
                    "TcpOutput.tcpSendAck(cpu, tp, tp.rcvNxt, flags);",
                    ""),
            new DeliberateBug(
                    List.of("cookies"),
                    "ISN wrong on SYN cookie: the peer's MSS is not in it",
                    "SynCookies",
                    "(hash(hash1, saddr, daddr, sport, dport, count) + mssIndex(mss) & COOKIE_MASK)",
                    "(hash(hash1, saddr, daddr, sport, dport, count) & COOKIE_MASK)"),
            new DeliberateBug(
                    List.of("close", "retransmit"),
                    "FIN not retransmitted: a FIN without data is sent once",
                    "TcpRetransmit",
                    "int err = trimAcked(cpu, tp, skb);",
                    "if (skb.len == 0 && (TcpSkbCb.tcpFlags(skb) & TcpSkbCb.TCPHDR_FIN) != 0) return 0;"
                            + " int err = trimAcked(cpu, tp, skb);"),
            new DeliberateBug(
                    List.of("zero-window", "tlp"),
                    "wscale ignored: the peer's window is taken as it stands in the header",
                    "TcpAck",
                    "nwin <<= tp.rxOpt.sndWscale;",
                    ""));

    private static List<DeliberateBug> bugs() {
        return BUGS;
    }

    @Test
    void shouldPassWithoutABug() throws IOException, ReflectiveOperationException {
        try (BuggyStack stack = BuggyStack.none()) {
            assertThat(failing(stack, OwnScriptsTest.scripts())).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("bugs")
    void shouldCatch(DeliberateBug bug, @TempDir Path work) throws IOException, ReflectiveOperationException {
        List<String> caughtBy;
        try (BuggyStack stack = BuggyStack.with(bug, work)) {
            caughtBy = failing(stack, scripts(bug));
        }
        System.out.println(bug + ": caught by " + caughtBy.size() + ": " + String.join(" ", caughtBy));
        assertThat(caughtBy).as(bug.what()).isNotEmpty();
    }

    @Test
    void shouldRefuseABugThatDoesNotApply(@TempDir Path work) {
        DeliberateBug gone = new DeliberateBug(List.of(), "gone", "TcpPaws", "no such text", "");
        assertThatThrownBy(() -> BuggyStack.with(gone, work)).hasMessageContaining("does not apply");
        DeliberateBug twice = new DeliberateBug(List.of(), "twice", "TcpPaws", "tsRecentStamp", "tsRecent");
        assertThatThrownBy(() -> BuggyStack.with(twice, work)).hasMessageContaining("exactly once");
    }

    private static List<Path> scripts(DeliberateBug bug) throws IOException {
        boolean all = Boolean.getBoolean("softnet.full");
        return OwnScriptsTest.scripts().stream()
                .filter(p -> all || bug.areas().contains(area(p)))
                .toList();
    }

    private static String area(Path script) {
        return OwnScriptsTest.SCRIPTS.relativize(script).getName(0).toString();
    }

    private static List<String> failing(BuggyStack stack, List<Path> scripts) {
        List<String> failed = new ArrayList<>();
        for (Path script : scripts) {
            if (!stack.verdict(script).isEmpty()) {
                failed.add(OwnScriptsTest.SCRIPTS.relativize(script).toString());
            }
        }
        return failed;
    }
}
