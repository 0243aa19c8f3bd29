package net.core;

import jdk.jfr.Category;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Registered;
import jdk.jfr.StackTrace;

/**
 * A tracepoint: a JFR event, off by default, free when off. Subclasses are named as in the kernel
 * ({@code @Name("tcp.tcp_probe")}). Where it fires: {@code var e = new TcpProbeEvent(); if (e.isEnabled()) { fill;
 * e.commit(); }}, which escape analysis removes when the event is off.
 *
 * <p>Linux: TRACE_EVENT(), include/linux/tracepoint.h
 */
@Category("Softnet")
@Enabled(false)
@StackTrace(false)
@Registered(false)
public abstract class TraceEvent extends Event {
    /** For tracepoints. */
    protected TraceEvent() {}
}
