package net.testkit.packetdrill;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import net.testkit.packetdrill.lang.Packet;
import net.testkit.packetdrill.lang.TcpOption;
import org.jspecify.annotations.Nullable;

/**
 * Signatures of TCP segments (RFC 2385). Ports and sequence numbers of the live run are part of one, so that a script cannot
 * write it: it names the secret.
 */
final class Signature {
    private static final int KIND = 19;
    private static final int LENGTH = 16;

    private Signature() {}

    /** The secret that a script's packet is signed with; null: none, or the script wrote the digest. */
    static byte @Nullable [] secret(Packet packet) {
        if (packet instanceof Packet.Tcp t && t.options() != null) {
            for (TcpOption o : t.options()) {
                if (o instanceof TcpOption.Md5Secret s) {
                    return s.secret();
                }
            }
        }
        return null;
    }

    /** Fills the digest in, after all else but the checksum. */
    static void sign(LivePacket p, byte[] secret) {
        byte[] digest = digest(p, secret);
        System.arraycopy(digest, 0, p.bytes(), p.find(KIND) + 2, LENGTH);
    }

    /** Replaces the digest in {@code copy} by zeros, as the expectation has them, if the one of {@code live} is right. */
    static void verify(LivePacket live, LivePacket copy, byte[] secret) {
        int at = live.find(KIND);
        if (at < 0 || live.optionLength(at) != LENGTH + 2) {
            return; // the options are compared later
        }
        if (!Arrays.equals(live.bytes(), at + 2, at + 2 + LENGTH, digest(live, secret), 0, LENGTH)) {
            throw new ScriptFailure("bad MD5 signature of an outbound segment");
        }
        clear(copy);
    }

    /** Takes the digest out: it covers numbers that differ from run to run. */
    static void clear(LivePacket p) {
        int at = p.isTcp() ? p.find(KIND) : -1;
        if (at >= 0 && p.optionLength(at) == LENGTH + 2) {
            Arrays.fill(p.bytes(), at + 2, at + 2 + LENGTH, (byte) 0);
        }
    }

    private static byte[] digest(LivePacket p, byte[] secret) {
        try {
            MessageDigest md5 = MessageDigest.getInstance("MD5");
            byte[] all = p.bytes();
            int length = all.length - p.l4;
            md5.update(all, 12, 8);
            md5.update(new byte[] {0, LivePacket.TCP, (byte) (length >> 8), (byte) length});
            byte[] header = Arrays.copyOfRange(all, p.l4, p.l4 + 20);
            header[16] = 0;
            header[17] = 0;
            md5.update(header);
            md5.update(all, p.payloadFrom(), p.payloadLength());
            return md5.digest(secret);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has MD5", e);
        }
    }
}
