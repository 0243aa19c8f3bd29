package softnet.tools;

import net.core.Kernel;
import net.core.sock.Proto;
import net.core.sock.ProtoMemory;
import net.core.sock.SockRegistry;

/** Gives connections that were closed a moment to say goodbye, so that the last bytes are not lost with the kernel. */
final class Quiesce {
    private static final long LIMIT_NS = 2_000_000_000L;
    private static final long STEP_NS = 2_000_000;

    private Quiesce() {}

    /** Waits until no socket that its program has closed has anything left to send, at most two seconds. */
    static void sockets(Kernel kernel) {
        long deadline = kernel.clock().nanoTime() + LIMIT_NS;
        while (orphans(kernel) > 0 && kernel.clock().nanoTime() < deadline) {
            kernel.scheduler().sleep(STEP_NS);
        }
    }

    private static long orphans(Kernel kernel) {
        long orphans = 0;
        for (Proto proto : SockRegistry.of(kernel).protos()) {
            ProtoMemory memory = proto.memory;
            orphans += memory == null ? 0 : memory.orphanCount();
        }
        return orphans;
    }
}
