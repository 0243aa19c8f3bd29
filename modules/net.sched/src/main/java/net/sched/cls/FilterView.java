package net.sched.cls;

import org.jspecify.annotations.Nullable;

/**
 * Which filters a {@code tc filter show} wants, and how: what was asked for by name is not printed again.
 *
 * @param dev the device's name if it is to be printed
 * @param parent what the filters hang on, 0 if not asked for
 * @param prio preference asked for, or 0
 * @param protocol protocol asked for, or 0
 * @param chain chain asked for, or -1
 * @param stats with statistics
 */
public record FilterView(@Nullable String dev, int parent, int prio, int protocol, int chain, boolean stats) {
    /** All filters, nothing left out. */
    public static FilterView all(boolean stats) {
        return new FilterView(null, 0, 0, 0, -1, stats);
    }
}
