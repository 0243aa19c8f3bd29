package net.sched.act;

import net.core.Cpu;
import net.core.Net;
import net.core.UserError;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.TcfBlock;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;

/**
 * {@code skbedit [queue_mapping N] [priority CLASS] [mark M[/MASK]] [ptype TYPE] [inheritdsfield] [CONTROL]}: changes what
 * goes with a packet, not the packet.
 *
 * <p>Linux: net/sched/act_skbedit.c; tc/m_skbedit.c, iproute2
 */
public final class SkbeditOps implements TcActionOps {
    private static final String USAGE = "Usage: ... skbedit [queue_mapping QUEUE_MAPPING] [priority PRIORITY] "
            + "[mark MARK[/MASK]] [ptype host|otherhost|broadcast|multicast] [inheritdsfield]";
    private static final String[] PTYPES = {"host", "broadcast", "multicast", "otherhost"};

    /** Its settings; replaced as a whole. */
    private static final class Parms extends TcActionParms {
        boolean setQueue;
        int queue;
        boolean setPriority;
        int priority;
        boolean setMark;
        int mark;
        boolean maskGiven;
        int mask = -1;
        int ptype = -1;
        boolean inheritDsfield;
    }

    /** Creates the kind. */
    public SkbeditOps() {}

    @Override
    public String id() {
        return "skbedit";
    }

    @Override
    public TcActionParms parse(TcActionWords in) {
        Parms p = new Parms();
        boolean any = false;
        while (option(in, p)) {
            any = true;
        }
        p.control = TcControl.parseOr(in, TcfBlock.TC_ACT_PIPE);
        in.index(p);
        if (!any && p.index == 0) {
            throw new UserError(USAGE);
        }
        return p;
    }

    private static boolean option(TcActionWords in, Parms p) {
        if (in.takeAbbreviated("queue_mapping")) {
            p.setQueue = true;
            p.queue = (int) in.u32("queue_mapping", 0xFFFF);
        } else if (in.takeAbbreviated("priority")) {
            long v = TcHandle.parseClassid(in.next());
            if (v < 0) {
                throw new UserError("Illegal \"priority\"");
            }
            p.setPriority = true;
            p.priority = (int) v;
        } else if (in.takeAbbreviated("mark")) {
            mark(in.next(), p);
        } else if (in.takeAbbreviated("ptype")) {
            p.ptype = ptype(in.next());
        } else if (in.takeAbbreviated("inheritdsfield")) {
            p.inheritDsfield = true;
        } else {
            return false;
        }
        return true;
    }

    private static void mark(String word, Parms p) {
        int slash = word.indexOf('/');
        p.setMark = true;
        p.mark = TcActionWords.u32("mark", slash < 0 ? word : word.substring(0, slash));
        if (slash >= 0) {
            p.maskGiven = true;
            p.mask = TcActionWords.u32("mask", word.substring(slash + 1));
        }
    }

    private static int ptype(String word) {
        for (int i = 0; i < PTYPES.length; i++) {
            if (PTYPES[i].startsWith(word)) {
                return i;
            }
        }
        throw new UserError("Illegal ptype (" + word + ")");
    }

    @Override
    public TcAction create(Net net, int index) {
        return new Skbedit(this, net, index);
    }

    private static final class Skbedit extends TcAction {
        private volatile Parms set = new Parms();

        Skbedit(TcActionOps ops, Net net, int index) {
            super(ops, net, index);
        }

        @Override
        protected void change(TcActionParms p, boolean created) {
            set = (Parms) p;
            super.change(p, created);
        }

        @Override
        @HotPath
        protected int act(Cpu cpu, SkBuff skb) {
            Parms s = set;
            if (s.setPriority) {
                skb.priority = s.priority;
            }
            if (s.inheritDsfield && !inheritDsfield(cpu, skb)) {
                countDrop(cpu);
                return TcfBlock.TC_ACT_SHOT;
            }
            if (s.setQueue && skb.dev instanceof NetDevice dev && dev.tx.length > s.queue) {
                cpu.sd.skipTxqueue = true;
                skb.queueMapping = s.queue;
            }
            if (s.setMark) {
                skb.mark = skb.mark & ~s.mask | s.mark & s.mask;
            }
            if (s.ptype >= 0) {
                skb.pktType = s.ptype;
            }
            return control;
        }

        /** The six bits of DiffServ become the priority; false if the packet ends before them. */
        private static boolean inheritDsfield(Cpu cpu, SkBuff skb) {
            if (skb.networkHeader < 0) {
                return true;
            }
            int off = skb.networkOffset();
            if (skb.protocol == EthHdr.ETH_P_IP) {
                if (!skb.mayPull(cpu, off + 20)) {
                    return false;
                }
                skb.priority = (UnsafeApi.getByte(skb.networkAddress() + 1) & 0xFF) >> 2;
            } else if (skb.protocol == EthHdr.ETH_P_IPV6) {
                if (!skb.mayPull(cpu, off + 40)) {
                    return false;
                }
                long ip = skb.networkAddress();
                int field = (UnsafeApi.getByte(ip) & 0xF) << 4 | (UnsafeApi.getByte(ip + 1) & 0xFF) >> 4;
                skb.priority = field >> 2;
            }
            return true;
        }

        @Override
        protected void dump(TcPrint p, boolean stats) {
            Parms s = set;
            p.str("kind", "", "skbedit", " ");
            if (s.setQueue) {
                p.num("queue_mapping", "queue_mapping ", s.queue, "");
            }
            if (s.setPriority) {
                p.str("priority", " priority ", TcHandle.format(s.priority), "");
            }
            if (s.setMark) {
                p.num("mark", " mark ", s.mark & 0xFFFFFFFFL, "");
            }
            if (s.maskGiven) {
                String mask = Integer.toHexString(s.mask);
                p.str("mask", "/0x", mask, "");
            }
            if (s.ptype >= 0) {
                p.str("ptype", " ptype ", PTYPES[s.ptype], "");
            }
            if (s.inheritDsfield) {
                p.nul("inheritdsfield", " inheritdsfield");
            }
            TcControl.print(p, " ", control, "");
            p.nl();
            dumpHolders(p, "\t ", stats);
            p.nl();
        }
    }
}
