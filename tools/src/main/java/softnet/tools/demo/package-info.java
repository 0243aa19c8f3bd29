/**
 * What {@code softnet demo} shows: a bulk transfer between two hosts of one kernel, one segment's way through the stack,
 * and the seven ways in which control flows through it.
 */
@NullMarked
package softnet.tools.demo;

import org.jspecify.annotations.NullMarked;
