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
    @ValueSource(
            strings = {
                "bbr",
                "bbr3",
                "bic",
                "cdg",
                "cubic",
                "dctcp",
                "highspeed",
                "htcp",
                "hybla",
                "illinois",
                "lp",
                "nv",
                "reno",
                "scalable",
                "vegas",
                "veno",
                "westwood",
                "yeah"
            })
    void shouldHoldForOurAlgorithms(String name) {
        CongestionContract.Leave[] leaves = switch (name) {
            case "hybla", "illinois" -> new CongestionContract.Leave[] {CongestionContract.Leave.FAST_GROWTH};
            case "vegas" -> new CongestionContract.Leave[] {CongestionContract.Leave.UNUSED_GROWTH};
            default -> new CongestionContract.Leave[0];
        };
        CongestionContract.verify(name, 1, leaves);
    }

    /** Keeps a note of each ACK. */
    private static final class Noting extends TcpCongestionOps {
        private long[] note = {};

        @Override
        public String name() {
            return "noting";
        }

        @Override
        public int ssthresh(Cpu cpu, TcpSock tp) {
            return Math.max(2, tp.sndCwnd >> 1);
        }

        @Override
        public void congAvoid(Cpu cpu, TcpSock tp, int ack, int acked) {
            note = new long[] {ack, acked, note.length};
            net.tcp.cong.Reno.avoid(tp, acked);
        }

        @Override
        public int undoCwnd(TcpSock tp) {
            return Math.max(tp.sndCwnd, tp.priorCwnd);
        }
    }

    @Test
    void shouldFindAnAlgorithmThatMakesGarbage() {
        assertThatThrownBy(() -> CongestionContract.verify(new Noting(), 1))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("allocated");
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
