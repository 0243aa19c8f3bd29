package net.core.sock;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLong;
import net.core.Cpu;
import net.core.Kernel;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * The packet memory that all sockets of a protocol have reserved, in pages, against the three limits of
 * {@code net.ipv4.tcp_mem}: below the first all is well, above the second the protocol is under pressure until it falls
 * below the first, above the third new reservations fail.
 *
 * <p><b>Context:</b> holders of a CPU word count in their CPU's batch and fold it into the shared atomic every
 * {@value #PCPU_RESERVE_PAGES} pages; others add to the atomic. The sum of both is exact.
 *
 * <p>Linux: sk_memory_allocated_add(), proto_memory_pcpu_drain(), include/net/proto_memory.h
 */
public abstract class ProtoMemory {
    /** A CPU's batch: 1 MiB. Linux: SK_MEMORY_PCPU_RESERVE */
    static final int PCPU_RESERVE_PAGES = 256;

    /** A cache line and its prefetched neighbour, in longs. */
    private static final int STRIDE = 16;

    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);

    private final AtomicLong allocatedPages = new AtomicLong();
    private final long[] perCpu;
    private final AtomicLong socketsAllocated = new AtomicLong();
    private final AtomicLong orphans = new AtomicLong();
    /** When pressure began, the kernel's nanoseconds; 0: there is none. */
    private final AtomicLong pressureSince = new AtomicLong();

    protected ProtoMemory(Kernel kernel) {
        perCpu = new long[(kernel.cpus() + 1) * STRIDE];
    }

    /** Page limit 0, 1 or 2: the live values of the sysctl. */
    public abstract long limit(int index);

    /** Called once when pressure begins, by a socket that grew: counts TCPMemoryPressures. */
    protected void enteredPressure(@Nullable Cpu cpu, Sock sk) {}

    /**
     * Called once when it ends, {@code lastedNs} later, by a socket that gave memory back. Without a CPU this may be any
     * context.
     */
    protected void leftPressure(@Nullable Cpu cpu, Sock sk, long lastedNs) {}

    /** Adds pages (or takes them, negative) and returns the protocol's sum as far as the shared counter knows it. */
    @HotPath
    public final long add(@Nullable Cpu cpu, int pages) {
        if (cpu == null) {
            return allocatedPages.addAndGet(pages);
        }
        int slot = (cpu.id + 1) * STRIDE;
        long local = perCpu[slot] + pages;
        if (local >= PCPU_RESERVE_PAGES || local <= -PCPU_RESERVE_PAGES) {
            LONGS.setOpaque(perCpu, slot, 0L);
            return allocatedPages.addAndGet(local);
        }
        LONGS.setOpaque(perCpu, slot, local);
        return allocatedPages.getOpaque();
    }

    /** Pages of the shared counter: off by at most the CPUs' batches. */
    public final long allocatedApprox() {
        return Math.max(0, allocatedPages.getOpaque());
    }

    /** Exact pages, when nothing moves. */
    public final long allocatedPages() {
        long sum = allocatedPages.get();
        for (int slot = STRIDE; slot < perCpu.length; slot += STRIDE) {
            sum += (long) LONGS.getOpaque(perCpu, slot);
        }
        return sum;
    }

    public final boolean underPressure() {
        return pressureSince.getOpaque() != 0;
    }

    /** Begins pressure unless it is on. Linux: tcp_enter_memory_pressure() */
    public final void enterPressure(@Nullable Cpu cpu, Sock sk) {
        if (pressureSince.getOpaque() == 0
                && pressureSince.compareAndSet(
                        0, Math.max(1, sk.kernel().clock().nanoTime()))) {
            enteredPressure(cpu, sk);
        }
    }

    /** Ends it if it is on. Linux: tcp_leave_memory_pressure() */
    public final void leavePressure(@Nullable Cpu cpu, Sock sk) {
        long since = pressureSince.getOpaque();
        if (since != 0 && pressureSince.compareAndSet(since, 0)) {
            leftPressure(cpu, sk, sk.kernel().clock().nanoTime() - since);
        }
    }

    public final long socketsAllocated() {
        return Math.max(0, socketsAllocated.get());
    }

    public final void socketsAllocatedAdd(int n) {
        socketsAllocated.addAndGet(n);
    }

    public final long orphanCount() {
        return Math.max(0, orphans.get());
    }

    public final void orphanCountAdd(int n) {
        orphans.addAndGet(n);
    }
}
