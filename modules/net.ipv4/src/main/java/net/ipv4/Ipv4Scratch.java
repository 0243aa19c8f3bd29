package net.ipv4;

import net.ipv4.route.FibResult;
import net.ipv4.route.Flowi4;

/**
 * A CPU's reusable questions and answers of route lookup, one per purpose, because lookups happen inside lookups.
 *
 * <p><b>Context:</b> holder of the CPU's word; read the results before calling anything that may route again.
 */
public final class Ipv4Scratch {
    public final Flowi4 fl4Xmit = new Flowi4();
    public final Flowi4 fl4Child = new Flowi4();
    public final Flowi4 fl4Reply = new Flowi4();
    public final Flowi4 fl4Icmp = new Flowi4();
    public final Flowi4 fl4IcmpRelookup = new Flowi4();
    public final Flowi4 fl4Input = new Flowi4();
    public final Flowi4 fl4Validate = new Flowi4();
    public final Flowi4 fl4Pmtu = new Flowi4();
    public final Flowi4 fl4Udp = new Flowi4();
    public final FibResult resOutput = new FibResult();
    public final FibResult resInput = new FibResult();
    public final FibResult resValidate = new FibResult();
    public final FibResult resPmtu = new FibResult();
    final int[] optErrAt = new int[1];
    /** Depth of ICMP sending on this CPU. */
    int icmpDepth;

    Ipv4Scratch() {}
}
