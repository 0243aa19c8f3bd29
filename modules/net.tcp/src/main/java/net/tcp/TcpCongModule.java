package net.tcp;

import net.core.Kernel;
import net.core.KernelModule;
import net.core.Net;
import net.core.PernetOperations;

/** Loads the congestion control algorithms before TCP starts, and registers their settings in each namespace. */
public final class TcpCongModule implements KernelModule {
    /** For {@link java.util.ServiceLoader}. */
    public TcpCongModule() {}

    @Override
    public String name() {
        return "tcp_cong";
    }

    @Override
    public int initOrder() {
        return 29;
    }

    @Override
    public void init(Kernel kernel) {
        TcpCong.initKernel(kernel);
        kernel.registerPernet(new PernetOperations() {
            @Override
            public void init(Net net) {
                TcpCong.initNet(net);
            }
        });
    }
}
