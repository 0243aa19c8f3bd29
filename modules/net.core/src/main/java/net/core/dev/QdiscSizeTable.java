package net.core.dev;

import net.core.tc.TcPrint;
import net.skbuff.HotPath;

/**
 * How many bytes a packet takes on a link whose framing the host does not see: {@code tc ... stab overhead N mpu N
 * linklayer ethernet|atm|adsl}.
 *
 * <p>{@code Deviation:} computed exactly, where Linux looks it up in a table whose cells tsize and mtu determine.
 *
 * <p>Linux: struct qdisc_size_table, __qdisc_calculate_pkt_len()
 *
 * @param overhead bytes added to each packet, may be negative
 * @param mpu least size of a packet, bytes
 * @param atm cells of 48 bytes in 53
 */
public record QdiscSizeTable(int overhead, int mpu, boolean atm) {
    /** Size on the link of a packet of {@code len} bytes. */
    @HotPath
    public int calculate(int len) {
        int n = Math.max(len + overhead, mpu);
        if (atm) {
            n = (n + 47) / 48 * 53;
        }
        return Math.max(n, 1);
    }

    /** As {@code tc -d} shows it. */
    public void print(TcPrint p) {
        p.open("stab");
        p.str("linklayer", "linklayer ", atm ? "atm" : "ethernet", " ");
        p.num("overhead", "overhead ", overhead, " ");
        p.num("mpu", "mpu ", mpu, " ");
        p.close();
    }
}
