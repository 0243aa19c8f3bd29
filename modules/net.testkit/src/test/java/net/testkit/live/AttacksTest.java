package net.testkit.live;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Attacks over a live wire: honest work goes on and memory keeps to its settings. {@code bench/attacks/run} has the figures. */
@Tag("tap")
@Timeout(240)
class AttacksTest {
    private static final boolean FULL = Boolean.getBoolean("softnet.full");

    @ParameterizedTest
    @EnumSource
    void shouldGoOnServing(Attacks attack) throws Exception {
        int size = FULL ? attack.fullSize() : attack.fullSize() / (attack == Attacks.HOLDERS ? 5 : 25);
        Finding finding = attack.run(size);
        System.out.println(finding);
        assertThat(finding.broken()).as("%s", finding).isEmpty();
    }
}
