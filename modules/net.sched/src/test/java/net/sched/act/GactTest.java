package net.sched.act;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import net.core.UserError;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Lists of actions and {@code gact}. */
@Timeout(60)
class GactTest {
    @ParameterizedTest
    @CsvSource({
        "drop, 2",
        "shot, 2",
        "ok, 0",
        "pass, 0",
        "continue, -1",
        "reclassify, 1",
        "trap, 8",
        "gact drop, 2",
        "goto chain 42, 0x2000002A",
        "pipe, 0",
        "pipe action drop, 2",
        "pipe action pipe action trap, 8",
        "drop action pass, 2",
        "jump 2 action drop action trap, 8",
        "jump 0 action drop, 0",
        "jump 7 action drop, 0",
        "jump 2 action drop, 0",
        "pipe action jump 1 action drop, 0",
        "pip, 0",
    })
    void shouldDoWhatTheListSays(String words, String verdict) {
        try (ActionLab lab = new ActionLab()) {
            TcfExts exts = lab.exts(words);
            assertThat(lab.exec(exts, 60)).isEqualTo(Integer.decode(verdict));
            exts.destroy();
            assertThat(TcActionTable.of(lab.net).all("gact")).isEmpty();
        }
    }

    /** One in ten by chance, from the kernel's seed; every tenth by count. */
    @Test
    void shouldChooseAtRandomOrByCount() {
        try (ActionLab lab = new ActionLab("seed=7")) {
            TcfExts chance = lab.exts("pass random netrand drop 10");
            TcfExts count = lab.exts("pass random determ drop 10");
            int n = 30_000;
            int byChance = 0;
            int byCount = 0;
            for (int i = 1; i <= n; i++) {
                byChance += lab.exec(chance, 60) == TcfBlock.TC_ACT_SHOT ? 1 : 0;
                boolean shot = lab.exec(count, 60) == TcfBlock.TC_ACT_SHOT;
                assertThat(shot).isEqualTo(i % 10 == 0);
                byCount += shot ? 1 : 0;
            }
            assertThat(byChance / (double) n).as("seed 7").isCloseTo(0.1, within(0.004));
            assertThat(byCount).isEqualTo(n / 10);
            assertThat(chance.get(0).packets()).isEqualTo(n);
            assertThat(chance.get(0).bytes()).isEqualTo(60L * n);
            assertThat(chance.get(0).drops()).isEqualTo(byChance);
        }
    }

    /** A number that is there is bound as it is; it lives as long as somebody holds it. */
    @Test
    void shouldShareByIndex() {
        try (ActionLab lab = new ActionLab()) {
            TcActionTable table = TcActionTable.of(lab.net);
            TcfExts a = lab.exts("drop index 7");
            TcfExts b = lab.exts("gact index 7");
            assertThat(b.get(0)).isSameAs(a.get(0));
            assertThat(lab.exec(b, 100)).isEqualTo(TcfBlock.TC_ACT_SHOT);
            assertThat(a.get(0).refs()).isEqualTo(2);
            TcfExts c = lab.exts("pass");
            assertThat(c.get(0).index).isOne();
            a.destroy();
            assertThat(table.find("gact", 7)).isNotNull();
            b.destroy();
            assertThat(table.find("gact", 7)).isNull();
        }
    }

    /** Nothing is held when a later word of the list is wrong. */
    @ParameterizedTest
    @CsvSource({
        "drop action nonsense 3, 'Unknown action \"nonsense\", hence option \"3\" is unparsable: known are '",
        "drop action, bad action empty 1",
        "drop random sometimes pass 3, 'Illegal \"random type\"'",
        "drop random netrand pass 10001, 'Illegal \"probability val\"'",
        "goto 3, '\"chain index\" expected'",
        "drop index x, 'Illegal \"index\"'",
        "drop cookie abc, 'Error: argument \"abc\" is wrong: cookie must'",
    })
    void shouldRefuseInOneLine(String words, String message) {
        try (ActionLab lab = new ActionLab()) {
            assertThatThrownBy(() -> lab.exts(words))
                    .isInstanceOf(UserError.class)
                    .hasMessageStartingWith(message)
                    .hasMessageNotContaining("\n");
            assertThat(TcActionTable.of(lab.net).all("gact")).isEmpty();
        }
    }

    /** As print_action() of iproute2 does. */
    @Test
    void shouldPrintAsTc() {
        try (ActionLab lab = new ActionLab()) {
            TcfExts exts = lab.exts("pass random determ drop 10 cookie 00ff action goto chain 3 index 0x10");
            lab.exec(exts, 60);
            assertThat(ActionLab.text(exts, true)).isEqualTo("""

                            \taction order 1: gact action pass
                            \t random type determ drop val 10
                            \t index 1 ref 1 bind 1
                            \tAction statistics:
                            \tSent 60 bytes 1 pkt (dropped 0, overlimits 0 requeues 0)\s
                            \tbacklog 0b 0p requeues 0
                            \tcookie 00ff

                            \taction order 2: gact action goto chain 3
                            \t random type none pass val 0
                            \t index 16 ref 1 bind 1
                            \tAction statistics:
                            \tSent 0 bytes 0 pkt (dropped 0, overlimits 0 requeues 0)\s
                            \tbacklog 0b 0p requeues 0
                            """);
            TcPrint json = new TcPrint(true);
            exts.dump(json.open(""), false);
            assertThat(json.close().toString())
                    .isEqualTo("{\"actions\":[{\"order\":1,\"kind\":\"gact\",\"control_action\":{\"type\":\"pass\"},"
                            + "\"prob\":{\"random_type\":\"determ\",\"control_action\":{\"type\":\"drop\"},\"val\":10},"
                            + "\"index\":1,\"ref\":1,\"bind\":1,\"cookie\":\"00ff\"},"
                            + "{\"order\":2,\"kind\":\"gact\",\"control_action\":{\"type\":\"goto\",\"chain\":3},"
                            + "\"prob\":{\"random_type\":\"none\",\"control_action\":{\"type\":\"pass\"},\"val\":0},"
                            + "\"index\":16,\"ref\":1,\"bind\":1}]}");
        }
    }
}
