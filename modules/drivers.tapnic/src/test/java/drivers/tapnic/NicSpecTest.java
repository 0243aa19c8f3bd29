package drivers.tapnic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.core.UserError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NicSpecTest {
    private static TapNic.Settings parse(String spec) {
        return NicSpec.parse(spec, TapNic.Settings.DEFAULT);
    }

    @Test
    void shouldReadEveryWord() {
        TapNic.Settings s =
                parse("rx-ring=1024,tx-ring=128,rx-usecs=20,rx-frames=32,tx-usecs=50,tx-frames=8,copybreak=0,"
                        + "rate=1gbit,overhead=20,completion-delay=5us,pause=on");
        assertThat(s)
                .isEqualTo(new TapNic.Settings(
                        128,
                        1024,
                        256,
                        0,
                        true,
                        new WireModel(1_000_000_000L, 5_000, true, 20, false),
                        new Coalescing(20, 32, 50, 8)));
        assertThat(parse(NicSpec.describe(s))).as("says it in its own words").isEqualTo(s);
    }

    @Test
    void shouldLeaveAloneWhatIsNotNamed() {
        assertThat(parse("rx-usecs=0")).isEqualTo(TapNic.Settings.DEFAULT);
        assertThat(parse("rate=2.5mbit").model().bitsPerSecond()).isEqualTo(2_500_000);
    }

    @Test
    void shouldHaveNoOffloadsOnACheckedWire() {
        assertThat(parse("fcs=on").offload()).isFalse();
        assertThat(parse("fcs=on").model().fcs()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "rx-ring",
                "rx-ring=",
                "rx-ring=500",
                "tx-ring=32",
                "rx-ring=8192",
                "ring=512",
                "rx-usecs=-1",
                "rx-usecs=2000000",
                "rx-frames=32",
                "tx-frames=2,rx-usecs=5",
                "rate=fast",
                "rate=1gbyte",
                "rate=-1mbit",
                "rate=9999gbit",
                "completion-delay=5",
                "completion-delay=2s",
                "completion-delay=9000ms",
                "pause=yes",
                "fcs=1",
                "rx-usecs=1,,fcs=on",
                "copybreak=2000"
            })
    void shouldSayInOneLineWhatIsWrong(String spec) {
        assertThatThrownBy(() -> parse(spec))
                .isInstanceOf(UserError.class)
                .message()
                .startsWith("nic ")
                .contains("want")
                .doesNotContain("\n");
    }
}
