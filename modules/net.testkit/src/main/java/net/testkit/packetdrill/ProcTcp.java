package net.testkit.packetdrill;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import net.core.Net;
import net.core.sock.SockCommon;
import net.ipv4.inet.InetHashtables;

/** The lines of /proc/net/tcp as far as scripts look at them: addresses, ports and state. */
final class ProcTcp {
    private ProcTcp() {}

    static List<String> lines(Net net) {
        List<String> lines = new ArrayList<>();
        InetHashtables table = InetHashtables.of(net.kernel());
        table.forEachListener(sk -> add(lines, net, sk));
        table.forEachEstablished(sk -> add(lines, net, sk));
        return lines;
    }

    private static void add(List<String> lines, Net net, SockCommon sk) {
        if (sk.net == net) {
            lines.add(String.format(
                    Locale.ROOT,
                    "   0: %08X:%04X %08X:%04X %02X ",
                    Integer.reverseBytes(sk.rcvSaddr),
                    sk.num,
                    Integer.reverseBytes(sk.daddr),
                    sk.dport,
                    sk.state));
        }
    }
}
