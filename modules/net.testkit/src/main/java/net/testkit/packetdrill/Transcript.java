package net.testkit.packetdrill;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What passed on a script's wire, in the script's numbers.
 *
 * @param endUsecs when it ends, microseconds since the script's start
 * @param moved what the host's counters have gained meanwhile
 */
record Transcript(List<Step> steps, long endUsecs, Map<String, Long> moved) {
    static final Transcript NONE = new Transcript(List.of(), 0);

    /** Segments of one flight that follow each other closer than this are compared as one. */
    private static final long FLIGHT_USECS = 2_000;

    private static final int SHOWN = 10;

    Transcript {
        steps = List.copyOf(steps);
        moved = Map.copyOf(moved);
    }

    Transcript(List<Step> steps, long endUsecs) {
        this(steps, endUsecs, Map.of());
    }

    /**
     * A packet.
     *
     * @param connection number of its connection in the order the script opened them, -1 for none
     * @param packet in the script's numbers
     */
    record Step(int connection, long atUsecs, boolean inbound, LivePacket packet) {
        /** As a line of a script, with its time. */
        @Override
        public String toString() {
            return PacketDump.line(atUsecs / 1e6, inbound, packet);
        }

        /** What must be equal on both hosts: everything but times and the ports a host picks. */
        String essence() {
            LivePacket p = packet.copy();
            int ts = p.isTcp() ? p.find(LivePacket.KIND_TIMESTAMP) : -1;
            if (ts >= 0) {
                p.b.putLong(ts + 2, 0);
            }
            Signature.clear(p);
            return PacketDump.of(p);
        }
    }

    static Step step(ScriptWorld world, ScriptWorld.Seen seen) {
        LivePacket packet = LivePacket.parse(seen.atNs(), seen.bytes()).copy();
        int at = connection(world, packet, seen.inbound());
        ScriptWorld.toScript(packet, seen.inbound(), at < 0 ? world.underTest : world.fds.get(at).socket);
        return new Step(at, world.usecs(seen.atNs()), seen.inbound(), packet);
    }

    /** The descriptor of the connection whose ports a segment has; the newest if several had them. */
    private static int connection(ScriptWorld world, LivePacket p, boolean inbound) {
        for (int i = world.fds.size() - 1; p.isTcp() && i >= 0; i--) {
            ScriptSocket s = world.fds.get(i).socket;
            if (s != null
                    && s.localPort == (inbound ? p.dport() : p.sport())
                    && s.remotePort == (inbound ? p.sport() : p.dport())) {
                return i;
            }
        }
        return -1;
    }

    /** What the stack sent over a connection; segments that continue each other at once are one. */
    List<Step> flights(int connection) {
        List<Step> out = new ArrayList<>();
        Step last = null;
        for (Step s : steps) {
            if (s.connection != connection) {
                continue;
            }
            if (s.inbound) {
                last = null;
                continue;
            }
            if (last != null && continues(last, s)) {
                int length = last.packet.payloadLength() + s.packet.payloadLength();
                LivePacket merged = PacketMatch.merge(last.packet, s.packet, length);
                s = new Step(connection, last.atUsecs, false, merged);
                out.removeLast();
            }
            out.add(s);
            last = s;
        }
        return out;
    }

    private static boolean continues(Step a, Step b) {
        LivePacket p = a.packet;
        LivePacket q = b.packet;
        return p.isTcp()
                && q.isTcp()
                && p.payloadLength() > 0
                && q.payloadLength() > 0
                && p.sport() == q.sport()
                && p.dport() == q.dport()
                && p.seq() + p.payloadLength() == q.seq()
                && p.ackSeq() == q.ackSeq()
                && p.payloadLength() + q.payloadLength() < 0xff00
                && b.packet.atNs - a.packet.atNs < FLIGHT_USECS * 1000;
    }

    /**
     * Where two hosts part: the earliest packet of any connection. What happens at once on two connections has no order.
     *
     * @param patienceUsecs how long before its end a transcript may lack the other's last packets
     * @return what each sent there, or null if they do not part
     */
    static @Nullable String parting(Transcript softnet, Transcript linux, long patienceUsecs) {
        TreeSet<Integer> connections = new TreeSet<>();
        softnet.steps.forEach(s -> connections.add(s.connection));
        linux.steps.forEach(s -> connections.add(s.connection));
        Parting first = null;
        for (int c : connections) {
            Parting p = parting(c, softnet, linux, patienceUsecs);
            if (p != null && (first == null || p.atUsecs < first.atUsecs)) {
                first = p;
            }
        }
        return first == null ? null : first.text;
    }

    private record Parting(long atUsecs, String text) {}

    private static @Nullable Parting parting(int connection, Transcript softnet, Transcript linux, long patienceUsecs) {
        List<Step> ours = softnet.flights(connection);
        List<Step> theirs = linux.flights(connection);
        for (int i = 0; i < Math.max(ours.size(), theirs.size()); i++) {
            Step a = i < ours.size() ? ours.get(i) : null;
            Step b = i < theirs.size() ? theirs.get(i) : null;
            if (a == null || b == null) {
                Step more = a == null ? b : a;
                long end = Math.min(softnet.endUsecs, linux.endUsecs);
                if (more == null || more.atUsecs > end - patienceUsecs) {
                    return null;
                }
            } else if (a.essence().equals(b.essence())) {
                continue;
            }
            long at = Math.min(a == null ? Long.MAX_VALUE : a.atUsecs, b == null ? Long.MAX_VALUE : b.atUsecs);
            String text = String.format(
                    Locale.ROOT,
                    "packet %d sent over a connection differs:\n  softnet %s\n  linux   %s",
                    i + 1,
                    a == null ? "nothing" : a,
                    b == null ? "nothing" : b);
            return new Parting(
                    at, text + softnet.before("Softnet", connection, a) + linux.before("Linux", connection, b));
        }
        return null;
    }

    /** The last packets of a connection up to one, or to the end, as lines. */
    private String before(String host, int connection, @Nullable Step last) {
        Deque<Step> lines = new ArrayDeque<>();
        for (Step s : steps) {
            if (last != null && s.atUsecs > last.atUsecs) {
                break;
            }
            if (s.connection == connection) {
                lines.addLast(s);
            }
            if (lines.size() > SHOWN) {
                lines.removeFirst();
            }
        }
        StringBuilder text = new StringBuilder("\n" + host + " until then:");
        lines.forEach(s -> text.append("\n  ").append(s));
        return text.toString();
    }
}
