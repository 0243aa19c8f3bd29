package net.testkit.packetdrill;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import net.core.UserError;
import net.skbuff.Errno;
import net.testkit.Lab;
import net.testkit.packetdrill.lang.Settings;
import org.jspecify.annotations.Nullable;

/**
 * The machine's Linux in a network namespace of the calling thread, which the thread enters here and which ends with it
 * and the threads it started. Time is real; the script's threads ask for a real-time class, since an event must not wait
 * for other programs.
 *
 * <p>Context: a platform thread made for this run.
 */
final class LinuxHost implements ScriptHost {
    private static final String TUN = "tun0";
    private static final int SCHED_RR = 2;
    private static final int READER_WAIT_MS = 50;
    private static final long ALIGN_NS = 10_000_000;
    private static final long SETTLE_USECS = 3_000;

    private final LinuxCalls calls = new LinuxCalls();
    private final LinuxShell shell = new LinuxShell(TUN);
    private final TunDevice.Tap tap;
    private final LinuxTun tun;
    private final Thread reader;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<LivePacket> sent = new ArrayDeque<>();
    private volatile boolean stopping;

    LinuxHost(Settings settings, TunDevice.Tap tap) {
        this.tap = tap;
        int rc = (int) LibC.UNSHARE.call(LibC.CLONE_NEWNET);
        if (rc < 0) {
            throw new UserError("a network namespace of its own: " + Errno.text(-rc));
        }
        realTime();
        shell.sysctl("net.ipv6.conf.all.disable_ipv6", "1");
        shell.sysctl("net.ipv6.conf.default.disable_ipv6", "1");
        shell.sysctl("net.ipv4.tcp_congestion_control", "cubic");
        tun = new LinuxTun(TUN);
        configure(settings);
        reader = new Thread(this::readAll, "TUN reader");
        reader.setDaemon(true);
        reader.start();
    }

    /** Best effort: without it, times are less exact. */
    private static void realTime() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment param = arena.allocate(4, 4);
            param.set(java.lang.foreign.ValueLayout.JAVA_INT, 0, 1);
            LibC.SCHED_SETSCHEDULER.call(0, SCHED_RR, param.address());
        }
    }

    private static void configure(Settings s) {
        int bits = Integer.bitCount(Lab.address(s.netmaskIp()));
        String commands = "link set dev lo up\n"
                + "addr add " + s.localIp() + "/" + bits + " dev " + TUN + "\n"
                + "link set dev " + TUN + " mtu " + s.mtu() + " up\n"
                + "route replace " + network(s) + " dev " + TUN + "\n";
        if (LinuxShell.run(java.util.List.of("ip", "-batch", "-"), commands) != 0) {
            throw new UserError("ip: cannot set up " + TUN + " in a network namespace");
        }
    }

    private static String network(Settings s) {
        int len = s.remotePrefix();
        int prefix = Lab.address(s.remoteIp()) & (len == 0 ? 0 : -1 << 32 - len);
        return net.core.sock.SockAddrIn.text(prefix) + "/" + len;
    }

    @Override
    public HostCalls calls() {
        return calls;
    }

    @Override
    public HostShell shell() {
        return shell;
    }

    // ---- time

    @Override
    public long nowNs() {
        return System.nanoTime();
    }

    @Override
    public long realTimeNs() {
        var now = java.time.Instant.now();
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }

    @Override
    public void sleep(long ns) {
        long until = nowNs() + ns;
        long left = ns;
        while (left > 0) {
            LockSupport.parkNanos(left);
            left = until - nowNs();
        }
    }

    @Override
    public long startNs() {
        return (nowNs() / ALIGN_NS + 2) * ALIGN_NS;
    }

    @Override
    public long settleUsecs() {
        return SETTLE_USECS;
    }

    // ---- threads

    /** A thread of the same namespace. */
    private static final class ThreadTask implements Task, Runnable {
        private final Runnable body;
        private volatile boolean done;
        private volatile @Nullable Throwable failure;

        ThreadTask(Runnable body) {
            this.body = body;
        }

        @Override
        public void run() {
            try {
                body.run();
            } catch (RuntimeException | Error e) {
                failure = e;
            } finally {
                done = true;
            }
        }

        @Override
        public boolean isDone() {
            return done;
        }

        @Override
        public @Nullable Throwable failure() {
            return failure;
        }
    }

    @Override
    public Task start(String name, Runnable body) {
        ThreadTask task = new ThreadTask(body);
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
        return task;
    }

    @Override
    public boolean await(String what, BooleanSupplier condition, long untilNs) {
        lock.lock();
        try {
            while (!condition.getAsBoolean()) {
                long left = untilNs - nowNs();
                if (left <= 0) {
                    return false;
                }
                long unused = changed.awaitNanos(left);
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ScriptFailure("interrupted");
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void wake() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    // ---- the wire

    private void readAll() {
        while (!stopping) {
            if (!tun.ready(READER_WAIT_MS)) {
                continue;
            }
            long now = nowNs();
            for (byte[] bytes = tun.read(); bytes != null; bytes = tun.read()) {
                LivePacket p;
                try {
                    p = LivePacket.parse(now, bytes);
                } catch (ScriptFailure e) {
                    continue; // no IPv4 packet of the protocols scripts know: the machine's own affairs
                }
                tap.packet(now, false, bytes);
                lock.lock();
                try {
                    sent.add(p);
                    changed.signalAll();
                } finally {
                    lock.unlock();
                }
            }
        }
    }

    @Override
    public @Nullable LivePacket nextSent(long untilNs) {
        await("an outbound packet", () -> !sent.isEmpty(), untilNs);
        lock.lock();
        try {
            return sent.poll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void receive(LivePacket packet, int mss) {
        tap.packet(nowNs(), true, packet.bytes());
        tun.write(packet, mss);
    }

    /** The machine keeps its memory to itself. */
    @Override
    public void checkNoLeaks() {}

    @Override
    public void close() {
        calls.closeAll();
        stopping = true;
        try {
            reader.join(TimeUnit.SECONDS.toMillis(2));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!reader.isAlive()) {
            tun.close();
        }
    }
}
