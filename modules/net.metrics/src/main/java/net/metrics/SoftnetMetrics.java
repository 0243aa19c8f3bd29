package net.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.ArrayList;
import java.util.List;
import net.core.Kernel;
import net.core.MibSet;
import net.core.Net;
import net.core.dev.NetDevice;
import net.core.dev.NetdevQueue;
import net.core.dev.Qdisc;
import net.core.sock.Proto;
import net.core.sock.SockRegistry;

/**
 * All counters of a kernel as Micrometer meters; the package description lists them.
 *
 * <p>Namespaces, devices, qdiscs and protocols that come or go after {@link #bindTo} are noticed by {@link #refresh}.
 *
 * <p>Context: any thread outside the packet path; methods exclude each other.
 */
public final class SoftnetMetrics implements MeterBinder, AutoCloseable {
    private final Kernel kernel;
    private final List<Binding> bindings = new ArrayList<>();

    public SoftnetMetrics(Kernel kernel) {
        this.kernel = kernel;
    }

    @Override
    public synchronized void bindTo(MeterRegistry registry) {
        Binding binding = new Binding(kernel, new Meters(registry));
        bindings.add(binding);
        binding.sync(kernel);
    }

    /** Adds meters of what is new and removes those of what is gone. */
    public synchronized void refresh() {
        for (Binding binding : bindings) {
            binding.sync(kernel);
        }
    }

    /** Takes every meter out of its registries. */
    @Override
    public synchronized void close() {
        for (Binding binding : bindings) {
            binding.remove();
        }
        bindings.clear();
    }

    private record NetMib(Net net, MibSet<?> mib) {}

    private record NetQdisc(NetDevice dev, Qdisc qdisc, int queue) {}

    /** The meters in one registry. */
    private static final class Binding {
        private final Meters fixed;
        private final MeterSet<MibSet<?>> mibs;
        private final MeterSet<Proto> protos;
        private final MeterSet<NetDevice> devices;
        private final MeterSet<Qdisc> qdiscs;
        private List<NetMib> currentMibs = List.of();
        private List<NetQdisc> currentQdiscs = List.of();

        Binding(Kernel kernel, Meters meters) {
            fixed = meters;
            KernelMeters.bind(meters, kernel);
            mibs = new MeterSet<>(meters, (m, mib) -> MibMeters.bind(m, netOf(mib), mib));
            protos = new MeterSet<>(meters, KernelMeters::bindProto);
            devices = new MeterSet<>(meters, DeviceMeters::bind);
            qdiscs = new MeterSet<>(meters, (m, q) -> {
                NetQdisc at = placeOf(q);
                DeviceMeters.bindQdisc(m, at.dev, q, at.queue);
            });
        }

        private Net netOf(MibSet<?> mib) {
            return currentMibs.stream().filter(n -> n.mib == mib).findFirst().orElseThrow().net;
        }

        private NetQdisc placeOf(Qdisc qdisc) {
            return currentQdiscs.stream()
                    .filter(q -> q.qdisc == qdisc)
                    .findFirst()
                    .orElseThrow();
        }

        void sync(Kernel kernel) {
            List<NetMib> nextMibs = new ArrayList<>();
            List<NetDevice> nextDevices = new ArrayList<>();
            List<NetQdisc> nextQdiscs = new ArrayList<>();
            for (Net net : kernel.nets()) {
                net.mib().sets().forEach(mib -> nextMibs.add(new NetMib(net, mib)));
                for (NetDevice dev : net.devices.all()) {
                    nextDevices.add(dev);
                    collectQdiscs(dev, nextQdiscs);
                }
            }
            currentMibs = nextMibs;
            currentQdiscs = nextQdiscs;
            mibs.sync(nextMibs.stream().<MibSet<?>>map(NetMib::mib).toList());
            protos.sync(SockRegistry.of(kernel).protos());
            devices.sync(nextDevices);
            qdiscs.sync(nextQdiscs.stream().map(NetQdisc::qdisc).toList());
        }

        /** The root, and beneath a root over several queues the one of each queue; built-in ones count nothing. */
        private static void collectQdiscs(NetDevice dev, List<NetQdisc> into) {
            Qdisc root = dev.qdisc;
            if (root != null && root.ops != null) {
                into.add(new NetQdisc(dev, root, -1));
            }
            for (NetdevQueue queue : dev.tx) {
                Qdisc leaf = queue.qdisc;
                if (leaf != null && leaf != root && leaf.ops != null) {
                    into.add(new NetQdisc(dev, leaf, queue.index));
                }
            }
        }

        void remove() {
            mibs.sync(List.of());
            protos.sync(List.of());
            devices.sync(List.of());
            qdiscs.sync(List.of());
            fixed.remove();
        }
    }

    /** The tag of a namespace. */
    static Tags tags(Net net) {
        return Tags.of("net", net.name());
    }
}
