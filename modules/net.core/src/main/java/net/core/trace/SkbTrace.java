package net.core.trace;

import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Registered;
import jdk.jfr.StackTrace;
import net.core.Cpu;
import net.core.TraceEvent;
import net.core.dev.NetDevice;
import net.core.dev.NetdevQueue;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * Tracepoints of packets and devices. Call only if {@link Cpu#tracing}. Context: CPU word held.
 *
 * <p>Linux: include/trace/events/skb.h, net.h, napi.h
 */
public final class SkbTrace {
    private SkbTrace() {}

    private static String nameOf(SkBuff skb) {
        return skb.dev == null ? "" : skb.dev.name();
    }

    /** A packet is dropped. The event's stack trace is the location. Linux: trace_kfree_skb() */
    public static void kfreeSkb(Cpu cpu, SkBuff skb, SkbDropReason reason) {
        KfreeSkb e = new KfreeSkb();
        if (e.at(cpu)) {
            e.protocol = skb.protocol;
            e.reason = reason.name();
            e.len = skb.len;
            e.device = nameOf(skb);
            e.commit();
        }
    }

    /** A packet was given to a driver, with what it answered. Linux: trace_net_dev_xmit() */
    public static void netDevXmit(Cpu cpu, SkBuff skb, int len, NetDevice dev, int rc) {
        NetDevXmit e = new NetDevXmit();
        if (e.at(cpu)) {
            e.skb = System.identityHashCode(skb);
            e.len = len;
            e.rc = rc;
            e.device = dev.name();
            e.commit();
        }
    }

    /** A packet enters transmission. Linux: trace_net_dev_queue() */
    public static void netDevQueue(Cpu cpu, SkBuff skb) {
        NetDevQueue e = new NetDevQueue();
        if (e.at(cpu)) {
            e.skb = System.identityHashCode(skb);
            e.len = skb.len;
            e.device = nameOf(skb);
            e.commit();
        }
    }

    /** A packet goes up to the protocols. Linux: trace_netif_receive_skb() */
    public static void netifReceiveSkb(Cpu cpu, SkBuff skb) {
        NetifReceiveSkb e = new NetifReceiveSkb();
        if (e.at(cpu)) {
            e.skb = System.identityHashCode(skb);
            e.len = skb.len;
            e.device = nameOf(skb);
            e.commit();
        }
    }

    /** A poll ended. Linux: trace_napi_poll() */
    public static void napiPoll(Cpu cpu, int napiId, @Nullable NetDevice dev, int work, int budget) {
        NapiPoll e = new NapiPoll();
        if (e.at(cpu)) {
            e.napiId = napiId;
            e.device = dev == null ? "" : dev.name();
            e.work = work;
            e.budget = budget;
            e.commit();
        }
    }

    /** A qdisc took a packet in, or did not. Linux: trace_qdisc_enqueue() */
    public static void qdiscEnqueue(Cpu cpu, SkBuff skb, NetdevQueue txq, String qdisc, int handle, int rc) {
        QdiscEnqueue e = new QdiscEnqueue();
        if (e.at(cpu)) {
            e.skb = System.identityHashCode(skb);
            e.device = txq.dev.name();
            e.qdisc = qdisc;
            e.handle = handle;
            e.rc = rc;
            e.commit();
        }
    }

    /** A qdisc gave packets out. Linux: trace_qdisc_dequeue() */
    public static void qdiscDequeue(Cpu cpu, SkBuff skb, NetdevQueue txq, String qdisc, int handle, int packets) {
        QdiscDequeue e = new QdiscDequeue();
        if (e.at(cpu)) {
            e.skb = System.identityHashCode(skb);
            e.device = txq.dev.name();
            e.qdisc = qdisc;
            e.handle = handle;
            e.packets = packets;
            e.commit();
        }
    }

    /** skb:kfree_skb */
    @Name("skb.kfree_skb")
    @Label("Packet Dropped")
    @StackTrace
    @Registered
    static final class KfreeSkb extends TraceEvent {
        @Label("EtherType")
        int protocol;

        @Label("SkbDropReason")
        String reason = "";

        @Label("Length")
        int len;

        @Label("Device")
        String device = "";
    }

    /** net:net_dev_xmit */
    @Name("net.net_dev_xmit")
    @Label("Packet Given To Driver")
    @Registered
    static final class NetDevXmit extends TraceEvent {
        @Label("Packet")
        int skb;

        @Label("Length")
        int len;

        @Label("Result")
        int rc;

        @Label("Device")
        String device = "";
    }

    /** net:net_dev_queue */
    @Name("net.net_dev_queue")
    @Label("Packet Enters Transmission")
    @Registered
    static final class NetDevQueue extends TraceEvent {
        @Label("Packet")
        int skb;

        @Label("Length")
        int len;

        @Label("Device")
        String device = "";
    }

    /** net:netif_receive_skb */
    @Name("net.netif_receive_skb")
    @Label("Packet Received")
    @Registered
    static final class NetifReceiveSkb extends TraceEvent {
        @Label("Packet")
        int skb;

        @Label("Length")
        int len;

        @Label("Device")
        String device = "";
    }

    /** napi:napi_poll */
    @Name("napi.napi_poll")
    @Label("NAPI Poll")
    @Registered
    static final class NapiPoll extends TraceEvent {
        @Label("NAPI")
        int napiId;

        @Label("Device")
        String device = "";

        @Label("Packets")
        int work;

        @Label("Budget")
        int budget;
    }

    /** qdisc:qdisc_enqueue */
    @Name("qdisc.qdisc_enqueue")
    @Label("Packet Enqueued")
    @Registered
    static final class QdiscEnqueue extends TraceEvent {
        @Label("Packet")
        int skb;

        @Label("Device")
        String device = "";

        @Label("Qdisc")
        String qdisc = "";

        @Label("Handle")
        int handle;

        @Label("Result")
        int rc;
    }

    /** qdisc:qdisc_dequeue */
    @Name("qdisc.qdisc_dequeue")
    @Label("Packets Dequeued")
    @Registered
    static final class QdiscDequeue extends TraceEvent {
        @Label("First Packet")
        int skb;

        @Label("Device")
        String device = "";

        @Label("Qdisc")
        String qdisc = "";

        @Label("Handle")
        int handle;

        @Label("Packets")
        int packets;
    }
}
