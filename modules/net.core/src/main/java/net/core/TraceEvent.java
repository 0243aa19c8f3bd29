package net.core;

import jdk.jfr.Category;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Registered;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/**
 * A tracepoint: a JFR event named as in the kernel ({@code tcp.tcp_probe}), off by default. Free when off: where one fires,
 * {@link Cpu#tracing} (or {@link Kernel#tracing()}) is asked, which is false unless a recording runs, and only then
 * the event's class is touched. With a recording that does not want it, it costs an object that escape analysis removes.
 *
 * <p>Events end up in a buffer of the thread; when that is full the JVM takes a moment to flush it, whatever the thread holds.
 *
 * <p>Linux: TRACE_EVENT(), include/linux/tracepoint.h
 */
@Category("Softnet")
@Enabled(false)
@StackTrace(false)
@Registered(false)
public abstract class TraceEvent extends Event {
    /** Time of the kernel's clock, which is not the recording's in virtual time. */
    @Label("Kernel Time")
    @Timespan(Timespan.NANOSECONDS)
    public long kernelTime;

    /** Which CPU; -1 in process context without one. */
    @Label("CPU")
    public int cpu = -1;

    /** For tracepoints. */
    protected TraceEvent() {}

    /** Notes where and when; returns whether a recording wants it. */
    public final boolean at(Cpu on) {
        if (!isEnabled()) {
            return false;
        }
        kernelTime = on.nowNs();
        cpu = on.id;
        return true;
    }

    /** The same without a CPU's word. */
    public final boolean at(Kernel kernel) {
        if (!isEnabled()) {
            return false;
        }
        kernelTime = kernel.clock().nanoTime();
        return true;
    }
}
