package net.testkit.packetdrill;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import net.testkit.Lab;
import net.testkit.packetdrill.lang.Packet;
import net.testkit.packetdrill.lang.Settings;
import org.jspecify.annotations.Nullable;

/**
 * What one script runs in: its host with one TUN, a process whose calls the script makes, the descriptors and sockets as
 * the script numbers them, and the last packets seen.
 *
 * <p>Context: the host's main thread; the thread of a blocking call reads descriptors and time.
 */
final class ScriptWorld implements AutoCloseable {
    private static final int KEPT_PACKETS = 10;
    private static final int FIRST_EPHEMERAL_PORT = 40_000;

    /** A descriptor: what the script calls it, what it is, and the connection behind it. */
    static final class Fd {
        int script;
        int live;
        boolean closed;

        @Nullable
        ScriptSocket socket;

        @Nullable
        MemoryFile file;

        Fd(int script, int live) {
            this.script = script;
            this.live = live;
        }
    }

    /** A packet seen. */
    record Seen(long atNs, boolean inbound, byte[] bytes) {}

    final ScriptHost host;
    final HostCalls sys;
    final Settings settings;
    final int localIp;
    final int remoteIp;
    /** In the order they were made. */
    final List<Fd> fds = new ArrayList<>();
    /** Files that commands made, by path: lengths in bytes. */
    final Map<String, Integer> files = new HashMap<>();
    /** What new packets belong to; null before the first socket. */
    @Nullable
    ScriptSocket underTest;

    private final Deque<Seen> seen = new ArrayDeque<>();
    private static final long SETTLE_NS = 80_000_000;

    private @Nullable List<Seen> everything;
    private Map<String, Long> countersAtStart = Map.of();
    private final @Nullable PcapFile pcap;
    private int nextPort = FIRST_EPHEMERAL_PORT;
    private long startNs;

    /** @param pcap where to keep what is seen, or null @param open makes the host, which reports packets to what it is given */
    ScriptWorld(Settings settings, @Nullable PcapFile pcap, Function<TunDevice.Tap, ScriptHost> open) {
        this.settings = settings;
        this.pcap = pcap;
        localIp = Lab.address(settings.localIp());
        remoteIp = Lab.address(settings.remoteIp());
        host = open.apply(this::packet);
        sys = host.calls();
        startNs = host.nowNs();
    }

    private synchronized void packet(long atNs, boolean inbound, byte[] bytes) {
        Seen p = new Seen(atNs, inbound, bytes);
        if (seen.size() == KEPT_PACKETS) {
            seen.removeFirst();
        }
        seen.addLast(p);
        List<Seen> all = everything;
        if (all != null) {
            all.add(p);
        }
        if (pcap != null) {
            pcap.write(host.realTimeNs(), bytes);
        }
    }

    // ---- time

    /** Time 0 of the script is about now. */
    void begin() {
        startNs = host.startNs();
        host.sleep(startNs - host.nowNs());
        if (keepsAll()) {
            countersAtStart = host.shell().counters();
        }
    }

    /** Microseconds since the script's start. */
    long nowUsecs() {
        return usecs(host.nowNs());
    }

    /** A time of the kernel's clock as microseconds since the script's start. */
    long usecs(long ns) {
        return Math.floorDiv(ns - startNs, 1000L);
    }

    /** Real time at the script's start, ns. */
    long startRealNs() {
        return host.realTimeNs() - (host.nowNs() - startNs);
    }

    void sleepUntil(long usecs) {
        long until = startNs + usecs * 1000;
        if (until - host.nowNs() > 0) {
            host.sleep(until - host.nowNs());
        }
    }

    /** Waits for a condition that {@link #wake} is called after. @return false if the time came first */
    boolean await(String what, BooleanSupplier condition, long usecs) {
        return host.await(what, condition, startNs + usecs * 1000);
    }

    /** Whoever is in {@link #await} looks again. Process context. */
    void wake() {
        host.wake();
    }

    /** The next packet the stack sent, or null if none comes until then. */
    @Nullable
    LivePacket nextSent(long untilUsecs) {
        return host.nextSent(startNs + untilUsecs * 1000);
    }

    // ---- descriptors

    /** The descriptor that the script calls so. */
    Fd fd(int script) {
        Fd found = find(script);
        if (found == null) {
            throw new ScriptFailure("unable to find fd with script fd " + script);
        }
        return found;
    }

    private @Nullable Fd find(int script) {
        for (Fd fd : fds) {
            if (!fd.closed && fd.script == script) {
                return fd;
            }
        }
        return null;
    }

    /** Names a live descriptor. */
    Fd addFd(int script, int live) {
        if (find(script) != null) {
            throw new ScriptFailure("duplicate fd " + script + " in script");
        }
        Fd fd = new Fd(script, live);
        fds.add(fd);
        return fd;
    }

    /** A child of a listener that is not accepted yet has no numbers. */
    Fd addChild(ScriptSocket socket) {
        Fd fd = new Fd(-1, -1);
        fd.socket = socket;
        fds.add(fd);
        return fd;
    }

    int nextEphemeralPort() {
        return nextPort++;
    }

    // ---- the end

    /** From now on all packets are kept for {@link #transcript}. */
    synchronized void keepAll() {
        everything = new ArrayList<>();
    }

    /** Is more kept than the last packets? */
    synchronized boolean keepsAll() {
        return everything != null;
    }

    /** All packets so far in the script's numbers, and the moment. Nothing after it is kept. */
    synchronized Transcript transcript() {
        List<Seen> all = everything;
        everything = null;
        List<Transcript.Step> steps = new ArrayList<>();
        if (all != null) {
            for (Seen p : all) {
                try {
                    steps.add(Transcript.step(this, p));
                } catch (ScriptFailure e) {
                    break; // what cannot be read has failed the run already
                }
            }
        }
        return new Transcript(steps, nowUsecs());
    }

    /**
     * Counters that are not what they were when the script began, and by how much. What the last event set off is given
     * time, and a timer that is due now, whose tick may be coarse.
     */
    Map<String, Long> moved() {
        host.sleep(SETTLE_NS);
        Map<String, Long> moved = new HashMap<>();
        host.shell().counters().forEach((name, value) -> {
            long by = value - countersAtStart.getOrDefault(name, 0L);
            if (by != 0) {
                moved.put(name, by);
            }
        });
        return moved;
    }

    /** The last packets as lines, in the script's numbers where they are known. */
    synchronized String lastPackets() {
        StringBuilder s = new StringBuilder();
        for (Seen p : seen) {
            s.append("\n  ").append(line(p));
        }
        return s.toString();
    }

    private String line(Seen p) {
        double seconds = usecs(p.atNs) / 1e6;
        LivePacket packet;
        try {
            packet = LivePacket.parse(p.atNs, p.bytes).copy();
        } catch (ScriptFailure e) {
            return String.valueOf(e.getMessage());
        }
        toScript(packet, p.inbound, underTest);
        return PacketDump.line(seconds, p.inbound, packet);
    }

    /** Turns a live segment of a connection into the script's numbers. */
    static void toScript(LivePacket packet, boolean inbound, @Nullable ScriptSocket s) {
        if (s != null && packet.isTcp()) {
            boolean syn = packet.has(Packet.SYN);
            int local = s.localOffset(syn);
            int remote = s.remoteOffset(syn);
            packet.seq(packet.seq() - (inbound ? remote : local));
            if (packet.has(Packet.ACK)) {
                packet.ackSeq(packet.ackSeq() - (inbound ? local : remote));
            }
            packet.shiftSack(-(inbound ? local : remote));
        }
    }

    /** Fails if anything is left once time has passed; sockets must be closed. */
    void checkNoLeaks() {
        host.checkNoLeaks();
    }

    @Override
    public void close() {
        host.close();
    }
}
