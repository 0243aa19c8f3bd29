package net.testkit.packetdrill.lang;

import java.util.HexFormat;
import java.util.List;

/** A TCP option as a script writes it. Nothing is padded: scripts write their nops. */
public sealed interface TcpOption {
    record Nop() implements TcpOption {}

    record Eol() implements TcpOption {}

    record Mss(int bytes) implements TcpOption {}

    record WScale(int shift) implements TcpOption {}

    record SackOk() implements TcpOption {}

    /** {@code sack 1:1001 2001:3001}. */
    record Sack(List<Block> blocks) implements TcpOption {
        public Sack {
            blocks = List.copyOf(blocks);
        }
    }

    /** Edges of a SACK block, the script's numbers. */
    record Block(int left, int right) {}

    /** {@code TS val 100 ecr 0}; both unsigned 32 bits. */
    record Timestamp(int val, int ecr) implements TcpOption {}

    /** {@code md5 hex}. @param hex 32 digits */
    record Md5(String hex) implements TcpOption {
        public byte[] digest() {
            return HexFormat.of().parseHex(hex);
        }
    }

    /** {@code md5 "secret"}: the segment is signed, or its signature checked, with this. Ours alone knows it. */
    record Md5Secret(String raw) implements TcpOption {
        public byte[] secret() {
            return Escapes.bytes(raw);
        }
    }

    /** {@code FO hex} (kind 34) or {@code FOEXP hex} (kind 254, magic 0xf989). @param hex "" asks for a cookie */
    record FastOpen(boolean experimental, String hex) implements TcpOption {
        public byte[] cookie() {
            return HexFormat.of().parseHex(hex);
        }
    }

    /**
     * {@code ECN e0b 1 ceb 2 e1b 3} (kind 172) or {@code ECN e1b 3 ceb 2 e0b 1} (kind 174): 24-bit counters in the order
     * written; those left out at the end are absent.
     */
    record AccEcn(boolean e1First, List<Integer> counters) implements TcpOption {
        public AccEcn {
            counters = List.copyOf(counters);
        }
    }

    /** Bytes on the wire, with kind and length. */
    default int length() {
        return switch (this) {
            case Nop n -> 1;
            case Eol e -> 1;
            case Mss m -> 4;
            case WScale w -> 3;
            case SackOk s -> 2;
            case Sack s -> 2 + 8 * s.blocks.size();
            case Timestamp t -> 10;
            case Md5 m -> 2 + m.hex.length() / 2;
            case Md5Secret m -> 18;
            case FastOpen f -> (f.experimental ? 4 : 2) + f.hex.length() / 2;
            case AccEcn a -> 2 + 3 * a.counters.size();
        };
    }
}
