package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.SplittableRandom;
import net.core.Cpu;
import net.core.trace.Landmark;
import net.core.trace.PathTrace;
import net.skbuff.SkbDropReason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Frames of every kind of badness into {@code netifReceiveSkb}: no exception, each frame freed exactly once and for a
 * reason, nothing left at the end. {@code -Dsoftnet.full=true}: five million; {@code -Dsoftnet.seed=N}: another seed.
 */
class FrameFuzzTest {
    private static final int FRAMES = Boolean.getBoolean("softnet.full") ? 5_000_000 : 200_000;

    private final Map<SkbDropReason, Long> ends = new EnumMap<>(SkbDropReason.class);
    /** How often a packet with the mark of each frame was freed: once, and once more for each clone the stack made. */
    private final byte[] freed = new byte[FRAMES + 1];

    private long checked;
    private long own;
    private long clones;
    private int in;

    /** Tells the frames put in from what the stack made itself. */
    private void tally(Lab lab) {
        for (int i = 0; i < lab.kernel.cpus(); i++) {
            Cpu cpu = lab.kernel.cpu(i);
            cpu.localBhDisable();
            cpu.freeTracer = (skb, reason) -> {
                if (skb.mark == 0) {
                    own++;
                } else if (freed[skb.mark]++ == 0) {
                    ends.merge(reason, 1L, Long::sum);
                } else {
                    clones++; // kept in an error queue, or the head that a reassembled datagram took over
                }
            };
            cpu.localBhEnable();
        }
    }

    private void inject(FuzzHost host, byte[] frame) {
        in++;
        try {
            if (!host.device.receive(frame, in)) {
                in--;
            }
        } catch (RuntimeException | Error e) {
            throw new AssertionError(
                    "frame " + in + " " + PacketText.of(frame) + "\n"
                            + HexFormat.of().formatHex(frame),
                    e);
        }
    }

    private void pass(FuzzHost host, SplittableRandom random) {
        switch (random.nextInt(100)) {
            case 0 -> host.lab.sleep(random.nextLong(30_000_000_000L));
            case 1, 2, 3 -> host.lab.sleep(random.nextLong(1_000_000_000L));
            default -> host.lab.sleep(random.nextLong(2_000_000));
        }
    }

    @Test
    @Timeout(1200)
    void shouldSurviveAnyFrame() throws Exception {
        long seed = Long.getLong("softnet.seed", 20260101L);
        try {
            fuzz(seed, FRAMES, 0);
        } catch (RuntimeException | Error e) {
            throw new AssertionError("seed " + seed + ", after " + in + " frames: " + e, e);
        }
    }

    /** Every thirtieth allocation of a packet or page fails. */
    @Test
    @Timeout(1200)
    void shouldSurviveAnyFrameWithoutMemory() throws Exception {
        long seed = Long.getLong("softnet.seed", 20260102L);
        try {
            fuzz(seed, FRAMES / 10, 30);
        } catch (RuntimeException | Error e) {
            throw new AssertionError("seed " + seed + ", after " + in + " frames: " + e, e);
        }
    }

    private void fuzz(long seed, int count, int failEvery) throws Exception {
        SplittableRandom random = new SplittableRandom(seed);
        FuzzHost host = new FuzzHost(seed, random.split());
        FuzzFrames frames = new FuzzFrames(host, random.split());
        tally(host.lab);
        host.lab.kernel.cpu(0).failEvery = failEvery;
        PathTrace reach = PathTrace.start(host.lab.kernel, 0);
        for (int i = 0; i < count; i++) {
            byte[] frame = frames.next();
            if (random.nextInt(10) == 0) {
                // Arrives in the middle of a system call: the socket may be owned.
                host.lab
                        .kernel
                        .scheduler()
                        .schedule(host.lab.nowNs() + random.nextInt(3000), () -> inject(host, frame));
            } else {
                inject(host, frame);
            }
            if (random.nextInt(8) == 0) {
                host.step();
            }
            if (random.nextInt(64) == 0) {
                pass(host, random);
                checked += TcpInvariants.checkAll(host.lab);
            }
        }
        host.lab.kernel.cpu(0).failEvery = 0;
        host.lab.sleep(1_000_000);
        reach.stop();
        report(host, reach);
        host.host.network.close();
        host.lab.checkNoLeaks();
        accounts(host.lab);
        host.lab.close();
    }

    private void report(FuzzHost host, PathTrace reach) {
        long established = reach.hits(Landmark.TCP_RCV_ESTABLISHED);
        long states = reach.hits(Landmark.TCP_RCV_STATE_PROCESS);
        long fragments = host.host.counter("IpReasmReqds");
        long icmp = 0;
        for (String kind : new String[] {"DestUnreachs", "TimeExcds", "ParmProbs", "SrcQuenchs", "Redirects"}) {
            icmp += host.host.counter("IcmpIn" + kind);
        }
        System.out.printf(
                "%d frames: %d reached tcpRcvEstablished, %d tcpRcvStateProcess, %d reassembly (%d whole), %d were ICMP errors%n",
                in, established, states, fragments, host.host.counter("IpReasmOKs"), icmp);
        assertThat(established).as("tcpRcvEstablished").isPositive();
        assertThat(states).as("tcpRcvStateProcess").isPositive();
        assertThat(fragments).as("reassembly").isPositive();
        assertThat(icmp).as("ICMP errors").isPositive();
        assertThat(established + states + fragments + icmp)
                .as("frames that got far")
                .isGreaterThan(in / 10);
    }

    private void accounts(Lab lab) {
        System.out.println("ends: " + ends + "; clones: " + clones + "; packets of the stack's own: " + own
                + "; connections found consistent: " + checked);
        long ended = ends.values().stream().mapToLong(Long::longValue).sum();
        assertThat(ended).as("consumed and dropped frames").isEqualTo(in);
        long counted = 0;
        for (int i = 0; i < lab.kernel.cpus(); i++) {
            counted += lab.kernel.cpu(i).consumed + lab.kernel.cpu(i).dropped();
        }
        assertThat(counted).as("the CPUs' counts").isEqualTo(in + own + clones);
    }
}
