package net.tcp;

import net.skbuff.Page;
import org.jspecify.annotations.Nullable;

/**
 * A connect that carries data, from the call until the SYN has gone.
 *
 * <p>The program's bytes are copied before a CPU is taken, to {@link #page}; how many of them fit into the SYN is known
 * only where it is sent.
 *
 * <p><b>Context:</b> socket owned.
 *
 * <p>Linux: struct tcp_fastopen_request, include/net/tcp.h
 */
final class TcpFastOpenRequest {
    /** What the SYN's option says; null: no option (also of a retransmitted SYN). */
    @Nullable
    TcpFastOpenCookie cookie;

    /** Bytes that the program wants to send. */
    int size;
    /** Bytes of them in {@link #page}. */
    int staged;
    /** Where they were copied to: the socket's page, at its offset. */
    @Nullable
    Page page;

    int offset;
    /** Bytes that went out with the SYN. */
    int copied;
    /** More is to be sent when the handshake is over. */
    boolean more;
    /** Completion of a zero-copy send. */
    net.skbuff.@Nullable UbufInfo ubuf;

    TcpFastOpenRequest() {}
}
