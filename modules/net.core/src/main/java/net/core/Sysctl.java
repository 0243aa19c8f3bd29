package net.core;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Settings by the kernel's names, defaults and units. A namespace's tree lies over the kernel's: what a module registers
 * there is the namespace's own. Boot words are in force from the registration on, in every namespace.
 *
 * <p>Context: process. Reading an entry's {@code value}: anywhere. Linux: net/sysctl_net.c, kernel/sysctl.c
 */
public final class Sysctl {
    private final @Nullable Sysctl parent;
    private final Map<String, String> bootWords;
    private final Set<String> used = new HashSet<>();
    private final ConcurrentSkipListMap<String, SysctlEntry> entries = new ConcurrentSkipListMap<>();

    Sysctl(@Nullable Sysctl parent, Map<String, String> bootWords) {
        this.parent = parent;
        this.bootWords = bootWords;
    }

    Map<String, String> bootWords() {
        return bootWords;
    }

    /** Registers a number without a listener. */
    public IntSysctl register(String name, int value, int min, int max) {
        return register(name, value, min, max, null);
    }

    /** Registers a number. */
    public IntSysctl register(String name, int value, int min, int max, SysctlEntry.@Nullable Listener listener) {
        return add(new IntSysctl(name, value, min, max, listener));
    }

    /** Registers a switch: 0 or 1. */
    public IntSysctl registerBool(String name, boolean value) {
        return register(name, value ? 1 : 0, 0, 1, null);
    }

    /** Registers a large number. */
    public LongSysctl registerLong(
            String name, long value, long min, long max, SysctlEntry.@Nullable Listener listener) {
        return add(new LongSysctl(name, value, min, max, listener));
    }

    /**
     * Registers a word.
     *
     * @param check what values are allowed; null for all
     * @param wants what is allowed, for the error message
     */
    public StringSysctl registerString(
            String name,
            String value,
            @Nullable Predicate<String> check,
            String wants,
            SysctlEntry.@Nullable Listener listener) {
        return add(new StringSysctl(name, value, check, wants, listener));
    }

    /** Registers several numbers. */
    public LongVecSysctl registerVec(
            String name, long[] value, long min, long max, SysctlEntry.@Nullable Listener listener) {
        return add(new LongVecSysctl(name, value, min, max, listener));
    }

    private <T extends SysctlEntry> T add(T entry) {
        if (entries.putIfAbsent(entry.name(), entry) != null) {
            throw new IllegalStateException("sysctl " + entry.name() + " is registered twice");
        }
        String boot = bootWords.get(entry.name());
        if (boot != null) {
            used.add(entry.name());
            // Without the listener: whoever registers reads the value next.
            entry.parse(boot.trim());
        }
        return entry;
    }

    /** Removes a setting: its module or device is gone. */
    public void unregister(String name) {
        entries.remove(name);
    }

    /** Removes every setting whose name starts with {@code prefix}. */
    public void unregisterAll(String prefix) {
        entries.subMap(prefix, prefix + Character.MAX_VALUE).clear();
    }

    /**
     * Changes a setting. Slashes are taken for dots, as sysctl(8) does.
     *
     * @throws UserError one line, for a name or value that cannot be
     */
    public void set(String name, String value) {
        entry(name).set(value);
    }

    /** A setting's value as text. */
    public String get(String name) {
        return entry(name).text();
    }

    /** A setting. */
    public SysctlEntry entry(String name) {
        String dotted = name.replace('/', '.');
        SysctlEntry entry = find(dotted);
        if (entry == null) {
            throw unknown(dotted);
        }
        return entry;
    }

    /** A setting, or null. */
    public @Nullable SysctlEntry find(String name) {
        SysctlEntry entry = entries.get(name);
        return entry != null || parent == null ? entry : parent.find(name);
    }

    /** All settings' names and values in order, the kernel's included. */
    public Map<String, String> list() {
        Map<String, String> all = parent == null ? new TreeMap<>() : parent.list();
        entries.forEach((name, entry) -> all.put(name, entry.text()));
        return all;
    }

    /** A boot word that named no setting here or in the kernel's tree; null if all did. */
    @Nullable
    String unusedBootWord() {
        for (String name : bootWords.keySet()) {
            if (!used.contains(name) && find(name) == null) {
                return name;
            }
        }
        return null;
    }

    UserError unknown(String name) {
        String best = null;
        int bestDistance = 1 + name.length() / 4;
        Set<String> names = new TreeSet<>(list().keySet());
        for (String known : names) {
            int d = distance(name, known);
            if (d < bestDistance) {
                bestDistance = d;
                best = known;
            }
        }
        return new UserError(
                "sysctl " + name + ": no such setting" + (best == null ? "" : "; did you mean " + best + "?"));
    }

    /** Levenshtein's distance. */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j < row.length; j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j < row.length; j++) {
                int cost = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                int next = Math.min(Math.min(row[j], row[j - 1]) + 1, diagonal + cost);
                diagonal = row[j];
                row[j] = next;
            }
        }
        return row[b.length()];
    }
}
