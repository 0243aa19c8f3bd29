package net.testkit;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.Dev;
import net.core.dev.DevGlobals;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetXmit;
import net.core.dev.Qdisc;
import net.core.dev.QdiscOps;
import net.core.dev.QdiscSkbCb;
import net.core.dev.SchGeneric;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;

/**
 * What every queueing discipline owes the stack, checked with a seeded mix of packets and operations. Of use to the
 * authors of modules: {@code QdiscContract.verify("myfifo limit 50", seed)} from any test framework; it throws an
 * {@link AssertionError} that names the seed.
 *
 * <ul>
 *   <li>Conservation: each packet leaves once, by dequeue or as a drop, and the kernel ends without a leak.
 *   <li>Accounts: qlen, backlog, drops and packets agree with what is held, dropped and sent, after each step.
 *   <li>Answers: NET_XMIT_DROP only with a packet dropped; a dropped arrival is never reported as queued.
 *   <li>Peek: shows what dequeue gives next, and changes no account.
 *   <li>Order: packets of one flow and priority keep it ({@link Leave#REORDER} waives this).
 *   <li>Reset: empties everything; the discipline works afterwards.
 *   <li>Hand-over: gives out all it holds, a flow's packets in their order, however long it meant to hold them.
 *   <li>Memory: enqueue and dequeue allocate nothing on the Java heap in the steady state ({@link #verifyAllocation}).
 *   <li>Liveness: what is held comes out, at the latest after a minute of virtual time.
 * </ul>
 */
public final class QdiscContract {
    /** Duties that a discipline may be excused from. */
    public enum Leave {
        /** Packets of a flow may overtake each other, as in netem. */
        REORDER,
        /** Packets may be changed, doubled or merged. */
        TRANSFORM
    }

    private static final int FLOWS = 8;

    private final Kernel kernel;
    private final long seed;
    private final List<Leave> leave;
    private final SplittableRandom random;
    private final NetDevice dev;
    private final ContractCard card;
    /** Packets held, by identity, with their accounted length. */
    private final Map<SkBuff, Integer> held = new java.util.IdentityHashMap<>();

    private final Map<Integer, Integer> lastOfFlow = new HashMap<>();
    private final SkBuffHead toFree = new SkBuffHead();
    private int nextMark = 1;
    private long dropped;
    private long sent;
    private String step = "";

    private QdiscContract(Kernel kernel, long seed, Leave... leave) {
        this.kernel = kernel;
        this.seed = seed;
        this.leave = Arrays.asList(leave);
        random = new SplittableRandom(seed);
        card = new ContractCard(new SplittableRandom(~seed));
        dev = new NetDevice(kernel.initNet(), "qc%d", card, 1, 1);
        EthHdr.etherSetup(dev);
        dev.register();
    }

    /** Checks the discipline that {@code spec} names in tc's grammar, in a kernel of its own. */
    public static void verify(String spec, long seed, Leave... leave) {
        try (Kernel kernel = Kernel.boot("clock=virtual", "debug", "seed=" + seed)) {
            verify(kernel, spec, seed, leave);
        }
    }

    /** Checks it in a kernel of the caller's, in virtual time; {@code BootParams.modules} brings third-party layers. */
    public static void verify(Kernel kernel, String spec, long seed, Leave... leave) {
        new QdiscContract(kernel, seed, leave).alone(spec);
        new QdiscContract(kernel, seed, leave).onADevice(spec);
    }

    // ---- the discipline alone, no driver behind it

    private void alone(String spec) {
        Qdisc q = create(spec);
        if ((q.flags & (Qdisc.TCQ_F_MQROOT | Qdisc.TCQ_F_BUILTIN)) == 0) {
            for (int i = 0; i < 2000; i++) {
                oneStep(q);
            }
            drain(q);
        }
        withCpu(cpu -> {
            SchGeneric.resetQdisc(cpu, q);
            q.destroy(cpu);
        });
        dev.unregister();
    }

    private Qdisc create(String spec) {
        List<String> words = Arrays.asList(spec.trim().split("\\s+"));
        QdiscOps ops = DevGlobals.of(kernel).qdiscs.get(words.getFirst());
        Object opt = ops.parse(words.subList(1, words.size()));
        Qdisc q = ops.create(dev.tx[0]);
        check(ops.id().equals(q.id()), "is called " + q.id() + ", its kind " + ops.id());
        check(q.init(opt) == 0, "init of \"" + spec + "\" failed");
        return q;
    }

    private void oneStep(Qdisc q) {
        int dice = random.nextInt(100);
        // Phases of filling and of draining, so that limits and the empty queue both come up.
        int enqueues = nextMark / 200 % 2 == 0 ? 65 : 35;
        if (dice < enqueues) {
            step = "enqueue";
            locked(q, cpu -> enqueue(cpu, q));
        } else if (dice < 90) {
            step = "dequeue";
            locked(q, cpu -> dequeue(cpu, q));
        } else if (dice < 98) {
            step = "peek";
            locked(q, cpu -> peek(cpu, q));
        } else if (dice == 98) {
            step = "time";
            kernel.scheduler().sleep(random.nextInt(5_000_000));
        } else if (random.nextInt(10) == 0) {
            if (random.nextBoolean()) {
                step = "reset";
                withCpu(cpu -> reset(cpu, q));
            } else {
                step = "hand-over";
                locked(q, cpu -> handOver(cpu, q));
            }
        }
        accounts(q);
    }

    private void enqueue(Cpu cpu, Qdisc q) {
        SkBuff skb = packet(cpu);
        int len = QdiscSkbCb.pktLen(skb);
        int rc = q.enqueue(cpu, skb, toFree);
        held.put(skb, len);
        boolean arrivalDropped = false;
        boolean anyDropped = toFree.qlen > 0;
        for (SkBuff d = toFree.dequeue(); d != null; d = toFree.dequeue()) {
            check(held.remove(d) != null, "dropped a packet that it did not hold");
            arrivalDropped |= d == skb;
            dropped++;
            d.kfree(cpu, SkbDropReason.QDISC_DROP);
        }
        check(
                rc == NetXmit.NET_XMIT_SUCCESS
                        || rc == NetXmit.NET_XMIT_BYPASS
                        || rc == NetXmit.NET_XMIT_DROP
                        || rc == NetXmit.NET_XMIT_CN,
                "enqueue answered " + rc);
        check(rc != NetXmit.NET_XMIT_SUCCESS || !arrivalDropped, "dropped an arrival and called it queued");
        check(rc != NetXmit.NET_XMIT_DROP || anyDropped, "answered NET_XMIT_DROP and dropped nothing");
    }

    private void dequeue(Cpu cpu, Qdisc q) {
        SkBuff skb = q.dequeuePeeked(cpu);
        if (skb == null) {
            return;
        }
        check(held.remove(skb) != null, "sent a packet that it did not hold");
        check(skb.next == null && skb.list == null, "sent a packet that is still linked");
        ordered(skb);
        sent++;
        check(q.currentPackets() >= sent, "counts " + q.currentPackets() + " packets sent, sent " + sent);
        skb.consume(cpu);
    }

    private void peek(Cpu cpu, Qdisc q) {
        SkBuff first = q.peek(cpu);
        check(q.peek(cpu) == first, "two peeks differ");
        if (first != null) {
            check(held.containsKey(first), "peek shows a packet that it does not hold");
        }
    }

    private void reset(Cpu cpu, Qdisc q) {
        SchGeneric.resetQdisc(cpu, q);
        held.clear();
        lastOfFlow.clear();
        check(q.currentQlen() == 0, "holds " + q.currentQlen() + " packets after reset");
        check(q.currentBacklog() == 0, "holds " + q.currentBacklog() + " bytes after reset");
    }

    private void handOver(Cpu cpu, Qdisc q) {
        SkBuffHead out = new SkBuffHead();
        q.handOver(cpu, out);
        check(out.qlen == held.size(), "hands over " + out.qlen + " packets, holds " + held.size());
        for (SkBuff skb = out.dequeue(); skb != null; skb = out.dequeue()) {
            check(held.remove(skb) != null, "hands over a packet that it did not hold");
            ordered(skb);
            skb.consume(cpu);
        }
        check(q.currentQlen() == 0, "holds " + q.currentQlen() + " packets after hand-over");
        check(q.currentBacklog() == 0, "holds " + q.currentBacklog() + " bytes after hand-over");
    }

    private void ordered(SkBuff skb) {
        Integer last = lastOfFlow.put(flow(skb), skb.mark);
        check(
                leave.contains(Leave.REORDER) || last == null || last < skb.mark,
                "packet " + skb.mark + " of flow " + flow(skb) + " left after packet " + last);
    }

    /** Flow and priority: hash and band. */
    private static int flow(SkBuff skb) {
        return skb.hash * 16 + skb.priority;
    }

    private void accounts(Qdisc q) {
        int n = q.currentQlen();
        check(n == held.size(), "counts " + n + " packets, holds " + held.size());
        check(q.isEmpty() == held.isEmpty(), "isEmpty is " + q.isEmpty() + " with " + held.size() + " packets held");
        long bytes = held.values().stream().mapToLong(Integer::longValue).sum();
        check(q.currentBacklog() == bytes, "counts " + q.currentBacklog() + " bytes, holds " + bytes);
        check(q.currentDrops() == dropped, "counts " + q.currentDrops() + " drops, dropped " + dropped);
    }

    private void drain(Qdisc q) {
        step = "drain";
        long end = kernel.clock().nanoTime() + 60_000_000_000L;
        while (!held.isEmpty()) {
            int before = held.size();
            locked(q, cpu -> dequeue(cpu, q));
            accounts(q);
            if (held.size() == before) {
                check(kernel.clock().nanoTime() - end < 0, "keeps " + before + " packets for more than a minute");
                kernel.scheduler().sleep(1_000_000);
            }
        }
    }

    // ---- on a device whose ring fills up

    private void onADevice(String spec) {
        kernel.rtnl().run(() -> DevGlobals.of(kernel).qdiscs.attachRoot(dev, spec));
        check(dev.open() == 0, "the device does not open");
        step = "device";
        long offered = 0;
        for (int i = 0; i < 1000; i++) {
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
        }
        for (int i = 0; i < 60_000 && dev.qdisc.currentQlen() + card.ring.qlen > 0; i++) {
            Cpu cpu = kernel.localBhDisable(0);
            card.complete(cpu);
            cpu.localBhEnable();
            kernel.scheduler().sleep(1_000_000);
        }
        long drops = dev.qdisc.currentDrops() + dev.getStats().txDropped;
        check(dev.qdisc.currentQlen() == 0, "keeps " + dev.qdisc.currentQlen() + " packets though the device is idle");
        check(
                leave.contains(Leave.TRANSFORM) || card.sent + drops == offered,
                offered + " packets offered, " + card.sent + " sent, " + drops + " dropped");
        dev.unregister();
    }

    // ---- tools

    private SkBuff packet(Cpu cpu) {
        return packet(cpu, random.nextInt(FLOWS), 60 + random.nextInt(1454));
    }

    private SkBuff packet(Cpu cpu, int flow, int len) {
        return ContractPackets.udp(cpu, dev, flow, len, flow % 3, nextMark++);
    }

    /**
     * Checks that the steady state of enqueue and dequeue costs no Java heap: a burst in, a burst out, over all flows.
     * For disciplines that let packets go within a millisecond of virtual time.
     */
    public static void verifyAllocation(String spec) {
        try (Kernel kernel = Kernel.boot("clock=virtual", "seed=1")) {
            QdiscContract c = new QdiscContract(kernel, 1);
            Qdisc q = c.create(spec);
            c.step = "allocation of \"" + spec + "\"";
            var threads = (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
            long used = Long.MAX_VALUE;
            // The last rounds run compiled code; the least of them is what the path itself takes.
            for (int round = 0; round < 40; round++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                c.burst(q);
                used = Math.min(used, threads.getCurrentThreadAllocatedBytes() - before);
                kernel.scheduler().sleep(1_000_000);
            }
            Cpu cpu = kernel.localBhDisable(0);
            SchGeneric.resetQdisc(cpu, q);
            q.destroy(cpu);
            cpu.localBhEnable();
            c.dev.unregister();
            c.check(used < 16 * BURSTS, "allocates " + used + " bytes for " + 16 * BURSTS + " packets");
        }
    }

    private static final int BURSTS = 50;

    private void burst(Qdisc q) {
        Cpu cpu = kernel.localBhDisable(0);
        q.rootLock().lock();
        for (int b = 0; b < BURSTS; b++) {
            for (int i = 0; i < 16; i++) {
                q.enqueue(cpu, packet(cpu, i % FLOWS, 500), toFree);
            }
            toFree.purge(cpu, SkbDropReason.QDISC_DROP);
            for (SkBuff skb = q.dequeue(cpu); skb != null; skb = q.dequeue(cpu)) {
                skb.next = null;
                skb.consume(cpu);
            }
        }
        q.rootLock().unlock();
        cpu.localBhEnable();
    }

    private interface Step {
        void run(Cpu cpu);
    }

    /** As the stack calls it: with a CPU, and under the root lock unless the discipline is lockless. */
    private void locked(Qdisc q, Step body) {
        Cpu cpu = kernel.localBhDisable(0);
        // A discipline may drop while it dequeues.
        cpu.freeTracer = (skb, reason) -> {
            if (reason != SkbDropReason.CONSUMED && held.remove(skb) != null) {
                dropped++;
            }
        };
        boolean lock = (q.flags & Qdisc.TCQ_F_NOLOCK) == 0;
        if (lock) {
            q.rootLock().lock();
        }
        try {
            body.run(cpu);
        } finally {
            cpu.freeTracer = null;
            if (lock) {
                q.rootLock().unlock();
            }
            cpu.localBhEnable();
        }
    }

    private void withCpu(Step body) {
        Cpu cpu = kernel.localBhDisable(0);
        try {
            body.run(cpu);
        } finally {
            cpu.localBhEnable();
        }
    }

    private void check(boolean ok, String otherwise) {
        if (!ok) {
            throw new AssertionError("seed " + seed + ", " + step + " after " + (nextMark - 1) + " packets (" + sent
                    + " sent): " + otherwise);
        }
    }
}
