package net.core.dev;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import net.core.Net;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * A namespace's devices.
 *
 * <p>Context: changed under rtnl; looked up without a lock in an array that is replaced, never changed.
 *
 * <p>Linux: dev_get_by_index_rcu(), dev_get_by_name_rcu(), net/core/dev.c
 */
public final class NetDeviceTable {
    private static final NetDevice[] EMPTY = {};

    private final Net net;
    /** In order of registration. */
    private volatile NetDevice[] devices = EMPTY;
    /** By ifindex. */
    private volatile @Nullable NetDevice[] byIndex = new @Nullable NetDevice[8];

    private int lastIfindex;
    private @Nullable NetDevice loopback;

    /** An empty table. */
    public NetDeviceTable(Net net) {
        this.net = net;
    }

    /** The devices of {@code net}. */
    @HotPath
    public static NetDeviceTable of(Net net) {
        return net.devices;
    }

    /** The device with this index, or null. Linux: dev_get_by_index(). */
    @HotPath
    public @Nullable NetDevice byIndex(int ifindex) {
        @Nullable NetDevice[] t = byIndex;
        return ifindex > 0 && ifindex < t.length ? t[ifindex] : null;
    }

    /** The device with this name, or null. Linux: dev_get_by_name(). */
    public @Nullable NetDevice byName(String name) {
        for (NetDevice d : devices) {
            if (d.name().equals(name)) {
                return d;
            }
        }
        return null;
    }

    /** All devices, in order of registration. */
    public List<NetDevice> all() {
        return List.of(devices);
    }

    /** The namespace's {@code lo}. */
    @HotPath
    public NetDevice loopback() {
        return Objects.requireNonNull(loopback);
    }

    void setLoopback(NetDevice lo) {
        loopback = lo;
    }

    /** Replaces {@code %d} by the first free number. Linux: dev_alloc_name(). */
    String allocName(String pattern) {
        int at = pattern.indexOf("%d");
        if (at < 0) {
            return pattern;
        }
        for (int i = 0; ; i++) {
            String name = pattern.substring(0, at) + i + pattern.substring(at + 2);
            if (byName(name) == null) {
                return name;
            }
        }
    }

    void add(NetDevice dev) {
        if (dev.ifindex == 0) {
            dev.ifindex = ++lastIfindex;
        }
        @Nullable NetDevice[] t = Arrays.copyOf(byIndex, Math.max(byIndex.length, dev.ifindex + 1));
        t[dev.ifindex] = dev;
        NetDevice[] d = Arrays.copyOf(devices, devices.length + 1);
        d[devices.length] = dev;
        byIndex = t;
        devices = d;
    }

    void remove(NetDevice dev) {
        @Nullable NetDevice[] t = byIndex.clone();
        t[dev.ifindex] = null;
        byIndex = t;
        devices = Arrays.stream(devices).filter(d -> d != dev).toArray(NetDevice[]::new);
    }

    /** Unregisters every device, the newest first: the namespace ends. Linux: default_device_exit_batch(). */
    public void unregisterAll() {
        for (NetDevice dev : all().reversed()) {
            dev.unregister();
        }
    }

    /** The namespace. */
    public Net net() {
        return net;
    }
}
