package net.sched.cls;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.QdiscSkbCb;
import net.core.dev.SchApi;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.agrona.UnsafeApi;

/** Filters on nothing in particular, in a kernel in virtual time, and packets of any bytes and geometry for them. */
final class ClsLab implements AutoCloseable {
    /** What {@link #classify} gives where no filter matches. */
    static final int NOTHING = -1;

    private static final int ROOM = 40;

    final Kernel kernel = Kernel.boot("clock=virtual", "debug");
    final NetDevice dev;
    final TcfFilters filters = new TcfFilters(0x10000, null);

    ClsLab() {
        NetDeviceOps ops = (cpu, skb, d, txq, more) -> {
            skb.consume(cpu);
            return NetDeviceOps.NETDEV_TX_OK;
        };
        dev = new NetDevice(kernel.initNet(), "lab0", ops, 1, 1);
        EthHdr.etherSetup(dev);
        dev.register();
    }

    /** As {@code tc filter VERB ... pref P protocol PROTO [handle H] KIND ...}; the line begins with the verb. */
    void tc(String line) {
        List<String> w = Arrays.asList(line.trim().split("\\s+"));
        int at = 1;
        int prio = 0;
        int proto = TcfFilters.ETH_P_ALL;
        int chain = 0;
        String handle = null;
        boolean protoGiven = false;
        while (at < w.size() && List.of("pref", "protocol", "handle", "chain").contains(w.get(at))) {
            String v = w.get(at + 1);
            switch (w.get(at)) {
                case "pref" -> prio = Integer.parseInt(v);
                case "protocol" -> {
                    proto = LlProto.parse(v);
                    protoGiven = true;
                }
                case "chain" -> chain = Integer.parseInt(v);
                default -> handle = v;
            }
            at += 2;
        }
        String kind = at < w.size() ? w.get(at) : null;
        if (w.getFirst().equals("del")) {
            filters.delete(new FilterId(chain, prio, protoGiven ? proto : 0, kind, handle));
            return;
        }
        SchApi.Verb verb = switch (w.getFirst()) {
            case "add" -> SchApi.Verb.ADD;
            case "change" -> SchApi.Verb.CHANGE;
            default -> SchApi.Verb.REPLACE;
        };
        filters.modify(
                kernel.initNet(), verb, new FilterId(chain, prio, proto, kind, handle), w.subList(at + 1, w.size()));
    }

    String show(boolean stats) {
        TcPrint p = new TcPrint(false);
        filters.print(p, 0x10000, stats);
        return p.toString();
    }

    /** The class that the filters choose for an Ethernet frame as it is sent; {@link #NOTHING} for none. */
    int classify(byte[] frame) {
        return classify(frame, frame.length, false, s -> {});
    }

    /**
     * As {@link #classify(byte[])}.
     *
     * @param linear bytes in the linear part; the rest is in a fragment
     * @param received the link header was pulled, as at the ingress hook
     * @param prepare last touches
     */
    int classify(byte[] frame, int linear, boolean received, Consumer<SkBuff> prepare) {
        Cpu cpu = kernel.localBhDisable(0);
        try {
            SkBuff skb = packet(cpu, frame, linear, received);
            prepare.accept(skb);
            QdiscSkbCb.setTcClassid(skb, 0);
            int act = filters.classify(cpu, skb);
            int id = QdiscSkbCb.tcClassid(skb);
            skb.kfree(cpu, SkbDropReason.NOT_SPECIFIED);
            return act == TcfBlock.TC_ACT_OK ? id : act == TcfBlock.TC_ACT_UNSPEC ? NOTHING : -100 - act;
        } finally {
            cpu.localBhEnable();
        }
    }

    SkBuff packet(Cpu cpu, byte[] frame, int linearBytes, boolean received) {
        int linear = Math.max(linearBytes, Math.min(frame.length, 14));
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(ROOM + linear));
        skb.reserve(ROOM);
        skb.put(linear);
        for (int i = 0; i < linear; i++) {
            UnsafeApi.putByte(skb.dataAddress() + i, frame[i]);
        }
        if (linear < frame.length) {
            int rest = frame.length - linear;
            Page page = Objects.requireNonNull(cpu.allocPage(Math.max(512, rest)));
            for (int i = 0; i < rest; i++) {
                UnsafeApi.putByte(page.address() + i, frame[linear + i]);
            }
            skb.addFrag(page, 0, rest, rest);
        }
        skb.dev = dev;
        skb.resetMacHeader();
        skb.setNetworkHeader(14);
        skb.protocol = frame.length >= 14 ? (frame[12] & 0xff) << 8 | frame[13] & 0xff : 0;
        skb.cb0 = frame.length;
        if (received && frame.length >= 14) {
            skb.pull(14);
            skb.setNetworkHeader(0);
        }
        return skb;
    }

    @Override
    public void close() {
        filters.destroy();
        kernel.close();
    }

    // ---- frames

    static void put16(byte[] b, int at, int v) {
        b[at] = (byte) (v >> 8);
        b[at + 1] = (byte) v;
    }

    static void put32(byte[] b, int at, int v) {
        put16(b, at, v >>> 16);
        put16(b, at + 2, v);
    }

    static long get32(byte[] b, int at) {
        return (b[at] & 0xffL) << 24 | (b[at + 1] & 0xff) << 16 | (b[at + 2] & 0xff) << 8 | b[at + 3] & 0xff;
    }

    /** An Ethernet frame with IPv4, {@code ihl} words of header, and bytes behind it. */
    static byte[] ipv4(int ihl, int proto, int src, int dst, byte[] payload) {
        byte[] f = new byte[14 + ihl * 4 + payload.length];
        f[0] = 2;
        f[5] = 1;
        f[6] = 2;
        f[11] = 2;
        put16(f, 12, 0x0800);
        f[14] = (byte) (0x40 | ihl);
        put16(f, 16, f.length - 14);
        f[22] = 64;
        f[23] = (byte) proto;
        put32(f, 26, src);
        put32(f, 30, dst);
        System.arraycopy(payload, 0, f, 14 + ihl * 4, payload.length);
        return f;
    }

    /** A UDP datagram. */
    static byte[] udp(int src, int dst, int sport, int dport) {
        return ipv4(5, 17, src, dst, ports(sport, dport, 8));
    }

    /** A TCP segment with these flags. */
    static byte[] tcp(int src, int dst, int sport, int dport, int flags) {
        byte[] t = ports(sport, dport, 20);
        t[12] = 0x50;
        t[13] = (byte) flags;
        return ipv4(5, 6, src, dst, t);
    }

    static byte[] ports(int sport, int dport, int len) {
        byte[] b = new byte[len];
        put16(b, 0, sport);
        put16(b, 2, dport);
        return b;
    }

    /** Any bytes of few values, so that filters of few values match now and then. */
    static byte[] fewValues(SplittableRandom random, int len) {
        byte[] b = new byte[len];
        for (int i = 0; i < len; i++) {
            b[i] = (byte) random.nextInt(4);
        }
        return b;
    }
}
