package net.ipv4.route;

import net.core.neigh.DstEntry;
import org.jspecify.annotations.Nullable;

/**
 * What a router told us about one destination: a smaller path MTU, or a better gateway.
 *
 * <p>Linux: struct fib_nh_exception
 */
final class FibNhException {
    final int daddr;
    volatile int pmtu;
    volatile boolean mtuLocked;
    volatile int gw;
    /** Jiffies; 0: never. */
    volatile long expires;

    long stamp;
    volatile int genid;
    volatile @Nullable Rtable rthInput;
    volatile @Nullable Rtable rthOutput;
    volatile @Nullable FibNhException next;

    FibNhException(int daddr) {
        this.daddr = daddr;
    }

    void update(int gw, int pmtu, boolean lock, long expires, int genid) {
        this.genid = genid;
        if (gw != 0) {
            this.gw = gw;
        }
        if (pmtu != 0) {
            this.pmtu = pmtu;
            this.mtuLocked = lock;
        }
        this.expires = expires == 0 && pmtu != 0 ? 1 : expires;
        fill(rthInput);
        fill(rthOutput);
    }

    /** Linux: fill_route_from_fnhe(). */
    void fill(@Nullable Rtable rt) {
        if (rt == null) {
            return;
        }
        rt.rtPmtu = pmtu;
        rt.rtMtuLocked = mtuLocked;
        rt.expires = expires;
        if (gw != 0) {
            rt.rtFlags |= Rtable.RTCF_REDIRECTED;
            rt.rtUsesGateway = true;
            rt.rtGw4 = gw;
        }
    }

    void flushRoutes() {
        Rtable in = rthInput;
        Rtable out = rthOutput;
        if (in != null) {
            in.obsolete = DstEntry.DST_OBSOLETE_KILL;
        }
        if (out != null) {
            out.obsolete = DstEntry.DST_OBSOLETE_KILL;
        }
        rthInput = null;
        rthOutput = null;
    }
}
