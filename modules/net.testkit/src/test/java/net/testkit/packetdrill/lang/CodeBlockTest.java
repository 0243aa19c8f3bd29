package net.testkit.packetdrill.lang;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CodeBlockTest {
    private static final Map<String, Long> FIELDS =
            Map.of("tcpi_snd_cwnd", 10L, "tcpi_options", 0x27L, "tcpi_rtt", 15_000L, "tcpi_ca_state", 3L);

    private final List<String> printed = new ArrayList<>();
    private final CodeEnv env = new CodeEnv(printed::add);

    private void run(String text) throws CodeException {
        env.run(new Code(7, text), FIELDS::get);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "assert tcpi_snd_cwnd == 10",
                "assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd",
                "assert 10000 <= tcpi_rtt <= 20000, 'rtt=%d' % tcpi_rtt",
                "assert 0 < 1 < 2 < 3 != 5",
                "assert (tcpi_options & TCPI_OPT_SYN_DATA) != 0, tcpi_options",
                "assert tcpi_ca_state == TCP_CA_Recovery",
                "assert tcpi_ca_state == TCP_CA_Recovery, 'state %d %d' % (tcpi_ca_state, tcpi_rtt)",
                "assert tcpi_snd_cwnd == 10 # and no more",
                "x = 0x7fffffff; assert x == 2147483647",
                "assert 7 - 2 - 1 == 4; assert 7 % 4 == 3 and -7 % 4 == 1; assert 7 // 2 == 3 and -7 // 2 == -4",
                "assert 1 | 6 & 4 == 5",
                "assert not (tcpi_snd_cwnd == 9 or tcpi_snd_cwnd == 11)",
                "assert 1 << 4 >> 2 ^ 1 == 5 and ~0 == -1",
                "assert tcpi_snd_cwnd \\\n  == 10, \\\n  'no'",
                "assert (tcpi_snd_cwnd ==\n 10)",
                "\n  assert 1\n\n  assert 2;\n \\",
                "assert abs(-5) == max(1, 5, 2) and min(3, 2) == 2 and True and not False",
                "assert 'a' + 'b' == 'ab' and (1, 2) == (1, 2) and (1,) != 1",
            })
    void shouldHold(String block) throws CodeException {
        run(block);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "assert tcpi_snd_cwnd == 9, tcpi_snd_cwnd     | assert tcpi_snd_cwnd == 9: 10",
                "assert 20000 <= tcpi_rtt <= 30000            | assert 20000 <= tcpi_rtt <= 30000",
                "assert 10000 <= tcpi_rtt <= 14999            | assert 10000 <= tcpi_rtt <= 14999",
                "assert (tcpi_options & 8) != 0, 'o=%x' % tcpi_options | assert (tcpi_options & 8) != 0: o=27",
                "assert tcpi_missing == 1                     | code block: no name 'tcpi_missing' here",
                "assert 'a' < 1                               | code block: 'a' is no number",
                "assert len(1)                                | code block: no function 'len'",
                "assert 1 % 0                                 | code block: division by zero",
                "assert '%d' % (1, 2)                         | code block: '%d' has fewer conversions than values",
                "assert '%d %d' % 1                           | code block: '%d %d' has more conversions than values",
                "assert 5 $ 3                                 | '$' has no meaning in a code block",
                "assert                                       | code block: did not expect the statement's end here",
                "assert (1                                    | code block: did not expect the statement's end here",
                "assert 1 2                                   | code block: did not expect '2' here",
                "abs(1, 2)                                    | code block: abs() does not take 2 values",
            })
    void shouldSayWhatDoesNotHold(String block, String message) {
        assertThatThrownBy(() -> run(block)).isInstanceOf(CodeException.class).hasMessage(message);
    }

    @Test
    void shouldKeepVariablesThroughTheScriptAndPrint() throws CodeException {
        run("cwnd = tcpi_snd_cwnd");
        run("cwnd += 10; cwnd -= 1\nprint(cwnd, 'segments')");
        run("assert cwnd == 19");
        assertThat(printed).containsExactly("19 segments");
    }

    @Test
    void shouldNameTheLineOfTheScript() {
        assertThatThrownBy(() -> run("assert 1\nx = 5\nassert x == \\\n 6"))
                .isInstanceOfSatisfying(
                        CodeException.class, e -> assertThat(e.line()).isEqualTo(9));
    }
}
