package net.sched.cls.u32;

import java.util.ArrayList;
import java.util.List;
import net.core.UserError;
import net.sched.cls.ClsWords;
import net.sched.cls.IpPrefix;

/**
 * Reads what stands after {@code match} and {@code sample} into keys. Keys over the same word become one.
 *
 * <p>Linux: parse_selector(), pack_key(), iproute2
 */
final class U32Selector {
    private static final int MAX_KEYS = 128;

    private final List<U32Key> keys = new ArrayList<>();
    private int mark;
    private int markMask;

    List<U32Key> keys() {
        return keys;
    }

    int mark() {
        return mark;
    }

    int markMask() {
        return markMask;
    }

    /** Where a key looks, unless {@code at} says otherwise. */
    private record At(int off, boolean nextHdr) {}

    /** Reads one selector. @throws UserError if it is none: {@code Illegal "what"} */
    void read(ClsWords in, String what) {
        try {
            selector(in);
        } catch (Bad e) {
            throw new UserError("Illegal \"" + what + "\"", e);
        }
    }

    private static final class Bad extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private static void require(boolean ok) {
        if (!ok) {
            throw new Bad();
        }
    }

    private void selector(ClsWords in) {
        require(in.more());
        String word = in.next();
        if (ClsWords.matches(word, "u32")) {
            number(in, 32, new At(0, false));
        } else if (ClsWords.matches(word, "u16")) {
            number(in, 16, new At(0, false));
        } else if (ClsWords.matches(word, "u8")) {
            number(in, 8, new At(0, false));
        } else if (ClsWords.matches(word, "ip")) {
            ip(in);
        } else if (ClsWords.matches(word, "ip6")) {
            ip6(in);
        } else if (ClsWords.matches(word, "udp") || ClsWords.matches(word, "tcp")) {
            field(in, 16, "src", 0, "dst", 2);
        } else if (ClsWords.matches(word, "icmp")) {
            field(in, 8, "type", 0, "code", 1);
        } else if (ClsWords.matches(word, "mark")) {
            mark(in);
        } else if (ClsWords.matches(word, "ether")) {
            ether(in);
        } else {
            throw new Bad();
        }
    }

    /** A header behind the next-header offset: its two fields. */
    private void field(ClsWords in, int bits, String a, int offA, String b, int offB) {
        require(in.more());
        String word = in.next();
        require(word.equals(a) || word.equals(b));
        number(in, bits, new At(word.equals(a) ? offA : offB, true));
    }

    private void ip(ClsWords in) {
        require(in.more());
        String word = in.next();
        switch (word) {
            case "src" -> address4(in, 12);
            case "dst" -> address4(in, 16);
            case "ihl" -> number(in, 8, new At(0, false));
            case "protocol" -> number(in, 8, new At(9, false));
            case "nofrag" -> packed(0, 0x3FFF, 16, new At(6, false));
            case "firstfrag" -> packed(0x2000, 0x3FFF, 16, new At(6, false));
            case "df" -> packed(0x4000, 0x4000, 16, new At(6, false));
            case "mf" -> packed(0x2000, 0x2000, 16, new At(6, false));
            case "dport" -> number(in, 16, new At(22, false));
            case "sport" -> number(in, 16, new At(20, false));
            case "icmp_type" -> number(in, 8, new At(20, false));
            case "icmp_code" -> number(in, 8, new At(21, false));
            default -> {
                require(word.equals("tos")
                        || ClsWords.matches(word, "dsfield")
                        || ClsWords.matches(word, "precedence"));
                number(in, 8, new At(1, false));
            }
        }
    }

    private void ip6(ClsWords in) {
        require(in.more());
        switch (in.next()) {
            case "src" -> address6(in, 8);
            case "dst" -> address6(in, 24);
            case "priority" -> {
                long key = unsigned(in, 0);
                long mask = unsigned(in, 16);
                require(key <= 0xFF && mask <= 0xFF);
                packed(key << 20, mask << 20, 32, new At(0, false));
            }
            case "protocol" -> number(in, 8, new At(6, false));
            case "flowlabel" -> number(in, 32, new At(0, false));
            case "dport" -> number(in, 16, new At(42, false));
            case "sport" -> number(in, 16, new At(40, false));
            case "icmp_type" -> number(in, 8, new At(40, false));
            case "icmp_code" -> number(in, 8, new At(41, false));
            default -> throw new Bad();
        }
    }

    private void ether(ClsWords in) {
        require(in.more());
        String word = in.next();
        require(word.equals("src") || word.equals("dst"));
        require(in.more());
        String[] parts = in.next().split(":");
        require(parts.length == 6);
        At at = at(in, new At(word.equals("src") ? -8 : -14, false));
        for (int i = 0; i < 6; i++) {
            long b = ClsWords.unsigned(parts[i], 16);
            require(b >= 0 && b <= 0xFF);
            packed(b, 0xFF, 8, new At(at.off + i, at.nextHdr));
        }
    }

    private void mark(ClsWords in) {
        long val = unsigned(in, 0);
        long mask = unsigned(in, 0);
        if ((val & mask) != val) {
            throw new UserError("Illegal \"mark\" (impossible combination)");
        }
        mark = (int) val;
        markMask = (int) mask;
    }

    private void address4(ClsWords in, int off) {
        require(in.more());
        IpPrefix p = IpPrefix.parse(in.next());
        require(p != null && !p.v6());
        if (p != null) {
            packed(p.lo(), p.mask4() & 0xFFFFFFFFL, 32, at(in, new At(off, false)));
        }
    }

    private void address6(ClsWords in, int off) {
        require(in.more());
        IpPrefix p = IpPrefix.parse(in.next());
        require(p != null && p.v6());
        if (p == null) {
            return;
        }
        At at = at(in, new At(off, false));
        for (int i = 0; i < 4 && i * 32 < p.bits(); i++) {
            int shift = i % 2 == 0 ? 32 : 0;
            long word = (i < 2 ? p.hi() : p.lo()) >>> shift;
            long mask = (i < 2 ? p.maskHi() : p.maskLo()) >>> shift;
            packed(word & 0xFFFFFFFFL, mask & 0xFFFFFFFFL, 32, new At(at.off + 4 * i, at.nextHdr));
        }
    }

    private static long unsigned(ClsWords in, int base) {
        require(in.more());
        long v = ClsWords.unsigned(in.next(), base);
        require(v >= 0);
        return v;
    }

    private void number(ClsWords in, int bits, At otherwise) {
        long key = unsigned(in, 0);
        long mask = unsigned(in, 16);
        require(key >>> bits == 0 && mask >>> bits == 0);
        packed(key, mask, bits, at(in, otherwise));
    }

    /** {@code at [nexthdr+]OFFSET}, if that comes next. */
    private static At at(ClsWords in, At otherwise) {
        if (!in.take("at")) {
            return otherwise;
        }
        String word = in.next();
        boolean next = otherwise.nextHdr;
        if (word.startsWith("nexthdr+") && word.length() > 8) {
            next = true;
            word = word.substring(8);
        } else if (ClsWords.matches(word, "nexthdr+")) {
            next = true;
            word = in.next();
        }
        long off = ClsWords.signed(word);
        require(off != Long.MIN_VALUE);
        return new At((int) off, next);
    }

    /** Moves a field of some bits to its place in a word. */
    private void packed(long key, long mask, int bits, At at) {
        int shift = switch (bits) {
            case 8 -> 24 - 8 * (at.off & 3);
            case 16 -> (at.off & 3) == 0 ? 16 : 0;
            default -> 0;
        };
        require(bits != 32 || at.off % 4 == 0);
        add((int) (key << shift), (int) (mask << shift), at.off & ~3, at.nextHdr);
    }

    private void add(int val, int mask, int off, boolean nextHdr) {
        int key = val & mask;
        for (int i = 0; i < keys.size(); i++) {
            U32Key k = keys.get(i);
            if (k.off() == off && k.nextHdr() == nextHdr) {
                require(((key ^ k.val()) & mask & k.mask()) == 0);
                keys.set(i, new U32Key(k.val() | key, k.mask() | mask, off, nextHdr));
                return;
            }
        }
        require(keys.size() < MAX_KEYS);
        keys.add(new U32Key(key, mask, off, nextHdr));
    }
}
