package net.core.sock;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReferenceArray;
import net.core.Kernel;
import net.core.Net;
import net.core.PerKernel;
import net.skbuff.Errno;

/**
 * The address families and protocols of a kernel.
 *
 * <p>Linux: sock_register(), __sock_create(), net/socket.c; proto_register(), net/core/sock.c
 */
public final class SockRegistry {
    private static final PerKernel<SockRegistry> REGISTRY = new PerKernel<>();

    private final AtomicReferenceArray<NetProtoFamily> families = new AtomicReferenceArray<>(SockConst.AF_MAX);
    private final List<Proto> protos = new CopyOnWriteArrayList<>();

    private SockRegistry() {}

    static void install(Kernel kernel) {
        REGISTRY.set(kernel, new SockRegistry());
    }

    public static SockRegistry of(Kernel kernel) {
        return REGISTRY.get(kernel);
    }

    /** Adds an address family. @throws IllegalStateException if another has its number */
    public void register(NetProtoFamily family) {
        if (!families.compareAndSet(family.family(), null, family)) {
            throw new IllegalStateException("address family " + family.family() + " is registered already");
        }
    }

    /** Makes a protocol visible to /proc/net/protocols and the metrics. Linux: proto_register() */
    public void register(Proto proto) {
        if (!protos.contains(proto)) {
            protos.add(proto);
        }
    }

    public List<Proto> protos() {
        return List.copyOf(protos);
    }

    /** A new socket without a file into {@code out[0]}. @return 0 or -errno. Linux: __sock_create() */
    @SuppressWarnings("NullAway") // an empty element of the array is a family that isn't there
    public int create(Net net, int family, int type, int protocol, boolean kern, Socket[] out) {
        if (family < 0 || family >= SockConst.AF_MAX) {
            return -Errno.EAFNOSUPPORT;
        }
        if (type < 0 || type > SockConst.SOCK_PACKET) {
            return -Errno.EINVAL;
        }
        NetProtoFamily pf = families.get(family);
        if (pf == null) {
            return -Errno.EAFNOSUPPORT;
        }
        Socket sock = new Socket(net, type);
        int err = pf.create(net, sock, protocol, kern);
        if (err == 0) {
            out[0] = sock;
        }
        return err;
    }
}
