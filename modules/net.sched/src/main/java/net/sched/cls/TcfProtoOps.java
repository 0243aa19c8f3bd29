package net.sched.cls;

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
}
