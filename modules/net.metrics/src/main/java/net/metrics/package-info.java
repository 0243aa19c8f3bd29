/**
 * Micrometer binders over the kernel's counters, named as in nstat, ss and tc.
 */
@NullMarked
package net.metrics;

import org.jspecify.annotations.NullMarked;
