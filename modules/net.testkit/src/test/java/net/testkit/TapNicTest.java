package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import drivers.tapnic.TapNic;
import drivers.tapnic.VirtioNetHdr;
import drivers.tapnic.WireModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.Dev;
import net.core.dev.NetDevice;
import net.core.dev.PacketType;
import net.skbuff.Page;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import net.skbuff.SkbSharedInfo;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TapNicTest {
    private static final int ETHERTYPE = 0x88b5;

    private Kernel kernel;
    private ScriptedWire wire;
    private NetDevice dev;
    private final List<byte[]> received = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    @BeforeEach
    void boot() {
        kernel = Kernel.boot("clock=virtual", "seed=7", "debug=1");
        wire = new ScriptedWire();
    }

    @AfterEach
    void shutDown() {
        dev.unregister();
        assertThat(kernel.memory().outstandingSkbs()).isZero();
        assertThat(kernel.memory().outstandingPages()).isZero();
        kernel.close();
    }

    private void plug(TapNic.Settings settings) {
        dev = TapNic.create(kernel.initNet(), "eth0", TapNic.macFrom(1), List.of(wire), settings, true);
        Dev.addPack(kernel, new PacketType(ETHERTYPE) {
            @Override
            public int func(Cpu cpu, SkBuff skb, NetDevice in, NetDevice origDev) {
                byte[] bytes = new byte[skb.len];
                for (int i = 0; i < bytes.length; i++) {
                    bytes[i] = byteAt(skb, i);
                }
                received.add(bytes);
                notes.add("sum=" + skb.ipSummed + " gso=" + skb.shinfo().gsoSize + "x" + skb.shinfo().gsoSegs
                        + " frags=" + skb.shinfo().nrFrags + " truesize=" + skb.truesize);
                skb.consume(cpu);
                return 0;
            }
        });
        assertThat(dev.open()).isZero();
    }

    private static byte byteAt(SkBuff skb, int i) {
        if (i < skb.headlen()) {
            return UnsafeApi.getByte(skb.dataAddress() + i);
        }
        int at = i - skb.headlen();
        SkbSharedInfo info = skb.shinfo();
        for (int f = 0; f < info.nrFrags; f++) {
            if (at < info.fragSize[f]) {
                return UnsafeApi.getByte(info.frag[f].address() + info.fragOff[f] + at);
            }
            at -= info.fragSize[f];
        }
        throw new IndexOutOfBoundsException(i);
    }

    private byte[] frame(int payload, int seed) {
        byte[] frame = new byte[14 + payload];
        new Random(seed).nextBytes(frame);
        System.arraycopy(dev.devAddr, 0, frame, 0, 6);
        frame[6] = 2;
        frame[12] = (byte) (ETHERTYPE >> 8);
        frame[13] = (byte) ETHERTYPE;
        return frame;
    }

    private void settle() {
        kernel.threads().start("settle", () -> kernel.scheduler().sleep(50_000_000));
        kernel.threads().joinAll();
    }

    private void send(byte[] frame, int linear) {
        kernel.threads().start("sender", () -> {
            Cpu cpu = kernel.localBhDisable(0);
            SkBuff skb = cpu.allocSkb(64 + linear);
            skb.reserve(64);
            skb.put(linear);
            for (int i = 0; i < linear; i++) {
                UnsafeApi.putByte(skb.dataAddress() + i, frame[i]);
            }
            for (int at = linear; at < frame.length; ) {
                Page page = cpu.allocPage(32768);
                int n = Math.min(page.size(), frame.length - at);
                for (int i = 0; i < n; i++) {
                    UnsafeApi.putByte(page.address() + i, frame[at + i]);
                }
                skb.addFrag(page, 0, n, page.size());
                at += n;
            }
            skb.dev = dev;
            skb.protocol = ETHERTYPE;
            skb.resetMacHeader();
            skb.networkHeader = skb.data + 14;
            Dev.devQueueXmit(cpu, skb);
            cpu.localBhEnable();
        });
        kernel.threads().joinAll();
    }

    private static byte[] body(byte[] sent) {
        return Arrays.copyOfRange(sent, VirtioNetHdr.LENGTH, sent.length);
    }

    @Test
    void shouldSendLinearAndFragmentedFramesWhole() {
        plug(TapNic.Settings.DEFAULT);
        byte[] small = frame(46, 1);
        byte[] large = frame(1486, 2);
        send(small, 60);
        send(large, 200);
        assertThat(wire.sent).hasSize(2);
        assertThat(body(wire.sent.get(0))).isEqualTo(small);
        assertThat(body(wire.sent.get(1))).isEqualTo(large);
        settle();
        assertThat(dev.tx[0].xmitStopped()).isFalse();
    }

    @Test
    void shouldReceiveEveryLengthUnchanged() {
        plug(TapNic.Settings.DEFAULT);
        int[] lengths = {46, 242, 243, 1500, 1778, 1779, 9000, 32768, 60000, 65521};
        List<byte[]> expected = new ArrayList<>();
        for (int round = 0; round < 40; round++) {
            for (int n : lengths) {
                byte[] f = frame(n, round * 100_000 + n);
                expected.add(Arrays.copyOfRange(f, 14, f.length));
                wire.arrive(f);
            }
            settle();
        }
        assertThat(received).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(received.get(i)).as("frame %d", i).isEqualTo(expected.get(i));
        }
    }

    @Test
    void shouldCopySmallFramesSoThatBuffersStayPosted() {
        plug(TapNic.Settings.DEFAULT);
        wire.arrive(frame(46, 1));
        wire.arrive(frame(1000, 2));
        settle();
        assertThat(stat("rx_copybreak")).isEqualTo(1);
        int small = Integer.parseInt(notes.get(0).replaceAll(".*truesize=", ""));
        int big = Integer.parseInt(notes.get(1).replaceAll(".*truesize=", ""));
        assertThat(small).isLessThan(big);
    }

    @Test
    void shouldReadOffloadWordsOfTheHost() {
        plug(TapNic.Settings.DEFAULT);
        byte[] header = new byte[VirtioNetHdr.LENGTH];
        header[0] = VirtioNetHdr.F_NEEDS_CSUM;
        header[1] = VirtioNetHdr.GSO_TCPV4;
        header[2] = 54;
        header[4] = (byte) 1448;
        header[5] = (byte) (1448 >> 8);
        header[6] = 34;
        header[8] = 16;
        wire.arrive(header, frame(40 + 3 * 1448 - 1, 3));
        settle();
        assertThat(notes).hasSize(1);
        assertThat(notes.get(0)).startsWith("sum=" + SkBuff.CHECKSUM_PARTIAL + " gso=1448x3");
    }

    @Test
    void shouldDropFramesWhoseOffloadWordsLie() {
        plug(TapNic.Settings.DEFAULT);
        byte[] header = new byte[VirtioNetHdr.LENGTH];
        header[0] = VirtioNetHdr.F_NEEDS_CSUM;
        header[6] = (byte) 0xff;
        header[7] = (byte) 0xff;
        wire.arrive(header, frame(100, 3));
        byte[] noSize = new byte[VirtioNetHdr.LENGTH];
        noSize[1] = VirtioNetHdr.GSO_TCPV4;
        wire.arrive(noSize, frame(100, 3));
        wire.arrive(new byte[4]);
        settle();
        assertThat(received).isEmpty();
        assertThat(stat("rx_errors")).isEqualTo(2);
        assertThat(stat("rx_too_short")).isEqualTo(1);
        assertThat(Arrays.stream(kernel.cpu(0).dropCounts).sum())
                .isEqualTo(kernel.cpu(0).dropCounts[SkbDropReason.DEV_HDR.ordinal()])
                .isEqualTo(2);
    }

    @Test
    void shouldSendAtLineRateAndStopTheQueueMeanwhile() {
        // 8 Mbit/s: a frame of 1,500 bytes with overhead takes 1.5 ms.
        TapNic.Settings slow = new TapNic.Settings(32, 64, 64, 256, true, new WireModel(8_000_000, 0, false));
        plug(slow);
        long start = kernel.clock().nanoTime();
        for (int i = 0; i < 20; i++) {
            send(frame(1486, i), 1500);
        }
        assertThat(wire.sent.size()).isLessThan(20);
        settle();
        assertThat(wire.sent.size())
                .as(Arrays.toString(dev.ops.ethtoolStats(dev)) + dev.tx[0].dql.avail() + " " + dev.tx[0].xmitStopped()
                        + dev.tx[0].stopped())
                .isEqualTo(20);
        for (int i = 0; i < 20; i++) {
            assertThat(body(wire.sent.get(i))).isEqualTo(frame(1486, i));
        }
        assertThat(kernel.clock().nanoTime() - start).isGreaterThan(19 * 1_524_000L);
    }

    @Test
    void shouldObeyPauseFrames() {
        plug(TapNic.Settings.DEFAULT.withModel(new WireModel(100_000_000, 0, true)));
        byte[] pause = new byte[60];
        pause[12] = (byte) 0x88;
        pause[13] = 8;
        pause[15] = 1;
        pause[16] = 0x10; // 4096 quanta: 21 ms at 100 Mbit/s
        wire.arrive(pause);
        kernel.threads().start("wait", () -> kernel.scheduler().sleep(1_000_000));
        kernel.threads().joinAll();
        send(frame(100, 1), 114);
        assertThat(wire.sent).isEmpty();
        settle();
        assertThat(wire.sent.size()).isEqualTo(1);
        assertThat(received).isEmpty();
        assertThat(stat("rx_pause_frames")).isEqualTo(1);
    }

    @Test
    void shouldCountFramesThatFindNoBuffer() {
        plug(TapNic.Settings.DEFAULT);
        Cpu cpu = kernel.cpu(0);
        cpu.failEvery = 1;
        for (int i = 0; i < 300; i++) {
            wire.arrive(frame(1000, i));
        }
        settle();
        cpu.failEvery = 0;
        long lost = stat("rx_no_buffer");
        assertThat(lost).isGreaterThan(0);
        assertThat(received.size() + lost).isEqualTo(300);
    }

    private long stat(String name) {
        return dev.ops
                .ethtoolStats(dev)[Arrays.asList(dev.ops.ethtoolStatNames(dev)).indexOf(name)];
    }
}
