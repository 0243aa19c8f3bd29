package net.core;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import net.core.task.KernelThreads;
import net.core.task.LiveScheduler;
import net.core.task.Scheduler;
import net.core.task.VirtualScheduler;
import net.core.task.Waiter;
import net.core.time.Clock;
import net.core.time.LiveClock;
import net.core.time.ManualClock;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.HotPath;
import net.skbuff.SipHash;
import net.skbuff.SkbMemory;
import org.jspecify.annotations.Nullable;

/**
 * One running stack: its CPUs, clock, memory, modules and namespaces. Nothing of it is static, so that one JVM can hold
 * many.
 *
 * <p>Context: boot and close by one thread; the rest as each method says.
 *
 * <p>Linux: start_kernel(), init/main.c.
 */
public final class Kernel implements AutoCloseable {
    private final boolean debug;
    private final boolean leakCheck;
    private final boolean standIn;
    private final @Nullable ModuleLayer layer;
    private final Clock clock;
    private final Scheduler scheduler;
    private final @Nullable VirtualScheduler virtual;
    private final KernelThreads threads;
    private final SkbMemory memory;
    private final Cpu[] cpus;
    private final SoftirqAction[] actions = new SoftirqAction[Softirq.COUNT];
    private final Rtnl rtnl;
    private final Sysctl sysctl;
    private final @Nullable SplittableRandom random;
    private final @Nullable SplittableRandom secrets;
    private final List<KernelModule> modules;
    private final List<PernetOperations> pernet = new ArrayList<>();
    private final CopyOnWriteArrayList<Net> nets = new CopyOnWriteArrayList<>();
    private final AtomicInteger nextNetId = new AtomicInteger(1);
    private @Nullable Object[] slots = new @Nullable Object[16];
    private @Nullable Net initNet;
    private boolean closed;
    /** Records landmarks of process context while it is set. See {@link PathTrace#start}. */
    public @Nullable PathTrace trace;

    /** Whether a recording runs: tracepoints are asked. Plain, see {@link TraceSwitch}. */
    private boolean tracing;

    private final TraceSwitch traceSwitch = new TraceSwitch(this);

    private volatile @Nullable Throwable oops;
    private volatile int oopses;
    /** Virtual time: to be thrown when the one who noted it holds nothing. */
    private volatile @Nullable IllegalStateException noted;

    private Kernel(BootParams params) {
        this.debug = params.debug;
        this.leakCheck = params.leakCheck;
        this.standIn = params.standIn;
        this.layer = params.layer;
        if (params.virtual) {
            ManualClock manual = new ManualClock();
            clock = manual;
            virtual = new VirtualScheduler(this, manual, params.seed);
            scheduler = virtual;
            SplittableRandom seeds = new SplittableRandom(params.seed ^ 0x5eedL);
            random = seeds.split();
            secrets = seeds.split();
        } else {
            clock = new LiveClock();
            virtual = null;
            scheduler = new LiveScheduler(this, clock, params.waitSpin);
            random = null;
            secrets = null;
        }
        threads = new KernelThreads(scheduler);
        memory = new SkbMemory(params.memoryLimit, debug);
        rtnl = new Rtnl(this);
        sysctl = new Sysctl(null, params.sysctls);
        SoftirqAction none = cpu -> {};
        Arrays.fill(actions, none);
        int n = params.cpus > 0
                ? params.cpus
                : params.virtual
                        ? 1
                        : Math.min(BootParams.MAX_CPUS, Runtime.getRuntime().availableProcessors());
        cpus = new Cpu[n];
        for (int i = 0; i < n; i++) {
            cpus[i] = new Cpu(this, memory, i);
        }
        openSoftirq(Softirq.HI, Cpu::taskletHiAction);
        openSoftirq(Softirq.TIMER, cpu -> {
            PathTrace.hit(cpu, null, Landmark.RUN_TIMERS);
            cpu.timers().run(cpu.jiffies());
        });
        openSoftirq(Softirq.TASKLET, Cpu::taskletAction);
        openSoftirq(Softirq.HRTIMER, cpu -> cpu.hrtimers().run(cpu.nowNs()));
        modules = new ArrayList<>(providers(KernelModule.class));
        modules.sort(Comparator.comparingInt(KernelModule::initOrder).thenComparing(KernelModule::name));
    }

    /** Boots with the given words. */
    public static Kernel boot(String... words) {
        return boot(BootParams.parse(words));
    }

    /**
     * Starts a kernel: modules in their order, then the initial namespace, then the workers.
     *
     * @throws UserError for boot words, sysctls or modules that cannot be
     */
    public static Kernel boot(BootParams params) {
        Kernel kernel = new Kernel(params);
        boolean done = false;
        try {
            kernel.start(params);
            done = true;
            return kernel;
        } finally {
            if (!done) {
                kernel.abandon();
            }
        }
    }

    private void start(BootParams params) {
        traceSwitch.open();
        for (KernelModule module : modules) {
            module.init(this);
        }
        if (!params.virtual) {
            for (Cpu cpu : cpus) {
                cpu.setWorker(new CpuWorker(cpu));
            }
            for (Cpu cpu : cpus) {
                workerOf(cpu).start();
            }
        }
        initNet = newNet("init");
        String unknown = initNet.sysctl().unusedBootWord();
        if (unknown != null) {
            throw initNet.sysctl().unknown(unknown);
        }
    }

    @SuppressWarnings("NullAway")
    private static CpuWorker workerOf(Cpu cpu) {
        return cpu.worker();
    }

    /** A boot that failed: stop what runs, without checks that would hide the first error. */
    private void abandon() {
        closed = true;
        traceSwitch.close();
        stopWorkers();
        memory.close();
    }

    /**
     * A bug in softirq: in virtual time thrown to whoever runs the loop; live it is kept, logged (the first few), and
     * thrown by {@link #close}, because the CPU has to go on.
     */
    void oops(String where, Throwable bug) {
        noteOops(where, bug);
        throwNotedOops();
    }

    /** {@link #oops} where a lock must be given back before anything is thrown: with {@link #throwNotedOops} after. */
    public void noteOops(String where, Throwable bug) {
        synchronized (nets) {
            if (oops == null) {
                oops = bug;
            }
            oopses = oopses + 1;
        }
        if (isVirtual()) {
            if (noted == null) {
                noted = new IllegalStateException("bug in " + where + ": " + bug, bug);
            }
            return;
        }
        if (oopses <= 10) {
            System.getLogger("net.core").log(System.Logger.Level.ERROR, "bug in " + where, bug);
        }
    }

    /** In virtual time throws, once, what {@link #noteOops} has kept. */
    public void throwNotedOops() {
        IllegalStateException bug = noted;
        if (bug != null) {
            noted = null;
            throw bug;
        }
    }

    /** The first bug found in softirq, or null. */
    public @Nullable Throwable oops() {
        return oops;
    }

    // ---- CPUs and softirqs

    /** How many CPUs. */
    @HotPath
    public int cpus() {
        return cpus.length;
    }

    /** One CPU; its fields are for the holder of its word. */
    @HotPath
    public Cpu cpu(int id) {
        return cpus[id];
    }

    /**
     * Becomes a CPU: the hinted one, else any that is idle; else spins, yields, then parks. The caller must not hold one.
     * Give it back with {@link Cpu#localBhEnable}.
     *
     * <p>Context: process, no spinlock held.
     */
    @HotPath
    public Cpu localBhDisable(int hint) {
        assert holdsNoCpu() : "a thread is one CPU at a time";
        Cpu[] all = cpus;
        int first = hint >= 0 && hint < all.length ? hint : (hint & 0x7fffffff) % all.length;
        VirtualScheduler v = virtual;
        Cpu home = all[v == null || all.length == 1 ? first : v.pickCpu(first)];
        if (home.tryAcquire()) {
            return home;
        }
        return acquireSlow(first);
    }

    private Cpu acquireSlow(int first) {
        Cpu[] all = cpus;
        for (int round = 0; round < 64; round++) {
            for (int i = 1; i <= all.length; i++) {
                int at = first + i;
                Cpu cpu = all[at < all.length ? at : at - all.length];
                if (cpu.tryAcquire()) {
                    return cpu;
                }
            }
            if (round < 48) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
        all[first].acquireSlow();
        return all[first];
    }

    /**
     * Waits in the place of an idle CPU's worker, the hinted one's if it has devices: the packet that ends the wait is then
     * handled by the thread that waits for it. Context: process, holding nothing, a platform thread, live.
     *
     * @return whether the wait is over (woken, interrupted, deadline); false to park
     */
    public boolean standInWhileWaiting(int hint, Waiter waiter, long deadlineNs) {
        if (!standIn) {
            return false;
        }
        Cpu[] all = cpus;
        for (int i = 0, at = hint % all.length; i < all.length; i++, at++) {
            CpuWorker worker = all[at < all.length ? at : at - all.length].worker();
            if (worker != null && worker.hasInterrupts()) {
                return worker.idle().await(waiter, deadlineNs);
            }
        }
        return false;
    }

    /** Whether the calling thread is no CPU: it may block. */
    public boolean holdsNoCpu() {
        for (Cpu cpu : cpus) {
            if (cpu.held()) {
                return false;
            }
        }
        return true;
    }

    /** Sets what a softirq does. Context: module init. Linux: open_softirq() */
    public void openSoftirq(Softirq v, SoftirqAction action) {
        actions[v.ordinal()] = action;
    }

    SoftirqAction[] softirqActions() {
        return actions;
    }

    /** Raises an interrupt at virtual time {@code atNs}: a device's script. */
    public void raiseIrq(Cpu cpu, IrqHandler handler, long atNs) {
        scheduler.schedule(atNs, cpu.irqLine(handler)::raise);
    }

    /** A number for {@link Cpu#local(int)}; {@link PerCpu} is the typed way. */
    public int newPerCpuSlot() {
        return PerCpu.nextSlot();
    }

    /** A number for {@link Net#slot(int)}; {@link PerNet} is the typed way. */
    public int newNetSlot() {
        return PerNet.nextSlot();
    }

    // ---- parts

    /** Time. */
    @HotPath
    public Clock clock() {
        return clock;
    }

    /** How threads block. */
    @HotPath
    public Scheduler scheduler() {
        return scheduler;
    }

    /** Program threads. */
    public KernelThreads threads() {
        return threads;
    }

    /** Packet memory. */
    public SkbMemory memory() {
        return memory;
    }

    /** Whether time is virtual. */
    public boolean isVirtual() {
        return virtual != null;
    }

    /** Whether tracepoints that hold no CPU are worth asking; those that hold one ask {@link Cpu#tracing}. */
    @HotPath
    public boolean tracing() {
        return tracing;
    }

    void setTracing(boolean on) {
        tracing = on;
        for (Cpu cpu : cpus) {
            cpu.tracing = on;
        }
    }

    /** Whether this kernel checks itself. */
    public boolean debug() {
        return debug;
    }

    /** The lock of all configuration. */
    public Rtnl rtnl() {
        return rtnl;
    }

    /** Settings of the whole kernel. A namespace's {@link Net#sysctl} shows them too. */
    public Sysctl sysctl() {
        return sysctl;
    }

    /** 32 random bits: from the seed in virtual time. Not for secrets: see {@link #bootSecret}. Any context. */
    @HotPath
    public int getRandomU32() {
        SplittableRandom r = random;
        return r != null ? r.nextInt() : ThreadLocalRandom.current().nextInt();
    }

    /** A random number below {@code ceil}. Linux: get_random_u32_below() */
    @HotPath
    public int getRandomBelow(int ceil) {
        return (int) (((getRandomU32() & 0xffffffffL) * ceil) >>> 32);
    }

    /** A hash under a secret of its own, unpredictable when live. Each call makes a new one: keep it. */
    public SipHash bootSecret(String purpose) {
        SplittableRandom r = secrets;
        if (r != null) {
            return new SipHash(r.nextLong() ^ purpose.hashCode(), r.nextLong());
        }
        SecureRandom secure = new SecureRandom();
        return new SipHash(secure.nextLong(), secure.nextLong());
    }

    @SuppressWarnings({"unchecked", "NullAway", "TypeParameterUnusedInFormals"})
    <T> T slot(int slot) {
        return slot < slots.length ? (T) slots[slot] : null;
    }

    void setSlot(int slot, @Nullable Object value) {
        if (slot >= slots.length) {
            slots = Arrays.copyOf(slots, Math.max(slot + 1, slots.length * 2));
        }
        slots[slot] = value;
    }

    // ---- modules

    /**
     * Every provider of {@code service}: in the stack's own modules, then in the layer of third-party ones.
     *
     * @throws UserError one line, for a module that cannot be loaded
     */
    public <T> List<T> providers(Class<T> service) {
        Module self = Kernel.class.getModule();
        self.addReads(service.getModule());
        self.addUses(service);
        ModuleLayer own = self.getLayer();
        List<T> found = new ArrayList<>();
        try {
            ServiceLoader<T> loader = layer != null
                    ? ServiceLoader.load(layer, service)
                    : own != null
                            ? ServiceLoader.load(own, service)
                            : ServiceLoader.load(service, Kernel.class.getClassLoader());
            for (T provider : loader) {
                found.add(provider);
            }
        } catch (ServiceConfigurationError | LinkageError e) {
            throw new UserError("module for " + service.getSimpleName() + " cannot be loaded: " + firstLine(e), e);
        }
        return found;
    }

    private static String firstLine(Throwable t) {
        String message = String.valueOf(t.getMessage());
        Throwable cause = t.getCause();
        if (cause != null && cause != t) {
            message += ": " + cause;
        }
        int eol = message.indexOf('\n');
        return eol < 0 ? message : message.substring(0, eol);
    }

    // ---- namespaces

    /** The namespace that boot made. */
    @SuppressWarnings("NullAway")
    public Net initNet() {
        return initNet;
    }

    /** All namespaces. */
    public List<Net> nets() {
        return nets;
    }

    /** A new, empty network namespace. Context: process. Linux: copy_net_ns() */
    public Net newNet(String name) {
        Net net = new Net(this, name, nextNetId.getAndIncrement());
        for (PernetOperations ops : List.copyOf(pernet)) {
            ops.init(net);
            net.opened(ops);
        }
        nets.add(net);
        return net;
    }

    void removeNet(Net net) {
        nets.remove(net);
    }

    /** Has {@code ops} run for every namespace, those that exist too. Context: process. Linux: register_pernet_subsys() */
    public void registerPernet(PernetOperations ops) {
        pernet.add(ops);
        for (Net net : nets) {
            ops.init(net);
            net.opened(ops);
        }
    }

    // ---- end

    /**
     * Ends program threads (virtual time), namespaces and modules in the reverse order of their start, then the workers;
     * then checks that nothing is left.
     *
     * @throws IllegalStateException if packets or pages leaked; debug mode names the allocation sites
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        traceSwitch.close();
        scheduler.close();
        for (int i = nets.size() - 1; i >= 0; i--) {
            nets.get(i).close();
        }
        runSoftirqs();
        for (int i = modules.size() - 1; i >= 0; i--) {
            modules.get(i).exit(this);
        }
        runSoftirqs();
        stopWorkers();
        for (Cpu cpu : cpus) {
            cpu.localBhDisable();
            cpu.drainRemoteFree();
            cpu.localBhEnable();
        }
        long pages = memory.outstandingPages();
        long skbs = memory.outstandingSkbs();
        String report = pages == 0 && skbs == 0 ? "" : memory.leakReport();
        if (pages != 0 || skbs != 0) {
            // Somebody may still read them: leave the memory to the process's end.
            String line = "leak at kernel close: " + skbs + " skbs, " + pages + " pages"
                    + (debug ? "\n" + report : " (boot with debug to see where they were allocated)");
            if (leakCheck) {
                throw new IllegalStateException(line, oops); // a bug seen before is what leaked
            }
            System.getLogger("net.core").log(System.Logger.Level.WARNING, line);
            return;
        }
        memory.close();
        Throwable bug = oops;
        if (bug != null && !isVirtual()) {
            throw new IllegalStateException("a softirq failed while the kernel ran: " + bug, bug);
        }
    }

    /** Whether {@link #close} has begun. */
    public boolean isClosed() {
        return closed;
    }

    private void runSoftirqs() {
        for (int round = 0; round < 100; round++) {
            boolean any = false;
            for (Cpu cpu : cpus) {
                cpu.localBhDisable();
                any |= cpu.softirqPending();
                cpu.localBhEnable();
            }
            if (!any) {
                return;
            }
        }
    }

    private void stopWorkers() {
        for (Cpu cpu : cpus) {
            CpuWorker worker = cpu.worker();
            if (worker != null) {
                worker.stop();
                cpu.setWorker(null);
            }
        }
    }
}
