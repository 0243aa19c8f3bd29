package net.core.dev;

import net.core.Cpu;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * Receive packet steering: which CPU shall process a packet, by its flow's hash; and receive flow steering: where the
 * flow's reader last ran, as soon as the packets sent elsewhere before have been processed.
 *
 * <p>Linux: get_rps_cpu(), net/core/dev.c
 */
public final class Rps {
    private Rps() {}

    /** Which CPU last read each flow; entries hold the hash's upper bits and the CPU. Linux: struct rps_sock_flow_table */
    public static final class RpsSockFlowTable {
        final int mask;
        private final int cpuMask;
        /** Racy on purpose: a lost write costs a packet's steering. */
        private final int[] ents;

        RpsSockFlowTable(int size, int cpus) {
            int n = Integer.highestOneBit(Math.max(size - 1, 1)) << 1;
            mask = n - 1;
            cpuMask = (Integer.highestOneBit(Math.max(cpus - 1, 1)) << 1) - 1;
            ents = new int[n];
            java.util.Arrays.fill(ents, -1);
        }

        /** A reader of the flow runs on {@code cpu}. Linux: rps_record_sock_flow(). */
        @HotPath
        public void record(int hash, int cpu) {
            int v = hash & ~cpuMask | cpu;
            if (ents[hash & mask] != v) {
                ents[hash & mask] = v;
            }
        }

        int ident(int hash) {
            return ents[hash & mask];
        }

        int cpuMask() {
            return cpuMask;
        }
    }

    /** Where each flow of a queue was sent last. Linux: struct rps_dev_flow_table */
    public static final class RpsDevFlowTable {
        final int mask;
        final int[] cpu;
        final long[] lastQtail;

        /** A table of at least {@code size} flows. */
        public RpsDevFlowTable(int size) {
            int n = Integer.highestOneBit(Math.max(size - 1, 1)) << 1;
            mask = n - 1;
            cpu = new int[n];
            java.util.Arrays.fill(cpu, -1);
            lastQtail = new long[n];
        }
    }

    /**
     * The CPU that shall process {@code skb}, or -1 for this one.
     *
     * <p>Context: CPU word held.
     */
    @HotPath
    static int getRpsCpu(Cpu cpu, NetDevice dev, SkBuff skb) {
        int q = skb.queueMapping > 0 && skb.queueMapping <= dev.rx.length ? skb.queueMapping - 1 : 0;
        NetdevRxQueue rxq = dev.rx[q];
        int[] map = rxq.rpsMap;
        RpsDevFlowTable flows = rxq.rpsFlowTable;
        if (map == null && flows == null) {
            return -1;
        }
        skb.resetNetworkHeader();
        int hash = FlowDissector.getHash(cpu, skb);
        DevGlobals g = cpu.sd.globals();
        RpsSockFlowTable socks = g.rpsSockFlowTable;
        if (flows != null && socks != null) {
            int ident = socks.ident(hash);
            int wanted = ident & socks.cpuMask();
            if (((ident ^ hash) & ~socks.cpuMask()) == 0 && wanted < g.kernel.cpus()) {
                return followReader(g, flows, hash, wanted);
            }
        }
        if (map != null && map.length > 0) {
            return map[(int) ((hash & 0xffffffffL) * map.length >>> 32)];
        }
        return -1;
    }

    /** To the reader's CPU, unless older packets of the flow still wait elsewhere. */
    private static int followReader(DevGlobals g, RpsDevFlowTable flows, int hash, int wanted) {
        int i = hash & flows.mask;
        int old = flows.cpu[i];
        if (old != wanted && (old < 0 || g.kernel.cpu(old).sd.processed - flows.lastQtail[i] >= 0)) {
            flows.cpu[i] = wanted;
        }
        int target = flows.cpu[i];
        SoftnetData sd = g.kernel.cpu(target).sd;
        // By then everything that waits there now has been processed.
        flows.lastQtail[i] = sd.processed + sd.inputQueueLen() + 1;
        return target;
    }

    /** Parses a CPU mask as in rps_cpus: hexadecimal, commas allowed; null for an empty mask. */
    public static int @Nullable [] parseMask(String mask, int cpus) {
        java.math.BigInteger m = new java.math.BigInteger(mask.replace(",", ""), 16);
        int[] map = new int[m.bitCount()];
        int n = 0;
        for (int i = 0; i < cpus; i++) {
            if (m.testBit(i)) {
                map[n++] = i;
            }
        }
        return n == 0 ? null : java.util.Arrays.copyOf(map, n);
    }
}
