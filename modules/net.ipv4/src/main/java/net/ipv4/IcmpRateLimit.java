package net.ipv4;

import net.core.Cpu;
import net.core.IntSysctl;
import net.core.Sysctl;
import net.core.task.SpinLock;
import net.ipv4.route.Rtable;
import org.jspecify.annotations.Nullable;

/**
 * How much ICMP this namespace sends: a global bucket of {@code icmp_msgs_per_sec} with bursts of {@code
 * icmp_msgs_burst} (shaken by a random amount, so that nobody can count with it), and one per peer by {@code
 * icmp_ratelimit}, for the types in {@code icmp_ratemask}.
 *
 * <p><b>Context:</b> any; the bucket has a lock, the decision that it is empty needs none.
 *
 * <p>Linux: icmp_global_allow(), icmpv4_xrlim_allow(), net/ipv4/icmp.c
 */
final class IcmpRateLimit {
    private final Ipv4Net v4;
    private final IntSysctl msgsPerSec;
    private final IntSysctl msgsBurst;
    private final IntSysctl ratelimit;
    private final IntSysctl ratemask;
    private final SpinLock lock = new SpinLock();
    private volatile int credit;
    private volatile long stamp;

    IcmpRateLimit(Ipv4Net v4) {
        this.v4 = v4;
        Sysctl s = v4.net.sysctl();
        msgsPerSec = s.register("net.ipv4.icmp_msgs_per_sec", 10_000, 0, Integer.MAX_VALUE);
        msgsBurst = s.register("net.ipv4.icmp_msgs_burst", 10_000, 0, Integer.MAX_VALUE);
        ratelimit = s.register("net.ipv4.icmp_ratelimit", 1000, 0, Integer.MAX_VALUE);
        ratemask = s.register("net.ipv4.icmp_ratemask", 0x1818, Integer.MIN_VALUE, Integer.MAX_VALUE);
        credit = msgsBurst.value;
    }

    private boolean unlimited(int type, int code) {
        // Path MTU discovery must not suffer.
        return type > IcmpHdr.NR_ICMP_TYPES
                || type == IcmpHdr.ICMP_DEST_UNREACH && code == IcmpHdr.ICMP_FRAG_NEEDED
                || (1 << type & ratemask.value) == 0;
    }

    /** Whether the global bucket has one for this message; takes none yet. */
    boolean globalAllow(Cpu cpu, int type, int code) {
        if (unlimited(type, code)) {
            return true;
        }
        if (credit > 0) {
            return true;
        }
        long now = cpu.jiffies();
        long delta = Math.min(now - stamp, 1000);
        if (delta >= 20) {
            lock.lock();
            try {
                long since = Math.min(now - stamp, 1000);
                int incr = (int) (msgsPerSec.value * since / 1000);
                if (incr > 0) {
                    credit = (int) Math.min((long) credit + incr, msgsBurst.value);
                    stamp = now;
                }
            } finally {
                lock.unlock();
            }
            if (credit > 0) {
                return true;
            }
        }
        v4.icmp.inc(cpu, IpMib.Icmp.OUTRATELIMITGLOBAL);
        return false;
    }

    /** Whether the peer's bucket has one; takes from the global one if so. */
    boolean peerAllow(Cpu cpu, @Nullable Rtable rt, int daddr, int type, int code) {
        if (unlimited(type, code)) {
            return true;
        }
        boolean loopback = rt != null && (rt.dev.flags & net.core.dev.NetDevice.IFF_LOOPBACK) != 0;
        boolean allow = true;
        if (!loopback && ratelimit.value > 0) {
            allow = v4.peers.get(daddr).xrlimAllow(cpu.jiffies(), ratelimit.value);
        }
        if (!allow) {
            v4.icmp.inc(cpu, IpMib.Icmp.OUTRATELIMITHOST);
            return false;
        }
        consume(cpu);
        return true;
    }

    private void consume(Cpu cpu) {
        lock.lock();
        credit = Math.max(credit - cpu.kernel().getRandomBelow(3), 0);
        lock.unlock();
    }
}
