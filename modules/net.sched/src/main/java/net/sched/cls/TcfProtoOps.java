package net.sched.cls;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A kind of classifier: its name and its factory. Found through ServiceLoader.
 *
 * <p>Linux: struct tcf_proto_ops, register_tcf_proto_ops()
 */
public interface TcfProtoOps {
    /** Name as in {@code tc filter add ... NAME}, unique. */
    String id();

    /** An instance without filters. */
    TcfProto create(int prio, int protocol, int chain);

    /**
     * The number that a tc line means: of the word after {@code handle}, null if there is none, and of the options.
     *
     * @throws net.core.UserError if the word is none
     */
    default int handle(@Nullable String word, List<String> args) {
        if (word == null) {
            return 0;
        }
        long h = ClsWords.unsigned(word, 0);
        if (h < 0) {
            throw ClsWords.illegal("handle");
        }
        return (int) h;
    }

    /** The options, with what the word after {@code handle} says beside its number. */
    default List<String> options(@Nullable String word, List<String> args) {
        return args;
    }
}
