package net.sched.act;

import net.core.Cpu;
import net.core.Net;
import net.core.UserError;
import net.core.dev.Gso;
import net.core.dev.QdiscSkbCb;
import net.core.dev.TcfBlock;
import net.core.task.SpinLock;
import net.core.tc.TcPrint;
import net.sched.PschedRatecfg;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;

/**
 * One {@code police}: token buckets for a rate in bytes or packets and for a peak rate, a greatest length, and an average
 * rate. A packet within all of them conforms; one over any of them exceeds and takes no tokens. Buckets are in ns of their
 * rate, as in tbf.
 *
 * <p>{@code Deviation:} {@code avrate} wants the {@code estimator} of a filter in Linux; here the action has its own, as
 * {@code estimator 250ms 1s} would be.
 *
 * <p>Context: buckets under {@link #lock}, a leaf; settings are replaced as a whole.
 *
 * <p>Linux: net/sched/act_police.c
 */
final class Police extends TcAction {
    private static final long SEC = 1_000_000_000;
    /** tc takes 2047 bytes for none given, and the kernel the last cell of its rate table. */
    private static final long DEFAULT_MTU = 2040;

    private static final long EST_INTERVAL_NS = SEC / 4;
    private static final int EST_EWMA_LOG = 2;
    /** So many empty intervals leave nothing of an average. */
    private static final int EST_FORGET = 128;

    /** What is in force. */
    private static final class Limits {
        final PoliceOps.Parms p;
        final PschedRatecfg rate;
        final PschedRatecfg peak;
        final long burstNs;
        final long mtuNs;
        final long mtu;
        final long pktsBurstNs;

        Limits(PoliceOps.Parms p) {
            this.p = p;
            rate = new PschedRatecfg(p.rate, p.overhead, (int) p.mpu, p.atm);
            peak = new PschedRatecfg(p.peakrate, p.overhead, (int) p.mpu, p.atm);
            burstNs = p.rate == 0 ? 0 : ns(p.burst, p.rate);
            mtu = p.mtu != 0 ? p.mtu : p.rate != 0 ? DEFAULT_MTU : 0xFFFFFFFFL;
            mtuNs = p.peakrate == 0 ? 0 : peak.l2tNs((int) Math.min(mtu, Integer.MAX_VALUE));
            pktsBurstNs = p.pktsRate == 0 ? 0 : ns(p.pktsBurst, p.pktsRate);
        }

        private static long ns(long amount, long perSec) {
            double ns = amount * 1e9 / perSec;
            if (ns > Long.MAX_VALUE / 4.0) {
                throw new UserError("POLICE: burst out of range");
            }
            return (long) ns;
        }
    }

    private final SpinLock lock = new SpinLock();
    private volatile Limits limits = new Limits(new PoliceOps.Parms());
    private long lastNs;
    private long toks;
    private long ptoks;
    private long pktToks;

    // The estimator.
    private long estBytes;
    private long estNextNs;
    private double estRate;

    Police(TcActionOps ops, Net net, int index) {
        super(ops, net, index);
    }

    @Override
    protected void change(TcActionParms parms, boolean created) {
        PoliceOps.Parms p = (PoliceOps.Parms) parms;
        if (created && !p.hasLimit()) {
            throw new UserError("RTNETLINK answers: " + Errno.text(Errno.EINVAL));
        }
        Limits s = new Limits(p);
        Cpu cpu = net.kernel().localBhDisable(-1);
        lock.lock();
        try {
            toks = s.burstNs;
            ptoks = s.mtuNs;
            if (created) {
                lastNs = cpu.nowNs();
                pktToks = s.pktsBurstNs;
            }
            limits = s;
        } finally {
            lock.unlock();
            cpu.localBhEnable();
        }
        super.change(p, created);
    }

    @Override
    @HotPath
    protected int act(Cpu cpu, SkBuff skb) {
        Limits s = limits;
        int rc = control;
        if (conforms(cpu, skb, s)) {
            rc = s.p.conform;
            if (s.p.rate == 0 && s.p.pktsRate == 0) {
                return rc;
            }
        } else {
            countOverlimit(cpu);
        }
        if (rc == TcfBlock.TC_ACT_SHOT) {
            countDrop(cpu);
        }
        return rc;
    }

    private boolean conforms(Cpu cpu, SkBuff skb, Limits s) {
        if (s.p.avrate != 0 && !belowAverage(cpu, skb, s.p.avrate)) {
            return false;
        }
        if (!fits(skb, s.mtu)) {
            return false;
        }
        return s.p.rate == 0 && s.p.pktsRate == 0 || takeTokens(cpu.nowNs(), QdiscSkbCb.pktLen(skb), s);
    }

    /** Tells whether it, or each of its segments, is no longer with its link header. Linux: tcf_police_mtu_check() */
    private static boolean fits(SkBuff skb, long mtu) {
        if (skb.isGso()) {
            return Gso.validateMacLen(skb, (int) Math.min(mtu, Integer.MAX_VALUE));
        }
        return QdiscSkbCb.pktLen(skb) + (skb.tcAtIngress ? skb.macLen : 0) <= mtu;
    }

    /** Takes what the packet costs if all buckets have it. */
    private boolean takeTokens(long now, int len, Limits s) {
        lock.lock();
        try {
            long passed = now - lastNs;
            long t = 0;
            long pt = 0;
            long kt = 0;
            if (s.p.rate != 0) {
                long gain = Math.min(passed, s.burstNs);
                t = Math.min(toks + gain, s.burstNs) - s.rate.l2tNs(len);
                if (s.p.peakrate != 0) {
                    pt = Math.min(ptoks + gain, s.mtuNs) - s.peak.l2tNs(len);
                }
            } else {
                kt = Math.min(pktToks + Math.min(passed, s.pktsBurstNs), s.pktsBurstNs) - SEC / s.p.pktsRate;
            }
            if ((t | pt | kt) < 0) {
                return false;
            }
            lastNs = now;
            toks = t;
            ptoks = pt;
            pktToks = kt;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** An average over intervals, each with a quarter of the weight of all before. Linux: est_timer(), gen_estimator.c */
    private boolean belowAverage(Cpu cpu, SkBuff skb, long limit) {
        long now = cpu.nowNs();
        lock.lock();
        try {
            if (estNextNs == 0) {
                estNextNs = now + EST_INTERVAL_NS;
            }
            for (int i = 0; now >= estNextNs; i++) {
                double last = estBytes * (SEC / (double) EST_INTERVAL_NS);
                estRate += (last - estRate) / (1 << EST_EWMA_LOG);
                estBytes = 0;
                estNextNs = i == EST_FORGET ? now + EST_INTERVAL_NS : estNextNs + EST_INTERVAL_NS;
            }
            boolean below = estRate < limit;
            estBytes += QdiscSkbCb.pktLen(skb);
            return below;
        } finally {
            lock.unlock();
        }
    }

    @Override
    protected void dump(TcPrint p, boolean stats) {
        PoliceOps.Parms s = limits.p;
        if (p.isJson()) {
            p.str("kind", "", "police", "").num("index", "", index & 0xFFFFFFFFL, "");
        } else {
            p.text(" police 0x" + Integer.toHexString(index) + " ");
            p.rate("", "rate ", s.rate, " ").size("", "burst ", s.burst, " ").size("", "mtu ", limits.mtu, " ");
            if (s.peakrate != 0) {
                p.rate("", "peakrate ", s.peakrate, " ");
            }
            if (s.avrate != 0) {
                p.rate("", "avrate ", s.avrate, " ");
            }
        }
        if (s.pktsRate != 0) {
            p.num("pkts_rate", "pkts_rate ", s.pktsRate, " ").num("pkts_burst", "pkts_burst ", s.pktsBurst, " ");
        }
        TcControl.print(p, "action ", control, "");
        if (s.conformGiven) {
            TcControl.print(p, "/", s.conform, " ");
        } else {
            p.text(" ");
        }
        p.size("overhead", "overhead ", s.overhead, " ");
        if (s.atm || p.details()) {
            p.str("linklayer", "linklayer ", s.atm ? "atm" : "ethernet", " ");
        }
        p.nl();
        dumpRefs(p, "\t", false);
        dumpAges(p, " ", stats);
        p.nl();
    }
}
