/**
 * Actions: what a filter does to a packet it matched, by kind, and their instances, which filters share by index.
 *
 * <p>Linux: net/sched/act_api.c, net/sched/act_*.c
 */
@NullMarked
package net.sched.act;

import org.jspecify.annotations.NullMarked;
