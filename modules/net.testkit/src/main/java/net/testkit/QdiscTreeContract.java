package net.testkit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import net.core.Cpu;
import net.core.Kernel;
import net.core.UserError;
import net.core.dev.Dev;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetXmit;
import net.core.dev.Qdisc;
import net.core.dev.QdiscClassOps;
import net.core.dev.QdiscSkbCb;
import net.core.dev.QdiscStats;
import net.core.dev.SchApi;
import net.core.dev.SchApi.Verb;
import net.core.dev.SchGeneric;
import net.core.tc.TcHandle;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;

/**
 * What a tree of disciplines and classes owes the stack, while classes change, go and come back and their leaves are
 * replaced under load. The tree is given in tc's words:
 *
 * <pre>
 * QdiscTreeContract.verify(seed, List.of(
 *         "qdisc root handle 1: htb default 20",
 *         "class parent 1: classid 1:1 htb rate 50mbit",
 *         "class parent 1:1 classid 1:10 htb rate 10mbit ceil 50mbit",
 *         "class parent 1:1 classid 1:20 htb rate 40mbit",
 *         "qdisc parent 1:10 handle 10: fq_codel",
 *         "change parent 1:1 classid 1:10 htb rate 20mbit prio 3"));
 * </pre>
 *
 * <p>A line that begins with {@code change} is what a class may be changed to.
 *
 * <ul>
 *   <li>Conservation: each packet leaves once, sent or dropped, and the kernel ends without a leak.
 *   <li>Accounts at every level: a discipline counts what its children count, and the packet that a peek took out; the
 *       root's drops are all drops.
 *   <li>Peek and dequeue agree; a flow's packets keep their order, also over a change of its leaf.
 *   <li>Reset and hand-over empty everything, and the tree works afterwards.
 *   <li>Liveness: what is held comes out, by the tree's own timers.
 * </ul>
 */
public final class QdiscTreeContract {
    private static final int STEPS = 1000;
    private static final int FLOWS = 24;
    private static final long MINUTE = 60_000_000_000L;
    /** What leaves are replaced by. */
    private static final String[] LEAVES = {
        "pfifo limit 5",
        "pfifo limit 1000",
        "bfifo limit 5000",
        "fq_codel limit 20 flows 4",
        "sfq limit 12",
        "codel limit 30",
        "red limit 20000 min 3000 max 9000",
        "pie limit 20",
        "fq",
        "tbf rate 100mbit burst 5kb limit 20kb",
        "prio",
        "netem delay 300us limit 40",
        "drr",
        "cake",
        "hfsc",
        "codel target 100us interval 500us",
        "fq_codel target 50us interval 300us flows 4 noecn",
        "fq_codel memory_limit 4kb drop_batch 3",
        "cake bandwidth 50mbit memlimit 8kb besteffort",
        "cake rtt 1ms ingress bandwidth 5mbit flowblind",
        "fq_pie limit 20 flows 4 target 100us tupdate 200us",
        "hhf limit 20",
        "choke limit 20 min 3 max 9",
        "sfb limit 20 max 5 target 2 increment 0.1",
        "gred DPs 2 default 1 limit 10kb",
        "skbprio limit 6",
        "pfifo_head_drop limit 4",
        "cbs idleslope 20000 sendslope -80000 hicredit 300 locredit -1300",
        "ets bands 3 quanta 100 1000 3000",
        "qfq",
        "htb",
        "plug"
    };

    private final long seed;
    private final SplittableRandom random;
    private final Kernel kernel;
    private final ContractCard card;
    private final NetDevice dev;
    private final List<String> lines;
    /** The line that made a class, by its number. */
    private final Map<Integer, String> classes = new HashMap<>();

    private final List<String> changes = new ArrayList<>();
    /** Leaves of the tree as it was made; packets are for these. */
    private final List<Integer> leaves = new ArrayList<>();

    private final Set<Integer> deleted = new HashSet<>();
    private final Map<SkBuff, Integer> held = new IdentityHashMap<>();
    /** By flow and {@link #rerouted}. */
    private final Map<Long, Integer> lastOfFlow = new HashMap<>();
    /** First packets after a class came or went: a flow's packets are in two classes then, and their order is nobody's. */
    private final TreeMap<Integer, Integer> rerouted = new TreeMap<>(Map.of(0, 0));

    private final SkBuffHead toFree = new SkBuffHead();
    private int nextMark = 1;
    private long dropped;
    private long sent;
    private String step = "";
    /** The last changes, for the one who looks for a fault. */
    private final List<String> history = new ArrayList<>();

    private QdiscTreeContract(Kernel kernel, long seed, List<String> lines) {
        this.kernel = kernel;
        this.seed = seed;
        this.lines = lines;
        random = new SplittableRandom(seed);
        card = new ContractCard(new SplittableRandom(~seed));
        dev = new NetDevice(kernel.initNet(), "qt%d", card, 1, 1);
        EthHdr.etherSetup(dev);
        dev.register();
        if (dev.open() != 0) {
            throw new IllegalStateException("the device does not open");
        }
    }

    /** Checks a tree in a kernel of its own. Throws an {@link AssertionError} that names the seed and the step. */
    public static void verify(long seed, List<String> lines) {
        try (Kernel kernel = Kernel.boot("clock=virtual", "debug", "seed=" + seed)) {
            verify(kernel, seed, lines);
        }
    }

    /** Checks a tree in a kernel of the caller's, in virtual time. */
    public static void verify(Kernel kernel, long seed, List<String> lines) {
        new QdiscTreeContract(kernel, seed, lines).stepByStep();
        new QdiscTreeContract(kernel, seed, lines).byTheStack();
    }

    // ---- the tree

    private void build() {
        lines.forEach(this::apply);
        SchApi.walk(dev, q -> {
            QdiscClassOps cops = q.classOps();
            if (cops != null) {
                cops.walk(cl -> {
                    Qdisc leaf = cops.leaf(cl);
                    if (leaf != null && leaf.classOps() == null) {
                        leaves.add(cops.classid(cl));
                    }
                    return true;
                });
            }
            return true;
        });
    }

    private void apply(String line) {
        List<String> w = new ArrayList<>(Arrays.asList(line.trim().split("\\s+")));
        String what = w.removeFirst();
        int parent = TcHandle.ROOT;
        if (w.removeFirst().equals("parent")) {
            parent = (int) TcHandle.parseClassid(w.removeFirst());
        }
        w.removeFirst();
        String id = w.removeFirst();
        String kind = w.removeFirst();
        if (what.equals("qdisc")) {
            SchApi.modify(dev, Verb.REPLACE, parent, (int) TcHandle.parseQdisc(id), kind, w);
            return;
        }
        int classid = (int) TcHandle.parseClassid(id);
        if (what.equals("change")) {
            if (step.isEmpty()) {
                changes.add(line);
            } else {
                SchApi.modifyClass(dev, Verb.CHANGE, parent, classid, w);
            }
            return;
        }
        classes.put(classid, line);
        SchApi.modifyClass(dev, Verb.ADD, parent, classid, w);
    }

    // ---- step by step, the transmit queue stopped

    private void stepByStep() {
        dev.tx[0].stop();
        build();
        Qdisc root = dev.qdisc;
        Cpu zero = kernel.cpu(0);
        zero.freeTracer = (skb, reason) -> {
            if (reason != net.skbuff.SkbDropReason.CONSUMED && held.remove(skb) != null) {
                dropped++;
            }
        };
        for (int i = 0; i < STEPS; i++) {
            oneStep(root);
            accounts(root);
        }
        step = "bring back";
        List.copyOf(deleted).forEach(this::bringBack);
        drain(root);
        zero.freeTracer = null;
        dev.unregister();
    }

    private void oneStep(Qdisc root) {
        int dice = random.nextInt(1000);
        int enqueues = nextMark / 150 % 2 == 0 ? 600 : 330;
        if (dice < enqueues) {
            step = "enqueue";
            locked(root, cpu -> enqueue(cpu, root));
        } else if (dice < 850) {
            step = "dequeue";
            locked(root, cpu -> dequeue(cpu, root));
        } else if (dice < 900) {
            step = "peek";
            locked(root, cpu -> {
                SkBuff first = root.peek(cpu);
                check(root.peek(cpu) == first, "two peeks differ");
                check(first == null || held.containsKey(first), "peek shows a packet that it does not hold");
            });
        } else if (dice < 930) {
            step = "time";
            kernel.scheduler().sleep(random.nextInt(3_000_000));
        } else {
            configure(root, random.nextInt(20));
            history.add((nextMark - 1) + " " + step);
        }
    }

    private void configure(Qdisc root, int dice) {
        if (dice < 8) {
            int classid = leaves.get(random.nextInt(leaves.size()));
            String[] spec = LEAVES[random.nextInt(LEAVES.length)].split(" ");
            if (!deleted.contains(classid)) {
                step = "graft " + spec[0] + " under " + TcHandle.format(classid);
                SchApi.modify(
                        dev,
                        Verb.REPLACE,
                        classid,
                        0,
                        spec[0],
                        Arrays.asList(spec).subList(1, spec.length));
            }
        } else if (dice < 10) {
            removeLeaf(leaves.get(random.nextInt(leaves.size())));
        } else if (dice < 14 && !changes.isEmpty()) {
            String line = random.nextInt(3) == 0
                    ? classes.values().stream().sorted().toList().get(random.nextInt(classes.size()))
                    : changes.get(random.nextInt(changes.size()));
            int classid = (int) TcHandle.parseClassid(line.split("\\s+")[4]);
            if (!deleted.contains(classid)) {
                step = line;
                apply(line.replaceFirst("^class", "change"));
            }
        } else if (dice < 16) {
            deleteClass(leaves.get(random.nextInt(leaves.size())));
        } else if (dice < 18 && !deleted.isEmpty()) {
            bringBack(deleted.stream().sorted().toList().get(random.nextInt(deleted.size())));
        } else if (dice == 18 && random.nextInt(4) == 0) {
            step = "reset";
            held.clear();
            lastOfFlow.clear();
            Cpu cpu = kernel.localBhDisable(0);
            SchGeneric.resetQdisc(cpu, root);
            cpu.localBhEnable();
        } else if (dice == 19 && random.nextInt(4) == 0) {
            step = "hand-over";
            locked(root, cpu -> handOver(cpu, root));
        }
    }

    /** {@code tc qdisc del parent CLASSID}, where there is one. */
    private void removeLeaf(int classid) {
        step = "take the leaf from " + TcHandle.format(classid);
        try {
            SchApi.delete(dev, classid);
        } catch (UserError e) {
            // There was none, or no class.
            check(e.getMessage() != null && e.getMessage().startsWith("Error: "), "answered " + e.getMessage());
        }
    }

    private void deleteClass(int classid) {
        if (classes.containsKey(classid) && !deleted.contains(classid)) {
            step = "delete " + TcHandle.format(classid);
            SchApi.deleteClass(dev, classid);
            deleted.add(classid);
            rerouted.put(nextMark, nextMark);
        }
    }

    private void bringBack(int classid) {
        step = "bring back " + TcHandle.format(classid);
        deleted.remove(classid);
        rerouted.put(nextMark, nextMark);
        apply(Objects.requireNonNull(classes.get(classid)));
    }

    private void enqueue(Cpu cpu, Qdisc root) {
        SkBuff skb = packet(cpu);
        held.put(skb, QdiscSkbCb.pktLen(skb));
        long before = dropped;
        int rc = root.enqueue(cpu, skb, toFree);
        toFree.purge(cpu, net.skbuff.SkbDropReason.QDISC_DROP);
        boolean isIn = held.containsKey(skb);
        check(rc != NetXmit.NET_XMIT_SUCCESS || isIn, "dropped an arrival and called it queued");
        check(rc != NetXmit.NET_XMIT_DROP || dropped > before, "answered NET_XMIT_DROP and dropped nothing");
    }

    private SkBuff packet(Cpu cpu) {
        int flow = random.nextInt(FLOWS);
        // Some are for the root itself or for no class.
        int classid = flow == 0 ? 0 : flow == 1 ? dev.qdisc.handle | 0x777 : leaves.get(flow % leaves.size());
        return ContractPackets.udp(cpu, dev, flow, 60 + random.nextInt(1454), classid, nextMark++);
    }

    private void dequeue(Cpu cpu, Qdisc root) {
        SkBuff shown = random.nextInt(4) == 0 ? root.peek(cpu) : null;
        SkBuff skb = root.dequeuePeeked(cpu);
        check(shown == null || shown == skb, "peek and dequeue disagree");
        if (skb == null) {
            return;
        }
        check(held.remove(skb) != null, "sent a packet that it did not hold");
        check(skb.next == null && skb.list == null, "sent a packet that is still linked");
        ordered(skb);
        sent++;
        skb.consume(cpu);
    }

    private void handOver(Cpu cpu, Qdisc root) {
        SkBuffHead out = new SkBuffHead();
        root.handOver(cpu, out);
        check(out.qlen == held.size(), "hands over " + out.qlen + " packets, holds " + held.size());
        for (SkBuff skb = out.dequeue(); skb != null; skb = out.dequeue()) {
            check(held.remove(skb) != null, "hands over a packet that it did not hold");
            ordered(skb);
            skb.consume(cpu);
        }
    }

    private void ordered(SkBuff skb) {
        long flow = (long) skb.hash << 32 | rerouted.floorEntry(skb.mark).getValue();
        Integer last = lastOfFlow.put(flow, skb.mark);
        check(last == null || last < skb.mark, "packet " + skb.mark + " left after packet " + last + " of its flow");
    }

    private void drain(Qdisc root) {
        step = "drain";
        long end = kernel.clock().nanoTime() + MINUTE;
        while (!held.isEmpty()) {
            int before = held.size();
            locked(root, cpu -> dequeue(cpu, root));
            accounts(root);
            if (held.size() == before) {
                check(kernel.clock().nanoTime() < end, "keeps " + before + " packets for more than a minute");
                kernel.scheduler().sleep(1_000_000);
            }
        }
    }

    // ---- accounts

    private void accounts(Qdisc root) {
        check(root.currentQlen() == held.size(), "counts " + root.currentQlen() + " packets, holds " + held.size());
        long bytes = held.values().stream().mapToLong(Integer::longValue).sum();
        check(root.currentBacklog() == bytes, "counts " + root.currentBacklog() + " bytes, holds " + bytes);
        check(root.currentDrops() == dropped, "counts " + root.currentDrops() + " drops, dropped " + dropped);
        SchApi.walk(dev, q -> {
            check(q.qlen >= 0 && q.backlog >= 0, at(q) + "counts " + q.qlen + " packets, " + q.backlog + " bytes");
            check((q.qlen == 0) == (q.backlog == 0), at(q) + "counts " + q.qlen + " packets, " + q.backlog + " bytes");
            QdiscClassOps cops = q.classOps();
            if (cops != null) {
                children(q, cops);
            }
            return true;
        });
    }

    /** A parent counts what its children count, what lies in its own queue, and a packet that a peek took out. */
    private void children(Qdisc q, QdiscClassOps cops) {
        int[] n = {0, 0};
        long[] bytes = {0};
        cops.walk(cl -> {
            Qdisc leaf = cops.leaf(cl);
            if (leaf != null && leaf != q) {
                n[0] += leaf.currentQlen();
                n[1]++;
                bytes[0] += leaf.currentBacklog();
                QdiscStats s = new QdiscStats();
                cops.stats(cl, s);
                boolean counts = s.qlen == leaf.currentQlen() && s.backlog == leaf.currentBacklog();
                check(
                        s.qlen == 0 || counts,
                        at(q) + TcHandle.format(cops.classid(cl)) + " shows " + s.qlen + " packets");
            }
            return true;
        });
        if (n[1] > 0) {
            int own = q.qlen - n[0];
            check(own == q.q.qlen || own == q.q.qlen + 1, at(q) + "counts " + q.qlen + ", its children " + n[0]);
            check(
                    own != 0 || q.backlog == bytes[0],
                    at(q) + "counts " + q.backlog + " bytes, its children " + bytes[0]);
        }
    }

    private static String at(Qdisc q) {
        return q.id() + " under " + TcHandle.format(q.parent) + ": ";
    }

    // ---- as the stack runs it: its timers, a ring that fills up

    private void byTheStack() {
        build();
        step = "device";
        long offered = 0;
        for (int i = 0; i < STEPS; i++) {
            Cpu cpu = kernel.localBhDisable(0);
            for (int n = random.nextInt(4); n > 0; n--) {
                SkBuff skb = packet(cpu);
                offered++;
                Dev.devQueueXmit(cpu, skb);
            }
            if (random.nextInt(3) == 0) {
                card.complete(cpu);
            }
            cpu.localBhEnable();
            if (random.nextInt(20) == 0) {
                kernel.scheduler().sleep(random.nextInt(300_000));
                configure(dev.qdisc, random.nextInt(18));
            }
        }
        step = "device at the end";
        List.copyOf(deleted).forEach(this::bringBack);
        for (long i = 0; i < MINUTE / 1_000_000 && dev.qdisc.currentQlen() + card.ring.qlen > 0; i++) {
            Cpu cpu = kernel.localBhDisable(0);
            card.complete(cpu);
            cpu.localBhEnable();
            kernel.scheduler().sleep(1_000_000);
        }
        check(dev.qdisc.currentQlen() == 0, "keeps " + dev.qdisc.currentQlen() + " packets though the device is idle");
        long drops = dev.qdisc.currentDrops() + dev.getStats().txDropped;
        check(
                card.sent + drops == offered,
                offered + " packets offered, " + card.sent + " sent, " + drops + " dropped");
        dev.unregister();
    }

    // ---- tools

    private interface Step {
        void run(Cpu cpu);
    }

    private void locked(Qdisc root, Step body) {
        Cpu cpu = kernel.localBhDisable(0);
        root.rootLock().lock();
        try {
            body.run(cpu);
        } finally {
            root.rootLock().unlock();
            cpu.localBhEnable();
        }
    }

    private void check(boolean ok, String otherwise) {
        if (!ok) {
            throw new AssertionError("seed " + seed + ", " + step + " after " + (nextMark - 1) + " packets (" + sent
                    + " sent): " + otherwise + "; before: "
                    + history.subList(Math.max(0, history.size() - 8), history.size()));
        }
    }
}
