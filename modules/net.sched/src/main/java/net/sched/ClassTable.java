package net.sched;

import java.util.ArrayList;
import java.util.List;
import net.skbuff.HotPath;
import org.agrona.collections.Int2ObjectHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A discipline's classes by number, and in the order in which they were added.
 *
 * <p>Context: changes under rtnl and the tree's lock; lookups with either.
 *
 * <p>Linux: struct Qdisc_class_hash
 */
public final class ClassTable<C> {
    private final Int2ObjectHashMap<C> byId = new Int2ObjectHashMap<>();
    private final List<C> inOrder = new ArrayList<>();

    /** No classes yet. */
    public ClassTable() {}

    /** The class called {@code classid}, or null. */
    @HotPath
    public @Nullable C find(int classid) {
        return byId.get(classid);
    }

    /** Adds a class whose number is free. */
    public void add(int classid, C cl) {
        byId.put(classid, cl);
        inOrder.add(cl);
    }

    /** Removes a class. */
    public void remove(int classid) {
        C cl = byId.remove(classid);
        inOrder.remove(cl);
    }

    /** All classes, oldest first. */
    public List<C> all() {
        return inOrder;
    }

    /** Number of classes. */
    @HotPath
    public int size() {
        return inOrder.size();
    }

    /** Tells whether there is none. */
    @HotPath
    public boolean isEmpty() {
        return inOrder.isEmpty();
    }
}
