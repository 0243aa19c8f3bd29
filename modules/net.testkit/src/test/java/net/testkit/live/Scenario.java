package net.testkit.live;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import net.testkit.live.CableScript.Rule;
import net.testkit.live.CableScript.Seg;
import net.testkit.live.Endpoint.Conn;
import net.testkit.live.Endpoint.Listener;

/**
 * What happens to the host under test, with its peer and its cable. Each leaves to the two hosts' timing as little as it can:
 * programs take turns, frames are lost by their number.
 */
enum Scenario {
    /** Connects, ten questions and answers, closes first and waits out stray segments. */
    CLIENT {
        @Override
        void run(Stage s) throws Exception {
            Meeting m = new Meeting();
            s.play(
                    dut -> {
                        try (Conn c = dut.connect(m.place(), 0)) {
                            for (int i = 0; i < 10; i++) {
                                c.write(100);
                                c.read(200);
                            }
                            c.shutdownOutput();
                            c.readEnd();
                        }
                    },
                    peer -> {
                        try (Listener l = m.listen(peer);
                                Conn c = l.accept()) {
                            for (int i = 0; i < 10; i++) {
                                c.read(100);
                                c.write(200);
                            }
                            c.readEnd();
                        }
                    });
        }
    },

    /** The same from the other side; the peer closes first. */
    SERVER {
        @Override
        void run(Stage s) throws Exception {
            Meeting m = new Meeting();
            s.play(
                    dut -> {
                        try (Listener l = m.listen(dut);
                                Conn c = l.accept()) {
                            for (int i = 0; i < 10; i++) {
                                c.read(100);
                                c.write(200);
                            }
                            c.readEnd();
                        }
                    },
                    peer -> {
                        try (Conn c = peer.connect(m.place(), 0)) {
                            for (int i = 0; i < 10; i++) {
                                c.write(100);
                                c.read(200);
                            }
                            c.shutdownOutput();
                            c.readEnd();
                        }
                    });
        }
    },

    /** Nobody listens over there. */
    REFUSED {
        @Override
        void run(Stage s) throws Exception {
            s.play(dut -> refused(dut, s.peer.at(9)), peer -> {});
        }
    },

    /** Nobody listens here. */
    REFUSES {
        @Override
        void run(Stage s) throws Exception {
            s.play(dut -> {}, peer -> refused(peer, s.dut.at(9)));
        }
    },

    /** Closes while something is unread: a reset. */
    CLOSE_UNREAD {
        @Override
        void run(Stage s) throws Exception {
            Meeting m = new Meeting();
            s.play(
                    dut -> {
                        try (Listener l = m.listen(dut);
                                Conn c = l.accept()) {
                            c.in().read();
                        }
                    },
                    peer -> {
                        try (Conn c = peer.connect(m.place(), 0)) {
                            c.write(100);
                            Stage.pause(300);
                        }
                    });
        }
    },

    /** Lingers for no time: a reset. */
    ABORT {
        @Override
        void run(Stage s) throws Exception {
            Meeting m = new Meeting();
            s.play(
                    dut -> {
                        try (Conn c = dut.connect(m.place(), 0)) {
                            c.write(10);
                            c.read(10);
                            c.lingerZero();
                        }
                    },
                    peer -> {
                        try (Listener l = m.listen(peer);
                                Conn c = l.accept()) {
                            c.read(10);
                            c.write(10);
                            Stage.pause(300);
                        }
                    });
        }
    },

    /** The first SYN is lost. */
    SYN_LOST {
        @Override
        void run(Stage s) throws Exception {
            s.cable.rule(losing(1, seg -> seg.fromDut() && seg.has(Seg.SYN)));
            CLIENT.run(s);
        }
    },

    /** The answer to the peer's SYN is lost. */
    SYNACK_LOST {
        @Override
        void run(Stage s) throws Exception {
            int[] n = {0};
            // Nor does the peer's second SYN arrive, which comes at about the time of the second answer.
            s.cable.rule(seg ->
                    seg.has(Seg.SYN) && (++n[0] == 2 || !seg.fromDut() && n[0] > 2) ? List.of() : List.of(seg.frame()));
            SERVER.run(s);
        }
    },

    /** The third of ten segments is lost: SACK, fast retransmission, recovery. */
    FAST_RETRANSMIT {
        @Override
        void run(Stage s) throws Exception {
            burst(s, nth(3, seg -> seg.fromDut() && seg.isData()), 10);
        }
    },

    /** The last of five is lost: a tail loss probe. */
    TAIL_LOSS {
        @Override
        void run(Stage s) throws Exception {
            burst(s, nth(5, seg -> seg.fromDut() && seg.isData()), 5);
        }
    },

    /** A segment is lost, and its probe as well: time-out. */
    TIMEOUT {
        @Override
        void run(Stage s) throws Exception {
            burst(s, losing(2, seg -> seg.fromDut() && seg.isData()), 1);
        }
    },

    /** All acknowledgements of a burst are lost: a needless retransmission, told by D-SACK, and undone. */
    ACKS_LOST {
        @Override
        void run(Stage s) throws Exception {
            burst(s, losing(2, seg -> !seg.fromDut() && !seg.has(Seg.SYN) && !seg.isData()), 1);
        }
    },

    /** Something the peer sent is lost: what follows is out of order. */
    HOLE {
        @Override
        void run(Stage s) throws Exception {
            inward(s, nth(3, seg -> !seg.fromDut() && seg.isData()), 10);
        }
    },

    /** A segment of the peer comes twice: D-SACK. */
    DUPLICATE {
        @Override
        void run(Stage s) throws Exception {
            inward(s, repeated(3, seg -> !seg.fromDut() && seg.isData()), 10);
        }

        @Override
        Map<String, String> tolerated() {
            return Map.of(
                    "TcpExtTCPHPHits",
                    "a segment for which memory is yet to be reserved goes the slow way, and how much memory it has is the driver's affair");
        }
    },

    /** A segment arrives with a wrong bit. */
    DAMAGED {
        @Override
        void run(Stage s) throws Exception {
            int[] n = {0};
            inward(
                    s,
                    seg -> !seg.fromDut() && seg.isData() && ++n[0] == 3
                            ? List.of(seg.damaged())
                            : List.of(seg.frame()),
                    10);
        }
    },

    /** The peer's first data come again much later: old by their time stamp. */
    OLD_SEGMENT {
        @Override
        void run(Stage s) throws Exception {
            List<byte[]> kept = new ArrayList<>();
            s.cable.rule(seg -> {
                if (seg.fromDut() || !seg.isData()) {
                    return List.of(seg.frame());
                }
                kept.add(seg.frame());
                return kept.size() == 10 ? List.of(seg.frame(), kept.getFirst()) : List.of(seg.frame());
            });
            spread(s);
        }
    },

    /** The peer's SYN comes again in the middle: a challenge ACK. */
    SYN_AGAIN {
        @Override
        void run(Stage s) throws Exception {
            List<byte[]> syn = new ArrayList<>();
            int[] data = {0};
            s.cable.rule(seg -> {
                if (!seg.fromDut() && seg.has(Seg.SYN)) {
                    syn.add(seg.frame());
                }
                return !seg.fromDut() && seg.isData() && ++data[0] == 5
                        ? List.of(seg.frame(), syn.getFirst())
                        : List.of(seg.frame());
            });
            spread(s);
        }
    },

    /** Three more connections than the backlog has room for. */
    LISTEN_OVERFLOW {
        @Override
        void run(Stage s) throws Exception {
            Meeting m = new Meeting();
            CountDownLatch over = new CountDownLatch(1);
            s.play(
                    dut -> {
                        Listener l = m.listen(dut, 1);
                        over.await(10, TimeUnit.SECONDS);
                        l.close();
                    },
                    peer -> {
                        List<Conn> open = new ArrayList<>();
                        for (int i = 0; i < 2; i++) {
                            open.add(peer.connect(m.place(), 0));
                        }
                        Thread third = Thread.ofPlatform().daemon().start(() -> refusedQuietly(peer, m));
                        third.join(2_500);
                        over.countDown();
                        Stage.pause(200);
                        for (Conn c : open) {
                            c.close();
                        }
                    });
        }
    },

    /** The peer falls silent: keepalive gives the connection up. */
    KEEPALIVE {
        @Override
        void run(Stage s) throws Exception {
            Meeting m = new Meeting();
            CountDownLatch over = new CountDownLatch(1);
            for (String[] setting : new String[][] {{"time", "1"}, {"intvl", "1"}, {"probes", "2"}}) {
                s.dut.sysctl("net.ipv4.tcp_keepalive_" + setting[0], setting[1]);
            }
            s.play(
                    dut -> {
                        try (Conn c = dut.connect(m.place(), 0)) {
                            c.keepalive();
                            c.write(10);
                            c.read(10);
                            s.cable.rule(seg -> List.of());
                            try {
                                c.readEnd();
                                throw new AssertionError("the connection ended in peace");
                            } catch (IOException e) {
                                // ETIMEDOUT
                            }
                        } finally {
                            over.countDown();
                        }
                    },
                    peer -> {
                        try (Listener l = m.listen(peer);
                                Conn c = l.accept()) {
                            c.read(10);
                            c.write(10);
                            over.await(20, TimeUnit.SECONDS);
                        }
                    });
        }
    },

    /** The same port again within TIME_WAIT, allowed by time stamps. */
    PORT_REUSED {
        @Override
        void run(Stage s) throws Exception {
            Meeting m = new Meeting();
            s.dut.sysctl("net.ipv4.tcp_tw_reuse", "1");
            s.play(
                    dut -> {
                        for (int i = 0; i < 2; i++) {
                            try (Conn c = dut.connect(m.place(), 4000)) {
                                c.write(10);
                                c.shutdownOutput();
                                c.readEnd();
                            }
                            Stage.pause(2100);
                        }
                    },
                    peer -> {
                        try (Listener l = m.listen(peer)) {
                            for (int i = 0; i < 2; i++) {
                                try (Conn c = l.accept()) {
                                    c.read(10);
                                    c.readEnd();
                                }
                            }
                        }
                    });
        }
    },

    /** Gives up connecting to a host that does not answer. */
    CONNECT_TIMEOUT {
        @Override
        void run(Stage s) throws Exception {
            s.dut.sysctl("net.ipv4.tcp_syn_retries", "1");
            s.dut.sysctl("net.ipv4.tcp_syn_linear_timeouts", "0");
            s.cable.rule(seg -> List.of());
            s.play(dut -> refused(dut, s.peer.at(9)), peer -> {});
        }
    };

    /** Plays it. */
    abstract void run(Stage s) throws Exception;

    /** Counters that this scenario leaves to chance, and why. */
    Map<String, String> tolerated() {
        return Map.of();
    }

    // ---- parts

    /** Where the two meet: the listener's place is known once it is there. */
    private static final class Meeting {
        private final CountDownLatch there = new CountDownLatch(1);
        private InetSocketAddress place = new InetSocketAddress(0);

        Listener listen(Endpoint host) throws IOException {
            return listen(host, 8);
        }

        Listener listen(Endpoint host, int backlog) throws IOException {
            Listener l = host.listen(5000, backlog);
            place = host.at(5000);
            there.countDown();
            return l;
        }

        InetSocketAddress place() throws InterruptedException {
            if (!there.await(10, TimeUnit.SECONDS)) {
                throw new AssertionError("nobody listens");
            }
            return place;
        }
    }

    @FunctionalInterface
    interface Which {
        boolean is(Seg seg);
    }

    /** Loses the first {@code count} of them. */
    private static Rule losing(int count, Which which) {
        int[] n = {0};
        return seg -> which.is(seg) && ++n[0] <= count ? List.of() : List.of(seg.frame());
    }

    /** Loses the {@code number}th of them, once. */
    private static Rule nth(int number, Which which) {
        int[] n = {0};
        return seg -> which.is(seg) && ++n[0] == number ? List.of() : List.of(seg.frame());
    }

    /** The {@code number}th of them comes twice. */
    private static Rule repeated(int number, Which which) {
        int[] n = {0};
        return seg -> which.is(seg) && ++n[0] == number ? List.of(seg.frame(), seg.frame()) : List.of(seg.frame());
    }

    private static void refused(Endpoint from, InetSocketAddress to) throws IOException {
        Conn c;
        try {
            c = from.connect(to, 0);
        } catch (IOException e) {
            return; // as it should be
        }
        c.close();
        throw new AssertionError("connected to " + to);
    }

    private static void refusedQuietly(Endpoint from, Meeting m) {
        try {
            refused(from, m.place());
        } catch (IOException | InterruptedException e) {
            // the scenario is over
        }
    }

    private static final int SEGMENT = 1448;

    /** The host under test accepts, is asked, and sends so many segments at once. */
    private static void burst(Stage s, Rule rule, int segments) throws Exception {
        Meeting m = new Meeting();
        s.play(
                dut -> {
                    try (Listener l = m.listen(dut);
                            Conn c = l.accept()) {
                        c.read(10);
                        s.cable.rule(rule);
                        c.write(segments * SEGMENT);
                        c.readEnd();
                    }
                },
                peer -> {
                    try (Conn c = peer.connect(m.place(), 0)) {
                        c.write(10);
                        c.read(segments * SEGMENT);
                        Stage.pause(600); // what is on its way arrives
                    }
                });
    }

    /** The host under test asks and gets so many segments at once. */
    private static void inward(Stage s, Rule rule, int segments) throws Exception {
        Meeting m = new Meeting();
        s.play(
                dut -> {
                    try (Conn c = dut.connect(m.place(), 0)) {
                        c.write(10);
                        Stage.pause(600); // a reader would own the socket now and then
                        c.read(segments * SEGMENT);
                    }
                },
                peer -> {
                    try (Listener l = m.listen(peer);
                            Conn c = l.accept()) {
                        c.read(10);
                        s.cable.rule(rule);
                        c.write(segments * SEGMENT);
                        c.readEnd();
                    }
                });
    }

    /** The peer sends ten pieces with time between them, and gets an answer to each. */
    private static void spread(Stage s) throws Exception {
        Meeting m = new Meeting();
        s.play(
                dut -> {
                    try (Listener l = m.listen(dut);
                            Conn c = l.accept()) {
                        for (int i = 0; i < 10; i++) {
                            c.read(100);
                            c.write(100);
                        }
                        c.readEnd();
                    }
                },
                peer -> {
                    try (Conn c = peer.connect(m.place(), 0)) {
                        for (int i = 0; i < 10; i++) {
                            c.write(100);
                            c.read(100);
                            Stage.pause(20);
                        }
                    }
                });
    }
}
