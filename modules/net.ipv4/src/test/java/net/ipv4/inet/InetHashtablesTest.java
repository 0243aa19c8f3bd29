package net.ipv4.inet;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.sock.SockCommon;
import net.core.sock.TcpStates;
import net.ipv4.Ipv4Net;
import net.skbuff.Errno;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class InetHashtablesTest {
    private static final int ME = 0x0a000001;
    private static final int PEER = 0x0a000002;
    private final Kernel kernel = Kernel.boot("clock=virtual", "debug", "net.ipv4.tcp_ehash_entries=64");
    private final Net net = kernel.initNet();
    private final TestSock.TestProto proto = new TestSock.TestProto(kernel);
    private final InetHashtables tables = InetHashtables.of(kernel);
    private final List<TestSock> socks = new ArrayList<>();

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

    @AfterEach
    void close() {
        on(cpu -> {
            for (TestSock sk : socks) {
                tables.inetUnhash(cpu, sk);
                tables.inetPutPort(cpu, sk);
                sk.skFree(cpu);
            }
        });
        kernel.scheduler().sleep(120_000_000_000L);
        kernel.close();
    }

    private TestSock sock() {
        TestSock sk = new TestSock(net, proto);
        socks.add(sk);
        return sk;
    }

    private TestSock connection(int lport, int faddr, int fport) {
        TestSock sk = sock();
        sk.state = TcpStates.TCP_ESTABLISHED;
        sk.rcvSaddr = ME;
        sk.num = lport;
        sk.daddr = faddr;
        sk.dport = fport;
        return sk;
    }

    private int bind(TestSock sk, int addr, int port) {
        int[] err = new int[1];
        sk.rcvSaddr = addr;
        on(cpu -> err[0] = tables.inetCskGetPort(cpu, sk, port));
        return err[0];
    }

    private int listen(TestSock sk, int addr, int port) {
        int err = bind(sk, addr, port);
        if (err == 0) {
            sk.state = TcpStates.TCP_LISTEN;
            sk.icskAcceptQueue = new RequestSockQueue();
            on(cpu -> assertThat(tables.inetCskGetPort(cpu, sk, sk.num)).isZero());
            on(cpu -> tables.inetHash(cpu, sk));
        }
        return err;
    }

    private SockCommon lookup(int saddr, int sport, int daddr, int dport) {
        SockCommon[] found = new SockCommon[1];
        on(cpu -> found[0] = InetHashtables.inetLookup(cpu, net, null, saddr, sport, daddr, dport, 1));
        return found[0];
    }

    @Test
    void shouldFindWhatAMapFinds() {
        long seed = 42;
        System.out.println("seed " + seed);
        Random r = new Random(seed);
        Map<String, TestSock> model = new HashMap<>();
        for (int step = 0; step < 5000; step++) {
            int lport = 80 + r.nextInt(3);
            int faddr = PEER + r.nextInt(20);
            int fport = 1000 + r.nextInt(20);
            String key = lport + "/" + faddr + "/" + fport;
            if (r.nextBoolean()) {
                TestSock sk = connection(lport, faddr, fport);
                on(cpu -> assertThat(tables.inetEhashInsert(cpu, sk, null)).isEqualTo(!model.containsKey(key)));
                model.putIfAbsent(key, sk);
            } else {
                TestSock sk = model.remove(key);
                if (sk != null) {
                    on(cpu -> tables.inetUnhash(cpu, sk));
                }
            }
            assertThat(tables.inetLookupEstablished(net, faddr, fport, ME, lport, 1))
                    .isSameAs(model.get(key));
        }
        Set<SockCommon> all = new HashSet<>();
        tables.forEachEstablished(all::add);
        assertThat(all).containsExactlyInAnyOrderElementsOf(new HashSet<>(model.values()));
        Net other = kernel.newNet("other");
        assertThat(tables.inetLookupEstablished(other, PEER, 1000, ME, 80, 1)).isNull();
    }

    @Test
    void shouldReplaceARequestByItsChildInOneStep() {
        TestSock req = connection(80, PEER, 1000);
        TestSock child = connection(80, PEER, 1000);
        TestSock late = connection(80, PEER, 1000);
        on(cpu -> {
            assertThat(tables.inetEhashInsert(cpu, req, null)).isTrue();
            assertThat(tables.inetEhashNolisten(cpu, child, req)).isTrue();
            assertThat(tables.inetEhashNolisten(cpu, late, req)).isFalse();
        });
        assertThat(lookup(PEER, 1000, ME, 80)).isSameAs(child);
        assertThat(late.state).isEqualTo(TcpStates.TCP_CLOSE);
    }

    @Test
    void shouldPreferTheListenerBoundToTheAddress() {
        TestSock any = sock();
        TestSock exact = sock();
        any.reuse = true;
        exact.reuse = true;
        assertThat(bind(any, 0, 80)).isZero();
        assertThat(bind(exact, ME, 80)).isZero();
        any.state = TcpStates.TCP_LISTEN;
        any.icskAcceptQueue = new RequestSockQueue();
        on(cpu -> tables.inetHash(cpu, any));
        assertThat(lookup(PEER, 1, ME, 80)).isSameAs(any);
        exact.state = TcpStates.TCP_LISTEN;
        exact.icskAcceptQueue = new RequestSockQueue();
        on(cpu -> tables.inetHash(cpu, exact));
        assertThat(lookup(PEER, 1, ME, 80)).isSameAs(exact);
        assertThat(lookup(PEER, 1, ME + 1, 80)).isSameAs(any);
        assertThat(lookup(PEER, 1, ME, 81)).isNull();
        on(cpu -> tables.inetUnhash(cpu, exact));
        assertThat(lookup(PEER, 1, ME, 80)).isSameAs(any);
    }

    @Test
    void shouldSpreadOverAReuseportGroup() {
        Map<SockCommon, Integer> hits = new HashMap<>();
        for (int i = 0; i < 4; i++) {
            TestSock sk = sock();
            sk.reuseport = true;
            assertThat(listen(sk, 0, 80)).isZero();
        }
        for (int port = 1; port <= 4000; port++) {
            hits.merge(lookup(PEER, port, ME, 80), 1, Integer::sum);
        }
        assertThat(hits).hasSize(4);
        assertThat(hits.values()).allMatch(n -> n > 800 && n < 1200);
    }

    @Test
    void shouldDecideBindConflictsAsLinuxDoes() {
        TestSock a = sock();
        assertThat(bind(a, ME, 80)).isZero();
        assertThat(bind(sock(), ME, 80)).isEqualTo(-Errno.EADDRINUSE);
        assertThat(bind(sock(), 0, 80)).isEqualTo(-Errno.EADDRINUSE);
        assertThat(bind(sock(), ME + 1, 80)).isZero();
        TestSock reuse = sock();
        reuse.reuse = true;
        assertThat(bind(reuse, ME, 80)).isEqualTo(-Errno.EADDRINUSE);
        // All share: the second may bind, but not while one listens.
        TestSock r1 = sock();
        TestSock r2 = sock();
        TestSock r3 = sock();
        r1.reuse = true;
        r2.reuse = true;
        r3.reuse = true;
        assertThat(bind(r1, ME, 90)).isZero();
        assertThat(bind(r2, ME, 90)).isZero();
        r1.state = TcpStates.TCP_LISTEN;
        on(cpu -> assertThat(tables.inetCskGetPort(cpu, r1, 90)).isZero());
        assertThat(bind(r3, ME, 90)).isEqualTo(-Errno.EADDRINUSE);
        // One without SO_REUSEPORT keeps the others out.
        TestSock p1 = sock();
        TestSock p2 = sock();
        p1.reuseport = true;
        p2.reuseport = true;
        assertThat(bind(p1, 0, 70)).isZero();
        assertThat(bind(p2, 0, 70)).isZero();
        assertThat(bind(sock(), ME, 70)).isEqualTo(-Errno.EADDRINUSE);
    }

    @Test
    void shouldGiveEachConnectionItsOwnPortAndUseTheRangeUp() {
        net.sysctl().set("net.ipv4.ip_local_port_range", "40000 40019");
        net.sysctl().set("net.ipv4.ip_local_reserved_ports", "40007");
        Set<Integer> ports = new HashSet<>();
        for (int i = 0; i < 19; i++) {
            TestSock sk = connection(0, PEER, 80);
            on(cpu -> assertThat(tables.inetHashConnect(cpu, sk)).isZero());
            assertThat(sk.num).isBetween(40000, 40019).isNotEqualTo(40007);
            assertThat(ports.add(sk.num)).isTrue();
        }
        TestSock full = connection(0, PEER, 80);
        on(cpu -> assertThat(tables.inetHashConnect(cpu, full)).isEqualTo(-Errno.EADDRNOTAVAIL));
        // Another destination shares the ports.
        TestSock elsewhere = connection(0, PEER + 1, 80);
        on(cpu -> assertThat(tables.inetHashConnect(cpu, elsewhere)).isZero());
        assertThat(lookup(PEER + 1, 80, ME, elsewhere.num)).isSameAs(elsewhere);
    }

    @Test
    void shouldKeepConnectAwayFromBoundPorts() {
        net.sysctl().set("net.ipv4.ip_local_port_range", "40000 40003");
        assertThat(bind(sock(), 0, 40000)).isZero();
        assertThat(bind(sock(), ME, 40002)).isZero();
        for (int i = 0; i < 2; i++) {
            TestSock sk = connection(0, PEER, 80);
            on(cpu -> assertThat(tables.inetHashConnect(cpu, sk)).isZero());
            assertThat(sk.num & 1).isEqualTo(1);
        }
    }

    @Test
    void shouldHoldThePortInTimeWaitAndGiveItToWhoMayReuseIt() {
        net.sysctl().set("net.ipv4.ip_local_port_range", "40000 40000");
        TestSock sk = connection(0, PEER, 80);
        on(cpu -> assertThat(tables.inetHashConnect(cpu, sk)).isZero());
        TestSock.TestTw tw = new TestSock.TestTw(sk);
        assertThat(InetTimewaitSock.reserve(Ipv4Net.of(net))).isTrue();
        on(cpu -> {
            tw.hashdanceSchedule(cpu, sk, 60_000);
            tables.inetPutPort(cpu, sk);
        });
        assertThat(lookup(PEER, 80, ME, 40000)).isSameAs(tw);
        TestSock second = connection(0, PEER, 80);
        on(cpu -> assertThat(tables.inetHashConnect(cpu, second)).isEqualTo(-Errno.EADDRNOTAVAIL));
        second.num = 0;
        second.allowTwReuse = true;
        on(cpu -> assertThat(tables.inetHashConnect(cpu, second)).isZero());
        assertThat(lookup(PEER, 80, ME, 40000)).isSameAs(second);
        assertThat(Ipv4Net.of(net).deathRow.count()).isZero();
        kernel.scheduler().sleep(61_000_000_000L);
        assertThat(List.of(tw.scheduled, tw.recycled, tw.ended)).as("once each").containsOnly(1);
        assertThat(lookup(PEER, 80, ME, 40000)).isSameAs(second);
    }

    @Test
    void shouldEndTimeWaitByTheClock() {
        TestSock sk = connection(0, PEER, 80);
        on(cpu -> tables.inetHashConnect(cpu, sk));
        int port = sk.num;
        TestSock.TestTw tw = new TestSock.TestTw(sk);
        InetTimewaitSock.reserve(Ipv4Net.of(net));
        on(cpu -> {
            tw.hashdanceSchedule(cpu, sk, 1000);
            tables.inetPutPort(cpu, sk);
        });
        assertThat(bind(sock(), ME, port)).isEqualTo(-Errno.EADDRINUSE);
        kernel.scheduler().sleep(1_300_000_000L);
        assertThat(List.of(tw.scheduled, tw.recycled, tw.ended)).containsExactly(1, 0, 1);
        assertThat(lookup(PEER, 80, ME, port)).isNull();
        assertThat(Ipv4Net.of(net).deathRow.count()).isZero();
        assertThat(bind(sock(), ME, port)).isZero();
    }

    /** Who finds the wait in the hash can stop it: its timer runs by then. A SYN that cannot is lost. */
    @Test
    void shouldBeStoppableAsSoonAsItIsFound() throws InterruptedException {
        AtomicBoolean stop = new AtomicBoolean();
        int[] idle = {0};
        Thread finder = new Thread(() -> {
            while (!stop.get()) {
                SockCommon found = tables.inetLookupEstablished(net, PEER, 80, ME, 40000, 0);
                if (found instanceof TestSock.TestTw tw
                        && tw.remaining(kernel.cpu(0)) == 0
                        && tables.inetLookupEstablished(net, PEER, 80, ME, 40000, 0) == tw) {
                    idle[0]++;
                }
            }
        });
        TestSock sk = connection(40000, PEER, 80);
        finder.start();
        on(cpu -> {
            for (int i = 0; i < 20_000; i++) {
                tables.inetEhashInsert(cpu, sk, null);
                InetTimewaitSock.reserve(Ipv4Net.of(net));
                TestSock.TestTw tw = new TestSock.TestTw(sk);
                tw.hashdanceSchedule(cpu, sk, 60_000);
                tables.ehashRemove(tw); // before it is stopped: found, it is armed
                tw.deschedule(cpu);
            }
        });
        stop.set(true);
        finder.join();
        assertThat(idle[0]).isZero();
    }

    @Test
    void shouldLimitTimeWaitSockets() {
        InetTimewaitDeathRow row = new InetTimewaitDeathRow();
        assertThat(row.tryAdd(2) && row.tryAdd(2)).isTrue();
        assertThat(row.tryAdd(2)).isFalse();
        row.remove();
        assertThat(row.tryAdd(2)).isTrue();
    }

    @Test
    void shouldNeverMissASocketWhileOthersComeAndGo() throws Exception {
        // Chains of four buckets' worth of churn around a socket that stays: a reader without a lock must always see
        // it.
        Kernel live = Kernel.boot("clock=live", "cpus=2", "net.ipv4.tcp_ehash_entries=16");
        TestSock.TestProto prot = new TestSock.TestProto(live);
        InetHashtables t = InetHashtables.of(live);
        Net n = live.initNet();
        List<TestSock> made = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            TestSock sk = new TestSock(n, prot);
            sk.state = TcpStates.TCP_ESTABLISHED;
            sk.rcvSaddr = ME;
            sk.num = 80;
            sk.daddr = PEER;
            sk.dport = 1000 + i;
            made.add(sk);
        }
        AtomicBoolean stop = new AtomicBoolean();
        Thread churn = new Thread(() -> {
            Random r = new Random(1);
            boolean[] in = new boolean[made.size()];
            while (!stop.get()) {
                int i = 20 + r.nextInt(180);
                Cpu cpu = live.localBhDisable(0);
                if (in[i]) {
                    t.inetUnhash(cpu, made.get(i));
                    // The same object under another key: it moves to another chain.
                    made.get(i).dport = 1000 + i + 1000 * r.nextInt(30);
                } else {
                    t.inetEhashInsert(cpu, made.get(i), null);
                }
                in[i] = !in[i];
                cpu.localBhEnable();
            }
        });
        Cpu cpu = live.localBhDisable(1);
        for (int i = 0; i < 20; i++) {
            t.inetEhashInsert(cpu, made.get(i), null);
        }
        cpu.localBhEnable();
        churn.start();
        int misses = 0;
        long end = System.nanoTime() + 1_000_000_000L;
        while (System.nanoTime() < end) {
            for (int i = 0; i < 20; i++) {
                if (t.inetLookupEstablished(n, PEER, 1000 + i, ME, 80, 0) != made.get(i)) {
                    misses++;
                }
            }
        }
        stop.set(true);
        churn.join();
        assertThat(misses).isZero();
        Cpu c = live.localBhDisable(0);
        made.forEach(sk -> {
            t.inetUnhash(c, sk);
            sk.skFree(c);
        });
        c.localBhEnable();
        live.close();
    }
}
