package net.sched.ifb;

import net.core.IntSysctl;
import net.core.Kernel;
import net.core.KernelModule;
import net.core.Net;
import net.core.PernetOperations;

/**
 * Makes {@code ifb0}, {@code ifb1}, ... in the first namespace, as many as {@code ifb.numifbs} says: a boot word, or a setting
 * that is raised later. {@code Deviation:} none by default, where Linux makes two.
 *
 * <p>Linux: ifb_init_module(), drivers/net/ifb.c
 */
public final class IfbModule implements KernelModule {
    private static final int MAX = 1024;

    /** Created by ServiceLoader. */
    public IfbModule() {}

    @Override
    public String name() {
        return "ifb";
    }

    @Override
    public int initOrder() {
        return 11;
    }

    @Override
    public void init(Kernel kernel) {
        IntSysctl number = kernel.sysctl().register("ifb.numifbs", 0, 0, MAX, e -> {
            if (!kernel.nets().isEmpty()) {
                create(kernel.initNet(), ((IntSysctl) e).value);
            }
        });
        kernel.registerPernet(new PernetOperations() {
            @Override
            public void init(Net net) {
                if (kernel.nets().isEmpty()) {
                    create(net, number.value);
                }
            }
        });
    }

    private static void create(Net net, int number) {
        for (int i = 0; i < number; i++) {
            String name = "ifb" + i;
            if (net.devices.byName(name) == null) {
                Ifb.create(net, name, 1);
            }
        }
    }
}
