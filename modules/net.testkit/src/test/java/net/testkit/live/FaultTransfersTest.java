package net.testkit.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import net.testkit.FaultPlan;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Bulk transfers against the machine's Linux through loss, reordering, duplication, corruption, delay and jitter: all bytes
 * arrive and no connection is lost. How fast is measured by {@code bench/fault-transfer/run}.
 */
@Tag("tap")
@Timeout(280)
class FaultTransfersTest {
    private static final boolean FULL = Boolean.getBoolean("softnet.full");
    private static final int PROFILES = FULL ? 60 : 8;
    private static final long SEED = 500;

    @Test
    void shouldMoveEveryByteThroughFaultsBothWays() throws Exception {
        List<FaultProfile> profiles = LongStream.range(SEED, SEED + PROFILES)
                .mapToObj(FaultProfile::of)
                .map(p -> new FaultProfile(p.seed(), p.rates(), Math.min(p.bytes(), FULL ? p.bytes() : 256 * 1024)))
                .toList();
        List<FaultTransfers.Outcome> outcomes = new ArrayList<>();
        try (FaultTransfers hosts = new FaultTransfers(8, "cubic")) {
            hosts.run(profiles, outcomes::add);
        }
        assertThat(outcomes)
                .hasSize(4 * PROFILES)
                .allSatisfy(o -> assertThat(o.error())
                        .as("seed %d %s", o.profile().seed(), o)
                        .isEmpty());
    }

    @Test
    void shouldDrawTheSameProfileFromASeed() {
        assertThat(FaultProfile.of(7)).isEqualTo(FaultProfile.of(7)).isNotEqualTo(FaultProfile.of(8));
        assertThat(LongStream.range(0, 1000).mapToObj(FaultProfile::of)).allSatisfy(p -> {
            FaultPlan.Rates r = p.rates();
            assertThat(r.loss()).isBetween(0.001, 0.1);
            assertThat(r.delayNs()).isBetween(2_000_000L, 200_000_000L);
            assertThat(r.jitterNs()).isBetween(0L, 200_000_000L);
        });
    }
}
