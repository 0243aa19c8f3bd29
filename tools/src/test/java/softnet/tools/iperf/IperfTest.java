package softnet.tools.iperf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The protocol's messages and sums, without a network. */
class IperfTest {
    private static IperfParams params(String json) throws IOException {
        return IperfParams.parse(json.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void shouldReadWhatIperf3Sends() throws IOException {
        IperfParams tcp = params("""
                {"tcp":true,"omit":1,"time":10,"num":0,"blockcount":0,"parallel":8,"len":131072,
                 "pacing_timer":1000,"client_version":"3.12","reverse":true,"congestion":"reno"}""");
        assertThat(tcp.udp()).isFalse();
        assertThat(tcp.omitSeconds()).isEqualTo(1);
        assertThat(tcp.sending()).isEqualTo(8);
        assertThat(tcp.receiving()).isZero();
        assertThat(tcp.congestion()).isEqualTo("reno");

        IperfParams udp =
                params("{\"udp\":true,\"parallel\":2,\"bidirectional\":1,\"len\":1448,\"bandwidth\":1000000000,"
                        + "\"udp_counters_64bit\":1}");
        assertThat(udp.bitsPerSecond()).isEqualTo(1_000_000_000L);
        assertThat(udp.counters64()).isTrue();
        assertThat(udp.sending()).isEqualTo(2);
        assertThat(udp.receiving()).isEqualTo(2);
    }

    @Test
    void shouldRefuseWhatItCannotServe() {
        assertThatThrownBy(() -> params("{\"sctp\":true}")).hasMessageContaining("SCTP");
        assertThatThrownBy(() -> params("{\"parallel\":1000}")).hasMessageContaining("parallel");
        assertThatThrownBy(() -> params("{\"udp\":true,\"len\":8}")).hasMessageContaining("len");
        assertThatThrownBy(() -> params("[1]")).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> params("{\"a\":")).isInstanceOf(IOException.class);
    }

    @Test
    void shouldNumberStreamsAsIperf3Does() {
        assertThat(List.of(0, 1, 2, 3).stream().map(IperfState::streamId)).containsExactly(1, 3, 4, 5);
    }

    @Test
    @SuppressWarnings("unchecked")
    void shouldWriteResults() throws IOException {
        IperfStats stats = new IperfStats(3, true, 0);
        stats.moved(1000);
        stats.omitted(1_000_000_000L, 5);
        stats.moved(234);
        stats.ended(3_000_000_000L, 12);

        byte[] message = IperfJson.results(List.of(stats), true, true, 12.5, "cubic");

        assertThat(ByteBuffer.wrap(message).getInt()).isEqualTo(message.length - 4);
        Map<String, Object> json = IperfJson.parse(Arrays.copyOfRange(message, 4, message.length));
        assertThat(json).containsEntry("sender_has_retransmits", 1L).containsEntry("congestion_used", "cubic");
        Map<String, Object> stream = ((List<Map<String, Object>>) json.get("streams")).get(0);
        assertThat(stream)
                .containsEntry("id", 3L)
                .containsEntry("bytes", 234L)
                .containsEntry("retransmits", 7L)
                .containsEntry("end_time", 2.0)
                .containsKeys("jitter", "errors", "packets");
    }

    @Test
    void shouldCountLossReorderingAndJitter() {
        IperfStats sender = new IperfStats(1, true, 0);
        IperfStats receiver = new IperfStats(1, false, 0);
        ByteBuffer[] datagrams = new ByteBuffer[6];
        for (int i = 0; i < datagrams.length; i++) {
            datagrams[i] = ByteBuffer.allocate(100);
            sender.header(datagrams[i], true, i * 1_000_000L);
        }
        // 1, 2, (3 late), 4, 3, (5 lost), 6; each 10 ms on its way, the late one 12.
        receiver.arrived(datagrams[0], 100, true, 10_000_000);
        receiver.arrived(datagrams[1], 100, true, 11_000_000);
        receiver.arrived(datagrams[3], 100, true, 13_000_000);
        receiver.arrived(datagrams[2], 100, true, 14_000_000);
        receiver.arrived(datagrams[5], 100, true, 15_000_000);
        assertThat(receiver.packets).isEqualTo(6);
        assertThat(receiver.lost).isEqualTo(1);
        assertThat(receiver.late).isEqualTo(1);
        assertThat(receiver.bytes()).isEqualTo(500);
        // Two differences of 2 ms, each into a sixteenth.
        double expected = 0.002 / 16;
        expected += (0.002 - expected) / 16;
        assertThat(receiver.jitterSeconds).isCloseTo(expected, within(1e-9));
        assertThat(receiver.arrived(datagrams[0], 11, true, 0)).isFalse();
    }
}
