package net.testkit.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import net.testkit.packetdrill.CounterDiff;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What {@code nstat} shows of a host after a scenario over a TAP: Softnet's counters moved as Linux's did in its place, with
 * the same peer and the same frames lost. A machine that does something else at the wrong moment gets another chance.
 */
@Tag("tap")
@Timeout(90)
class CountersTest {
    private static final int ATTEMPTS = 3;
    private static final Executor HOSTS = task -> Thread.ofPlatform().start(task);

    @ParameterizedTest
    @EnumSource
    void shouldMoveAsOnLinux(Scenario scenario) throws Exception {
        List<String> differences = List.of();
        for (int i = 0; i < ATTEMPTS; i++) {
            CompletableFuture<Map<String, Long>> ours =
                    CompletableFuture.supplyAsync(() -> play(scenario, true), HOSTS);
            Map<String, Long> linux = play(scenario, false);
            Map<String, Long> softnet = ours.get();
            assertThat(linux).as("what moved on Linux").containsKey("IpOutRequests");
            differences = CounterDiff.between(softnet, linux).stream()
                    .filter(d -> !scenario.tolerated().containsKey(d.substring(0, d.indexOf(':'))))
                    .toList();
            if (differences.isEmpty()) {
                return;
            }
        }
        assertThat(differences).as("%s", scenario).isEmpty();
    }

    private static Map<String, Long> play(Scenario scenario, boolean softnet) {
        try (Stage stage = new Stage(softnet)) {
            stage.mark();
            scenario.run(stage);
            Stage.pause(100);
            return stage.moved();
        } catch (Exception e) {
            throw new AssertionError(scenario + " on " + (softnet ? "Softnet" : "Linux"), e);
        }
    }
}
