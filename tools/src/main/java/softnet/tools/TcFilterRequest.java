package softnet.tools;

import java.util.List;
import net.core.Kernel;
import net.core.UserError;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceTable;
import net.core.dev.SchApi;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.cls.ClsWords;
import net.sched.cls.FilterId;
import net.sched.cls.FilterView;
import net.sched.cls.LlProto;
import net.sched.cls.TcfApi;
import net.sched.cls.TcfFilters;
import org.jspecify.annotations.Nullable;

/**
 * {@code tc filter} and {@code tc chain}: reads where and which, and leaves the options to the classifier.
 *
 * <p>Context: process, under rtnl.
 *
 * <p>Linux: iproute2, tc/tc_filter.c
 */
final class TcFilterRequest {
    private static final int MAX_PRIO = 0xFFFF;

    static final String USAGE = """
            Usage: tc filter [ add | del | change | replace | show ] [ dev STRING ]
                   tc filter get dev STRING parent CLASSID protocol PROTO handle FILTERID pref PRIO FILTER_TYPE
                   [ pref PRIO ] protocol PROTO [ chain CHAIN_INDEX ]
                   [ root | ingress | egress | parent CLASSID ]
                   [ handle FILTERID ] [ [ FILTER_TYPE ] [ help | OPTIONS ] ]
                   tc filter show [ dev STRING ] [ root | ingress | egress | parent CLASSID ]
            """;
    static final String CHAIN_USAGE = """
            Usage: tc chain [ add | del | get | show ] [ dev STRING ]
            """;

    private final Kernel kernel;
    private final TcWordReader in;
    private final TcPrint p;
    private final boolean stats;

    private @Nullable String dev;
    private int parent;
    private int prio;
    private int protocol = -1;
    private int chain = -1;
    private @Nullable String handle;
    private @Nullable String kind;
    private boolean help;

    TcFilterRequest(Kernel kernel, TcWordReader in, TcPrint p, boolean stats) {
        this.kernel = kernel;
        this.in = in;
        this.p = p;
        this.stats = stats;
    }

    /** Does {@code command} for {@code tc filter}; false: print the usage. */
    boolean filter(String command) {
        switch (command) {
            case "help" -> {
                return false;
            }
            case "show" -> {
                return show(false);
            }
            case "get" -> {
                return get();
            }
            default -> {
                return modify(command);
            }
        }
    }

    /** Does {@code command} for {@code tc chain}; false: print the usage. */
    boolean chain(String command) {
        if (command.equals("help")) {
            return false;
        }
        if (command.equals("show")) {
            return show(true);
        }
        read("chain", true);
        if (help) {
            return false;
        }
        NetDevice d = device();
        if (kind != null) {
            throw new UserError("Error: Specified filter kind does not support chain templates.");
        }
        int number = Math.max(chain, 0);
        switch (command) {
            case "add" -> TcfApi.addChain(d, parent, number);
            case "delete" -> TcfApi.deleteChain(d, parent, number);
            default -> {
                p.openArray("", "");
                TcfApi.showChains(d, new FilterView(null, parent, 0, 0, number, stats), p);
                p.closeArray("");
            }
        }
        return true;
    }

    /** Reads up to the kind, or with {@code ends} false all words. */
    private void read(String object, boolean ends) {
        while (in.more() && kind == null && !help) {
            String word = in.next();
            if (word.equals("dev")) {
                String name = in.next();
                once(dev != null, "dev", name);
                dev = name;
            } else if (word.equals("root")) {
                hook(word, TcHandle.ROOT);
            } else if (word.equals("ingress")) {
                hook(word, TcfApi.INGRESS);
            } else if (word.equals("egress")) {
                hook(word, TcfApi.EGRESS);
            } else if (word.equals("parent")) {
                String id = in.next();
                once(parent != 0, word, id);
                long h = TcHandle.parseClassid(id);
                if (h < 0) {
                    throw invalid(id, ends ? "Invalid parent ID" : "invalid parent ID");
                }
                parent = (int) h;
            } else if (word.equals("handle")) {
                String id = in.next();
                once(handle != null, word, id);
                handle = id;
            } else if (TcWordReader.abbreviates(word, "preference") || TcWordReader.abbreviates(word, "priority")) {
                String n = in.next();
                once(prio != 0, "priority", n);
                prio = (int) number(n, MAX_PRIO, ends ? "invalid priority value" : "invalid preference");
            } else if (TcWordReader.abbreviates(word, "protocol")) {
                String name = in.next();
                once(protocol >= 0, "protocol", name);
                protocol = LlProto.parse(name);
                if (protocol < 0) {
                    throw invalid(name, "invalid protocol");
                }
            } else if (TcWordReader.abbreviates(word, "chain")) {
                String n = in.next();
                once(chain >= 0, "chain", n);
                chain = (int) number(n, 0xFFFFFFFFL, "invalid chain index value");
                if (chain > TcfFilters.MAX_CHAIN || chain < 0) {
                    throw new UserError("Error: Specified chain index exceeds upper limit.");
                }
            } else if (TcWordReader.abbreviates(word, "help")) {
                help = true;
            } else if (ends) {
                kind = word;
            } else {
                throw new UserError("What is \"" + word + "\"? Try \"tc " + object + " help\"");
            }
        }
    }

    private static void once(boolean before, String word, String value) {
        if (before) {
            throw new UserError("Error: duplicate \"" + word + "\": \"" + value + "\" is the second value.");
        }
    }

    private void hook(String word, int place) {
        if (parent != 0) {
            throw new UserError("Error: \"" + word + "\" is duplicate parent ID");
        }
        parent = place;
    }

    private static long number(String word, long max, String complaint) {
        long n = ClsWords.unsigned(word, 0);
        if (n < 0 || n > max) {
            throw invalid(word, complaint);
        }
        return n;
    }

    private static UserError invalid(String word, String complaint) {
        return new UserError("Error: argument \"" + word + "\" is wrong: " + complaint);
    }

    private NetDevice device() {
        if (dev == null) {
            throw new UserError("Error: Cannot find specified netdevice.");
        }
        NetDevice d = NetDeviceTable.of(kernel.initNet()).byName(dev);
        if (d == null) {
            throw new TcWordReader.Stop("Cannot find device \"" + dev + "\"");
        }
        return d;
    }

    private FilterId id(int otherwise) {
        return new FilterId(Math.max(chain, 0), prio, protocol < 0 ? otherwise : protocol, kind, handle);
    }

    private boolean modify(String command) {
        read("filter", true);
        if (help) {
            return false;
        }
        NetDevice d = device();
        List<String> args = in.rest();
        if (kind == null && handle != null) {
            throw new UserError("Must specify filter type when using \"handle\"");
        }
        if (kind != null && !args.isEmpty() && !TcfFilters.isKnown(kernel, kind)) {
            throw new TcWordReader.Stop(
                    "Unknown filter \"" + kind + "\", hence option \"" + args.getFirst() + "\" is unparsable");
        }
        if (command.equals("delete")) {
            TcfApi.delete(d, parent, id(0));
            return true;
        }
        SchApi.Verb verb = TcRequest.verb(command);
        TcfApi.modify(d, verb, parent, id(verb == SchApi.Verb.CHANGE ? 0 : TcfFilters.ETH_P_ALL), args);
        return true;
    }

    private boolean get() {
        read("filter", true);
        if (help) {
            return false;
        }
        if (protocol < 0) {
            throw new UserError("Must specify filter protocol");
        }
        if (prio == 0) {
            throw new UserError("Must specify filter priority");
        }
        if (parent == 0) {
            throw new UserError("Must specify filter parent");
        }
        if (kind == null) {
            throw new UserError("Must specify filter type");
        }
        if (handle == null) {
            throw new UserError("Must specify filter \"handle\"");
        }
        NetDevice d = device();
        p.openArray("", "");
        TcfApi.get(d, parent, id(0), p, stats);
        p.closeArray("");
        return true;
    }

    private boolean show(boolean chains) {
        read(chains ? "chain" : "filter", false);
        if (help) {
            return false;
        }
        p.openArray("", "");
        if (dev != null) { // as the kernel: filters are listed by device
            NetDevice d = device();
            FilterView v = new FilterView(null, parent, prio, Math.max(protocol, 0), chain, stats);
            if (chains) {
                TcfApi.showChains(d, v, p);
            } else {
                TcfApi.show(d, v, p);
            }
        }
        p.closeArray("");
        return true;
    }
}
