package net.sched.act;

import net.core.Cpu;
import net.core.Net;
import net.core.UserError;
import net.core.dev.EthHdr;
import net.core.dev.SkbVlan;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * {@code vlan pop | push|modify [protocol 802.1Q|802.1ad] id N [priority N] | pop_eth | push_eth dst_mac A src_mac A}: takes
 * off, adds or changes the outer VLAN tag, or the Ethernet header.
 *
 * <p>Linux: net/sched/act_vlan.c; tc/m_vlan.c, iproute2
 */
public final class VlanOps implements TcActionOps {
    private static final String USAGE = "Usage: vlan pop | vlan push|modify [ protocol VLANPROTO ] id VLANID "
            + "[ priority VLANPRIO ] | vlan pop_eth | vlan push_eth dst_mac LLADDR src_mac LLADDR [CONTROL]";

    private enum What {
        POP,
        PUSH,
        MODIFY,
        POP_ETH,
        PUSH_ETH;

        String word() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }

        boolean takesTag() {
            return this == PUSH || this == MODIFY;
        }
    }

    private static final byte[] NONE = {};

    /** Its settings; replaced as a whole. */
    private static final class Parms extends TcActionParms {
        @Nullable
        What what;

        int id = -1;
        int proto = EthHdr.ETH_P_8021Q;
        boolean prioGiven;
        int prio;
        byte[] dst = NONE; // no address
        byte[] src = NONE;
    }

    /** Creates the kind. */
    public VlanOps() {}

    @Override
    public String id() {
        return "vlan";
    }

    @Override
    public TcActionParms parse(TcActionWords in) {
        Parms p = new Parms();
        while (what(in, p) || option(in, p)) {
            // One word after the other.
        }
        p.control = TcControl.parseOr(in, TcfBlock.TC_ACT_PIPE);
        in.index(p);
        What what = p.what;
        if (what == null) {
            if (p.index == 0) {
                throw new UserError(USAGE);
            }
            return p;
        }
        if (what.takesTag() && p.id < 0) {
            throw new UserError("id needs to be set for " + what.word());
        }
        if (what == What.PUSH_ETH && (p.dst.length == 0 || p.src.length == 0)) {
            throw new UserError((p.dst.length == 0 ? "dst_mac" : "src_mac") + " needs to be set for push_eth");
        }
        return p;
    }

    private static boolean what(TcActionWords in, Parms p) {
        for (What w : What.values()) {
            if (in.takeAbbreviated(w.word())) {
                if (p.what != null) {
                    throw new UserError("unexpected \"" + w.word() + "\" - action already specified");
                }
                p.what = w;
                return true;
            }
        }
        return false;
    }

    private static boolean option(TcActionWords in, Parms p) {
        if (in.takeAbbreviated("id")) {
            wants(p, "id", true);
            p.id = (int) in.u32("id", 0xFFFF);
            if (p.id > SkbVlan.VLAN_VID_MASK) {
                throw new UserError("RTNETLINK answers: " + Errno.text(Errno.ERANGE));
            }
        } else if (in.takeAbbreviated("protocol")) {
            wants(p, "protocol", true);
            String word = in.next();
            p.proto = switch (word.toLowerCase(java.util.Locale.ROOT)) {
                case "802.1q", "0x8100" -> EthHdr.ETH_P_8021Q;
                case "802.1ad", "0x88a8" -> EthHdr.ETH_P_8021AD;
                default -> throw new UserError("protocol not supported: " + word);
            };
        } else if (in.takeAbbreviated("priority")) {
            wants(p, "priority", true);
            p.prio = (int) in.u32("priority", 7);
            p.prioGiven = true;
        } else if (in.takeAbbreviated("dst_mac")) {
            wants(p, "dst_mac", false);
            p.dst = EthHdr.parseAddr(in.next());
        } else if (in.takeAbbreviated("src_mac")) {
            wants(p, "src_mac", false);
            p.src = EthHdr.parseAddr(in.next());
        } else {
            return false;
        }
        return true;
    }

    private static void wants(Parms p, String word, boolean tag) {
        What w = p.what;
        if (w == null || (tag ? !w.takesTag() : w != What.PUSH_ETH)) {
            throw TcActionWords.invalid(word, tag ? "only valid for push/modify" : "only valid for push_eth");
        }
    }

    @Override
    public TcAction create(Net net, int index) {
        return new Vlan(this, net, index);
    }

    private static final class Vlan extends TcAction {
        private volatile Parms set = new Parms();

        Vlan(TcActionOps ops, Net net, int index) {
            super(ops, net, index);
        }

        @Override
        protected void change(TcActionParms parms, boolean created) {
            Parms p = (Parms) parms;
            if (p.what == null) {
                throw new UserError("RTNETLINK answers: " + Errno.text(Errno.EINVAL));
            }
            set = p;
            super.change(p, created);
        }

        @Override
        @HotPath
        protected int act(Cpu cpu, SkBuff skb) {
            boolean ingress = skb.tcAtIngress;
            if (ingress) {
                skb.push(skb.macLen);
                skb.postpushRcsum(skb.dataAddress(), skb.macLen);
            }
            int err = edit(cpu, skb, set);
            if (ingress) {
                skb.pullRcsum(skb.macLen);
            }
            skb.resetMacLen();
            if (err != 0) {
                countDrop(cpu);
                return TcfBlock.TC_ACT_SHOT;
            }
            return control;
        }

        private static int edit(Cpu cpu, SkBuff skb, Parms s) {
            What what = s.what;
            if (what == null) {
                return -Errno.EINVAL;
            }
            return switch (what) {
                case POP -> SkbVlan.pop(cpu, skb);
                case PUSH -> SkbVlan.push(cpu, skb, s.proto, s.id | s.prio << SkbVlan.VLAN_PRIO_SHIFT);
                case MODIFY -> modify(cpu, skb, s);
                case POP_ETH -> popEth(skb);
                case PUSH_ETH -> pushEth(cpu, skb, s);
            };
        }

        private static int modify(Cpu cpu, SkBuff skb, Parms s) {
            int tci;
            if (skb.vlanPresent) {
                tci = skb.vlanTci;
            } else if (SkbVlan.isVlan(skb.protocol)) {
                tci = SkbVlan.remove(cpu, skb);
                if (tci < 0) {
                    return tci;
                }
            } else {
                return 0; // no tag, nothing to change
            }
            tci = tci & ~SkbVlan.VLAN_VID_MASK | s.id;
            if (s.prioGiven) {
                tci = tci & ~SkbVlan.VLAN_PRIO_MASK | s.prio << SkbVlan.VLAN_PRIO_SHIFT;
            }
            SkbVlan.putTag(skb, s.proto, tci);
            return 0;
        }

        /** Linux: skb_eth_pop() */
        private static int popEth(SkBuff skb) {
            if (skb.vlanPresent || skb.networkOffset() < EthHdr.ETH_HLEN || skb.headlen() < EthHdr.ETH_HLEN) {
                return -Errno.EPROTO;
            }
            skb.pullRcsum(EthHdr.ETH_HLEN);
            skb.resetMacHeader();
            skb.resetMacLen();
            return 0;
        }

        /** Linux: skb_eth_push() */
        private static int pushEth(Cpu cpu, SkBuff skb, Parms s) {
            byte[] dst = s.dst;
            byte[] src = s.src;
            if (dst.length == 0 || src.length == 0 || skb.vlanPresent || skb.networkOffset() != 0) {
                return -Errno.EPROTO;
            }
            int err = skb.cowHead(cpu, EthHdr.ETH_HLEN);
            if (err != 0) {
                return err;
            }
            skb.push(EthHdr.ETH_HLEN);
            long eth = skb.dataAddress();
            EthHdr.putAddr(eth, dst);
            EthHdr.putAddr(eth + EthHdr.SOURCE_OFFSET, src);
            EthHdr.setType(eth, skb.protocol);
            skb.resetMacHeader();
            skb.resetMacLen();
            skb.postpushRcsum(eth, EthHdr.ETH_HLEN);
            return 0;
        }

        @Override
        protected void dump(TcPrint p, boolean stats) {
            Parms s = set;
            What what = s.what;
            p.str("kind", "", "vlan", " ");
            p.str("vlan_action", " ", what == null ? "" : what.word(), "");
            if (what != null && what.takesTag()) {
                p.num("id", " id ", s.id, "");
                p.str("protocol", " protocol ", s.proto == EthHdr.ETH_P_8021Q ? "802.1Q" : "802.1ad", "");
                if (s.prioGiven) {
                    p.num("priority", " priority ", s.prio, "");
                }
            }
            if (s.dst.length != 0) {
                p.str("dst_mac", " dst_mac ", EthHdr.format(s.dst), "");
            }
            if (s.src.length != 0) {
                p.str("src_mac", " src_mac ", EthHdr.format(s.src), "");
            }
            TcControl.print(p, " ", control, "");
            p.nl();
            dumpHolders(p, "\t ", stats);
            p.nl();
        }
    }
}
