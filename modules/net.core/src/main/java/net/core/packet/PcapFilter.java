package net.core.packet;

import net.core.UserError;
import net.core.dev.EthHdr;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;

/**
 * Which packets a capture keeps, in a small part of tcpdump's language: terms joined by {@code and}.
 *
 * <pre>
 *   [src|dst] host A.B.C.D    [src|dst] port N    ip | arp | tcp | udp | icmp    not TERM
 * </pre>
 *
 * <p>Looks at headers in the linear part only, where every packet of this stack has them; a fragment other than the first
 * has no ports and does not match a port.
 */
public final class PcapFilter {
    private static final int HOST = 1;
    private static final int PORT = 2;
    private static final int PROTO = 3;
    private static final int ETHERTYPE = 4;
    private static final int EITHER = 0;
    private static final int SRC = 1;
    private static final int DST = 2;

    private final String text;
    private final int[] kind;
    private final int[] dir;
    private final int[] value;
    private final boolean[] negate;

    private PcapFilter(String text, int n) {
        this.text = text;
        kind = new int[n];
        dir = new int[n];
        value = new int[n];
        negate = new boolean[n];
    }

    /**
     * Reads a filter; an empty one matches everything.
     *
     * @throws UserError with one line
     */
    public static PcapFilter parse(String text) {
        String trimmed = text.trim();
        if (trimmed.isEmpty()) {
            return new PcapFilter("", 0);
        }
        String[] terms = trimmed.split("\\s+and\\s+");
        PcapFilter f = new PcapFilter(trimmed, terms.length);
        for (int i = 0; i < terms.length; i++) {
            f.term(i, terms[i].trim().split("\\s+"));
        }
        return f;
    }

    private void term(int i, String[] words) {
        int at = 0;
        if (words[at].equals("not") && words.length > 1) {
            negate[i] = true;
            at++;
        }
        if ((words[at].equals("src") || words[at].equals("dst")) && words.length > at + 1) {
            dir[i] = words[at].equals("src") ? SRC : DST;
            at++;
        }
        boolean hasValue = words.length == at + 2;
        boolean ok = true;
        switch (words[at]) {
            case "host" -> {
                kind[i] = HOST;
                ok = hasValue;
                if (ok) {
                    value[i] = address(words[at + 1]);
                }
            }
            case "port" -> {
                kind[i] = PORT;
                ok = hasValue;
                if (ok) {
                    value[i] = port(words[at + 1]);
                }
            }
            case "tcp" -> proto(i, 6);
            case "udp" -> proto(i, 17);
            case "icmp" -> proto(i, 1);
            case "ip" -> ethertype(i, EthHdr.ETH_P_IP);
            case "arp" -> ethertype(i, EthHdr.ETH_P_ARP);
            default -> ok = false;
        }
        if (!ok || (kind[i] > PORT && (words.length != at + 1 || dir[i] != EITHER))) {
            throw new UserError("capture filter \"" + text + "\": cannot read \"" + String.join(" ", words)
                    + "\"; known are host A.B.C.D, port N, tcp, udp, icmp, ip, arp, with src, dst, not, and");
        }
    }

    private void proto(int i, int proto) {
        kind[i] = PROTO;
        value[i] = proto;
    }

    private void ethertype(int i, int type) {
        kind[i] = ETHERTYPE;
        value[i] = type;
    }

    private int address(String s) {
        String[] parts = s.split("\\.");
        int v = 0;
        boolean ok = parts.length == 4;
        for (int i = 0; ok && i < 4; i++) {
            try {
                int b = Integer.parseInt(parts[i]);
                ok = b >= 0 && b <= 255;
                v = v << 8 | b & 0xff;
            } catch (NumberFormatException e) {
                ok = false;
            }
        }
        if (!ok) {
            throw new UserError("capture filter \"" + text + "\": \"" + s + "\" is not an IPv4 address");
        }
        return v;
    }

    private int port(String s) {
        try {
            int n = Integer.parseInt(s);
            if (n >= 0 && n <= 65535) {
                return n;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new UserError("capture filter \"" + text + "\": \"" + s + "\" is not a port");
    }

    /** Tells whether to keep a packet whose network header lies {@code off} bytes after its data. */
    @HotPath
    boolean matches(SkBuff skb, int off) {
        for (int i = 0; i < kind.length; i++) {
            if (matchTerm(i, skb, off) == negate[i]) {
                return false;
            }
        }
        return true;
    }

    private boolean matchTerm(int i, SkBuff skb, int off) {
        int type = skb.protocol;
        if (kind[i] == ETHERTYPE) {
            return type == value[i];
        }
        long net = skb.dataAddress() + off;
        int have = skb.headlen() - off;
        if (type == EthHdr.ETH_P_ARP) {
            return kind[i] == HOST && have >= 28 && eitherEnd(i, be32(net + 14), be32(net + 24));
        }
        if (type != EthHdr.ETH_P_IP || have < 20) {
            return false;
        }
        int proto = UnsafeApi.getByte(net + 9) & 0xff;
        return switch (kind[i]) {
            case PROTO -> proto == value[i];
            case HOST -> eitherEnd(i, be32(net + 12), be32(net + 16));
            default -> matchPort(i, net, have, proto);
        };
    }

    private boolean matchPort(int i, long net, int have, int proto) {
        int ihl = (UnsafeApi.getByte(net) & 15) * 4;
        boolean laterFragment = (be16(net + 6) & 0x1fff) != 0;
        if ((proto != 6 && proto != 17) || laterFragment || have < ihl + 4) {
            return false;
        }
        return eitherEnd(i, be16(net + ihl), be16(net + ihl + 2));
    }

    private boolean eitherEnd(int i, int src, int dst) {
        return (dir[i] != DST && src == value[i]) || (dir[i] != SRC && dst == value[i]);
    }

    private static int be16(long a) {
        return (UnsafeApi.getByte(a) & 0xff) << 8 | UnsafeApi.getByte(a + 1) & 0xff;
    }

    private static int be32(long a) {
        return be16(a) << 16 | be16(a + 2);
    }

    @Override
    public String toString() {
        return text;
    }
}
