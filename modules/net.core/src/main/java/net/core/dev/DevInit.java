package net.core.dev;

import java.util.List;
import net.core.IntSysctl;
import net.core.Kernel;
import net.core.KernelModule;
import net.core.Net;
import net.core.PernetOperations;
import net.core.Softirq;
import net.core.StringSysctl;
import net.core.netfilter.NfHooks;
import net.core.netfilter.NfModule;

/**
 * Starts the device layer: globals, NET_TX and NET_RX, qdiscs, settings, and each namespace's hooks and {@code lo}.
 *
 * <p>Linux: net_dev_init(), net/core/dev.c; net/core/sysctl_net_core.c
 */
public final class DevInit implements KernelModule {
    /** Created by ServiceLoader. */
    public DevInit() {}

    @Override
    public String name() {
        return "net.core";
    }

    @Override
    public int initOrder() {
        return 0;
    }

    @Override
    public void init(Kernel kernel) {
        DevGlobals g = new DevGlobals(kernel, kernel.bootSecret("flow hash"));
        DevGlobals.SLOT.set(kernel, g);
        for (int i = 0; i < kernel.cpus(); i++) {
            kernel.cpu(i).sd.setGlobals(g);
        }
        kernel.openSoftirq(Softirq.NET_TX, SchGeneric::netTxAction);
        kernel.openSoftirq(Softirq.NET_RX, cpu -> cpu.sd.netRxAction());
        for (QdiscOps ops : kernel.providers(QdiscOps.class)) {
            g.qdiscs.register(ops);
        }
        if (g.qdiscs.find("noqueue") == null) {
            g.qdiscs.register(new NoqueueOps());
        }
        sysctls(kernel, g);
        List<NfModule> nfModules = kernel.providers(NfModule.class);
        kernel.registerPernet(new PernetOperations() {
            @Override
            public void init(Net net) {
                NfHooks hooks = new NfHooks(net);
                NfHooks.HOOKS.set(net, hooks);
                Loopback.create(net);
                for (NfModule m : nfModules) {
                    m.init(net, hooks);
                }
            }

            @Override
            public void exit(Net net) {
                for (NfModule m : nfModules) {
                    m.exit(net, NfHooks.of(net));
                }
            }
        });
    }

    private static void sysctls(Kernel kernel, DevGlobals g) {
        g.netdevBudget = register(kernel, "net.core.netdev_budget", g.netdevBudget, 1, v -> g.netdevBudget = v);
        g.netdevBudgetUsecs =
                register(kernel, "net.core.netdev_budget_usecs", g.netdevBudgetUsecs, 0, v -> g.netdevBudgetUsecs = v);
        g.maxBacklog = register(kernel, "net.core.netdev_max_backlog", g.maxBacklog, 0, v -> g.maxBacklog = v);
        g.groNormalBatch =
                register(kernel, "net.core.gro_normal_batch", g.groNormalBatch, 1, v -> g.groNormalBatch = v);
        int weight = register(kernel, "net.core.dev_weight", 64, 1, v -> {
            g.devRxWeight = v;
            g.devTxWeight = v;
        });
        g.devRxWeight = weight;
        g.devTxWeight = weight;
        g.setRpsSockFlowEntries(register(kernel, "net.core.rps_sock_flow_entries", 0, 0, g::setRpsSockFlowEntries));
        String dflt = g.qdiscs.find("pfifo_fast") != null ? "pfifo_fast" : "noqueue";
        StringSysctl qdisc = kernel.sysctl()
                .registerString(
                        "net.core.default_qdisc",
                        dflt,
                        v -> g.qdiscs.find(v) != null,
                        "one of " + String.join(", ", g.qdiscs.names()),
                        e -> g.qdiscs.setDefault(e.text()));
        g.qdiscs.setDefault(qdisc.value);
    }

    private static int register(Kernel kernel, String name, int value, int min, java.util.function.IntConsumer change) {
        IntSysctl s = kernel.sysctl()
                .register(name, value, min, Integer.MAX_VALUE, e -> change.accept(((IntSysctl) e).value));
        return s.value;
    }
}
