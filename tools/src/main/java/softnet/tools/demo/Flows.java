package softnet.tools.demo;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Predicate;
import net.core.BootParams;
import net.core.UserError;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.dev.DevGlobals;
import net.core.dev.NetdevFeatures;
import net.core.dev.NetdevQueue;
import net.core.netfilter.NfHookOps;
import net.core.netfilter.NfHooks;
import net.core.sock.OptVal;
import net.core.sock.SockConst;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.core.trace.PathTrace.Step;

/**
 * The seven control flows of "Understanding TCP/IP Network Stack", each made to happen in virtual time between two hosts
 * and recorded. Their reasons are told in docs/tour.md.
 */
public final class Flows {
    private static final int CAPACITY = 4096;
    private static final int BYTES = SegmentWalk.BYTES;
    private static final long MS = 1_000_000;

    private static final List<Flow> ALL = List.of(
            new Scenario("a system call that sends nothing", """
                    The server does not read, so its window is closed. The client writes once more: the bytes are
                    copied into the send queue, tcp_write_xmit finds no room in the peer's window, and the call
                    returns. Nothing reached IP.""", "", Flows::closedWindow),
            new Scenario("a system call that sends", """
                    The window is open: the caller's own thread goes all the way down, through the qdisc, to the
                    driver. The stack has no thread for sending.""", "pfifo", Flows::write),
            new Scenario("a timer that sends nothing", """
                    The client closed first and has waited in TIME_WAIT for a minute. The timer softirq takes the
                    mini-socket away; no packet is due.""", "", Flows::timeWait),
            new Scenario("a timer that sends", """
                    The server drops what it gets, so no ACK comes. After the retransmission time-out the timer
                    softirq sends the segment again: the same way down, without a system call.""", "", Flows::retransmit),
            new Scenario("the transmit softirq drains a queue", """
                    The driver's ring was full and its queue stopped; the packet waits in the qdisc. The completion
                    interrupt wakes the queue, and the NET_TX softirq carries on where the system call had to leave.""", "pfifo", Flows::drain),
            new Scenario("reception", """
                    The driver's interrupt schedules NAPI; the NET_RX softirq polls it and carries the packet up to the
                    socket, whose reader wakes.""", "", Flows::receive),
            new Scenario("reception that sends", """
                    The client has more data than its congestion window. An ACK arrives and opens it: the same softirq
                    that received the ACK goes down again and sends, without a system call.""", "pfifo", Flows::ackSends));

    private Flows() {}

    /** All seven. */
    public static List<Flow> all() {
        return ALL;
    }

    /** @throws UserError for another number than 1 to 7 */
    public static Flow byNumber(int number) {
        if (number < 1 || number > ALL.size()) {
            throw new UserError("--flow " + number + ": want 1 to " + ALL.size());
        }
        return ALL.get(number - 1);
    }

    /** What a scenario has at hand. */
    private record Stage(TwoHosts hosts, SoftSocket client, SoftSocket server) {
        void sleep(long ns) {
            hosts.kernel.scheduler().sleep(ns);
        }

        PathTrace trace() {
            return PathTrace.start(hosts.kernel, CAPACITY);
        }

        void write(int bytes) throws IOException {
            client.writeFully(ByteBuffer.allocate(bytes));
        }
    }

    @FunctionalInterface
    private interface Act {
        List<Step> play(Stage stage) throws IOException;
    }

    private record Scenario(String title, String story, String qdisc, Act act) implements Flow {
        @Override
        public List<Step> record(BootParams params) throws IOException {
            try (TwoHosts hosts = TwoHosts.boot(params)) {
                if (!qdisc.isEmpty()) {
                    hosts.kernel
                            .rtnl()
                            .run(() -> DevGlobals.of(hosts.kernel).qdiscs.attachRoot(hosts.clientDevice, qdisc));
                }
                try (SoftServerSocket listener = hosts.listen(TwoHosts.PORT);
                        SoftSocket client = hosts.connect(TwoHosts.PORT);
                        SoftSocket server = listener.accept()) {
                    // Once both ways, so that addresses are resolved and routes cached.
                    client.writeFully(ByteBuffer.allocate(1));
                    server.read(ByteBuffer.allocate(1));
                    server.writeFully(ByteBuffer.allocate(1));
                    client.read(ByteBuffer.allocate(1));
                    hosts.kernel.scheduler().sleep(300 * MS);
                    return act.play(new Stage(hosts, client, server));
                }
            }
        }
    }

    // ---- the seven

    private static List<Step> closedWindow(Stage stage) throws IOException {
        // What the window does not hold waits in the send queue.
        while (unsent(stage) == 0) {
            stage.write(BYTES);
            stage.sleep(MS);
        }
        PathTrace trace = stage.trace();
        stage.write(1);
        return trace.stop();
    }

    /** Bytes written that have not been sent. */
    private static int unsent(Stage stage) {
        OptVal bytes = OptVal.ofInt(0);
        stage.hosts.client.process().syscalls().ioctl(stage.client.fd(), SockConst.SIOCOUTQNSD, bytes);
        return bytes.getInt();
    }

    private static List<Step> write(Stage stage) throws IOException {
        PathTrace trace = stage.trace();
        stage.write(BYTES);
        stage.sleep(MS);
        return PathPicture.pick(trace.stop(), Landmark.SOCK_SENDMSG, Landmark.NDO_START_XMIT, BYTES);
    }

    private static List<Step> timeWait(Stage stage) throws IOException {
        stage.client.close();
        stage.sleep(MS);
        stage.server.close();
        stage.sleep(59_000 * MS);
        PathTrace trace = stage.trace();
        stage.sleep(5_000 * MS);
        return around(trace.stop(), Landmark.RUN_TIMERS, Landmark.TW_TIMER_HANDLER, s -> true);
    }

    private static List<Step> retransmit(Stage stage) throws IOException {
        NfHooks.of(stage.hosts.serverNet)
                .register(new NfHookOps(
                        "demo drop",
                        NfHooks.NFPROTO_IPV4,
                        NfHooks.NF_INET_PRE_ROUTING,
                        NfHookOps.NF_IP_PRI_FIRST,
                        (cpu, skb, state) -> NfHooks.NF_DROP,
                        null));
        stage.write(BYTES);
        stage.sleep(MS);
        PathTrace trace = stage.trace();
        stage.sleep(1_000 * MS);
        List<Step> all = trace.stop();
        int at = indexOf(all, Landmark.TCP_RETRANSMIT_TIMER, 0);
        return at < 0
                ? List.of()
                : upTo(all, lastBefore(all, Landmark.RUN_TIMERS, at), Landmark.NDO_START_XMIT, s -> true);
    }

    private static List<Step> drain(Stage stage) throws IOException {
        NetdevQueue queue = stage.hosts.clientDevice.tx[0];
        queue.stop();
        PathTrace trace = stage.trace();
        stage.write(BYTES);
        long inOneMs = stage.hosts.kernel.clock().nanoTime() + MS;
        stage.hosts.kernel.raiseIrq(stage.hosts.kernel.cpu(0), queue::wake, inOneMs);
        stage.sleep(5 * MS);
        return PathPicture.pick(trace.stop(), Landmark.SOCK_SENDMSG, Landmark.NDO_START_XMIT, BYTES);
    }

    private static List<Step> receive(Stage stage) throws IOException {
        stage.hosts.serverDevice.setFeatures(NetdevFeatures.NETIF_F_GRO, true);
        stage.hosts.kernel.threads().start("reader", () -> stage.server.read(ByteBuffer.allocate(BYTES)));
        stage.sleep(MS);
        PathTrace trace = stage.trace();
        stage.write(BYTES);
        stage.sleep(10 * MS);
        List<Step> all = trace.stop();
        int first = indexOf(all, Landmark.NAPI_SCHEDULE, 0);
        return first < 0
                ? List.of()
                : upTo(all, first, Landmark.TCP_RECVMSG, s -> s.skbLen() < 0 || s.skbLen() >= BYTES);
    }

    private static List<Step> ackSends(Stage stage) throws IOException {
        stage.client.configureBlocking(false);
        // The first window waits in the qdisc until the system call is over: its ACKs find nobody in the socket.
        NetdevQueue queue = stage.hosts.clientDevice.tx[0];
        queue.stop();
        stage.client.write(ByteBuffer.allocate(200_000));
        PathTrace trace = stage.trace();
        long inOneMs = stage.hosts.kernel.clock().nanoTime() + MS;
        stage.hosts.kernel.raiseIrq(stage.hosts.kernel.cpu(0), queue::wake, inOneMs);
        stage.sleep(20 * MS);
        List<Step> all = trace.stop();
        for (int at = indexOf(all, Landmark.TCP_DATA_SND_CHECK, 0); at >= 0; ) {
            // An ACK that met an owned socket runs from its backlog, in process context: that is not the one to show.
            if (all.get(at).context() == PathTrace.Context.SOFTIRQ
                    && is(all, at + 1, Landmark.TCP_WRITE_XMIT)
                    && is(all, at + 2, Landmark.TCP_TRANSMIT_SKB)) {
                return upTo(all, lastBefore(all, Landmark.NETIF_RECEIVE_SKB, at), Landmark.NDO_START_XMIT, s -> true);
            }
            at = indexOf(all, Landmark.TCP_DATA_SND_CHECK, at + 1);
        }
        return List.of();
    }

    // ---- picking

    private static boolean is(List<Step> all, int at, Landmark landmark) {
        return at < all.size() && all.get(at).landmark() == landmark;
    }

    private static int indexOf(List<Step> all, Landmark landmark, int from) {
        for (int i = from; i < all.size(); i++) {
            if (all.get(i).landmark() == landmark) {
                return i;
            }
        }
        return -1;
    }

    private static int lastBefore(List<Step> all, Landmark landmark, int before) {
        for (int i = before; i >= 0; i--) {
            if (all.get(i).landmark() == landmark) {
                return i;
            }
        }
        return before;
    }

    private static List<Step> upTo(List<Step> all, int first, Landmark last, Predicate<Step> which) {
        int end = indexOf(all, last, first);
        return all.subList(first, end < 0 ? all.size() : end + 1).stream()
                .filter(which)
                .toList();
    }

    private static List<Step> around(List<Step> all, Landmark from, Landmark landmark, Predicate<Step> which) {
        int at = indexOf(all, landmark, 0);
        return at < 0 ? List.of() : upTo(all, lastBefore(all, from, at), landmark, which);
    }
}
