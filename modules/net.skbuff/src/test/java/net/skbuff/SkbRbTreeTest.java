package net.skbuff;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class SkbRbTreeTest {
    private final SkbCache cache = new SkbCache(new SkbMemory(), 0);
    private final SkbRbTree tree = new SkbRbTree();
    private final TreeMap<Integer, SkBuff> model = new TreeMap<>();

    @Test
    void shouldBehaveAsATreeMap() {
        for (long seed = 1; seed <= 30; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            int range = seed % 2 == 0 ? 60 : 2000;
            for (int step = 0; step < 1500; step++) {
                int key = random.nextInt(range);
                SkBuff there = model.get(key);
                if (there == null) {
                    SkBuff skb = cache.allocSkb(0);
                    skb.cb0 = key;
                    tree.insert(skb, (a, b) -> a.cb0 - b.cb0);
                    model.put(key, skb);
                } else {
                    tree.erase(there);
                    model.remove(key);
                    there.consume(cache);
                }
                if (step % 50 == 0) {
                    compare("seed " + seed + " step " + step);
                }
            }
            tree.purge(cache, SkbDropReason.QUEUE_PURGE);
            model.clear();
            compare("seed " + seed + " end");
        }
    }

    @Test
    void shouldKeepSendingOrderAndInsertAfter() {
        List<Integer> want = new ArrayList<>();
        SkBuff old = null;
        for (int i = 0; i < 100; i++) {
            SkBuff skb = cache.allocSkb(0);
            skb.cb0 = i * 2;
            tree.addLast(skb);
            want.add(i * 2);
            old = skb;
        }
        for (int i = 99; i >= 0; i--) {
            SkBuff skb = cache.allocSkb(0);
            skb.cb0 = i * 2 + 1;
            SkBuff before = tree.prev(old);
            tree.insertAfter(old, skb);
            want.add(i * 2 + 1);
            if (before != null) {
                old = before;
            }
        }
        want.sort(null);
        List<Integer> got = new ArrayList<>();
        for (SkBuff s = tree.first(); s != null; s = tree.next(s)) {
            got.add(s.cb0);
        }
        assertThat(got).isEqualTo(want);
        blackHeight(tree.root());
        tree.purge(cache, SkbDropReason.CONSUMED);
    }

    private void compare(String at) {
        assertThat(tree.size()).as(at).isEqualTo(model.size());
        SkBuff node = tree.first();
        for (SkBuff want : model.values()) {
            assertThat(node).as(at).isSameAs(want);
            node = tree.next(node);
        }
        assertThat(node).as(at).isNull();
        node = tree.last();
        for (SkBuff want : model.descendingMap().values()) {
            assertThat(node).as(at).isSameAs(want);
            node = tree.prev(node);
        }
        assertThat(node).as(at).isNull();
        blackHeight(tree.root());
    }

    private static int blackHeight(SkBuff node) {
        if (node == null) {
            return 1;
        }
        for (SkBuff child : new SkBuff[] {node.rbLeft, node.rbRight}) {
            if (child != null) {
                assertThat(child.rbParent).isSameAs(node);
                assertThat(node.rbRed && child.rbRed).as("red child of red").isFalse();
            }
        }
        int left = blackHeight(node.rbLeft);
        assertThat(blackHeight(node.rbRight)).isEqualTo(left);
        return left + (node.rbRed ? 0 : 1);
    }
}
