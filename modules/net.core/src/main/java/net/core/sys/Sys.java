package net.core.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import net.core.UserError;
import net.skbuff.Errno;

/**
 * Linux system calls. Each returns what the call returns, or {@code -errno}; none throws for a failed call. Pointers are
 * plain addresses ({@code JAVA_LONG}): a segment argument would cost a liveness check and a wrapper per call.
 *
 * <p>errno is captured into memory of the calling thread (2 ns), because the JVM may make calls of its own in between.
 *
 * <p>Context: any thread, but never with a CPU's word or a spinlock held for the ones that can block. Only
 * {@link #eventfdSignal} cannot, and is linked as critical.
 */
public final class Sys {
    /** open: read and write. */
    public static final int O_RDWR = 2;
    /** open, fcntl: do not block. */
    public static final int O_NONBLOCK = 0x800;
    /** open: close on exec. */
    public static final int O_CLOEXEC = 0x80000;
    /** eventfd: do not block. */
    public static final int EFD_NONBLOCK = 0x800;
    /** eventfd: close on exec. */
    public static final int EFD_CLOEXEC = 0x80000;
    /** fcntl: get flags. */
    public static final int F_GETFL = 3;
    /** fcntl: set flags. */
    public static final int F_SETFL = 4;
    /** socket: IPv4. */
    public static final int AF_INET = 2;
    /** socket: datagrams. */
    public static final int SOCK_DGRAM = 2;
    /** unshare: a network namespace of its own. */
    public static final int CLONE_NEWNET = 0x40000000;

    private static final int PR_SET_TIMERSLACK = 29;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final Linker.Option ERRNO_OPTION = Linker.Option.captureCallState("errno");
    private static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final ThreadLocal<MemorySegment> CAPTURES =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CAPTURE));

    private static final MethodHandle READ = handle("read", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle WRITE = handle("write", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle READV = handle("readv", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle WRITEV = handle("writev", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle OPEN = variadic(2, "open", JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT);
    private static final MethodHandle CLOSE = handle("close", JAVA_INT, JAVA_INT);
    private static final MethodHandle IOCTL = variadic(2, "ioctl", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle FCNTL = variadic(2, "fcntl", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle SOCKET = handle("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle EVENTFD = handle("eventfd", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle UNSHARE = handle("unshare", JAVA_INT, JAVA_INT);
    private static final MethodHandle PRCTL = variadic(1, "prctl", JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle EPOLL_CREATE1 = handle("epoll_create1", JAVA_INT, JAVA_INT);
    private static final MethodHandle EPOLL_CTL =
            handle("epoll_ctl", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle EPOLL_PWAIT2 =
            handle("epoll_pwait2", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);

    /** write(2) for an eventfd: never blocks. */
    private static final MethodHandle WRITE_CRITICAL = link(
            "write", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG), Linker.Option.critical(false));

    /** The eight bytes that an eventfd is written with: the number 1. */
    private static final MemorySegment ONE = one();

    private Sys() {}

    private static MemorySegment one() {
        MemorySegment one = Arena.global().allocate(JAVA_LONG);
        one.set(JAVA_LONG, 0, 1L);
        return one;
    }

    @SuppressWarnings("restricted")
    private static MethodHandle link(String name, FunctionDescriptor type, Linker.Option... options) {
        MemorySegment symbol = LINKER.defaultLookup()
                .find(name)
                .orElseThrow(() -> new UserError("this system's C library has no " + name + "()"));
        return LINKER.downcallHandle(symbol, type, options);
    }

    private static MethodHandle handle(String name, MemoryLayout result, MemoryLayout... arguments) {
        return link(name, FunctionDescriptor.of(result, arguments), ERRNO_OPTION);
    }

    private static MethodHandle variadic(int fixed, String name, MemoryLayout result, MemoryLayout... arguments) {
        return link(
                name, FunctionDescriptor.of(result, arguments), ERRNO_OPTION, Linker.Option.firstVariadicArg(fixed));
    }

    private static int errno(MemorySegment capture) {
        return (int) ERRNO.get(capture, 0L);
    }

    private static long result(long value, MemorySegment capture) {
        return value >= 0 ? value : -errno(capture);
    }

    private static int result(int value, MemorySegment capture) {
        return value >= 0 ? value : -errno(capture);
    }

    private static AssertionError wrong(Throwable t) {
        return new AssertionError("native call failed in the JVM", t);
    }

    /** {@code result} if it is no error. Throws {@link UserError} "what: ENOENT (No such file or directory)" otherwise. */
    public static int check(int result, String what) {
        if (result < 0) {
            throw new UserError(what + ": " + Errno.name(-result) + " (" + Errno.text(-result) + ")");
        }
        return result;
    }

    /** read(2). */
    public static long read(int fd, long address, long length) {
        try {
            MemorySegment c = CAPTURES.get();
            return result((long) READ.invokeExact(c, fd, address, length), c);
        } catch (Throwable t) {
            throw wrong(t);
        }
    }

    /** write(2). */
    public static long write(int fd, long address, long length) {
        try {
            MemorySegment c = CAPTURES.get();
            return result((long) WRITE.invokeExact(c, fd, address, length), c);
        } catch (Throwable t) {
            throw wrong(t);
        }
    }

    /** readv(2): {@code iov} is the address of {@code count} pairs of address and length. */
    public static long readv(int fd, long iov, int count) {
        try {
            MemorySegment c = CAPTURES.get();
            return result((long) READV.invokeExact(c, fd, iov, count), c);
        } catch (Throwable t) {
            throw wrong(t);
        }
    }

    /** writev(2). */
    public static long writev(int fd, long iov, int count) {
        try {
            MemorySegment c = CAPTURES.get();
            return result((long) WRITEV.invokeExact(c, fd, iov, count), c);
        } catch (Throwable t) {
            throw wrong(t);
        }
    }

    /** open(2). */
    public static int open(String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocateFrom(path, StandardCharsets.UTF_8);
            MemorySegment c = CAPTURES.get();
            return result((int) OPEN.invokeExact(c, name.address(), flags, 0), c);
        } catch (Throwable t) {
            throw wrong(t);
        }
    }

    /** close(2). */
    public static int close(int fd) {
        try {
            MemorySegment c = CAPTURES.get();
            return result((int) CLOSE.invokeExact(c, fd), c);
        } catch (Throwable t) {
            throw wrong(t);
        }
    }

    /** ioctl(2) with a pointer or a number. */
    public static int ioctl(int fd, long request, long argument) {
        try {
            MemorySegment c = CAPTURES.get();
            return result((int) IOCTL.invokeExact(c, fd, request, argument), c);
        } catch (Throwable t) {
            throw wrong(t);
        }
    }

    /** fcntl(2). */
    public static int fcntl(int fd, int command, long argument) {
        try {
            MemorySegment c = CAPTURES.get();
            return result((int) FCNTL.invokeExact(c, fd, command, argument), c);
        } catch (Throwable t) {
            throw wrong(t);
        }
    }

    /** socket(2): for interface ioctls. */
    public static int socket(int family, int type, int protocol) {
        try {
            MemorySegment c = CAPTURES.get();
            return result((int) SOCKET.invokeExact(c, family, type, protocol), c);
        } catch (Throwable t) {
            throw wrong(t);
        }
    }

    /** eventfd(2). */
    public static int eventfd(int initial, int flags) {
        try {
            MemorySegment c = CAPTURES.get();
            return result((int) EVENTFD.invokeExact(c, initial, flags), c);
        } catch (Throwable t) {
            throw wrong(t);
        }
    }

    /** Adds 1 to a non-blocking eventfd. Never blocks: allowed with a CPU's word held. */
    public static void eventfdSignal(int fd) {
        try {
            long ignored = (long) WRITE_CRITICAL.invokeExact(fd, ONE.address(), 8L);
        } catch (Throwable t) {
            throw wrong(t);
        }
    }

    /** unshare(2): the calling thread, which must be a platform one, leaves namespaces behind for new ones. */
    public static int unshare(int flags) {
        try {
            MemorySegment c = CAPTURES.get();
            return result((int) UNSHARE.invokeExact(c, flags), c);
        } catch (Throwable t) {
            throw wrong(t);
        }
    }

    /** Asks for timers of {@code ns} precision in this thread; best effort. */
    public static void setTimerSlack(long ns) {
        try {
            MemorySegment c = CAPTURES.get();
            int ignored = (int) PRCTL.invokeExact(c, PR_SET_TIMERSLACK, ns);
        } catch (Throwable t) {
            throw wrong(t);
        }
    }

    static int epollCreate1(int flags) {
        try {
            MemorySegment c = CAPTURES.get();
            return result((int) EPOLL_CREATE1.invokeExact(c, flags), c);
        } catch (Throwable t) {
            throw wrong(t);
        }
    }

    static int epollCtl(int epfd, int op, int fd, long event) {
        try {
            MemorySegment c = CAPTURES.get();
            return result((int) EPOLL_CTL.invokeExact(c, epfd, op, fd, event), c);
        } catch (Throwable t) {
            throw wrong(t);
        }
    }

    static int epollPwait2(int epfd, long events, int max, long timespec) {
        try {
            MemorySegment c = CAPTURES.get();
            return result((int) EPOLL_PWAIT2.invokeExact(c, epfd, events, max, timespec, 0L), c);
        } catch (Throwable t) {
            throw wrong(t);
        }
    }
}
