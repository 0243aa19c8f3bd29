package net.sched;

import static net.sched.QdiscLab.MS;
import static net.sched.QdiscLab.SEC;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import net.core.UserError;
import org.junit.jupiter.api.Test;

/** The credit based shaper. */
class CbsTest {
    private static final long MBIT = 1_000_000 / 8;

    /** The idle slope is the class's rate, whatever the packets' sizes. */
    @Test
    void shouldHoldTheIdleSlope() {
        for (int size : new int[] {1514, 300, 64}) {
            try (QdiscLab lab =
                    new QdiscLab("cbs idleslope 20000 sendslope -80000 hicredit 300 locredit -1300", 100 * MBIT)) {
                lab.flow(1).size = size;
                lab.cbr(1, 60_000_000, 0);
                lab.run(2 * SEC);
                double mbit = lab.flow(1).deliveredBytes * 8 / 2e6;
                assertThat(mbit)
                        .as("packets of %d bytes: %s", size, lab.stats())
                        .isCloseTo(20, within(0.2));
            }
        }
    }

    /** A packet after an idle time goes at once; the next waits until the debt is paid. */
    @Test
    void shouldNotSaveCreditWhileIdle() {
        try (QdiscLab lab =
                new QdiscLab("cbs idleslope 1000 sendslope -9000 hicredit 1000 locredit -2000", 10 * MBIT)) {
            lab.run(SEC);
            lab.flow(1).size = 1000;
            long start = lab.now();
            for (int i = 0; i < 3; i++) {
                lab.send(lab.flow(1));
            }
            lab.run(100 * MS);
            // 1000 bytes cost 900; at 125 bytes a ms that takes 7.2 ms from the end of the packet, 0.8 ms long.
            assertThat(lab.flow(1).times).hasSize(3);
            assertThat(lab.flow(1).times.get(0) - start).isZero();
            assertThat((lab.flow(1).times.get(1) - start) / 1e6).isCloseTo(8, within(0.05));
            assertThat((lab.flow(1).times.get(2) - start) / 1e6).isCloseTo(16, within(0.1));
        }
    }

    @Test
    void shouldPrintCbsAsIproute2() {
        try (QdiscLab lab = new QdiscLab("cbs", MBIT)) {
            assertThat(lab.stats()).isEqualTo("""
                    qdisc cbs 1: root refcnt 2 hicredit 0 locredit 0 sendslope 0 idleslope 0 offload 0\s
                     Sent 0 bytes 0 pkt (dropped 0, overlimits 0 requeues 0)\s
                     backlog 0b 0p requeues 0
                    """);
        }
        assertThatThrownBy(() -> new QdiscLab("cbs rate 3", 0)).isInstanceOf(UserError.class);
    }
}
