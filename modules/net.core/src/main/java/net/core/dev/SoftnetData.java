package net.core.dev;

import net.core.Cpu;

/** A CPU's networking state. Linux: struct softnet_data, include/linux/netdevice.h. */
public final class SoftnetData {
    private final Cpu cpu;

    /** The state of {@code cpu}. */
    public SoftnetData(Cpu cpu) {
        this.cpu = cpu;
    }

    /** Its CPU. */
    public Cpu cpu() {
        return cpu;
    }
}
