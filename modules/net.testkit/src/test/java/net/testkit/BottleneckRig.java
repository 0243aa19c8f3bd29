package net.testkit;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Consumer;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.dev.DevGlobals;
import net.core.dev.NetDevice;
import net.core.dev.NetdevFeatures;
import net.core.dev.Qdisc;
import net.core.dev.SchApi;
import org.jspecify.annotations.Nullable;

/**
 * Senders, a router with a bottleneck, one receiver, in virtual time: what a congestion control makes of a link of 50
 * Mbit/s and 20 ms whose buffer is given in bandwidth-delay products.
 */
final class BottleneckRig {
    static final long BYTES_PER_SEC = 50_000_000 / 8;
    static final int RTT_MS = 20;
    static final long BDP = BYTES_PER_SEC * RTT_MS / 1000;
    private static final long SEC = 1_000_000_000;
    private static final long SAMPLE_NS = 1_000_000;
    /** Of a packet of 1514 bytes, 1448 are payload with time stamps. */
    private static final double PAYLOAD = 1448.0 / 1514;

    private final long seed;
    private final String[] words;
    private String bottleneck;
    private long staggerNs = SEC;
    private @Nullable String innerKind;
    private List<String> innerArgs = List.of();
    private @Nullable Consumer<SoftSocket> watcher;
    private final Map<String, String> sysctls = new LinkedHashMap<>();
    private volatile @Nullable SoftSocket first;
    private String back = "netem delay " + RTT_MS + "ms limit 100000";

    BottleneckRig(long seed, double bufferBdp, String... words) {
        this.seed = seed;
        this.words = words;
        bottleneck = "tbf rate 50mbit burst 3100 limit " + (long) (bufferBdp * BDP);
    }

    /** Another discipline at the bottleneck. */
    BottleneckRig bottleneck(String qdisc) {
        bottleneck = qdisc;
        return this;
    }

    /** The time between the starts of two flows; a second unless told. */
    BottleneckRig stagger(long ns) {
        staggerNs = ns;
        return this;
    }

    /** A discipline within the shaper, in place of its FIFO. */
    BottleneckRig inner(String kind, String... args) {
        innerKind = kind;
        innerArgs = List.of(args);
        return this;
    }

    /** Looks at the first connection's sender each millisecond, from the second on at which the run looks. */
    BottleneckRig watch(Consumer<SoftSocket> watcher) {
        this.watcher = watcher;
        return this;
    }

    /** Sets a sysctl at all hosts. */
    BottleneckRig sysctl(String name, String value) {
        sysctls.put(name, value);
        return this;
    }

    /** Another way back for the ACKs. */
    BottleneckRig back(String qdisc) {
        back = qdisc;
        return this;
    }

    /**
     * What was seen, from the second on that was asked for.
     *
     * @param utilisation payload that arrived, as a share of what the link carries
     * @param queueMs mean standing queue
     * @param emptyShare of the samples that found no queue
     * @param bytes per flow
     * @param retransmitted segments, from the beginning
     */
    record Result(double utilisation, double queueMs, double emptyShare, long[] bytes, long retransmitted) {
        /** Jain's index. */
        double fairness() {
            double sum = Arrays.stream(bytes).sum();
            double squares =
                    Arrays.stream(bytes).mapToDouble(b -> (double) b * b).sum();
            return sum * sum / (bytes.length * squares);
        }

        double share(int flow) {
            return (double) bytes[flow] / Arrays.stream(bytes).sum();
        }

        @Override
        public String toString() {
            return String.format(
                    java.util.Locale.ROOT,
                    "utilisation %.3f, queue %.2f ms, empty %.2f, shares %s, retransmitted %d",
                    utilisation,
                    queueMs,
                    emptyShare,
                    Arrays.toString(bytes),
                    retransmitted);
        }
    }

    /** Runs one flow per name, one after the other, and looks from {@code fromSec} to {@code toSec}. */
    Result run(double fromSec, double toSec, String... algorithms) {
        Lab lab = Lab.virtual(seed, 1, words);
        boolean done = false;
        try {
            Result r = run(lab, (long) (fromSec * SEC), (long) (toSec * SEC), algorithms);
            lab.close();
            done = true;
            return r;
        } catch (Exception e) {
            throw new AssertionError("seed " + seed + ": " + e, e);
        } finally {
            if (!done) {
                lab.abandon();
            }
        }
    }

    private Result run(Lab lab, long from, long to, String... algorithms) throws Exception {
        Lab.Host router = lab.addHost("r");
        Lab.Host b = lab.addHost("b");
        lab.join(router, "10.9.0.1/24", b, "10.9.0.2/24");
        router.net.sysctl().set("net.ipv4.ip_forward", "1");
        lab.route(b, "0.0.0.0/0", "10.9.0.1");
        NetDevice slow = router.devices.getFirst();
        qdisc(lab, slow, bottleneck);
        if (innerKind != null) {
            String kind = innerKind;
            lab.kernel
                    .rtnl()
                    .run(() -> SchApi.modify(slow, SchApi.Verb.ADD, slow.qdisc.handle | 1, 0, kind, innerArgs));
        }
        qdisc(lab, b.devices.getFirst(), back);
        sysctls.forEach(b.net.sysctl()::set);
        AtomicLongArray received = new AtomicLongArray(algorithms.length);
        boolean[] over = {false};
        for (int i = 0; i < algorithms.length; i++) {
            Lab.Host a = lab.addHost("a" + i);
            lab.join(a, "10.1." + i + ".1/24", router, "10.1." + i + ".2/24");
            lab.route(a, "0.0.0.0/0", "10.1." + i + ".2");
            a.net.sysctl().set("net.ipv4.tcp_congestion_control", algorithms[i]);
            sysctls.forEach(a.net.sysctl()::set);
            start(lab, a, b, i, received, over);
        }
        for (Lab.Host h : lab.hosts()) {
            for (NetDevice dev : h.devices) { // one packet is one packet
                dev.setFeatures(
                        NetdevFeatures.NETIF_F_ALL_TSO | NetdevFeatures.NETIF_F_GSO | NetdevFeatures.NETIF_F_GRO,
                        false);
            }
        }
        return look(lab, slow, from, to, received, over);
    }

    private Result look(Lab lab, NetDevice slow, long from, long to, AtomicLongArray received, boolean[] over) {
        long start = lab.nowNs();
        long[] before = new long[received.length()];
        long backlog = 0;
        long empty = 0;
        long samples = 0;
        while (lab.nowNs() - start < to) {
            lab.sleep(SAMPLE_NS);
            if (lab.nowNs() - start < from) {
                for (int i = 0; i < before.length; i++) {
                    before[i] = received.get(i);
                }
                continue;
            }
            Qdisc q = slow.qdisc;
            backlog += q.backlog;
            empty += q.qlen == 0 ? 1 : 0;
            samples++;
            SoftSocket s = first;
            if (watcher != null && s != null) {
                watcher.accept(s);
            }
        }
        long[] bytes = new long[before.length];
        for (int i = 0; i < before.length; i++) {
            bytes[i] = received.get(i) - before[i];
        }
        over[0] = true;
        lab.joinAll();
        double seconds = (to - from) / 1e9;
        return new Result(
                Arrays.stream(bytes).sum() / (seconds * BYTES_PER_SEC * PAYLOAD),
                backlog * 1000.0 / samples / BYTES_PER_SEC,
                (double) empty / samples,
                bytes,
                lab.counter("TcpRetransSegs"));
    }

    private static void qdisc(Lab lab, NetDevice dev, String spec) {
        lab.kernel.rtnl().run(() -> DevGlobals.of(lab.kernel).qdiscs.attachRoot(dev, spec));
    }

    private void start(Lab lab, Lab.Host a, Lab.Host b, int flow, AtomicLongArray received, boolean[] over)
            throws Exception {
        SoftServerSocket listener = Lab.listen(b, 80 + flow);
        lab.start("receiver " + flow, () -> {
            try (listener;
                    SoftSocket s = listener.accept()) {
                ByteBuffer to = ByteBuffer.allocate(65_536);
                for (int n = s.read(to.clear()); n >= 0; n = s.read(to.clear())) {
                    received.addAndGet(flow, n);
                }
            }
        });
        lab.start("sender " + flow, () -> {
            lab.sleep(flow * staggerNs);
            try (SoftSocket s = a.network.connect(b.at(80 + flow))) {
                if (flow == 0) {
                    first = s;
                }
                ByteBuffer from = ByteBuffer.allocate(65_536);
                while (!over[0]) {
                    s.write(from.clear());
                }
            }
        });
    }
}
