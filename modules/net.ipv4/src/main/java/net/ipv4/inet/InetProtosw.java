package net.ipv4.inet;

import net.core.sock.Proto;
import net.core.sock.ProtoOps;

/**
 * What {@code socket(AF_INET, type, protocol)} makes.
 *
 * <p>Linux: struct inet_protosw, include/net/protocol.h
 *
 * @param type SOCK_xxx
 * @param protocol IP protocol; 0 for "any" (raw)
 * @param prot its operations below
 * @param ops its operations above
 * @param flags {@code INET_PROTOSW_*}
 */
public record InetProtosw(int type, int protocol, Proto prot, ProtoOps ops, int flags) {
    /** SO_REUSEADDR is on from the start. */
    public static final int INET_PROTOSW_REUSE = 1;
    /** A connection protocol. */
    public static final int INET_PROTOSW_ICSK = 4;
}
