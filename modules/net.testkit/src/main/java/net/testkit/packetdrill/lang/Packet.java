package net.testkit.packetdrill.lang;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A packet to send to the stack ({@code <}) or to expect from it ({@code >}). Numbers are the script's own. */
public sealed interface Packet extends Event.Action {
    /** Line of the direction sign. */
    int line();

    /** {@code <}: towards the stack. */
    boolean inbound();

    IpInfo ip();

    /** Written ports, or null: those of the socket under test. */
    @Nullable
    Ports ports();

    /** Outer headers as written, outermost first; mostly none. */
    List<String> encapsulation();

    record Ports(int source, int destination) {}

    /**
     * What was written about the IP header in brackets.
     *
     * @param tos whole type-of-service byte or, for {@link Tos#ECN}, its lowest two bits
     * @param flowLabel -1: not written
     * @param ttl -1: not written
     */
    record IpInfo(Tos check, int tos, int flowLabel, int ttl) {
        public static final IpInfo NONE = new IpInfo(Tos.NONE, 0, -1, -1);
    }

    enum Tos {
        /** Not written: sent as 0, not compared. */
        NONE,
        /** {@code noecn ect0 ect1 ce}. */
        ECN,
        /** {@code ect01}: either of the two; outbound only. */
        ECT01,
        /** {@code tos 0xNN}. */
        TOS
    }

    // TCP flags; ACE digits are the last three of them

    int FIN = 1;
    int SYN = 2;
    int RST = 4;
    int PSH = 8;
    int ACK = 0x10;
    int URG = 0x20;
    int ECE = 0x40;
    int CWR = 0x80;
    int AE = 0x100;

    /**
     * A TCP segment.
     *
     * @param flags {@link #FIN} to {@link #AE}; ACE digits are already AE, CWR and ECE
     * @param seq unsigned 32 bits, the script's
     * @param payload bytes of data, all zeros
     * @param ack 0 if not written
     * @param window the field, unscaled; -1: not written, not compared
     * @param urgent 0 if not written
     * @param options as written; null for {@code <...>}: not compared
     */
    record Tcp(
            int line,
            boolean inbound,
            IpInfo ip,
            @Nullable Ports ports,
            List<String> encapsulation,
            int flags,
            int seq,
            int payload,
            int ack,
            int window,
            int urgent,
            @Nullable List<TcpOption> options)
            implements Packet {
        public Tcp {
            encapsulation = List.copyOf(encapsulation);
            options = options == null ? null : List.copyOf(options);
        }

        public boolean has(int flag) {
            return (flags & flag) == flag;
        }
    }

    /** A UDP datagram. @param payload bytes of data, all zeros */
    record Udp(
            int line, boolean inbound, IpInfo ip, @Nullable Ports ports, List<String> encapsulation, int payload)
            implements Packet {
        public Udp {
            encapsulation = List.copyOf(encapsulation);
        }
    }

    /**
     * An ICMP message.
     *
     * @param type name such as {@code unreachable} or {@code type_3}: see {@link IcmpNames}
     * @param code name such as {@code frag_needed} or {@code code_4}, or null
     * @param mtu -1: not written
     * @param echoId id of an echo, 0 if not written
     * @param echoed the packet it quotes
     */
    record Icmp(
            int line,
            boolean inbound,
            IpInfo ip,
            List<String> encapsulation,
            String type,
            @Nullable String code,
            long mtu,
            int echoId,
            Echoed echoed)
            implements Packet {
        public Icmp {
            encapsulation = List.copyOf(encapsulation);
        }

        @Override
        public @Nullable Ports ports() {
            return null;
        }
    }

    /**
     * The packet an ICMP message quotes: by default a TCP segment with sequence number 0 and no data.
     *
     * @param protocol 6 for TCP, 17 for UDP, 255 for raw bytes
     * @param seq the script's sequence number, mapped as a local one that is not of a SYN
     * @param payload bytes of data
     */
    record Echoed(int protocol, int seq, int payload) {
        public static final Echoed DEFAULT = new Echoed(6, 0, 0);
    }
}
