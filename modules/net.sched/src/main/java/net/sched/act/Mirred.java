package net.sched.act;

import net.core.Cpu;
import net.core.Net;
import net.core.UserError;
import net.core.dev.Dev;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceTable;
import net.core.dev.NetXmit;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * One {@code mirred}. A redirected packet is gone for its device; of a mirrored one a clone goes. On a way in a redirected
 * packet moves as it is, elsewhere a clone does, since a qdisc above may still hold the original.
 *
 * <p>Loops end: actions that run inside each other by {@link #NEST_LIMIT}, packets that filters turn from a way out to a way
 * in, which wait in the backlog meanwhile, by {@link #TURN_LIMIT}. {@code Deviation:} in Linux 6.18 the latter go round for
 * ever.
 *
 * <p>Linux: net/sched/act_mirred.c
 */
final class Mirred extends TcAction {
    /** Actions of this kind that may run inside each other. Linux: MIRRED_NEST_LIMIT */
    static final int NEST_LIMIT = 4;
    /** Turns that a packet may take. */
    static final int TURN_LIMIT = 8;

    /** Settings as they are in force. */
    private record Target(
            boolean ingress, boolean redirect, @Nullable NetDevice dev, boolean macHeader) {}

    private final NetDeviceTable devices;
    private volatile Target target = new Target(false, false, null, false);

    Mirred(TcActionOps ops, Net net, int index, NetDeviceTable devices) {
        super(ops, net, index);
        this.devices = devices;
    }

    @Override
    protected void change(TcActionParms parms, boolean created) {
        MirredOps.Parms p = (MirredOps.Parms) parms;
        if (!created && !p.given) {
            throw new UserError("Error: Unknown mirred option.");
        }
        Target old = target;
        NetDevice dev = old.dev;
        if (!p.dev.isEmpty()) {
            dev = devices.byName(p.dev);
            if (dev == null) {
                throw new UserError("Cannot find device \"" + p.dev + "\"");
            }
        } else if (created) {
            throw new UserError("Error: Must specify device or block.");
        }
        target = new Target(p.ingress, p.redirect, dev, dev != null && dev.hardHeaderLen != 0);
        super.change(p, created);
    }

    /** The device goes: from now on packets pass, and are counted as over the limit. Linux: mirred_device_event() */
    void deviceGone(NetDevice dev) {
        Target t = target;
        if (t.dev == dev) {
            target = new Target(t.ingress, t.redirect, null, false);
        }
    }

    // ---- packets

    @Override
    @HotPath
    protected int act(Cpu cpu, SkBuff skb) {
        Target t = target;
        if (cpu.sd.mirredNest >= NEST_LIMIT) {
            countOverlimit(cpu);
            return TcfBlock.TC_ACT_SHOT;
        }
        NetDevice dev = t.dev;
        if (dev == null) {
            countOverlimit(cpu);
            return control;
        }
        cpu.sd.mirredNest++;
        try {
            return toDev(cpu, skb, t, dev);
        } finally {
            cpu.sd.mirredNest--;
        }
    }

    /** Linux: tcf_mirred_to_dev() */
    private int toDev(Cpu cpu, SkBuff skb, Target t, NetDevice dev) {
        boolean atIngress = skb.tcAtIngress;
        boolean turn = t.ingress && !atIngress;
        if (!dev.isUp() || !dev.carrierOk() || turn && skb.turns >= TURN_LIMIT) {
            return cannot(cpu, t);
        }
        boolean move = atIngress && t.redirect && takesPacket(control);
        SkBuff send = move ? skb : skb.clone(cpu);
        if (send == null) {
            return cannot(cpu, t);
        }
        send.nfct = null;
        if (turn) {
            send.dst = null;
            send.turns++;
        }
        if (!adjustData(send, atIngress, t.ingress || !t.macHeader)) {
            if (!move) {
                send.consume(cpu);
            }
            return cannot(cpu, t);
        }
        NetDevice from = (NetDevice) skb.dev;
        send.skbIif = from == null ? 0 : from.ifindex;
        send.dev = dev;
        if (t.redirect) {
            send.redirected = true;
            send.fromIngress = atIngress;
            if (atIngress) {
                send.tstampNs = 0;
            }
        }
        if (!forward(cpu, send, atIngress, t.ingress)) {
            countOverlimit(cpu);
        }
        return move ? TcfBlock.TC_ACT_CONSUMED : control;
    }

    private int cannot(Cpu cpu, Target t) {
        countOverlimit(cpu);
        return t.redirect ? TcfBlock.TC_ACT_SHOT : control;
    }

    /** Linux: tcf_mirred_can_reinsert() */
    private static boolean takesPacket(int control) {
        return control == TcfBlock.TC_ACT_STOLEN
                || control == TcfBlock.TC_ACT_QUEUED
                || control == TcfBlock.TC_ACT_TRAP;
    }

    /** Puts {@code data} at the network header for a way in, at the link header for a way out; false if there is none. */
    private static boolean adjustData(SkBuff skb, boolean atIngress, boolean wantsNetwork) {
        boolean atNetwork = skb.data == skb.networkHeader;
        if (atNetwork == wantsNetwork) {
            return true;
        }
        int mac = atIngress ? skb.macLen : skb.networkOffset();
        if (wantsNetwork) {
            if (mac < 0 || mac > skb.headlen()) {
                return false;
            }
            skb.pullRcsum(mac);
        } else {
            skb.push(mac);
            skb.postpushRcsum(skb.dataAddress(), mac);
        }
        return true;
    }

    /** Linux: tcf_mirred_forward() */
    private static boolean forward(Cpu cpu, SkBuff send, boolean atIngress, boolean wantIngress) {
        if (!wantIngress) {
            return NetXmit.eval(Dev.devQueueXmit(cpu, send)) == 0;
        }
        int rc = atIngress ? Dev.netifReceiveSkb(cpu, send) : Dev.netifRx(cpu, send);
        return rc == NetXmit.NET_RX_SUCCESS;
    }

    // ---- print

    @Override
    protected void dump(TcPrint p, boolean stats) {
        Target t = target;
        String direction = t.ingress ? "ingress" : "egress";
        String action = t.redirect ? "redirect" : "mirror";
        p.str("kind", "", "mirred", " ");
        if (p.isJson()) {
            p.str("mirred_action", "", action, "").str("direction", "", direction, "");
        } else {
            p.text((t.ingress ? "(Ingress " : "(Egress ") + (t.redirect ? "Redirect" : "Mirror"));
        }
        p.str("to_dev", " to device ", t.dev == null ? "*" : t.dev.name(), ")");
        TcControl.print(p, " ", control, "");
        p.nl();
        dumpHolders(p, "\t", stats);
        p.nl();
    }
}
