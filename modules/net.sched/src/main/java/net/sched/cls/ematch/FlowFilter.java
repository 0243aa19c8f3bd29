package net.sched.cls.ematch;

import java.util.ArrayList;
import java.util.List;
import net.core.Cpu;
import net.core.UserError;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.cls.ClsWords;
import net.sched.cls.Filter;
import net.sched.cls.FilterList;
import net.sched.cls.IpPrefix;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * One flow filter: which keys, and how a class is made of them. Never changes, but for the secret, which {@code perturb}
 * renews.
 *
 * <p>Linux: struct flow_filter
 */
final class FlowFilter extends FilterList.Entry {
    private final Settings s;
    private volatile int secret;
    private volatile long renewAtJiffies;

    FlowFilter(int handle, Filter filter, Settings s, int secret, long nowJiffies) {
        super(handle, filter);
        this.s = s;
        this.secret = secret;
        renewAtJiffies = nowJiffies + s.perturb * 1000;
    }

    Settings settings() {
        return s;
    }

    int secret() {
        return secret;
    }

    /** What the words say. */
    static final class Settings {
        static final String USAGE = "Usage: ... flow [mapping mode]: map key KEY [ OPS ] ..."
                + " [hashing mode]: hash keys KEY-LIST ... [ perturb SECS ] [ divisor NUM ] [ baseclass ID ]"
                + " [ match EMATCH_TREE ] [ action ACTION_SPEC ];"
                + " OPS := [ or NUM | and NUM | xor NUM | rshift NUM | addend NUM ]";

        boolean hash;
        boolean modeGiven;
        List<FlowKey> keys = List.of();
        int mask = -1;
        int xor;
        int rshift;
        int addend;
        int divisor;
        int baseclass;
        long perturb;
        boolean perturbGiven;

        @Nullable
        EmatchTree tree;

        Settings() {}

        /** As {@code was} until the words say otherwise; expressions are not kept. */
        Settings(Settings was) {
            hash = was.hash;
            keys = was.keys;
            mask = was.mask;
            xor = was.xor;
            rshift = was.rshift;
            addend = was.addend;
            divisor = was.divisor;
            baseclass = was.baseclass;
            perturb = was.perturb;
        }

        void read(ClsWords in, Filter.Builder b) {
            boolean bitsGiven = false;
            while (in.more()) {
                String word = in.next();
                if (ClsWords.matches(word, "map")) {
                    hash = false;
                    modeGiven = true;
                } else if (ClsWords.matches(word, "hash")) {
                    hash = true;
                    modeGiven = true;
                } else if (ClsWords.matches(word, "keys")) {
                    keys(in.next());
                } else if (ClsWords.matches(word, "and")
                        || ClsWords.matches(word, "or")
                        || ClsWords.matches(word, "xor")) {
                    if (!bitsGiven) {
                        bitsGiven = true;
                        mask = -1;
                        xor = 0;
                    }
                    bits(word, (int) in.number(ClsWords.matches(word, "and") ? "mask" : word, 0, 32));
                } else if (ClsWords.matches(word, "rshift")) {
                    rshift = (int) in.number("rshift", 0, 32);
                } else if (ClsWords.matches(word, "addend")) {
                    addend(in.next());
                } else if (ClsWords.matches(word, "divisor")) {
                    divisor = (int) in.number("divisor", 0, 32);
                } else if (ClsWords.matches(word, "baseclass")) {
                    long id = TcHandle.parseClassid(in.next());
                    if (id < 0 || TcHandle.minor((int) id) == 0) {
                        throw ClsWords.illegal("baseclass");
                    }
                    baseclass = (int) id;
                } else if (ClsWords.matches(word, "perturb")) {
                    perturb = in.number("perturb", 0, 32);
                    perturbGiven = true;
                } else if (ClsWords.matches(word, "match")) {
                    tree = EmatchParser.parse(in);
                } else if (ClsWords.matches(word, "classid") || word.equals("flowid") || !b.read(word, in)) {
                    throw ClsWords.unknown(word, USAGE);
                }
            }
            if (!hash && keys.size() > 1) {
                throw new UserError("Invalid mode \"map\" for multiple keys");
            }
        }

        private void keys(String list) {
            List<FlowKey> all = new ArrayList<>();
            for (String w : list.split(",", -1)) {
                FlowKey k = FlowKey.of(w);
                if (k == null) {
                    throw new UserError("Unknown flow key \"" + w + "\"");
                }
                if (!all.contains(k)) {
                    all.add(k);
                }
            }
            all.sort(null);
            keys = List.copyOf(all);
        }

        private void bits(String word, int v) {
            int m = ClsWords.matches(word, "and") ? v : ClsWords.matches(word, "or") ? ~v : -1;
            int x = ClsWords.matches(word, "and") ? 0 : v;
            xor = x ^ xor & m;
            mask &= m;
        }

        private void addend(String word) {
            boolean minus = word.startsWith("-");
            String s = minus ? word.substring(1) : word;
            long v = ClsWords.unsigned(s, 0);
            IpPrefix p = v < 0 && s.indexOf('/') < 0 ? IpPrefix.parse(s) : null;
            if (v < 0 && p == null) {
                throw ClsWords.illegal("addend");
            }
            int n = (int) (p == null ? v : p.lo());
            addend = minus ? -n : n;
        }
    }

    /** The class of a packet; {@code keys} and {@code h} are the CPU's. */
    @HotPath
    int classid(Cpu cpu, SkBuff skb, FlowHeaders h) {
        int id;
        if (s.hash) {
            id = hash(cpu, skb, h);
        } else {
            int key = s.keys.getFirst().of(cpu, skb, h);
            id = (key & s.mask ^ s.xor) >>> s.rshift;
            id += s.addend;
        }
        if (s.divisor != 0) {
            id = Integer.remainderUnsigned(id, s.divisor);
        }
        return TcHandle.make(s.baseclass, s.baseclass + id);
    }

    @HotPath
    private int hash(Cpu cpu, SkBuff skb, FlowHeaders h) {
        if (s.perturb != 0 && cpu.jiffies() - renewAtJiffies >= 0) {
            renewAtJiffies = cpu.jiffies() + s.perturb * 1000;
            secret = cpu.kernel().getRandomU32();
        }
        long mix = secret * 0x9E3779B97F4A7C15L + s.keys.size();
        for (int i = 0; i < s.keys.size(); i++) {
            mix = (mix ^ s.keys.get(i).of(cpu, skb, h) & 0xFFFFFFFFL) * 0xBF58476D1CE4E5B9L;
            mix ^= mix >>> 31;
        }
        mix *= 0x94D049BB133111EBL;
        return (int) (mix >>> 32);
    }

    @HotPath
    boolean matches(Cpu cpu, SkBuff skb) {
        return s.tree == null || s.tree.match(cpu, skb);
    }

    void print(TcPrint p, boolean stats) {
        String hex = handle == 0 ? "0" : "0x" + Integer.toHexString(handle);
        p.word("handle", "0x" + Integer.toHexString(handle), "handle " + hex + " ");
        p.str("mode", "", s.hash ? "hash" : "map", " ");
        p.openArray("keys", "keys");
        String sep = " ";
        for (FlowKey k : s.keys) {
            p.text(sep).str("", "", k.word, "");
            sep = ",";
        }
        p.closeArray(" ");
        if (s.mask != -1 || s.xor != 0) {
            hex(p, "and", s.mask, s.mask != -1);
            hex(p, "xor", s.mask & s.xor, (s.mask & s.xor) != 0);
            hex(p, "or", s.mask & s.xor ^ s.xor, (s.mask & s.xor ^ s.xor) != 0);
        }
        if (s.rshift != 0) {
            p.num("rshift", "rshift ", s.rshift, " ");
        }
        if (s.addend != 0) {
            p.hex("addend", "addend ", s.addend & 0xFFFFFFFFL, " ");
        }
        if (s.divisor != 0) {
            p.num("divisor", "divisor ", s.divisor & 0xFFFFFFFFL, " ");
        }
        p.str("baseclass", "baseclass ", TcHandle.format(s.baseclass), " ");
        if (s.perturb != 0) {
            p.num("perturb", "perturb ", s.perturb, "sec ");
        }
        if (s.tree != null) {
            s.tree.print(p);
        }
        if (!filter.exts.isEmpty()) {
            p.nl();
            filter.exts.dump(p, stats);
        }
    }

    private static void hex(TcPrint p, String word, int v, boolean there) {
        if (there) {
            p.word(word, "0x" + Integer.toHexString(v), String.format(java.util.Locale.ROOT, "%s 0x%08x ", word, v));
        }
    }
}
