/**
 * The intermediate functional block, a device that gives packets back where actions took them.
 *
 * <p>Linux: drivers/net/ifb.c
 */
@NullMarked
package net.sched.ifb;

import org.jspecify.annotations.NullMarked;
