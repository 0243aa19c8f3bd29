package net.sched.act;

import java.util.HashMap;
import java.util.Map;
import net.core.Kernel;
import net.core.KernelModule;
import net.core.Net;
import net.core.NotifierChain;
import net.core.PernetOperations;
import net.core.UserError;
import net.core.dev.DevGlobals;
import net.core.dev.NetdevEvent;
import org.jspecify.annotations.Nullable;

/** Finds the kinds of actions at boot and gives each namespace its table. Linux: tc_action_init(), tcf_register_action() */
public final class TcActionModule implements KernelModule {
    /** Created by ServiceLoader. */
    public TcActionModule() {}

    @Override
    public String name() {
        return "net.sched";
    }

    @Override
    public int initOrder() {
        return 10;
    }

    @Override
    public void init(Kernel kernel) {
        Map<String, TcActionOps> kinds = new HashMap<>();
        for (TcActionOps ops : kernel.providers(TcActionOps.class)) {
            @Nullable TcActionOps other = kinds.put(ops.id(), ops);
            if (other != null) {
                throw new UserError("two modules provide the action " + ops.id() + ": "
                        + other.getClass().getName() + " and " + ops.getClass().getName());
            }
        }
        DevGlobals.of(kernel).netdevChain.register((event, dev) -> {
            if (event == NetdevEvent.NETDEV_UNREGISTER) {
                for (TcAction a : TcActionTable.of(dev.net).all("mirred")) {
                    if (a instanceof Mirred m) {
                        m.deviceGone(dev);
                    }
                }
            }
            return NotifierChain.DONE;
        });
        kernel.registerPernet(new PernetOperations() {
            @Override
            public void init(Net net) {
                TcActionTable.SLOT.set(net, new TcActionTable(net, kinds));
            }
        });
    }
}
