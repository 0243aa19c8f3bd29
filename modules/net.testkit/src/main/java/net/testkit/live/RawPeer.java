package net.testkit.live;

import java.util.Arrays;
import net.testkit.TcpFrame;

/** One end of a connection in an attacker's hands: an honest handshake, and then whatever is asked for. */
final class RawPeer {
    private static final int ISS = 1_000_000;
    private static final byte[] NOTHING = {};
    /** MSS 1460, SACK permitted, window scale 7. */
    private static final byte[] SYN_OPTIONS = {2, 4, 5, (byte) 0xb4, 1, 1, 4, 2, 1, 3, 3, 7};

    private final Attacker attacker;
    private final int sport;
    private final int dport;
    final int sndNxt = ISS + 1;
    /** Next byte from Softnet that was not acknowledged. */
    int rcvNxt;

    private RawPeer(Attacker attacker, int sport, int dport) {
        this.attacker = attacker;
        this.sport = sport;
        this.dport = dport;
    }

    static RawPeer connect(Attacker attacker, int sport, int dport) throws InterruptedException {
        RawPeer peer = new RawPeer(attacker, sport, dport);
        attacker.send(
                attacker.segment(Attacker.ADDRESS, sport, dport, ISS, 0, Attacker.SYN, 65535, SYN_OPTIONS, NOTHING));
        TcpFrame answer = peer.next(2000);
        if ((answer.flags & Attacker.SYN) == 0) {
            throw new AssertionError("no SYN-ACK but " + answer);
        }
        peer.rcvNxt = answer.seq + 1;
        attacker.send(peer.ack(peer.rcvNxt));
        return peer;
    }

    /** The next segment of this connection. */
    TcpFrame next(long timeoutMs) throws InterruptedException {
        for (TcpFrame f = attacker.receive(timeoutMs); f != null; f = attacker.receive(timeoutMs)) {
            if (f.dport == sport) {
                return f;
            }
        }
        throw new AssertionError("no answer within " + timeoutMs + " ms");
    }

    /** Data at an offset from the first byte, or several. */
    byte[] data(int offset, int bytes) {
        return attacker.segment(
                Attacker.ADDRESS, sport, dport, sndNxt + offset, rcvNxt, Attacker.ACK, 65535, NOTHING, new byte[bytes]);
    }

    /** An acknowledgement with SACK blocks: pairs of begin and end. */
    byte[] ack(int ack, int... sacks) {
        byte[] options = new byte[sacks.length == 0 ? 0 : 4 + 4 * sacks.length];
        if (options.length > 0) {
            Arrays.fill(options, 0, 2, (byte) 1);
            options[2] = 5;
            options[3] = (byte) (2 + 4 * sacks.length);
            for (int i = 0; i < sacks.length; i++) {
                for (int k = 0; k < 4; k++) {
                    options[4 + 4 * i + k] = (byte) (sacks[i] >>> 24 - 8 * k);
                }
            }
        }
        return attacker.segment(Attacker.ADDRESS, sport, dport, sndNxt, ack, Attacker.ACK, 65535, options, NOTHING);
    }

    byte[] reset() {
        return attacker.segment(Attacker.ADDRESS, sport, dport, sndNxt, rcvNxt, Attacker.RST | Attacker.ACK, 0);
    }
}
