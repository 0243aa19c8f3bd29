package net.testkit.packetdrill;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import net.testkit.packetdrill.lang.Packet;
import net.testkit.packetdrill.lang.TcpOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Where two hosts part: what counts as a difference and what does not. */
@Timeout(60)
class TranscriptTest {
    private static final long PATIENCE = 50_000;

    private final List<Transcript.Step> steps = new ArrayList<>();

    private static Transcript.Step segment(
            int connection, long atUsecs, boolean inbound, int seq, int length, int window) {
        Packet.Tcp t = new Packet.Tcp(
                0,
                inbound,
                Packet.IpInfo.NONE,
                null,
                List.of(),
                Packet.ACK,
                seq,
                length,
                1,
                window,
                0,
                List.<TcpOption>of());
        PacketBuilder.Flow flow = new PacketBuilder.Flow(1, 2, 3, 4);
        LivePacket p = PacketBuilder.build(t, flow, 0, atUsecs * 1000);
        return new Transcript.Step(connection, atUsecs, inbound, p);
    }

    private TranscriptTest sent(int connection, long atUsecs, int seq, int length, int window) {
        steps.add(segment(connection, atUsecs, false, seq, length, window));
        return this;
    }

    private TranscriptTest received(int connection, long atUsecs) {
        steps.add(segment(connection, atUsecs, true, 1, 0, 1000));
        return this;
    }

    private Transcript until(long usecs) {
        return new Transcript(steps, usecs);
    }

    private static TranscriptTest host() {
        return new TranscriptTest();
    }

    @Test
    void shouldTakeAFlightForOneWhicheverWayItIsCut() {
        Transcript a = host().sent(0, 100, 1, 3000, 500).until(200_000);
        Transcript b =
                host().sent(0, 140, 1, 1000, 500).sent(0, 150, 1001, 2000, 500).until(200_000);
        assertThat(Transcript.parting(a, b, PATIENCE)).isNull();
    }

    @Test
    void shouldNotJoinWhatAnAcknowledgmentLiesBetween() {
        Transcript a = host().sent(0, 100, 1, 2000, 500).until(200_000);
        Transcript b = host().sent(0, 100, 1, 1000, 500)
                .received(0, 110)
                .sent(0, 120, 1001, 1000, 500)
                .until(200_000);
        assertThat(Transcript.parting(a, b, PATIENCE)).contains("packet 1 ", "1:2001(2000)", "1:1001(1000)");
    }

    @Test
    void shouldNotOrderConnections() {
        Transcript a = host().sent(0, 100, 1, 10, 500).sent(1, 101, 7, 10, 500).until(200_000);
        Transcript b = host().sent(1, 90, 7, 10, 500).sent(0, 200, 1, 10, 500).until(200_000);
        assertThat(Transcript.parting(a, b, PATIENCE)).isNull();
    }

    @Test
    void shouldTellTheEarliestDifferenceOfAllConnections() {
        Transcript a =
                host().sent(0, 9_000, 1, 10, 500).sent(1, 5_000, 7, 10, 500).until(200_000);
        Transcript b =
                host().sent(0, 9_000, 1, 11, 500).sent(1, 5_000, 7, 12, 500).until(200_000);
        assertThat(Transcript.parting(a, b, PATIENCE)).contains("7:17(10)", "7:19(12)");
    }

    @Test
    void shouldSeeAWindow() {
        Transcript a = host().sent(0, 100, 1, 0, 500).until(200_000);
        Transcript b = host().sent(0, 100, 1, 0, 501).until(200_000);
        assertThat(Transcript.parting(a, b, PATIENCE)).contains("win 500", "win 501");
    }

    @Test
    void shouldMissAPacketUnlessTheRunEndsThere() {
        Transcript none = host().until(200_000);
        Transcript early = host().sent(0, 149_000, 1, 0, 500).until(200_000);
        Transcript late = host().sent(0, 151_000, 1, 0, 500).until(200_000);
        assertThat(Transcript.parting(none, early, PATIENCE)).contains("softnet nothing", "linux     0.149000 > .");
        assertThat(Transcript.parting(none, late, PATIENCE)).isNull();
    }
}
