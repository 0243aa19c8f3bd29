package net.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import net.core.api.SoftOption;
import net.core.api.SoftServerSocket;
import net.core.api.SoftSocket;
import net.core.netfilter.NfHookOps;
import net.core.netfilter.NfHooks;
import net.ipv4.IpHdr;
import net.tcp.TcpInfo;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Accurate ECN over a path that marks and loses: what the receiver counts is what the sender gets to know. */
@Timeout(60)
class TcpAccEcnTransferTest {
    private static final int PORT = 5001;
    private static final int BYTES = 3_000_000;

    /** Marks some of what arrives at a host. */
    private static void marks(Lab.Host host, long seed, double rate) {
        SplittableRandom random = new SplittableRandom(seed);
        NfHooks.of(host.net)
                .register(new NfHookOps(
                        "marks",
                        NfHooks.NFPROTO_IPV4,
                        NfHooks.NF_INET_PRE_ROUTING,
                        0,
                        (cpu, skb, state) -> {
                            if (random.nextDouble() < rate && skb.unclone(cpu) == 0) {
                                IpHdr.setCe(skb.networkAddress());
                            }
                            return NfHooks.NF_ACCEPT;
                        },
                        null));
    }

    private static TcpInfo info(SoftSocket s) throws Exception {
        return (TcpInfo) s.option(SoftOption.TCP_INFO);
    }

    @ParameterizedTest(name = "seed {0}: {1} marked, {2} lost, sysctls {3}")
    @CsvSource({
        "1, 0.1, 0, net.ipv4.tcp_ecn=3",
        "2, 0.3, 0, net.ipv4.tcp_ecn=3",
        "3, 0.05, 0.01, net.ipv4.tcp_ecn=3",
        "4, 0.05, 0.01, net.ipv4.tcp_ecn=3 net.ipv4.tcp_timestamps=0",
        "5, 0.05, 0, net.ipv4.tcp_ecn=3 net.ipv4.tcp_ecn_option=1",
        "6, 0.05, 0.02, net.ipv4.tcp_ecn=3 net.ipv4.tcp_ecn_option=1 net.ipv4.tcp_ecn_option_beacon=0",
    })
    void shouldTellTheSenderWhatWasMarked(int seed, double marked, double lost, String sysctls) throws Exception {
        AtomicReference<TcpInfo> receiver = new AtomicReference<>();
        AtomicReference<TcpInfo> sender = new AtomicReference<>();
        try (Lab lab = Lab.twoHosts(seed, 2, FaultPlan.Rates.of(lost, lost, 0, 0), sysctls.split(" "))) {
            Lab.Host a = lab.host("a");
            Lab.Host b = lab.host("b");
            marks(b, seed, marked);
            lab.start("server", () -> {
                try (SoftServerSocket l = Lab.listen(b, PORT);
                        SoftSocket s = l.accept()) {
                    PayloadStream in = new PayloadStream(seed);
                    byte[] buf = new byte[50_000];
                    while (in.position() < BYTES) {
                        in.check(buf, 0, s.read(buf, 0, buf.length));
                    }
                    s.write(buf, 0, 1); // with all counts
                    TcpInfo got = info(s);
                    assertThat(got.receivedCe).isPositive();
                    // Bytes that came twice count twice.
                    assertThat(got.receivedCeBytes + got.receivedE0Bytes).isBetween(BYTES, BYTES + BYTES / 50);
                    assertThat(s.read(buf, 0, buf.length)).isEqualTo(-1);
                    receiver.set(got);
                }
            });
            lab.start("client", () -> {
                lab.sleep(1_000_000);
                try (SoftSocket s = a.network.connect(b.at(PORT))) {
                    PayloadStream out = new PayloadStream(seed);
                    byte[] buf = new byte[30_000];
                    while (out.position() < BYTES) {
                        int n = (int) Math.min(buf.length, BYTES - out.position());
                        out.fill(buf, 0, n);
                        s.writeFully(ByteBuffer.wrap(buf, 0, n));
                    }
                    assertThat(s.read(buf, 0, 1)).isEqualTo(1);
                    sender.set(info(s));
                }
            });
            lab.joinAll();
            TcpInfo seen = Objects.requireNonNull(receiver.get());
            TcpInfo told = Objects.requireNonNull(sender.get());
            assertThat(told.deliveredCe).isEqualTo(seen.receivedCe);
            assertThat(told.deliveredCeBytes).isEqualTo(seen.receivedCeBytes);
            assertThat(told.accecnFailMode).isZero();
            assertThat(told.options & TcpInfo.TCPI_OPT_ECN).isNotZero();
        }
    }
}
