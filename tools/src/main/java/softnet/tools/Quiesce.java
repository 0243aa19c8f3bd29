package softnet.tools;

import net.core.Kernel;
import net.core.sock.SockCommon;
import net.core.sock.TcpStates;
import net.ipv4.inet.InetHashtables;

/**
 * Gives connections that their programs have closed the time to send what is left and say goodbye: with the kernel the
 * last bytes would go too. On Linux the kernel outlives its programs.
 */
final class Quiesce {
    private static final long FIRST_STEP_NS = 1_000_000;
    private static final long LONGEST_STEP_NS = 50_000_000;
    private static final int SAYING_GOODBYE =
            1 << TcpStates.TCP_FIN_WAIT1 | 1 << TcpStates.TCP_CLOSING | 1 << TcpStates.TCP_LAST_ACK;

    private Quiesce() {}

    /** Waits until every FIN is acknowledged, at most {@code limitNs}. Context: process, all sockets closed. */
    static void sockets(Kernel kernel, long limitNs) {
        long deadline = kernel.clock().nanoTime() + limitNs;
        for (long step = FIRST_STEP_NS; isBusy(kernel) && kernel.clock().nanoTime() < deadline; ) {
            kernel.scheduler().sleep(step);
            step = Math.min(2 * step, LONGEST_STEP_NS);
        }
    }

    private static boolean isBusy(Kernel kernel) {
        boolean[] busy = new boolean[1];
        InetHashtables.of(kernel).forEachEstablished(sk -> busy[0] |= saysGoodbye(sk));
        return busy[0];
    }

    private static boolean saysGoodbye(SockCommon sk) {
        return (1 << sk.state & SAYING_GOODBYE) != 0;
    }
}
