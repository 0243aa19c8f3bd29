/**
 * The command line {@code softnet} and what it needs to start, steer and watch a kernel.
 */
@NullMarked
package softnet.tools;

import org.jspecify.annotations.NullMarked;
