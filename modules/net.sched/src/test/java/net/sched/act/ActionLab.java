package net.sched.act;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.dev.Dev;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.SchApi;
import net.core.dev.TcfBlock;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.TcOptions;
import net.sched.cls.TcfFilters;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;

/** A kernel in virtual time for tests of actions: packets, devices with hooks, words to actions. */
public final class ActionLab implements AutoCloseable {
    /** Class of the hook of what comes in. */
    public static final int IN = 0xFFFFFFF2;
    /** Class of the hook of what goes out. */
    public static final int OUT = 0xFFFFFFF3;

    public final Kernel kernel;
    public final Net net;

    public ActionLab(String... words) {
        String[] all = java.util.Arrays.copyOf(words, words.length + 2);
        all[words.length] = "clock=virtual";
        all[words.length + 1] = "debug";
        kernel = Kernel.boot(all);
        net = kernel.initNet();
    }

    /** The actions that these words, behind {@code action}, name. */
    public TcfExts exts(String words) {
        return TcfExts.parse(net, new TcOptions("test", List.of(words.split(" "))));
    }

    /** Ethernet device that is up. */
    public NetDevice device(String name, NetDeviceOps ops) {
        NetDevice dev = new NetDevice(net, name, ops, 1, 1);
        EthHdr.etherSetup(dev);
        dev.devAddr = new byte[] {2, 0, 0, 0, 0, (byte) name.charAt(name.length() - 1)};
        dev.register();
        dev.open();
        return dev;
    }

    /** Hangs {@code matchall} with actions on a hook of a device; makes its clsact. */
    public TcfFilters filter(NetDevice dev, int hook, String words) {
        if (dev.ingressQdisc == null) {
            SchApi.modify(dev, SchApi.Verb.ADD, TcHandle.INGRESS, 0, "clsact", List.of());
        }
        var cops =
                Objects.requireNonNull(Objects.requireNonNull(dev.ingressQdisc).classOps());
        Object cl = Objects.requireNonNull(cops.find(hook));
        TcfFilters filters = (TcfFilters) cops.filters(cl);
        if (filters == null) {
            filters = new TcfFilters();
        }
        filters.change(net, 0, 0, TcfFilters.ETH_P_ALL, "matchall", 0, List.of(words.split(" ")));
        cops.setFilters(cl, filters);
        return filters;
    }

    /** A frame of {@code len} bytes with its Ethernet header, all zero but the type. */
    public static SkBuff frame(Cpu cpu, NetDevice dev, int len) {
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(len + 64));
        skb.reserve(64);
        skb.put(len);
        UnsafeApi.setMemory(skb.dataAddress(), len, (byte) 0);
        EthHdr.setType(skb.dataAddress(), EthHdr.ETH_P_IP);
        skb.dev = dev;
        skb.protocol = EthHdr.ETH_P_IP;
        skb.resetMacHeader();
        skb.setNetworkHeader(EthHdr.ETH_HLEN);
        skb.cb0 = len;
        return skb;
    }

    /** A device that notes the length of what it sends and of what comes in to the protocols, and frees it. */
    public static final class Wire {
        public final NetDevice dev;
        public final List<Integer> out = new ArrayList<>();
        public final List<Integer> in = new ArrayList<>();

        private Wire(ActionLab lab, String name) {
            dev = lab.device(name, (cpu, skb, d, txq, more) -> {
                out.add(skb.len);
                skb.consume(cpu);
                return NetDeviceOps.NETDEV_TX_OK;
            });
            dev.rxHandler = (cpu, skb) -> {
                in.add(skb.len);
                skb.consume(cpu);
                return NetDevice.RxHandler.RX_HANDLER_CONSUMED;
            };
        }
    }

    /** A device as {@link Wire}. */
    public Wire wire(String name) {
        return new Wire(this, name);
    }

    /** Lets virtual time pass. */
    public void sleep(long ns) {
        kernel.scheduler().sleep(ns);
    }

    public interface InCpu {
        void run(Cpu cpu);
    }

    public void inCpu(InCpu body) {
        Cpu cpu = kernel.localBhDisable(0);
        try {
            cpu.refreshClock();
            body.run(cpu);
        } finally {
            cpu.localBhEnable();
        }
    }

    /** Sends a frame of {@code len} bytes by {@code dev}. */
    public void send(NetDevice dev, int len) {
        inCpu(cpu -> Dev.devQueueXmit(cpu, frame(cpu, dev, len)));
    }

    /** A frame of {@code len} bytes comes in at {@code dev}. */
    public void receive(NetDevice dev, int len) {
        inCpu(cpu -> {
            SkBuff skb = frame(cpu, dev, len);
            skb.pull(EthHdr.ETH_HLEN);
            Dev.netifReceiveSkb(cpu, skb);
        });
    }

    /** What a list answers to one packet of {@code len} bytes. */
    public int exec(TcfExts exts, int len) {
        int[] rc = new int[1];
        inCpu(cpu -> {
            SkBuff skb = frame(cpu, net.devices.loopback(), len);
            rc[0] = exts.exec(cpu, skb);
            if (rc[0] != TcfBlock.TC_ACT_CONSUMED) {
                skb.consume(cpu);
            }
        });
        return rc[0];
    }

    public static String text(TcfExts exts, boolean stats) {
        TcPrint p = new TcPrint(false);
        exts.dump(p, stats);
        return p.toString();
    }

    @Override
    public void close() {
        kernel.close();
    }
}
