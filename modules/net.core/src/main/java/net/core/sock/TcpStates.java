package net.core.sock;

/**
 * States of a connection, used by every protocol: an unconnected UDP socket is in {@link #TCP_CLOSE}, a connected one
 * in {@link #TCP_ESTABLISHED}.
 *
 * <p>Linux: include/net/tcp_states.h
 */
public final class TcpStates {
    public static final int TCP_ESTABLISHED = 1;
    public static final int TCP_SYN_SENT = 2;
    public static final int TCP_SYN_RECV = 3;
    public static final int TCP_FIN_WAIT1 = 4;
    public static final int TCP_FIN_WAIT2 = 5;
    public static final int TCP_TIME_WAIT = 6;
    public static final int TCP_CLOSE = 7;
    public static final int TCP_CLOSE_WAIT = 8;
    public static final int TCP_LAST_ACK = 9;
    public static final int TCP_LISTEN = 10;
    public static final int TCP_CLOSING = 11;
    public static final int TCP_NEW_SYN_RECV = 12;
    public static final int TCP_BOUND_INACTIVE = 13;
    public static final int TCP_MAX_STATES = 14;

    // Masks for sets of states: 1 << state.
    public static final int TCPF_ESTABLISHED = 1 << TCP_ESTABLISHED;
    public static final int TCPF_SYN_SENT = 1 << TCP_SYN_SENT;
    public static final int TCPF_SYN_RECV = 1 << TCP_SYN_RECV;
    public static final int TCPF_FIN_WAIT1 = 1 << TCP_FIN_WAIT1;
    public static final int TCPF_FIN_WAIT2 = 1 << TCP_FIN_WAIT2;
    public static final int TCPF_TIME_WAIT = 1 << TCP_TIME_WAIT;
    public static final int TCPF_CLOSE = 1 << TCP_CLOSE;
    public static final int TCPF_CLOSE_WAIT = 1 << TCP_CLOSE_WAIT;
    public static final int TCPF_LAST_ACK = 1 << TCP_LAST_ACK;
    public static final int TCPF_LISTEN = 1 << TCP_LISTEN;
    public static final int TCPF_CLOSING = 1 << TCP_CLOSING;
    public static final int TCPF_NEW_SYN_RECV = 1 << TCP_NEW_SYN_RECV;

    private static final String[] NAMES = {
        "NONE",
        "ESTABLISHED",
        "SYN_SENT",
        "SYN_RECV",
        "FIN_WAIT1",
        "FIN_WAIT2",
        "TIME_WAIT",
        "CLOSE",
        "CLOSE_WAIT",
        "LAST_ACK",
        "LISTEN",
        "CLOSING",
        "NEW_SYN_RECV",
        "BOUND_INACTIVE"
    };

    /** The state's name without its prefix, for people. */
    public static String name(int state) {
        return state >= 0 && state < NAMES.length ? NAMES[state] : "STATE_" + state;
    }

    private TcpStates() {}
}
