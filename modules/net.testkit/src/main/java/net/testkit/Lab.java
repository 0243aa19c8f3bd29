package net.testkit;

import drivers.veth.Veth;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.api.SoftNetwork;
import net.core.dev.NetDevice;
import net.core.sock.Proto;
import net.core.sock.SockRegistry;
import net.core.task.KernelThread;
import net.core.task.ThrowingRunnable;
import net.core.task.WaitQueueHead;
import net.ipv4.Inet;
import net.ipv4.Ipv4Admin;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * Hosts and wires in one kernel: namespaces joined by veth pairs, faults on either direction, and a check at the end that
 * everything came home. In virtual time the same seed gives the same packets to the nanosecond.
 *
 * <pre>{@code
 * try (Lab lab = Lab.twoHosts(seed, 2)) {
 *     Lab.Host a = lab.host("a");
 *     lab.start("server", () -> serve(a.network));
 *     ...
 *     lab.joinAll();
 * }
 * }</pre>
 *
 * <p>Context: made, driven and closed by one thread; bodies of {@link #start} run as the kernel's program threads.
 */
public final class Lab implements AutoCloseable {
    private static final long SETTLE_STEP_NS = 500_000_000L;
    private static final long SETTLE_LIMIT_NS = 600_000_000_000L;

    public final Kernel kernel;
    private final long seed;
    private final List<Host> hosts = new ArrayList<>();
    private final List<Link> links = new ArrayList<>();
    private final WaitQueueHead idle = new WaitQueueHead();

    private Lab(long seed, String... words) {
        this.seed = seed;
        kernel = Kernel.boot(words);
    }

    /** A kernel in virtual time without hosts. */
    public static Lab virtual(long seed, int cpus, String... words) {
        return new Lab(seed, words(words, "clock=virtual", "seed=" + seed, "cpus=" + cpus));
    }

    /** A kernel in real time without hosts; the seed is of the faults alone. */
    public static Lab live(long seed, int cpus, String... words) {
        return new Lab(seed, words(words, "clock=live", "cpus=" + cpus));
    }

    private static String[] words(String[] more, String... first) {
        String[] all = Arrays.copyOf(first, first.length + more.length);
        System.arraycopy(more, 0, all, first.length, more.length);
        return all;
    }

    /** Hosts {@code a} (10.0.0.1/24) and {@code b} (10.0.0.2/24) on one wire, in virtual time. */
    public static Lab twoHosts(long seed, int cpus, String... words) {
        return twoHosts(seed, cpus, FaultPlan.Rates.NONE, words);
    }

    /** As {@link #twoHosts(long, int, String...)} with faults in both directions. */
    public static Lab twoHosts(long seed, int cpus, FaultPlan.Rates faults, String... words) {
        return virtual(seed, cpus, words).joinTwo(faults);
    }

    /** As {@link #twoHosts(long, int, FaultPlan.Rates, String...)}, live. */
    public static Lab twoLiveHosts(long seed, int cpus, FaultPlan.Rates faults, String... words) {
        return live(seed, cpus, words).joinTwo(faults);
    }

    private Lab joinTwo(FaultPlan.Rates faults) {
        join(addHost("a"), "10.0.0.1/24", addHost("b"), "10.0.0.2/24", faults, faults);
        return this;
    }

    /** A host of the lab: a namespace and a program's view of it. */
    public static final class Host {
        public final Net net;
        public final SoftNetwork network;
        /** Its ends of wires, in the order of {@link Lab#join}. */
        public final List<NetDevice> devices = new ArrayList<>();

        private final List<String> addresses = new ArrayList<>();

        private Host(Kernel kernel, String name) {
            net = kernel.newNet(name);
            network = SoftNetwork.of(kernel, net);
        }

        public String name() {
            return net.name();
        }

        /** Its first address with a port. */
        public InetSocketAddress at(int port) {
            return endpoint(addresses.getFirst(), port);
        }

        /** A counter by nstat's name. */
        public long counter(String name) {
            return net.mib().read(name);
        }

        @Override
        public String toString() {
            return "host " + name();
        }
    }

    /** A wire between two hosts; the faults of each direction, null if there are none. */
    public record Link(
            NetDevice first,
            NetDevice second,
            @Nullable FaultDevice fromFirst,
            @Nullable FaultDevice fromSecond) {}

    /** A new host with nothing but its loopback device, which is up. */
    public Host addHost(String name) {
        Host host = new Host(kernel, name);
        NetDevice lo = host.net.devices.loopback();
        if (!lo.isUp()) {
            Ipv4Admin.setUp(lo);
        }
        hosts.add(host);
        return host;
    }

    public Host host(String name) {
        return hosts.stream()
                .filter(h -> h.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no host \"" + name + "\" in " + hosts));
    }

    public List<Host> hosts() {
        return hosts;
    }

    public List<Link> links() {
        return links;
    }

    /** Joins two hosts by a faultless wire; addresses such as {@code 10.0.0.1/24}. */
    public Link join(Host a, String addressA, Host b, String addressB) {
        return join(a, addressA, b, addressB, FaultPlan.Rates.NONE, FaultPlan.Rates.NONE);
    }

    /** Joins two hosts by a wire with faults on what each sends. A direction with faults has no offloads. */
    public Link join(Host a, String addressA, Host b, String addressB, FaultPlan.Rates fromA, FaultPlan.Rates fromB) {
        NetDevice first = Veth.create(a.net, "eth" + a.devices.size(), b.net, "eth" + b.devices.size());
        NetDevice second = Objects.requireNonNull(Veth.peerOf(first));
        long faultSeed = seed * 1_000_003 + links.size();
        FaultDevice faultA = fromA.isNone() ? null : FaultDevice.decorate(first, faultSeed, fromA);
        FaultDevice faultB = fromB.isNone() ? null : FaultDevice.decorate(second, ~faultSeed, fromB);
        attach(a, first, addressA);
        attach(b, second, addressB);
        Link link = new Link(first, second, faultA, faultB);
        links.add(link);
        return link;
    }

    /** Gives a host a device of the caller's making, with an address, and brings it up. */
    public void attach(Host host, NetDevice dev, String address) {
        host.devices.add(dev);
        host.addresses.add(address);
        Ipv4Admin.addAddress(dev, address);
        Ipv4Admin.setUp(dev);
    }

    /** A route such as {@code route(a, "10.1.0.0/16", "10.0.0.2")}; prefix {@code 0.0.0.0/0} is the default route. */
    public void route(Host host, String prefix, String gateway) {
        int slash = prefix.indexOf('/');
        Ipv4Admin.addRoute(
                host.net,
                address(prefix.substring(0, slash)),
                Integer.parseInt(prefix.substring(slash + 1)),
                address(gateway),
                null);
    }

    /** A dotted quad, with or without {@code /len}, as a host-order int. */
    public static int address(String text) {
        int slash = text.indexOf('/');
        long addr = Inet.parse(slash < 0 ? text : text.substring(0, slash));
        if (addr < 0) {
            throw new IllegalArgumentException("not an IPv4 address: " + text);
        }
        return (int) addr;
    }

    /** An address and port for the sockets' API. */
    public static InetSocketAddress endpoint(String address, int port) {
        int a = address(address);
        byte[] bytes = {(byte) (a >>> 24), (byte) (a >>> 16), (byte) (a >>> 8), (byte) a};
        try {
            return new InetSocketAddress(InetAddress.getByAddress(bytes), port);
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }

    // ---- running

    public KernelThread start(String name, ThrowingRunnable body) {
        return kernel.threads().start(name, body);
    }

    /** Waits for all threads and rethrows the first failure. */
    public void joinAll() {
        kernel.threads().joinAll();
    }

    /** Now, nanoseconds of the kernel's clock. */
    public long nowNs() {
        return kernel.clock().nanoTime();
    }

    /** Lets the world run for a while; nothing but waiting for the calling thread. */
    public void sleep(long ns) {
        idle.waitEvent(kernel.scheduler(), "sleep", () -> false, nowNs() + ns);
    }

    /** Records every packet at every device from now on. */
    public PacketTrace trace() {
        return new PacketTrace(kernel);
    }

    /** A counter summed over all hosts. */
    public long counter(String name) {
        return hosts.stream().mapToLong(h -> h.counter(name)).sum();
    }

    /** Packets dropped for a reason, over all CPUs. */
    public long dropped(SkbDropReason reason) {
        long sum = 0;
        for (int i = 0; i < kernel.cpus(); i++) {
            sum += kernel.cpu(i).dropCounts[reason.ordinal()];
        }
        return sum;
    }

    // ---- the end

    /**
     * Lets time pass until no packet is left in the stack, ten minutes at most: TIME_WAIT, FIN_WAIT, fragments and ARP
     * queues end by then.
     *
     * @return whether nothing is left
     */
    public boolean settle() {
        long end = nowNs() + SETTLE_LIMIT_NS;
        while (outstanding() != 0) {
            if (nowNs() - end >= 0) {
                return false;
            }
            sleep(kernel.isVirtual() ? SETTLE_STEP_NS : 1_000_000);
            collect();
        }
        return true; // no second look: live, a timer may just be sending something, which the kernel's close waits for
    }

    private long outstanding() {
        return kernel.memory().outstandingSkbs() + kernel.memory().outstandingPages();
    }

    private void collect() {
        for (int i = 0; i < kernel.cpus(); i++) {
            Cpu cpu = kernel.cpu(i);
            cpu.localBhDisable();
            cpu.drainRemoteFree();
            cpu.localBhEnable();
        }
    }

    /** Fails, naming what is left, unless {@link #settle} ends with nothing outstanding. Sockets must be closed. */
    public void checkNoLeaks() {
        if (!settle()) {
            throw new AssertionError("seed " + seed + ": " + kernel.memory().leakReport());
        }
        for (Proto proto : SockRegistry.of(kernel).protos()) {
            long pages = proto.memory == null ? 0 : proto.memory.allocatedPages();
            if (pages != 0) {
                throw new AssertionError(
                        "seed " + seed + ": " + pages + " pages of " + proto + " memory stay reserved");
            }
        }
    }

    /** Closes every host's sockets, lets the connections end, checks for leaks and closes the kernel. */
    @Override
    public void close() {
        boolean done = false;
        try {
            hosts.forEach(h -> h.network.close());
            checkNoLeaks();
            done = true;
        } finally {
            if (done) {
                kernel.close();
            } else {
                closeQuietly();
            }
        }
    }

    /** After a failure, whose text says more than what closing will find. */
    @SuppressWarnings("EmptyCatch")
    private void closeQuietly() {
        try {
            kernel.close();
        } catch (RuntimeException | Error e) {
            // The first failure is on its way.
        }
    }

    /** Closes the kernel of a lab whose test has failed already, without checks. */
    public void abandon() {
        closeQuietly();
    }

    /** A listener on a host, as a server's thread makes it. */
    public static net.core.api.SoftServerSocket listen(Host host, int port) throws IOException {
        return host.network.listen(endpoint("0.0.0.0", port), 128);
    }
}
