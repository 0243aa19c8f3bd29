package net.ipv4.route;

import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Registered;
import net.core.Kernel;
import net.core.TraceEvent;
import net.core.sock.SockAddrIn;

/**
 * The tracepoint of route lookups. Call only if {@link Kernel#tracing()}. Context: any.
 *
 * <p>Linux: include/trace/events/fib.h
 */
final class FibTrace {
    private FibTrace() {}

    /** A table was asked. Linux: trace_fib_table_lookup() */
    static void fibTableLookup(Kernel kernel, int table, Flowi4 flp, FibResult res, int err) {
        FibTableLookup e = new FibTableLookup();
        if (!e.at(kernel)) {
            return;
        }
        e.tbId = table;
        e.err = err;
        e.oif = flp.oif;
        e.iif = flp.iif;
        e.proto = flp.proto;
        e.tos = flp.dscp;
        e.scope = flp.scope;
        e.flags = flp.flags;
        e.src = SockAddrIn.text(flp.saddr);
        e.dst = SockAddrIn.text(flp.daddr);
        e.sport = flp.sport;
        e.dport = flp.dport;
        FibNh nh = err == 0 ? res.nh : null;
        e.device = nh == null ? "-" : nh.dev.name();
        e.gw4 = SockAddrIn.text(nh == null ? 0 : nh.gw);
        e.commit();
    }

    /** fib:fib_table_lookup */
    @Name("fib.fib_table_lookup")
    @Label("Route Lookup")
    @Registered
    static final class FibTableLookup extends TraceEvent {
        @Label("Table")
        int tbId;

        @Label("Error")
        int err;

        @Label("Output Interface")
        int oif;

        @Label("Input Interface")
        int iif;

        @Label("Protocol")
        int proto;

        @Label("DSCP")
        int tos;

        @Label("Scope")
        int scope;

        @Label("Flags")
        int flags;

        @Label("Source")
        String src = "";

        @Label("Destination")
        String dst = "";

        @Label("Source Port")
        int sport;

        @Label("Destination Port")
        int dport;

        @Label("Device")
        String device = "";

        @Label("Gateway")
        String gw4 = "";
    }
}
