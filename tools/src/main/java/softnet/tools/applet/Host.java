package softnet.tools.applet;

import java.io.InputStream;
import java.io.PrintStream;
import net.core.Kernel;
import net.core.api.SoftNetwork;
import net.core.sock.Process;
import net.core.sock.Syscalls;
import net.core.task.KernelThread;
import net.core.task.ThrowingRunnable;

/**
 * What an applet runs on: a program's sockets in a namespace, and its standard streams.
 *
 * @param network where its sockets come from
 * @param in standard input
 * @param out standard output
 * @param err standard error
 */
public record Host(SoftNetwork network, InputStream in, PrintStream out, PrintStream err) {
    /** Its descriptors and namespace. */
    public Process process() {
        return network.process();
    }

    /** The system calls, for those who count every allocation. */
    public Syscalls calls() {
        return process().syscalls();
    }

    /** The kernel below. */
    public Kernel kernel() {
        return process().kernel();
    }

    /** Monotonic time. */
    public long nanoTime() {
        return kernel().clock().nanoTime();
    }

    /** Starts a program thread; a light one when there may be many. */
    public KernelThread start(String name, boolean light, ThrowingRunnable body) {
        return light
                ? kernel().threads().startVirtual(name, body)
                : kernel().threads().start(name, body);
    }
}
