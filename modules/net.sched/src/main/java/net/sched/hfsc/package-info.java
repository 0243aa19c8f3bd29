/**
 * The hierarchical fair service curve: guarantees of delay and rate apart from the sharing of what is left.
 *
 * <p>Linux: net/sched/sch_hfsc.c. Stoica, Zhang and Ng, "A hierarchical fair service curve algorithm for link-sharing,
 * real-time and priority services", SIGCOMM 1997.
 */
@NullMarked
package net.sched.hfsc;

import org.jspecify.annotations.NullMarked;
