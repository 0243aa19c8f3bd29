package net.sched.act;

import net.core.Cpu;
import net.core.Net;
import net.core.UserError;
import net.core.dev.EthHdr;
import net.core.tc.TcPrint;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;

/**
 * One {@code pedit}. A key that does not fit a packet (its header is not there, or it ends before) is counted as over the
 * limit and ends the list; the packet goes on.
 *
 * <p>{@code Deviation:} additions are in network order, so that a port carries into its upper byte; a little-endian Linux
 * loses that carry.
 *
 * <p>Linux: net/sched/act_pedit.c
 */
final class Pedit extends TcAction {
    private static final int WORD = 4;
    /** Offset of a key's header where there is no such header. */
    private static final int NONE = Integer.MIN_VALUE;

    private static final int IPPROTO_TCP = 6;
    private static final int IPPROTO_UDP = 17;
    private static final int IPV4_HLEN = 20;
    private static final int IPV6_HLEN = 40;

    private volatile PeditKey[] keys = {};

    Pedit(TcActionOps ops, Net net, int index) {
        super(ops, net, index);
    }

    @Override
    protected void change(TcActionParms parms, boolean created) {
        PeditOps.Parms p = (PeditOps.Parms) parms;
        if (p.keys.isEmpty()) {
            throw new UserError("Error: act_pedit: Pedit requires keys to be passed.");
        }
        keys = p.keys.toArray(PeditKey[]::new);
        super.change(p, created);
    }

    @Override
    @HotPath
    protected int act(Cpu cpu, SkBuff skb) {
        for (PeditKey k : keys) {
            if (!edit(cpu, skb, k)) {
                countOverlimit(cpu);
                break;
            }
        }
        return control;
    }

    private static boolean edit(Cpu cpu, SkBuff skb, PeditKey k) {
        int base = header(cpu, skb, k.header());
        if (base == NONE) {
            return false;
        }
        long off = (long) base + k.off(); // anyone's numbers: an int would come round to the front
        if (k.offmask() != 0) {
            long at = (long) base + k.at();
            if (at < -skb.headroom() || at >= skb.len || !skb.mayPull(cpu, (int) Math.max(at + 1, 0))) {
                return false;
            }
            int more = (UnsafeApi.getByte(skb.dataAddress() + at) & 0xFF & k.offmask()) >>> k.shift();
            if ((k.off() + more) % WORD != 0) {
                return false;
            }
            off += more;
        }
        if (off < -skb.headroom()
                || off + WORD > skb.len
                || skb.ensureWritable(cpu, (int) Math.max(off + WORD, 0)) != 0) {
            return false;
        }
        long a = skb.dataAddress() + off;
        int word = get(a);
        int val = k.add() ? word + k.val() & ~k.mask() : k.val();
        put(a, word & k.mask() ^ val);
        return true;
    }

    /** Where a header is, from data. Linux: pedit_skb_hdr_offset() */
    private static int header(Cpu cpu, SkBuff skb, PeditKey.Header h) {
        if (h == PeditKey.Header.ETH) {
            return skb.macHeaderWasSet() ? skb.macOffset() : NONE;
        }
        if (skb.networkHeader < 0) {
            return NONE;
        }
        return switch (h) {
            case TCP -> transport(cpu, skb, IPPROTO_TCP);
            case UDP -> transport(cpu, skb, IPPROTO_UDP);
            default -> skb.networkOffset();
        };
    }

    private static int transport(Cpu cpu, SkBuff skb, int proto) {
        int net = skb.networkOffset();
        if (skb.protocol == EthHdr.ETH_P_IP) {
            if (!skb.mayPull(cpu, net + IPV4_HLEN)) {
                return NONE;
            }
            long ip = skb.networkAddress();
            return (UnsafeApi.getByte(ip + 9) & 0xFF) == proto ? net + (UnsafeApi.getByte(ip) & 0xF) * 4 : NONE;
        }
        if (skb.protocol == EthHdr.ETH_P_IPV6) {
            if (!skb.mayPull(cpu, net + IPV6_HLEN)) {
                return NONE;
            }
            return (UnsafeApi.getByte(skb.networkAddress() + 6) & 0xFF) == proto ? net + IPV6_HLEN : NONE;
        }
        return NONE;
    }

    private static int get(long a) {
        return UnsafeApi.getByte(a) << 24
                | (UnsafeApi.getByte(a + 1) & 0xFF) << 16
                | (UnsafeApi.getByte(a + 2) & 0xFF) << 8
                | UnsafeApi.getByte(a + 3) & 0xFF;
    }

    private static void put(long a, int v) {
        UnsafeApi.putByte(a, (byte) (v >> 24));
        UnsafeApi.putByte(a + 1, (byte) (v >> 16));
        UnsafeApi.putByte(a + 2, (byte) (v >> 8));
        UnsafeApi.putByte(a + 3, (byte) v);
    }

    @Override
    protected void dump(TcPrint p, boolean stats) {
        PeditKey[] all = keys;
        p.str("kind", " ", "pedit", " ");
        TcControl.print(p, "action ", control, " ");
        p.num("nkeys", "keys ", all.length, "\n");
        dumpHolders(p, " \t ", stats);
        p.openArray("keys", "");
        for (int i = 0; i < all.length; i++) {
            PeditKey k = all[i];
            boolean net = k.header() == PeditKey.Header.NETWORK;
            p.open("").text("\n\t key #" + i + "  at " + k.header().shown);
            if (p.isJson()) {
                p.str("htype", "", net ? "network" : k.header().shown, "");
            }
            p.num("offset", net || k.off() < 0 ? "" : "+", k.off(), "");
            if (p.isJson()) {
                p.str("cmd", "", k.add() ? "add" : "set", "");
                p.str("val", "", Integer.toHexString(k.val()), "").str("mask", "", Integer.toHexString(k.mask()), "");
            } else {
                p.text((k.add() ? ": add " : ": val ") + hex8(k.val()) + " mask " + hex8(k.mask()));
            }
            p.close();
        }
        p.closeArray("").nl();
    }

    private static String hex8(int v) {
        String s = Integer.toHexString(v);
        return "0".repeat(8 - s.length()) + s;
    }
}
