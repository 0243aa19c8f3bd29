package net.core.sock;

import net.core.Net;

/**
 * An address family: makes sockets of its types. Registered with {@link SockRegistry}.
 *
 * <p>Linux: struct net_proto_family, include/linux/net.h
 */
public interface NetProtoFamily {
    /** AF_xxx. */
    int family();

    /**
     * Gives a new socket its operations and sock. Context: process.
     *
     * @param protocol as in socket(2), 0 for the type's default
     * @return 0, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT, ...
     */
    int create(Net net, Socket sock, int protocol, boolean kern);
}
