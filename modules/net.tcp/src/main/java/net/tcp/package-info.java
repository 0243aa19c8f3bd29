/**
 * All of TCP: input, output, timers, loss recovery, SYN cookies and the built-in congestion control.
 */
@NullMarked
package net.tcp;

import org.jspecify.annotations.NullMarked;
