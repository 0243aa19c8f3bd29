package net.core;

import java.util.Arrays;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/**
 * Who wants to hear of an event: device up and down, address added. Called in priority order, highest first.
 *
 * <p>Context: registration in process context under rtnl; the call in the context of the event's source.
 *
 * <p>Linux: struct raw_notifier_head, kernel/notifier.c.
 *
 * @param <E> the event's data
 */
public final class NotifierChain<E> {
    /** NOTIFY_DONE: go on. */
    public static final int DONE = 0;
    /** NOTIFY_OK: seen and welcome. */
    public static final int OK = 1;
    /** Set by a listener that ends the chain. */
    public static final int STOP_MASK = 0x8000;
    /** NOTIFY_BAD: a veto. The low bits may carry an errno: {@code BAD | errno << 16}. */
    public static final int BAD = STOP_MASK | 2;

    /**
     * One listener.
     *
     * @param <E> the event's data
     */
    @FunctionalInterface
    public interface Listener<E> {
        /** Hears of {@code event}; the result is one of the constants of {@link NotifierChain}. */
        int notifierCall(int event, E data);
    }

    private record Block<E>(Listener<E> listener, int priority) {}

    private volatile Block<?>[] blocks = new Block<?>[0];

    /** An empty chain. */
    public NotifierChain() {}

    /** Adds a listener of priority 0. */
    public void register(Listener<E> listener) {
        register(listener, 0);
    }

    /** Adds a listener; higher priorities hear first, equal ones in the order of registration. */
    public synchronized void register(Listener<E> listener, int priority) {
        Block<?>[] next = Arrays.copyOf(blocks, blocks.length + 1);
        next[blocks.length] = new Block<>(listener, priority);
        Arrays.sort(next, Comparator.comparingInt((Block<?> b) -> b.priority()).reversed());
        blocks = next;
    }

    /** Removes a listener; false if it was not there. */
    public synchronized boolean unregister(Listener<E> listener) {
        Block<?>[] old = blocks;
        Block<?>[] next =
                Arrays.stream(old).filter(b -> b.listener() != listener).toArray(Block<?>[]::new);
        blocks = next;
        return next.length != old.length;
    }

    /** Tells every listener until one stops the chain; the last result. */
    @SuppressWarnings("unchecked")
    public int call(int event, E data) {
        int result = DONE;
        for (@Nullable Block<?> block : blocks) {
            result = ((Block<E>) block).listener().notifierCall(event, data);
            if ((result & STOP_MASK) != 0) {
                break;
            }
        }
        return result;
    }
}
