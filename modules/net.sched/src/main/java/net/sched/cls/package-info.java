/**
 * Filters: what they hang on, how they are asked, and the classifiers themselves.
 *
 * <p>Linux: net/sched/cls_api.c, cls_*.c
 */
@NullMarked
package net.sched.cls;

import org.jspecify.annotations.NullMarked;
