package net.core.neigh;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.EthHdr;
import net.core.dev.Frames;
import net.core.dev.StubDevice;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class NeighbourTest {
    private static final byte[] MAC = {2, 0, 0, 0, 0, 9};
    private static final byte[] OTHER_MAC = {2, 0, 0, 0, 0, 10};

    private final Kernel kernel = Kernel.boot("clock=virtual", "debug", "net.core.default_qdisc=noqueue");
    private final Table table = new Table(kernel);
    private StubDevice nic;

    /** Counts questions instead of sending ARP. */
    private interface Solicit {
        void ask(Cpu cpu, Neighbour n, @Nullable SkBuff skb);
    }

    private static final class Table extends NeighTable {
        int asked;
        boolean sawPacket;
        Solicit onSolicit = (cpu, n, skb) -> {};
        final List<Integer> failed = new ArrayList<>();

        Table(Kernel kernel) {
            super(kernel, EthHdr.ETH_P_IP);
        }

        @Override
        protected int constructor(Neighbour n) {
            if (n.keyLo == 0xffffffffL) {
                n.initState(Neighbour.NUD_NOARP, n.dev.broadcast);
            }
            return 0;
        }

        @Override
        protected void solicit(Cpu cpu, Neighbour n, @Nullable SkBuff skb) {
            asked++;
            sawPacket |= skb != null;
            onSolicit.ask(cpu, n, skb);
        }

        @Override
        protected void errorReport(Cpu cpu, Neighbour n, SkBuff skb) {
            failed.add(skb.priority);
            skb.kfree(cpu, SkbDropReason.NEIGH_FAILED);
        }

        @Override
        public String keyText(long keyHi, long keyLo) {
            return Long.toHexString(keyLo);
        }
    }

    @BeforeEach
    void up() {
        nic = StubDevice.up(kernel.initNet(), "eth0");
        NeighParms p = table.parmsOf(nic.dev);
        p.reachableTime = 30_000;
    }

    @AfterEach
    void close() {
        Cpu cpu = kernel.localBhDisable(0);
        nic.complete(cpu);
        table.clear(cpu);
        cpu.localBhEnable();
        kernel.close();
    }

    private interface Step {
        void with(Cpu cpu);
    }

    private void on(Step s) {
        Cpu cpu = kernel.localBhDisable(0);
        try {
            s.with(cpu);
        } finally {
            cpu.localBhEnable();
        }
    }

    private Neighbour neigh(int addr) {
        Neighbour[] n = new Neighbour[1];
        on(cpu -> n[0] = table.lookupOrCreate(cpu, 0, addr & 0xffffffffL, nic.dev));
        return Objects.requireNonNull(n[0]);
    }

    private void send(Neighbour n, int id) {
        on(cpu -> {
            SkBuff skb = Frames.tcp(cpu, nic.dev, 1, 2, 3, 4, id, 10);
            skb.pull(14);
            skb.priority = id;
            n.output(cpu, skb);
        });
    }

    private void sleepMs(long ms) {
        kernel.scheduler().sleep(ms * 1_000_000);
    }

    @Test
    void shouldAskThreeTimesThenFailAndReportEachPacket() {
        Neighbour n = neigh(1);
        send(n, 11);
        send(n, 12);
        assertThat(n.nudState()).isEqualTo(Neighbour.NUD_INCOMPLETE);
        assertThat(table.asked).isEqualTo(1);
        assertThat(table.sawPacket).isTrue();
        sleepMs(1500);
        assertThat(table.asked).isEqualTo(2);
        sleepMs(5000);
        assertThat(table.asked).isEqualTo(3);
        assertThat(n.nudState()).isEqualTo(Neighbour.NUD_FAILED);
        assertThat(table.failed).containsExactly(11, 12);
        assertThat(nic.sent).isEmpty();
        // The next packet starts over.
        send(n, 13);
        assertThat(n.nudState()).isEqualTo(Neighbour.NUD_INCOMPLETE);
    }

    @Test
    void shouldSendWhatWaitedInOrderOnceTheAddressIsKnown() {
        Neighbour n = neigh(1);
        send(n, 1);
        send(n, 2);
        send(n, 3);
        assertThat(n.queueLen()).isEqualTo(3);
        on(cpu -> n.update(cpu, MAC, Neighbour.NUD_REACHABLE, Neighbour.NEIGH_UPDATE_F_OVERRIDE));
        assertThat(nic.sent).containsExactly(1, 2, 3);
        assertThat(n.queueLen()).isZero();
        send(n, 4);
        SkBuff last = nic.ring.getLast();
        assertThat(EthHdr.addr48(last.dataAddress())).isEqualTo(EthHdr.addr48(MAC));
        assertThat(EthHdr.addr48(last.dataAddress() + 6)).isEqualTo(EthHdr.addr48(nic.dev.devAddr));
        assertThat(EthHdr.type(last.dataAddress())).isEqualTo(EthHdr.ETH_P_IP);
        assertThat(last.len).isEqualTo(64);
        assertThat(n.toString()).isEqualTo("1 dev eth0 lladdr 02:00:00:00:00:09 REACHABLE");
    }

    @Test
    void shouldGoStaleThenProbeByUnicastAndFail() {
        Neighbour n = neigh(1);
        on(cpu -> n.update(cpu, MAC, Neighbour.NUD_REACHABLE, Neighbour.NEIGH_UPDATE_F_OVERRIDE));
        // The wheel fires up to an eighth late.
        sleepMs(34_000);
        assertThat(n.nudState()).isEqualTo(Neighbour.NUD_STALE);
        send(n, 1);
        assertThat(nic.sent).containsExactly(1);
        assertThat(n.nudState()).isEqualTo(Neighbour.NUD_DELAY);
        int before = table.asked;
        sleepMs(5600);
        assertThat(n.nudState()).isEqualTo(Neighbour.NUD_PROBE);
        assertThat(table.asked).isEqualTo(before + 1);
        sleepMs(6000);
        assertThat(n.nudState()).isEqualTo(Neighbour.NUD_FAILED);
        assertThat(table.asked).isEqualTo(before + 3);
    }

    @Test
    void shouldStayReachableWhileAnUpperLayerConfirms() {
        Neighbour n = neigh(1);
        on(cpu -> n.update(cpu, MAC, Neighbour.NUD_REACHABLE, Neighbour.NEIGH_UPDATE_F_OVERRIDE));
        for (int i = 0; i < 10; i++) {
            sleepMs(10_000);
            on(cpu -> n.confirm(cpu.jiffies()));
        }
        assertThat(n.nudState()).isEqualTo(Neighbour.NUD_REACHABLE);
        assertThat(table.asked).isZero();
    }

    @Test
    void shouldLeaveDelayWhenConfirmed() {
        Neighbour n = neigh(1);
        on(cpu -> n.update(cpu, MAC, Neighbour.NUD_STALE, Neighbour.NEIGH_UPDATE_F_OVERRIDE));
        send(n, 1);
        assertThat(n.nudState()).isEqualTo(Neighbour.NUD_DELAY);
        sleepMs(1000);
        on(cpu -> n.confirm(cpu.jiffies()));
        sleepMs(4700);
        assertThat(n.nudState()).isEqualTo(Neighbour.NUD_REACHABLE);
        assertThat(table.asked).isZero();
    }

    @Test
    void shouldNotBelieveANewAddressWithoutOverride() {
        Neighbour n = neigh(1);
        on(cpu -> n.update(cpu, MAC, Neighbour.NUD_REACHABLE, Neighbour.NEIGH_UPDATE_F_OVERRIDE));
        on(cpu -> n.update(cpu, OTHER_MAC, Neighbour.NUD_REACHABLE, 0));
        assertThat(n.ha()).isEqualTo(MAC);
        on(cpu -> n.update(cpu, OTHER_MAC, Neighbour.NUD_REACHABLE, Neighbour.NEIGH_UPDATE_F_WEAK_OVERRIDE));
        assertThat(n.ha()).isEqualTo(MAC);
        assertThat(n.nudState()).isEqualTo(Neighbour.NUD_STALE);
        on(cpu -> n.update(cpu, OTHER_MAC, Neighbour.NUD_REACHABLE, Neighbour.NEIGH_UPDATE_F_OVERRIDE));
        assertThat(n.ha()).isEqualTo(OTHER_MAC);
        send(n, 1);
        assertThat(EthHdr.addr48(nic.ring.getLast().dataAddress())).isEqualTo(EthHdr.addr48(OTHER_MAC));
    }

    @Test
    void shouldKeepPermanentEntriesFromTheWire() {
        Neighbour n = neigh(1);
        on(cpu -> n.update(
                cpu, MAC, Neighbour.NUD_PERMANENT, Neighbour.NEIGH_UPDATE_F_OVERRIDE | Neighbour.NEIGH_UPDATE_F_ADMIN));
        on(cpu -> assertThat(n.update(cpu, OTHER_MAC, Neighbour.NUD_REACHABLE, Neighbour.NEIGH_UPDATE_F_OVERRIDE))
                .isEqualTo(-Errno.EPERM));
        sleepMs(100_000);
        assertThat(n.nudState()).isEqualTo(Neighbour.NUD_PERMANENT);
    }

    @Test
    void shouldBoundTheQueueByBytesDroppingTheOldest() {
        Neighbour n = neigh(1);
        send(n, 0);
        int one = 212_992 / 10;
        table.parmsOf(nic.dev).queueLenBytes = one;
        for (int i = 1; i < 60; i++) {
            send(n, i);
        }
        int kept = n.queueLen();
        assertThat(kept).isLessThan(60);
        assertThat(table.unresDiscards).isEqualTo(60 - kept);
        on(cpu -> n.update(cpu, MAC, Neighbour.NUD_REACHABLE, Neighbour.NEIGH_UPDATE_F_OVERRIDE));
        assertThat(nic.sent).hasSize(kept).isSorted().endsWith(58, 59);
    }

    @Test
    void shouldNeedNoAnswerForBroadcast() {
        Neighbour n = neigh(-1);
        send(n, 1);
        assertThat(nic.sent).containsExactly(1);
        assertThat(table.asked).isZero();
    }

    @Test
    void shouldDropWhatWaitsWhenTheDeviceGoes() {
        Neighbour n = neigh(1);
        send(n, 1);
        on(cpu -> table.ifdown(cpu, nic.dev, false));
        assertThat(n.isDead()).isTrue();
        assertThat(table.size()).isZero();
        assertThat(kernel.memory().outstandingSkbs()).isZero();
        sleepMs(10_000);
        assertThat(table.asked).isEqualTo(1);
    }

    @Test
    void shouldGrowCollectAndRefuseAtTheThresholds() {
        for (int i = 1; i <= 600; i++) {
            neigh(i);
        }
        assertThat(table.size()).isEqualTo(600);
        assertThat(table.hashGrows).isPositive();
        for (int i = 1; i <= 600; i++) {
            assertThat(table.lookup(0, i, nic.dev)).isNotNull();
        }
        on(cpu -> {
            for (int i = 601; i <= 1100; i++) {
                Neighbour n = table.lookupOrCreate(cpu, 0, i, nic.dev);
                if (n != null) {
                    n.eventSend(cpu, null); // being resolved: may not be collected
                }
            }
        });
        assertThat(table.size()).isLessThanOrEqualTo(1024);
        assertThat(table.forcedGcRuns).isPositive();
        sleepMs(200_000);
        assertThat(table.size()).isLessThan(600);
        assertThat(table.periodicGcRuns).isPositive();
    }

    /** The answer may come while we still ask: what waited is sent and freed then. */
    @Test
    void shouldShowAPacketThatLivesToTheQuestion() {
        table.onSolicit = (cpu, n, skb) -> {
            n.update(cpu, MAC, Neighbour.NUD_REACHABLE, Neighbour.NEIGH_UPDATE_F_OVERRIDE);
            nic.complete(cpu);
            assertThat(Objects.requireNonNull(skb).shinfo()).isNotNull();
            assertThat(skb.priority).isEqualTo(7);
        };
        send(neigh(1), 7);
        assertThat(nic.sent).containsExactly(7);
        assertThat(kernel.memory().outstandingSkbs()).isZero();
    }

    @Test
    void shouldNotCountPermanentEntriesAgainstTheThresholds() {
        table.gcThresh2 = 4;
        table.gcThresh3 = 4;
        int admin = Neighbour.NEIGH_UPDATE_F_OVERRIDE | Neighbour.NEIGH_UPDATE_F_ADMIN;
        for (int round = 0; round < 5; round++) {
            for (int i = 1; i <= 6; i++) {
                Neighbour n = neigh(i);
                on(cpu -> assertThat(n.update(cpu, MAC, Neighbour.NUD_PERMANENT, admin))
                        .isZero());
            }
            Neighbour learned = neigh(100);
            on(cpu -> learned.update(cpu, MAC, Neighbour.NUD_REACHABLE, 0));
            Neighbour back = neigh(6);
            on(cpu -> back.update(cpu, MAC, Neighbour.NUD_STALE, admin));
            on(cpu -> {
                for (int i = 1; i <= 6; i++) {
                    assertThat(table.remove(cpu, 0, i, nic.dev)).isTrue();
                }
                assertThat(table.remove(cpu, 0, 100, nic.dev)).isTrue();
            });
        }
        assertThat(table.tableFulls).isZero();
    }
}
