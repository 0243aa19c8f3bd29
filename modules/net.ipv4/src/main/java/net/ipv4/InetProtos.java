package net.ipv4;

import java.util.concurrent.atomic.AtomicReferenceArray;
import net.core.Kernel;
import net.core.PerKernel;
import net.core.dev.OffloadCallbacks;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * Protocols and their offloads by IP protocol number, of a kernel.
 *
 * <p>Linux: inet_protos, inet_offloads, net/ipv4/protocol.c
 */
public final class InetProtos {
    private static final PerKernel<InetProtos> SLOT = new PerKernel<>();

    private final AtomicReferenceArray<@Nullable InetProtocol> protos = new AtomicReferenceArray<>(256);
    private final AtomicReferenceArray<@Nullable OffloadCallbacks> offloads = new AtomicReferenceArray<>(256);

    InetProtos() {}

    static void install(Kernel kernel) {
        SLOT.set(kernel, new InetProtos());
    }

    @HotPath
    static InetProtos of(Kernel kernel) {
        return SLOT.get(kernel);
    }

    /** Registers a protocol; false if the number is taken. Linux: inet_add_protocol(). */
    public static boolean addProtocol(Kernel kernel, int protocol, InetProtocol handler) {
        return of(kernel).protos.compareAndSet(protocol, null, handler);
    }

    /** Linux: inet_del_protocol(). */
    public static boolean delProtocol(Kernel kernel, int protocol, InetProtocol handler) {
        return of(kernel).protos.compareAndSet(protocol, handler, null);
    }

    /** Registers segmentation and merging of a protocol. Linux: inet_add_offload(). */
    public static boolean addOffload(Kernel kernel, int protocol, OffloadCallbacks callbacks) {
        return of(kernel).offloads.compareAndSet(protocol, null, callbacks);
    }

    @HotPath
    @Nullable
    InetProtocol protocol(int number) {
        return protos.getAcquire(number);
    }

    @HotPath
    @Nullable
    OffloadCallbacks offload(int number) {
        return offloads.getAcquire(number);
    }
}
