package softnet.tools;

import net.core.UserError;
import net.core.dev.Qdisc;
import net.core.tc.TcHandle;
import org.jspecify.annotations.Nullable;

/**
 * The part of a tc line that says where: device, handle, parent, class and, before its options, the kind.
 *
 * <p>Linux: tc_qdisc_modify(), tc_qdisc_list(), tc_class_modify(), tc_class_list(), iproute2
 */
final class TcPlace {
    @Nullable
    String dev;

    int handle;
    int parent;
    int classid;

    /** The word after which options begin; null: none. */
    @Nullable
    String kind;

    /** Reads up to the kind, or all words of a show; false if help was asked for. */
    boolean readQdisc(TcWordReader in, boolean show) {
        while (in.more()) {
            String word = in.next();
            switch (word) {
                case "dev" -> dev(in);
                case "handle" -> {
                    once("handle", handle, show);
                    handle = in.qdisc();
                }
                case "root" -> hook(word, TcHandle.ROOT);
                case "ingress", "clsact" -> {
                    hook(word, TcHandle.INGRESS);
                    handle = TcHandle.INGRESS_MAJOR;
                    kind = word;
                    if (!show) {
                        return true;
                    }
                }
                case "parent" -> {
                    once("parent", parent, show);
                    parent = in.classid("parent");
                }
                default -> {
                    if (TcWordReader.abbreviates(word, "help")) {
                        return false;
                    }
                    if (show) {
                        throw new UserError("What is \"" + word + "\"? Try \"tc qdisc help\".");
                    }
                    kind = word;
                    return true;
                }
            }
        }
        return true;
    }

    /** As {@link #readQdisc}; a show takes {@code qdisc} for the handle. */
    boolean readClass(TcWordReader in, boolean show) {
        while (in.more()) {
            String word = in.next();
            switch (word) {
                case "dev" -> dev(in);
                case "root" -> hook(word, TcHandle.ROOT);
                case "parent" -> {
                    once("parent", parent, show);
                    parent = in.classid("parent");
                }
                default -> {
                    if (!show && word.equals("classid")) {
                        once("classid", classid, false);
                        classid = in.classid("class");
                    } else if (show && word.equals("qdisc")) {
                        once("qdisc", handle, false);
                        handle = in.qdisc();
                    } else if (TcWordReader.abbreviates(word, "help")) {
                        return false;
                    } else if (show) {
                        throw new UserError("What is \"" + word + "\"? Try \"tc class help\".");
                    } else {
                        kind = word;
                        return true;
                    }
                }
            }
        }
        return true;
    }

    private void dev(TcWordReader in) {
        String name = in.next();
        if (dev != null) {
            throw new UserError("Error: duplicate \"dev\": \"" + name + "\" is the second value.");
        }
        dev = name;
    }

    private void hook(String word, int place) {
        if (parent != 0) {
            throw new UserError("Error: \"" + word + "\" is duplicate parent ID");
        }
        parent = place;
    }

    private static void once(String word, int before, boolean show) {
        if (before != 0) {
            throw new UserError(
                    "Error: " + (show ? "only one " + word + " can be shown" : "duplicate \"" + word + "\"."));
        }
    }

    /** Tells whether a show that says this wants to see {@code q}. */
    boolean holds(Qdisc q) {
        return (parent == 0 || q.parent == parent)
                && (handle == 0 || q.handle == handle)
                && (kind == null || q.id().equals(kind));
    }

    /** Tells whether a show that says this wants to see the classes of {@code q}. */
    boolean holdsClassesOf(Qdisc q) {
        return (handle == 0 || q.handle == handle)
                && (parent == 0 || (parent == TcHandle.ROOT ? q.parent == parent : q.handle == TcHandle.major(parent)));
    }
}
