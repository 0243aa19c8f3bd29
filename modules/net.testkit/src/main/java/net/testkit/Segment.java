package net.testkit;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One TCP segment in words, to inject or to expect: {@code syn().seq(0).mss(1460)}, {@code synAck().ack(1)},
 * {@code data(1000).seq(1).ack(1)}.
 *
 * <p>Sequence numbers count from each side's initial one, as tcpdump prints them. What an expectation does not say is not
 * compared; PSH is compared only if asked for.
 */
public final class Segment {
    public static final int FIN = 1;
    public static final int SYN = 2;
    public static final int RST = 4;
    public static final int PSH = 8;
    public static final int ACK = 16;
    public static final int URG = 32;
    public static final int ECE = 64;
    public static final int CWR = 128;

    private static final int UNSET = Integer.MIN_VALUE;

    private int flags;
    private boolean comparePsh;
    private boolean hasSeq;
    private int seq;
    private boolean hasAck;
    private int ack;
    private int window = UNSET;
    private int urgent = UNSET;
    private int mss = UNSET;
    private int wscale = UNSET;
    private @Nullable Boolean sackOk;
    private int @Nullable [] timestamps;
    private int @Nullable [] sacks;
    private byte @Nullable [] payload;
    private int length = UNSET;
    private int ecn = UNSET;
    private byte[] moreOptions = {};

    private Segment(int flags) {
        this.flags = flags;
    }

    public static Segment syn() {
        return new Segment(SYN);
    }

    public static Segment synAck() {
        return new Segment(SYN | ACK);
    }

    /** A segment with nothing but an acknowledgment. */
    public static Segment ack() {
        return new Segment(ACK).length(0);
    }

    /** So many bytes of data; zeros if injected. */
    public static Segment data(int bytes) {
        return new Segment(ACK).length(bytes);
    }

    /** This data. */
    public static Segment data(byte[] bytes) {
        Segment s = new Segment(ACK).length(bytes.length);
        s.payload = bytes.clone();
        return s;
    }

    public static Segment fin() {
        return new Segment(FIN | ACK);
    }

    public static Segment rst() {
        return new Segment(RST);
    }

    public static Segment rstAck() {
        return new Segment(RST | ACK);
    }

    /** A segment with exactly these flags. */
    public static Segment flags(int flags) {
        Segment s = new Segment(flags);
        s.comparePsh = true;
        return s;
    }

    public Segment seq(int relative) {
        hasSeq = true;
        seq = relative;
        return this;
    }

    public Segment ack(int relative) {
        hasAck = true;
        ack = relative;
        flags |= ACK;
        return this;
    }

    /** The window field, unscaled. */
    public Segment win(int window) {
        this.window = window;
        return this;
    }

    public Segment psh() {
        flags |= PSH;
        comparePsh = true;
        return this;
    }

    public Segment urg(int pointer) {
        flags |= URG;
        urgent = pointer;
        return this;
    }

    /** Adds flags, such as {@link #ECE}. */
    public Segment with(int more) {
        flags |= more;
        return this;
    }

    /** ECN bits of the IP header. */
    public Segment ecn(int bits) {
        ecn = bits;
        return this;
    }

    public Segment mss(int bytes) {
        mss = bytes;
        return this;
    }

    public Segment wscale(int shift) {
        wscale = shift;
        return this;
    }

    public Segment sackOk() {
        sackOk = true;
        return this;
    }

    public Segment noSackOk() {
        sackOk = false;
        return this;
    }

    /** An option as it stands on the wire, behind the others; padded with NOPs to four bytes. */
    public Segment option(int... bytes) {
        byte[] padded = new byte[bytes.length + 3 & ~3];
        Arrays.fill(padded, (byte) 1);
        for (int i = 0; i < bytes.length; i++) {
            padded[i] = (byte) bytes[i];
        }
        moreOptions = padded;
        return this;
    }

    /** Time stamp value and echo. */
    public Segment ts(int val, int ecr) {
        timestamps = new int[] {val, ecr};
        return this;
    }

    /** SACK blocks, starts and ends relative to the data's sender; none: expects that there are none. */
    public Segment sack(int... startsAndEnds) {
        sacks = startsAndEnds.clone();
        return this;
    }

    public Segment length(int bytes) {
        length = bytes;
        return this;
    }

    // ---- for injection

    /** Bytes of TCP header and payload. @param isn of this sender @param peerIsn of the receiver */
    byte[] build(
            int saddr, int daddr, int sport, int dport, int isn, int peerIsn, boolean defaultTs, int tsVal, int tsEcr) {
        int[] stamps = timestamps;
        if (stamps == null && defaultTs && (flags & RST) == 0) {
            stamps = new int[] {tsVal, tsEcr};
        }
        byte[] data = payload;
        if (data == null) {
            data = new byte[length == UNSET ? 0 : length];
        }
        int ackField = (flags & ACK) != 0 ? peerIsn + ack : 0;
        return Frames.tcp(
                saddr,
                daddr,
                sport,
                dport,
                isn + seq,
                ackField,
                flags,
                window == UNSET ? 65535 : window,
                urgent == UNSET ? 0 : urgent,
                options(stamps, peerIsn),
                data);
    }

    int ipTos() {
        return ecn == UNSET ? 0 : ecn;
    }

    int flagBits() {
        return flags;
    }

    private byte[] options(int @Nullable [] stamps, int peerIsn) {
        ByteArrayOutputStream o = new ByteArrayOutputStream();
        if (mss != UNSET) {
            o.writeBytes(new byte[] {2, 4, (byte) (mss >> 8), (byte) mss});
        }
        if (Boolean.TRUE.equals(sackOk)) {
            o.writeBytes(new byte[] {1, 1, 4, 2});
        }
        if (stamps != null) {
            byte[] ts = new byte[12];
            ts[0] = 1;
            ts[1] = 1;
            ts[2] = 8;
            ts[3] = 10;
            Wires.be32(ts, 4, stamps[0]);
            Wires.be32(ts, 8, stamps[1]);
            o.writeBytes(ts);
        }
        if (wscale != UNSET) {
            o.writeBytes(new byte[] {1, 3, 3, (byte) wscale});
        }
        if (sacks != null && sacks.length > 0) {
            byte[] s = new byte[4 + 4 * sacks.length];
            s[0] = 1;
            s[1] = 1;
            s[2] = 5;
            s[3] = (byte) (2 + 4 * sacks.length);
            for (int i = 0; i < sacks.length; i++) {
                Wires.be32(s, 4 + 4 * i, peerIsn + sacks[i]);
            }
            o.writeBytes(s);
        }
        o.writeBytes(moreOptions);
        return o.toByteArray();
    }

    // ---- for expectation

    /** What differs, or null. @param isn of the segment's sender @param peerIsn of its receiver */
    @Nullable
    String differs(TcpFrame f, int isn, int peerIsn) {
        int mask = comparePsh ? 0xff : 0xff & ~PSH;
        if ((f.flags & mask) != (flags & mask)) {
            return "flags " + flagText(f.flags) + ", want " + flagText(flags);
        }
        String d = number("seq", hasSeq, f.seq - isn, seq);
        d = d != null ? d : number("ack", hasAck, f.ack - peerIsn, ack);
        d = d != null ? d : number("length", length != UNSET, f.payload.length, length);
        d = d != null ? d : number("window", window != UNSET, f.window, window);
        d = d != null ? d : number("urgent pointer", urgent != UNSET, f.urgent, urgent);
        d = d != null ? d : number("mss", mss != UNSET, f.mss, mss);
        d = d != null ? d : number("window scale", wscale != UNSET, f.wscale, wscale);
        d = d != null ? d : number("ecn", ecn != UNSET, f.tos & 3, ecn);
        if (d != null) {
            return d;
        }
        if (sackOk != null && f.sackOk != sackOk) {
            return f.sackOk ? "has sackOK" : "has no sackOK";
        }
        if (timestamps != null && (!f.timestamps || f.tsEcr != timestamps[1])) {
            return "time stamp echo " + (f.timestamps ? f.tsEcr : "none") + ", want " + timestamps[1];
        }
        if (payload != null && !Arrays.equals(payload, f.payload)) {
            return "other payload";
        }
        return sackDiffers(f, peerIsn);
    }

    private @Nullable String sackDiffers(TcpFrame f, int peerIsn) {
        if (sacks == null) {
            return null;
        }
        int[] relative = Arrays.stream(f.sacks).map(s -> s - peerIsn).toArray();
        return Arrays.equals(relative, sacks)
                ? null
                : "sack " + Arrays.toString(relative) + ", want " + Arrays.toString(sacks);
    }

    private static @Nullable String number(String what, boolean compare, int is, int want) {
        return compare && is != want ? what + " " + is + ", want " + want : null;
    }

    static String flagText(int flags) {
        StringBuilder s = new StringBuilder();
        String names = "FSRP.UEW";
        for (int i = 0; i < 8; i++) {
            if ((flags & 1 << i) != 0) {
                s.append(names.charAt(i));
            }
        }
        return s.isEmpty() ? "none" : s.toString();
    }

    @Override
    public String toString() {
        StringBuilder s = new StringBuilder(flagText(flags));
        if (hasSeq) {
            s.append(" seq ").append(seq);
        }
        if (hasAck) {
            s.append(" ack ").append(ack);
        }
        if (length != UNSET) {
            s.append(" length ").append(length);
        }
        if (window != UNSET) {
            s.append(" win ").append(window);
        }
        if (mss != UNSET) {
            s.append(" mss ").append(mss);
        }
        if (sacks != null) {
            s.append(" sack ").append(Arrays.toString(sacks));
        }
        return s.toString();
    }
}
