package net.testkit.live;

import drivers.tapnic.TapDevice;
import drivers.tapnic.TapNic;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import net.core.Kernel;
import net.core.api.SoftNetwork;
import net.core.dev.NetDevice;
import net.core.dev.NetdevFeatures;
import net.ipv4.Ipv4Admin;
import net.testkit.FaultWire;
import net.testkit.PayloadStream;

/**
 * Bulk transfers between a host under test and the machine's Linux through a fault device, once with Softnet and once with
 * another namespace of Linux as that host: same peer, same decorator, same seeds, no offloads and the same congestion
 * control on all three.
 *
 * <p>Each lane is a cable of its own for either host, so that transfers side by side share no fault plan. A lane does the
 * four transfers of a profile (host, direction) one after the other: whatever else the machine does meets all of them.
 *
 * <p>Context: made, run and closed by one thread.
 */
public final class FaultTransfers implements AutoCloseable {
    /** Which host is at the other end from the peer. */
    public enum Dut {
        SOFTNET,
        LINUX
    }

    /** Which way the bytes go. */
    public enum Way {
        /** From the host under test to the peer. */
        OUT,
        /** From the peer to the host under test. */
        IN
    }

    /**
     * What came of a transfer.
     *
     * @param seconds from the connection's being there to the last byte's arrival
     * @param error why it failed, or empty
     */
    public record Outcome(FaultProfile profile, Dut dut, Way way, double seconds, String error) {
        /** Bytes a second. */
        public double goodput() {
            return profile.bytes() / seconds;
        }
    }

    private static final int BLOCK = 16 * 1024;
    private static final long PATIENCE_SECONDS = 300;
    private static final long OTHER_WAY = 0x5DEECE66DL;

    private final Kernel kernel;
    private final LinuxNs peer = new LinuxNs("peer");
    private final LinuxNs linux = new LinuxNs("linux");
    private final List<Lane> lanes = new ArrayList<>();
    private final List<Relay> relays = new ArrayList<>();

    /**
     * Makes hosts and cables.
     *
     * @param width how many transfers run side by side
     * @param congestion of all hosts
     */
    public FaultTransfers(int width, String congestion) {
        for (LinuxNs ns : List.of(peer, linux)) {
            ns.sysctl("net.ipv4.tcp_congestion_control", congestion);
            ns.sysctl("net.ipv4.tcp_no_metrics_save", "1"); // a transfer learns nothing from another
        }
        kernel = Kernel.boot(
                "clock=live",
                "cpus=1",
                "net.ipv4.tcp_congestion_control=" + congestion,
                "net.ipv4.tcp_no_metrics_save=1");
        for (String buffers : List.of("net.ipv4.tcp_wmem", "net.ipv4.tcp_rmem")) {
            kernel.initNet().sysctl().set(buffers, linux.sysctl(buffers));
        }
        SoftNetwork network = SoftNetwork.of(kernel);
        for (int i = 0; i < width; i++) {
            lanes.add(new Lane(i, softnetCable(i), linuxCable(i), new SoftnetProgram(network)));
        }
    }

    private FaultWire softnetCable(int i) {
        TapDevice tap = peer.tap("s" + i, "10.60." + i + ".1/24");
        FaultWire wire = FaultWire.timed(tap.queue(0));
        TapNic.Settings plain = TapNic.Settings.DEFAULT.withOffload(false);
        NetDevice dev = TapNic.create(kernel.initNet(), "eth" + i, TapNic.macFrom(i + 1), List.of(wire), plain, false);
        dev.features &= ~NetdevFeatures.NETIF_F_GRO; // Linux has none on a TAP
        Ipv4Admin.setUp(dev);
        Ipv4Admin.addAddress(dev, "10.60." + i + ".2/24");
        return wire;
    }

    private FaultWire linuxCable(int i) {
        FaultWire wire =
                FaultWire.timed(peer.tap("p" + i, "10.61." + i + ".1/24").queue(0));
        relays.add(new Relay(linux.tap("u" + i, "10.61." + i + ".2/24"), wire));
        return wire;
    }

    /**
     * Does all four transfers of every profile.
     *
     * @param report takes what came of each, as soon as that is known; one call at a time
     */
    public void run(List<FaultProfile> profiles, Consumer<Outcome> report) throws InterruptedException {
        BlockingQueue<FaultProfile> todo = new LinkedBlockingQueue<>(profiles);
        List<Thread> threads = new ArrayList<>();
        for (Lane lane : lanes) {
            threads.add(Thread.ofPlatform().name("lane " + lane.number).start(() -> {
                for (FaultProfile p = todo.poll(); p != null; p = todo.poll()) {
                    for (Way way : Way.values()) {
                        boolean oursFirst = (p.seed() & 1) != 0; // whoever is first has the colder machine
                        for (Dut dut :
                                List.of(oursFirst ? Dut.SOFTNET : Dut.LINUX, oursFirst ? Dut.LINUX : Dut.SOFTNET)) {
                            Outcome outcome = lane.transfer(p, dut, way);
                            synchronized (report) {
                                report.accept(outcome);
                            }
                        }
                    }
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private final class Lane {
        final int number;
        private final FaultWire softnetWire;
        private final FaultWire linuxWire;
        private final Program softnet;

        Lane(int number, FaultWire softnetWire, FaultWire linuxWire, Program softnet) {
            this.number = number;
            this.softnetWire = softnetWire;
            this.linuxWire = linuxWire;
            this.softnet = softnet;
        }

        Outcome transfer(FaultProfile p, Dut dut, Way way) {
            boolean ours = dut == Dut.SOFTNET;
            (ours ? softnetWire : linuxWire).program(p.seed() + way.ordinal() * OTHER_WAY, p.rates());
            String address = (ours ? "10.60." : "10.61.") + number + ".1";
            Transfer t = new Transfer(p, way);
            CompletableFuture<InetSocketAddress> listening = new CompletableFuture<>();
            CompletableFuture<Void> far = peer.start("peer " + number, () -> t.serve(address, listening));
            Program program = ours ? softnet : new LinuxProgram();
            CompletableFuture<Void> near =
                    linux.start("host " + number, () -> t.call(program, listening.get(10, TimeUnit.SECONDS)));
            String error = end("peer", far) + end("host", near);
            return new Outcome(p, dut, way, (t.endNs - t.beginNs) / 1e9, error);
        }

        private String end(String who, CompletableFuture<Void> task) {
            try {
                task.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
                return "";
            } catch (ExecutionException e) {
                return who + ": " + e.getCause() + " ";
            } catch (InterruptedException | TimeoutException e) {
                return who + ": not finished after " + PATIENCE_SECONDS + " s ";
            }
        }
    }

    /** One connection and its bytes. */
    private static final class Transfer {
        private final FaultProfile profile;
        private final Way way;
        volatile long beginNs;
        volatile long endNs;

        Transfer(FaultProfile profile, Way way) {
            this.profile = profile;
            this.way = way;
        }

        void serve(String address, CompletableFuture<InetSocketAddress> listening) throws IOException {
            try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getByName(address))) {
                server.setSoTimeout(120_000);
                listening.complete(new InetSocketAddress(server.getInetAddress(), server.getLocalPort()));
                try (Program.Connection c = LinuxProgram.of(server.accept())) {
                    use(c, way == Way.IN);
                }
            }
        }

        void call(Program program, InetSocketAddress to) throws IOException {
            try (Program.Connection c = program.connect(to)) {
                beginNs = System.nanoTime();
                use(c, way == Way.OUT);
            }
        }

        private void use(Program.Connection c, boolean sends) throws IOException {
            byte[] block = new byte[BLOCK];
            PayloadStream stream = new PayloadStream(profile.seed());
            if (sends) {
                for (int left = profile.bytes(); left > 0; ) {
                    int n = Math.min(left, BLOCK);
                    stream.fill(block, 0, n);
                    c.out().write(block, 0, n);
                    left -= n;
                }
                c.shutdownOutput();
                if (c.in().read(block) >= 0) {
                    throw new IOException("bytes from nowhere");
                }
                return;
            }
            for (int n = c.in().read(block); n >= 0; n = c.in().read(block)) {
                stream.check(block, 0, n);
                if (stream.position() == profile.bytes()) {
                    endNs = System.nanoTime();
                }
            }
            if (stream.position() != profile.bytes()) {
                throw new IOException(stream.position() + " bytes of " + profile.bytes());
            }
        }
    }

    @Override
    public void close() {
        kernel.close();
        relays.forEach(Relay::close);
        peer.close();
        linux.close();
    }
}
