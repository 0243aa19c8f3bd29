/**
 * System calls of the machine underneath, through {@code java.lang.foreign}: what the CPUs' workers and the TAP driver
 * need and no more. Nothing here is loaded in virtual time.
 */
@NullMarked
package net.core.sys;

import org.jspecify.annotations.NullMarked;
