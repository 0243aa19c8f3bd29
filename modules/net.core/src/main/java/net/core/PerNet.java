package net.core;

import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A module's typed slot in every namespace: {@code static final PerNet<TcpNet> TCP = new PerNet<>()}. The slot number is
 * fixed once per JVM and class, so that a read is one array load. Linux: net_generic(), include/net/netns/generic.h.
 *
 * @param <T> what the slot holds
 */
public final class PerNet<T> {
    private static final AtomicInteger NEXT_SLOT = new AtomicInteger();

    /** The number to use with {@link Net#slot(int)}. */
    public final int slot = nextSlot();

    /** A slot of its own. */
    public PerNet() {}

    static int nextSlot() {
        return NEXT_SLOT.getAndIncrement();
    }

    /** This namespace's object. Set by the module's {@link PernetOperations#init}; reading it before is a bug. */
    public T get(Net net) {
        return net.slot(slot);
    }

    /** Sets this namespace's object. Context: pernet init and exit. */
    public void set(Net net, @Nullable T value) {
        net.setSlot(slot, value);
    }
}
