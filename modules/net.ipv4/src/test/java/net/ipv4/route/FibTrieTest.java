package net.ipv4.route;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.ipv4.Inet;
import org.junit.jupiter.api.Test;

class FibTrieTest {
    private record Prefix(int prefix, int len) {}

    private static Integer longest(FibTrie<Integer> trie, int addr) {
        Integer best = null;
        for (FibTrie.Node<Integer> n = trie.root(); n != null; n = trie.next(n, addr)) {
            if (n.value() != null) {
                best = n.value();
            }
        }
        return best;
    }

    private static Integer reference(Map<Prefix, Integer> all, int addr) {
        for (int len = 32; len >= 0; len--) {
            Integer v = all.get(new Prefix(addr & Inet.mask(len), len));
            if (v != null) {
                return v;
            }
        }
        return null;
    }

    @Test
    void shouldFindTheLongestPrefixAsALinearSearchDoes() {
        for (long seed = 1; seed <= 30; seed++) {
            Random r = new Random(seed);
            FibTrie<Integer> trie = new FibTrie<>();
            Map<Prefix, Integer> all = new HashMap<>();
            for (int step = 0; step < 600; step++) {
                // Few distinct bits, so that prefixes nest.
                int addr = r.nextInt() & (r.nextBoolean() ? 0xff0000ff : 0xffffffff);
                int len = r.nextInt(33);
                Prefix p = new Prefix(addr & Inet.mask(len), len);
                if (r.nextInt(3) == 0) {
                    List<Prefix> keys = new ArrayList<>(all.keySet());
                    Prefix victim = keys.isEmpty() || r.nextInt(4) == 0 ? p : keys.get(r.nextInt(keys.size()));
                    assertThat(trie.remove(victim.prefix(), victim.len())).isEqualTo(all.remove(victim) != null);
                } else {
                    trie.put(p.prefix(), p.len(), step);
                    all.put(p, step);
                }
                assertThat(trie.size()).as("seed " + seed).isEqualTo(all.size());
                for (int i = 0; i < 8; i++) {
                    int probe = i == 0 ? addr : r.nextInt() & (r.nextBoolean() ? 0xff0000ff : 0xffffffff);
                    assertThat(longest(trie, probe))
                            .as("seed " + seed + " step " + step)
                            .isEqualTo(reference(all, probe));
                }
            }
            List<Prefix> listed = new ArrayList<>();
            trie.forEach((n, v) -> listed.add(new Prefix(n.prefix, n.len)));
            assertThat(listed).containsExactlyInAnyOrderElementsOf(all.keySet());
        }
    }
}
