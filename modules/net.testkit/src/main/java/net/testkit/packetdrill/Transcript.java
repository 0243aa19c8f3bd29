package net.testkit.packetdrill;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What passed on a script's wire, in the script's numbers.
 *
 * @param endUsecs when it ends, microseconds since the script's start
 */
record Transcript(List<Step> steps, long endUsecs) {
    static final Transcript NONE = new Transcript(List.of(), 0);

    /** Segments of one flight that follow each other closer than this are compared as one. */
    private static final long FLIGHT_USECS = 2_000;

    Transcript {
        steps = List.copyOf(steps);
    }

    /** A packet. @param live as it was on the wire */
    record Step(long atUsecs, boolean inbound, LivePacket packet, LivePacket live) {
        /** As a line of a script, with its time. */
        @Override
        public String toString() {
            return PacketDump.line(atUsecs / 1e6, inbound, packet);
        }

        /** What must be equal on both hosts: everything but times and the ports a host picks. */
        String essence(boolean window) {
            LivePacket p = packet.copy();
            int ts = p.isTcp() ? p.find(LivePacket.KIND_TIMESTAMP) : -1;
            if (ts >= 0) {
                p.b.putLong(ts + 2, 0);
            }
            String text = PacketDump.of(p);
            return window ? text : text.replaceFirst(" win [0-9]+", "");
        }
    }

    static Step step(ScriptWorld world, ScriptWorld.Seen seen) {
        LivePacket live = LivePacket.parse(seen.atNs(), seen.bytes());
        LivePacket packet = live.copy();
        ScriptWorld.toScript(packet, seen.inbound(), socket(world, live, seen.inbound()));
        return new Step(world.usecs(seen.atNs()), seen.inbound(), packet, live);
    }

    /** The socket whose ports a segment has; the newest if several had them. */
    private static @Nullable ScriptSocket socket(ScriptWorld world, LivePacket p, boolean inbound) {
        if (p.isTcp()) {
            int local = inbound ? p.dport() : p.sport();
            int remote = inbound ? p.sport() : p.dport();
            for (ScriptWorld.Fd fd : world.fds.reversed()) {
                ScriptSocket s = fd.socket;
                if (s != null && s.localPort == local && s.remotePort == remote) {
                    return s;
                }
            }
        }
        return world.underTest;
    }

    /** What the stack sent; segments that continue each other at once are one. */
    List<Step> flights() {
        List<Step> out = new ArrayList<>();
        Step last = null;
        for (Step s : steps) {
            if (s.inbound) {
                last = null;
                continue;
            }
            if (last != null && continues(last, s)) {
                int length = last.packet.payloadLength() + s.packet.payloadLength();
                LivePacket merged = PacketMatch.merge(last.packet, s.packet, length);
                s = new Step(last.atUsecs, false, merged, s.live);
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
                && b.live.atNs - a.live.atNs < FLIGHT_USECS * 1000;
    }

    /** Where two hosts part. @param patienceUsecs how long before its end a transcript may lack the other's last packets
     * @return what each sent there, or null if they do not */
    static @Nullable String parting(Transcript softnet, Transcript linux, boolean window, long patienceUsecs) {
        List<Step> ours = softnet.flights();
        List<Step> theirs = linux.flights();
        for (int i = 0; i < Math.max(ours.size(), theirs.size()); i++) {
            Step a = i < ours.size() ? ours.get(i) : null;
            Step b = i < theirs.size() ? theirs.get(i) : null;
            if (a == null || b == null) {
                Step more = a == null ? b : a;
                long end = Math.min(softnet.endUsecs, linux.endUsecs);
                if (more == null || more.atUsecs > end - patienceUsecs) {
                    return null;
                }
            } else if (a.essence(window).equals(b.essence(window))) {
                continue;
            }
            return String.format(
                    Locale.ROOT,
                    "packet %d sent differs:\n  softnet %s\n  linux   %s",
                    i + 1,
                    a == null ? "nothing" : a,
                    b == null ? "nothing" : b);
        }
        return null;
    }
}
