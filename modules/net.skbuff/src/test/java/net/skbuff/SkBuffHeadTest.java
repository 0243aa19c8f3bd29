package net.skbuff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class SkBuffHeadTest {
    private final SkbCache cache = new SkbCache(new SkbMemory(), 0);

    @Test
    void shouldBehaveAsALinkedList() {
        SplittableRandom random = new SplittableRandom(3);
        SkBuffHead queue = new SkBuffHead();
        SkBuffHead second = new SkBuffHead();
        LinkedList<SkBuff> model = new LinkedList<>();
        for (int step = 0; step < 5000; step++) {
            SkBuff skb = cache.allocSkb(0);
            switch (random.nextInt(8)) {
                case 0, 1 -> {
                    queue.addTail(skb);
                    model.addLast(skb);
                }
                case 2 -> {
                    queue.addHead(skb);
                    model.addFirst(skb);
                }
                case 3 -> {
                    if (!model.isEmpty()) {
                        int at = random.nextInt(model.size());
                        queue.insertAfter(model.get(at), skb);
                        model.add(at + 1, skb);
                    }
                }
                case 4 -> {
                    if (!model.isEmpty()) {
                        int at = random.nextInt(model.size());
                        queue.insertBefore(model.get(at), skb);
                        model.add(at, skb);
                    }
                }
                case 5 -> {
                    assertThat(queue.dequeue()).isSameAs(model.pollFirst());
                    assertThat(queue.dequeueTail()).isSameAs(model.pollLast());
                }
                case 6 -> {
                    if (!model.isEmpty()) {
                        queue.unlink(model.remove(random.nextInt(model.size())));
                    }
                }
                default -> {
                    second.addTail(skb);
                    if (random.nextBoolean()) {
                        queue.spliceTail(second);
                        model.addLast(skb);
                    } else {
                        queue.spliceHead(second);
                        model.addFirst(skb);
                    }
                    assertThat(second.isEmpty()).isTrue();
                    assertThat(second.qlen).isZero();
                }
            }
            assertThat(queue.qlen).isEqualTo(model.size());
            assertThat(queue.peek()).isSameAs(model.peekFirst());
            assertThat(queue.peekTail()).isSameAs(model.peekLast());
        }
        List<SkBuff> walked = new ArrayList<>();
        for (SkBuff s = queue.peek(); s != null; s = queue.peekNext(s)) {
            walked.add(s);
        }
        assertThat(walked).isEqualTo(model);
    }

    @Test
    void shouldRefuseAPacketThatIsQueuedElsewhere() {
        SkBuffHead a = new SkBuffHead();
        SkBuffHead b = new SkBuffHead();
        SkBuff skb = cache.allocSkb(0);
        a.addTail(skb);
        assertThatThrownBy(() -> b.addTail(skb)).hasMessageContaining("already queued");
        assertThatThrownBy(() -> b.unlink(skb)).hasMessageContaining("not in this queue");
    }

    @Test
    void shouldPurgeWithAReason() {
        SkBuffHead queue = new SkBuffHead();
        for (int i = 0; i < 5; i++) {
            queue.addTail(cache.allocSkb(0));
        }
        queue.purge(cache, SkbDropReason.QUEUE_PURGE);
        assertThat(queue.qlen).isZero();
        assertThat(cache.dropCounts[SkbDropReason.QUEUE_PURGE.ordinal()]).isEqualTo(5);
    }
}
