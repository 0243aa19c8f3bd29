package softnet.bench;

import java.util.concurrent.TimeUnit;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.SkbCache;
import net.skbuff.SkbMemory;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a packet's memory costs: allocate and free on one CPU, freed elsewhere, and with the 17 fragments of a 64 KiB
 * send. Run with {@code -prof gc}: the norm is 0 B/op.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Thread)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class SkbAllocBench {
    private static final int BATCH = 64;

    private final SkbMemory memory = new SkbMemory();
    private final SkbCache cache = new SkbCache(memory, 0);
    private final SkbCache elsewhere = new SkbCache(memory, 1);
    private final SkBuff[] batch = new SkBuff[BATCH];

    @Benchmark
    public int allocAndFree() {
        SkBuff skb = cache.allocSkb(1600);
        skb.reserve(64);
        skb.put(1500);
        int len = skb.len;
        skb.consume(cache);
        return len;
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void allocAndFreeInBatches() {
        for (int i = 0; i < BATCH; i++) {
            batch[i] = cache.allocSkb(1600);
        }
        for (int i = 0; i < BATCH; i++) {
            batch[i].consume(cache);
        }
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void allocAndFreeElsewhere() {
        for (int i = 0; i < BATCH; i++) {
            batch[i] = cache.allocSkb(1600);
        }
        for (int i = 0; i < BATCH; i++) {
            batch[i].consume(elsewhere);
        }
        cache.drainRemoteFree();
    }

    /** A GSO packet as tcpSendmsg makes it, two pages and 17 references. */
    @Benchmark
    public int allocAndFreeOf64KiB() {
        SkBuff skb = cache.allocSkb(320);
        skb.reserve(256);
        Page page = cache.allocPage(32768);
        for (int i = 0; i < SkBuff.MAX_SKB_FRAGS; i++) {
            if (i == 8) {
                page.put(cache);
                page = cache.allocPage(32768);
            }
            page.get();
            skb.addFrag(page, (i & 7) * 4000, 3900, 3900);
        }
        page.put(cache);
        int len = skb.len;
        skb.consume(cache);
        return len;
    }
}
