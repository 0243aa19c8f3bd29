package net.core.netfilter;

import org.jspecify.annotations.Nullable;

/**
 * One registered hook function: where it hangs and in which order it runs.
 *
 * @param name shown by {@link NfHooks#describe}
 * @param pf protocol family, {@link NfHooks#NFPROTO_IPV4}
 * @param hooknum {@link NfHooks#NF_INET_PRE_ROUTING} to {@link NfHooks#NF_INET_POST_ROUTING}
 * @param priority lower runs first; equal priorities run in order of registration
 * @param hook the function
 * @param priv the owner's data, opaque
 */
public record NfHookOps(
        String name,
        int pf,
        int hooknum,
        int priority,
        NfHookFn hook,
        @Nullable Object priv) {
    /** Linux: enum nf_ip_hook_priorities. */
    public static final int NF_IP_PRI_FIRST = Integer.MIN_VALUE;
    /** Before connection tracking: raw table, defragmentation at -400. */
    public static final int NF_IP_PRI_CONNTRACK_DEFRAG = -400;
    /** Raw table. */
    public static final int NF_IP_PRI_RAW = -300;
    /** Connection tracking. */
    public static final int NF_IP_PRI_CONNTRACK = -200;
    /** Mangle table. */
    public static final int NF_IP_PRI_MANGLE = -150;
    /** Destination translation. */
    public static final int NF_IP_PRI_NAT_DST = -100;
    /** Filter table. */
    public static final int NF_IP_PRI_FILTER = 0;
    /** Source translation. */
    public static final int NF_IP_PRI_NAT_SRC = 100;
    /** Helpers of connection tracking. */
    public static final int NF_IP_PRI_CONNTRACK_HELPER = 300;
    /** Confirmation of connections. */
    public static final int NF_IP_PRI_CONNTRACK_CONFIRM = Integer.MAX_VALUE;
    /** After everything. */
    public static final int NF_IP_PRI_LAST = Integer.MAX_VALUE;
}
