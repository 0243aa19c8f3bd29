package net.core.dev;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.core.Cpu;
import net.core.Kernel;
import net.core.NotifierChain;
import net.core.PerKernel;
import net.skbuff.HotPath;
import net.skbuff.SipHash;
import org.jspecify.annotations.Nullable;

/**
 * What dev.c and its neighbours keep in global variables, once per kernel: protocol handlers, taps, offload callbacks,
 * qdiscs, the notifier chain and the {@code net.core.*} settings.
 *
 * <p>Context: handler tables are replaced under this object's monitor and read without a lock.
 */
public final class DevGlobals {
    static final PerKernel<DevGlobals> SLOT = new PerKernel<>();
    static final PacketType[] NO_PTYPES = {};
    private static final int PTYPE_HASH_SIZE = 16;
    /** Above any CPU number. Linux: MIN_NAPI_ID */
    private static final int FIRST_NAPI_ID = 65;

    /** The kernel. */
    public final Kernel kernel;
    /** Devices coming and going; events are {@link NetdevEvent}, data is the device. Context: rtnl. */
    public final NotifierChain<NetDevice> netdevChain = new NotifierChain<>();
    /** Queueing disciplines by name. */
    public final QdiscRegistry qdiscs = new QdiscRegistry();
    /** Swallows packets of devices that are down. */
    final Qdisc noop = new SchGeneric.NoopQdisc();
    /** Key of packet hashes. */
    final SipHash flowHash;

    // net.core.* settings.
    /** Packets per NET_RX run; netdev_budget. */
    public volatile int netdevBudget = 300;
    /** Time per NET_RX run, us; netdev_budget_usecs. */
    public volatile int netdevBudgetUsecs = 2000;
    /** Packets per poll of a backlog; dev_weight. */
    public volatile int devRxWeight = 64;
    /** Packets per qdisc run; dev_weight with its bias. */
    public volatile int devTxWeight = 64;
    /** Packets a CPU's backlog holds; netdev_max_backlog. */
    public volatile int maxBacklog = 1000;
    /** Packets GRO hands up at once; gro_normal_batch. */
    public volatile int groNormalBatch = 8;
    /** RFS: which CPU last read each flow; rps_sock_flow_entries. Null: off. */
    volatile Rps.@Nullable RpsSockFlowTable rpsSockFlowTable;

    private volatile @Nullable NapiStruct[] napis = {};
    private volatile PacketType[] ptypeAll = NO_PTYPES;
    private final PacketType[][] ptypeBase = new PacketType[PTYPE_HASH_SIZE][];
    private volatile @Nullable OffloadCallbacks ipv4Offload;
    private volatile @Nullable OffloadCallbacks ipv6Offload;
    /** True once any device steers. */
    volatile boolean rpsNeeded;
    /** Sockets and taps that want receive stamps; 0 spares the clock. Linux: netstamp_needed_key */
    private volatile int netstampNeeded;

    DevGlobals(Kernel kernel, SipHash flowHash) {
        this.kernel = kernel;
        this.flowHash = flowHash;
        Arrays.fill(ptypeBase, NO_PTYPES);
    }

    /** The globals of {@code kernel}. */
    @HotPath
    public static DevGlobals of(Kernel kernel) {
        return SLOT.get(kernel);
    }

    /** Sizes the RFS table; 0 turns it off. */
    void setRpsSockFlowEntries(int entries) {
        rpsSockFlowTable = entries == 0 ? null : new Rps.RpsSockFlowTable(entries, kernel.cpus());
        if (entries != 0) {
            rpsNeeded = true;
        }
    }

    /** The RFS table for sockets to record their readers in, or null. */
    public Rps.@Nullable RpsSockFlowTable rpsSockFlowTable() {
        return rpsSockFlowTable;
    }

    /** Sets the CPUs that share a receive queue's packets; null turns RPS off there. */
    public void setRpsMap(NetDevice dev, int rxQueue, int @Nullable [] cpus) {
        dev.rx[rxQueue].rpsMap = cpus;
        if (cpus != null) {
            rpsNeeded = true;
        }
    }

    // NAPI instances by number.

    synchronized int addNapi(NapiStruct n) {
        @Nullable NapiStruct[] a = napis;
        for (int i = 0; i < a.length; i++) {
            if (a[i] == null) {
                @Nullable NapiStruct[] b = a.clone();
                b[i] = n;
                napis = b;
                return FIRST_NAPI_ID + i;
            }
        }
        @Nullable NapiStruct[] b = Arrays.copyOf(a, a.length + 1);
        b[a.length] = n;
        napis = b;
        return FIRST_NAPI_ID + a.length;
    }

    synchronized void removeNapi(NapiStruct n) {
        @Nullable NapiStruct[] b = napis.clone();
        b[n.napiId - FIRST_NAPI_ID] = null;
        napis = b;
    }

    /** The instance a packet's or socket's {@code napiId} names, or null: for busy polling. Linux: napi_by_id(). */
    @HotPath
    public @Nullable NapiStruct napiById(int napiId) {
        @Nullable NapiStruct[] a = napis;
        int i = napiId - FIRST_NAPI_ID;
        return i >= 0 && i < a.length ? a[i] : null;
    }

    /**
     * Waits until every CPU has been given back once: whoever read a pointer that was replaced before has let go of it.
     * Packet paths hold a word throughout, so this is their grace period.
     *
     * <p>Context: process, without a word.
     *
     * <p>Linux: synchronize_net()
     */
    public void synchronizeNet() {
        for (int i = 0; i < kernel.cpus(); i++) {
            Cpu cpu = kernel.cpu(i);
            cpu.localBhDisable();
            cpu.localBhEnable();
        }
    }

    // Protocol handlers and taps.

    /** Stamps received packets from now on, until as many {@link #netDisableTimestamp}. Linux: net_enable_timestamp() */
    public synchronized void netEnableTimestamp() {
        netstampNeeded = netstampNeeded + 1;
    }

    /** Linux: net_disable_timestamp() */
    public synchronized void netDisableTimestamp() {
        netstampNeeded = netstampNeeded - 1;
    }

    @HotPath
    boolean netstampNeeded() {
        return netstampNeeded != 0;
    }

    /** Adds a receiver or, for ETH_P_ALL, a tap. Linux: dev_add_pack(). */
    public synchronized void addPack(PacketType pt) {
        if (pt.type != PacketType.ETH_P_ALL) {
            int i = pt.type & PTYPE_HASH_SIZE - 1;
            ptypeBase[i] = append(ptypeBase[i], pt);
            java.lang.invoke.VarHandle.releaseFence();
        } else if (pt.dev != null) {
            pt.dev.ptypeAll = append(pt.dev.ptypeAll, pt);
        } else {
            ptypeAll = append(ptypeAll, pt);
        }
    }

    /** Removes a receiver or tap; a CPU in the middle of a packet may still call it once. Linux: __dev_remove_pack(). */
    public synchronized void removePack(PacketType pt) {
        if (pt.type != PacketType.ETH_P_ALL) {
            int i = pt.type & PTYPE_HASH_SIZE - 1;
            ptypeBase[i] = without(ptypeBase[i], pt);
        } else if (pt.dev != null) {
            pt.dev.ptypeAll = without(pt.dev.ptypeAll, pt);
        } else {
            ptypeAll = without(ptypeAll, pt);
        }
    }

    private static PacketType[] append(PacketType[] a, PacketType pt) {
        PacketType[] b = Arrays.copyOf(a, a.length + 1);
        b[a.length] = pt;
        return b;
    }

    private static PacketType[] without(PacketType[] a, PacketType pt) {
        List<PacketType> l = new ArrayList<>(Arrays.asList(a));
        l.remove(pt);
        return l.toArray(NO_PTYPES);
    }

    @HotPath
    PacketType[] ptypeAll() {
        return ptypeAll;
    }

    @HotPath
    PacketType[] ptypesFor(int ethertype) {
        return ptypeBase[ethertype & PTYPE_HASH_SIZE - 1];
    }

    // Offload callbacks.

    /** Registers a protocol's GSO and GRO functions by ethertype. Linux: dev_add_offload(). */
    public void addOffload(int ethertype, OffloadCallbacks callbacks) {
        switch (ethertype) {
            case EthHdr.ETH_P_IP -> ipv4Offload = callbacks;
            case EthHdr.ETH_P_IPV6 -> ipv6Offload = callbacks;
            default ->
                throw new IllegalArgumentException("no offload for ethertype 0x" + Integer.toHexString(ethertype));
        }
    }

    @HotPath
    @Nullable
    OffloadCallbacks offloadFor(int ethertype) {
        return ethertype == EthHdr.ETH_P_IP ? ipv4Offload : ethertype == EthHdr.ETH_P_IPV6 ? ipv6Offload : null;
    }
}
