package net.testkit;

import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The shapers and the classful disciplines keep the contract, by their bare names and with tight limits. */
class ClassfulContractTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "tbf",
                "tbf rate 20mbit burst 5kb limit 20kb",
                "tbf rate 20mbit burst 5kb latency 5ms peakrate 30mbit mtu 1600",
                "htb",
                "hfsc",
                "mqprio",
                "taprio",
                "taprio clockid CLOCK_TAI base-time 0 num_tc 1 map 0 speed 1gbit sched-entry S 1 100000 sched-entry S 0 50000",
                "prio",
                "prio bands 2 priomap 0 1 0 0 1 1 0 0 0 0 0 0 0 0 0 0",
                "multiq",
                "drr",
                "ets",
                "ets bands 4 strict 1 quanta 600 1200 2000"
            })
    void shouldHold(String spec) {
        for (long seed : new SplittableRandom(44).longs(3).toArray()) {
            QdiscContract.verify(spec, seed);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"tbf rate 100gbit burst 1mb limit 1mb", "htb", "hfsc", "taprio", "prio", "multiq", "drr", "ets"})
    void shouldAllocateNothingPerPacket(String spec) {
        QdiscContract.verifyAllocation(spec);
    }
}
