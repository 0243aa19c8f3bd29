package net.sched;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
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

/**
 * A qdisc in front of a link of a given rate, in virtual time: events by time, senders with and without congestion
 * control, the delay of each packet in the queue.
 */
final class QdiscLab implements AutoCloseable {
    static final long MS = 1_000_000L;
    static final long SEC = 1_000_000_000L;

    /** One flow's account. */
    static final class Flow {
        final int id;
        long sentBytes;
        long deliveredBytes;
        long delivered;
        long drops;
        long marks;
        final List<Long> delaysNs = new ArrayList<>();
        final List<Long> times = new ArrayList<>();
        final List<Integer> order = new ArrayList<>();
        int prio;
        int dsfield = 0;
        int size = 1514;
        int dport = 9;
        int proto = 17;
        int saddr;
        int daddr;
        /** Told of what happened to a packet: its number. */
        Consumer<SkBuff> onDelivered = s -> {};

        LongConsumer onDropped = n -> {};

        Flow(int id) {
            this.id = id;
            saddr = 10 << 24 | id + 1;
            daddr = 10 << 24 | 1 << 16 | 1;
        }

        double meanDelayMs(int from) {
            return delaysNs.stream()
                            .skip(from)
                            .mapToLong(Long::longValue)
                            .average()
                            .orElse(0)
                    / 1e6;
        }

        double meanDelayMs() {
            return meanDelayMs(delaysNs.size() / 2);
        }
    }

    private record Event(long at, long seq, Runnable run) {}

    final Kernel kernel;
    final NetDevice dev;
    final Qdisc q;
    final Map<Integer, Flow> flows = new HashMap<>();
    final SplittableRandom random = new SplittableRandom(7);
    long sent;
    long offered;
    private final PriorityQueue<Event> events =
            new PriorityQueue<>((a, b) -> a.at != b.at ? Long.compare(a.at, b.at) : Long.compare(a.seq, b.seq));
    private long seq;
    private final long bytesPerSec;
    private boolean linkBusy;
    private int nextMark = 1;
    private final Map<SkBuff, Long> arrived = new java.util.IdentityHashMap<>();
    private final SkBuffHead toFree = new SkBuffHead();
    private long nextPollNs = Long.MAX_VALUE;

    QdiscLab(String spec, long bytesPerSec) {
        this(spec, bytesPerSec, "seed=42");
    }

    QdiscLab(String spec, long bytesPerSec, String... words) {
        String[] all = Arrays.copyOf(words, words.length + 1);
        all[words.length] = "clock=virtual";
        kernel = Kernel.boot(all);
        this.bytesPerSec = bytesPerSec;
        NetDeviceOps ops = (cpu, skb, d, txq, more) -> {
            skb.consume(cpu);
            return NetDeviceOps.NETDEV_TX_OK;
        };
        dev = new NetDevice(kernel.initNet(), "lab0", ops, 1, 1);
        EthHdr.etherSetup(dev);
        dev.register();
        List<String> w = Arrays.asList(spec.trim().split("\\s+"));
        QdiscOps kind = DevGlobals.of(kernel).qdiscs.get(w.getFirst());
        Object opt = kind.parse(w.subList(1, w.size()));
        q = kind.create(dev.tx[0]);
        q.handle = 0x10000;
        int err = q.init(opt);
        if (err != 0) {
            throw new IllegalStateException(spec + ": " + err);
        }
    }

    long now() {
        return kernel.clock().nanoTime();
    }

    Flow flow(int id) {
        return flows.computeIfAbsent(id, Flow::new);
    }

    void at(long ns, Runnable run) {
        events.add(new Event(ns, seq++, run));
    }

    void after(long ns, Runnable run) {
        at(now() + ns, run);
    }

    /** Packets at a constant bit rate until the end. */
    void cbr(int id, long bps, long startNs) {
        Flow f = flow(id);
        long gap = f.size * 8L * SEC / bps;
        Runnable[] next = new Runnable[1];
        next[0] = () -> {
            send(f);
            after(gap, next[0]);
        };
        at(now() + startNs, next[0]);
    }

    /** One packet into the qdisc, and the link started. Returns its number. */
    int send(Flow f) {
        return send(f, s -> {});
    }

    int send(Flow f, Consumer<SkBuff> prepare) {
        int mark = nextMark++;
        inCpu(cpu -> {
            SkBuff skb = packet(cpu, f, mark);
            prepare.accept(skb);
            arrived.put(skb, cpu.nowNs());
            f.sentBytes += f.size;
            offered++;
            q.enqueue(cpu, skb, toFree);
            toFree.purge(cpu, SkbDropReason.QDISC_DROP);
        });
        pump();
        return mark;
    }

    interface InCpu {
        void run(Cpu cpu);
    }

    void inCpu(InCpu body) {
        Cpu cpu = kernel.localBhDisable(0);
        cpu.freeTracer = (skb, reason) -> {
            if (reason != SkbDropReason.CONSUMED && arrived.remove(skb) != null) {
                Flow f = flow(skb.skbIif);
                f.drops++;
                int n = skb.mark;
                at(cpu.nowNs(), () -> f.onDropped.accept(n));
            }
        };
        cpu.refreshClock();
        q.rootLock().lock();
        try {
            body.run(cpu);
        } finally {
            q.rootLock().unlock();
            cpu.freeTracer = null;
            cpu.localBhEnable();
        }
    }

    private void pump() {
        if (linkBusy) {
            return;
        }
        inCpu(cpu -> {
            SkBuff skb = q.dequeuePeeked(cpu);
            if (skb != null) {
                transmit(cpu, skb);
            }
        });
    }

    private void transmit(Cpu cpu, SkBuff skb) {
        skb.next = null;
        sent++;
        Flow f = flow(skb.skbIif);
        Long t = arrived.remove(skb);
        long len = skb.len;
        f.delivered++;
        f.deliveredBytes += len;
        if (t != null) {
            f.delaysNs.add(cpu.nowNs() - t);
        }
        f.times.add(cpu.nowNs());
        f.order.add(skb.mark);
        if (InetEcn.ecn(skb) == InetEcn.CE) {
            f.marks++;
        }
        f.onDelivered.accept(skb);
        skb.consume(cpu);
        linkBusy = true;
        long txNs = bytesPerSec == 0 ? 0 : (len * SEC + bytesPerSec - 1) / bytesPerSec;
        at(cpu.nowNs() + txNs, () -> {
            linkBusy = false;
            pump();
        });
    }

    /** Runs events until {@code untilNs} after now. A held-back qdisc is asked again each 20 us, as its watchdog would. */
    void run(long forNs) {
        long end = now() + forNs;
        while (now() < end) {
            Event e = events.peek();
            long next = e == null ? end : Math.min(e.at, end);
            if (!linkBusy && q.qlen > 0) {
                nextPollNs = now() + 20_000;
                next = Math.min(next, nextPollNs);
            }
            if (next > now()) {
                kernel.scheduler().sleep(next - now());
            }
            e = events.peek();
            if (e != null && e.at <= now()) {
                events.poll();
                e.run.run();
            } else {
                pump();
            }
        }
    }

    private SkBuff packet(Cpu cpu, Flow f, int mark) {
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(f.size + 32));
        skb.reserve(32);
        skb.put(f.size);
        long eth = skb.dataAddress();
        UnsafeApi.setMemory(eth, f.size, (byte) 0);
        put16(eth + 12, EthHdr.ETH_P_IP);
        long ip = eth + 14;
        put16(ip, 0x4500 | f.dsfield);
        put16(ip + 2, f.size - 14);
        put16(ip + 8, 64 << 8 | f.proto);
        put16(ip + 12, f.saddr >>> 16);
        put16(ip + 14, f.saddr);
        put16(ip + 16, f.daddr >>> 16);
        put16(ip + 18, f.daddr);
        put16(ip + 20, 1000 + f.id);
        put16(ip + 22, f.dport);
        put16(ip + 10, ~sum(ip));
        skb.dev = dev;
        skb.protocol = EthHdr.ETH_P_IP;
        skb.resetMacHeader();
        skb.setNetworkHeader(14);
        skb.setTransportHeader(34);
        skb.mark = mark;
        skb.priority = f.prio;
        skb.skbIif = f.id;
        QdiscSkbCb.setPktLen(skb, f.size);
        return skb;
    }

    /** Sum of the IPv4 header, folded; 0xffff if its checksum is right. */
    static int sum(long ip) {
        int s = 0;
        for (int i = 0; i < 20; i += 2) {
            s += (UnsafeApi.getByte(ip + i) & 0xff) << 8 | UnsafeApi.getByte(ip + i + 1) & 0xff;
        }
        s = (s & 0xffff) + (s >> 16);
        return (s & 0xffff) + (s >> 16);
    }

    static void put16(long a, int v) {
        UnsafeApi.putByte(a, (byte) (v >> 8));
        UnsafeApi.putByte(a + 1, (byte) v);
    }

    /** Jain's index of fairness over bytes delivered. */
    double jain(Iterable<Integer> ids) {
        double s = 0;
        double s2 = 0;
        int n = 0;
        for (int id : ids) {
            double x = flow(id).deliveredBytes;
            s += x;
            s2 += x * x;
            n++;
        }
        return s * s / (n * s2);
    }

    String stats() {
        return q.describe(true);
    }

    @Override
    public void close() {
        Cpu cpu = kernel.localBhDisable(0);
        SchGeneric.resetQdisc(cpu, q);
        q.destroy(cpu);
        cpu.localBhEnable();
        dev.unregister();
        kernel.close();
    }

    /** A sender with additive increase and multiplicative decrease: TCP Reno's law, one packet each ACK, no slow start. */
    final class Aimd {
        final Flow f;
        final long rttNs;
        double cwnd = 10;
        int inflight;
        long recoverUntil;
        /** DCTCP's law instead: the window shrinks by half the share of marks. */
        final boolean scalable;

        private double alpha = 1;
        private long acks;
        private long marks;
        private long windowEnd;

        Aimd(int id, long rttNs, int dsfield, boolean scalable) {
            f = flow(id);
            f.dsfield = dsfield;
            this.rttNs = rttNs;
            this.scalable = scalable;
            f.onDelivered = skb -> {
                boolean ce = InetEcn.ecn(skb) == InetEcn.CE;
                at(now() + rttNs, () -> ack(ce));
            };
            f.onDropped = n -> at(now() + rttNs, () -> {
                inflight--;
                decrease(0.5);
                fill();
            });
            after(random.nextLong(rttNs), this::fill);
        }

        private void ack(boolean ce) {
            inflight--;
            acks++;
            if (ce) {
                marks++;
            }
            if (scalable) {
                if (now() >= windowEnd) {
                    alpha += ((double) marks / acks - alpha) / 16;
                    if (marks > 0) {
                        cwnd = Math.max(2, cwnd * (1 - alpha / 2));
                    }
                    marks = 0;
                    acks = 0;
                    windowEnd = now() + rttNs;
                }
                cwnd += 1 / cwnd;
            } else if (ce) {
                decrease(0.5);
            } else {
                cwnd += 1 / cwnd;
            }
            fill();
        }

        private void decrease(double by) {
            if (now() >= recoverUntil) {
                cwnd = Math.max(2, cwnd * by);
                recoverUntil = now() + rttNs;
            }
        }

        private void fill() {
            while (inflight < (int) cwnd) {
                inflight++;
                send(f);
            }
        }
    }
}
