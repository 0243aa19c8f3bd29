package softnet.tools;

import java.util.List;
import net.core.Kernel;
import net.core.UserError;
import net.core.dev.DevGlobals;
import net.core.dev.NetDevice;
import net.core.dev.NetDeviceTable;
import net.core.dev.Qdisc;
import net.core.dev.SchApi;
import net.core.dev.SchApi.Verb;
import net.core.tc.TcHandle;
import net.core.tc.TcPrint;
import net.sched.act.TcActionApi;
import net.skbuff.Errno;
import org.jspecify.annotations.Nullable;

/**
 * One line of tc's grammar, done on a kernel's first namespace. Status 2 for wrong words and for what the kernel refuses, 1
 * where tc itself stops with 1. {@code Deviation:} tc's status for wrong words is 255.
 *
 * <p>Context: process. Takes rtnl.
 *
 * <p>Linux: iproute2, tc/tc.c, tc/tc_qdisc.c, tc/tc_class.c, tc/m_action.c
 */
final class TcRequest {
    private static final List<String> COMMANDS =
            List.of("add", "change", "replace", "delete", "get", "list", "show", "lst", "flush");
    /** Objects that have more commands than the others. */
    private static final List<String> FILTERS = List.of("filter", "chain", "actions");

    private static final String USAGE = """
            Usage: tc [-s] [-d] [-j] qdisc [ add | del | replace | change | show ] dev STRING
                   [ handle QHANDLE ] [ root | ingress | clsact | parent CLASSID ]
                   [ [ QDISC_KIND ] [ help | OPTIONS ] ]
                   tc [-s] [-d] [-j] class [ add | del | change | replace | show ] dev STRING
                   [ classid CLASSID ] [ root | parent CLASSID ]
                   [ [ QDISC_KIND ] [ help | OPTIONS ] ]
            """;

    private static final String ACTIONS_USAGE = """
            Usage: tc [-s] [-j] actions [ add | change | replace ] action KIND OPTIONS [ index N ] [ action ... ]
                   tc [-s] [-j] actions [ get | del ] action KIND index N [ action ... ]
                   tc [-s] [-j] actions [ ls | flush ] action KIND
            """;

    private final Kernel kernel;
    private final TcWordReader in;
    private boolean stats;
    private boolean details;
    private boolean json;
    private boolean pretty;

    private TcRequest(Kernel kernel, List<String> words) {
        this.kernel = kernel;
        in = new TcWordReader(words);
    }

    /** Does what the words after {@code tc} ask; never throws for words. */
    static ControlAnswer answer(Kernel kernel, List<String> words) {
        if (words.isEmpty() || !words.getFirst().equals("tc")) {
            return ControlAnswer.failed(Softnet.EXIT_USAGE, "softnet: want a request that begins with tc");
        }
        try {
            return new ControlAnswer(0, new TcRequest(kernel, words.subList(1, words.size())).run());
        } catch (TcWordReader.Stop e) {
            return ControlAnswer.failed(Softnet.EXIT_FAILED, Softnet.oneLine(e));
        } catch (UserError e) {
            return ControlAnswer.failed(Softnet.EXIT_USAGE, Softnet.oneLine(e));
        }
    }

    private String run() {
        while (in.more() && in.peek().startsWith("-")) {
            String option = in.next();
            String name = option.startsWith("--") ? option.substring(1) : option;
            if (name.length() > 1 && ("-statistics".startsWith(name) || "-stats".startsWith(name))) {
                stats = true;
            } else if (name.length() > 1 && "-details".startsWith(name)) {
                details = true;
            } else if (name.length() > 1 && "-json".startsWith(name)) {
                json = true;
            } else if (name.length() > 1 && "-pretty".startsWith(name)) {
                pretty = true;
            } else {
                throw new UserError("Option \"" + option + "\" is unknown, try \"tc -help\".");
            }
        }
        if (!in.more() || TcWordReader.abbreviates(in.peek(), "help")) {
            return USAGE;
        }
        String object = in.next();
        String[] result = {""};
        if (TcWordReader.abbreviates(object, "qdisc")) {
            String command = command("qdisc");
            kernel.rtnl().run(() -> result[0] = qdisc(command));
        } else if (TcWordReader.abbreviates(object, "class")) {
            String command = command("class");
            kernel.rtnl().run(() -> result[0] = tcClass(command));
        } else if (TcWordReader.abbreviates(object, "filter") || object.equals("chain")) {
            boolean chain = object.equals("chain");
            String command = command(chain ? "chain" : "filter");
            kernel.rtnl().run(() -> result[0] = filter(chain, command));
        } else if (TcWordReader.abbreviates(object, "actions")) {
            kernel.rtnl().run(() -> result[0] = actions());
        } else {
            throw new UserError("Object \"" + object + "\" is unknown, try \"tc help\".");
        }
        return result[0];
    }

    private String command(String object) {
        if (!in.more()) {
            return "show";
        }
        String word = in.next();
        if (TcWordReader.abbreviates(word, "help")) {
            return "help";
        }
        for (String command : COMMANDS) {
            if (TcWordReader.abbreviates(word, command) && isCommandOf(command, object)) {
                return command.equals("list") || command.equals("lst") ? "show" : command;
            }
        }
        throw new UserError("Command \"" + word + "\" is unknown, try \"tc " + object + " help\".");
    }

    private static boolean isCommandOf(String command, String object) {
        return switch (command) {
            case "get" -> FILTERS.contains(object);
            case "flush" -> object.equals("actions");
            default -> true;
        };
    }

    private String filter(boolean chain, String command) {
        TcPrint p = new TcPrint(json).details(details).pretty(pretty);
        TcFilterRequest request = new TcFilterRequest(kernel, in, p, stats);
        boolean done = chain ? request.chain(command) : request.filter(command);
        if (!done) {
            return chain ? TcFilterRequest.CHAIN_USAGE : TcFilterRequest.USAGE;
        }
        return json && (command.equals("show") || command.equals("get")) ? p + "\n" : p.toString();
    }

    /** {@code tc actions}. Linux: do_action(), tc/m_action.c */
    private String actions() {
        if (!in.more()) {
            return ACTIONS_USAGE;
        }
        String command = command("actions");
        TcActionApi api = new TcActionApi(kernel.initNet());
        TcPrint p = new TcPrint(json).details(details).pretty(pretty);
        switch (command) {
            case "help" -> {
                return ACTIONS_USAGE;
            }
            case "add" -> api.modify(in.rest(), false);
            case "change", "replace" -> api.modify(in.rest(), true);
            case "delete" -> api.delete(in.rest());
            case "flush" -> {
                String warning = api.flush(in.rest());
                return warning == null ? "" : warning + "\n";
            }
            case "get" -> api.get(in.rest(), p, stats);
            default -> api.list(in.rest(), p, stats);
        }
        boolean shows = command.equals("get") || command.equals("show");
        return !shows ? "" : json ? p + "\n" : p.toString();
    }

    static Verb verb(String command) {
        return switch (command) {
            case "add" -> Verb.ADD;
            case "change" -> Verb.CHANGE;
            default -> Verb.REPLACE;
        };
    }

    private String qdisc(String command) {
        if (command.equals("help")) {
            return USAGE;
        }
        TcPlace at = new TcPlace();
        boolean show = command.equals("show");
        if (!at.readQdisc(in, show)) {
            return USAGE;
        }
        if (show) {
            return show(at, "qdisc");
        }
        NetDevice dev = device(at.dev);
        if (command.equals("delete")) {
            deleteQdisc(dev, at);
            return "";
        }
        List<String> args = in.rest();
        String kind = at.kind;
        if (kind == null) {
            throw new UserError("Error: Specified qdisc kind is unknown.");
        }
        if (!args.isEmpty() && DevGlobals.of(dev.kernel()).qdiscs.find(kind) == null) {
            throw new TcWordReader.Stop(
                    "Unknown qdisc \"" + kind + "\", hence option \"" + args.getFirst() + "\" is unparsable");
        }
        int parent = at.parent;
        if (parent == TcHandle.UNSPEC) {
            Qdisc named = at.handle == 0 ? null : SchApi.lookup(dev, at.handle);
            if (named == null) {
                throw new UserError("RTNETLINK answers: " + Errno.text(at.handle == 0 ? Errno.EINVAL : Errno.ENOENT));
            }
            parent = named.parent;
        }
        SchApi.modify(dev, verb(command), parent, at.handle, kind, args);
        return "";
    }

    private static void deleteQdisc(NetDevice dev, TcPlace at) {
        if (at.parent == TcHandle.UNSPEC) {
            if (at.handle != 0 && SchApi.lookup(dev, at.handle) == null) {
                throw new UserError("Error: Failed to find qdisc with specified handle.");
            }
            throw new UserError("Error: Classid cannot be zero.");
        }
        Qdisc[] found = {null};
        SchApi.walk(dev, q -> {
            if (q.parent == at.parent) {
                found[0] = q;
            }
            return found[0] == null;
        });
        Qdisc q = found[0];
        if (q != null && q.handle != 0 && at.kind != null && !q.id().equals(at.kind)) {
            throw new UserError("Error: Invalid qdisc name.");
        }
        if (q != null && at.handle != 0 && q.handle != at.handle) {
            throw new UserError("Error: Invalid handle.");
        }
        SchApi.delete(dev, at.parent);
    }

    private String tcClass(String command) {
        if (command.equals("help")) {
            return USAGE;
        }
        TcPlace at = new TcPlace();
        boolean show = command.equals("show");
        if (!at.readClass(in, show)) {
            return USAGE;
        }
        if (show) {
            return at.dev == null ? "" : show(at, "class"); // as the kernel: classes are listed by device
        }
        NetDevice dev = device(at.dev);
        int of = TcHandle.major(at.classid) != 0 || at.parent == TcHandle.ROOT ? at.classid : at.parent;
        Qdisc q = SchApi.lookup(dev, TcHandle.major(of));
        if (q == null) {
            throw new UserError("RTNETLINK answers: " + Errno.text(Errno.ENOENT));
        }
        if (command.equals("delete")) {
            SchApi.deleteClass(dev, TcHandle.make(q.handle, at.classid));
            return "";
        }
        String kind = at.kind;
        if (kind != null && !q.id().equals(kind)) {
            if (DevGlobals.of(dev.kernel()).qdiscs.find(kind) == null) {
                throw new TcWordReader.Stop("Error: Qdisc \"" + kind + "\" is unknown.");
            }
            throw new UserError("RTNETLINK answers: " + Errno.text(Errno.EINVAL));
        }
        if (at.parent == TcHandle.UNSPEC && command.equals("add")) {
            at.parent = q.handle;
        }
        SchApi.modifyClass(dev, verb(command), at.parent, at.classid, in.rest());
        return "";
    }

    private NetDevice device(@Nullable String name) {
        if (name == null) {
            throw new UserError("RTNETLINK answers: " + Errno.text(Errno.ENODEV));
        }
        NetDevice dev = NetDeviceTable.of(kernel.initNet()).byName(name);
        if (dev == null) {
            throw new TcWordReader.Stop("Cannot find device \"" + name + "\"");
        }
        return dev;
    }

    private String show(TcPlace at, String object) {
        List<NetDevice> devices =
                at.dev == null ? NetDeviceTable.of(kernel.initNet()).all() : List.of(device(at.dev));
        TcPrint p = new TcPrint(json).details(details);
        p.openArray("", "");
        for (NetDevice dev : devices) {
            SchApi.walk(dev, q -> {
                if (object.equals("class")) {
                    if (at.holdsClassesOf(q)) {
                        SchApi.showClasses(q, p, stats);
                    }
                } else if ((q.flags & Qdisc.TCQ_F_INVISIBLE) == 0 && at.holds(q)) {
                    q.print(p, at.dev == null, stats);
                }
                return true;
            });
        }
        p.closeArray("");
        return json ? p + "\n" : p.toString();
    }
}
