package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import drivers.tapnic.FcsWire;
import drivers.tapnic.TapNic;
import drivers.tapnic.VirtioNetHdr;
import drivers.tapnic.WireModel;
import java.util.Arrays;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

/** Frame check sequences: what the card appends, checks and drops. */
class TapNicFcsTest {
    private static final long MS = 1_000_000;
    private static final TapNic.Settings CHECKED = TapNic.Settings.DEFAULT
            .withOffload(false)
            .withModel(new WireModel(0, 0, false, WireModel.OVERHEAD_BYTES, true));

    /** A frame as the cable has it. */
    private static byte[] sealed(byte[] frame) {
        byte[] padded = Arrays.copyOf(frame, Math.max(frame.length, 60));
        CRC32 crc = new CRC32();
        crc.update(padded);
        byte[] all = Arrays.copyOf(padded, padded.length + 4);
        for (int k = 0; k < 4; k++) {
            all[padded.length + k] = (byte) (crc.getValue() >>> 8 * k);
        }
        return all;
    }

    @Test
    void shouldPadAndAppendTheCrc() {
        try (NicRig rig = new NicRig(CHECKED)) {
            for (int payload : new int[] {10, 46, 47, 1_000, 1_500}) {
                byte[] frame = rig.frame(payload, payload);
                rig.wire.sent.clear();
                rig.send(frame);
                byte[] sent = rig.wire.sent.get(0);
                assertThat(Arrays.copyOfRange(sent, VirtioNetHdr.LENGTH, sent.length))
                        .as("%d bytes", payload)
                        .isEqualTo(sealed(frame));
            }
        }
    }

    @Test
    void shouldTakeTheCrcOffAtEveryLength() {
        try (NicRig rig = new NicRig(CHECKED)) {
            // 1788 to 1796: frame and CRC straddle the header buffer and the first page.
            for (int payload : new int[] {46, 238, 242, 1_000, 1_774, 1_775, 1_776, 1_777, 1_778}) {
                rig.wire.arrive(sealed(rig.frame(payload, payload)));
                rig.pass(MS);
                assertThat(rig.received.removeFirst())
                        .as("%d bytes", payload)
                        .isEqualTo(Arrays.copyOfRange(rig.frame(payload, payload), 14, 14 + payload));
            }
            assertThat(rig.stat("rx_crc_errors")).isZero();
        }
    }

    @Test
    void shouldDropEveryFrameWithOneFlippedBit() {
        try (NicRig rig = new NicRig(CHECKED)) {
            byte[] good = sealed(rig.frame(100, 1));
            for (int bit = 0; bit < good.length * 8; bit++) {
                byte[] bad = good.clone();
                bad[bit / 8] ^= (byte) (1 << bit % 8);
                rig.wire.arrive(bad);
                rig.pass(MS / 100);
            }
            rig.wire.arrive(good);
            rig.pass(MS);
            assertThat(rig.received).hasSize(1);
            assertThat(rig.stat("rx_crc_errors")).isEqualTo(good.length * 8L);
            assertThat(rig.dev.getStats().rxCrcErrors).isEqualTo(good.length * 8L);
        }
    }

    @Test
    void shouldCatchWhatAFaultyCableFlipsInBothDirections() {
        ScriptedWire host = new ScriptedWire();
        FcsWire far = new FcsWire(host);
        FaultWire cable = new FaultWire(far, 11, FaultPlan.Rates.of(0, 0, 0, 0.2));
        try (NicRig rig = new NicRig(CHECKED, cable)) {
            for (int i = 0; i < 500; i++) {
                rig.send(rig.frame(200, i));
                host.arrive(rig.frame(200, i));
                rig.pass(MS / 10);
            }
            long out = far.crcErrors();
            long in = rig.stat("rx_crc_errors");
            assertThat(out).isBetween(60L, 140L);
            assertThat(in).isBetween(60L, 140L);
            assertThat(host.sent).hasSize(500 - (int) out);
            assertThat(rig.received).hasSize(500 - (int) in);
            assertThat(host.sent).allSatisfy(f -> assertThat(f).hasSize(VirtioNetHdr.LENGTH + 214));
        }
    }
}
