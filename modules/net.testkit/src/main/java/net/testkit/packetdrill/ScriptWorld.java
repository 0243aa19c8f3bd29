package net.testkit.packetdrill;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import net.core.Net;
import net.core.sock.Syscalls;
import net.core.task.WaitQueueHead;
import net.ipv4.Ipv4Admin;
import net.testkit.Lab;
import net.testkit.packetdrill.lang.Packet;
import net.testkit.packetdrill.lang.Settings;
import org.jspecify.annotations.Nullable;

/**
 * What one script runs in: a fresh kernel in virtual time with one TUN, a process whose calls the script makes, the
 * descriptors and sockets as the script numbers them, and the last packets seen.
 *
 * <p>Context: the kernel's main thread; the thread of a blocking call reads descriptors and time.
 */
final class ScriptWorld implements AutoCloseable {
    private static final String TUN = "tun0";
    private static final int KEPT_PACKETS = 10;
    /** Times start a quarter of a jiffy after one, so that events on whole milliseconds are not at its edge. */
    private static final long START_ALIGN_NS = 10_000_000;

    private static final long START_OFFSET_NS = 250_000;
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
    private record Seen(long atNs, boolean inbound, byte[] bytes) {}

    final Lab lab;
    final Net net;
    final Syscalls sys;
    final TunDevice tun;
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
    private final @Nullable PcapFile pcap;
    private final WaitQueueHead idle = new WaitQueueHead();
    private int nextPort = FIRST_EPHEMERAL_PORT;
    private long startNs;

    ScriptWorld(Settings settings, long seed, @Nullable PcapFile pcap) {
        this.settings = settings;
        this.pcap = pcap;
        localIp = Lab.address(settings.localIp());
        remoteIp = Lab.address(settings.remoteIp());
        lab = Lab.virtual(seed, 1);
        Lab.Host host = lab.addHost("dut");
        net = host.net;
        sys = host.network.process().syscalls();
        tun = TunDevice.create(net, TUN, settings.mtu(), this::packet);
        lab.attach(host, tun.dev, settings.localIp() + "/" + prefixLength(settings.netmaskIp()));
        int len = settings.remotePrefix();
        int prefix = remoteIp & (len == 0 ? 0 : -1 << 32 - len);
        if ((localIp ^ remoteIp) >>> 32 - prefixLength(settings.netmaskIp()) != 0) {
            Ipv4Admin.addRoute(net, prefix, len, 0, tun.dev);
        }
        startNs = lab.nowNs();
    }

    private static int prefixLength(String netmask) {
        return Integer.bitCount(Lab.address(netmask));
    }

    private void packet(long atNs, boolean inbound, byte[] bytes) {
        if (seen.size() == KEPT_PACKETS) {
            seen.removeFirst();
        }
        seen.addLast(new Seen(atNs, inbound, bytes));
        if (pcap != null) {
            pcap.write(lab.kernel.clock().realTimeNs(), bytes);
        }
    }

    // ---- time

    /** Time 0 of the script is about now. */
    void begin() {
        long next = (lab.nowNs() / START_ALIGN_NS + 1) * START_ALIGN_NS + START_OFFSET_NS;
        lab.sleep(next - lab.nowNs());
        startNs = next;
    }

    /** Microseconds since the script's start. */
    long nowUsecs() {
        return usecs(lab.nowNs());
    }

    /** A time of the kernel's clock as microseconds since the script's start. */
    long usecs(long ns) {
        return Math.floorDiv(ns - startNs, 1000L);
    }

    /** Real time at the script's start, ns. */
    long startRealNs() {
        return lab.kernel.clock().realTimeNs() - (lab.nowNs() - startNs);
    }

    void sleepUntil(long usecs) {
        long until = startNs + usecs * 1000;
        if (until - lab.nowNs() > 0) {
            lab.sleep(until - lab.nowNs());
        }
    }

    /** Waits for a condition that {@link #wake} is called after. @return false if the time came first */
    boolean await(String what, BooleanSupplier condition, long usecs) {
        return idle.waitEvent(lab.kernel.scheduler(), what, condition, startNs + usecs * 1000);
    }

    /** Whoever is in {@link #await} looks again. Process context. */
    void wake() {
        idle.wakeAll(null);
    }

    /** The next packet the stack sent, or null if none comes until then. */
    @Nullable
    LivePacket nextSent(long untilUsecs) {
        if (!tun.pending()) {
            tun.arrived.waitEvent(
                    lab.kernel.scheduler(), "an outbound packet", tun::pending, startNs + untilUsecs * 1000);
        }
        return tun.poll();
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

    /** The last packets as lines, in the script's numbers where they are known. */
    String lastPackets() {
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
        ScriptSocket s = underTest;
        if (s != null && packet.isTcp()) {
            boolean syn = packet.has(Packet.SYN);
            int local = s.localOffset(syn);
            int remote = s.remoteOffset(syn);
            packet.seq(packet.seq() - (p.inbound ? remote : local));
            if (packet.has(Packet.ACK)) {
                packet.ackSeq(packet.ackSeq() - (p.inbound ? local : remote));
            }
            packet.shiftSack(-(p.inbound ? local : remote));
        }
        return PacketDump.line(seconds, p.inbound, packet);
    }

    /** Fails if anything is left once time has passed; sockets must be closed. */
    void checkNoLeaks() {
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
