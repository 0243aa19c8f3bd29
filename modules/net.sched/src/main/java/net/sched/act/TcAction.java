package net.sched.act;

import java.util.Objects;
import net.core.Cpu;
import net.core.Net;
import net.core.dev.QdiscSkbCb;
import net.core.dev.QdiscStats;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * One instance of an action: a number of its own among those of its kind in its namespace, settings, counters, and how many
 * hold it. Filters bind it, one of their own or, by its number, one that others have too; {@code tc actions} may hold it as
 * well.
 *
 * <p>Context: {@link #act} by holders of a CPU's word, on several CPUs at once; all else under rtnl.
 *
 * <p>Linux: struct tc_action, include/net/act_api.h, net/sched/act_api.c
 */
public abstract class TcAction {
    private static final int STRIDE = 16;
    private static final int PACKETS = 0;
    private static final int BYTES = 1;
    private static final int DROPS = 2;
    private static final int OVERLIMITS = 3;
    private static final long NS_PER_TICK = 10_000_000;
    private static final long TICKS_PER_SEC = 100;

    /** Its kind. */
    public final TcActionOps ops;
    /** Its number. */
    public final int index;

    /** Its namespace. */
    protected final Net net;
    /** Where packets go afterwards: {@code TC_ACT_*}. */
    protected volatile int control;

    /** By CPU, each written by the holder of its word. */
    private final long[] counters;

    private final long installedNs;
    /** Racy: any CPU's last packet will do. */
    private long lastUseNs;

    private long firstUseNs;
    private int refs;
    private int binds;
    private @Nullable String cookie;
    /** {@code tc actions} has made or listed it: from then on Linux says that no device counts for it. */
    private boolean listed;

    /** An instance that nobody holds. */
    protected TcAction(TcActionOps ops, Net net, int index) {
        this.ops = ops;
        this.net = net;
        this.index = index;
        counters = new long[STRIDE * (net.kernel().cpus() + 1)];
        installedNs = net.kernel().clock().nanoTime();
        lastUseNs = installedNs;
    }

    // ---- what each kind does

    /**
     * Does it. The packet stays the caller's, unless the answer is {@link TcfBlock#TC_ACT_CONSUMED}.
     *
     * @return {@code TC_ACT_*}; {@link TcfBlock#TC_ACT_PIPE} for the next action
     */
    @HotPath
    protected abstract int act(Cpu cpu, SkBuff skb);

    /**
     * Takes settings over; a kind's own come in its own class of parameters.
     *
     * @param created true for the first settings
     * @throws net.core.UserError if they cannot be; nothing has changed then
     */
    protected void change(TcActionParms p, boolean created) {
        control = p.control;
    }

    /** Prints it from its kind on, as tc does; {@link #dumpHolders} writes the numbers. */
    protected abstract void dump(TcPrint p, boolean stats);

    /** Nobody holds it any more: gives up what it holds. Packets may still be in {@link #act}. */
    protected void released() {}

    // ---- hot path

    @HotPath
    final int run(Cpu cpu, SkBuff skb) {
        int at = STRIDE * (cpu.id + 1);
        int segs = skb.shinfo().gsoSegs;
        counters[at + PACKETS] += segs == 0 ? 1 : segs;
        counters[at + BYTES] += QdiscSkbCb.pktLen(skb);
        long now = cpu.nowNs();
        if (lastUseNs != now) {
            lastUseNs = now;
        }
        if (firstUseNs == 0) {
            firstUseNs = now;
        }
        return act(cpu, skb);
    }

    /** Counts a packet it drops. */
    @HotPath
    protected final void countDrop(Cpu cpu) {
        counters[STRIDE * (cpu.id + 1) + DROPS]++;
    }

    /** Counts a packet over a limit, or one it could not do its work on. */
    @HotPath
    protected final void countOverlimit(Cpu cpu) {
        counters[STRIDE * (cpu.id + 1) + OVERLIMITS]++;
    }

    // ---- counters

    private long sum(int counter) {
        long n = 0;
        for (int i = 0; i < counters.length; i += STRIDE) {
            n += counters[i + counter];
        }
        return n;
    }

    /** Packets that came by, a GSO packet as its segments. */
    public final long packets() {
        return sum(PACKETS);
    }

    /** Their bytes. */
    public final long bytes() {
        return sum(BYTES);
    }

    /** Packets it dropped. */
    public final long drops() {
        return sum(DROPS);
    }

    /** Packets over its limit, or that it failed on. */
    public final long overlimits() {
        return sum(OVERLIMITS);
    }

    /** How many hold it. */
    public final int refs() {
        return refs;
    }

    /** How many of those are filters. */
    public final int binds() {
        return binds;
    }

    // ---- holders

    final void hold(boolean bind) {
        refs++;
        if (bind) {
            binds++;
        }
    }

    /** Gives up a hold; true if nobody has one any more. */
    final boolean drop(boolean bind) {
        if (bind) {
            binds--;
        }
        return --refs == 0;
    }

    final void list() {
        listed = true;
    }

    final void apply(TcActionParms p, boolean created) {
        change(p, created);
        if (p.cookie != null) {
            cookie = p.cookie;
        }
    }

    // ---- print

    /** Number, holders and, with {@code stats}, ages: {@code index 1 ref 1 bind 1 installed 5 sec}. */
    protected final void dumpHolders(TcPrint p, String before, boolean stats) {
        p.num("index", before + "index ", index & 0xFFFFFFFFL, "");
        dumpRefs(p, " ", stats);
    }

    /** As {@link #dumpHolders} without the number. */
    protected final void dumpRefs(TcPrint p, String before, boolean stats) {
        p.num("ref", before + "ref ", refs, " ");
        p.num("bind", "bind ", binds, "");
        dumpAges(p, "", stats);
    }

    /** With {@code stats}, how long it has been there and how long unused, behind {@code before}. */
    protected final void dumpAges(TcPrint p, String before, boolean stats) {
        p.text(before);
        if (stats) {
            long now = net.kernel().clock().nanoTime();
            age(p, "installed", " installed ", now - installedNs);
            age(p, "last_used", " used ", now - lastUseNs);
            age(p, "first_used", " firstused ", firstUseNs == 0 ? 0 : now - firstUseNs);
        }
    }

    /** Ages come in ticks of 10 ms, and one of no tick is not shown. Linux: tcf_tm_dump(); print_tm(), iproute2 */
    private static void age(TcPrint p, String key, String before, long ns) {
        long ticks = ns / NS_PER_TICK;
        if (ticks != 0) {
            p.num(key, before, ticks / TICKS_PER_SEC, " sec");
        }
    }

    /** All of it, behind {@code action order N: }. Linux: tc_print_one_action(), iproute2 */
    final void print(TcPrint p, boolean stats, boolean bound) {
        dump(p, stats);
        if (stats) {
            QdiscStats s = new QdiscStats();
            s.packets = packets();
            s.bytes = bytes();
            s.drops = drops();
            s.overlimits = overlimits();
            p.text("\tAction statistics:").nl().open("stats");
            s.print(p, "\t");
            p.close();
        }
        if (cookie != null) {
            p.str("cookie", "\tcookie ", Objects.requireNonNull(cookie), "").nl();
        }
        if (!bound) {
            p.bool("not_in_hw", true, "\tnot_in_hw").nl();
        }
        if (listed) {
            p.openArray("used_hw_stats", "\tused_hw_stats")
                    .str("", " ", "disabled", "")
                    .closeArray("")
                    .nl();
        }
    }
}
