/** What {@code softnet packetdrill} does around the judge: finds scripts, runs them side by side, says what came of them. */
@NullMarked
package softnet.tools.drill;

import org.jspecify.annotations.NullMarked;
