package net.sched.cls;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import net.core.Cpu;
import net.core.UserError;
import net.core.dev.QdiscSkbCb;
import net.core.dev.TcfBlock;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.agrona.collections.Int2ObjectHashMap;
import org.jspecify.annotations.Nullable;

/**
 * {@code fw}: the handle is the mark of the packets that match, under a mask that all filters of a preference share. A
 * preference that never had a filter with options takes the mark for a class.
 *
 * <p>Linux: net/sched/cls_fw.c; tc/f_fw.c
 */
public final class FwOps implements TcfProtoOps {
    private static final String USAGE =
            "Usage: ... fw [ classid CLASSID ] [ indev DEV ] [ action ACTION_SPEC ]; handle is HANDLE[/FWMASK]";

    /** Creates the kind. */
    public FwOps() {}

    @Override
    public String id() {
        return "fw";
    }

    @Override
    public TcfProto create(int prio, int protocol, int chain) {
        return new Fw(prio, protocol, chain);
    }

    @Override
    public int handle(@Nullable String word, List<String> args) {
        return TcfProtoOps.super.handle(word == null ? null : word.split("/", 2)[0], args);
    }

    /** The mask of {@code 5/0xff} goes in front of the options. */
    @Override
    public List<String> options(@Nullable String word, List<String> args) {
        int slash = word == null ? -1 : word.indexOf('/');
        if (word == null || slash < 0 || args.isEmpty()) {
            return args;
        }
        List<String> all = new ArrayList<>(List.of("mask", word.substring(slash + 1)));
        all.addAll(args);
        return all;
    }

    /** One mark. */
    private static final class Mark extends FilterList.Entry {
        Mark(int handle, Filter filter) {
            super(handle, filter);
        }
    }

    /** All marks of a preference. */
    private static final class Fw extends FilterList {
        /** By mark; never changes. */
        private volatile Int2ObjectHashMap<Mark> byMark = new Int2ObjectHashMap<>();

        private volatile boolean oldMethod = true;
        private volatile int mask = -1;

        Fw(int prio, int protocol, int chain) {
            super("fw", prio, protocol, chain);
        }

        @Override
        protected void changing(Entry[] now) {
            Int2ObjectHashMap<Mark> map = new Int2ObjectHashMap<>();
            for (Entry e : now) {
                map.put(e.handle, (Mark) e);
            }
            byMark = map;
        }

        @Override
        @HotPath
        public int classify(Cpu cpu, SkBuff skb) {
            int mark = skb.mark;
            if (oldMethod) {
                if (mark == 0 || TcHandle.major(mark) != 0 && TcHandle.major(mark ^ block().parent) != 0) {
                    return TcfBlock.TC_ACT_UNSPEC;
                }
                QdiscSkbCb.setTcClassid(skb, mark);
                return TcfBlock.TC_ACT_OK;
            }
            Mark m = byMark.get(mark & mask);
            return m != null && m.filter.fromIndev(skb) ? m.filter.take(cpu, skb) : TcfBlock.TC_ACT_UNSPEC;
        }

        @Override
        public int change(int handle, List<String> args) {
            if (args.isEmpty()) {
                if (handle != 0) {
                    throw invalid();
                }
                return 0;
            }
            Entry old = find(handle);
            try (Filter.Builder b = new Filter.Builder(net())) {
                int wanted = read(b, new ClsWords(kind, args), old == null && oldMethod ? -1 : mask);
                if (handle == 0 || !oldMethod && wanted != mask) {
                    throw invalid();
                }
                if (old != null) {
                    b.from(old.filter);
                }
                mask = wanted;
                put(new Mark(handle, b.build()), old, true);
                oldMethod = false;
            }
            return handle;
        }

        private static int read(Filter.Builder b, ClsWords in, int otherwise) {
            int wanted = otherwise;
            if (in.take("mask")) {
                long m = ClsWords.unsigned(in.next(), 0);
                if (m < 0) {
                    throw new UserError("Illegal \"handle\" mask");
                }
                wanted = (int) m;
            }
            while (in.more()) {
                String word = in.next();
                if (!b.read(word, in)) {
                    throw ClsWords.unknown(word, USAGE);
                }
            }
            return wanted;
        }

        /** In the order of Linux's buckets, the newest of each first. */
        @Override
        public int[] handles() {
            return Arrays.stream(entries())
                    .sorted(Comparator.comparingInt(e -> bucket(e.handle)))
                    .mapToInt(e -> e.handle)
                    .toArray();
        }

        private static int bucket(int handle) {
            int h = handle ^ handle >>> 16;
            return (h ^ h >>> 8) & 0xFF;
        }

        @Override
        public boolean isEmpty() {
            return !oldMethod && super.isEmpty();
        }

        @Override
        public void dump(int handle, TcPrint p, boolean stats) {
            Entry e = find(handle);
            if (e == null || e.filter.classid == 0 && e.filter.exts.isEmpty()) {
                return;
            }
            String m = "0x" + Integer.toHexString(mask);
            p.open("fw");
            p.str("mask", "handle ", "0x" + Integer.toHexString(handle), mask == -1 ? " " : "");
            p.word("mask", m, mask == -1 ? "" : "/" + m + " ");
            p.close();
            e.filter.printClass(p, "classid");
            if (e.filter.indev != null) {
                p.str("indev", "input dev ", e.filter.indev.name(), " ");
            }
            if (!e.filter.exts.isEmpty()) {
                p.nl();
                e.filter.exts.dump(p, stats);
            }
        }
    }
}
