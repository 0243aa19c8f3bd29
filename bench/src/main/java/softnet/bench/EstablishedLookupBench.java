package softnet.bench;

import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.sock.SockCommon;
import net.ipv4.inet.InetHashtables;
import net.skbuff.Jhash;
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
 * Finding the socket of a segment among many connections: with SipHash, as {@link InetHashtables} does, and with the
 * jhash that Linux uses here; and what each hash costs by itself. The rejected one stays for comparison.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Thread)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class EstablishedLookupBench {
    private static final int BUCKETS = 1 << 16;
    private static final int PROBES = 1 << 12;

    @Param({"100", "50000"})
    int connections;

    /** The identity of a connection and nothing else. */
    private static final class Peer extends SockCommon {
        Peer(Net net, int daddr, int dport) {
            super(net);
            this.daddr = daddr;
            this.dport = dport;
            rcvSaddr = 0x0A000001;
            num = 80;
        }
    }

    private Kernel kernel;
    private Net net;
    private InetHashtables tables;
    private final SockCommon[] jhashHeads = new SockCommon[BUCKETS];
    private final int jhashSecret = 0x2545F491;
    private final int[] probeAddr = new int[PROBES];
    private final int[] probePort = new int[PROBES];
    private int next;

    @Setup
    public void fill() {
        kernel = Kernel.boot("clock=virtual");
        net = kernel.initNet();
        tables = new InetHashtables(kernel, BUCKETS);
        SplittableRandom random = new SplittableRandom(1);
        Cpu cpu = kernel.localBhDisable(0);
        for (int i = 0; i < connections; i++) {
            int addr = 0x0A000000 | random.nextInt(1 << 24);
            int port = 1024 + random.nextInt(60_000);
            tables.inetEhashInsert(cpu, new Peer(net, addr, port), null);
            Peer own = new Peer(net, addr, port);
            own.hash = jhash(own.rcvSaddr, own.num, addr, port);
            own.next = jhashHeads[own.hash & BUCKETS - 1];
            jhashHeads[own.hash & BUCKETS - 1] = own;
            if (i < PROBES || random.nextInt(connections / PROBES) == 0) {
                probeAddr[i % PROBES] = addr;
                probePort[i % PROBES] = port;
            }
        }
        cpu.localBhEnable();
        for (int i = connections; i < PROBES; i++) {
            probeAddr[i] = probeAddr[i % connections];
            probePort[i] = probePort[i % connections];
        }
    }

    @TearDown
    public void close() {
        kernel.close();
    }

    private int jhash(int laddr, int lport, int faddr, int fport) {
        return Jhash.hash3(laddr, faddr, lport << 16 | fport, jhashSecret + net.id);
    }

    private SockCommon jhashLookup(int saddr, int sport, int daddr, int hnum) {
        int hash = jhash(daddr, hnum, saddr, sport);
        SockCommon sk = jhashHeads[hash & BUCKETS - 1];
        while (sk != null) {
            if (sk.hash == hash
                    && sk.daddr == saddr
                    && sk.rcvSaddr == daddr
                    && sk.dport == sport
                    && sk.num == hnum
                    && sk.net == net
                    && (sk.boundDevIf == 0 || sk.boundDevIf == 1)) {
                return sk;
            }
            sk = sk.nextAcquire();
        }
        return null;
    }

    @Benchmark
    public SockCommon lookupSipHash() {
        int i = next++ & PROBES - 1;
        return Objects.requireNonNull(tables.inetLookupEstablished(net, probeAddr[i], probePort[i], 0x0A000001, 80, 1));
    }

    @Benchmark
    public SockCommon lookupJhash() {
        int i = next++ & PROBES - 1;
        return Objects.requireNonNull(jhashLookup(probeAddr[i], probePort[i], 0x0A000001, 80));
    }

    @Benchmark
    public int sipHash() {
        int i = next++ & PROBES - 1;
        return tables.inetEhashfn(net, 0x0A000001, 80, probeAddr[i], probePort[i]);
    }

    @Benchmark
    public int jhash() {
        int i = next++ & PROBES - 1;
        return jhash(0x0A000001, 80, probeAddr[i], probePort[i]);
    }
}
