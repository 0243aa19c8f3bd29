package net.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Registers meters of one registry and remembers them, so that they can be taken out again. Context: not hot. */
final class Meters {
    private final MeterRegistry registry;
    private final List<Meter> made = new ArrayList<>();

    Meters(MeterRegistry registry) {
        this.registry = registry;
    }

    /**
     * A number that only grows. {@code source} is held weakly: it must live in the kernel.
     *
     * @param linux where Linux shows it; the text for people
     */
    <T> void counter(String name, String unit, String linux, Tags tags, T source, ToDoubleFunction<T> value) {
        made.add(FunctionCounter.builder(name, source, value)
                .tags(tags)
                .description(linux)
                .baseUnit(unit.isEmpty() ? null : unit)
                .register(registry));
    }

    /** A number that goes both ways. */
    <T> void gauge(String name, String unit, String linux, Tags tags, T source, ToDoubleFunction<T> value) {
        made.add(Gauge.builder(name, source, value)
                .tags(tags)
                .description(linux)
                .baseUnit(unit.isEmpty() ? null : unit)
                .register(registry));
    }

    /** Meters for something that may go before the registry does. */
    Meters child() {
        return new Meters(registry);
    }

    void remove() {
        made.forEach(registry::remove);
        made.clear();
    }
}
