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
 * One segment of 1,448 bytes from {@code tcpSendmsg} through TCP, IP, neighbour and device layer to a driver that frees
 * it; and what the peer must give back for it to go on, an ACK for every second segment. Run with {@code -prof gc}: the
 * norm is under 0.1 B/op.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Thread)
@Warmup(iterations = 3, time = 3)
@Measurement(iterations = 3, time = 10) // long: what JMH itself allocates an iteration must not show
@Fork(1)
public class SendPathBench {
    /** How much else the JIT has seen: see {@link Profiles}. */
    @Param({"clean", "polluted"})
    String profile;

    private SegmentPump pump;
    private int sent;

    @Setup
    public void open() throws Exception {
        Profiles.prepare(profile);
        pump = SegmentPump.open();
    }

    @TearDown
    public void close() {
        pump.close();
    }

    @Benchmark
    public int writeAndHalfAnAck() throws IOException {
        int n = pump.write();
        if ((++sent & 1) == 0) {
            pump.acknowledge();
        }
        return n;
    }
}
