package net.core.netfilter;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import net.core.Cpu;
import net.core.Kernel;
import net.core.dev.Frames;
import net.core.dev.StubDevice;
import net.core.netfilter.NfQueueHandler.NfQueueEntry;
import net.skbuff.Errno;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NfHooksTest {
    private final Kernel kernel = Kernel.boot("clock=virtual", "debug", "net.core.default_qdisc=noqueue");
    private final StubDevice nic = StubDevice.up(kernel.initNet(), "eth0");
    private final NfHooks hooks = NfHooks.of(kernel.initNet());
    private final List<String> calls = new ArrayList<>();
    private final Cpu cpu = kernel.cpu(0); // alone in virtual time: nobody contends for its word

    @AfterEach
    void close() {
        kernel.close();
    }

    private NfHookOps add(String name, int hook, int priority, NfHookFn fn) {
        NfHookOps ops = new NfHookOps(
                name,
                NfHooks.NFPROTO_IPV4,
                hook,
                priority,
                (c, skb, state) -> {
                    calls.add(name);
                    return fn.hook(c, skb, state);
                },
                null);
        hooks.register(ops);
        return ops;
    }

    private NfHookOps verdict(String name, int priority, int verdict) {
        return add(name, NfHooks.NF_INET_LOCAL_IN, priority, (c, skb, state) -> verdict);
    }

    private int run(int hook) {
        SkBuff skb = Frames.tcp(cpu, nic.dev, 1, 2, 3, 4, 5, 6);
        return NfHooks.nfHook(
                cpu, NfHooks.NFPROTO_IPV4, hook, kernel.initNet(), null, skb, nic.dev, null, (c, net, sk, s) -> {
                    calls.add("ok");
                    s.consume(c);
                    return 42;
                });
    }

    @Test
    void shouldGoStraightThroughAnEmptyHook() {
        assertThat(hooks.isActive(NfHooks.NFPROTO_IPV4, NfHooks.NF_INET_LOCAL_IN))
                .isFalse();
        assertThat(run(NfHooks.NF_INET_LOCAL_IN)).isEqualTo(42);
        assertThat(calls).containsExactly("ok");
    }

    @Test
    void shouldCallInOrderOfPriorityThenRegistration() {
        verdict("c", 10, NfHooks.NF_ACCEPT);
        verdict("a", -5, NfHooks.NF_ACCEPT);
        verdict("d", 10, NfHooks.NF_ACCEPT);
        verdict("b", 0, NfHooks.NF_ACCEPT);
        assertThat(run(NfHooks.NF_INET_LOCAL_IN)).isEqualTo(42);
        assertThat(calls).containsExactly("a", "b", "c", "d", "ok");
        assertThat(hooks.verdicts(NfHooks.NF_INET_LOCAL_IN, NfHooks.NF_ACCEPT)).isEqualTo(1);
    }

    @Test
    void shouldDropWithTheReasonAndTheErrno() {
        NfHookOps plain = verdict("drop", 0, NfHooks.NF_DROP);
        verdict("never", 1, NfHooks.NF_ACCEPT);
        assertThat(run(NfHooks.NF_INET_LOCAL_IN)).isEqualTo(-Errno.EPERM);
        assertThat(calls).containsExactly("drop");
        assertThat(cpu.dropCounts[SkbDropReason.NETFILTER_DROP.ordinal()]).isEqualTo(1);
        hooks.unregister(plain);
        verdict("refuse", -1, NfHooks.dropErr(Errno.ECONNREFUSED));
        assertThat(run(NfHooks.NF_INET_LOCAL_IN)).isEqualTo(-Errno.ECONNREFUSED);
    }

    @Test
    void shouldLetAFunctionKeepThePacket() {
        List<SkBuff> stolen = new ArrayList<>();
        add("thief", NfHooks.NF_INET_FORWARD, 0, (c, skb, state) -> {
            assertThat(state.hook).isEqualTo(NfHooks.NF_INET_FORWARD);
            assertThat(state.in).isSameAs(nic.dev);
            stolen.add(skb);
            return NfHooks.NF_STOLEN;
        });
        assertThat(run(NfHooks.NF_INET_FORWARD)).isZero();
        assertThat(stolen).hasSize(1);
        stolen.getFirst().consume(cpu);
    }

    @Test
    void shouldRepeatAFunctionButNotForever() {
        int[] times = {0};
        NfHookOps three = add(
                "again",
                NfHooks.NF_INET_LOCAL_IN,
                0,
                (c, skb, s) -> ++times[0] < 3 ? NfHooks.NF_REPEAT : NfHooks.NF_ACCEPT);
        assertThat(run(NfHooks.NF_INET_LOCAL_IN)).isEqualTo(42);
        assertThat(calls).containsExactly("again", "again", "again", "ok");
        hooks.unregister(three);
        verdict("forever", 0, NfHooks.NF_REPEAT);
        assertThat(run(NfHooks.NF_INET_LOCAL_IN)).isEqualTo(-Errno.EPERM);
    }

    @Test
    void shouldQueueToUserSpaceAndGoOnFromThere() {
        verdict("before", -1, NfHooks.NF_ACCEPT);
        verdict("queue", 0, NfHooks.queueNr(7));
        verdict("after", 1, NfHooks.NF_ACCEPT);
        assertThat(run(NfHooks.NF_INET_LOCAL_IN)).isEqualTo(-Errno.ESRCH);
        List<NfQueueEntry> queued = new ArrayList<>();
        hooks.setQueueHandler((c, entry, num) -> {
            assertThat(num).isEqualTo(7);
            queued.add(entry);
            return 0;
        });
        assertThat(run(NfHooks.NF_INET_LOCAL_IN)).isZero();
        assertThat(run(NfHooks.NF_INET_LOCAL_IN)).isZero();
        calls.clear();
        assertThat(hooks.reinject(cpu, queued.get(0), NfHooks.NF_ACCEPT)).isEqualTo(42);
        assertThat(calls).containsExactly("after", "ok");
        hooks.reinject(cpu, queued.get(1), NfHooks.NF_DROP);
        assertThat(kernel.memory().outstandingSkbs()).isZero();
    }

    @Test
    void shouldPassAQueueNobodyListensToIfAllowed() {
        verdict("queue", 0, NfHooks.queueNr(1) | NfHooks.NF_VERDICT_FLAG_QUEUE_BYPASS);
        assertThat(run(NfHooks.NF_INET_LOCAL_IN)).isEqualTo(42);
    }

    @Test
    void shouldNestHooksAsLocalOutInsideLocalInDoes() {
        add("in", NfHooks.NF_INET_LOCAL_IN, 0, (c, skb, state) -> {
            assertThat(run(NfHooks.NF_INET_LOCAL_OUT)).isEqualTo(42);
            assertThat(state.hook).isEqualTo(NfHooks.NF_INET_LOCAL_IN);
            return NfHooks.NF_ACCEPT;
        });
        add("out", NfHooks.NF_INET_LOCAL_OUT, 0, (c, skb, state) -> NfHooks.NF_ACCEPT);
        assertThat(run(NfHooks.NF_INET_LOCAL_IN)).isEqualTo(42);
        assertThat(calls).containsExactly("in", "out", "ok", "ok");
    }
}
