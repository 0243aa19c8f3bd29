/**
 * The flower classifier: header fields by name, in a hash table for each mask.
 *
 * <p>Linux: net/sched/cls_flower.c; tc/f_flower.c
 */
@NullMarked
package net.sched.cls.flower;

import org.jspecify.annotations.NullMarked;
