package net.sched.cls.u32;

import java.util.Locale;
import net.core.dev.EthHdr;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.cls.IpPrefix;

/**
 * Prints tables and filters of u32 as tc does; with {@code -p} the keys of IP headers by name.
 *
 * <p>Linux: u32_print_opt(), iproute2
 */
final class U32Dump {
    private U32Dump() {}

    static void table(U32Table t, TcPrint p) {
        p.str("fh", "fh ", U32Handle.format(t.handle), " ");
        p.num("ht_divisor", "ht divisor ", t.mask + 1, " ");
    }

    static void node(U32Node n, int protocol, TcPrint p, boolean stats) {
        p.str("fh", "fh ", U32Handle.format(n.handle), " ");
        p.num("order", "order ", U32Handle.node(n.handle), " ");
        p.str("key_ht", "key ht ", Integer.toHexString(n.handle >>> 20), " ");
        p.str("bkt", "bkt ", Integer.toHexString(U32Handle.bucket(n.handle)), " ");
        if (n.filter.classid != 0) {
            p.str("flowid", "*flowid ", TcHandle.format(n.filter.classid), " ");
        } else if (n.terminal) {
            p.text("terminal flowid ");
        }
        if (n.down != null) {
            p.str("link", "link ", U32Handle.format(n.down.handle), " ");
        }
        p.flag("skip_hw", n.skipHw, "skip_hw ");
        p.bool("not_in_hw", true, "not_in_hw ");
        if (stats) {
            p.num("rule_hit", "(rule hit ", n.hits.sum(U32Node.LOOKED), " ");
            p.num("success", "success ", n.hits.sum(U32Node.HIT), ")");
        }
        if (n.mark != 0 || n.markMask != 0) {
            p.nl();
            p.word(
                    "fwmark_value",
                    "0x" + Integer.toHexString(n.mark),
                    String.format(Locale.ROOT, "  mark 0x%04x ", n.mark));
            p.word(
                    "fwmark_mask",
                    "0x" + Integer.toHexString(n.markMask),
                    String.format(Locale.ROOT, "0x%04x ", n.markMask));
            p.num("fwmark_success", "(success ", n.hits.sum(U32Node.MARKED), ")");
        }
        keys(n, protocol, p, stats);
        offset(n, p);
        if (n.filter.indev != null) {
            p.nl().str("input_dev", "  input dev ", n.filter.indev.name(), "").nl();
        }
        n.filter.exts.dump(p, stats);
    }

    private static void keys(U32Node n, int protocol, TcPrint p, boolean stats) {
        int i = U32Node.KEYS;
        for (U32Key k : n.keys) {
            if (p.isPretty() && protocol == EthHdr.ETH_P_IP && !p.isJson()) {
                named(k, p);
            } else {
                raw(k, p);
            }
            if (stats) {
                p.num("success", " (success ", n.hits.sum(i), " ) ");
            }
            i++;
        }
    }

    private static void raw(U32Key k, TcPrint p) {
        p.open("match").nl();
        p.word("value", Integer.toHexString(k.val()), String.format(Locale.ROOT, "  match %08x", k.val()));
        p.word("mask", Integer.toHexString(k.mask()), String.format(Locale.ROOT, "/%08x ", k.mask()));
        p.str("offmask", "at ", k.nextHdr() ? "nexthdr+" : "", "");
        p.num("off", "", k.off(), "");
        p.close();
    }

    /** A key that has no name is left out, as tc does. */
    private static void named(U32Key k, TcPrint p) {
        if (k.off() == 0 && k.mask() == 0x0F000000) {
            p.text("\n  match IP ihl " + (k.val() >>> 24));
        } else if (k.off() == 0 && k.mask() == 0x00FF0000) {
            p.text("\n  match IP dsfield " + (k.val() == 0 ? "0" : "0x" + Integer.toHexString(k.val() >>> 16)));
        } else if (k.off() == 8 && k.mask() == 0x00FF0000) {
            p.text("\n  match IP protocol " + (k.val() >>> 16));
        } else if (k.off() == 12 || k.off() == 16) {
            int bits = Integer.bitCount(k.mask());
            if (k.mask() == (bits == 0 ? 0 : -1 << 32 - bits)) {
                String side = k.off() == 12 ? "src " : "dst ";
                p.text("\n  match IP " + side + IpPrefix.format4(k.val()) + "/" + bits);
            }
        } else if (k.off() == 20 && k.mask() == 0xFFFF) {
            p.text("match dport " + k.val());
        } else if (k.off() == 20 && k.mask() == 0xFFFF0000) {
            p.text("\n  match sport " + (k.val() >>> 16));
        } else if (k.off() == 20 && k.mask() == -1) {
            p.text("\n  match dport " + (k.val() & 0xFFFF) + ", match sport " + (k.val() >>> 16));
        }
    }

    private static void offset(U32Node n, TcPrint p) {
        if (n.varOffset || n.fixedOffset) {
            p.nl().text("    offset ");
            if (n.varOffset) {
                p.word("offset_mask", Integer.toHexString(n.offMask), String.format(Locale.ROOT, "%04x", n.offMask));
                p.num("offset_shift", ">>", n.offShift, " ");
                p.num("offset_off", "at ", n.offOff, " ");
            }
            if (n.off != 0) {
                p.num("plus", "plus ", n.off, " ");
            }
        }
        p.flag("eat", n.eat, " eat ");
        if (n.hashMask != 0) {
            p.nl();
            String hex = Integer.toHexString(n.hashMask);
            p.word("hash_mask", hex, String.format(Locale.ROOT, "    hash mask %08x ", n.hashMask));
            p.num("hash_off", "at ", n.hashOff, " ");
        }
    }
}
