package net.testkit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.QdiscSkbCb;
import net.core.dev.SchApi;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.sched.act.TcActionTable;
import net.sched.cls.FilterId;
import net.sched.cls.FilterView;
import net.sched.cls.LlProto;
import net.sched.cls.TcfFilters;
import net.sched.cls.TcfProtoOps;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * What every classifier has to keep, tried with a seeded mix of packets: sound ones, cut short, garbage, in pieces, with
 * tags, on the way in and on the way out. A filter is a line of tc's grammar behind {@code tc filter add dev X}, such as
 * {@code pref 1 protocol ip handle 5 fw classid 1:1}; its options end with what may be followed by {@code action}.
 *
 * <ul>
 *   <li>Looking changes nothing: neither the packet's geometry nor its bytes nor its marks, and the same packet gets the same
 *       answer again.
 *   <li>No packet throws, however it ends; the answer is one there is.
 *   <li>Filters are deleted by the handle they are shown by, in any order, and the last one leaves nothing; with them go
 *       their actions.
 *   <li>A line that is wrong changes nothing.
 *   <li>Filters come, change and go while another CPU looks ({@link #verifyChanges}).
 *   <li>A packet costs no Java heap ({@link #verifyAllocation}).
 * </ul>
 *
 * <p>The kernel has an Ethernet device {@code f0}, which the packets are at.
 */
public final class FilterContract {
    private static final int PACKETS = 1000;
    private static final int BURST = 500;
    private static final int ROUNDS = 200;

    private final Kernel kernel;
    private final List<String> lines;
    private final SplittableRandom random;
    private final long seed;
    private final NetDevice dev;
    private final TcfFilters filters = new TcfFilters(0x10000, null);
    private String step = "add";

    private FilterContract(Kernel kernel, List<String> lines, long seed) {
        this.kernel = kernel;
        this.lines = lines;
        this.seed = seed;
        random = new SplittableRandom(seed);
        NetDeviceOps ops = (cpu, skb, d, txq, more) -> {
            skb.consume(cpu);
            return NetDeviceOps.NETDEV_TX_OK;
        };
        dev = new NetDevice(kernel.initNet(), "f0", ops, 1, 1);
        EthHdr.etherSetup(dev);
        dev.register();
    }

    /**
     * Tries filters of one kind, in virtual time.
     *
     * @throws AssertionError that names the filters, the seed and the step
     */
    public static void verify(long seed, String... lines) {
        try (Kernel kernel = Kernel.boot("clock=virtual", "debug", "seed=" + seed)) {
            verify(kernel, seed, lines);
        }
    }

    /** As {@link #verify(long, String...)} in a kernel of the caller's, which may have modules of others. */
    public static void verify(Kernel kernel, long seed, String... lines) {
        verify(new FilterContract(kernel, List.of(lines), seed));
    }

    /** As {@link #verify(Kernel, long, String...)} for a kind that no module provides. */
    public static void verify(Kernel kernel, long seed, TcfProtoOps kind, String... lines) {
        FilterContract c = new FilterContract(kernel, List.of(lines), seed);
        c.filters.provide(kernel, kind);
        verify(c);
    }

    private static void verify(FilterContract c) {
        try {
            c.run();
        } catch (RuntimeException e) {
            throw new AssertionError(c.where() + ": " + e, e);
        }
    }

    /** Checks that filters may come, change and go while a CPU looks at packets: with real threads. */
    public static void verifyChanges(long seed, String... lines) {
        try (Kernel kernel = Kernel.boot("cpus=1", "debug", "seed=" + seed)) {
            FilterContract c = new FilterContract(kernel, List.of(lines), seed);
            try {
                c.changes();
            } catch (RuntimeException | InterruptedException e) {
                throw new AssertionError(c.where() + ": " + e, e);
            }
        }
    }

    /** Checks that in the steady state a packet costs no Java heap. */
    public static void verifyAllocation(String... lines) {
        try (Kernel kernel = Kernel.boot("clock=virtual", "seed=1")) {
            FilterContract c = new FilterContract(kernel, List.of(lines), 1);
            c.lines.forEach(l -> c.add(l, SchApi.Verb.ADD));
            c.step = "allocation";
            var threads = (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 40; round++) {
                least = Math.min(least, c.burst(threads));
            }
            c.check(least < BURST, "allocates " + least + " bytes for " + BURST + " packets");
            c.filters.destroy();
        }
    }

    private String where() {
        return "filters " + lines + ", seed " + seed + ", " + step;
    }

    private void check(boolean ok, String what) {
        if (!ok) {
            throw new AssertionError(where() + ": " + what);
        }
    }

    // ---- lines

    private static @Nullable String after(List<String> words, String word) {
        int at = words.indexOf(word);
        return at < 0 || at + 1 >= words.size() ? null : words.get(at + 1);
    }

    private static String kindOf(String line) {
        List<String> w = List.of(line.trim().split("\\s+"));
        return w.get(start(w));
    }

    /** Where the kind stands. */
    private static int start(List<String> words) {
        int at = 0;
        while (List.of("pref", "protocol", "handle", "chain").contains(words.get(at))) {
            at += 2;
        }
        return at;
    }

    private void add(String line, SchApi.Verb verb) {
        List<String> w = List.of(line.trim().split("\\s+"));
        int at = start(w);
        List<String> place = w.subList(0, at);
        String pref = after(place, "pref");
        String protocol = after(place, "protocol");
        String chain = after(place, "chain");
        FilterId id = new FilterId(
                chain == null ? 0 : Integer.parseInt(chain),
                pref == null ? 0 : Integer.parseInt(pref),
                protocol == null ? TcfFilters.ETH_P_ALL : LlProto.parse(protocol),
                w.get(at),
                after(place, "handle"));
        filters.modify(kernel.initNet(), verb, id, w.subList(at + 1, w.size()));
    }

    private String show(boolean json) {
        TcPrint p = new TcPrint(json);
        p.openArray("", "");
        filters.print(p, FilterView.all(true));
        p.closeArray("");
        return p.toString();
    }

    // ---- virtual time

    private void run() {
        for (String line : lines) {
            step = "add " + line;
            add(line, SchApi.Verb.ADD);
            check(show(false).contains(kindOf(line)), "is not shown");
            check(show(true).contains("\"kind\":\"" + kindOf(line) + "\""), "is not shown as JSON");
        }
        String before = show(false);
        step = "a wrong line";
        for (String line : lines) {
            try {
                add(line.replaceFirst("handle \\S+", "handle 0x7ff") + " nosuchword", SchApi.Verb.REPLACE);
                check(false, "takes any word");
            } catch (net.core.UserError e) {
                check(show(false).equals(before), "was changed by a line that was refused");
            }
        }
        int matched = 0;
        for (int i = 0; i < PACKETS; i++) {
            step = "packet " + i;
            matched += packet(true) == TcfBlock.TC_ACT_UNSPEC ? 0 : 1;
        }
        step = "packets";
        check(matched > 0, "no packet matched: the lines should suit 10.0.0.0/30, ports 0 to 3, marks 0 to 3");
        deletes();
        actions();
    }

    /** One packet; the action it got. */
    private int packet(boolean twice) {
        Cpu cpu = kernel.localBhDisable(0);
        try {
            SkBuff skb = FilterPackets.packet(cpu, dev, random);
            try {
                return look(cpu, skb, twice);
            } finally {
                skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            }
        } finally {
            cpu.localBhEnable();
        }
    }

    private int look(Cpu cpu, SkBuff skb, boolean twice) {
        long[] was = FilterPackets.geometry(skb);
        byte[] bytes = FilterPackets.bytes(skb);
        int act = classify(cpu, skb);
        int classid = QdiscSkbCb.tcClassid(skb);
        check(Arrays.equals(was, FilterPackets.geometry(skb)), "changed the packet's geometry or marks");
        check(Arrays.equals(bytes, FilterPackets.bytes(skb)), "changed the packet's bytes");
        if (twice) {
            check(classify(cpu, skb) == act && QdiscSkbCb.tcClassid(skb) == classid, "another answer at a second look");
        }
        return act;
    }

    private int classify(Cpu cpu, SkBuff skb) {
        QdiscSkbCb.setTcClassid(skb, 0);
        int act = filters.classify(cpu, skb);
        check(act == TcfBlock.TC_ACT_OK || act == TcfBlock.TC_ACT_UNSPEC, "answers " + act + " without an action");
        return act;
    }

    /** By the handles shown, in any order. */
    private void deletes() {
        List<int[]> handles = new ArrayList<>();
        for (int[] h : filters.handles()) {
            handles.add(h);
        }
        Collections.shuffle(handles, new Random(seed));
        step = "delete";
        int passes = 0;
        while (!handles.isEmpty()) {
            int[] h = handles.removeFirst();
            try {
                filters.delete(h[0], h[1], h[2]);
                passes = 0;
            } catch (net.core.UserError e) { // in use: after the others
                handles.addLast(h);
                if (++passes > handles.size()) {
                    break; // what cannot be deleted alone goes with its preference
                }
            }
            packet(false);
        }
        filters.destroy();
        check(filters.isEmpty() && show(false).isEmpty(), "something is left");
        for (int i = 0; i < 50; i++) {
            check(packet(false) == TcfBlock.TC_ACT_UNSPEC, "matches without a filter");
        }
    }

    private void actions() {
        step = "actions";
        TcActionTable table = TcActionTable.of(kernel.initNet());
        for (String line : lines) {
            add(line + " action pass", SchApi.Verb.ADD);
        }
        int held = table.all("gact").size();
        check(held > 0, "takes no action");
        check(show(false).contains("action order 1: gact action pass"), "does not show its action");
        for (String line : lines) {
            try {
                add(line.replaceFirst("handle \\S+", "handle 0x7ff") + " action pass nosuchword", SchApi.Verb.ADD);
            } catch (net.core.UserError e) {
                check(table.all("gact").size() == held, "keeps the action of a line that was refused");
            }
        }
        filters.destroy();
        check(table.all("gact").isEmpty(), "keeps the actions of filters that are gone");
    }

    // ---- real threads

    private void changes() throws InterruptedException {
        AtomicBoolean stop = new AtomicBoolean();
        AtomicReference<@Nullable Throwable> failed = new AtomicReference<>();
        SplittableRandom other = random.split();
        Thread looker = Thread.ofPlatform().unstarted(() -> {
            try {
                while (!stop.get()) {
                    Cpu cpu = kernel.localBhDisable(0);
                    try {
                        SkBuff skb = FilterPackets.packet(cpu, dev, other);
                        for (int i = 0; i < 20; i++) {
                            classify(cpu, skb);
                        }
                        skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
                    } finally {
                        cpu.localBhEnable();
                    }
                }
            } catch (RuntimeException | AssertionError e) {
                failed.set(e);
            }
        });
        step = "change while a CPU looks";
        looker.start();
        for (int i = 0; i < ROUNDS && failed.get() == null; i++) {
            kernel.rtnl().run(() -> {
                lines.forEach(l -> add(l, SchApi.Verb.ADD));
                for (String l : lines) {
                    if (random.nextBoolean() && l.contains("handle") && !l.contains("divisor")) {
                        add(l, SchApi.Verb.REPLACE);
                    }
                }
                if (random.nextBoolean()) {
                    for (int[] h : filters.handles()) {
                        try {
                            filters.delete(h[0], h[1], h[2]);
                        } catch (net.core.UserError e) {
                            // In use, or gone with its preference.
                        }
                    }
                }
                filters.destroy();
            });
        }
        stop.set(true);
        looker.join();
        Throwable t = failed.get();
        if (t != null) {
            throw new AssertionError(where() + ": " + t, t);
        }
    }

    private long burst(com.sun.management.ThreadMXBean threads) {
        Cpu cpu = kernel.localBhDisable(0);
        try {
            SkBuff skb = FilterPackets.packet(cpu, dev, random);
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < BURST; i++) {
                filters.classify(cpu, skb);
            }
            long used = threads.getCurrentThreadAllocatedBytes() - before;
            skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            return used;
        } finally {
            cpu.localBhEnable();
        }
    }
}
