package net.testkit.live;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Runs {@link Attacks} and prints what came of them. */
public final class AttackMain {
    private AttackMain() {}

    /** See {@code bench/attacks/run}. Status 1: something was not as it must be. */
    public static void main(String[] args) throws Exception {
        List<Attacks> asked = new ArrayList<>();
        for (String name : args) {
            try {
                asked.add(Attacks.valueOf(name.toUpperCase(Locale.ROOT).replace('-', '_')));
            } catch (IllegalArgumentException e) {
                System.err.println("attacks: '" + name + "': want some of "
                        + Arrays.toString(Attacks.values())
                                .toLowerCase(Locale.ROOT)
                                .replace('_', '-'));
                System.exit(2);
            }
        }
        boolean broken = false;
        for (Attacks attack : asked.isEmpty() ? List.of(Attacks.values()) : asked) {
            Finding finding = attack.run(attack.fullSize());
            System.out.println(finding);
            broken |= !finding.broken().isEmpty();
        }
        System.exit(broken ? 1 : 0);
    }
}
