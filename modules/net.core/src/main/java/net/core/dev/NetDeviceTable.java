package net.core.dev;

import net.core.Net;

/** The network devices of a namespace. */
public final class NetDeviceTable {
    private final Net net;

    /** No devices. */
    public NetDeviceTable(Net net) {
        this.net = net;
    }

    /** The namespace. */
    public Net net() {
        return net;
    }
}
