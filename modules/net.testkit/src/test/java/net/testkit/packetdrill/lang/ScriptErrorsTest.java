package net.testkit.packetdrill.lang;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a person reads who wrote a script wrongly: one line, with the place and what would be right. */
class ScriptErrorsTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "+0 < S 0:0(0)                     | 1:14: an inbound packet says its window: win N",
                "+0 < SX 0:0(0) win 1              | 1:6: 'X' in 'SX' is no TCP flag (F S R P . E W A U or 0 to 7)",
                "+0 > E5. 0:0(0)                   | 1:6: flags 'E5.' say the ACE bits twice",
                "+0 > 5W. 0:0(0)                   | 1:6: flags '5W.' say the ACE bits twice",
                "+0 > . 1:1001(999)                | 1:8: 1:1001(999) does not add up: 1000 bytes",
                "+0 > . 1:1(0) ack 5000000000      | 1:19: an acknowledgment number 5000000000 is not from 0 to 4294967295",
                "+0 < . 1:1(0) win 70000           | 1:19: a window 70000 is not from 0 to 65535",
                "+0 > S 0:0(0) <mss 1460,wscale 8> | 1:15: these TCP options are 7 bytes, no multiple of 4: write nops",
                "+0 > S 0:0(0) <msx 5>             | 1:16: unknown TCP option 'msx' (mss, wscale, sackOK, sack, TS, nop, eol, md5, FO, FOEXP, ECN)",
                "+0 > S 0:0(0) <FO abc>            | 1:19: 'abc' is not 1 to 18 bytes in hexadecimal digits",
                "+0 > S 0:0(0) <ECN 5>             | 1:20: expected e0b or e1b, found '5'",
                "+0 < S 0:0(0) win 1 <...>         | 1:21: <...> is for outbound packets only",
                "+0 < [ect01] . 1:1(0) win 1       | 1:4: ect01 is for outbound packets only: write ect0 or ect1",
                "+0 > [wrong] . 1:1(0)             | 1:7: expected noecn, ect0, ect1, ce, ect01, tos, flowlabel or ttl, found 'wrong'",
                "+0 > [ect0] udp (5)               | 1:4: ECN is for TCP packets only: write tos 0x...",
                "* close(3) = 0                    | 1:1: '*' is a time of outbound packets only",
                "0~1 close(3) = 0                  | 1:1: a time range is for outbound packets only",
                "+2~+1 > . 1:1(0)                  | 1:1: the time range is backwards",
                "-1 close(3) = 0                   | 1:1: a time is not negative: -1",
                "later close(3) = 0                | 1:1: expected a time in seconds, found 'later'",
                "+0 close(3                        | 1:11: expected ',' or ')', found the end of the script",
                "+0 close(3)                       | 1:12: expected '=', found the end of the script",
                "+0 close(,) = 0                   | 1:10: expected an argument, found ','",
                "+0 f({events=1, x=2}) = 0         | 1:17: expected fd, ptr, u32 or u64, found 'x'",
                "+0 f(99999999999999999999) = 0    | 1:6: 99999999999999999999 does not fit 64 bits",
                "+0 = 5                            | 1:4: expected a packet, a call, a `command` or a %{ code block }%, found '='",
                "+0 f(\"abc) = 0                   | 1:6: a string is never closed",
                "+0 `abc                           | 1:4: a `command is never closed",
                "+0 %{ assert 1                    | 1:4: '%{' is never closed by '}%'",
                "/* +0 close(3) = 0                | 1:1: '/*' is never closed by '*/'",
                "// nothing                        | 1:11: expected an event, found the end of the script",
            })
    void shouldSayWhereAndWhat(String script, String message) {
        assertThatThrownBy(() -> ScriptParserTest.parse(script))
                .isInstanceOf(ScriptException.class)
                .hasMessage("t.pkt:" + message);
    }

    @Test
    void shouldCountLinesThroughCommentsStringsAndCode() {
        assertThatThrownBy(() -> ScriptParserTest.parse("// 1\n/* 2\n3 */\n0 `a\nb`\n+0 %{\nassert 1\n}%\n+0 oops"))
                .hasMessageStartingWith("t.pkt:9:8: expected '('");
    }

    @Test
    void shouldFindACodeBlockThatMakesNoSenseBeforeTheRun() {
        assertThatThrownBy(() -> ScriptParserTest.parse("0 close(3) = 0\n+0 %{\nassert 1 +\n}%"))
                .hasMessage("t.pkt:3: code block: did not expect the statement's end here");
    }

    @Test
    void shouldRefuseUnknownAndMalformedOptions() {
        assertThatThrownBy(() -> ScriptParserTest.parse("--colour=red\n0 close(3) = 0"))
                .hasMessage("t.pkt:1: unknown option --colour");
        assertThatThrownBy(() -> ScriptParserTest.parse("--mss=big\n0 close(3) = 0"))
                .hasMessage("t.pkt:1: --mss wants a number from 1 to 65535, not 'big'");
        assertThatThrownBy(() -> ScriptParserTest.parse("--strict_segments=yes\n0 close(3) = 0"))
                .hasMessage("t.pkt:1: --strict_segments takes no value");
        assertThatThrownBy(() -> ScriptParserTest.parse("--ip_version=ipx\n0 close(3) = 0"))
                .hasMessage("t.pkt:1: --ip_version wants ipv4, ipv4-mapped-ipv6 or ipv6, not 'ipx'");
        assertThatThrownBy(() -> ScriptParserTest.parse("0 close(3) = 0", Option.define("X")))
                .hasMessage("command line: a definition is SYM=VAL, not 'X'");
    }

    @Test
    void shouldSayThatAFileIsNotThere() {
        assertThatThrownBy(() -> ScriptParser.parse(Path.of("/nowhere/x.pkt"), List.of()))
                .hasMessage("/nowhere/x.pkt: no such file");
    }

    @Test
    void shouldNotLetAnythingFollowTheCleanup() {
        assertThatThrownBy(() -> ScriptParserTest.parse("0 close(3) = 0\n`a`\n+0 close(4) = 0"))
                .hasMessage(
                        "t.pkt:3:1: nothing may follow the cleanup command; an event's command has a time before it");
    }

    @Test
    void shouldAcceptOptionsOfOtherWaysOfRunning() throws ScriptException {
        assertThat(ScriptParserTest.parse("--wire_client\n--psp_udp_port=1000\n--speed=10\n0 close(3) = 0")
                        .events())
                .hasSize(1);
    }
}
