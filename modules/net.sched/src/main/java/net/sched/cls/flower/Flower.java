package net.sched.cls.flower;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.sched.cls.TcfProto;
import net.skbuff.Errno;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * All flower filters of one preference. A packet is dissected once; then each mask, oldest first, is asked for the filter
 * with the packet's fields.
 *
 * <p>Linux: fl_classify(), fl_change(), fl_delete()
 */
final class Flower extends TcfProto {
    private volatile FlowerMask[] masks = {};
    /** By handle, unsigned. */
    private final TreeMap<Long, FlowerFilter> byHandle = new TreeMap<>();
    /** For each CPU the key of the packet it is looking at. */
    private long[][] keys = {};

    Flower(int prio, int protocol, int chain) {
        super("flower", prio, protocol, chain);
    }

    @Override
    protected void attached() {
        keys = new long[net().kernel().cpus() + 1][FlowerKey.WORDS];
    }

    @Override
    @HotPath
    public int classify(Cpu cpu, SkBuff skb) {
        FlowerMask[] all = masks;
        if (all.length == 0) {
            return TcfBlock.TC_ACT_UNSPEC;
        }
        long[] key = keys[cpu.id + 1];
        FlowerDissect.dissect(skb, key);
        for (FlowerMask m : all) {
            FlowerFilter f = m.lookup(key);
            if (f != null) {
                return f.take(cpu, skb); // whatever an action says: the next preference is asked, not the next mask
            }
        }
        return TcfBlock.TC_ACT_UNSPEC;
    }

    // ---- rtnl

    private @Nullable FlowerFilter find(int handle) {
        return byHandle.get(handle & 0xFFFFFFFFL);
    }

    @Override
    public boolean has(int handle) {
        return find(handle) != null;
    }

    @Override
    public int change(int handle, List<String> args) {
        try (FlowerOptions o = new FlowerOptions(net(), protocol, block().parent, args)) {
            FlowerFilter old = find(handle);
            FlowerFilter made = new FlowerFilter(handle != 0 ? handle : freeHandle(), o);
            FlowerFilter twin = twin(made);
            if (twin != null && twin != old) {
                made.filter.exts.destroy();
                throw new UserError("RTNETLINK answers: " + Errno.text(Errno.EEXIST));
            }
            FlowerMask[] next = added(masks, made); // first, so that the mask keeps its place
            if (old != null) {
                next = removed(next, old);
            }
            masks = next;
            byHandle.put(made.handle & 0xFFFFFFFFL, made);
            if (old != null) {
                old.filter.exts.destroy();
            }
            return made.handle;
        }
    }

    /** The filter that matches the same packets, or null. */
    private @Nullable FlowerFilter twin(FlowerFilter made) {
        for (FlowerMask m : masks) {
            if (m.isOf(made)) {
                return m.twin(made);
            }
        }
        return null;
    }

    private int freeHandle() {
        if (byHandle.isEmpty()) {
            return 1;
        }
        long last = byHandle.lastKey();
        long h = last == byHandle.size() ? last + 1 : 1; // no gaps, or look for the first
        while (byHandle.containsKey(h)) {
            h++;
        }
        return (int) h;
    }

    private static FlowerMask[] added(FlowerMask[] from, FlowerFilter f) {
        for (int i = 0; i < from.length; i++) {
            if (from[i].isOf(f)) {
                FlowerMask[] all = from.clone();
                all[i] = from[i].with(f);
                return all;
            }
        }
        FlowerMask[] all = Arrays.copyOf(from, from.length + 1);
        all[from.length] = FlowerMask.of(f);
        return all;
    }

    private static FlowerMask[] removed(FlowerMask[] from, FlowerFilter f) {
        return Arrays.stream(from)
                .map(m -> m.isOf(f) ? m.without(f) : m)
                .filter(m -> !m.isEmpty())
                .toArray(FlowerMask[]::new);
    }

    @Override
    public boolean delete(int handle) {
        FlowerFilter f = byHandle.remove(handle & 0xFFFFFFFFL);
        if (f == null) {
            return false;
        }
        masks = removed(masks, f);
        f.filter.exts.destroy();
        return true;
    }

    @Override
    public int[] handles() {
        return byHandle.keySet().stream().mapToInt(Long::intValue).toArray();
    }

    @Override
    public boolean refersTo(int classid) {
        return byHandle.values().stream().anyMatch(f -> f.filter.classid == classid);
    }

    @Override
    public void dump(int handle, TcPrint p, boolean stats) {
        FlowerDump.print(Objects.requireNonNull(find(handle)), p, stats);
    }
}
