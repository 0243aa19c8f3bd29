package softnet.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.DevGlobals;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscSkbCb;
import net.core.dev.SchGeneric;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.agrona.UnsafeApi;
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
 * A packet out of a qdisc and into it again, 32 of 16 flows being held, under the root lock as the stack takes it. Time stands
 * still: a benchmark that lost its core for some milliseconds would look like congestion. Run with {@code -prof gc}: the norm is 0 B/op.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Thread)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 3, time = 2)
@Fork(1)
public class QdiscBench {
    private static final int HELD = 32;
    private static final int FLOWS = 16;

    @Param({"pfifo", "pfifo_fast", "codel", "pie", "red", "fq", "fq_codel", "fq_pie", "sfq", "cake", "netem"})
    String spec;

    private Kernel kernel;
    private NetDevice dev;
    private Qdisc q;
    private Cpu cpu;
    private final SkBuffHead toFree = new SkBuffHead();

    @Setup
    public void open() {
        kernel = Kernel.boot("clock=virtual", "cpus=1", "leakcheck=off");
        NetDeviceOps ops = (c, skb, d, txq, more) -> {
            skb.consume(c);
            return NetDeviceOps.NETDEV_TX_OK;
        };
        dev = new NetDevice(kernel.initNet(), "b0", ops, 1, 1);
        EthHdr.etherSetup(dev);
        dev.register();
        List<String> words = Arrays.asList(spec.split(" "));
        QdiscOps kind = DevGlobals.of(kernel).qdiscs.get(words.getFirst());
        q = kind.create(dev.tx[0]);
        q.init(kind.parse(words.subList(1, words.size())));
        cpu = kernel.localBhDisable(0);
        for (int i = 0; i < HELD; i++) {
            q.enqueue(cpu, packet(i % FLOWS), toFree);
        }
    }

    private SkBuff packet(int flow) {
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(1600));
        skb.reserve(64);
        skb.put(1514);
        UnsafeApi.setMemory(skb.dataAddress(), 1514, (byte) 0);
        long ip = skb.dataAddress() + 14;
        UnsafeApi.putByte(ip, (byte) 0x45);
        UnsafeApi.putByte(ip + 9, (byte) 17);
        UnsafeApi.putByte(ip + 15, (byte) flow);
        UnsafeApi.putByte(ip + 21, (byte) (flow + 1));
        UnsafeApi.putByte(ip + 23, (byte) 9);
        skb.protocol = EthHdr.ETH_P_IP;
        skb.setNetworkHeader(14);
        skb.dev = dev;
        skb.hash = (flow + 1) * 0x61C88647;
        skb.l4Hash = true;
        QdiscSkbCb.setPktLen(skb, 1514);
        return skb;
    }

    @TearDown
    public void close() {
        SchGeneric.resetQdisc(cpu, q);
        q.destroy(cpu);
        toFree.purge(cpu, SkbDropReason.QDISC_DROP);
        cpu.localBhEnable();
        kernel.close();
    }

    @Benchmark
    public int outAndIn() {
        q.rootLock().lock();
        SkBuff skb = q.dequeue(cpu);
        q.rootLock().unlock();
        if (skb == null) {
            return 0;
        }
        q.rootLock().lock();
        int rc = q.enqueue(cpu, skb, toFree);
        q.rootLock().unlock();
        return rc;
    }
}
