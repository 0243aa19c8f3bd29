package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import drivers.tapnic.Coalescing;
import drivers.tapnic.TapNic;
import net.skbuff.Errno;
import org.junit.jupiter.api.Test;

/** Interrupts held back, and rings resized: what {@code ethtool -C} and {@code -G} change. */
class TapNicCoalescingTest {
    private static final long US = 1_000;

    private static TapNic.Settings when(int rxUsecs, int rxFrames, int txUsecs, int txFrames) {
        return TapNic.Settings.DEFAULT.withCoalescing(new Coalescing(rxUsecs, rxFrames, txUsecs, txFrames));
    }

    @Test
    void shouldInterruptForEachFrameByDefault() {
        try (NicRig rig = new NicRig(TapNic.Settings.DEFAULT)) {
            for (int i = 0; i < 10; i++) {
                rig.wire.arrive(rig.frame(500, i));
                rig.pass(10 * US);
            }
            assertThat(rig.received).hasSize(10);
            assertThat(rig.stat("rx_interrupts")).isEqualTo(10);
        }
    }

    @Test
    void shouldHoldArrivalsBackForTheTimeOfTheFirst() {
        try (NicRig rig = new NicRig(when(200, 0, 0, 0))) {
            long start = rig.kernel.clock().nanoTime();
            for (int i = 0; i < 10; i++) {
                rig.wire.arrive(rig.frame(500, i));
                rig.pass(10 * US);
            }
            assertThat(rig.received).as("before 200 us").isEmpty();
            rig.pass(1_000 * US);
            assertThat(rig.received).hasSize(10);
            assertThat(rig.stat("rx_interrupts")).isEqualTo(1);
            assertThat(rig.receivedNs.get(0) - start).isBetween(200 * US, 230 * US);
            rig.wire.arrive(rig.frame(500, 10));
            rig.pass(1_000 * US);
            assertThat(rig.received).as("the time starts anew").hasSize(11);
        }
    }

    @Test
    void shouldInterruptEarlierWhenEnoughFramesHaveArrived() {
        try (NicRig rig = new NicRig(when(10_000, 4, 0, 0))) {
            for (int i = 0; i < 11; i++) {
                rig.wire.arrive(rig.frame(500, i));
                rig.pass(10 * US);
            }
            assertThat(rig.received).as("twice four").hasSize(8);
            assertThat(rig.stat("rx_interrupts")).isEqualTo(2);
            rig.pass(20_000 * US);
            assertThat(rig.received).as("the rest by the clock").hasSize(11);
            assertThat(rig.stat("rx_interrupts")).isEqualTo(3);
        }
    }

    @Test
    void shouldReturnSentPacketsInOneInterrupt() {
        try (NicRig rig = new NicRig(when(0, 0, 500, 0))) {
            rig.withoutByteLimit();
            long before = rig.stat("tx_interrupts");
            for (int i = 0; i < 10; i++) {
                rig.send(rig.frame(500, i));
            }
            assertThat(rig.wire.sent).as("frames leave at once").hasSize(10);
            assertThat(rig.stat("tx_interrupts")).isEqualTo(before);
            rig.pass(2_000 * US);
            assertThat(rig.stat("tx_interrupts")).isEqualTo(before + 1);
            assertThat(rig.kernel.memory().outstandingSkbs())
                    .as("only what is posted")
                    .isEqualTo(256);
        }
    }

    @Test
    void shouldReturnSentPacketsEarlierByNumberAndNeverStall() {
        TapNic.Settings small = new TapNic.Settings(
                64, 64, 64, 256, true, TapNic.Settings.DEFAULT.model(), new Coalescing(0, 0, 5_000, 8));
        try (NicRig rig = new NicRig(small)) {
            rig.withoutByteLimit();
            for (int i = 0; i < 1_000; i++) {
                rig.send(rig.frame(1_400, i));
            }
            rig.pass(20_000 * US);
            assertThat(rig.wire.sent).hasSize(1_000);
            assertThat(rig.stat("tx_interrupts")).isBetween(1_000L / 64, 1_000L / 8 + 1);
            assertThat(rig.dev.tx[0].xmitStopped()).isFalse();
        }
    }

    @Test
    void shouldBeSetWhileRunning() {
        try (NicRig rig = new NicRig(TapNic.Settings.DEFAULT)) {
            assertThat(rig.dev.ops.ethtoolSetCoalesce(rig.dev, 300, 16, 100, 0)).isZero();
            assertThat(rig.dev.ops.ethtoolCoalesce(rig.dev)).containsExactly(300, 16, 100, 0);
            rig.wire.arrive(rig.frame(500, 1));
            rig.pass(200 * US);
            assertThat(rig.received).isEmpty();
            rig.pass(200 * US);
            assertThat(rig.received).hasSize(1);
            assertThat(rig.dev.ops.ethtoolSetCoalesce(rig.dev, 0, 16, 0, 0))
                    .as("frames without a time would wait for ever")
                    .isEqualTo(-Errno.EINVAL);
        }
    }

    @Test
    void shouldResizeRingsWhileUp() {
        try (NicRig rig = new NicRig(TapNic.Settings.DEFAULT)) {
            rig.kernel
                    .rtnl()
                    .run(() -> assertThat(rig.dev.ops.ethtoolSetRingParam(rig.dev, 1024, 128))
                            .isZero());
            assertThat(rig.dev.ops.ethtoolRingParam(rig.dev)).containsExactly(4096, 4096, 1024, 128);
            for (int i = 0; i < 2_000; i++) {
                rig.wire.arriving.add(new byte[10 + 500]);
            }
            rig.wire.arrive(rig.frame(500, 1));
            rig.pass(50_000 * US);
            assertThat(rig.received).hasSize(1);
            rig.send(rig.frame(500, 2));
            assertThat(rig.wire.sent).hasSize(1);
            assertThat(rig.dev.ops.ethtoolSetRingParam(rig.dev, 1000, 128)).isEqualTo(-Errno.EINVAL);
        }
    }
}
