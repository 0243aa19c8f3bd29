package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A segment's way in and out allocates nothing on the Java heap once the pools are warm. */
@Timeout(120)
class AllocationTest {
    private static final int WARM_UP = 200_000;
    private static final int OPERATIONS = 1_000_000;
    private static final double LIMIT_BYTES = 0.1;

    @Test
    void shouldReceiveWithoutGarbage() throws Exception {
        try (SegmentPump pump = SegmentPump.open()) {
            double bytes = AllocationMeter.bytesPerOperation(WARM_UP, OPERATIONS, i -> {
                pump.receiveSegment();
                assertThatIsMss(pump.read());
            });
            System.out.printf("receive and read: %.4f B/op, %d frames out%n", bytes, pump.sent());
            assertThat(bytes).isLessThan(LIMIT_BYTES);
        }
    }

    @Test
    void shouldPredictHeadersWithoutGarbage() throws Exception {
        try (SegmentPump pump = SegmentPump.open()) {
            // Prediction wants memory reserved, which a queue that is read empty each time gives back.
            for (int i = 0; i < 16; i++) {
                pump.receiveSegment();
            }
            double bytes = AllocationMeter.bytesPerOperation(WARM_UP, OPERATIONS, i -> {
                pump.receiveSegment();
                assertThatIsMss(pump.read());
            });
            long hits = pump.kernel.initNet().mib().read("TcpExtTCPHPHits");
            System.out.printf("receive behind a queue: %.4f B/op, %d header predictions%n", bytes, hits);
            assertThat(bytes).isLessThan(LIMIT_BYTES);
            assertThat(hits).isPositive();
        }
    }

    /** Each segment's signature is checked, each acknowledgment's made. */
    @Test
    void shouldSignWithoutGarbage() throws Exception {
        try (SegmentPump pump = SegmentPump.openSigned()) {
            double bytes = AllocationMeter.bytesPerOperation(WARM_UP, OPERATIONS / 4, i -> {
                pump.receiveSegment();
                assertThatIsMss(pump.read());
            });
            System.out.printf("receive and read, signed: %.4f B/op, %d frames out%n", bytes, pump.sent());
            assertThat(bytes).isLessThan(LIMIT_BYTES);
            assertThat(pump.sent()).isGreaterThan(OPERATIONS / 16);
            assertThat(pump.kernel.initNet().mib().read("TcpExtTCPMD5Failure")).isZero();
        }
    }

    @Test
    void shouldSendWithoutGarbage() throws Exception {
        try (SegmentPump pump = SegmentPump.open()) {
            double bytes = AllocationMeter.bytesPerOperation(WARM_UP, OPERATIONS, i -> {
                assertThatIsMss(pump.write());
                if ((i & 1) == 1) {
                    pump.acknowledge();
                }
            });
            System.out.printf("write and acknowledge: %.4f B/op, %d frames out%n", bytes, pump.sent());
            assertThat(bytes).isLessThan(LIMIT_BYTES);
            assertThat(pump.sent()).isGreaterThanOrEqualTo(OPERATIONS);
        }
    }

    private static void assertThatIsMss(int n) {
        if (n != SegmentPump.MSS) {
            throw new AssertionError("moved " + n + " bytes");
        }
    }
}
