package net.core.sock;

import java.util.concurrent.atomic.AtomicReferenceArray;
import net.core.Kernel;
import net.core.Net;
import net.core.PerKernel;
import org.jspecify.annotations.Nullable;

/**
 * A program of this kernel: a namespace, a descriptor table and the system calls on them. Any number of threads may
 * share one.
 *
 * <p>Linux: struct task_struct as far as the network sees it
 */
public final class Process implements AutoCloseable {
    /** Linux's hard default of RLIMIT_NOFILE with systemd is 524288; ours is net's nr_open. */
    public static final int DEFAULT_NOFILE = 1 << 20;

    private final Kernel kernel;
    private final Net net;
    private final FilesStruct files;
    private final Syscalls syscalls;

    public Process(Kernel kernel, Net net) {
        this(kernel, net, DEFAULT_NOFILE);
    }

    /** @param nofile RLIMIT_NOFILE */
    public Process(Kernel kernel, Net net, int nofile) {
        this.kernel = kernel;
        this.net = net;
        this.files = new FilesStruct(nofile);
        this.syscalls = new Syscalls(this);
    }

    public Kernel kernel() {
        return kernel;
    }

    /** The namespace its sockets are made in. */
    public Net net() {
        return net;
    }

    public FilesStruct files() {
        return files;
    }

    public Syscalls syscalls() {
        return syscalls;
    }

    /** Exit: closes every descriptor. */
    @Override
    public void close() {
        for (int fd = files.top() - 1; fd >= 0; fd--) {
            syscalls.close(fd);
        }
    }

    /**
     * Message headers for read and write, so that they allocate none. A thread that finds its slot empty makes one.
     */
    static final class MsghdrCache {
        private static final PerKernel<MsghdrCache> CACHE = new PerKernel<>();
        private static final int SLOTS = 16;
        private static final int STRIDE = 16;

        private final AtomicReferenceArray<@Nullable Msghdr> slots = new AtomicReferenceArray<>(SLOTS * STRIDE);

        static void install(Kernel kernel) {
            CACHE.set(kernel, new MsghdrCache());
        }

        static MsghdrCache of(Kernel kernel) {
            return CACHE.get(kernel);
        }

        Msghdr take() {
            Msghdr msg = slots.getAndSet(slot(), null);
            return msg != null
                    ? msg
                    : new Msghdr(); // allocates: first use, or another thread of this slot is in a call
        }

        void give(Msghdr msg) {
            msg.reset(null, null, 0);
            slots.lazySet(slot(), msg);
        }

        private static int slot() {
            return ((int) Thread.currentThread().threadId() & SLOTS - 1) * STRIDE;
        }
    }
}
