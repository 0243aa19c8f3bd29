package net.core;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.core.dev.NetDeviceTable;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * A network namespace: devices, settings, counters, and a slot for each module ({@link PerNet}). A host of a lab is one.
 *
 * <p>Linux: struct net, include/net/net_namespace.h.
 */
public final class Net {
    private final Kernel kernel;
    private final String name;
    private final Sysctl sysctl;
    private final Mib mib;
    private final List<PernetOperations> opened = new ArrayList<>();
    private @Nullable Object[] slots = new @Nullable Object[32];
    private boolean closed;

    /** A number of its own within the kernel: hash keys. */
    public final int id;

    /** Its network devices. */
    public final NetDeviceTable devices;

    Net(Kernel kernel, String name, int id) {
        this.kernel = kernel;
        this.name = name;
        this.id = id;
        this.sysctl = new Sysctl(kernel.sysctl(), kernel.sysctl().bootWords());
        this.mib = new Mib(kernel.cpus());
        this.devices = new NetDeviceTable(this);
    }

    /** Its kernel. */
    @HotPath
    public Kernel kernel() {
        return kernel;
    }

    /** Its name. */
    public String name() {
        return name;
    }

    /** Its settings, over the kernel's. */
    public Sysctl sysctl() {
        return sysctl;
    }

    /** Its counters. */
    public Mib mib() {
        return mib;
    }

    /** A module's object. */
    @SuppressWarnings({"unchecked", "NullAway", "TypeParameterUnusedInFormals"})
    @HotPath
    public <T> T slot(int slot) {
        return slot < slots.length ? (T) slots[slot] : null;
    }

    /** Sets a module's object. Context: pernet init and exit. */
    public void setSlot(int slot, @Nullable Object value) {
        if (slot >= slots.length) {
            slots = Arrays.copyOf(slots, Math.max(slot + 1, slots.length * 2));
        }
        slots[slot] = value;
    }

    void opened(PernetOperations ops) {
        opened.add(ops);
    }

    /** Ends the namespace: every module's exit, in reverse. Context: process. Linux: cleanup_net() */
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        devices.unregisterAll();
        for (int i = opened.size() - 1; i >= 0; i--) {
            opened.get(i).exit(this);
        }
        kernel.removeNet(this);
    }

    @Override
    public String toString() {
        return "net " + name;
    }
}
