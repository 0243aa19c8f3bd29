package net.testkit.live;

import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.tcp.TcpSeq;
import net.testkit.TcpFrame;

/**
 * Attacks on Softnet over a live wire. Of each is asked: honest work goes on, memory stays within its settings, and a packet
 * costs no more the longer it lasts.
 *
 * <p>Context: any thread; each builds and takes down its own network.
 */
public enum Attacks {
    /**
     * Spoofed segments for somebody else's connection, whose ports are known and whose numbers are not: resets and data all
     * over the sequence space, SYNs. RFC 5961: the connection stands, and answers are few.
     */
    BLIND {
        @Override
        void attack(AttackLan lan, Finding finding, int size) throws Exception {
            HonestWork work = HonestWork.start(lan);
            int port = work.port();
            int linux = Attacker.address(AttackLan.LINUX);
            SplittableRandom random = new SplittableRandom(1);
            long began = System.nanoTime();
            int step = (int) ((1L << 32) / size);
            List<byte[]> frames = new ArrayList<>();
            for (int i = 0; i < size; i++) {
                int seq = i * step;
                frames.add(lan.attacker.segment(linux, port, AttackLan.ECHO, seq, 0, Attacker.RST, 0));
                if (i % 4 == 0) {
                    frames.add(lan.attacker.segment(
                            linux, port, AttackLan.ECHO, random.nextInt(), 0, Attacker.SYN, 65535));
                    frames.add(lan.attacker.segment(
                            linux,
                            port,
                            AttackLan.ECHO,
                            seq,
                            random.nextInt(),
                            Attacker.ACK | Attacker.PSH,
                            65535,
                            new byte[0],
                            new byte[100]));
                }
            }
            lan.flood(frames);
            double seconds = (System.nanoTime() - began) / 1e9;
            work.finish(finding);
            long challenges = lan.counter("TcpExtTCPChallengeACK");
            finding.figure(
                    "%d resets, SYNs and data in %.1f s: %d challenge ACKs, %d more held back",
                    frames.size(), seconds, challenges, lan.counter("TcpExtTCPACKSkippedChallenge"));
            finding.must(challenges > 0, "SYNs and resets in the window are challenged");
            finding.must(challenges <= 2 * seconds + 3, "two challenge ACKs a second at most");
            finding.must(lan.counter("TcpEstabResets") == 0, "no connection is reset");
        }
    },

    /** Half-open connections from spoofed addresses, while others connect in earnest. */
    SYN_FLOOD {
        private static final int HONEST = 100;

        @Override
        void attack(AttackLan lan, Finding finding, int size) throws Exception {
            SplittableRandom random = new SplittableRandom(2);
            boolean[] over = {false};
            int[] opened = {0};
            long[] slowest = {0};
            long[] all = {0};
            long began = System.nanoTime();
            CompletableFuture<Void> honest = lan.lan.start("honest clients", () -> {
                for (int i = 0; i < HONEST; i++) {
                    long t = System.nanoTime();
                    try (SocketChannel c = SocketChannel.open(StandardProtocolFamily.INET)) {
                        c.connect(AttackLan.at(AttackLan.ECHO));
                        c.socket().setSoTimeout(10_000);
                        c.socket().getOutputStream().write(new byte[100]);
                        if (c.socket().getInputStream().readNBytes(100).length == 100) {
                            opened[0]++;
                        }
                    }
                    slowest[0] = Math.max(slowest[0], System.nanoTime() - t);
                }
                all[0] = System.nanoTime() - began;
                over[0] = true;
            });
            long memoryBefore = lan.tcpPages();
            long cpu = lan.softirqNs();
            int sent = 0;
            long pages = 0;
            while (sent < size || !over[0] && sent < 20 * size && !honest.isDone()) {
                List<byte[]> burst = new ArrayList<>();
                for (int i = 0; i < 1024; i++) {
                    int from = 0x64400000 | random.nextInt() & 0x3fffff; // 100.64.0.0/10
                    burst.add(lan.attacker.segment(
                            from,
                            1024 + random.nextInt(60000),
                            AttackLan.ECHO,
                            random.nextInt(),
                            0,
                            Attacker.SYN,
                            65535,
                            new byte[] {2, 4, 5, (byte) 0xb4},
                            new byte[0]));
                }
                lan.flood(burst);
                sent += burst.size();
                pages = Math.max(pages, lan.kernel.memory().outstandingPages());
            }
            double seconds = (System.nanoTime() - began) / 1e9;
            cpu = lan.softirqNs() - cpu;
            try {
                honest.get(60, TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                finding.broken("honest client: " + e.getCause());
            }
            finding.figure("%d SYNs in %.1f s, %.0f ns of softirq each", sent, seconds, (double) cpu / sent);
            finding.figure(
                    "%d of %d honest connections in %.1f s, the slowest in %.1f ms",
                    opened[0], HONEST, all[0] / 1e9, slowest[0] / 1e6);
            finding.figure(
                    "cookies sent %d, taken %d, wrong %d; packet pages at most %d, TCP memory %d pages",
                    lan.counter("TcpExtSyncookiesSent"),
                    lan.counter("TcpExtSyncookiesRecv"),
                    lan.counter("TcpExtSyncookiesFailed"),
                    pages,
                    lan.tcpPages());
            finding.figure(
                    "listen queue overflowed %d times, card without a buffer %d times, bridge lost %s",
                    lan.counter("TcpExtListenOverflows"), lan.cardStat("rx_no_buffer"), lan.lostOnTheWay());
            finding.must(opened[0] == HONEST, "every honest connection is served");
            finding.must(lan.counter("TcpExtSyncookiesSent") > size / 2, "most SYNs are answered by cookies");
            finding.must(lan.tcpPages() - memoryBefore < 1000, "half-open connections take no TCP memory");
            finding.must(pages < 10_000, "packets do not pile up");
        }
    },

    /** A peer that sends single bytes with a hole before each, rising, falling and at random, and never fills the holes. */
    OUT_OF_ORDER {
        private static final int SPAN = 50_000;
        private static final String RMEM = "4096 6291456 6291456";

        @Override
        void attack(AttackLan lan, Finding finding, int size) throws Exception {
            lan.kernel.initNet().sysctl().set("net.ipv4.tcp_rmem", RMEM); // buffers as large as they may become
            SoftServerSocket server = lan.network.listen(AttackLan.at(5001), 8);
            HonestWork work = HonestWork.start(lan);
            List<Integer> offsets = new ArrayList<>();
            for (int i = 1; i < SPAN; i += 2) {
                offsets.add(i);
            }
            String[] orders = {"rising", "falling", "random"};
            for (int o = 0; o < orders.length; o++) {
                RawPeer peer = RawPeer.connect(lan.attacker, 3000 + o, 5001);
                SoftSocket victim = server.accept();
                List<Integer> order = new ArrayList<>(offsets);
                switch (o) {
                    case 1 -> Collections.reverse(order);
                    case 2 -> Collections.shuffle(order, new Random(3));
                    default -> {}
                }
                List<byte[]> frames = new ArrayList<>();
                for (int i = 0; i < size / orders.length; i++) {
                    frames.add(peer.data(order.get(i % order.size()), 1));
                }
                costOfParts(lan, finding, orders[o] + " single bytes", frames);
                lan.attacker.send(peer.reset());
                victim.close();
                lan.attacker.forget();
            }
            work.finish(finding);
            finding.figure(
                    "queued %d, merged %d, dropped %d, pruned %d",
                    lan.counter("TcpExtTCPOFOQueue"),
                    lan.counter("TcpExtTCPOFOMerge"),
                    lan.counter("TcpExtTCPOFODrop"),
                    lan.counter("TcpExtOfoPruned"));
        }
    },

    /** A peer that acknowledges single segments here and there, never twice in order, and nothing cumulatively. */
    SACKS {
        private static final int MSS = 1460;
        private static final int BYTES = 12_000_000;

        @Override
        void attack(AttackLan lan, Finding finding, int size) throws Exception {
            SoftServerSocket server = lan.network.listen(AttackLan.at(5002), 8);
            HonestWork work = HonestWork.start(lan);
            RawPeer peer = RawPeer.connect(lan.attacker, 3100, 5002);
            SoftSocket victim = server.accept();
            lan.program("sender", () -> victim.outputStream().write(new byte[BYTES]));
            int una = peer.rcvNxt;
            int top = una;
            // Honest at first, so that much is in flight.
            for (TcpFrame f = lan.attacker.receive(2000);
                    f != null && top - una < BYTES / 2;
                    f = lan.attacker.receive(2000)) {
                if (TcpSeq.after(f.endSeq(), top)) {
                    top = f.endSeq();
                    lan.attacker.send(peer.ack(top));
                    peer.rcvNxt = top;
                }
            }
            for (TcpFrame f = lan.attacker.receive(100); f != null; f = lan.attacker.receive(100)) {
                top = TcpSeq.after(f.endSeq(), top) ? f.endSeq() : top;
            }
            int flight = (top - peer.rcvNxt) / MSS;
            finding.figure("%d segments in flight", flight);
            SplittableRandom random = new SplittableRandom(4);
            List<byte[]> frames = new ArrayList<>();
            for (int i = 0; i < size; i++) {
                int[] blocks = new int[8];
                for (int b = 0; b < 4; b++) {
                    int at = peer.rcvNxt + (1 + 2 * random.nextInt(Math.max(1, flight / 2 - 1))) * MSS;
                    boolean part = (i & 1) != 0;
                    blocks[2 * b] = at + (part ? 10 : 0);
                    blocks[2 * b + 1] = at + (part ? 20 : MSS);
                }
                frames.add(peer.ack(peer.rcvNxt, blocks));
            }
            costOfParts(lan, finding, "acknowledgements with four blocks", frames);
            lan.attacker.send(peer.reset());
            victim.close();
            work.finish(finding);
            finding.figure(
                    "retransmitted %d, send queue refused %d",
                    lan.counter("TcpRetransSegs"), lan.counter("TcpExtTCPWqueueTooBig"));
        }
    },

    /** Many that let Softnet fill their connection's send buffer and never read; then Softnet closes, and they stay. */
    HOLDERS {
        private static final int MAX_ORPHANS = 256;
        private static final String TCP_MEM = "4096 6144 8192";
        private static final int TCP_MEM_PAGES = 8192;

        @Override
        void attack(AttackLan lan, Finding finding, int size) throws Exception {
            lan.kernel.initNet().sysctl().set("net.ipv4.tcp_mem", TCP_MEM);
            lan.kernel.initNet().sysctl().set("net.ipv4.tcp_max_orphans", String.valueOf(MAX_ORPHANS));
            SoftServerSocket server = lan.network.listen(AttackLan.at(5003), 4096);
            HonestWork work = HonestWork.start(lan);
            CompletableFuture<List<SocketChannel>> held = new CompletableFuture<>();
            CompletableFuture<Void> clients = lan.lan.start("holders", () -> {
                List<SocketChannel> open = new ArrayList<>();
                for (int i = 0; i < size; i++) {
                    SocketChannel c = SocketChannel.open(StandardProtocolFamily.INET);
                    c.setOption(StandardSocketOptions.SO_RCVBUF, 4096);
                    c.connect(AttackLan.at(5003));
                    open.add(c);
                }
                held.complete(open);
            });
            List<SoftSocket> victims = new ArrayList<>();
            ByteBuffer bytes = ByteBuffer.allocateDirect(65536);
            long most = 0;
            while (victims.size() < size) {
                SoftSocket s = server.accept();
                s.configureBlocking(false);
                victims.add(s);
                fill(s, bytes);
                most = Math.max(most, lan.tcpPages());
            }
            clients.get(60, TimeUnit.SECONDS);
            long took = 0;
            for (int round = 0; round < 5; round++) {
                for (SoftSocket s : victims) {
                    took += fill(s, bytes);
                }
                most = Math.max(most, lan.tcpPages());
                Thread.sleep(200);
            }
            finding.figure(
                    "%d connections hold their buffers; TCP memory at most %d pages of %d allowed, under pressure %d times",
                    victims.size(), most, TCP_MEM_PAGES, lan.counter("TcpExtTCPMemoryPressures"));
            finding.must(
                    most <= TCP_MEM_PAGES + 2 * size + 512,
                    "TCP memory stays under tcp_mem, but for tcp_wmem's minimum");
            finding.must(
                    most > TCP_MEM_PAGES / 4 || size < 200, "the holders hold something (" + took + " bytes late)");
            for (SoftSocket s : victims) {
                s.close();
            }
            Thread.sleep(500);
            long orphans = lan.orphans();
            finding.figure(
                    "closed: %d orphans of %d allowed, %d given up for memory, TCP memory %d pages",
                    orphans, MAX_ORPHANS, lan.counter("TcpExtTCPAbortOnMemory"), lan.tcpPages());
            finding.must(orphans <= MAX_ORPHANS, "no more orphans than tcp_max_orphans");
            work.finish(finding);
            for (SocketChannel c : held.get(1, TimeUnit.SECONDS)) {
                c.close();
            }
        }

        private long fill(SoftSocket s, ByteBuffer bytes) {
            long sum = 0;
            try {
                for (int n = 1; n > 0; ) {
                    bytes.clear();
                    n = s.write(bytes);
                    sum += n;
                }
            } catch (java.io.IOException e) {
                // refused for memory: it holds what it has
            }
            return sum;
        }
    };

    abstract void attack(AttackLan lan, Finding finding, int size) throws Exception;

    /** How much is too much: packets, or connections. */
    public int fullSize() {
        return switch (this) {
            case BLIND -> 131_072;
            case SYN_FLOOD, OUT_OF_ORDER, SACKS -> 100_000;
            case HOLDERS -> 1000;
        };
    }

    /** Does it. @param size how many packets or connections, see {@link #fullSize} */
    public Finding run(int size) throws Exception {
        Finding finding = new Finding(name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ') + ", " + size);
        try (AttackLan lan = new AttackLan()) {
            lan.serveEcho(128);
            attack(lan, finding, size);
            Throwable oops = lan.kernel.oops();
            finding.must(oops == null, "no bug in softirq: " + oops);
        }
        return finding;
    }

    /** Floods, and says what a packet costs in the first tenth, in the last and at most. */
    private static void costOfParts(AttackLan lan, Finding finding, String what, List<byte[]> frames)
            throws InterruptedException {
        int parts = 10;
        double[] ns = new double[parts];
        long mostPages = 0;
        int each = frames.size() / parts;
        for (int i = 0; i < parts; i++) {
            long cpu = lan.softirqNs();
            lan.flood(frames.subList(i * each, (i + 1) * each));
            ns[i] = (double) (lan.softirqNs() - cpu) / each;
            mostPages = Math.max(mostPages, lan.tcpPages());
        }
        double most = Arrays.stream(ns).max().orElse(0);
        finding.figure(
                "%d %s: %.0f ns of softirq each at first, %.0f at last, %.0f at most; TCP memory at most %d pages",
                frames.size(), what, ns[0], ns[parts - 1], most, mostPages);
        finding.must(mostPages < 8192, "TCP memory stays within tcp_rmem and tcp_wmem of a connection or two");
    }
}
