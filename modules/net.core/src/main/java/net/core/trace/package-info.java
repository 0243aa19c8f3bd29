/**
 * Watching one packet pass the landmark functions of the stack: what {@code softnet demo} draws. Free when off.
 *
 * <p>Counterpart: the function tracer, as far as one reads it to follow a packet.
 */
@NullMarked
package net.core.trace;

import org.jspecify.annotations.NullMarked;
