package net.netfilter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Objects;
import net.core.Cpu;
import net.core.Kernel;
import net.core.Net;
import net.core.UserError;
import net.core.netfilter.NfHooks;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.Test;

class DropCountTest {
    private static final String[] HOOKS = {"pre_routing", "local_in", "forward", "local_out", "post_routing"};

    private static Kernel boot(String... words) {
        String[] all = java.util.Arrays.copyOf(words, words.length + 2);
        all[words.length] = "clock=virtual";
        all[words.length + 1] = "debug";
        return Kernel.boot(all);
    }

    /** Returns what the hook returned: 1 if the packet passed. */
    private static int run(Net net, int hook, int proto, int sport, int dport) {
        Cpu cpu = net.kernel().localBhDisable(0);
        try {
            SkBuff skb = Objects.requireNonNull(cpu.allocSkb(100));
            skb.reserve(20);
            skb.put(40);
            long ip = skb.dataAddress();
            UnsafeApi.setMemory(ip, 40, (byte) 0);
            UnsafeApi.putByte(ip, (byte) 0x45);
            UnsafeApi.putByte(ip + 9, (byte) proto);
            put16(ip + 20, sport);
            put16(ip + 22, dport);
            skb.resetNetworkHeader();
            return NfHooks.nfHook(cpu, NfHooks.NFPROTO_IPV4, hook, net, null, skb, null, null, (c, n, sk, s) -> {
                s.consume(c);
                return 1;
            });
        } finally {
            cpu.localBhEnable();
        }
    }

    private static void put16(long a, int v) {
        UnsafeApi.putByte(a, (byte) (v >> 8));
        UnsafeApi.putByte(a + 1, (byte) v);
    }

    @Test
    void shouldDropAndCountAtEachOfTheFiveHooks() {
        for (int hook = 0; hook < 5; hook++) {
            try (Kernel kernel = boot("net.netfilter.dropcount." + HOOKS[hook] + "=drop udp dport 9, count tcp")) {
                Net net = kernel.initNet();
                for (int h = 0; h < 5; h++) {
                    assertThat(NfHooks.of(net).isActive(NfHooks.NFPROTO_IPV4, h))
                            .isEqualTo(h == hook);
                }
                assertThat(run(net, hook, 17, 1, 9)).isEqualTo(-Errno.EPERM);
                assertThat(run(net, hook, 17, 9, 1)).isEqualTo(1);
                assertThat(run(net, hook, 6, 1, 9)).isEqualTo(1);
                assertThat(DropCount.rules(net, hook).get(0).toString())
                        .isEqualTo("drop udp dport 9 packets 1 bytes 40");
                assertThat(DropCount.rules(net, hook).get(1).packets()).isEqualTo(1);
                assertThat(NfHooks.of(net).verdicts(hook, NfHooks.NF_DROP)).isEqualTo(1);
            }
        }
    }

    @Test
    void shouldChangeWithTheSettingAndLeaveTheHookEmpty() {
        try (Kernel kernel = boot()) {
            Net net = kernel.initNet();
            Net other = kernel.newNet("other");
            net.sysctl().set("net.netfilter.dropcount.local_in", "drop:icmp");
            assertThat(run(net, NfHooks.NF_INET_LOCAL_IN, 1, 0, 0)).isEqualTo(-Errno.EPERM);
            assertThat(run(other, NfHooks.NF_INET_LOCAL_IN, 1, 0, 0)).isEqualTo(1);
            net.sysctl().set("net.netfilter.dropcount.local_in", "");
            assertThat(NfHooks.of(net).isActive(NfHooks.NFPROTO_IPV4, NfHooks.NF_INET_LOCAL_IN))
                    .isFalse();
            assertThat(run(net, NfHooks.NF_INET_LOCAL_IN, 1, 0, 0)).isEqualTo(1);
        }
    }

    @Test
    void shouldExplainWhatItCannotRead() {
        assertThatThrownBy(() -> boot("net.netfilter.dropcount.local_in=drop udp port 9"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("net.netfilter.dropcount.local_in")
                .hasMessageContaining("a rule is drop|count");
        assertThatThrownBy(() -> boot("net.netfilter.dropcount.local_inn=drop udp"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("did you mean net.netfilter.dropcount.local_in?");
    }
}
