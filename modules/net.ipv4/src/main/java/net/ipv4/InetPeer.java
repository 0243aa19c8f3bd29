package net.ipv4;

/**
 * What is remembered of another host beyond routes: the count of its fragments, and how much ICMP it was sent.
 *
 * <p><b>Context:</b> any; plain words whose loss only makes a limit inexact.
 *
 * <p>Linux: struct inet_peer, include/net/inetpeer.h
 */
final class InetPeer {
    private static final int XRLIM_BURST_FACTOR = 6;
    private static final int REDIRECT_NUMBER = 9;
    private static final long REDIRECT_LOAD = 20;
    private static final long REDIRECT_SILENCE = REDIRECT_LOAD << REDIRECT_NUMBER + 1;

    final int addr;
    /** Fragments seen from it. */
    int rid;
    /** Milliseconds saved up, and when they were last counted. */
    private long rateTokens;

    private long rateLast;
    private int redirects;
    private long redirectLast;

    InetPeer(int addr, long now) {
        this.addr = addr;
        this.rateLast = now - 60_000;
    }

    /** A token bucket of one message per {@code timeout} jiffies, six in a burst. Linux: inet_peer_xrlim_allow(). */
    boolean xrlimAllow(long now, long timeout) {
        long token = rateTokens + now - rateLast;
        rateLast = now;
        token = Math.min(token, XRLIM_BURST_FACTOR * timeout);
        boolean allow = token >= timeout;
        rateTokens = allow ? token - timeout : token;
        return allow;
    }

    boolean mayRedirect(long now) {
        if (now - redirectLast > REDIRECT_SILENCE) {
            redirects = 0;
        }
        if (redirects >= REDIRECT_NUMBER) {
            redirectLast = now;
            return false;
        }
        return redirects == 0 || now - (redirectLast + (REDIRECT_LOAD << redirects)) > 0;
    }

    void redirected(long now) {
        redirectLast = now;
        redirects++;
    }

    /**
     * The peers of a namespace.
     *
     * <p>{@code Deviation:} Linux has a tree with garbage collection; this table maps each address to one place and
     * forgets the one who was there. Its limits are backed by global ones, and its size is fixed.
     */
    static final class Table {
        private static final int SIZE = 4096;
        private final InetPeer[] slots = new InetPeer[SIZE];

        InetPeer get(int addr) {
            int i = (int) (addr * 0x9E3779B97F4A7C15L >>> 40) & SIZE - 1;
            InetPeer p = slots[i];
            if (p == null || p.addr != addr) {
                p = new InetPeer(addr, 0); // allocates: once per peer that sends fragments or gets errors
                slots[i] = p;
            }
            return p;
        }
    }
}
