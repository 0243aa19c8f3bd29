package softnet.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.core.UserError;
import org.junit.jupiter.api.Test;

class TcWordsTest {
    @Test
    void shouldSplitWords() {
        assertThat(TcWords.split("  tbf rate\t10mbit 'a b' \"\" c'd'e "))
                .containsExactly("tbf", "rate", "10mbit", "a b", "", "cde");
        assertThatThrownBy(() -> TcWords.split("x 'y")).isInstanceOf(UserError.class);
    }

    @Test
    void shouldFindTheKind() {
        assertThat(TcWords.rootSpec("pfifo limit 100")).isEqualTo("pfifo limit 100");
        assertThat(TcWords.rootSpec("root handle 1: pfifo")).isEqualTo("pfifo");
        assertThatThrownBy(() -> TcWords.rootSpec("root")).isInstanceOf(UserError.class);
    }

    @Test
    void shouldReadSizes() {
        assertThat(DemoCommand.size("256M")).isEqualTo(256L << 20);
        assertThat(DemoCommand.size("7")).isEqualTo(7);
        assertThatThrownBy(() -> DemoCommand.size("many")).isInstanceOf(UserError.class);
    }
}
