package net.skbuff;

import org.jspecify.annotations.Nullable;

/** What lives in a CPU's caches: packet heads, shared infos and pages. One free-list link and the way home. */
abstract class Pooled {
    /** The cache that made this object and that it returns to, whoever frees it. */
    final SkbCache home;

    /** Link of the home's free list or of its remote-free stack. */
    @Nullable
    Pooled nextFree;

    /** Length of the remote-free stack under this node when it was pushed: a hint. */
    int remoteDepth;

    /** Debug mode: where this was taken; null while it is free. */
    @Nullable
    Throwable site;

    Pooled(SkbCache home) {
        this.home = home;
    }
}
