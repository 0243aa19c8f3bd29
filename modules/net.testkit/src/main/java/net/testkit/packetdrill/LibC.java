package net.testkit.packetdrill;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Locale;
import net.core.UserError;

/**
 * The C library's calls that scripts make on the machine's Linux, all of one shape: six words in, a word out. A call takes
 * the registers it wants and leaves the rest, so one shape is enough, and what the JVM has to prepare for a call it has
 * prepared with the first.
 *
 * <p>Each call returns what it returns or a negative errno. Context: any platform thread.
 */
enum LibC {
    ACCEPT4,
    BIND,
    CLOSE,
    CONNECT,
    EPOLL_CREATE1,
    EPOLL_CTL,
    EPOLL_WAIT,
    FCNTL,
    FTRUNCATE,
    GETSOCKOPT,
    IOCTL,
    LISTEN,
    MEMFD_CREATE,
    OPEN,
    PIPE2,
    POLL,
    READ,
    READV,
    RECVFROM,
    RECVMSG,
    SCHED_SETSCHEDULER,
    SENDFILE,
    SENDMSG,
    SENDTO,
    SETSOCKOPT,
    SHUTDOWN,
    SOCKET,
    SPLICE,
    UNSHARE,
    WRITE,
    WRITEV;

    /** unshare(2): a network namespace of its own. */
    static final int CLONE_NEWNET = 0x40000000;

    private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

    private final MethodHandle handle;
    /** Whether the result is a 64-bit word; otherwise the upper half of the register means nothing. */
    private final boolean wide;

    LibC() {
        handle = link(name().toLowerCase(Locale.ROOT));
        wide = name().matches("(READ|WRITE|SEND|RECV|SPLICE).*");
    }

    @SuppressWarnings("restricted")
    private static MethodHandle link(String name) {
        Linker linker = Linker.nativeLinker();
        MemorySegment symbol = linker.defaultLookup()
                .find(name)
                .orElseThrow(() -> new UserError("this system's C library has no " + name + "()"));
        FunctionDescriptor shape =
                FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
        return linker.downcallHandle(symbol, shape, Linker.Option.captureCallState("errno"));
    }

    long call(long a) {
        return call(a, 0, 0, 0, 0, 0);
    }

    long call(long a, long b) {
        return call(a, b, 0, 0, 0, 0);
    }

    long call(long a, long b, long c) {
        return call(a, b, c, 0, 0, 0);
    }

    long call(long a, long b, long c, long d) {
        return call(a, b, c, d, 0, 0);
    }

    long call(long a, long b, long c, long d, long e) {
        return call(a, b, c, d, e, 0);
    }

    long call(long a, long b, long c, long d, long e, long f) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment capture = arena.allocate(CAPTURE);
            long result = (long) handle.invokeExact(capture, a, b, c, d, e, f);
            result = wide ? result : (int) result;
            return result >= 0 ? result : -(int) ERRNO.get(capture, 0L);
        } catch (Throwable t) {
            throw new AssertionError("native call failed in the JVM", t);
        }
    }
}
