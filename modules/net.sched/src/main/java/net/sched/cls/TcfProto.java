package net.sched.cls;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import net.core.Cpu;
import net.core.Net;
import net.core.UserError;
import net.core.dev.QdiscSkbCb;
import net.core.dev.TcfBlock;
import net.core.tc.TcPrint;
import net.skbuff.HotPath;
import net.skbuff.SkBuff;
import org.jspecify.annotations.Nullable;

/**
 * One instance of a classifier: all filters of one kind at one preference, for one protocol, in one chain.
 *
 * <p>Context: {@link #classify} by the holder of a CPU's word, on several CPUs at once where it hangs on a hook: it reads
 * a table that {@link #change} and {@link #delete}, under rtnl, replace.
 *
 * <p>Linux: struct tcf_proto, struct tcf_proto_ops
 */
public abstract class TcfProto {
    /** Name as in {@code tc filter add ... KIND}. */
    public final String kind;
    /** Preference: the smallest is asked first. */
    public final int prio;
    /** Ethertype, or {@link TcfFilters#ETH_P_ALL}. */
    public final int protocol;
    /** Chain it is in. */
    public final int chain;

    private @Nullable Net net;
    private @Nullable TcfFilters block;

    /** An instance without filters, as {@link TcfProtoOps#create} was told. */
    protected TcfProto(String kind, int prio, int protocol, int chain) {
        this.kind = kind;
        this.prio = prio;
        this.protocol = protocol;
        this.chain = chain;
    }

    /** Tells it where it is, before it has a filter. */
    final void init(Net n, TcfFilters b) {
        net = n;
        block = b;
        attached();
    }

    /** It knows where it is from now on: a place to set up what it needs. */
    protected void attached() {}

    /** The namespace it is in, whose actions and devices its filters name. */
    protected final Net net() {
        return Objects.requireNonNull(net);
    }

    /** The filters it is among. */
    protected final TcfFilters block() {
        return Objects.requireNonNull(block);
    }

    /**
     * Decides on a packet: {@link TcfBlock#TC_ACT_UNSPEC} if no filter matches, else {@code TC_ACT_*}; with OK the class is
     * in {@link QdiscSkbCb#tcClassid}.
     */
    @HotPath
    public abstract int classify(Cpu cpu, SkBuff skb);

    /**
     * Adds a filter, or changes the one called {@code handle}.
     *
     * @param handle 0 for a new one, whose handle it chooses; one that is not {@link #has there} makes a new one too
     * @param args the words after the kind
     * @return the filter's handle, 0 if these words make none
     * @throws UserError if a word is wrong
     */
    public abstract int change(int handle, List<String> args);

    /** Removes a filter and gives its actions up; returns false if there is none of that handle. */
    public abstract boolean delete(int handle);

    /** It is out of force: gives the actions of all filters up. */
    public void destroy() {
        for (int h : handles()) {
            delete(h);
        }
    }

    /** Handles of all filters, in their order. */
    public abstract int[] handles();

    /** Tells whether there is a filter of that handle. Linux: get() */
    public boolean has(int handle) {
        return handle != 0 && Arrays.stream(handles()).anyMatch(h -> h == handle);
    }

    /** Tells whether it has no filter left, so that it can go. */
    public boolean isEmpty() {
        return handles().length == 0;
    }

    /** Tells whether one of its filters chooses this class, which then cannot be deleted. Linux: bind_class() */
    public boolean refersTo(int classid) {
        return false;
    }

    /** A filter's handle and options as {@code tc filter show} prints them behind the chain. */
    public abstract void dump(int handle, TcPrint p, boolean stats);
}
