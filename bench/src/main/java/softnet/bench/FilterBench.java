package softnet.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.EthHdr;
import net.core.dev.SchApi;
import net.sched.cls.FilterId;
import net.sched.cls.TcfFilters;
import net.skbuff.SkBuff;
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
 * What filters cost a packet, by how they are laid out. The packet matches one of {@link #filters}, another each time: in
 * flower's table of one mask, in a u32 table of 256 buckets, and, to show what tables are for, in a u32 list.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Thread)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class FilterBench {
    private static final int BATCH = 64;

    /** How the filters are laid out. */
    @Param({"matchall", "fw", "flower", "flower-8-masks", "u32-table", "u32-list", "basic"})
    public String layout = "flower";

    /** How many there are. */
    @Param({"1", "16", "256", "4096"})
    public int filters = 16;

    private Kernel kernel;
    private Cpu cpu;
    private final TcfFilters block = new TcfFilters();
    private final List<SkBuff> packets = new ArrayList<>();
    private int next;

    private void add(int prio, String handle, String words) {
        List<String> w = Arrays.asList(words.split(" "));
        FilterId id = new FilterId(0, prio, EthHdr.ETH_P_IP, w.getFirst(), handle);
        block.modify(kernel.initNet(), SchApi.Verb.ADD, id, w.subList(1, w.size()));
    }

    private static String address(int i) {
        return "10.1." + (i >> 8) + "." + (i & 255);
    }

    @Setup
    public void setUp() {
        kernel = Kernel.boot("clock=virtual");
        if (layout.equals("u32-table")) {
            add(1, "1:", "u32 divisor 256");
            add(1, null, "u32 match u8 0 0 hashkey mask 0x000000ff at 16 link 1:");
        }
        for (int i = 0; i < filters; i++) {
            String dst = address(i);
            switch (layout) {
                case "matchall" -> {
                    if (i == 0) {
                        add(1, null, "matchall flowid 1:1");
                    }
                }
                case "fw" -> add(1, Integer.toString(i + 1), "fw classid 1:1");
                case "flower" -> add(1, null, "flower dst_ip " + dst + " ip_proto tcp dst_port 80 classid 1:1");
                case "flower-8-masks" -> // the packet is behind the last of the eight masks
                    add(
                            1,
                            null,
                            "flower dst_ip " + (i % 8 == 7 ? dst : dst.replaceFirst("10", "11")) + " src_ip 10.2.0.0/"
                                    + (9 + i % 8) + " classid 1:1");
                case "u32-table" ->
                    add(1, null, "u32 ht 1:" + Integer.toHexString(i & 255) + ": match ip dst " + dst + " flowid 1:1");
                case "u32-list" -> {
                    if (i < 2048) { // a bucket holds no more
                        add(1, null, "u32 match ip dst " + dst + " flowid 1:1");
                    }
                }
                default -> {
                    if (i < 256) {
                        add(
                                1,
                                null,
                                "basic match u32(u32 " + (10 << 24 | 1 << 16 | i) + " 0xffffffff at 16) flowid 1:1");
                    }
                }
            }
        }
        cpu = kernel.localBhDisable(0);
        for (int i = 0; i < BATCH; i++) {
            packets.add(packet((int) ((long) i * filters / BATCH)));
        }
    }

    private SkBuff packet(int i) {
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(128));
        skb.reserve(32);
        skb.put(54);
        long eth = skb.dataAddress();
        UnsafeApi.setMemory(eth, 54, (byte) 0);
        put16(eth + 12, EthHdr.ETH_P_IP);
        put16(eth + 14, 0x4500);
        put16(eth + 16, 40);
        put16(eth + 22, 64 << 8 | 6);
        put16(eth + 26, 10 << 8 | 2);
        put16(eth + 28, i);
        put16(eth + 30, 10 << 8 | 1);
        put16(eth + 32, i);
        put16(eth + 36, 80);
        put16(eth + 46, 0x5010);
        skb.protocol = EthHdr.ETH_P_IP;
        skb.resetMacHeader();
        skb.setNetworkHeader(14);
        skb.mark = i + 1;
        return skb;
    }

    private static void put16(long a, int v) {
        UnsafeApi.putByte(a, (byte) (v >> 8));
        UnsafeApi.putByte(a + 1, (byte) v);
    }

    @Benchmark
    public int classify() {
        next = next + 1 & BATCH - 1;
        return block.classify(cpu, packets.get(next));
    }

    @TearDown
    public void tearDown() {
        for (SkBuff skb : packets) {
            skb.consume(cpu);
        }
        cpu.localBhEnable();
        block.destroy();
        kernel.close();
    }
}
