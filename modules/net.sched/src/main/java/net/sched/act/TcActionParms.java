package net.sched.act;

import net.core.dev.TcfBlock;
import org.jspecify.annotations.Nullable;

/**
 * What the words of one action asked for; each kind adds its own.
 *
 * <p>Linux: struct tc_action_params, tc_gen, include/uapi/linux/pkt_cls.h
 */
public class TcActionParms {
    /** Number of the instance, 0 to have one chosen. */
    public int index;
    /** Where the packet goes afterwards: {@code TC_ACT_*}. */
    public int control = TcfBlock.TC_ACT_OK;
    /** A mark of the owner's, hexadecimal digits. */
    public @Nullable String cookie;

    /** The defaults. */
    public TcActionParms() {}
}
