/**
 * The small programs that {@code softnet run} starts on a host of its own: servers, clients and measuring tools. They are
 * ordinary programs over the stack's system calls and know nothing of devices or kernels.
 */
@NullMarked
package softnet.tools.applet;

import org.jspecify.annotations.NullMarked;
