package net.core.dev;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.core.UserError;
import net.core.tc.TcHandle;
import org.jspecify.annotations.Nullable;

/**
 * The queueing disciplines a kernel knows, by name, and the default one.
 *
 * <p>Context: filled at boot; read under rtnl.
 *
 * <p>Linux: net/sched/sch_api.c
 */
public final class QdiscRegistry {
    private final Map<String, QdiscOps> byName = new TreeMap<>();
    private @Nullable QdiscOps defaultOps;

    QdiscRegistry() {}

    /** Adds a kind; a second one of the same name is refused. Linux: register_qdisc(). */
    public synchronized void register(QdiscOps ops) {
        QdiscOps old = byName.putIfAbsent(ops.id(), ops);
        if (old != null) {
            throw new UserError("qdisc \"" + ops.id() + "\" is provided twice: by "
                    + old.getClass().getModule().getName() + " and by "
                    + ops.getClass().getModule().getName());
        }
    }

    /** The kind called {@code name}, or null. */
    public synchronized @Nullable QdiscOps find(String name) {
        return byName.get(name);
    }

    /** The kind called {@code name}; a wrong name is the user's error. */
    public synchronized QdiscOps get(String name) {
        QdiscOps ops = byName.get(name);
        if (ops == null) {
            throw new UserError("unknown qdisc \"" + name + "\": known are " + String.join(", ", byName.keySet()));
        }
        return ops;
    }

    /** Names of all kinds. */
    public synchronized List<String> names() {
        return new ArrayList<>(byName.keySet());
    }

    /** Sets what new devices get; {@code net.core.default_qdisc}. */
    public synchronized void setDefault(String name) {
        defaultOps = get(name);
    }

    /** What new devices get: as set, else pfifo_fast, else no queue. */
    public synchronized QdiscOps defaultOps() {
        if (defaultOps != null) {
            return defaultOps;
        }
        QdiscOps fast = byName.get("pfifo_fast");
        return fast != null ? fast : get("noqueue");
    }

    /**
     * Attaches a qdisc to the root of a device, given in tc's grammar: {@code NAME [options]}; ingress and clsact go to
     * the device's hooks and leave its queue alone. Context: rtnl.
     *
     * @throws UserError if name or options are wrong
     */
    public Qdisc attachRoot(NetDevice dev, String spec) {
        List<String> words = Arrays.asList(spec.trim().split("\\s+"));
        QdiscOps ops = get(words.getFirst());
        Object opt = ops.parse(words.subList(1, words.size()));
        Qdisc q = ops.create(dev.tx[0]);
        if ((q.flags & Qdisc.TCQ_F_INGRESS) != 0) {
            return SchApi.modify(
                    dev, SchApi.Verb.REPLACE, TcHandle.INGRESS, 0, words.getFirst(), words.subList(1, words.size()));
        }
        q.handle = 0x80010000 + (dev.ifindex << 16);
        int err = q.init(opt);
        if (err != 0) {
            throw new UserError("qdisc " + spec + " on " + dev.name() + ": " + net.skbuff.Errno.text(-err));
        }
        QdiscGraft.root(dev, q);
        return q;
    }
}
