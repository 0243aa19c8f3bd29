package net.ipv4.inet;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import net.core.Cpu;
import net.core.Kernel;
import net.core.sock.Sock;
import net.core.sock.SockConst;
import net.core.sock.TcpStates;
import net.skbuff.SkBuff;
import net.skbuff.SkbDropReason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ReqskQueueTest {
    private static final class Request extends RequestSock {
        Request(RequestSockOps ops, InetConnectionSock listener) {
            super(ops, listener);
            net = listener.net;
            family = SockConst.AF_INET;
        }
    }

    /** The SYN-ACK is on its way again, and meanwhile another CPU gets the last ACK. */
    @Test
    void shouldNotArmTheTimerOfARequestThatIsGone() {
        try (Kernel kernel = Kernel.boot("clock=virtual", "debug", "net.ipv4.tcp_ehash_entries=64")) {
            TestSock listener = new TestSock(kernel.initNet(), new TestSock.TestProto(kernel));
            listener.state = TcpStates.TCP_LISTEN;
            RequestSockQueue queue = new RequestSockQueue();
            listener.icskAcceptQueue = queue;
            int[] again = new int[1];
            RequestSockOps ops = new RequestSockOps(SockConst.AF_INET) {
                @Override
                public int rtxSynAck(Cpu cpu, Sock sk, RequestSock req) {
                    again[0]++;
                    assertThat(ReqskQueue.drop(cpu, listener, req)).isTrue();
                    return 0;
                }

                @Override
                public void sendAck(Cpu cpu, Sock sk, SkBuff skb, RequestSock req) {}

                @Override
                public void sendReset(Cpu cpu, Sock sk, SkBuff skb, SkbDropReason reason) {}
            };
            Request req = new Request(ops, listener);
            Cpu cpu = kernel.localBhDisable(0);
            assertThat(ReqskQueue.hashAdd(cpu, listener, req, 1000)).isTrue();
            assertThat(queue.qlenYoung()).isEqualTo(1);
            cpu.localBhEnable();
            kernel.scheduler().sleep(60_000_000_000L);
            assertThat(again[0]).isEqualTo(1);
            assertThat(req.timer.pending()).isFalse();
            assertThat(queue.qlen()).isZero();
            assertThat(queue.qlenYoung()).isZero();
            cpu = kernel.localBhDisable(0);
            listener.skFree(cpu);
            cpu.localBhEnable();
        }
    }
}
