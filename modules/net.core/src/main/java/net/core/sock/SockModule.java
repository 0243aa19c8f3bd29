package net.core.sock;

import net.core.Kernel;
import net.core.KernelModule;
import net.core.Net;
import net.core.PernetOperations;

/** Starts the socket layer: registry, message headers, sysctls. Linux: sock_init(), net/socket.c */
public final class SockModule implements KernelModule {
    public SockModule() {}

    @Override
    public String name() {
        return "net.core.sock";
    }

    /** With net.core, before any protocol. */
    @Override
    public int initOrder() {
        return 1;
    }

    @Override
    public void init(Kernel kernel) {
        SockRegistry.install(kernel);
        Process.MsghdrCache.install(kernel);
        kernel.registerPernet(new PernetOperations() {
            @Override
            public void init(Net net) {
                SockSysctl.install(net);
            }
        });
    }
}
