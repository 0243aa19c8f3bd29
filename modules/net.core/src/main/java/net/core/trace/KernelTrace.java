package net.core.trace;

import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Registered;
import net.core.Cpu;
import net.core.Softirq;
import net.core.TraceEvent;
import net.core.neigh.Neighbour;
import net.core.sock.Sock;
import net.core.sock.SockAddrIn;
import net.core.sock.TcpStates;
import org.jspecify.annotations.Nullable;

/**
 * Tracepoints of softirqs, neighbours and socks. Call only if {@link Cpu#tracing}. Context: CPU word held.
 *
 * <p>Linux: include/trace/events/irq.h, neigh.h, sock.h
 */
public final class KernelTrace {
    private KernelTrace() {}

    /** A softirq's action begins. Linux: trace_softirq_entry() */
    public static void softirqEntry(Cpu cpu, Softirq vec) {
        SoftirqEntry e = new SoftirqEntry();
        if (e.at(cpu)) {
            e.vec = vec.ordinal();
            e.action = vec.name();
            e.commit();
        }
    }

    /** A softirq's action ended. Linux: trace_softirq_exit() */
    public static void softirqExit(Cpu cpu, Softirq vec) {
        SoftirqExit e = new SoftirqExit();
        if (e.at(cpu)) {
            e.vec = vec.ordinal();
            e.action = vec.name();
            e.commit();
        }
    }

    /** An answer or an administrator updates a neighbour, as yet in its old state. Linux: trace_neigh_update() */
    public static void neighUpdate(Cpu cpu, Neighbour n, byte @Nullable [] newLladdr, int newState, int flags) {
        NeighUpdate e = new NeighUpdate();
        if (e.at(cpu)) {
            e.device = n.dev.name();
            e.address = n.addressText();
            e.nudState = n.nudState();
            e.newLladdr = hex(newLladdr);
            e.newState = newState;
            e.updateFlags = flags;
            e.commit();
        }
    }

    /** A sock of the internet family changes its state. Linux: trace_inet_sock_set_state() */
    public static void inetSockSetState(Cpu cpu, Sock sk, int saddr, int protocol, int oldState, int newState) {
        InetSockSetState e = new InetSockSetState();
        if (e.at(cpu)) {
            e.sock = sk.cookie();
            e.oldState = TcpStates.name(oldState);
            e.newState = TcpStates.name(newState);
            e.saddr = SockAddrIn.text(saddr);
            e.sport = sk.num;
            e.daddr = SockAddrIn.text(sk.daddr);
            e.dport = sk.dport;
            e.family = sk.family;
            e.protocol = protocol;
            e.commit();
        }
    }

    private static String hex(byte @Nullable [] address) {
        return address == null ? "" : java.util.HexFormat.ofDelimiter(":").formatHex(address);
    }

    /** irq:softirq_entry */
    @Name("irq.softirq_entry")
    @Label("Softirq Begins")
    @Registered
    static final class SoftirqEntry extends TraceEvent {
        @Label("Vector")
        int vec;

        @Label("Action")
        String action = "";
    }

    /** irq:softirq_exit */
    @Name("irq.softirq_exit")
    @Label("Softirq Ends")
    @Registered
    static final class SoftirqExit extends TraceEvent {
        @Label("Vector")
        int vec;

        @Label("Action")
        String action = "";
    }

    /** neigh:neigh_update */
    @Name("neigh.neigh_update")
    @Label("Neighbour Updated")
    @Registered
    static final class NeighUpdate extends TraceEvent {
        @Label("Device")
        String device = "";

        @Label("Protocol Address")
        String address = "";

        @Label("State")
        int nudState;

        @Label("New Link Address")
        String newLladdr = "";

        @Label("New State")
        int newState;

        @Label("Flags")
        int updateFlags;
    }

    /** sock:inet_sock_set_state */
    @Name("sock.inet_sock_set_state")
    @Label("Socket State")
    @Registered
    static final class InetSockSetState extends TraceEvent {
        @Label("Cookie")
        long sock;

        @Label("Old State")
        String oldState = "";

        @Label("New State")
        String newState = "";

        @Label("Source Address")
        String saddr = "";

        @Label("Source Port")
        int sport;

        @Label("Destination Address")
        String daddr = "";

        @Label("Destination Port")
        int dport;

        @Label("Family")
        int family;

        @Label("Protocol")
        int protocol;
    }
}
