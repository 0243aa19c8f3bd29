package net.sched.aqm;

/**
 * What CoDel remembers of one queue. A flow of fq_codel extends it.
 *
 * <p>Linux: struct codel_vars, include/net/codel.h
 */
public class CodelState {
    /** Drops or marks since the dropping state began. */
    public int count;
    /** {@link #count} when the last dropping state began. */
    public int lastCount;
    /** In the dropping state. */
    public boolean dropping;
    /** When the delay will have been above target for an interval; 0 while it is below. */
    public long firstAboveNs;
    /** When to drop next. */
    public long dropNextNs;
    /** Delay of the last packet looked at. */
    public long ldelayNs;

    /** Fresh. */
    public CodelState() {}

    /** Forgets everything. */
    public final void codelInit() {
        count = 0;
        lastCount = 0;
        dropping = false;
        firstAboveNs = 0;
        dropNextNs = 0;
        ldelayNs = 0;
    }
}
