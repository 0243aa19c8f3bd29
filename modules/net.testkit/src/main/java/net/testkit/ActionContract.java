package net.testkit;

import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.EthHdr;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceOps;
import net.core.dev.QdiscSkbCb;
import net.core.dev.SkbVlan;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.sched.TcOptions;
import net.sched.act.TcActionTable;
import net.sched.act.TcfExts;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;

/**
 * What every kind of action has to keep, tried with a seeded mix of packets: sound ones, cut short, garbage, in pieces, with
 * tags, on the way in and on the way out, their data shared with a clone.
 *
 * <ul>
 *   <li>The verdict is one there is, and says truly whose the packet is: none is lost, none freed twice.
 *   <li>The packet's geometry stays sound, and nobody else's bytes change.
 *   <li>Each packet is counted once, with its bytes.
 *   <li>An instance is held as often as it was bound, and is gone when nobody does.
 *   <li>It prints itself, as text and as JSON, and what it needs for a packet is not on the Java heap.
 * </ul>
 *
 * <p>The kernel has two Ethernet devices that are up, {@code c0}, which the packets are at, and {@code c1}.
 */
public final class ActionContract {
    private static final int PACKETS = 2000;
    private static final int BURST = 500;
    private static final int LARGEST = 1500;

    private final Kernel kernel;
    private final String words;
    private final SplittableRandom random;
    private final long seed;
    private final NetDevice dev;
    private final long scratch;
    private String step = "parse";

    private ActionContract(Kernel kernel, String words, long seed) {
        this.kernel = kernel;
        this.words = words;
        this.seed = seed;
        random = new SplittableRandom(seed);
        dev = device("c0");
        device("c1");
        scratch = UnsafeApi.allocateMemory(2L * (LARGEST + 64));
    }

    private NetDevice device(String name) {
        NetDeviceOps ops = (cpu, skb, d, txq, more) -> {
            skb.consume(cpu);
            return NetDeviceOps.NETDEV_TX_OK;
        };
        NetDevice d = new NetDevice(kernel.initNet(), name, ops, 1, 1);
        EthHdr.etherSetup(d);
        d.devAddr = new byte[] {2, 0, 0, 0, 0, (byte) name.charAt(1)};
        d.rxHandler = (cpu, skb) -> {
            skb.consume(cpu);
            return NetDevice.RxHandler.RX_HANDLER_CONSUMED;
        };
        d.register();
        d.open();
        return d;
    }

    /**
     * Tries {@code words}, what stands behind {@code action}.
     *
     * @throws AssertionError that names the words, the seed and the step
     */
    public static void verify(String words, long seed) {
        try (Kernel kernel = Kernel.boot("clock=virtual", "debug", "seed=" + seed)) {
            verify(kernel, words, seed);
        }
    }

    /** As {@link #verify(String, long)} in a kernel of the caller's, in virtual time, which may have modules of others. */
    public static void verify(Kernel kernel, String words, long seed) {
        ActionContract c = new ActionContract(kernel, words, seed);
        try {
            c.run();
        } catch (RuntimeException e) {
            throw new AssertionError(c.where() + ": " + e, e);
        } finally {
            UnsafeApi.freeMemory(c.scratch);
        }
        kernel.scheduler().sleep(1_000_000_000);
    }

    /** Checks that in the steady state a packet costs no Java heap. */
    public static void verifyAllocation(String words) {
        try (Kernel kernel = Kernel.boot("clock=virtual", "seed=1")) {
            ActionContract c = new ActionContract(kernel, words, 1);
            c.step = "allocation";
            TcfExts exts = c.exts();
            var threads = (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
            long used = Long.MAX_VALUE;
            for (int round = 0; round < 40; round++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                c.burst(exts);
                used = Math.min(used, threads.getCurrentThreadAllocatedBytes() - before);
                kernel.scheduler().sleep(1_000_000);
            }
            exts.destroy();
            UnsafeApi.freeMemory(c.scratch);
            c.check(used < BURST, "allocates " + used + " bytes for " + BURST + " packets");
        }
    }

    private String where() {
        return "action \"" + words + "\", seed " + seed + ", " + step;
    }

    private void check(boolean ok, String what) {
        if (!ok) {
            throw new AssertionError(where() + ": " + what);
        }
    }

    private TcfExts exts() {
        return TcfExts.parse(kernel.initNet(), new TcOptions("contract", List.of(words.split(" "))));
    }

    private void run() {
        TcfExts exts = exts();
        check(!exts.isEmpty(), "no action was made");
        holders(exts);
        for (int i = 0; i < PACKETS; i++) {
            step = "packet " + i;
            long packets = exts.get(0).packets();
            long bytes = exts.get(0).bytes();
            Cpu cpu = kernel.localBhDisable(0);
            int len;
            try {
                cpu.refreshClock();
                len = packet(cpu, exts);
            } finally {
                cpu.localBhEnable();
            }
            check(exts.get(0).packets() >= packets + 1, "did not count its packet");
            check(exts.get(0).bytes() >= bytes + len, "did not count its bytes");
            if (i % 50 == 0) {
                kernel.scheduler().sleep(100_000);
            }
        }
        step = "print";
        print(exts);
        step = "end";
        exts.destroy();
        TcActionTable table = TcActionTable.of(kernel.initNet());
        for (String kind : table.kindNames()) {
            check(table.all(kind).isEmpty(), "left an instance of " + kind);
        }
    }

    private void holders(TcfExts exts) {
        step = "holders";
        String first = words.split(" action ")[0];
        if (first.contains("index")) {
            return;
        }
        int index = exts.get(0).index;
        String kind = exts.get(0).ops.id();
        TcfExts again = TcfExts.parse(
                kernel.initNet(), new TcOptions("contract", List.of(kind, "index", Integer.toString(index))));
        check(again.get(0) == exts.get(0), "index " + index + " names another");
        check(exts.get(0).refs() == 2 && exts.get(0).binds() == 2, "not held twice");
        again.destroy();
        check(exts.get(0).refs() == 1, "still held twice");
    }

    private int packet(Cpu cpu, TcfExts exts) {
        boolean ingress = random.nextInt(2) == 0;
        SkBuff skb = build(cpu, 14 + random.nextInt(LARGEST - 14), random.nextInt(4), random.nextInt(3) == 0);
        if (random.nextInt(4) == 0) {
            SkbVlan.putTag(skb, EthHdr.ETH_P_8021Q, random.nextInt(0x10000));
        }
        if (ingress) {
            skb.pull(EthHdr.ETH_HLEN);
            skb.resetMacLen();
        }
        skb.tcAtIngress = ingress;
        int len = skb.len;
        QdiscSkbCb.setPktLen(skb, len);
        SkBuff other = random.nextInt(2) == 0 ? skb.clone(cpu) : null;
        if (other != null) {
            check(other.copyBits(0, scratch, len) == 0, "the contract's own copy failed");
        }
        int rc = exts.exec(cpu, skb);
        verdict(rc);
        if (rc != TcfBlock.TC_ACT_CONSUMED) {
            check(skb.len >= 0 && skb.dataLen >= 0 && skb.headlen() == skb.len - skb.dataLen, "broken geometry");
            check(skb.tail - skb.data == skb.headlen() && skb.headroom() >= 0, "broken pointers");
            skb.consume(cpu);
        }
        if (other != null) {
            other.copyBits(0, scratch + LARGEST + 64, len);
            for (int i = 0; i < len; i++) {
                check(
                        UnsafeApi.getByte(scratch + i) == UnsafeApi.getByte(scratch + LARGEST + 64 + i),
                        "changed byte " + i + " of a clone");
            }
            other.consume(cpu);
        }
        return len;
    }

    private void verdict(int rc) {
        boolean known = rc >= TcfBlock.TC_ACT_UNSPEC && rc <= TcfBlock.TC_ACT_CONSUMED
                || (rc & 0xF0000000) == TcfBlock.TC_ACT_GOTO_CHAIN;
        check(known && rc != TcfBlock.TC_ACT_PIPE, "answers " + rc);
    }

    /** Shape 0 and 1: UDP and TCP; 2: cut short; 3: garbage. */
    private SkBuff build(Cpu cpu, int want, int shape, boolean pieces) {
        int len = shape < 2 ? Math.max(want, 60) : want;
        SkBuff skb = Objects.requireNonNull(cpu.allocSkb(len + 64));
        skb.reserve(64);
        int linear = pieces ? EthHdr.ETH_HLEN + random.nextInt(len - EthHdr.ETH_HLEN + 1) : len;
        skb.put(len);
        long eth = skb.dataAddress();
        for (int i = 0; i < len; i++) {
            UnsafeApi.putByte(eth + i, (byte) random.nextInt());
        }
        EthHdr.setType(eth, EthHdr.ETH_P_IP);
        if (shape != 3 && len >= 34) {
            header(eth + EthHdr.ETH_HLEN, shape == 2 ? 1400 : len - EthHdr.ETH_HLEN, shape == 1 ? 6 : 17);
        }
        if (linear < len) {
            SkBuff rest = Objects.requireNonNull(cpu.allocSkb(len - linear));
            rest.put(len - linear);
            UnsafeApi.copyMemory(eth + linear, rest.dataAddress(), len - linear);
            skb.trim(linear);
            skb.shinfo().fragList = rest;
            skb.len += rest.len;
            skb.dataLen += rest.len;
            skb.truesize += rest.truesize;
        }
        skb.dev = dev;
        skb.protocol = EthHdr.ETH_P_IP;
        skb.resetMacHeader();
        skb.setNetworkHeader(EthHdr.ETH_HLEN);
        skb.resetMacLen();
        QdiscSkbCb.setPktLen(skb, len);
        return skb;
    }

    private static void header(long ip, int len, int proto) {
        UnsafeApi.putByte(ip, (byte) 0x45);
        UnsafeApi.putByte(ip + 2, (byte) (len >> 8));
        UnsafeApi.putByte(ip + 3, (byte) len);
        UnsafeApi.putByte(ip + 6, (byte) 0x40);
        UnsafeApi.putByte(ip + 7, (byte) 0);
        UnsafeApi.putByte(ip + 9, (byte) proto);
    }

    private void print(TcfExts exts) {
        TcPrint text = new TcPrint(false);
        exts.dump(text, true);
        String head = "\taction order 1: ";
        check(text.toString().contains(head), "prints no list");
        check(text.toString().contains(exts.get(0).ops.id()), "does not print its kind");
        TcPrint json = new TcPrint(true);
        exts.dump(json.open(""), true);
        String s = json.close().toString();
        int depth = 0;
        for (char c : s.toCharArray()) {
            depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
        }
        check(depth == 0 && s.contains("\"kind\":\"" + exts.get(0).ops.id() + "\""), "prints bad JSON: " + s);
    }

    private void burst(TcfExts exts) {
        Cpu cpu = kernel.localBhDisable(0);
        for (int i = 0; i < BURST; i++) {
            SkBuff skb = build(cpu, 200, i & 1, false);
            skb.tcAtIngress = (i & 2) != 0;
            if (skb.tcAtIngress) {
                skb.pull(EthHdr.ETH_HLEN);
            }
            if (exts.exec(cpu, skb) != TcfBlock.TC_ACT_CONSUMED) {
                skb.consume(cpu);
            }
        }
        cpu.localBhEnable();
    }
}
