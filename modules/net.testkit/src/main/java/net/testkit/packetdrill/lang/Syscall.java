package net.testkit.packetdrill.lang;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A system call and what it must return.
 *
 * @param line of its name in the source
 * @param endUsecs when a blocking call returns, on the same base as the event's time (absolute, or after the event's own
 *     base if that is relative); -1: the call does not block
 * @param result what it must return; {@link Expr.Ellipsis}: anything
 * @param errno name of the error it must fail with, or null
 * @param note the text in parentheses, or null
 */
public record Syscall(
        int line,
        String name,
        List<Expr> args,
        long endUsecs,
        Expr result,
        @Nullable String errno,
        @Nullable String note)
        implements Event.Action {
    public Syscall {
        args = List.copyOf(args);
    }

    public boolean blocking() {
        return endUsecs >= 0;
    }
}
