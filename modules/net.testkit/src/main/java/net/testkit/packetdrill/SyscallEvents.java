package net.testkit.packetdrill;

import net.skbuff.Errno;
import net.testkit.packetdrill.lang.Expr;
import net.testkit.packetdrill.lang.Symbols;
import net.testkit.packetdrill.lang.Syscall;
import org.jspecify.annotations.Nullable;

/**
 * The system calls of a script: each on the script's thread, or, if it blocks, on one of its own, of which there is one at
 * a time. Compares results and error numbers.
 *
 * <p>Context: the script's thread; {@link #run} also on the blocking call's.
 */
final class SyscallEvents {
    private static final long IDLE_PATIENCE_USECS = 1_000_000;

    /** A system call's body. */
    interface Body {
        /** Makes the call. @return its result, or a negative errno */
        long make(Call call);
    }

    private final ScriptWorld world;
    private final CallTable table;
    private ScriptHost.@Nullable Task thread;
    private volatile @Nullable Syscall outstanding;
    private volatile @Nullable ScriptFailure failed;
    private int failedLine;

    SyscallEvents(ScriptWorld world) {
        this.world = world;
        this.table = new CallTable(world);
    }

    /** One call under way: its arguments, and what came of it. */
    final class Call {
        final Syscall syscall;
        final Args args;
        private @Nullable Runnable after;

        Call(Syscall syscall) {
            this.syscall = syscall;
            this.args = new Args(world, syscall);
        }

        /** What is to be compared or remembered once the result is what the script wants. */
        void then(Runnable check) {
            after = check;
        }

        /** The number the script gives to what the call made. */
        int scriptResult() {
            return (int) Args.value(syscall.result(), "result");
        }
    }

    /** Makes a call, at its time. */
    void run(Syscall syscall, ScriptTime time) {
        if (!syscall.blocking()) {
            awaitIdle();
            make(syscall);
            return;
        }
        if (!awaitIdle()) {
            throw new ScriptFailure("blocking system call while another blocking system call is already in progress");
        }
        outstanding = syscall;
        thread = world.host.start("script's " + syscall.name(), () -> blocking(syscall, time));
        world.await("the call to block", () -> outstanding == null, world.nowUsecs() + world.host.settleUsecs());
    }

    private void blocking(Syscall syscall, ScriptTime time) {
        try {
            make(syscall);
            time.checkReturn(world.settings, world.nowUsecs());
        } catch (ScriptFailure e) {
            failed = e;
            failedLine = syscall.line();
        } finally {
            outstanding = null;
            world.wake();
        }
    }

    /** Waits a little for the blocking call to return. @return whether none is outstanding */
    boolean awaitIdle() {
        return outstanding == null
                || world.await("the blocking call", () -> outstanding == null, world.nowUsecs() + IDLE_PATIENCE_USECS);
    }

    /** The blocking call that has not returned, or null. */
    @Nullable
    Syscall outstanding() {
        return outstanding;
    }

    /** Throws what went wrong in a blocking call. @return its line, before the throw, by {@link #failedLine()} */
    void throwFailed() {
        ScriptFailure f = failed;
        failed = null;
        if (f != null) {
            throw f;
        }
        ScriptHost.Task t = thread;
        Throwable bug = t == null || !t.isDone() ? null : t.failure();
        if (bug != null) {
            thread = null;
            throw new IllegalStateException(bug);
        }
    }

    /** Line of the call that {@link #throwFailed} throws for; 0 if there is none. */
    int failedLine() {
        return failed != null ? failedLine : 0;
    }

    private void make(Syscall syscall) {
        Body body = table.find(syscall.name());
        if (body == null) {
            throw new ScriptFailure("Unknown system call: '" + syscall.name() + "'");
        }
        Call call = new Call(syscall);
        long result = body.make(call);
        try {
            check(syscall, result, table.makesFd(syscall.name()));
        } catch (ScriptFailure e) {
            throw new ScriptFailure("runtime error in " + syscall.name() + " call: " + e.getMessage());
        }
        if (call.after != null && result >= 0) {
            call.after.run();
        }
    }

    private static void check(Syscall syscall, long result, boolean fd) {
        int errno = result < 0 ? (int) -result : 0;
        long actual = result < 0 ? -1 : result;
        if (!(syscall.result() instanceof Expr.Ellipsis)) {
            long expected = Args.value(syscall.result(), "result");
            boolean right = fd && expected >= 0 ? actual >= 0 : actual == expected;
            if (!right) {
                throw new ScriptFailure("Expected result " + expected + " but got " + actual
                        + (errno != 0 ? " with errno " + errno + " (" + Errno.text(errno) + ")" : ""));
            }
        }
        String name = syscall.errno();
        if (name != null) {
            Long expected = Symbols.value(name);
            if (expected == null) {
                throw new ScriptFailure("unknown errno " + name);
            }
            if (expected != errno) {
                throw new ScriptFailure("Expected errno " + name + " (" + expected + ") but got " + errno
                        + (errno != 0 ? " (" + Errno.text(errno) + ")" : ""));
            }
        }
    }
}
