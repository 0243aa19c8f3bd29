package net.netfilter;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.EthHdr;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;

/**
 * One rule of {@link DropCount}: which packets, whether they pass, and how many there were.
 *
 * <p>Context: matched with a CPU word; counters are per CPU and summed by readers.
 */
public final class DropRule {
    private static final int ANY = -1;
    private static final int IPPROTO_ICMP = 1;
    private static final int IPPROTO_TCP = 6;
    private static final int IPPROTO_UDP = 17;
    private static final int STRIDE = 16;

    private final String text;
    private final boolean drop;
    private final int proto;
    private final int sport;
    private final int dport;
    /** By CPU: packets, bytes. */
    private final long[] counters;

    private DropRule(String text, boolean drop, int proto, int sport, int dport, int cpus) {
        this.text = text;
        this.drop = drop;
        this.proto = proto;
        this.sport = sport;
        this.dport = dport;
        this.counters = new long[STRIDE * (cpus + 1)];
    }

    /**
     * Reads rules separated by commas, each {@code drop|count tcp|udp|icmp|any [sport N] [dport N]}; colons may stand for
     * spaces.
     *
     * @throws UserError with one line
     */
    static List<DropRule> parse(String where, String rules, int cpus) {
        List<DropRule> out = new ArrayList<>();
        for (String rule : rules.split(",")) {
            String r = rule.trim().replace(':', ' ');
            if (!r.isEmpty()) {
                out.add(parseOne(where, r.toLowerCase(Locale.ROOT), cpus));
            }
        }
        return out;
    }

    private static DropRule parseOne(String where, String rule, int cpus) {
        String[] w = rule.split("\\s+");
        boolean ok = w.length >= 2 && w.length % 2 == 0 && (w[0].equals("drop") || w[0].equals("count"));
        int proto = ok ? protoByName(w[1]) : -2;
        int sport = ANY;
        int dport = ANY;
        ok &= proto >= ANY;
        for (int i = 2; ok && i < w.length; i += 2) {
            int port = port(w[i + 1]);
            ok = port >= 0 && (proto == IPPROTO_TCP || proto == IPPROTO_UDP);
            switch (w[i]) {
                case "sport" -> sport = port;
                case "dport" -> dport = port;
                default -> ok = false;
            }
        }
        if (!ok) {
            throw new UserError(where + ": cannot read rule \"" + rule
                    + "\"; a rule is drop|count tcp|udp|icmp|any [sport N] [dport N]");
        }
        return new DropRule(rule, w[0].equals("drop"), proto, sport, dport, cpus);
    }

    private static int protoByName(String s) {
        return switch (s) {
            case "any" -> ANY;
            case "icmp" -> IPPROTO_ICMP;
            case "tcp" -> IPPROTO_TCP;
            case "udp" -> IPPROTO_UDP;
            default -> -2;
        };
    }

    private static int port(String s) {
        try {
            int n = Integer.parseInt(s);
            return n <= 65535 ? n : -1;
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    /** Tells whether the packet, whose data is at the IPv4 header, is meant; and counts it then. */
    @HotPath
    boolean matches(Cpu cpu, SkBuff skb) {
        long ip = skb.networkAddress();
        if (proto != ANY && (UnsafeApi.getByte(ip + 9) & 0xff) != proto) {
            return false;
        }
        if ((sport & dport) != ANY && !portsMatch(cpu, skb, ip)) {
            return false;
        }
        int at = STRIDE * (cpu.id + 1);
        counters[at]++;
        counters[at + 1] += skb.len;
        return true;
    }

    private boolean portsMatch(Cpu cpu, SkBuff skb, long ip) {
        int ihl = (UnsafeApi.getByte(ip) & 15) * 4;
        int l4 = skb.networkOffset() + ihl;
        boolean laterFragment = (be16(ip + 6) & 0x1fff) != 0;
        if (laterFragment || (l4 + 4 > skb.headlen() && !skb.mayPull(cpu, l4 + 4))) {
            return false;
        }
        long th = skb.dataAddress() + l4;
        return (sport == ANY || be16(th) == sport) && (dport == ANY || be16(th + 2) == dport);
    }

    private static int be16(long a) {
        return EthHdr.type(a - EthHdr.TYPE_OFFSET);
    }

    boolean drops() {
        return drop;
    }

    private long sum(int counter) {
        long n = 0;
        for (int i = 0; i < counters.length; i += STRIDE) {
            n += counters[i + counter];
        }
        return n;
    }

    /** Packets that matched. */
    public long packets() {
        return sum(0);
    }

    /** Bytes that matched. */
    public long bytes() {
        return sum(1);
    }

    @Override
    public String toString() {
        return text + " packets " + packets() + " bytes " + bytes();
    }
}
