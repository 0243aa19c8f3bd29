package net.softnet.stress;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.core.Cpu;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.sock.SockLock;
import net.tcp.TcpSock;
import net.testkit.Lab;
import org.junit.jupiter.api.Test;
import org.openjdk.jol.info.ClassLayout;
import org.openjdk.jol.info.FieldLayout;
import org.openjdk.jol.info.GraphLayout;

/** Where the JVM puts what several threads write, and how much heap a connection takes. */
class LayoutTest {
    private static final int CACHE_LINE = 64;
    /** Intel's prefetcher fetches lines in pairs. */
    private static final int PAIR = 2 * CACHE_LINE;

    private static Map<String, FieldLayout> fields(Class<?> type) {
        Map<String, FieldLayout> byName = new TreeMap<>();
        for (FieldLayout f : ClassLayout.parseClass(type).fields()) {
            byName.put(f.classShortName() + "." + f.name(), f);
        }
        return byName;
    }

    private static FieldLayout find(Map<String, FieldLayout> all, String name) {
        return all.get(name);
    }

    /** At least a pair of lines of padding on either side, wherever the object begins. */
    private static void assertAlone(Class<?> type, List<String> shared) {
        Map<String, FieldLayout> all = fields(type);
        long from = Long.MAX_VALUE;
        long to = 0;
        for (String name : shared) {
            FieldLayout f = find(all, name);
            assertThat(f).as(name + " of " + all.keySet()).isNotNull();
            from = Math.min(from, f.offset());
            to = Math.max(to, f.offset() + f.size());
        }
        System.out.printf(
                "%s: %s at %d to %d of %d%n",
                type.getSimpleName(),
                shared,
                from,
                to,
                ClassLayout.parseClass(type).instanceSize());
        for (Map.Entry<String, FieldLayout> e : all.entrySet()) {
            FieldLayout f = e.getValue();
            boolean padding = f.classShortName().matches(".*Pad(Before|After)");
            if (!padding && !shared.contains(e.getKey())) {
                assertThat(f.offset() + f.size() <= from - (PAIR - 8) || f.offset() >= to + (PAIR - 8))
                        .as("%s at %d beside %s at %d to %d", e.getKey(), f.offset(), shared, from, to)
                        .isTrue();
            }
        }
    }

    @Test
    void shouldKeepACpusSharedWordsOnLinesOfTheirOwn() {
        assertAlone(
                Cpu.class,
                List.of(
                        "CpuShared.word",
                        "CpuShared.remotePending",
                        "CpuShared.wordWaiters",
                        "CpuShared.sleeping",
                        "CpuShared.raisedLines"));
    }

    @Test
    void shouldKeepTheRemoteFreeStackOnLinesOfItsOwn() {
        assertAlone(Cpu.class, List.of("SkbCacheRemote.remoteFree"));
    }

    /** The word is written by other CPUs for each packet; what lookups read lies in the lines before it. */
    @Test
    void shouldKeepTheIdentityOfASockTogetherAndTheLockWordSmall() {
        Map<String, FieldLayout> all = fields(TcpSock.class);
        assertThat(find(all, "SockLock.lockWord").size()).isEqualTo(4);
        long first = Long.MAX_VALUE;
        long last = 0;
        for (String name : List.of("hash", "daddr", "rcvSaddr", "dport", "num", "boundDevIf", "state", "net", "next")) {
            FieldLayout f = find(all, "SockCommon." + name);
            first = Math.min(first, f.offset());
            last = Math.max(last, f.offset() + f.size());
        }
        assertThat(last - first).as("bytes that a lookup reads").isLessThanOrEqualTo(PAIR);
        assertThat(find(all, "SockLock.lockWord").offset()).isGreaterThanOrEqualTo(last);
        assertThat(ClassLayout.parseClass(SockLock.class).fields()).isNotEmpty();
    }

    /** With file, socket, wait queue, timers and its share of hash tables and descriptor table; both ends, idle. */
    @Test
    void shouldTakeAtMostTwoKibibytesOfHeapForAnIdleConnectionsEnd() throws Exception {
        int step = 512;
        try (Lab lab = Lab.twoHosts(1, 1)) {
            List<SoftSocket> open = new ArrayList<>();
            SoftServerSocket listener = Lab.listen(lab.host("b"), 80);
            connect(lab, listener, open, step); // tables have grown, classes are loaded
            long before = heapOf(GraphLayout.parseInstance(lab));
            connect(lab, listener, open, step);
            GraphLayout after = GraphLayout.parseInstance(lab);
            double each = (heapOf(after) - before) / (2.0 * step);
            System.out.printf(
                    "%.0f bytes of heap for each idle end; TcpSock itself %d%n",
                    each, ClassLayout.parseClass(TcpSock.class).instanceSize());
            Map<String, Long> counts = new TreeMap<>();
            after.getClasses().forEach(c -> {
                long perEnd = Math.round(after.getClassCounts().count(c) / (4.0 * step));
                if (perEnd > 0) {
                    counts.merge(
                            c.getSimpleName() + " "
                                    + Math.round(after.getClassSizes().count(c) / (4.0 * step)),
                            perEnd,
                            Long::sum);
                }
            });
            System.out.println("objects of an end, with bytes: " + counts);
            assertThat(each).isLessThanOrEqualTo(2048);
            listener.close();
            for (SoftSocket s : open) {
                s.close();
            }
        }
    }

    /** Without the program's own view of its sockets. */
    private static long heapOf(GraphLayout graph) {
        return graph.totalSize() - graph.getClassSizes().count(SoftSocket.class);
    }

    private static void connect(Lab lab, SoftServerSocket listener, List<SoftSocket> open, int n) {
        lab.start("server", () -> {
            for (int i = 0; i < n; i++) {
                open.add(listener.accept());
            }
        });
        lab.start("client", () -> {
            for (int i = 0; i < n; i++) {
                open.add(lab.host("a").network.connect(lab.host("b").at(80)));
            }
        });
        lab.joinAll();
        lab.sleep(2_000_000_000L); // delayed ACKs, tail probes
    }
}
