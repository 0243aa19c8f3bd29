package net.tcp.cong;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import net.tcp.CongBench;
import net.tcp.RateSample;
import net.tcp.TcpConst;
import org.junit.jupiter.api.Test;

/** What bbr3 makes of losses and marks, against the draft's arithmetic in floating point. */
class Bbr3Test {
    private static final int RTT = 20_000;

    private static Bbr3State state(CongBench b) {
        return (Bbr3State) b.tp.ca;
    }

    /** A connection that believes in {@code bdp} segments per round trip and is past its start. */
    private static CongBench bench(int bdp) {
        CongBench b = new CongBench("bbr3", RTT);
        Bbr3State s = state(b);
        s.mode = Bbr3.PROBE_BW;
        s.phase = Bbr3Cycle.CRUISE;
        s.fullBwReached = true;
        s.minRttUs = RTT;
        s.takeMaxBw(BbrMath.bandwidth(bdp, RTT));
        b.window(2 * bdp);
        return b;
    }

    /** 2 %, and the share of marks if they count. */
    @Test
    void shouldCallAFlightTooLargeFromTwoPercentOn() {
        Bbr3State s = new Bbr3State();
        for (int flight = 100; flight <= 10_000; flight += 100) {
            int most = (int) (flight * (5 / 256.0)); // 2 % in 1/256
            assertThat(Bbr3Bounds.tooHigh(s, most, flight, 0, 0)).isFalse();
            assertThat(Bbr3Bounds.tooHigh(s, most + 1, flight, 0, 0)).isTrue();
            assertThat(most / (double) flight).isCloseTo(0.02, within(0.011));
        }
        assertThat(Bbr3Bounds.tooHigh(s, 0, 100, 100, 80))
                .as("marks, but no ECN")
                .isFalse();
        s.ecnEligible = true;
        assertThat(Bbr3Bounds.tooHigh(s, 0, 100, 100, 51)).isTrue();
        assertThat(Bbr3Bounds.tooHigh(s, 0, 100, 100, 50)).isFalse();
    }

    /** Draft 5.5.10.2: the x of {@code (lostBefore + x) / (flightBefore + x) = 2 %}. */
    @Test
    void shouldFindTheVolumeAtWhichTheLossesWereTooMany() {
        double thresh = 5 / 256.0;
        for (int flight = 200; flight <= 4000; flight += 200) {
            int pcount = 40;
            for (int lost = pcount; lost < pcount + flight / 40; lost += 3) {
                double before = flight - pcount;
                double x = Math.max(0, (thresh * before - (lost - pcount)) / (1 - thresh));
                assertThat((double) Bbr3Bounds.inflightHiFromLost(lost, flight, pcount))
                        .as("%d of %d lost", lost, flight)
                        .isCloseTo(before + x, within(2.0));
            }
        }
        assertThat(Bbr3Bounds.inflightHiFromLost(10, 5, 8)).as("nonsense").isEqualTo(BbrMath.NONE);
        assertThat(Bbr3Bounds.inflightHiFromLost(3, 50, 8)).as("nonsense").isEqualTo(BbrMath.NONE);
    }

    /** Draft 5.5.10.3: a round with a loss takes 30 %, but not below what was delivered; a probe's losses do not count. */
    @Test
    void shouldLowerTheShortBoundsByThirtyPercentARound() {
        try (CongBench b = bench(100)) {
            Bbr3State s = state(b);
            double window = b.cwnd();
            double bw = BbrMath.u(s.maxBw());
            for (int round = 0; round < 5; round++) {
                s.lossInRound = true;
                Bbr3Bounds.adaptLower(b.tp, s);
                window *= 0.7;
                bw *= 0.7;
                assertThat((double) s.inflightLo).isCloseTo(window, within(3.0));
                assertThat((double) BbrMath.u(s.bwLo)).isCloseTo(bw, within(bw * 0.03));
                assertThat(s.bw()).isEqualTo(s.bwLo);
            }
            s.inflightLatest = 90;
            s.bwLatest = BbrMath.bandwidth(90, RTT);
            s.lossInRound = true;
            Bbr3Bounds.adaptLower(b.tp, s);
            assertThat(s.inflightLo).isEqualTo(90);
            s.phase = Bbr3Cycle.UP;
            s.lossInRound = true;
            s.inflightLatest = 10;
            Bbr3Bounds.adaptLower(b.tp, s);
            assertThat(s.inflightLo).isEqualTo(90);
            Bbr3Cycle.startRefill(b.tp, s, 0);
            assertThat(s.inflightLo).as("forgotten at the next probe").isEqualTo(BbrMath.NONE);
            assertThat(s.bw()).isEqualTo(s.maxBw());
        }
    }

    /** Draft 5.5.10.2: a probe that lost too much sets the long bound, to 0.7 of the target at least, and ends; 15 % are left free. */
    @Test
    void shouldSetTheLongBoundByAProbe() {
        try (CongBench b = bench(100)) {
            Bbr3State s = state(b);
            s.phase = Bbr3Cycle.UP;
            s.bwProbeSamples = true;
            Bbr3Bounds.markedLost(b.cpu(), b.tp, s, 2, 120, 1, false);
            assertThat(s.inflightHi).as("2 of 120 are less than 2 %").isEqualTo(BbrMath.NONE);
            Bbr3Bounds.markedLost(b.cpu(), b.tp, s, 3, 120, 1, false);
            assertThat(s.inflightHi).isBetween(119, 120);
            assertThat(s.phase).isEqualTo(Bbr3Cycle.DOWN);
            assertThat(s.prevProbeTooHigh).isTrue();
            assertThat((double) Bbr3Bounds.withHeadroom(s)).isCloseTo(120 * 0.85, within(2.0));
            Bbr3Bounds.markedLost(b.cpu(), b.tp, s, 30, 60, 1, false);
            assertThat(s.inflightHi).as("one reaction per probe").isBetween(119, 120);
            s.bwProbeSamples = true;
            Bbr3Bounds.handleTooHigh(b.cpu(), b.tp, s, 20, false);
            assertThat((double) s.inflightHi).as("0.7 of the product").isCloseTo(70, within(3.0));
            s.bwProbeSamples = true;
            Bbr3Bounds.handleTooHigh(b.cpu(), b.tp, s, 300, true);
            assertThat((double) s.inflightHi)
                    .as("nothing learned while the program limits")
                    .isCloseTo(70, within(3.0));
        }
    }

    /** Draft 5.3.3.4: one segment more in the first round of a probe, two in the second, four ... */
    @Test
    void shouldRaiseTheLongBoundExponentially() {
        try (CongBench b = bench(100)) {
            Bbr3State s = state(b);
            s.inflightHi = 100;
            s.phase = Bbr3Cycle.UP;
            s.bwProbeUpRounds = 0;
            Bbr3Bounds.raiseSlope(b.tp, s);
            RateSample rs = new RateSample();
            double wanted = 100;
            for (int round = 0; round < 6; round++) {
                int window = s.inflightHi;
                b.tp.setSndCwnd(window);
                rs.ackedSacked = 1;
                for (int i = 0; i < window; i++) {
                    s.roundStart = i == window - 1;
                    Bbr3Bounds.adaptUpper(b.cpu(), b.tp, s, rs);
                    b.tp.setSndCwnd(s.inflightHi); // it follows at once
                }
                wanted += 1 << round;
                assertThat((double) s.inflightHi).as("round %d", round).isCloseTo(wanted, within(2 + wanted * 0.12));
            }
            assertThat(s.inflightHi).isGreaterThan(150);
        }
    }

    /** Google's branch: alpha = 15/16 alpha + 1/16 of the share of marks. */
    @Test
    void shouldAverageMarks() {
        int alpha = BbrMath.UNIT;
        double wanted = 1;
        for (int round = 0; round < 60; round++) {
            int ratio = round % 3 == 0 ? 128 : 0;
            alpha = Bbr3Bounds.nextAlpha(alpha, ratio);
            wanted = wanted * 15 / 16 + ratio / 256.0 / 16;
            assertThat(alpha / 256.0).as("round %d", round).isCloseTo(wanted, within(0.06));
        }
    }

    /** An undo brings back what the loss took; a time-out is remembered as a bound. */
    @Test
    void shouldUndoAndRememberTimeOuts() {
        try (CongBench b = bench(100)) {
            Bbr3State s = state(b);
            s.inflightHi = 180;
            b.ops.ssthresh(b.cpu(), b.tp);
            s.inflightHi = 90;
            s.lossInRound = true;
            Bbr3Bounds.adaptLower(b.tp, s);
            int before = b.cwnd();
            b.tp.setSndCwnd(40);
            assertThat(b.ops.undoCwnd(b.tp)).isEqualTo(before);
            assertThat(s.inflightHi).isEqualTo(180);
            assertThat(s.inflightLo).isEqualTo(BbrMath.NONE);
            b.tp.setSndCwnd(150);
            s.priorCwnd = 0;
            b.ops.setState(b.cpu(), b.tp, TcpConst.TCP_CA_LOSS);
            assertThat(s.inflightLo).isEqualTo(150);
        }
    }
}
