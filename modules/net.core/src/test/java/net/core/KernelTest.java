package net.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class KernelTest {
    enum Counter implements MibCounter {
        INSEGS("InSegs"),
        OUTSEGS("OutSegs");

        private final String mibName;

        Counter(String mibName) {
            this.mibName = mibName;
        }

        @Override
        public String mibName() {
            return mibName;
        }
    }

    @Test
    void shouldRefuseUnknownBootWordsInOneLine() {
        assertThatThrownBy(() -> Kernel.boot("cpu=2"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("boot word cpu=2");
        assertThatThrownBy(() -> Kernel.boot("cpus=none")).hasMessageContaining("a number from 1 to 64");
        assertThatThrownBy(() -> Kernel.boot("clock=sundial")).hasMessageContaining("wants live or virtual");
        assertThatThrownBy(() -> Kernel.boot("clock=virtual", "net.ipv4.nonsense=1"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("net.ipv4.nonsense: no such setting");
        assertThatThrownBy(() -> Kernel.boot("net.ipv4.nonsense")).hasMessageContaining("needs a value");
    }

    @Test
    void shouldParseSizes() {
        assertThat(BootParams.parse("memory=64M").memoryLimit).isEqualTo(64L << 20);
        assertThat(BootParams.parse("memory=2G").memoryLimit).isEqualTo(2L << 30);
        assertThat(BootParams.parse("memory=123").memoryLimit).isEqualTo(123);
        assertThatThrownBy(() -> BootParams.parse("memory=G")).isInstanceOf(UserError.class);
    }

    @Test
    void shouldRunPernetOperationsForAllNamespacesAndInReverseAtTheEnd() {
        List<String> log = new ArrayList<>();
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            kernel.registerPernet(logging("a", log));
            Net other = kernel.newNet("other");
            kernel.registerPernet(logging("b", log));
            assertThat(log).containsExactly("a+init", "a+other", "b+init", "b+other");
            log.clear();
            other.close();
            assertThat(log).containsExactly("b-other", "a-other");
            log.clear();
        }
        assertThat(log).containsExactly("b-init", "a-init");
    }

    private static PernetOperations logging(String name, List<String> log) {
        return new PernetOperations() {
            @Override
            public void init(Net net) {
                log.add(name + "+" + net.name());
            }

            @Override
            public void exit(Net net) {
                log.add(name + "-" + net.name());
            }
        };
    }

    @Test
    void shouldKeepSlotsApart() {
        PerNet<String> one = new PerNet<>();
        PerNet<Integer> two = new PerNet<>();
        PerCpu<List<String>> local = new PerCpu<>();
        try (Kernel kernel = Kernel.boot("clock=virtual", "cpus=2")) {
            one.set(kernel.initNet(), "x");
            two.set(kernel.initNet(), 7);
            assertThat(one.get(kernel.initNet())).isEqualTo("x");
            assertThat(two.get(kernel.initNet())).isEqualTo(7);
            local.set(kernel.cpu(1), List.of("y"));
            assertThat(local.get(kernel.cpu(1))).containsExactly("y");
        }
    }

    @Test
    void shouldSumCountersOverCpusAndProcesses() {
        try (Kernel kernel = Kernel.boot("clock=virtual", "cpus=2")) {
            MibSet<Counter> tcp = kernel.initNet().mib().register("TestTcp", Counter.class);
            for (int i = 0; i < 2; i++) {
                Cpu cpu = kernel.cpu(i);
                cpu.localBhDisable();
                tcp.inc(cpu, Counter.INSEGS);
                tcp.add(cpu, Counter.OUTSEGS, 10);
                cpu.localBhEnable();
            }
            tcp.inc(Counter.INSEGS);
            assertThat(tcp.read(Counter.INSEGS)).isEqualTo(3);
            assertThat(kernel.initNet().mib().read("TestTcpOutSegs")).isEqualTo(20);
            assertThat(kernel.initNet().mib().snapshot())
                    .containsAllEntriesOf(Map.of("TestTcpInSegs", 3L, "TestTcpOutSegs", 20L));
            assertThatThrownBy(() -> kernel.initNet().mib().register("TestTcp", Counter.class))
                    .hasMessageContaining("twice");
        }
    }

    @Test
    void shouldSetSysctlsAndExplainErrors() {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            Sysctl sysctl = kernel.initNet().sysctl();
            List<String> heard = new ArrayList<>();
            IntSysctl retries = sysctl.register("test.ipv4.tcp_retries2", 15, 0, 255, e -> heard.add(e.text()));
            LongVecSysctl rmem = sysctl.registerVec(
                    "test.ipv4.tcp_rmem", new long[] {4096, 131072, 6291456}, 1, Integer.MAX_VALUE, null);
            StringSysctl cong = sysctl.registerString(
                    "test.ipv4.tcp_congestion_control",
                    "cubic",
                    List.of("cubic", "reno")::contains,
                    "cubic or reno",
                    null);
            sysctl.set("test.ipv4.tcp_retries2", "8");
            sysctl.set("test/ipv4/tcp_rmem", "4096 87380 1000000");
            sysctl.set("test.ipv4.tcp_congestion_control", "reno");
            assertThat(retries.value).isEqualTo(8);
            assertThat(heard).containsExactly("8");
            assertThat(rmem.at(1)).isEqualTo(87380);
            assertThat(cong.value).isEqualTo("reno");
            assertThat(sysctl.get("test.ipv4.tcp_rmem")).isEqualTo("4096\t87380\t1000000");
            assertThatThrownBy(() -> sysctl.set("test.ipv4.tcp_retries2", "256"))
                    .isInstanceOf(UserError.class)
                    .hasMessage("sysctl test.ipv4.tcp_retries2=256: wants a number from 0 to 255");
            assertThatThrownBy(() -> sysctl.set("test.ipv4.tcp_congestion_control", "vegas"))
                    .hasMessageContaining("wants cubic or reno");
            assertThatThrownBy(() -> sysctl.set("test.ipv4.tcp_rmem", "1 2")).hasMessageContaining("wants 3 numbers");
            assertThatThrownBy(() -> sysctl.set("test.ipv4.tcp_retires2", "1"))
                    .hasMessageContaining("did you mean test.ipv4.tcp_retries2?");
            assertThatThrownBy(() -> sysctl.register("test.ipv4.tcp_retries2", 1, 0, 1))
                    .hasMessageContaining("twice");
            assertThat(sysctl.list()).containsEntry("test.ipv4.tcp_retries2", "8");
        }
    }

    @Test
    void shouldCallNotifiersByPriorityUntilOneStops() {
        NotifierChain<String> chain = new NotifierChain<>();
        List<String> heard = new ArrayList<>();
        chain.register((event, data) -> {
            heard.add("low " + data);
            return NotifierChain.OK;
        });
        NotifierChain.Listener<String> veto = (event, data) -> {
            heard.add("high " + data);
            return event == 1 ? NotifierChain.BAD : NotifierChain.DONE;
        };
        chain.register(veto, 10);
        assertThat(chain.call(0, "x")).isEqualTo(NotifierChain.OK);
        assertThat(chain.call(1, "y")).isEqualTo(NotifierChain.BAD);
        assertThat(heard).containsExactly("high x", "low x", "high y");
        assertThat(chain.unregister(veto)).isTrue();
        assertThat(chain.unregister(veto)).isFalse();
    }

    @Test
    void shouldExcludeUnderRtnl() {
        try (Kernel kernel = Kernel.boot("clock=virtual")) {
            List<String> order = new ArrayList<>();
            for (String name : List.of("a", "b")) {
                kernel.threads()
                        .start(
                                name,
                                () -> kernel.rtnl().run(() -> {
                                    order.add(name + " in");
                                    kernel.scheduler().sleep(1_000_000);
                                    kernel.rtnl().run(kernel.rtnl()::assertHeld);
                                    order.add(name + " out");
                                }));
            }
            kernel.threads().joinAll();
            String first = order.getFirst().substring(0, 1);
            assertThat(order.get(1)).isEqualTo(first + " out");
            assertThat(order).hasSize(4);
            assertThatThrownBy(() -> kernel.rtnl().assertHeld()).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void shouldBootAndCloseLiveKernelsManyTimes() {
        for (int i = 0; i < 20; i++) {
            Kernel.boot("cpus=2").close();
        }
    }
}
