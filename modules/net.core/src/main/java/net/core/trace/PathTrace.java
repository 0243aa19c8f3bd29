package net.core.trace;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Softirq;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Records which landmarks packets pass, in which context and when. Armed for a moment by {@link #start}; otherwise a
 * landmark costs one load and a branch. It keeps the first {@code capacity} steps and does not judge them: who draws them
 * picks the packet by its length and payload.
 *
 * <p>Context: {@link #hit} anywhere; start and stop in process context without a CPU's word.
 */
public final class PathTrace {
    /** Who was running. */
    public enum Context {
        PROCESS,
        INTERRUPT,
        SOFTIRQ
    }

    /**
     * One landmark passed.
     *
     * @param landmark which
     * @param context who ran it
     * @param vector the softirq that ran, null outside of softirq
     * @param cpu the CPU, -1 where none is held
     * @param thread the Java thread's name
     * @param device the packet's device, "" for none
     * @param atNs kernel time
     * @param skbLen the packet's length there, -1 without a packet
     */
    public record Step(
            Landmark landmark,
            Context context,
            @Nullable Softirq vector,
            int cpu,
            String thread,
            String device,
            long atNs,
            int skbLen) {}

    private final Kernel kernel;
    private final @Nullable Step[] steps;
    private final AtomicInteger used = new AtomicInteger();
    /** Hits of each landmark; exact in virtual time, and live as long as one CPU runs. */
    private final long[] hits = new long[Landmark.values().length];

    private PathTrace(Kernel kernel, int capacity) {
        this.kernel = kernel;
        steps = new Step[capacity];
    }

    /** A landmark reached with {@code skb} (null: none in hand yet) by the holder of {@code cpu}. */
    @HotPath
    public static void hit(Cpu cpu, @Nullable SkBuff skb, Landmark landmark) {
        PathTrace trace = cpu.trace;
        if (trace != null) {
            trace.record(cpu, skb, landmark);
        }
    }

    /** A landmark reached in process context, where no CPU is held. */
    @HotPath
    public static void hit(Kernel kernel, Landmark landmark) {
        PathTrace trace = kernel.trace;
        if (trace != null) {
            trace.record(null, null, landmark);
        }
    }

    /** Starts recording on every CPU of a kernel; a capacity of 0 only counts hits. */
    public static PathTrace start(Kernel kernel, int capacity) {
        PathTrace trace = new PathTrace(kernel, capacity);
        set(kernel, trace);
        return trace;
    }

    /** Stops recording and returns the steps in the order in which they happened. */
    public List<Step> stop() {
        set(kernel, null);
        int n = Math.min(used.get(), steps.length);
        List<Step> all = new ArrayList<>(n);
        for (int i = 0; i < n; i++) {
            Step step = steps[i];
            if (step != null) {
                all.add(step);
            }
        }
        return all;
    }

    /** How often a landmark was reached since the start. */
    public long hits(Landmark landmark) {
        return hits[landmark.ordinal()];
    }

    /** Under each CPU's word, so that its holder sees it. */
    private static void set(Kernel kernel, @Nullable PathTrace trace) {
        kernel.trace = trace;
        for (int i = 0; i < kernel.cpus(); i++) {
            Cpu cpu = kernel.cpu(i);
            cpu.localBhDisable();
            cpu.trace = trace;
            cpu.localBhEnable();
        }
    }

    private void record(@Nullable Cpu cpu, @Nullable SkBuff skb, Landmark landmark) {
        hits[landmark.ordinal()]++;
        if (steps.length == 0) {
            return;
        }
        int at = used.getAndIncrement();
        if (at >= steps.length) {
            used.set(steps.length);
            return;
        }
        Context context = Context.PROCESS;
        Softirq vector = null;
        if (cpu != null && cpu.inInterrupt()) {
            context = Context.INTERRUPT;
        } else if (cpu != null && cpu.inSoftirq()) {
            context = Context.SOFTIRQ;
            vector = cpu.runningSoftirq();
        }
        String device = skb == null || skb.dev == null ? "" : skb.dev.name();
        steps[at] = new Step(
                landmark,
                context,
                vector,
                cpu == null ? -1 : cpu.id,
                Thread.currentThread().getName(),
                device,
                kernel.clock().nanoTime(),
                skb == null ? -1 : skb.len);
    }
}
