/**
 * The basic and flow classifiers, and the expressions that both know: extended matches with {@code and}, {@code or},
 * {@code not} and parentheses.
 *
 * <p>Linux: net/sched/ematch.c, em_*.c, cls_basic.c, cls_flow.c; tc/m_ematch.c
 */
@NullMarked
package net.sched.cls.ematch;

import org.jspecify.annotations.NullMarked;
