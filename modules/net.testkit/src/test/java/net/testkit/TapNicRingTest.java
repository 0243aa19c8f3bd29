package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import drivers.tapnic.TapNic;
import drivers.tapnic.VirtioNetHdr;
import drivers.tapnic.Wire;
import drivers.tapnic.WireModel;
import net.core.Cpu;
import net.skbuff.Errno;
import org.junit.jupiter.api.Test;

/** Rings that ran dry or full, and wires that deliver what the driver never sees: traffic must go on afterwards. */
class TapNicRingTest {
    private static final long MS = 1_000_000;

    @Test
    void shouldReceiveAgainWhenMemoryHadRunOut() {
        try (NicRig rig = new NicRig(TapNic.Settings.DEFAULT)) {
            Cpu cpu = rig.kernel.cpu(0);
            cpu.failEvery = 1;
            for (int i = 0; i < 300; i++) {
                rig.wire.arrive(rig.frame(1_000, i));
            }
            rig.pass(50 * MS);
            cpu.failEvery = 0;
            assertThat(rig.received).as("what was posted").hasSize(256);
            assertThat(rig.stat("rx_no_buffer")).isEqualTo(44);
            for (int i = 0; i < 100; i++) {
                rig.wire.arrive(rig.frame(1_000, i));
            }
            rig.pass(50 * MS);
            assertThat(rig.received).as("the ring was filled again").hasSize(356);
        }
    }

    @Test
    void shouldNotTakeAWireForEmptyThatHoldsFramesOfNoUse() {
        try (NicRig rig = new NicRig(TapNic.Settings.DEFAULT)) {
            for (int i = 0; i < 1_000; i++) {
                rig.wire.arriving.add(new byte[VirtioNetHdr.LENGTH + 6]); // too short for Ethernet
            }
            rig.wire.arrive(rig.frame(500, 1)); // one edge for all of them
            rig.pass(50 * MS);
            assertThat(rig.stat("rx_too_short")).isEqualTo(1_000);
            assertThat(rig.received).hasSize(1);
        }
    }

    @Test
    void shouldCountFramesOfNoUseAgainstTheBudget() {
        try (NicRig rig = new NicRig(TapNic.Settings.DEFAULT)) {
            for (int i = 0; i < 640; i++) {
                rig.wire.arriving.add(new byte[VirtioNetHdr.LENGTH + 6]);
            }
            rig.wire.arrive(new byte[VirtioNetHdr.LENGTH + 6]);
            rig.pass(50 * MS);
            assertThat(rig.dev.napis.iterator().next().polls).as("64 a poll").isBetween(11L, 13L);
        }
    }

    @Test
    void shouldGoOnBehindAFrameThatTheHostCouldNotDescribe() {
        ScriptedWire inner = new ScriptedWire();
        Wire failing = new Wire() {
            private int calls;

            @Override
            public int transmit(long iov, int count) {
                return inner.transmit(iov, count);
            }

            @Override
            public int receive(long iov, int count) {
                return calls++ == 0 ? -Errno.EINVAL : inner.receive(iov, count);
            }

            @Override
            public void signal(Signal signal) {
                inner.signal(signal);
            }
        };
        try (NicRig rig = new NicRig(TapNic.Settings.DEFAULT, failing)) {
            inner.arrive(rig.frame(500, 1));
            rig.pass(50 * MS);
            assertThat(rig.received).hasSize(1);
            assertThat(rig.stat("rx_errors")).isEqualTo(1);
        }
    }

    @Test
    void shouldSendAgainAfterGoingDownWithAStoppedQueue() {
        // 1 Mbit/s: 12 ms a frame, so that the small ring is full when the device goes down.
        TapNic.Settings slow = new TapNic.Settings(64, 64, 64, 256, true, new WireModel(1_000_000, 0, false));
        try (NicRig rig = new NicRig(slow)) {
            rig.withoutByteLimit();
            for (int i = 0; i < 80; i++) {
                rig.send(rig.frame(1_400, i));
            }
            assertThat(rig.dev.tx[0].stopped()).as("the ring is full").isTrue();
            rig.dev.close();
            assertThat(rig.dev.open()).isZero();
            assertThat(rig.dev.tx[0].xmitStopped()).isFalse();
            int before = rig.wire.sent.size();
            rig.send(rig.frame(1_400, 100));
            rig.pass(50 * MS);
            assertThat(rig.wire.sent.size()).isEqualTo(before + 1);
        }
    }
}
