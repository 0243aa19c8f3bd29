package net.core.netfilter;

import net.core.Net;

/**
 * A provider of hook functions, found through ServiceLoader and attached to every namespace at its creation.
 *
 * <p>Parameters come as boot words {@code NAME.param=value} and are read by the module from {@code net.kernel()}.
 */
public interface NfModule {
    /** The module's name, unique. */
    String name();

    /** Registers this module's functions with {@code hooks}, if the boot words ask for it. May throw UserError. */
    void init(Net net, NfHooks hooks);

    /** Removes them. */
    void exit(Net net, NfHooks hooks);
}
