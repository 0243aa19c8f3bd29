package net.ipv4.route;

/**
 * One of the routes to a prefix; they differ by type of service and priority.
 *
 * <p>Linux: struct fib_alias, net/ipv4/fib_lookup.h
 *
 * @param info where it leads
 * @param dscp type of service it is for, 0: any
 * @param type RTN_xxx
 */
public record FibAlias(FibInfo info, int dscp, int type) {}
