package net.sched.act;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import net.core.UserError;
import net.core.dev.EthHdr;
import net.sched.act.PeditKey.Header;

/**
 * Reads what stands behind {@code munge}: a field and what to do with it, or an offset.
 *
 * <p>Linux: parse_munge(), parse_cmd(), tc/m_pedit.c, tc/p_*.c, iproute2
 */
final class PeditWords {
    private static final int MAX_KEYS = 128;
    private static final int[] MASK16 = {0x0000FFFF, 0xFF0000FF, 0xFFFF0000};
    private static final int[] MASK8 = {0x00FFFFFF, 0xFF00FFFF, 0xFFFF00FF, 0xFFFFFF00};

    /** How a value is written. */
    private enum Type {
        U32,
        IPV4,
        IPV6,
        MAC
    }

    /** A field by name: its place, length, bits and whether it can be decremented. */
    private record Field(Header header, int off, int len, Type type, int retain, boolean decrement) {
        static Field u(Header h, int off, int len) {
            return new Field(h, off, len, Type.U32, len == 4 ? -1 : (1 << len * 8) - 1, false);
        }

        static Field bits(Header h, int off, int retain) {
            return new Field(h, off, 1, Type.U32, retain, false);
        }
    }

    private final TcActionWords in;
    private final boolean extended;
    private final List<PeditKey> keys = new ArrayList<>();

    PeditWords(TcActionWords in, boolean extended) {
        this.in = in;
        this.extended = extended;
    }

    List<PeditKey> keys() {
        return keys;
    }

    /** One {@code munge}; @throws UserError if a word is wrong */
    void munge() {
        if (in.takeAbbreviated("offset")) {
            offset();
            return;
        }
        String layer = in.next();
        String name = in.next();
        Field f = switch (layer) {
            case "ip" -> ip(name);
            case "ip6" -> extended ? ip6(name) : null;
            case "tcp" -> extended ? tcp(name) : null;
            case "udp" -> extended ? udp(name) : null;
            case "eth" -> extended ? eth(name) : null;
            default -> null;
        };
        if (f == null) {
            throw new UserError("Bad pedit construct (" + layer + " " + name + ")"
                    + (extended ? "" : ": most fields want 'pedit ex munge ...'"));
        }
        command(f, 0, 0, 0);
        if (layer.equals("ip6") && name.equals("traffic_class")) { // it begins in the middle of a byte
            PeditKey k = keys.removeLast();
            keys.add(new PeditKey(k.header(), k.off(), 0, 0, 0, k.add(), k.val() << 4, k.mask() << 4 | 0xF));
        }
    }

    private Field ip(String name) {
        Header h = extended ? Header.IP4 : Header.NETWORK;
        Field f = switch (name) {
            case "src" -> new Field(h, 12, 4, Type.IPV4, -1, false);
            case "dst" -> new Field(h, 16, 4, Type.IPV4, -1, false);
            case "ttl" -> new Field(h, 8, 1, Type.U32, 0xFF, true);
            case "tos", "dsfield", "precedence" -> Field.u(h, 1, 1);
            case "ihl" -> Field.bits(h, 0, 0x0F);
            case "protocol" -> Field.u(h, 9, 1);
            case "nofrag" -> Field.bits(h, 6, 0x3F);
            case "firstfrag" -> Field.bits(h, 6, 0x1F);
            case "ce" -> Field.bits(h, 6, 0x80);
            case "df" -> Field.bits(h, 6, 0x40);
            case "mf" -> Field.bits(h, 6, 0x20);
            default -> null;
        };
        if (f == null && !extended) { // behind a header without options
            f = switch (name) {
                case "sport" -> Field.u(h, 20, 2);
                case "dport" -> Field.u(h, 22, 2);
                case "icmp_type", "icmp_code" -> Field.u(h, 20, 1);
                default -> null;
            };
        }
        return orBad(f, "ip " + name);
    }

    private static Field ip6(String name) {
        Header h = Header.IP6;
        return orBad(
                switch (name) {
                    case "src" -> new Field(h, 8, 16, Type.IPV6, -1, false);
                    case "dst" -> new Field(h, 24, 16, Type.IPV6, -1, false);
                    case "flow_lbl" -> new Field(h, 0, 4, Type.U32, 0x0007FFFF, false);
                    case "payload_len" -> Field.u(h, 4, 2);
                    case "nexthdr" -> Field.u(h, 6, 1);
                    case "hoplimit" -> new Field(h, 7, 1, Type.U32, 0xFF, true);
                    case "traffic_class" -> Field.u(h, 1, 1);
                    default -> null;
                },
                "ip6 " + name);
    }

    private static Field tcp(String name) {
        return orBad(
                switch (name) {
                    case "sport" -> Field.u(Header.TCP, 0, 2);
                    case "dport" -> Field.u(Header.TCP, 2, 2);
                    case "flags" -> Field.u(Header.TCP, 13, 1);
                    default -> null;
                },
                "tcp " + name);
    }

    private static Field udp(String name) {
        return orBad(
                switch (name) {
                    case "sport" -> Field.u(Header.UDP, 0, 2);
                    case "dport" -> Field.u(Header.UDP, 2, 2);
                    default -> null;
                },
                "udp " + name);
    }

    private static Field eth(String name) {
        return orBad(
                switch (name) {
                    case "dst" -> new Field(Header.ETH, 0, 6, Type.MAC, -1, false);
                    case "src" -> new Field(Header.ETH, 6, 6, Type.MAC, -1, false);
                    case "type" -> Field.u(Header.ETH, 12, 2);
                    default -> null;
                },
                "eth " + name);
    }

    private static Field orBad(@org.jspecify.annotations.Nullable Field f, String name) {
        if (f == null) {
            throw new UserError("Bad pedit construct (" + name + ")");
        }
        return f;
    }

    /** {@code N u8|u16|u32 [at AT [offmask] HEX [shift] N] CMD}. */
    private void offset() {
        String word = in.next();
        int off;
        try {
            off = Integer.decode(word);
        } catch (NumberFormatException e) {
            throw new UserError("Bad pedit construct (offset " + word + ")", e);
        }
        int len = in.takeAbbreviated("u32") ? 4 : in.takeAbbreviated("u16") ? 2 : in.takeAbbreviated("u8") ? 1 : 0;
        if (len == 0) {
            throw new UserError("Bad pedit construct (" + in.peek() + "): want u8, u16 or u32");
        }
        int at = 0;
        int offmask = 0;
        int shift = 0;
        if (in.take("at")) {
            at = (int) in.u32("at", 0xFFFFFFFFL);
            in.take("offmask");
            String hex = in.next();
            offmask = TcActionWords.u32("offmask", hex.startsWith("0x") ? hex : "0x" + hex);
            in.take("shift");
            shift = (int) in.u32("shift", 31);
        }
        command(Field.u(Header.NETWORK, off, len), at, offmask, shift);
    }

    /** {@code set V | add V | invert | clear | preserve | decrement [retain BITS]}. */
    private void command(Field f, int at, int offmask, int shift) {
        int retain = f.retain;
        int full = f.len == 1 ? 0xFF : f.len == 2 ? 0xFFFF : -1;
        boolean add = false;
        byte[] value = new byte[Math.max(4, f.len)];
        int mask = 0;
        if (in.takeAbbreviated("invert")) {
            value = word(full);
            mask = full;
        } else if (in.takeAbbreviated("set")) {
            value = value(f.type);
        } else if (in.takeAbbreviated("add")) {
            wantExtended();
            add = true;
            value = value(f.type);
        } else if (in.takeAbbreviated("decrement")) {
            if (!f.decrement) {
                throw new UserError("decrement command is not supported for this field");
            }
            wantExtended();
            add = true;
            value = word(retain);
        } else if (in.takeAbbreviated("preserve")) {
            retain = 0;
        } else if (!in.takeAbbreviated("clear")) {
            throw new UserError(
                    "Bad pedit construct (" + in.peek() + "): want set, add, invert, clear, preserve or decrement");
        }
        if (in.takeAbbreviated("retain")) {
            retain = (int) in.u32("retain", 0xFFFFFFFFL);
            if (f.len > 4) {
                throw new UserError("retain is not supported for fields longer the 32 bits");
            }
        }
        pack(new PeditKey(f.header, f.off, at, offmask, shift, add, 0, 0), f, value, mask, retain);
    }

    private void wantExtended() {
        if (!extended) {
            throw new UserError("Non extended mode. only 'set' command is supported");
        }
    }

    private static byte[] word(int v) {
        return ByteBuffer.allocate(4).putInt(v).array();
    }

    private byte[] value(Type type) {
        String v = in.next();
        return switch (type) {
            case U32 -> word(TcActionWords.u32("setval", v));
            case MAC -> EthHdr.parseAddr(v);
            case IPV4, IPV6 -> {
                try {
                    byte[] a = InetAddress.ofLiteral(v).getAddress();
                    if (a.length == (type == Type.IPV4 ? 4 : 16)) {
                        yield a;
                    }
                } catch (IllegalArgumentException e) {
                    // Said below.
                }
                throw new UserError("Bad pedit construct (" + v + "): not an address");
            }
        };
    }

    private void pack(PeditKey at, Field f, byte[] value, int mask, int retain) {
        ByteBuffer b = ByteBuffer.wrap(value);
        switch (f.type) {
            case MAC -> {
                if ((f.off & 3) == 0) {
                    key32(at, f.off, b.getInt(0), 0, -1);
                    key16(at, f.off + 4, b.getShort(4) & 0xFFFF, 0, 0xFFFF);
                } else {
                    key16(at, f.off, b.getShort(0) & 0xFFFF, 0, 0xFFFF);
                    key32(at, f.off + 2, b.getInt(2), 0, -1);
                }
            }
            case IPV6 -> {
                for (int i = 0; i < 16; i += 4) {
                    key32(at, f.off + i, b.getInt(i), 0, -1);
                }
            }
            default -> {
                int v = b.getInt(0);
                if (f.len == 4) {
                    key32(at, f.off, v, mask, retain);
                } else if (f.len == 2) {
                    key16(at, f.off, v, mask, retain);
                } else {
                    key8(at, f.off, v, mask, retain);
                }
            }
        }
    }

    private void key32(PeditKey like, int off, int val, int mask, int retain) {
        if ((off & 3) != 0) {
            throw new UserError("pack_key32: 32 bit offsets must begin in 32bit boundaries");
        }
        key(like, off, val & retain, mask | ~retain);
    }

    private void key16(PeditKey like, int off, int val, int mask, int retain) {
        int in32 = off & 3;
        if (in32 == 3 || val >>> 16 != 0 || mask >>> 16 != 0) {
            throw new UserError(in32 == 3 ? "pack_key16 bad index value 3" : "pack_key16 bad value");
        }
        int shift = 8 * (2 - in32);
        key(like, off & ~3, (val & retain) << shift, (mask | ~retain) << shift | MASK16[in32]);
    }

    private void key8(PeditKey like, int off, int val, int mask, int retain) {
        int in32 = off & 3;
        if (val >>> 8 != 0 || mask >>> 8 != 0) {
            throw new UserError("pack_key8 bad value (val " + Integer.toHexString(val) + ")");
        }
        int shift = 8 * (3 - in32);
        key(like, off & ~3, (val & retain) << shift, (mask | ~retain) << shift | MASK8[in32]);
    }

    private void key(PeditKey like, int off, int val, int mask) {
        if (keys.size() == MAX_KEYS) {
            throw new UserError("Bad pedit construct: at most " + MAX_KEYS + " keys");
        }
        keys.add(new PeditKey(like.header(), off, like.at(), like.offmask(), like.shift(), like.add(), val, mask));
    }
}
