package net.testkit.packetdrill;

import java.util.function.BooleanSupplier;
import net.core.Net;
import net.core.task.KernelThread;
import net.core.task.WaitQueueHead;
import net.ipv4.Ipv4Admin;
import net.testkit.Lab;
import net.testkit.packetdrill.lang.Settings;
import org.jspecify.annotations.Nullable;

/** A fresh kernel of Softnet in virtual time with one CPU, one TUN and one process. */
final class SoftnetHost implements ScriptHost {
    private static final String TUN = "tun0";
    /** Times start a quarter of a jiffy after one, so that events on whole milliseconds are not at its edge. */
    private static final long START_ALIGN_NS = 10_000_000;

    private static final long START_OFFSET_NS = 250_000;
    private static final long SETTLE_USECS = 10;

    private final Lab lab;
    private final TunDevice tun;
    private final HostCalls calls;
    private final HostShell shell;
    private final WaitQueueHead idle = new WaitQueueHead();

    SoftnetHost(Settings settings, long seed, TunDevice.Tap tap) {
        lab = Lab.virtual(seed, 1);
        Lab.Host host = lab.addHost("dut");
        Net net = host.net;
        calls = new SoftnetCalls(host.network.process().syscalls());
        tun = TunDevice.create(net, TUN, settings.mtu(), tap);
        shell = new SoftnetShell(net, tun.dev);
        int netmask = Lab.address(settings.netmaskIp());
        int remote = Lab.address(settings.remoteIp());
        lab.attach(host, tun.dev, settings.localIp() + "/" + Integer.bitCount(netmask));
        int len = settings.remotePrefix();
        int prefix = remote & (len == 0 ? 0 : -1 << 32 - len);
        if (((Lab.address(settings.localIp()) ^ remote) & netmask) != 0) {
            Ipv4Admin.addRoute(net, prefix, len, 0, tun.dev);
        }
    }

    @Override
    public HostCalls calls() {
        return calls;
    }

    @Override
    public HostShell shell() {
        return shell;
    }

    @Override
    public long nowNs() {
        return lab.nowNs();
    }

    @Override
    public long realTimeNs() {
        return lab.kernel.clock().realTimeNs();
    }

    @Override
    public void sleep(long ns) {
        lab.sleep(ns);
    }

    @Override
    public long startNs() {
        return (lab.nowNs() / START_ALIGN_NS + 1) * START_ALIGN_NS + START_OFFSET_NS;
    }

    @Override
    public long settleUsecs() {
        return SETTLE_USECS;
    }

    /** A kernel's thread as a task. */
    private record ThreadTask(KernelThread thread) implements Task {
        @Override
        public boolean isDone() {
            return thread.isDone();
        }

        @Override
        public @Nullable Throwable failure() {
            return thread.failure();
        }
    }

    @Override
    public Task start(String name, Runnable body) {
        return new ThreadTask(lab.start(name, body::run));
    }

    @Override
    public boolean await(String what, BooleanSupplier condition, long untilNs) {
        return idle.waitEvent(lab.kernel.scheduler(), what, condition, untilNs);
    }

    @Override
    public void wake() {
        idle.wakeAll(null);
    }

    @Override
    public @Nullable LivePacket nextSent(long untilNs) {
        if (!tun.pending()) {
            tun.arrived.waitEvent(lab.kernel.scheduler(), "an outbound packet", tun::pending, untilNs);
        }
        return tun.poll();
    }

    @Override
    public void receive(LivePacket packet, int mss) {
        tun.receive(packet, mss);
    }

    @Override
    public void checkNoLeaks() {
        try {
            lab.checkNoLeaks();
        } catch (AssertionError e) {
            throw new ScriptFailure("leak in the kernel: " + e.getMessage());
        }
    }

    @Override
    public void close() {
        lab.abandon();
    }
}
