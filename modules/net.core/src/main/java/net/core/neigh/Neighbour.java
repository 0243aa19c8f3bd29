package net.core.neigh;

import net.core.Cpu;
import net.core.dev.Dev;
import net.core.dev.EthHdr;
import net.core.dev.HeaderOps;
import net.core.dev.NetDevice;
import net.core.task.SpinLock;
import net.core.time.TimerList;
import net.core.trace.KernelTrace;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import net.skbuff.SkBuffHead;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;

/**
 * A next hop on a link and what we know of its address.
 *
 * <pre>
 *              first packet                answer
 *   NONE ------------------&gt; INCOMPLETE -----------&gt; REACHABLE &lt;--------------+
 *                             |    no answer              | reachableTime       | answer, or an
 *                             v                           v                     | upper layer saw
 *                           FAILED &lt;----- PROBE &lt;--+    STALE                   | the peer alive
 *                                 no answer   |    |      | a packet is sent    |
 *                                             |    |      v                     |
 *                                             |    +--- DELAY ------------------+
 *                                             |  delayProbeTime                 |
 *                                             +---------------------------------+
 *   NOARP, PERMANENT: never change by themselves.
 * </pre>
 *
 * <p>Context: the lock guards state, address and queue; {@link #output} reads the state and the built header without it.
 * Packets and callbacks leave the lock before they are sent.
 *
 * <p>Linux: struct neighbour, net/core/neighbour.c. RFC 4861 7.3
 */
public final class Neighbour {
    /** Asked, no answer yet. */
    public static final int NUD_INCOMPLETE = 0x01;
    /** Confirmed lately. */
    public static final int NUD_REACHABLE = 0x02;
    /** Not confirmed lately; usable. */
    public static final int NUD_STALE = 0x04;
    /** Used while stale: a probe follows unless somebody confirms. */
    public static final int NUD_DELAY = 0x08;
    /** Being probed. */
    public static final int NUD_PROBE = 0x10;
    /** No answer. */
    public static final int NUD_FAILED = 0x20;
    /** Needs no resolution. */
    public static final int NUD_NOARP = 0x40;
    /** Set by hand. */
    public static final int NUD_PERMANENT = 0x80;
    /** New. */
    public static final int NUD_NONE = 0x00;

    /** States with a timer. */
    public static final int NUD_IN_TIMER = NUD_INCOMPLETE | NUD_REACHABLE | NUD_DELAY | NUD_PROBE;
    /** States with an address. */
    public static final int NUD_VALID = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;
    /** States to send in without further thought. */
    public static final int NUD_CONNECTED = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE;

    /** {@link #update}: a different address replaces the old one. */
    public static final int NEIGH_UPDATE_F_OVERRIDE = 1;
    /** {@link #update}: a different address only makes the entry stale. */
    public static final int NEIGH_UPDATE_F_WEAK_OVERRIDE = 2;
    /** {@link #update}: by an administrator. */
    public static final int NEIGH_UPDATE_F_ADMIN = 0x80000000;

    private static final byte[] NO_ADDR = {};

    // ---- identity, final
    /** Its table. */
    public final NeighTable tbl;
    /** Address, upper half. */
    public final long keyHi;
    /** Address, lower half; IPv4 entirely. */
    public final long keyLo;
    /** The device. */
    public final NetDevice dev;
    /** The device's settings. */
    public final NeighParms parms;
    /** RTN_UNICAST, RTN_BROADCAST, ..., set by the constructor of the protocol. */
    public int type;

    // ---- lock-free readers
    /** Chain; kept when unlinked. */
    volatile @Nullable Neighbour next;

    /** Linked into its table; under the table's lock, as {@link #collectable}. */
    boolean inTable;
    /** In its table's count of entries that may be collected. */
    boolean collectable;

    private volatile int nudState;
    private volatile byte[] ha = NO_ADDR;
    private volatile @Nullable HhCache hh;
    private volatile boolean dead;
    /** Jiffies of the last confirmation; racy on purpose. */
    public volatile long confirmed;
    /** Jiffies of the last use; racy on purpose. */
    public volatile long used;
    /** Jiffies of the last change of state or address. */
    public volatile long updated;

    // ---- under the lock
    private final SpinLock lock = new SpinLock();
    private final SkBuffHead arpQueue = new SkBuffHead();
    private int arpQueueLenBytes;
    private int probes;
    /** Taken off the queue under the lock, to be handled after it. */
    private final SkBuffHead outbox = new SkBuffHead();

    private final TimerList timer = new TimerList() {
        @Override
        protected void expire(Cpu cpu) {
            timerHandler(cpu);
        }
    };

    Neighbour(NeighTable tbl, long keyHi, long keyLo, NetDevice dev, NeighParms parms, long now) {
        this.tbl = tbl;
        this.keyHi = keyHi;
        this.keyLo = keyLo;
        this.dev = dev;
        this.parms = parms;
        this.used = now;
        this.confirmed = now;
        this.updated = now;
    }

    // Questions.

    /** One of {@code NUD_*}. */
    @HotPath
    public int nudState() {
        return nudState;
    }

    /** Has an address. */
    public boolean isValid() {
        return (nudState & NUD_VALID) != 0;
    }

    /** Link-layer address; empty until known. Never changed in place. */
    public byte[] ha() {
        return ha;
    }

    /** Removed from its table: look up again. */
    @HotPath
    public boolean isDead() {
        return dead;
    }

    /** Solicitations since the last answer. */
    public int probes() {
        return probes;
    }

    /** Packets waiting for the address. */
    public int queueLen() {
        return arpQueue.qlen;
    }

    /** For the table's constructor: an address known without asking. */
    public void initState(int state, byte[] addr) {
        ha = addr;
        nudState = state;
    }

    // Sending.

    /**
     * Sends a packet to this neighbour: data at the network header. Takes it over.
     *
     * @return as {@link Dev#devQueueXmit}
     *     <p>Linux: neigh_output(), include/net/neighbour.h
     */
    @HotPath
    public int output(Cpu cpu, SkBuff skb) {
        PathTrace.hit(cpu, skb, Landmark.NEIGH_OUTPUT);
        HhCache h = hh;
        if (h != null && (nudState & NUD_CONNECTED) != 0) {
            if (skb.headroom() < EthHdr.ETH_HLEN && skb.cowHead(cpu, dev.llReservedSpace()) != 0) {
                skb.kfree(cpu, SkbDropReason.NEIGH_HH_FILLFAIL);
                return -Errno.ENOMEM;
            }
            h.push(skb);
            return Dev.devQueueXmit(cpu, skb);
        }
        return resolveOutput(cpu, skb);
    }

    /** As {@link #output}, the slow way: resolves or refreshes. Linux: neigh_resolve_output(). */
    private int resolveOutput(Cpu cpu, SkBuff skb) {
        if (eventSend(cpu, skb)) {
            return 0;
        }
        HeaderOps ops = dev.headerOps;
        if (ops == null) {
            return Dev.devQueueXmit(cpu, skb);
        }
        if (skb.headroom() < dev.hardHeaderLen && skb.cowHead(cpu, dev.llReservedSpace()) != 0) {
            skb.kfree(cpu, SkbDropReason.NEIGH_HH_FILLFAIL);
            return -Errno.ENOMEM;
        }
        if (hh == null) {
            lock.lock();
            if (hh == null && (nudState & NUD_VALID) != 0) {
                hh = ops.cache(this, tbl.protocol);
            }
            lock.unlock();
        }
        byte[] addr = ha;
        if (ops.create(cpu, skb, dev, tbl.protocol, addr.length == 0 ? null : addr, null, skb.len) < 0) {
            skb.kfree(cpu, SkbDropReason.NEIGH_HH_FILLFAIL);
            return -Errno.EINVAL;
        }
        return Dev.devQueueXmit(cpu, skb);
    }

    /**
     * A packet is about to be sent: starts resolving or probing if need be.
     *
     * @param skb the packet, kept if the address is missing; null just to start resolving
     * @return true if the packet was kept or dropped, false if the caller may send
     *     <p>Linux: neigh_event_send()
     */
    @HotPath
    public boolean eventSend(Cpu cpu, @Nullable SkBuff skb) {
        long now = cpu.jiffies();
        if (used != now) {
            used = now;
        }
        if ((nudState & (NUD_CONNECTED | NUD_DELAY | NUD_PROBE)) != 0) {
            return false;
        }
        return eventSendSlow(cpu, skb, now);
    }

    private boolean eventSendSlow(Cpu cpu, @Nullable SkBuff skb, long now) {
        boolean probeNow = false;
        boolean kept = false;
        lock.lock();
        int state = nudState;
        if (dead) {
            lock.unlock();
            if (skb != null) {
                skb.kfree(cpu, SkbDropReason.NEIGH_DEAD);
            }
            return true;
        }
        if ((state & (NUD_STALE | NUD_INCOMPLETE | NUD_CONNECTED | NUD_DELAY | NUD_PROBE)) == 0) {
            if (parms.mcastProbes + parms.appProbes == 0) {
                nudState = NUD_FAILED;
                updated = now;
                lock.unlock();
                if (skb != null) {
                    skb.kfree(cpu, SkbDropReason.NEIGH_FAILED);
                }
                return true;
            }
            probes = parms.ucastProbes;
            nudState = NUD_INCOMPLETE;
            updated = now;
            timer.mod(cpu, now + Math.max(parms.retransTime, 1));
            probeNow = true;
        } else if ((state & NUD_STALE) != 0) {
            nudState = NUD_DELAY;
            updated = now;
            timer.mod(cpu, now + parms.delayProbeTime);
        }
        if (nudState == NUD_INCOMPLETE && skb != null) {
            enqueueUnresolved(skb);
            kept = true;
        }
        boolean incomplete = nudState == NUD_INCOMPLETE;
        // A clone: once unlocked, an answer may send and free what waits.
        SkBuff shown = probeNow && skb != null ? skb.clone(cpu) : null;
        lock.unlock();
        freeOutbox(cpu, SkbDropReason.NEIGH_QUEUEFULL);
        if (probeNow) {
            probe(cpu, shown);
        }
        if (shown != null) {
            shown.consume(cpu);
        }
        return kept || incomplete;
    }

    /** Keeps a packet; the oldest go when there are too many bytes. The lock is held. */
    private void enqueueUnresolved(SkBuff skb) {
        while (arpQueueLenBytes + skb.truesize > parms.queueLenBytes) {
            SkBuff old = arpQueue.dequeue();
            if (old == null) {
                break;
            }
            arpQueueLenBytes -= old.truesize;
            tbl.unresDiscards++;
            outbox.addTail(old);
        }
        arpQueue.addTail(skb);
        arpQueueLenBytes += skb.truesize;
    }

    /** Frees what was set aside under the lock. */
    private void freeOutbox(Cpu cpu, SkbDropReason reason) {
        while (outbox.qlen != 0) {
            lock.lock();
            SkBuff old = outbox.dequeue();
            lock.unlock();
            if (old == null) {
                return;
            }
            old.kfree(cpu, reason);
        }
    }

    /** Asks; not under the lock. Linux: neigh_probe(). */
    private void probe(Cpu cpu, @Nullable SkBuff waiting) {
        tbl.solicit(cpu, this, waiting);
        probes++;
    }

    /** An upper layer knows that the peer is alive. Linux: neigh_confirm(). */
    @HotPath
    public void confirm(long nowJiffies) {
        if (confirmed != nowJiffies) {
            confirmed = nowJiffies;
        }
    }

    // Time.

    /** Linux: neigh_timer_handler(). */
    private void timerHandler(Cpu cpu) {
        boolean failed = false;
        lock.lock();
        long now = cpu.jiffies();
        long next = now + 1000;
        int state = nudState;
        if (dead || (state & NUD_IN_TIMER) == 0) {
            lock.unlock();
            return;
        }
        if ((state & NUD_REACHABLE) != 0) {
            if (now - (confirmed + parms.reachableTime) <= 0) {
                next = confirmed + parms.reachableTime;
            } else if (now - (used + parms.delayProbeTime) <= 0) {
                setState(NUD_DELAY, now);
                next = now + parms.delayProbeTime;
            } else {
                setState(NUD_STALE, now);
            }
        } else if ((state & NUD_DELAY) != 0) {
            if (now - (confirmed + parms.delayProbeTime) <= 0) {
                setState(NUD_REACHABLE, now);
                next = confirmed + parms.reachableTime;
            } else {
                setState(NUD_PROBE, now);
                probes = 0;
                next = now + Math.max(parms.retransTime, 1);
            }
        } else {
            next = now + Math.max(parms.retransTime, 1);
        }
        if ((nudState & (NUD_INCOMPLETE | NUD_PROBE)) != 0 && probes >= parms.maxProbes(nudState)) {
            setState(NUD_FAILED, now);
            failed = true;
        }
        if ((nudState & NUD_IN_TIMER) != 0) {
            if (next - now <= 0) {
                next = now + 1;
            }
            timer.mod(cpu, next);
        }
        boolean ask = (nudState & (NUD_INCOMPLETE | NUD_PROBE)) != 0;
        SkBuff waiting = ask ? arpQueue.peekTail() : null;
        SkBuff shown = waiting == null ? null : waiting.clone(cpu);
        lock.unlock();
        if (failed) {
            invalidate(cpu);
        }
        if (ask) {
            probe(cpu, shown);
        }
        if (shown != null) {
            shown.consume(cpu);
        }
    }

    private void setState(int state, long now) {
        nudState = state;
        updated = now;
    }

    /** Gives the packets that waited in vain to the protocol. Linux: neigh_invalidate(). */
    private void invalidate(Cpu cpu) {
        tbl.resFailed++;
        while (true) {
            lock.lock();
            SkBuff skb = nudState == NUD_FAILED ? arpQueue.dequeue() : null;
            if (skb != null) {
                arpQueueLenBytes -= skb.truesize;
            }
            lock.unlock();
            if (skb == null) {
                return;
            }
            tbl.errorReport(cpu, this, skb);
        }
    }

    // Learning.

    /**
     * An answer or an administrator gives a new state and perhaps an address.
     *
     * @param lladdr the address; null keeps the old one
     * @param newState {@code NUD_*}
     * @param flags {@code NEIGH_UPDATE_F_*}
     * @return 0 or a negative errno
     *     <p>Linux: neigh_update()
     */
    public int update(Cpu cpu, byte @Nullable [] lladdr, int newState, int flags) {
        if (cpu.tracing) {
            KernelTrace.neighUpdate(cpu, this, lladdr, newState, flags);
        }
        lock.lock();
        int old = nudState;
        if (dead) {
            lock.unlock();
            return -Errno.EINVAL;
        }
        if ((flags & NEIGH_UPDATE_F_ADMIN) == 0 && (old & (NUD_NOARP | NUD_PERMANENT)) != 0) {
            lock.unlock();
            return -Errno.EPERM;
        }
        long now = cpu.jiffies();
        if ((newState & NUD_VALID) == 0) {
            return updateInvalid(cpu, old, newState, now);
        }
        byte[] addr = lladdr;
        if (dev.addrLen == 0) {
            addr = ha;
        } else if (addr != null) {
            if ((old & NUD_VALID) != 0 && java.util.Arrays.equals(addr, ha)) {
                addr = ha;
            }
        } else {
            if ((old & NUD_VALID) == 0) {
                lock.unlock();
                return -Errno.EINVAL;
            }
            addr = ha;
        }
        // Confirmed even if nothing changes.
        if ((newState & NUD_CONNECTED) != 0) {
            confirmed = now;
        }
        int state = newState;
        boolean newAddr = addr != ha;
        if ((old & NUD_VALID) != 0) {
            if (newAddr && (flags & NEIGH_UPDATE_F_OVERRIDE) == 0) {
                if ((flags & NEIGH_UPDATE_F_WEAK_OVERRIDE) != 0 && (old & NUD_CONNECTED) != 0) {
                    addr = ha;
                    newAddr = false;
                    state = NUD_STALE;
                } else {
                    lock.unlock();
                    return 0;
                }
            } else if (!newAddr && state == NUD_STALE && (flags & NEIGH_UPDATE_F_ADMIN) == 0) {
                state = old;
            }
        }
        if (state != old || newAddr) {
            updated = now;
        }
        if (state != old) {
            timer.del();
            probes = 0;
            if ((state & NUD_IN_TIMER) != 0) {
                timer.mod(cpu, now + ((state & NUD_REACHABLE) != 0 ? parms.reachableTime : 0));
            }
            nudState = state;
        }
        if (newAddr) {
            ha = addr.clone();
            HeaderOps ops = dev.headerOps;
            hh = ops == null ? null : ops.cache(this, tbl.protocol);
            if ((state & NUD_CONNECTED) == 0) {
                confirmed = now - (parms.baseReachableTime << 1);
            }
        }
        boolean send = (old & NUD_VALID) == 0;
        lock.unlock();
        if (((old ^ state) & NUD_PERMANENT) != 0) {
            tbl.recount(this);
        }
        if (send) {
            sendQueued(cpu);
        }
        return 0;
    }

    /** To FAILED, INCOMPLETE or NONE. The lock is held and released here. */
    private int updateInvalid(Cpu cpu, int old, int newState, long now) {
        timer.del();
        nudState = newState;
        updated = now;
        boolean failed = (old & (NUD_INCOMPLETE | NUD_PROBE)) != 0 && (newState & NUD_FAILED) != 0;
        lock.unlock();
        if ((old & NUD_PERMANENT) != 0) {
            tbl.recount(this);
        }
        if (failed) {
            invalidate(cpu);
        }
        return 0;
    }

    /** The address is known: what waited goes, in order. */
    private void sendQueued(Cpu cpu) {
        while (true) {
            lock.lock();
            SkBuff skb = (nudState & NUD_VALID) != 0 ? arpQueue.dequeue() : null;
            if (skb != null) {
                arpQueueLenBytes -= skb.truesize;
            }
            lock.unlock();
            if (skb == null) {
                return;
            }
            output(cpu, skb);
        }
    }

    /** Removed from the table: stops the timer and drops what waits. Linux: neigh_mark_dead(), neigh_destroy(). */
    void die(Cpu cpu) {
        lock.lock();
        dead = true;
        nudState = NUD_NONE;
        hh = null;
        timer.del();
        outbox.spliceTail(arpQueue);
        arpQueueLenBytes = 0;
        lock.unlock();
        freeOutbox(cpu, SkbDropReason.NEIGH_DEAD);
    }

    /** Its protocol address, for people. */
    public String addressText() {
        return tbl.keyText(keyHi, keyLo);
    }

    /** A line as {@code ip neigh} prints it. */
    @Override
    public String toString() {
        StringBuilder b = new StringBuilder(64);
        b.append(tbl.keyText(keyHi, keyLo)).append(" dev ").append(dev.name());
        byte[] a = ha;
        if (a.length != 0 && (nudState & NUD_VALID) != 0) {
            b.append(" lladdr ").append(EthHdr.format(a));
        }
        return b.append(' ').append(stateName(nudState)).toString();
    }

    private static String stateName(int state) {
        return switch (state) {
            case NUD_INCOMPLETE -> "INCOMPLETE";
            case NUD_REACHABLE -> "REACHABLE";
            case NUD_STALE -> "STALE";
            case NUD_DELAY -> "DELAY";
            case NUD_PROBE -> "PROBE";
            case NUD_FAILED -> "FAILED";
            case NUD_NOARP -> "NOARP";
            case NUD_PERMANENT -> "PERMANENT";
            default -> "NONE";
        };
    }
}
