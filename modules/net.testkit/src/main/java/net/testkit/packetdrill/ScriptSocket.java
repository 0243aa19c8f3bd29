package net.testkit.packetdrill;

import java.util.HashMap;
import java.util.Map;
import net.testkit.packetdrill.lang.Packet;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a socket of the script: its numbers in the script and in the live stack, and how one is made from the
 * other. A child of a listener is one from the SYN on, long before {@code accept} gives it a descriptor.
 *
 * <p>Context: the script's thread, or that of its blocking call while the other waits.
 */
final class ScriptSocket {
    /** How far the script is with it. */
    enum State {
        NEW,
        /** {@code connect} or {@code sendto} was called. */
        CONNECTING,
        /** The script expected the SYN. */
        SYN_SENT,
        /** The script sent the SYN-ACK. */
        SYN_ACKED,
        LISTENING,
        /** The script sent a SYN to the listener. */
        SYN_RECEIVED,
        /** The script expected the SYN-ACK. */
        SYNACK_SENT,
        /** The script acknowledged it. */
        SYNACK_ACKED
    }

    State state = State.NEW;
    /** IP protocol. */
    int protocol = LivePacket.TCP;
    /** SOCK_xxx. */
    int type;

    // Live addresses; port 0 is unknown.
    int localIp;
    int localPort;
    int remoteIp;
    int remotePort;

    int scriptLocalIsn;
    int liveLocalIsn;
    /** Equal in the script and on the wire. */
    int remoteIsn;

    private final Map<Integer, Integer> tsValues = new HashMap<>();
    private boolean tsKnown;
    private int firstScriptTs;
    private int firstLiveTs;

    /** Last segment to the stack and from it, live, for the reset at the end. */
    @Nullable
    LivePacket lastIn;

    @Nullable
    LivePacket lastOut;

    ScriptSocket(int type, int protocol) {
        this.type = type;
        this.protocol = protocol;
    }

    /** Whether a packet goes from the stack to the script over this socket. */
    boolean sends(LivePacket p) {
        if (p.protocol() != protocol && !p.isIcmp() || p.saddr() != localIp || p.daddr() != remoteIp) {
            return false;
        }
        return p.isIcmp() ? protocol == LivePacket.ICMP : p.sport() == localPort && p.dport() == remotePort;
    }

    /** Whether a packet is the first of a connection that this socket opens; then its numbers are learned. */
    boolean begins(LivePacket p) {
        boolean fits = switch (protocol) {
            case LivePacket.TCP ->
                state == State.SYN_SENT && p.isTcp() && (p.flags() & (Packet.SYN | Packet.ACK)) == Packet.SYN;
            case LivePacket.UDP -> state == State.CONNECTING && p.isUdp();
            default -> state == State.CONNECTING && p.isIcmp();
        };
        if (!fits || localPort != 0 || p.daddr() != remoteIp || !p.isIcmp() && p.dport() != remotePort) {
            return false;
        }
        localIp = p.saddr();
        if (!p.isIcmp()) {
            localPort = p.sport();
        }
        if (p.isTcp()) {
            liveLocalIsn = p.seq();
        }
        return true;
    }

    /** The script expected its SYN-ACK, so that it can be accepted. */
    boolean isOpened() {
        return state == State.SYNACK_SENT || state == State.SYNACK_ACKED;
    }

    // ---- sequence numbers

    /** To be added to the script's number of a byte that the stack sends, to have the live one. */
    int localOffset(boolean syn) {
        return syn ? liveLocalIsn - scriptLocalIsn : liveLocalIsn;
    }

    /** To be added to the script's number of a byte that the script sends, to have the live one. */
    int remoteOffset(boolean syn) {
        return syn ? 0 : remoteIsn;
    }

    /** Turns a live segment from the stack into the script's numbers, time stamps apart. */
    void toScript(LivePacket p) {
        boolean syn = p.has(Packet.SYN);
        p.seq(p.seq() - localOffset(syn));
        if (p.has(Packet.ACK)) {
            p.ackSeq(p.ackSeq() - remoteOffset(syn));
        }
        p.shiftSack(-remoteOffset(syn));
    }

    /** Turns the script's segment into one that the stack takes for its connection's. */
    void toLive(LivePacket p, boolean scaledEcr) {
        boolean syn = p.has(Packet.SYN);
        p.seq(p.seq() + remoteOffset(syn));
        if (p.has(Packet.ACK)) {
            p.ackSeq(p.ackSeq() + localOffset(syn));
        }
        p.shiftSack(localOffset(syn));
        int ts = p.find(LivePacket.KIND_TIMESTAMP);
        if (ts >= 0 && p.has(Packet.ACK)) {
            int ecr = p.b.getInt(ts + 6);
            Integer live = tsValues.get(ecr);
            if (live == null && scaledEcr && tsKnown) {
                live = ecr - firstScriptTs + firstLiveTs;
            }
            if (live == null) {
                throw new ScriptFailure("unable to infer live TS ecr for script TS ecr " + Integer.toUnsignedString(ecr)
                        + "; no matching or preceding outbound TS val");
            }
            p.b.putInt(ts + 6, live);
        }
    }

    /** Remembers what the script calls a live TS val, and turns that of {@code actual} into the script's scale. */
    void mapTimestamp(LivePacket expected, LivePacket actual) {
        int want = expected.find(LivePacket.KIND_TIMESTAMP);
        int have = actual.find(LivePacket.KIND_TIMESTAMP);
        if (want < 0 || have < 0) {
            return;
        }
        int script = expected.b.getInt(want + 2);
        int live = actual.b.getInt(have + 2);
        tsValues.put(script, live);
        if (!tsKnown) {
            tsKnown = true;
            firstScriptTs = script;
            firstLiveTs = live;
        }
        actual.b.putInt(have + 2, firstScriptTs + (live - firstLiveTs));
    }
}
