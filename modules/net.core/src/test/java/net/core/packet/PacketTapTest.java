package net.core.packet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import net.core.Cpu;
import net.core.Kernel;
import net.core.UserError;
import net.core.dev.Dev;
import net.core.dev.Frames;
import net.core.dev.StubDevice;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class PacketTapTest {
    @TempDir
    Path dir;

    /** Type, then for packets: interface, time, captured, original, direction. */
    private static List<long[]> blocks(Path file) throws IOException {
        ByteBuffer b = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        List<long[]> out = new ArrayList<>();
        while (b.hasRemaining()) {
            int at = b.position();
            int type = b.getInt();
            int len = b.getInt();
            assertThat(len % 4).isZero();
            assertThat(b.getInt(at + len - 4)).isEqualTo(len);
            if (type == 6) {
                int cap = b.getInt(at + 20);
                int opt = at + 28 + (cap + 3 & ~3);
                out.add(new long[] {
                    type,
                    b.getInt(at + 8),
                    (long) b.getInt(at + 12) << 32 | b.getInt(at + 16) & 0xffffffffL,
                    cap,
                    b.getInt(at + 24),
                    b.getInt(opt + 4)
                });
            } else {
                out.add(new long[] {type});
            }
            b.position(at + len);
        }
        return out;
    }

    private static void traffic(Kernel kernel, StubDevice nic, int n) {
        Cpu cpu = kernel.localBhDisable(0);
        for (int i = 0; i < n; i++) {
            Dev.devQueueXmit(cpu, Frames.tcp(cpu, nic.dev, 0x0a000001, 0x0a000002, 1000, 80, i, 100));
            Dev.netifReceiveSkb(cpu, Frames.received(cpu, nic.dev, 0x0a000002, 0x0a000001, 80, 1000, i, 50));
        }
        nic.complete(cpu);
        cpu.localBhEnable();
    }

    @Test
    void shouldWriteBothDirectionsWithVirtualTimes() throws IOException {
        Path file = dir.resolve("a.pcapng");
        try (Kernel kernel = Kernel.boot("clock=virtual", "debug", "net.core.default_qdisc=noqueue")) {
            StubDevice nic = StubDevice.up(kernel.initNet(), "eth0");
            try (PacketTap tap = PacketTap.open(kernel, null, null, file, 0, PcapFilter.parse(""))) {
                kernel.scheduler().sleep(5_000_000_000L);
                traffic(kernel, nic, 2);
                assertThat(tap.captured()).isEqualTo(4);
            }
        }
        List<long[]> b = blocks(file);
        assertThat(b).hasSize(6);
        assertThat(b.get(0)[0]).isEqualTo(0x0A0D0D0AL);
        assertThat(b.get(1)[0]).isEqualTo(1);
        assertThat(b.get(2)).startsWith(6, 0).endsWith(154, 154, PcapngWriter.OUTBOUND);
        assertThat(b.get(3)).endsWith(104, 104, PcapngWriter.INBOUND);
        assertThat(b.get(2)[2]).isGreaterThanOrEqualTo(5_000_000_000L);
    }

    @Test
    void shouldFilterAndCut() throws IOException {
        Path file = dir.resolve("b.pcapng");
        try (Kernel kernel = Kernel.boot("clock=virtual", "debug", "net.core.default_qdisc=noqueue")) {
            StubDevice nic = StubDevice.up(kernel.initNet(), "eth0");
            PcapFilter f = PcapFilter.parse("src host 10.0.0.2 and port 80 and tcp and not udp");
            try (PacketTap tap = PacketTap.open(kernel, kernel.initNet(), nic.dev, file, 60, f)) {
                traffic(kernel, nic, 3);
                assertThat(tap.captured()).isEqualTo(3);
            }
        }
        assertThat(blocks(file).stream().filter(b -> b[0] == 6)).hasSize(3).allSatisfy(b -> {
            assertThat(b[3]).isEqualTo(60);
            assertThat(b[4]).isEqualTo(104);
            assertThat(b[5]).isEqualTo(PcapngWriter.INBOUND);
        });
    }

    @Test
    void shouldBeReadByTsharkWithoutComplaint() throws Exception {
        Path file = dir.resolve("c.pcapng");
        try (Kernel kernel = Kernel.boot("clock=live", "cpus=1", "debug", "net.core.default_qdisc=noqueue")) {
            StubDevice nic = StubDevice.up(kernel.initNet(), "eth0");
            try (PacketTap tap = PacketTap.open(kernel, null, null, file, 0, PcapFilter.parse("ip"))) {
                traffic(kernel, nic, 500);
                assertThat(tap.captured() + tap.dropped()).isEqualTo(1000);
                assertThat(tap.dropped()).isZero();
            }
        }
        assertThat(blocks(file).stream().filter(b -> b[0] == 6)).hasSize(1000);
        Process p;
        try {
            p = new ProcessBuilder(
                            "tshark",
                            "-r",
                            file.toString(),
                            "-T",
                            "fields",
                            "-e",
                            "frame.interface_name",
                            "-e",
                            "ip.src",
                            "-e",
                            "tcp.len",
                            "-e",
                            "frame.packet_flags_direction")
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            return; // not installed
        }
        List<String> lines = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .filter(l -> !l.contains("Running as user"))
                .toList();
        assertThat(p.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(p.exitValue()).isZero();
        assertThat(lines).hasSize(1000);
        assertThat(lines.get(0)).startsWith("eth0\t10.0.0.1\t100\t");
        assertThat(lines.get(1)).startsWith("eth0\t10.0.0.2\t50\t");
    }

    @Test
    void shouldExplainWhatItCannotRead() {
        for (String bad : List.of("hosts 1.2.3.4", "host 1.2.3", "port 70000", "src tcp", "tcp 5", "not")) {
            assertThatThrownBy(() -> PcapFilter.parse(bad))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("capture filter");
        }
    }

    @Test
    void shouldSaySoWhenTheFileCannotBeWritten() {
        try (Kernel kernel = Kernel.boot("clock=virtual", "net.core.default_qdisc=noqueue")) {
            assertThatThrownBy(() -> PacketTap.open(
                            kernel, null, null, dir.resolve("no/such/dir.pcapng"), 0, PcapFilter.parse("")))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("cannot write capture file");
        }
    }

    /** A full disk ends the capture, not the traffic: a new device's first packet needs room in the ring. */
    @Test
    @Timeout(60)
    void shouldNotHoldUpTrafficWhenTheDiskIsFull() {
        Kernel kernel = Kernel.boot("cpus=1", "net.core.default_qdisc=noqueue");
        try {
            StubDevice first = StubDevice.up(kernel.initNet(), "eth%d");
            StubDevice second = StubDevice.up(kernel.initNet(), "eth%d");
            PacketTap tap = PacketTap.open(kernel, null, null, Path.of("/dev/full"), 0, PcapFilter.parse(""));
            traffic(kernel, first, 1);
            while (!tap.failed()) {
                Thread.onSpinWait(); // the writer finds out when it is idle
            }
            for (int i = 0; i < 2000; i++) {
                traffic(kernel, first, 50);
            }
            traffic(kernel, second, 1);
            assertThatThrownBy(tap::close).isInstanceOf(UserError.class).hasMessageContaining("/dev/full");
        } finally {
            kernel.close();
        }
    }
}
