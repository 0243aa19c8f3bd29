package net.testkit.live;

import drivers.tapnic.TapDevice;
import drivers.tapnic.TapNic;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import net.core.Kernel;
import net.core.api.SoftNetwork;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.dev.NetDevice;
import net.core.sock.Proto;
import net.core.sock.ProtoMemory;
import net.core.sock.SockRegistry;
import net.ipv4.Ipv4Admin;

/**
 * A network of three: Softnet, Linux with honest programs, and an attacker who puts any frame on the wire. A bridge of Linux
 * joins them.
 *
 * <p>Context: made, driven and closed by one thread.
 */
final class AttackLan implements AutoCloseable {
    static final String LINUX = "10.80.0.1";
    static final String SOFTNET = "10.80.0.2";
    static final int ECHO = 7;
    /** A machine busy otherwise may leave Softnet waiting so long. */
    private static final long PATIENCE_NS = 500_000_000;

    private static final byte[] SOFTNET_MAC = TapNic.macFrom(1);

    final Kernel kernel;
    final SoftNetwork network;
    final NetDevice dev;
    final LinuxNs lan = new LinuxNs("lan");
    final Attacker attacker;
    private final ProtoMemory memory;
    private final List<Thread> servers = new ArrayList<>();

    /** @param settings of Softnet, as NAME=VALUE with one value */
    AttackLan(String... settings) {
        lan.ip("link", "add", "br0", "type", "bridge");
        lan.ip("addr", "add", LINUX + "/16", "dev", "br0");
        lan.ip("link", "set", "dev", "br0", "up");
        TapDevice ours = lan.tapOnBridge("s0", "br0");
        attacker = new Attacker(lan.tapOnBridge("a0", "br0"), SOFTNET_MAC);
        List<String> words = new ArrayList<>(List.of("clock=live", "cpus=1", "net.ipv4.tcp_congestion_control=reno"));
        words.addAll(List.of(settings));
        kernel = Kernel.boot(words.toArray(String[]::new));
        dev = TapNic.create(
                kernel.initNet(),
                "eth0",
                SOFTNET_MAC,
                List.of(ours.queue(0)),
                TapNic.Settings.DEFAULT.withOffload(false),
                false);
        Ipv4Admin.setUp(dev);
        Ipv4Admin.addAddress(dev, SOFTNET + "/16");
        Ipv4Admin.addRoute(kernel.initNet(), 0, 0, Attacker.address(LINUX), dev);
        Ipv4Admin.addNeighbour(dev, Attacker.ADDRESS, Attacker.MAC);
        network = SoftNetwork.of(kernel);
        Proto tcp = SockRegistry.of(kernel).protos().stream()
                .filter(p -> p.name.equals("TCP"))
                .findFirst()
                .orElseThrow();
        memory = Objects.requireNonNull(tcp.memory);
    }

    /** A thread of Softnet's programs. */
    Thread program(String name, net.core.task.ThrowingRunnable body) {
        Thread thread = Thread.ofPlatform().daemon().name(name).start(() -> {
            try {
                body.run();
            } catch (Exception e) {
                // its socket was closed, or the peer is gone
            }
        });
        servers.add(thread);
        return thread;
    }

    /** Serves echo on Softnet, each connection by a thread. */
    void serveEcho(int backlog) throws IOException {
        SoftServerSocket server = network.listen(at(ECHO), backlog);
        program("echo", () -> {
            while (true) {
                SoftSocket s = server.accept();
                program("echo of one", () -> {
                    byte[] bytes = new byte[16384];
                    for (int n = s.read(bytes, 0, bytes.length); n > 0; n = s.read(bytes, 0, bytes.length)) {
                        s.outputStream().write(bytes, 0, n);
                    }
                    s.close();
                });
            }
        });
    }

    static InetSocketAddress at(int port) {
        return new InetSocketAddress(SOFTNET, port);
    }

    long counter(String name) {
        return kernel.initNet().mib().read(name);
    }

    /** All of Softnet's counters. */
    Map<String, Long> counters() {
        return kernel.initNet().mib().snapshot();
    }

    /** What sockets have reserved for packets, in pages of 4 KiB: bounded by net.ipv4.tcp_mem. */
    long tcpPages() {
        return memory.allocatedPages();
    }

    long orphans() {
        return memory.orphanCount();
    }

    long sockets() {
        return memory.socketsAllocated();
    }

    /** A counter of Softnet's card. */
    long cardStat(String name) {
        return dev.ops.ethtoolStats(dev)[List.of(dev.ops.ethtoolStatNames(dev)).indexOf(name)];
    }

    /** Frames that the bridge's ports dropped: what honest programs lose too. */
    String lostOnTheWay() {
        StringBuilder lost = new StringBuilder();
        for (String port : List.of("s0", "a0")) {
            String[] lines = lan.output("ip", "-s", "link", "show", "dev", port).split("\n");
            String[] tx = lines[lines.length - 1].strip().split(" +");
            lost.append(lost.isEmpty() ? "" : ", ").append(port).append(' ').append(tx[3]);
        }
        return lost.toString();
    }

    /** CPU time of Softnet's softirq threads, ns. */
    long softirqNs() {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long sum = 0;
        for (Thread t : Thread.getAllStackTraces().keySet()) {
            if (t.getName().startsWith("cpu/")) {
                sum += Math.max(0, threads.getThreadCpuTime(t.threadId()));
            }
        }
        return sum;
    }

    /** Sends frames no faster than Softnet takes them, so that few are lost on the way. */
    void flood(List<byte[]> frames) throws InterruptedException {
        for (int i = 0; i < frames.size(); i += Attacker.BURST) {
            int end = Math.min(i + Attacker.BURST, frames.size());
            long taken = counter("IpInReceives") + end - i;
            for (byte[] frame : frames.subList(i, end)) {
                attacker.send(frame);
            }
            long limit = System.nanoTime() + PATIENCE_NS;
            while (counter("IpInReceives") < taken && System.nanoTime() < limit) {
                Thread.sleep(0, 20_000);
            }
        }
    }

    @Override
    public void close() {
        network.close();
        attacker.close();
        kernel.close();
        lan.close();
    }
}
