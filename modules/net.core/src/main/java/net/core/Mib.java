package net.core;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** A namespace's counters by group: {@code Ip}, {@code IpExt}, {@code Icmp}, {@code Tcp}, {@code TcpExt}, {@code Udp}. Context: any. */
public final class Mib {
    private final int cpus;
    private final CopyOnWriteArrayList<MibSet<?>> sets = new CopyOnWriteArrayList<>();

    Mib(int cpus) {
        this.cpus = cpus;
    }

    /** Adds a group; keep the result. Context: pernet init. */
    public <E extends Enum<E> & MibCounter> MibSet<E> register(String group, Class<E> type) {
        for (MibSet<?> set : sets) {
            if (set.group().equals(group)) {
                throw new IllegalStateException("counters " + group + " are registered twice");
            }
        }
        MibSet<E> set = new MibSet<>(group, type, cpus);
        sets.add(set);
        return set;
    }

    /** The groups, in order of registration. */
    public List<MibSet<?>> sets() {
        return new ArrayList<>(sets);
    }

    /** One counter by nstat's name, such as {@code TcpExtTCPHPHits}. */
    public long read(String name) {
        Long value = snapshot().get(name);
        if (value == null) {
            throw new UserError("counter " + name + ": no such counter");
        }
        return value;
    }

    /** All counters by nstat's names. */
    public Map<String, Long> snapshot() {
        Map<String, Long> all = new LinkedHashMap<>();
        for (MibSet<?> set : sets) {
            set.snapshot(all);
        }
        return all;
    }
}
