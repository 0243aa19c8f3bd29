package softnet.tools;

import java.util.List;
import net.core.UserError;
import net.core.tc.TcHandle;

/** The words of a tc line, one after the other. Linux: NEXT_ARG(), matches(), invarg(), duparg(), iproute2 */
final class TcWordReader {
    /** What makes tc end with status 1. */
    static final class Stop extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Stop(String line) {
            super(line);
        }
    }

    private final List<String> words;
    private int at;

    TcWordReader(List<String> words) {
        this.words = words;
    }

    /** Tells whether {@code word} is {@code whole} or its beginning. */
    static boolean abbreviates(String word, String whole) {
        return !word.isEmpty() && whole.startsWith(word);
    }

    boolean more() {
        return at < words.size();
    }

    String peek() {
        return words.get(at);
    }

    /** The next word; it has to be there. */
    String next() {
        if (!more()) {
            throw new UserError("Command line is not complete. Try option \"help\"");
        }
        return words.get(at++);
    }

    /** All that are left. */
    List<String> rest() {
        List<String> rest = List.copyOf(words.subList(at, words.size()));
        at = words.size();
        return rest;
    }

    /** A class: {@code 1:10}, and {@code what} it is for. */
    int classid(String what) {
        String word = next();
        return known(word, TcHandle.parseClassid(word), what);
    }

    /** A qdisc: {@code 1:}. */
    int qdisc() {
        String word = next();
        return known(word, TcHandle.parseQdisc(word), "qdisc");
    }

    private static int known(String word, long handle, String what) {
        if (handle < 0) {
            throw new UserError("Error: argument \"" + word + "\" is wrong: invalid " + what + " ID");
        }
        return (int) handle;
    }
}
