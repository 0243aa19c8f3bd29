/**
 * The u32 classifier: hash tables of keys over the packet's words, linked to a tree.
 *
 * <p>Linux: net/sched/cls_u32.c; tc/f_u32.c
 */
@NullMarked
package net.sched.cls.u32;

import org.jspecify.annotations.NullMarked;
