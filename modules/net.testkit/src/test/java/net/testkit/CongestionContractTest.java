package net.testkit;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.core.Cpu;
import net.tcp.TcpCongestionOps;
import net.tcp.TcpSock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CongestionContractTest {
    @ParameterizedTest
    @ValueSource(strings = {"reno", "cubic"})
    void shouldHoldForOurAlgorithms(String name) {
        for (long seed = 1; seed <= 3; seed++) {
            CongestionContract.verify(name, seed);
        }
    }

    /** Doubles on every ACK. */
    private static final class Greedy extends TcpCongestionOps {
        @Override
        public String name() {
            return "greedy";
        }

        @Override
        public int ssthresh(Cpu cpu, TcpSock tp) {
            return Math.max(2, tp.sndCwnd);
        }

        @Override
        public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
            tp.setSndCwnd(Math.min(1000, tp.sndCwnd * 2));
        }

        @Override
        public int undoCwnd(TcpSock tp) {
            return tp.sndCwnd;
        }
    }

    @Test
    void shouldFindAnAlgorithmThatTakesTooMuch() {
        assertThatThrownBy(() -> CongestionContract.verify(new Greedy(), 1))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("grows by");
    }
}
