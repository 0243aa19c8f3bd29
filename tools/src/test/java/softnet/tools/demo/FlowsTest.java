package softnet.tools.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import net.core.BootParams;
import net.core.Softirq;
import net.core.UserError;
import net.core.trace.Landmark;
import net.core.trace.PathTrace.Context;
import net.core.trace.PathTrace.Step;
import org.junit.jupiter.api.Test;

/** Each control flow happens, and is what its title says. */
class FlowsTest {
    private static List<Step> record(int flow) throws IOException {
        return Flows.byNumber(flow).record(BootParams.parse("clock=virtual", "debug"));
    }

    private static List<Landmark> landmarks(List<Step> steps) {
        return steps.stream().map(Step::landmark).toList();
    }

    @Test
    void shouldCallWithoutSending() throws IOException {
        List<Step> steps = record(1);
        assertThat(steps).allMatch(s -> s.context() == Context.PROCESS);
        assertThat(landmarks(steps))
                .containsExactly(
                        Landmark.SOCK_SENDMSG, Landmark.TCP_SENDMSG, Landmark.TCP_PUSH, Landmark.TCP_WRITE_XMIT);
    }

    @Test
    void shouldCallAndSend() throws IOException {
        List<Step> steps = record(2);
        assertThat(steps).allMatch(s -> s.context() == Context.PROCESS);
        assertThat(landmarks(steps))
                .startsWith(Landmark.SOCK_SENDMSG, Landmark.TCP_SENDMSG)
                .containsSubsequence(
                        Landmark.TCP_TRANSMIT_SKB,
                        Landmark.IP_QUEUE_XMIT,
                        Landmark.IP_LOCAL_OUT,
                        Landmark.IP_OUTPUT,
                        Landmark.IP_FINISH_OUTPUT,
                        Landmark.NEIGH_OUTPUT,
                        Landmark.DEV_QUEUE_XMIT,
                        Landmark.SCH_DIRECT_XMIT,
                        Landmark.DEV_HARD_START_XMIT)
                .endsWith(Landmark.NDO_START_XMIT);
    }

    @Test
    void shouldFireATimerWithoutSending() throws IOException {
        List<Step> steps = record(3);
        assertThat(steps).allMatch(s -> s.vector() == Softirq.TIMER);
        assertThat(landmarks(steps)).containsExactly(Landmark.RUN_TIMERS, Landmark.TW_TIMER_HANDLER);
    }

    @Test
    void shouldFireATimerAndSend() throws IOException {
        List<Step> steps = record(4);
        assertThat(steps).allMatch(s -> s.vector() == Softirq.TIMER);
        assertThat(landmarks(steps))
                .containsSubsequence(
                        Landmark.TCP_RETRANSMIT_TIMER, Landmark.TCP_RETRANSMIT_SKB, Landmark.TCP_TRANSMIT_SKB)
                .endsWith(Landmark.NDO_START_XMIT);
    }

    @Test
    void shouldDrainAQueueInTheTransmitSoftirq() throws IOException {
        List<Step> steps = record(5);
        assertThat(landmarks(steps))
                .containsSubsequence(
                        Landmark.SCH_DIRECT_XMIT,
                        Landmark.IRQ,
                        Landmark.NETIF_TX_WAKE_QUEUE,
                        Landmark.NET_TX_ACTION,
                        Landmark.QDISC_DEQUEUE,
                        Landmark.NDO_START_XMIT);
        assertThat(steps.getFirst().context()).isEqualTo(Context.PROCESS);
        assertThat(steps.getLast().vector()).isEqualTo(Softirq.NET_TX);
    }

    @Test
    void shouldReceive() throws IOException {
        assertThat(landmarks(record(6)))
                .startsWith(Landmark.NAPI_SCHEDULE)
                .containsSubsequence(
                        Landmark.NET_RX_ACTION,
                        Landmark.NAPI_POLL,
                        Landmark.NAPI_GRO_RECEIVE,
                        Landmark.NETIF_RECEIVE_SKB,
                        Landmark.IP_RCV,
                        Landmark.IP_LOCAL_DELIVER,
                        Landmark.TCP_V4_RCV,
                        Landmark.TCP_RCV_ESTABLISHED,
                        Landmark.TCP_QUEUE_RCV,
                        Landmark.SK_DATA_READY)
                .endsWith(Landmark.TCP_RECVMSG);
    }

    @Test
    void shouldReceiveAndSend() throws IOException {
        List<Step> steps = record(7);
        assertThat(steps).allMatch(s -> s.vector() == Softirq.NET_RX);
        assertThat(landmarks(steps))
                .containsSubsequence(
                        Landmark.TCP_V4_RCV,
                        Landmark.TCP_ACK,
                        Landmark.TCP_DATA_SND_CHECK,
                        Landmark.TCP_WRITE_XMIT,
                        Landmark.TCP_TRANSMIT_SKB)
                .endsWith(Landmark.NDO_START_XMIT);
    }

    @Test
    void shouldKnowSevenFlows() {
        assertThat(Flows.all()).hasSize(7).allSatisfy(f -> assertThat(f.story()).isNotBlank());
        assertThatThrownBy(() -> Flows.byNumber(8)).isInstanceOf(UserError.class);
        assertThatThrownBy(() -> Flows.byNumber(0)).isInstanceOf(UserError.class);
    }
}
