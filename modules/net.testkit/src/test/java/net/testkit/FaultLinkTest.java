package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A cable's direction in an imagined time. */
class FaultLinkTest {
    private static final long MS = 1_000_000;

    private static FaultLink link(String rates) {
        return new FaultLink(new FaultPlan(3, FaultPlan.Rates.parse(rates)), 0);
    }

    private static byte[] frame(int number) {
        byte[] frame = new byte[60];
        frame[59] = (byte) number;
        return frame;
    }

    /** Numbers of the frames that have arrived by now. */
    private static List<Integer> arrived(FaultLink link, long nowNs) {
        List<Integer> numbers = new ArrayList<>();
        for (byte[] f = link.poll(nowNs); f != null; f = link.poll(nowNs)) {
            numbers.add((int) f[59]);
        }
        return numbers;
    }

    @Test
    void shouldDeliverAfterTheDelayInOrder() {
        FaultLink link = link("delay=10ms");
        link.offer(frame(1), 0);
        link.offer(frame(2), 0);
        link.offer(frame(3), MS);
        assertThat(link.nextNs()).isEqualTo(10 * MS);
        assertThat(arrived(link, 10 * MS - 1)).isEmpty();
        assertThat(arrived(link, 10 * MS)).containsExactly(1, 2);
        assertThat(link.nextNs()).isEqualTo(11 * MS);
        assertThat(arrived(link, 11 * MS)).containsExactly(3);
        assertThat(link.nextNs()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void shouldLetFramesOvertakeByJitterAndLoseNone() {
        FaultLink link = link("delay=10ms,jitter=20ms");
        for (int i = 0; i < 100; i++) {
            link.offer(frame(i), 0);
        }
        List<Integer> got = new ArrayList<>();
        for (long t = 0; t <= 30 * MS; t += MS / 4) {
            assertThat(t >= 10 * MS || link.nextNs() >= 10 * MS).isTrue();
            got.addAll(arrived(link, t));
        }
        assertThat(got).hasSize(100).doesNotHaveDuplicates();
        assertThat(got).isNotEqualTo(got.stream().sorted().toList());
    }

    @Test
    void shouldLetGoOfAHeldFrameThatNothingFollows() {
        FaultLink link = link("delay=1ms,reorder=100%");
        link.offer(frame(1), 0);
        assertThat(arrived(link, 5 * MS)).isEmpty();
        assertThat(link.nextNs()).isEqualTo(10 * MS);
        arrived(link, link.nextNs());
        assertThat(arrived(link, 11 * MS)).containsExactly(1);
    }

    @Test
    void shouldForgetWhatIsOnItsWayWhenProgrammedAnew() {
        FaultLink link = link("delay=10ms");
        link.offer(frame(1), 0);
        link.program(new FaultPlan(1, FaultPlan.Rates.NONE));
        assertThat(arrived(link, 20 * MS)).isEmpty();
        link.offer(frame(2), 20 * MS);
        assertThat(arrived(link, 20 * MS)).containsExactly(2);
    }
}
