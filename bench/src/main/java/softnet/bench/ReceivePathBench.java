package softnet.bench;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import net.testkit.SegmentPump;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One in-order segment of 1,448 bytes from {@code netifReceiveSkb} through IP and TCP to the socket's queue, and a read
 * of it; the copy of the frame into packet memory, which a card's DMA does, and the delayed ACK to a driver that frees it
 * are in the figure. Run with {@code -prof gc}: the norm is under 0.1 B/op.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Thread)
@Warmup(iterations = 3, time = 3)
@Measurement(iterations = 3, time = 10) // long: what JMH itself allocates an iteration must not show
@Fork(1)
public class ReceivePathBench {
    /** How much else the JIT has seen: see {@link Profiles}. */
    @Param({"clean", "polluted"})
    String profile;

    /** Segments that wait unread: with none, each read gives the socket's memory back, and header prediction fails. */
    @Param({"0", "16"})
    int queued;

    private SegmentPump pump;

    @Setup
    public void open() throws Exception {
        Profiles.prepare(profile);
        pump = SegmentPump.open();
        for (int i = 0; i < queued; i++) {
            pump.receiveSegment();
        }
    }

    @TearDown
    public void close() {
        pump.close();
    }

    @Benchmark
    public int receiveAndRead() throws IOException {
        pump.receiveSegment();
        return pump.read();
    }
}
