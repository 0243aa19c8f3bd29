package net.ipv4;

import net.core.Cpu;
import net.core.Net;
import net.core.dev.Gso;
import net.core.sock.Sock;
import net.ipv4.route.Rtable;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbSharedInfo;
import org.jspecify.annotations.Nullable;

/**
 * Cuts packets that are too long. A packet that already is a list of fitting pieces (as {@link IpCork} and reassembly
 * make them) only gets headers; others are copied.
 *
 * <p><b>Context:</b> with a CPU word. Takes packets over.
 *
 * <p>Linux: ip_do_fragment(), net/ipv4/ip_output.c. RFC 791 3.2.
 */
final class IpFragmenter {
    private IpFragmenter() {}

    /** Fragments unless that is forbidden. Linux: ip_fragment(). */
    static int ipFragment(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb, int mtu) {
        if (skb.len <= mtu && IpSkbCb.fragMaxSize(skb) == 0) {
            return IpOutput.ipFinishOutput2(cpu, net, sk, skb);
        }
        long iph = skb.networkAddress();
        boolean df = (IpHdr.fragOff(iph) & IpHdr.IP_DF) != 0;
        int fragMax = IpSkbCb.fragMaxSize(skb);
        if (df && (!IpSkbCb.has(skb, IpSkbCb.IPSKB_IGNORE_DF) && fragMax == 0 || fragMax > mtu)) {
            Ipv4Net.of(net).ip.inc(cpu, IpMib.Ip.FRAGFAILS);
            Icmp.icmpSend(cpu, skb, IcmpHdr.ICMP_DEST_UNREACH, IcmpHdr.ICMP_FRAG_NEEDED, mtu);
            skb.kfree(cpu, SkbDropReason.PKT_TOO_BIG);
            return -Errno.EMSGSIZE;
        }
        return doFragment(cpu, net, sk, skb, mtu);
    }

    private static int doFragment(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb, int dstMtu) {
        Ipv4Net v4 = Ipv4Net.of(net);
        // The checksum covers all fragments: it can't be left to the device.
        if (skb.ipSummed == SkBuff.CHECKSUM_PARTIAL && Gso.skbChecksumHelp(cpu, skb) != 0) {
            return fail(cpu, v4, skb, -Errno.ENOMEM);
        }
        Rtable rt = (Rtable) skb.dst;
        if (rt == null) {
            return fail(cpu, v4, skb, -Errno.EHOSTUNREACH);
        }
        int mtu = dstMtu;
        int fragMax = IpSkbCb.fragMaxSize(skb);
        if (fragMax != 0 && fragMax < mtu) {
            mtu = fragMax;
        }
        int hlen = IpHdr.headerLength(skb.networkAddress());
        int room = rt.dev.llReservedSpace();
        if (mtu - hlen < 8) {
            return fail(cpu, v4, skb, -Errno.EMSGSIZE);
        }
        if (skb.hasFragList() && fitsAsList(skb, hlen, mtu - hlen, room)) {
            return sendList(cpu, net, sk, skb, hlen, v4);
        }
        return copyFragments(cpu, net, sk, skb, hlen, mtu, room, v4);
    }

    private static int fail(Cpu cpu, Ipv4Net v4, SkBuff skb, int err) {
        v4.ip.inc(cpu, IpMib.Ip.FRAGFAILS);
        skb.kfree(cpu, SkbDropReason.PKT_TOO_BIG);
        return err;
    }

    private static int pageLen(SkBuff skb) {
        int n = skb.headlen();
        SkbSharedInfo sh = skb.shinfo();
        for (int i = 0; i < sh.nrFrags; i++) {
            n += sh.fragSize[i];
        }
        return n;
    }

    private static boolean fitsAsList(SkBuff skb, int hlen, int room, int headroom) {
        int first = pageLen(skb);
        if (first - hlen > room
                || (first - hlen & 7) != 0
                || IpHdr.isFragment(skb.networkAddress())
                || skb.cloned
                || skb.headroom() < headroom) {
            return false;
        }
        for (SkBuff f = skb.shinfo().fragList; f != null; f = f.next) {
            if (f.len > room
                    || (f.len & 7) != 0 && f.next != null
                    || f.headroom() < hlen + headroom
                    || f.cloned
                    || f.shared()
                    || f.sk != null) {
                return false;
            }
        }
        return true;
    }

    /** The fast way: each piece gets a header. Linux: ip_fraglist_init(), ip_fraglist_prepare(). */
    private static int sendList(Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb, int hlen, Ipv4Net v4) {
        SkbSharedInfo sh = skb.shinfo();
        SkBuff frag = sh.fragList;
        sh.fragList = null;
        int first = pageLen(skb);
        Sock owner = skb.sk instanceof Sock s ? s : null;
        for (SkBuff f = frag; f != null; f = f.next) {
            if (owner != null && skb.destructor != null) {
                // The owner was charged for all of them at once: each now returns its own share.
                f.sk = owner;
                f.destructor = skb.destructor;
            }
            skb.truesize -= f.truesize;
        }
        skb.dataLen = first - skb.headlen();
        skb.len = first;
        long iph = skb.networkAddress();
        IpHdr.totLen(iph, first);
        int flags = IpHdr.fragOff(iph) & IpHdr.IP_DF;
        IpHdr.fragOff(iph, flags | IpHdr.IP_MF);
        IpHdr.sendCheck(iph);
        int offset = first - hlen;
        int err = 0;
        SkBuff cur = skb;
        while (true) {
            SkBuff next = frag;
            if (next != null) {
                // Headers are copied while the first still has one.
                next.push(hlen);
                next.resetNetworkHeader();
                next.setTransportHeader(hlen);
                long to = next.networkAddress();
                Wire.copy(cur.networkAddress(), to, hlen);
                copyMetadata(cur, next);
                if (offset == first - hlen) {
                    IpOptions.fragment(to, hlen - IpHdr.LENGTH);
                }
                IpHdr.totLen(to, next.len);
                IpHdr.fragOff(to, flags | offset >> 3 | (next.next != null ? IpHdr.IP_MF : 0));
                IpHdr.sendCheck(to);
                offset += next.len - hlen;
                frag = next.next;
                next.next = null;
            }
            err = IpOutput.ipFinishOutput2(cpu, net, sk, cur);
            if (err == 0) {
                v4.ip.inc(cpu, IpMib.Ip.FRAGCREATES);
            }
            if (err != 0 || next == null) {
                if (err != 0) {
                    if (next != null) {
                        next.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
                    }
                    SkBuff.freeList(cpu, frag, SkbDropReason.NOT_SPECIFIED);
                }
                break;
            }
            cur = next;
        }
        v4.ip.inc(cpu, err == 0 ? IpMib.Ip.FRAGOKS : IpMib.Ip.FRAGFAILS);
        return err;
    }

    /** Linux: ip_copy_metadata(). */
    private static void copyMetadata(SkBuff from, SkBuff to) {
        to.pktType = from.pktType;
        to.priority = from.priority;
        to.protocol = from.protocol;
        to.skbIif = from.skbIif;
        to.dst = from.dst;
        to.dev = from.dev;
        to.mark = from.mark;
        to.ipSummed = SkBuff.CHECKSUM_NONE;
        IpSkbCb.clear(to);
        IpSkbCb.flags(to, IpSkbCb.flags(from));
        to.setHash(from.hash, from.l4Hash, from.swHash);
        to.tcIndex = from.tcIndex;
        to.nfct = from.nfct;
    }

    /** The slow way: copies. Linux: ip_frag_init(), ip_frag_next(). */
    private static int copyFragments(
            Cpu cpu, Net net, @Nullable Sock sk, SkBuff skb, int hlen, int mtu, int room, Ipv4Net v4) {
        long iph = skb.networkAddress();
        int fragOff = IpHdr.fragOff(iph);
        boolean moreAfter = (fragOff & IpHdr.IP_MF) != 0;
        int df = IpSkbCb.has(skb, IpSkbCb.IPSKB_FRAG_PMTU) ? IpHdr.IP_DF : 0;
        int offset = (fragOff & IpHdr.IP_OFFSET) << 3;
        int left = skb.len - hlen;
        int ptr = hlen;
        Sock owner = skb.sk instanceof Sock s ? s : null;
        boolean optionsDone = false;
        while (left > 0) {
            int len = Math.min(left, mtu - hlen);
            if (len < left) {
                len &= ~7;
            }
            SkBuff skb2 = cpu.allocSkb(room + hlen + len);
            if (skb2 == null) {
                return fail(cpu, v4, skb, -Errno.ENOMEM);
            }
            skb2.reserve(room);
            skb2.put(hlen + len);
            skb2.resetNetworkHeader();
            skb2.setTransportHeader(hlen);
            copyMetadata(skb, skb2);
            if (owner != null) {
                owner.setOwnerW(skb2);
            }
            Wire.copy(skb.networkAddress(), skb2.networkAddress(), hlen);
            if (skb.copyBits(ptr, skb2.dataAddress() + hlen, len) != 0) {
                skb2.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
                return fail(cpu, v4, skb, -Errno.EFAULT);
            }
            left -= len;
            long to = skb2.networkAddress();
            IpHdr.fragOff(to, df | offset >> 3 | (left > 0 || moreAfter ? IpHdr.IP_MF : 0));
            IpHdr.totLen(to, len + hlen);
            if (!optionsDone && offset == 0) {
                // From here on the original's header, which the next ones copy, lacks them.
                IpOptions.fragment(skb.networkAddress(), hlen - IpHdr.LENGTH);
                optionsDone = true;
            }
            ptr += len;
            offset += len;
            IpHdr.sendCheck(to);
            int err = IpOutput.ipFinishOutput2(cpu, net, sk, skb2);
            if (err != 0) {
                return fail(cpu, v4, skb, err);
            }
            v4.ip.inc(cpu, IpMib.Ip.FRAGCREATES);
        }
        skb.consume(cpu);
        v4.ip.inc(cpu, IpMib.Ip.FRAGOKS);
        return 0;
    }
}
