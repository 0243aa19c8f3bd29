package net.testkit.live;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What came of an attack: figures, and what was not as it must be. */
public final class Finding {
    private final String attack;
    private final List<String> figures = new ArrayList<>();
    private final List<String> broken = new ArrayList<>();

    Finding(String attack) {
        this.attack = attack;
    }

    void figure(String format, Object... values) {
        figures.add(String.format(Locale.ROOT, format, values));
    }

    void broken(String what) {
        broken.add(what);
    }

    /** Holds, or is told as broken. */
    void must(boolean holds, String what) {
        if (!holds) {
            broken.add("not so: " + what);
        }
    }

    public List<String> broken() {
        return List.copyOf(broken);
    }

    @Override
    public String toString() {
        StringBuilder s = new StringBuilder(attack);
        figures.forEach(f -> s.append("\n  ").append(f));
        broken.forEach(b -> s.append("\n  BROKEN: ").append(b));
        return s.toString();
    }
}
