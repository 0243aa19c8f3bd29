package net.testkit.live;

import drivers.tapnic.TapNic;
import drivers.tapnic.Wire;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import net.core.Kernel;
import net.core.UserError;
import net.core.api.SoftNetwork;
import net.core.api.SoftOption;
import net.core.api.SoftSocket;
import net.core.dev.NetDevice;
import net.core.dev.NetdevFeatures;
import net.core.dev.SchApi;
import net.core.tc.TcHandle;
import net.ipv4.Ipv4Admin;
import net.testkit.FaultWire;

/**
 * TCP flows through a qdisc of Softnet and through the same of the machine's Linux, to the same peer, each over a TAP
 * without offloads: what rate does each flow get?
 *
 * <p>A flow's class is its packets' priority in Softnet, where {@code SO_PRIORITY} may name a class, and a u32 filter on its
 * port in Linux, whose socket Java cannot give one. Both have cubic and the same buffers.
 *
 * <p>Context: made, run and closed by one thread.
 */
public final class QdiscShares implements AutoCloseable {
    /** Which host sends. */
    public enum Dut {
        SOFTNET,
        LINUX
    }

    /**
     * One flow.
     *
     * @param classid its class, or 0
     * @param tos its type of service
     * @param bitsPerSec what its program offers, 0 for as much as it may
     */
    public record Flow(int classid, int tos, long bitsPerSec) {}

    /**
     * A configuration.
     *
     * @param tc words after {@code tc}, the device as {@code DEV}: {@code qdisc add} and {@code class add} lines
     */
    public record Case(String name, List<String> tc, List<Flow> flows) {}

    private static final int BLOCK = 16 * 1024;
    private static final int WARM_UP_MS = 2000;
    private static final String SOFTNET_PEER = "10.62.0.1";
    private static final String LINUX_PEER = "10.63.0.1";

    private final LinuxNs peer = new LinuxNs("peer");
    private final LinuxNs linux = new LinuxNs("linux");
    private final Kernel kernel;
    private final SoftNetwork network;
    private final NetDevice dev;
    private final Relay relay;

    /** Makes hosts and cables. */
    public QdiscShares() {
        for (LinuxNs ns : List.of(peer, linux)) {
            ns.sysctl("net.ipv4.tcp_no_metrics_save", "1");
        }
        kernel = Kernel.boot(
                "clock=live", "cpus=1", "net.ipv4.tcp_congestion_control=cubic", "net.ipv4.tcp_no_metrics_save=1");
        for (String buffers : List.of("net.ipv4.tcp_wmem", "net.ipv4.tcp_rmem")) {
            kernel.initNet().sysctl().set(buffers, linux.sysctl(buffers));
        }
        network = SoftNetwork.of(kernel);
        Wire cable =
                FaultWire.timed(peer.tap("s0", SOFTNET_PEER + "/24").queue(0)); // both cables alike, without faults
        TapNic.Settings plain = TapNic.Settings.DEFAULT.withOffload(false);
        dev = TapNic.create(kernel.initNet(), "eth0", TapNic.macFrom(1), List.of(cable), plain, false);
        dev.features &= ~NetdevFeatures.NETIF_F_GRO; // Linux has none on a TAP
        Ipv4Admin.setUp(dev);
        Ipv4Admin.addAddress(dev, "10.62.0.2/24");
        relay = new Relay(
                linux.tap("u0", "10.63.0.2/24"),
                FaultWire.timed(peer.tap("p0", LINUX_PEER + "/24").queue(0)));
    }

    /** @return bits a second of payload that each flow got in {@code seconds}, after two of warming up */
    public double[] run(Dut dut, Case c, int seconds) {
        boolean ours = dut == Dut.SOFTNET;
        String address = ours ? SOFTNET_PEER : LINUX_PEER;
        List<Sink> sinks = new ArrayList<>();
        List<CompletableFuture<Void>> ends = new ArrayList<>();
        for (int i = 0; i < c.flows.size(); i++) {
            Sink sink = new Sink(address);
            sinks.add(sink);
            ends.add(peer.start("sink " + i, sink::serve));
        }
        c.tc.forEach(words -> apply(ours, words));
        for (int i = 0; i < c.flows.size(); i++) {
            Flow f = c.flows.get(i);
            InetSocketAddress to = sinks.get(i).listening.join();
            if (!ours && f.classid != 0) {
                linuxTc("filter add dev u0 parent " + TcHandle.format(TcHandle.make(f.classid, 0))
                        + " protocol ip prio 1 u32" + " match ip dport " + to.getPort() + " 0xffff flowid "
                        + TcHandle.format(f.classid));
            }
            Source source = new Source(f, to, sinks.get(i));
            ends.add(linux.start("source " + i, ours ? source::softnet : source::linux));
        }
        pause(WARM_UP_MS);
        long[] before = sinks.stream().mapToLong(s -> s.bytes.get()).toArray();
        long began = System.nanoTime();
        pause(seconds * 1000);
        long[] after = sinks.stream().mapToLong(s -> s.bytes.get()).toArray();
        double took = (System.nanoTime() - began) / 1e9;
        sinks.forEach(s -> s.over = true);
        apply(ours, "qdisc del dev DEV root"); // what waits for its rate need not
        ends.reversed().forEach(CompletableFuture::join); // a source's failure says more than its sink's
        double[] rates = new double[before.length];
        for (int i = 0; i < rates.length; i++) {
            rates[i] = (after[i] - before[i]) * 8 / took;
        }
        return rates;
    }

    private static void pause(int ms) {
        LockSupport.parkNanos(ms * 1_000_000L);
    }

    // ---- tc

    private void apply(boolean ours, String words) {
        if (ours) {
            kernel.rtnl().run(() -> softnetTc(List.of(words.split(" "))));
        } else {
            linuxTc(words.replace("DEV", "u0"));
        }
    }

    private void linuxTc(String words) {
        List<String> command = new ArrayList<>(List.of("tc"));
        command.addAll(List.of(words.split(" ")));
        String said = linux.output(command.toArray(String[]::new));
        if (said.contains("Error") || said.contains("What is") || said.contains("RTNETLINK")) {
            throw new UserError("tc " + words + ": " + said.strip());
        }
    }

    /** {@code qdisc add dev DEV root|parent P [handle H] KIND ...}, {@code class add dev DEV parent P classid C KIND ...}. */
    private void softnetTc(List<String> words) {
        int at = 4;
        int parent = TcHandle.ROOT;
        if (words.get(at).equals("parent")) {
            parent = (int) TcHandle.parseClassid(words.get(++at));
        }
        at++;
        if (words.get(1).equals("del")) {
            SchApi.delete(dev, parent);
            return;
        }
        if (words.getFirst().equals("class")) {
            int classid = (int) TcHandle.parseClassid(words.get(at + 1));
            SchApi.modifyClass(dev, SchApi.Verb.ADD, parent, classid, words.subList(at + 3, words.size()));
            return;
        }
        int handle = 0;
        if (words.get(at).equals("handle")) {
            handle = (int) TcHandle.parseQdisc(words.get(at + 1));
            at += 2;
        }
        SchApi.modify(dev, SchApi.Verb.REPLACE, parent, handle, words.get(at), words.subList(at + 1, words.size()));
    }

    // ---- programs

    /** Counts what arrives until it is over. */
    private static final class Sink {
        final String address;
        final CompletableFuture<InetSocketAddress> listening = new CompletableFuture<>();
        final AtomicLong bytes = new AtomicLong();
        volatile boolean over;

        Sink(String address) {
            this.address = address;
        }

        void serve() throws IOException {
            try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getByName(address))) {
                server.setSoTimeout(30_000);
                listening.complete(new InetSocketAddress(server.getInetAddress(), server.getLocalPort()));
                try (Socket socket = server.accept()) {
                    InputStream in = socket.getInputStream();
                    byte[] block = new byte[BLOCK];
                    for (int n = in.read(block); n >= 0; n = in.read(block)) {
                        bytes.addAndGet(n);
                    }
                }
            } catch (IOException e) {
                listening.completeExceptionally(e);
                throw e;
            }
        }
    }

    private final class Source {
        private final Flow flow;
        private final InetSocketAddress to;
        private final Sink sink;

        Source(Flow flow, InetSocketAddress to, Sink sink) {
            this.flow = flow;
            this.to = to;
            this.sink = sink;
        }

        void softnet() throws IOException {
            try (SoftSocket socket = network.connect(to)) {
                socket.setOption(StandardSocketOptions.IP_TOS, flow.tos);
                if (flow.classid != 0) {
                    socket.setOption(SoftOption.SO_PRIORITY, flow.classid);
                }
                write(socket.outputStream());
            }
        }

        void linux() throws IOException {
            try (Socket socket = new Socket()) {
                socket.connect(to);
                socket.setOption(StandardSocketOptions.IP_TOS, flow.tos);
                write(socket.getOutputStream());
            }
        }

        private void write(OutputStream out) throws IOException {
            byte[] block = new byte[flow.bitsPerSec == 0 ? BLOCK : 2000];
            long began = System.nanoTime();
            for (long sent = 0; !sink.over; sent += block.length) {
                if (flow.bitsPerSec != 0) {
                    long due = began + (long) (sent * 8e9 / flow.bitsPerSec);
                    LockSupport.parkNanos(due - System.nanoTime());
                }
                out.write(block);
            }
        }
    }

    @Override
    public void close() {
        kernel.close();
        relay.close();
        peer.close();
        linux.close();
    }
}
