package net.sched;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import net.core.dev.TcfBlock;
import net.sched.QdiscLab.Flow;
import net.skbuff.SkBuff;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who frees a packet that a filter's action took out of a qdisc's way. */
class FilterVerdictTest {
    /** The qdisc frees what is stolen, queued, trapped or shot; a consumed packet is the action's. Only shot is a drop. */
    @ParameterizedTest
    @ValueSource(strings = {"fq_codel", "sfq", "sfb", "cake", "dualpi2"})
    void shouldFreeWhatNoActionOwns(String spec) {
        try (QdiscLab lab = new QdiscLab(spec, 0)) {
            int[] verdict = new int[1];
            List<SkBuff> owned = new ArrayList<>();
            lab.q.filters = (cpu, skb) -> {
                if (verdict[0] == TcfBlock.TC_ACT_CONSUMED) {
                    owned.add(skb);
                }
                return verdict[0];
            };
            int[] verdicts = {
                TcfBlock.TC_ACT_STOLEN, TcfBlock.TC_ACT_QUEUED, TcfBlock.TC_ACT_TRAP, TcfBlock.TC_ACT_SHOT,
            };
            Flow f = lab.flow(1);
            for (int i = 0; i < verdicts.length; i++) {
                verdict[0] = verdicts[i];
                lab.send(f);
                assertThat(f.drops).as("freed after verdict %d", verdict[0]).isEqualTo(i + 1);
            }
            assertThat(lab.q.currentDrops()).isOne();
            verdict[0] = TcfBlock.TC_ACT_CONSUMED;
            lab.send(f);
            assertThat(f.drops).as("consumed: not the qdisc's to free").isEqualTo(verdicts.length);
            lab.inCpu(cpu -> owned.forEach(skb -> skb.consume(cpu)));
            assertThat(owned).hasSize(1);
            assertThat(f.delivered).isZero();
            assertThat(lab.q.qlen).isZero();
        }
    }
}
