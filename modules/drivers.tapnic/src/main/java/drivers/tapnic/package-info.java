/**
 * A network card with descriptor rings whose wire is a Linux TAP device.
 */
@NullMarked
package drivers.tapnic;

import org.jspecify.annotations.NullMarked;
