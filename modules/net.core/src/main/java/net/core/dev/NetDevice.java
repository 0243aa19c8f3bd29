package net.core.dev;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.NotifierChain;
import net.core.UserError;
import net.core.time.TimerList;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkbDevice;
import org.jspecify.annotations.Nullable;

/**
 * A network interface. A driver makes one, fills in what it offers, registers it, and keeps its own state in a subclass
 * or in {@link #priv}.
 *
 * <p>Context: administration under rtnl; the packet path reads fields without a lock; counters have one set per CPU.
 *
 * <p>Linux: struct net_device, include/linux/netdevice.h
 */
public class NetDevice implements SkbDevice {
    // flags
    /** Up. */
    public static final int IFF_UP = 0x1;
    /** Has a broadcast address. */
    public static final int IFF_BROADCAST = 0x2;
    /** Loopback. */
    public static final int IFF_LOOPBACK = 0x8;
    /** Two ends. */
    public static final int IFF_POINTOPOINT = 0x10;
    /** No address resolution. */
    public static final int IFF_NOARP = 0x80;
    /** Receives everything. */
    public static final int IFF_PROMISC = 0x100;
    /** Receives all multicast. */
    public static final int IFF_ALLMULTI = 0x200;
    /** Does multicast. */
    public static final int IFF_MULTICAST = 0x1000;

    // privFlags
    /** No qdisc unless asked for: a queue in front of a device that never stops is of no use. */
    public static final int IFF_NO_QUEUE = 1 << 21;
    /** The route may be taken off a packet before transmit. */
    public static final int IFF_XMIT_DST_RELEASE = 1 << 10;
    /** The address may change while up. */
    public static final int IFF_LIVE_ADDR_CHANGE = 1 << 15;

    /** Ethernet. */
    public static final int ARPHRD_ETHER = 1;
    /** Loopback. */
    public static final int ARPHRD_LOOPBACK = 772;
    /** No link layer. */
    public static final int ARPHRD_NONE = 0xFFFE;

    /** Packets in a default qdisc. */
    public static final int DEFAULT_TX_QUEUE_LEN = 1000;
    /** Legacy upper bound of a GSO packet, bytes. */
    public static final int GSO_LEGACY_MAX_SIZE = 65536;

    private static final int LINK_STATE_START = 1;
    private static final int LINK_STATE_PRESENT = 2;
    private static final int LINK_STATE_NOCARRIER = 4;
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(NetDevice.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    // ---- transmit, read mostly ----
    /** {@code NETIF_F_*} in force. */
    public long features;
    /** The driver, or what decorates it; fixed once the device is registered. */
    public NetDeviceOps ops;
    /** Builds link headers; null if there are none. */
    public @Nullable HeaderOps headerOps;
    /** Transmit queues. */
    public NetdevQueue[] tx;
    /** Link header, bytes. */
    public int hardHeaderLen;
    /** More headroom that the driver likes to have, bytes. */
    public int neededHeadroom;
    /** Tailroom that the driver likes to have, bytes. */
    public int neededTailroom;
    /** Largest payload of a frame, bytes. */
    public volatile int mtu;
    /** Largest GSO packet, bytes. */
    public int gsoMaxSize = GSO_LEGACY_MAX_SIZE;
    /** Largest number of segments in a GSO packet. */
    public int gsoMaxSegs = 65535;
    /** Largest GSO packet that TCP over IPv4 should build, bytes. */
    public int gsoIpv4MaxSize = GSO_LEGACY_MAX_SIZE;
    /** The driver locks by itself; no transmit lock. */
    public boolean lltx;
    /** {@code IFF_*} of the private kind. */
    public int privFlags = IFF_XMIT_DST_RELEASE;
    /** XPS: by CPU, the transmit queue, or -1. Null: hash. */
    public volatile int @Nullable [] xpsCpus;
    /** Traffic classes, each with a range of transmit queues; null: all queues are alike. Context: rtnl. */
    public volatile @Nullable TrafficClasses trafficClasses;

    // ---- receive, read mostly ----
    /** Receive queues with their steering. */
    public NetdevRxQueue[] rx;
    /** Largest packet GRO builds, bytes. */
    public int groMaxSize = GSO_LEGACY_MAX_SIZE;
    /** How long held packets may wait past a poll, ns; gro_flush_timeout. */
    public long groFlushTimeoutNs;
    /** Polls without packets before interrupts are enabled again; napi_defer_hard_irqs. */
    public int napiDeferHardIrqs;
    /** Takes packets before the protocols; bridge and bond. */
    public volatile @Nullable RxHandler rxHandler;
    /** Filters of what comes in, between the taps and {@link #rxHandler}; null: none. Changes under rtnl. */
    public volatile @Nullable TcHook tcIngress;
    /** Filters of what goes out, before a transmit queue is chosen; null: none. Changes under rtnl. */
    public volatile @Nullable TcHook tcEgress;
    /** What {@code tc qdisc add ... ingress|clsact} put at the hooks; null: nothing. Context: rtnl. */
    public @Nullable Qdisc ingressQdisc;
    /** Taps on this device alone. */
    volatile PacketType[] ptypeAll = DevGlobals.NO_PTYPES;

    // ---- identity and administration, under rtnl ----
    /** Namespace. */
    public final Net net;
    /** Index in the namespace, from 1. */
    public int ifindex;
    /** {@code IFF_*}. */
    public volatile int flags;
    /** {@code ARPHRD_*}. */
    public int type = ARPHRD_NONE;
    /** Link-layer address; replaced, never changed in place. */
    public volatile byte[] devAddr = new byte[6];
    /** Link-layer broadcast address. */
    public byte[] broadcast = new byte[6];
    /** Length of the address, bytes. */
    public int addrLen;
    /** Bounds of the MTU, bytes. */
    public int minMtu;
    /** Bounds of the MTU, bytes; 0: none. */
    public int maxMtu;
    /** Features a user may change. */
    public long hwFeatures;
    /** Features a user asked for. */
    public long wantedFeatures;
    /** The root qdisc, for tc. */
    public Qdisc qdisc;
    /** Packets in a default qdisc; txqueuelen. */
    public int txQueueLen = DEFAULT_TX_QUEUE_LEN;
    /** Stopped this long, a queue is reported to the driver, jiffies. */
    public int watchdogTimeoJiffies = 5000;
    /** IPv4's part of the device (in_device), opaque here. */
    public volatile @Nullable Object ipPtr;
    /** IPv6's part of the device, opaque here. */
    public volatile @Nullable Object ip6Ptr;
    /** The driver's own. */
    public @Nullable Object priv;
    /** NAPI instances, for busy poll and tools. */
    public final List<NapiStruct> napis = new CopyOnWriteArrayList<>();

    private String name;
    private volatile int state;
    private volatile long devAddr48;
    private byte @Nullable [] devAddr48Of;
    private final DevGlobals globals;
    private boolean registered;
    private int promiscuity;

    /** Counters by CPU. */
    private final RtnlLinkStats[] stats;

    private final TimerList watchdogTimer = new TimerList() {
        @Override
        protected void expire(Cpu cpu) {
            watchdog(cpu);
        }
    };

    /**
     * A device that is not registered yet.
     *
     * @param name may hold {@code %d}
     */
    public NetDevice(Net net, String name, NetDeviceOps ops, int txQueues, int rxQueues) {
        this.net = net;
        this.name = name;
        this.ops = ops;
        this.globals = DevGlobals.of(net.kernel());
        this.qdisc = globals.noop;
        this.tx = new NetdevQueue[txQueues];
        for (int i = 0; i < txQueues; i++) {
            tx[i] = new NetdevQueue(this, i, globals.noop);
        }
        this.rx = new NetdevRxQueue[rxQueues];
        for (int i = 0; i < rxQueues; i++) {
            rx[i] = new NetdevRxQueue();
        }
        this.stats = new RtnlLinkStats[net.kernel().cpus()];
        for (int i = 0; i < stats.length; i++) {
            stats[i] = new RtnlLinkStats();
        }
    }

    /** Takes a packet before the protocols see it. Linux: rx_handler_func_t */
    @FunctionalInterface
    public interface RxHandler {
        /** On to the protocols. */
        int RX_HANDLER_PASS = 3;
        /** Only to protocols that asked for this very device. */
        int RX_HANDLER_EXACT = 2;
        /** {@code skb.dev} was changed: start again. */
        int RX_HANDLER_ANOTHER = 1;
        /** Taken. */
        int RX_HANDLER_CONSUMED = 0;

        /** Looks at a packet. */
        int handle(Cpu cpu, net.skbuff.SkBuff skb);
    }

    // Simple questions.

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final int ifindex() {
        return ifindex;
    }

    /** The kernel. */
    public final Kernel kernel() {
        return net.kernel();
    }

    final DevGlobals globals() {
        return globals;
    }

    /** This CPU's counters; written by the holder of its word. */
    @HotPath
    public final RtnlLinkStats stats(Cpu cpu) {
        return stats[cpu.id];
    }

    /** Counters summed over the CPUs, with the driver's. Linux: dev_get_stats(). */
    public final RtnlLinkStats getStats() {
        RtnlLinkStats sum = new RtnlLinkStats();
        for (RtnlLinkStats s : stats) {
            sum.add(s);
        }
        ops.ndoGetStats(this, sum);
        return sum;
    }

    /** Address as a number, cached: it is compared with every frame's. */
    @HotPath
    public final long devAddr48() {
        if (devAddr48Of != devAddr) {
            byte[] a = devAddr;
            devAddr48 = EthHdr.addr48(a);
            devAddr48Of = a;
        }
        return devAddr48;
    }

    /** Opened and not being closed. Linux: netif_running(). */
    @HotPath
    public final boolean isRunning() {
        return (state & LINK_STATE_START) != 0;
    }

    /** Not being removed. Linux: netif_device_present(). */
    public final boolean isPresent() {
        return (state & LINK_STATE_PRESENT) != 0;
    }

    /** The wire is there. Linux: netif_carrier_ok(). */
    public final boolean carrierOk() {
        return (state & LINK_STATE_NOCARRIER) == 0;
    }

    /** Administratively up. */
    @HotPath
    public final boolean isUp() {
        return (flags & IFF_UP) != 0;
    }

    /** Registered and not yet unregistered. */
    public final boolean isRegistered() {
        return registered;
    }

    /** Headroom a packet for this device should have below the network header, bytes. Linux: LL_RESERVED_SPACE(). */
    @HotPath
    public final int llReservedSpace() {
        return (hardHeaderLen + neededHeadroom & ~15) + 16;
    }

    private void setState(int bit) {
        STATE.getAndBitwiseOr(this, bit);
    }

    private void clearState(int bit) {
        STATE.getAndBitwiseAnd(this, ~bit);
    }

    // All queues at once.

    /** Lets the stack send. Linux: netif_tx_start_all_queues(). */
    public final void startAllQueues() {
        for (NetdevQueue q : tx) {
            q.start();
        }
    }

    /** Keeps the stack from sending. Linux: netif_tx_stop_all_queues(). */
    public final void stopAllQueues() {
        for (NetdevQueue q : tx) {
            q.stop();
        }
    }

    /** Lets the stack send what it kept. Linux: netif_tx_wake_all_queues(). */
    public final void wakeAllQueues(Cpu cpu) {
        for (NetdevQueue q : tx) {
            q.wake(cpu);
        }
    }

    /** Waits until no transmit is under way, with all queues stopped. Linux: netif_tx_disable(). */
    public final void txDisable() {
        Cpu cpu = kernel().localBhDisable(-1);
        for (NetdevQueue q : tx) {
            q.txLock(cpu);
            q.stop();
            q.txUnlock();
        }
        cpu.localBhEnable();
    }

    // Carrier.

    /** The wire came back. Context: any. Linux: netif_carrier_on(). */
    public final void carrierOn() {
        int old = (int) STATE.getAndBitwiseAnd(this, ~LINK_STATE_NOCARRIER);
        if ((old & LINK_STATE_NOCARRIER) != 0 && registered) {
            globals.netdevChain.call(NetdevEvent.NETDEV_CHANGE, this);
        }
    }

    /** The wire is gone. Context: any. Linux: netif_carrier_off(). */
    public final void carrierOff() {
        int old = (int) STATE.getAndBitwiseOr(this, LINK_STATE_NOCARRIER);
        if ((old & LINK_STATE_NOCARRIER) == 0 && registered) {
            globals.netdevChain.call(NetdevEvent.NETDEV_CHANGE, this);
        }
    }

    // Registration, up and down.

    /**
     * Makes the device known to its namespace. Takes rtnl.
     *
     * @throws UserError if the name is taken
     *     <p>Linux: register_netdev()
     */
    public final void register() {
        kernel().rtnl().lock();
        try {
            NetDeviceTable table = NetDeviceTable.of(net);
            name = table.allocName(name);
            if (name.isEmpty() || name.length() > 15 || name.indexOf('/') >= 0 || name.indexOf(' ') >= 0) {
                throw new UserError("not a device name: \"" + name + "\"");
            }
            if (table.byName(name) != null) {
                throw new UserError("there is already a device \"" + name + "\" in namespace " + net.name());
            }
            hwFeatures |= NetdevFeatures.NETIF_F_GSO | NetdevFeatures.NETIF_F_GRO;
            features |= NetdevFeatures.NETIF_F_GSO | NetdevFeatures.NETIF_F_GRO;
            wantedFeatures = features;
            features = NetdevFeatures.fix(ops.ndoFixFeatures(this, features));
            setState(LINK_STATE_PRESENT);
            table.add(this);
            registered = true;
            int rc = globals.netdevChain.call(NetdevEvent.NETDEV_REGISTER, this);
            if ((rc & NotifierChain.STOP_MASK) != 0) {
                unregister();
                throw new UserError("device \"" + name + "\" was refused");
            }
        } finally {
            kernel().rtnl().unlock();
        }
    }

    /** Takes the device down and out of its namespace, and drains what still points at it. Linux: unregister_netdev(). */
    public final void unregister() {
        kernel().rtnl().lock();
        try {
            if (!registered) {
                return;
            }
            close();
            NetDeviceTable.of(net).remove(this);
            registered = false;
            flushAllBacklogs();
            // A qdisc stays while it may be used: drop it now that nothing is left.
            SchGeneric.shutdown(this);
            globals.netdevChain.call(NetdevEvent.NETDEV_UNREGISTER, this);
            flushAllBacklogs();
            ops.ndoUninit(this);
            clearState(LINK_STATE_PRESENT);
        } finally {
            kernel().rtnl().unlock();
        }
    }

    /** Every CPU drops the packets of this device from its backlog. Linux: flush_all_backlogs(). */
    private void flushAllBacklogs() {
        for (int i = 0; i < kernel().cpus(); i++) {
            Cpu cpu = kernel().cpu(i);
            cpu.localBhDisable();
            cpu.sd.flushBacklog(this);
            cpu.localBhEnable();
        }
    }

    /** Brings the device up. Returns 0 or a negative errno. Linux: dev_open(). */
    public final int open() {
        kernel().rtnl().lock();
        try {
            if (isUp()) {
                return 0;
            }
            if (!isPresent()) {
                return -Errno.ENODEV;
            }
            int rc = globals.netdevChain.call(NetdevEvent.NETDEV_PRE_UP, this);
            if ((rc & NotifierChain.STOP_MASK) != 0) {
                return -Errno.EPERM;
            }
            setState(LINK_STATE_START);
            int err = ops.ndoOpen(this);
            if (err != 0) {
                clearState(LINK_STATE_START);
                return err;
            }
            flags |= IFF_UP;
            ops.ndoSetRxMode(this);
            Cpu cpu = kernel().localBhDisable(-1);
            try {
                SchGeneric.devActivate(cpu, this);
            } finally {
                cpu.localBhEnable();
            }
            globals.netdevChain.call(NetdevEvent.NETDEV_UP, this);
            return 0;
        } finally {
            kernel().rtnl().unlock();
        }
    }

    /** Takes the device down. Linux: dev_close(). */
    public final void close() {
        kernel().rtnl().lock();
        try {
            if (!isUp()) {
                return;
            }
            globals.netdevChain.call(NetdevEvent.NETDEV_GOING_DOWN, this);
            clearState(LINK_STATE_START);
            SchGeneric.devDeactivate(this);
            ops.ndoStop(this);
            flags &= ~IFF_UP;
            globals.netdevChain.call(NetdevEvent.NETDEV_DOWN, this);
        } finally {
            kernel().rtnl().unlock();
        }
    }

    /** Changes the MTU. Returns 0 or a negative errno. Linux: dev_set_mtu(). */
    public final int setMtu(int newMtu) {
        kernel().rtnl().lock();
        try {
            if (newMtu == mtu) {
                return 0;
            }
            if (newMtu < minMtu || (maxMtu > 0 && newMtu > maxMtu)) {
                return -Errno.EINVAL;
            }
            int err = ops.ndoChangeMtu(this, newMtu);
            if (err == 0) {
                globals.netdevChain.call(NetdevEvent.NETDEV_CHANGEMTU, this);
            }
            return err;
        } finally {
            kernel().rtnl().unlock();
        }
    }

    /** Changes the address. Returns 0 or a negative errno. Linux: dev_set_mac_address(). */
    public final int setMacAddress(byte[] addr) {
        kernel().rtnl().lock();
        try {
            if (addr.length != addrLen || !EthHdr.isValidAddr(addr)) {
                return -Errno.EADDRNOTAVAIL;
            }
            if (isUp() && (privFlags & IFF_LIVE_ADDR_CHANGE) == 0) {
                return -Errno.EBUSY;
            }
            int err = ops.ndoSetMacAddress(this, addr);
            if (err == 0 && registered) {
                globals.netdevChain.call(NetdevEvent.NETDEV_CHANGEADDR, this);
            }
            return err;
        } finally {
            kernel().rtnl().unlock();
        }
    }

    /** Changes txqueuelen. Linux: dev_change_tx_queue_len(). */
    public final int setTxQueueLen(int len) {
        kernel().rtnl().lock();
        try {
            if (len < 0) {
                return -Errno.ERANGE;
            }
            txQueueLen = len;
            int err = SchGeneric.changeTxQueueLen(this, len);
            if (err != 0) {
                return err;
            }
            globals.netdevChain.call(NetdevEvent.NETDEV_CHANGE_TX_QUEUE_LEN, this);
            return 0;
        } finally {
            kernel().rtnl().unlock();
        }
    }

    /** Asks for features to be on or off, as ethtool -K. Returns 0 or a negative errno. */
    public final int setFeatures(long bits, boolean on) {
        kernel().rtnl().lock();
        try {
            if ((bits & ~hwFeatures) != 0) {
                return -Errno.EOPNOTSUPP;
            }
            wantedFeatures = on ? wantedFeatures | bits : wantedFeatures & ~bits;
            return updateFeatures();
        } finally {
            kernel().rtnl().unlock();
        }
    }

    /** Puts the wanted features in force as far as they go together. Linux: __netdev_update_features(). */
    public final int updateFeatures() {
        long f = features & ~hwFeatures | wantedFeatures & hwFeatures;
        f = NetdevFeatures.fix(ops.ndoFixFeatures(this, f));
        if (f == features) {
            return 0;
        }
        int err = ops.ndoSetFeatures(this, f);
        if (err < 0) {
            return err;
        }
        features = f;
        globals.netdevChain.call(NetdevEvent.NETDEV_FEAT_CHANGE, this);
        return 0;
    }

    /** Counts users of promiscuous mode. Linux: dev_set_promiscuity(). */
    public final void setPromiscuity(int inc) {
        promiscuity += inc;
        flags = promiscuity > 0 ? flags | IFF_PROMISC : flags & ~IFF_PROMISC;
        ops.ndoSetRxMode(this);
    }

    // The watchdog.

    final void watchdogUp(Cpu cpu) {
        watchdogTimer.mod(cpu, cpu.jiffies() + watchdogTimeoJiffies);
    }

    final void watchdogDown() {
        watchdogTimer.del();
    }

    /** Reports queues that have been stopped for too long. Linux: dev_watchdog(). */
    private void watchdog(Cpu cpu) {
        if (!isRunning() || !isPresent()) {
            return;
        }
        long now = cpu.jiffies();
        if (carrierOk()) {
            for (NetdevQueue q : tx) {
                if (q.xmitStopped() && now - q.transStart > watchdogTimeoJiffies) {
                    long times = q.transTimeout + 1;
                    q.transTimeout = times;
                    ops.ndoTxTimeout(cpu, this, q);
                }
            }
        }
        watchdogTimer.mod(cpu, now + watchdogTimeoJiffies);
    }

    /** How often the watchdog found a queue stuck. */
    public final long txTimeouts() {
        long n = 0;
        for (NetdevQueue q : tx) {
            n += q.transTimeout;
        }
        return n;
    }

    @Override
    public String toString() {
        return name + "@" + net.name();
    }
}
