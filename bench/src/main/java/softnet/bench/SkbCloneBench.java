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
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What TCP does to send a packet that it keeps: clone, push three headers, free the clone. And what it does not: a
 * copy with a private header, for comparison.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Thread)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class SkbCloneBench {
    @Param({"1", "17"})
    int frags;

    private final SkbMemory memory = new SkbMemory();
    private final SkbCache cache = new SkbCache(memory, 0);
    private SkBuff kept;

    @Setup
    public void keepOne() {
        kept = cache.allocSkb(320);
        kept.reserve(256);
        Page page = cache.allocPage(32768);
        for (int i = 0; i < frags; i++) {
            page.get();
            kept.addFrag(page, i * 1500, 1448, 1448);
        }
        page.put(cache);
        kept.releaseHeader();
    }

    @Benchmark
    public int clonePushFree() {
        SkBuff skb = kept.clone(cache);
        skb.push(32);
        skb.resetTransportHeader();
        skb.push(20);
        skb.resetNetworkHeader();
        skb.push(14);
        skb.resetMacHeader();
        int len = skb.len;
        skb.consume(cache);
        return len;
    }

    @Benchmark
    public int copyHeaderPushFree() {
        SkBuff skb = kept.pskbCopy(cache, 256);
        skb.push(66);
        int len = skb.len;
        skb.consume(cache);
        return len;
    }

    @Benchmark
    public int pushPull() {
        kept.push(14);
        kept.push(20);
        kept.pull(14);
        kept.pull(20);
        return kept.len;
    }
}
