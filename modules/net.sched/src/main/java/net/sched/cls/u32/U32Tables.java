package net.sched.cls.u32;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The tables of all u32 classifiers of one discipline: a filter may lead into any of them.
 *
 * <p>Context: rtnl.
 *
 * <p>Linux: struct tc_u_common
 */
final class U32Tables {
    private static final int GENERATED = 0x800;

    /** Newest first. */
    private final List<U32Table> tables = new ArrayList<>();

    private int lastId = -1;
    /** Preferences that have a root here. */
    int roots;
    /** Filters in all tables. */
    int nodes;

    U32Tables() {}

    @Nullable
    U32Table find(int handle) {
        for (U32Table t : tables) {
            if (t.handle == U32Handle.table(handle)) {
                return t;
            }
        }
        return null;
    }

    /** A free handle, 0 if there is none. Linux: gen_new_htid() */
    int freeHandle() {
        for (int i = 0; i < GENERATED; i++) {
            lastId = lastId == 0x7FE ? 1 : lastId + 1;
            int h = (lastId | GENERATED) << 20;
            if (find(h) == null) {
                return h;
            }
        }
        return 0;
    }

    void add(U32Table t) {
        tables.addFirst(t);
    }

    void remove(U32Table t) {
        tables.remove(t);
    }

    /** The last root is gone: numbers begin anew. */
    void restart() {
        lastId = -1;
    }

    List<U32Table> all() {
        return List.copyOf(tables);
    }
}
