package net.metrics;

import io.micrometer.core.instrument.Tags;
import java.util.Locale;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Softirq;
import net.core.sock.Proto;
import net.core.sock.ProtoMemory;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbMemory;

/** Meters of CPUs, packets, memory and sockets. */
final class KernelMeters {
    private static final String SOFTNET_STAT = "/proc/net/softnet_stat, net/core/net-procfs.c: ";

    private KernelMeters() {}

    static void bind(Meters meters, Kernel kernel) {
        for (int id = 0; id < kernel.cpus(); id++) {
            bindCpu(meters, kernel.cpu(id));
        }
        bindSkbs(meters, kernel);
        bindMemory(meters, kernel.memory());
    }

    private static void bindCpu(Meters meters, Cpu cpu) {
        Tags tags = Tags.of("cpu", Integer.toString(cpu.id));
        for (Softirq vector : Softirq.values()) {
            meters.counter(
                    "softnet.softirq.runs",
                    "",
                    "/proc/softirqs, fs/proc/softirqs.c: times each vector ran",
                    tags.and("vector", vector.name()),
                    cpu,
                    c -> c.softirqCounts[vector.ordinal()]);
        }
        meters.counter(
                "softnet.softirq.deferrals",
                "",
                "ksoftirqd, kernel/softirq.c: softirqs left to the worker after ten rounds or 2 ms",
                tags,
                cpu,
                c -> c.deferrals);
        meters.counter(
                "softnet.softirq.processed", "", SOFTNET_STAT + "packets received", tags, cpu, c -> c.sd.processed);
        meters.counter(
                "softnet.softirq.dropped",
                "",
                SOFTNET_STAT + "packets that found the backlog full",
                tags,
                cpu,
                c -> c.sd.dropped());
        meters.counter(
                "softnet.softirq.time.squeeze",
                "",
                SOFTNET_STAT + "receive runs that ended with work left",
                tags,
                cpu,
                c -> c.sd.timeSqueeze);
        meters.counter(
                "softnet.softirq.received.rps",
                "",
                SOFTNET_STAT + "packets steered here",
                tags,
                cpu,
                c -> c.sd.receivedRps);
        meters.counter(
                "softnet.softirq.flow.limit",
                "",
                SOFTNET_STAT + "packets dropped by the flow limit",
                tags,
                cpu,
                c -> c.sd.flowLimitCount);
        meters.counter(
                "softnet.softirq.xmit.recursion",
                "",
                "dev_xmit_recursion(), net/core/dev.h: packets dropped for transmitting too deep",
                tags,
                cpu,
                c -> c.sd.xmitRecursionDrops);
        meters.gauge(
                "softnet.softirq.backlog.len",
                "",
                SOFTNET_STAT + "packets in the backlog",
                tags,
                cpu,
                c -> c.sd.inputQueueLen());
    }

    private static void bindSkbs(Meters meters, Kernel kernel) {
        for (SkbDropReason reason : SkbDropReason.values()) {
            if (reason == SkbDropReason.CONSUMED) {
                continue;
            }
            int index = reason.ordinal();
            meters.counter(
                    "softnet.skb.drops",
                    "",
                    "skb:kfree_skb, include/net/dropreason-core.h: packets freed before they did their work",
                    Tags.of("reason", reason.name()),
                    kernel,
                    k -> sum(k, cpu -> cpu.dropCounts[index]));
        }
        meters.counter(
                "softnet.skb.consumed",
                "",
                "skb:consume_skb, net/core/skbuff.c: packets freed after they did their work",
                Tags.empty(),
                kernel,
                k -> sum(k, cpu -> cpu.consumed));
        meters.counter(
                "softnet.skb.alloc.failures",
                "",
                "__alloc_skb(), net/core/skbuff.c: packets and pages that were not to be had",
                Tags.empty(),
                kernel,
                k -> k.memory().allocFailures());
    }

    private interface PerCpuLong {
        long read(Cpu cpu);
    }

    private static double sum(Kernel kernel, PerCpuLong counter) {
        long sum = 0;
        for (int id = 0; id < kernel.cpus(); id++) {
            sum += counter.read(kernel.cpu(id));
        }
        return sum;
    }

    private static void bindMemory(Meters meters, SkbMemory memory) {
        Tags none = Tags.empty();
        String slab = "skbuff_cache, /proc/slabinfo: ";
        String pool = "page_pool, net/core/page_pool.c: ";
        meters.gauge(
                "softnet.skb.outstanding",
                "",
                slab + "packets allocated and not freed",
                none,
                memory,
                m -> m.outstandingSkbs());
        meters.gauge("softnet.memory.pages", "", pool + "pages in use", none, memory, m -> m.outstandingPages());
        meters.gauge(
                "softnet.memory.slab",
                "bytes",
                pool + "memory taken from the machine",
                none,
                memory,
                m -> m.slabBytes());
        meters.gauge(
                "softnet.memory.limit",
                "bytes",
                pool + "the most that may be taken",
                none,
                memory,
                m -> m.limitBytes());
    }

    static void bindProto(Meters meters, Proto proto) {
        Tags tags = Tags.of("protocol", proto.name.toLowerCase(Locale.ROOT));
        String sockstat = "/proc/net/sockstat, net/ipv4/proc.c: ";
        meters.gauge("softnet.sockets.inuse", "", sockstat + "sockets that exist", tags, proto, p -> p.inuse());
        ProtoMemory memory = proto.memory;
        if (memory == null) {
            return;
        }
        String protocols = "/proc/net/protocols, net/core/sock.c: ";
        meters.gauge("softnet.sockets.allocated", "", sockstat + "alloc", tags, memory, m -> m.socketsAllocated());
        meters.gauge("softnet.sockets.orphans", "", sockstat + "orphan", tags, memory, m -> m.orphanCount());
        meters.gauge(
                "softnet.sockets.memory", "pages", sockstat + "mem, in pages", tags, memory, m -> m.allocatedPages());
        meters.gauge("softnet.sockets.pressure", "", protocols + "press", tags, memory, m -> m.underPressure() ? 1 : 0);
    }
}
