package net.metrics;

import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * Meters of things that come and go: namespaces, devices, qdiscs. Each thing is told apart by identity, since a name
 * may mean another one tomorrow.
 *
 * @param <T> what is measured
 */
final class MeterSet<T> {
    private final Meters meters;
    private final BiConsumer<Meters, T> binder;
    private final Map<T, Meters> bound = new IdentityHashMap<>();

    MeterSet(Meters meters, BiConsumer<Meters, T> binder) {
        this.meters = meters;
        this.binder = binder;
    }

    /** Makes the meters those of {@code current}. The ones that are gone leave first: a new one may have their tags. */
    void sync(Collection<T> current) {
        Set<T> keep = Collections.newSetFromMap(new IdentityHashMap<>());
        keep.addAll(current);
        bound.entrySet().removeIf(entry -> {
            if (keep.contains(entry.getKey())) {
                return false;
            }
            entry.getValue().remove();
            return true;
        });
        for (T thing : current) {
            if (!bound.containsKey(thing)) {
                Meters own = meters.child();
                binder.accept(own, thing);
                bound.put(thing, own);
            }
        }
    }
}
