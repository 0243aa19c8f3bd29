/**
 * A pair of devices joined by a virtual wire, for hosts inside one JVM.
 */
@NullMarked
package drivers.veth;

import org.jspecify.annotations.NullMarked;
