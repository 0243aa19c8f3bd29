package softnet.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
import net.skbuff.Checksum;
import org.agrona.UnsafeApi;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The Internet checksum, with the ways not taken: end-around carry per word, and a memory segment. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Thread)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class ChecksumBench {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

    @Param({"20", "1460", "32768"})
    int length;

    private final MemorySegment segment = Arena.global().allocate(65536, 64);
    private final long from = segment.address();
    private final long to = Arena.global().allocate(65536, 64).address();

    @Benchmark
    public int partial() {
        return Checksum.partial(from, length, 0);
    }

    @Benchmark
    public int copyAndSum() {
        return Checksum.copy(from, to, length, 0);
    }

    @Benchmark
    public int copyThenSum() {
        UnsafeApi.copyMemory(from, to, length);
        return Checksum.partial(to, length, 0);
    }

    /** Rejected: one add-with-carry chain, which the compiler cannot run in parallel. */
    @Benchmark
    public long carryPerWord() {
        long sum = 0;
        for (int i = 0; i + 8 <= length; i += 8) {
            long v = UnsafeApi.getLong(from + i);
            sum += v;
            if (Long.compareUnsigned(sum, v) < 0) {
                sum++;
            }
        }
        return sum;
    }

    /** Rejected: what the auto-vectoriser makes of a memory segment. */
    @Benchmark
    public long segmentInts() {
        long sum = 0;
        for (long i = 0; i + 4 <= length; i += 4) {
            sum += segment.get(INT, i) & 0xffff_ffffL;
        }
        return sum;
    }
}
