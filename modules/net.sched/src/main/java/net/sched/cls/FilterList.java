package net.sched.cls;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.core.UserError;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import org.jspecify.annotations.Nullable;

/**
 * What classifiers with a plain list of filters share: the list by handle, which a change replaces as a whole.
 *
 * <p>Context: {@link #entries} by holders of a CPU's word; all else under rtnl.
 */
public abstract class FilterList extends TcfProto {
    /** One filter; never changes. */
    public abstract static class Entry {
        /** Its handle. */
        public final int handle;
        /** What becomes of a packet. */
        public final Filter filter;

        /** A filter of this handle. */
        protected Entry(int handle, Filter filter) {
            this.handle = handle;
            this.filter = filter;
        }
    }

    private static final Entry[] NONE = {};

    private volatile Entry[] entries = NONE;

    /** An instance without filters. */
    protected FilterList(String kind, int prio, int protocol, int chain) {
        super(kind, prio, protocol, chain);
    }

    /** All filters, in the order in which they are asked. */
    @HotPath
    protected final Entry[] entries() {
        return entries;
    }

    /** The list is about to be this one. */
    protected void changing(Entry[] now) {}

    /** The filter of this handle, or null. */
    protected final @Nullable Entry find(int handle) {
        for (Entry e : entries) {
            if (e.handle == handle) {
                return e;
            }
        }
        return null;
    }

    /** The smallest handle that is free, from 1 on. */
    protected final int freeHandle() {
        int h = 1;
        while (find(h) != null) {
            h++;
        }
        return h;
    }

    /** Puts a filter in: in the place of {@code old}, which gives up its actions, else first or last. */
    protected final void put(Entry made, @Nullable Entry old, boolean first) {
        List<Entry> all = new ArrayList<>(Arrays.asList(entries));
        if (old != null) {
            all.set(all.indexOf(old), made);
        } else {
            all.add(first ? 0 : all.size(), made);
        }
        set(all);
        if (old != null) {
            old.filter.exts.destroy();
        }
    }

    private void set(List<Entry> all) {
        Entry[] now = all.toArray(NONE);
        changing(now);
        entries = now;
    }

    /** What the kernel answers to options that cannot be. */
    protected static UserError invalid() {
        return new UserError("RTNETLINK answers: " + Errno.text(Errno.EINVAL));
    }

    @Override
    public boolean delete(int handle) {
        Entry e = find(handle);
        if (e == null) {
            return false;
        }
        List<Entry> all = new ArrayList<>(Arrays.asList(entries));
        all.remove(e);
        set(all);
        e.filter.exts.destroy();
        return true;
    }

    @Override
    public boolean has(int handle) {
        return find(handle) != null;
    }

    @Override
    public int[] handles() {
        return Arrays.stream(entries).mapToInt(e -> e.handle).toArray();
    }

    @Override
    public boolean refersTo(int classid) {
        return Arrays.stream(entries).anyMatch(e -> e.filter.classid == classid);
    }
}
